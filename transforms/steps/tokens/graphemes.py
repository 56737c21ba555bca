"""Which part of a text each token stands for, in whole characters as people see them.

A token may hold only some of a character's bytes, and a character that people see (a grapheme cluster, Unicode
Annex 29) may be several code points. So tokens are put together until a token and a grapheme end at the same byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

import regex

from transforms.steps.tokens.tokenizer import Tokenizer


class Group(NamedTuple):
    """Tokens that stand for whole graphemes.

    text: what they stand for
    numbers: of the tokens
    sizes: bytes of each token
    """

    text: str
    numbers: tuple[int, ...]
    sizes: tuple[int, ...]


def groups(tokenizer: Tokenizer, text: str) -> Iterator[Group]:
    """The text in groups of one token each, or of as few as end where a grapheme ends."""
    numbers = tokenizer.encode(text).tolist()
    sizes = [len(tokenizer.pieces[number]) for number in numbers]
    graphemes = regex.findall(r"\X", text)
    ends = set(accumulate(len(grapheme.encode("utf-8", "surrogatepass")) for grapheme in graphemes))
    data, first, start = text.encode("utf-8", "surrogatepass"), 0, 0
    for following, end in enumerate(accumulate(sizes), 1):
        if end in ends:
            shown = data[start:end].decode("utf-8", "replace")
            yield Group(shown, tuple(numbers[first:following]), tuple(sizes[first:following]))
            first, start = following, end
