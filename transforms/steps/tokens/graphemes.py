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
    sizes: bytes of the text that each token stands for
    """

    text: str
    numbers: tuple[int, ...]
    sizes: tuple[int, ...]


def groups(tokenizer: Tokenizer, text: str) -> Iterator[Group]:
    """The text in groups of one token each, or of as few as end where a grapheme ends.

    A space that the tokenizer puts before every text is part of none. Where it alters the text, as by lower-casing, the
    groups are of the altered text, with special tokens for what it does not know by their names.
    """
    numbers = tokenizer.encode(text).tolist()
    shown = [tokenizer.pieces[number] or b"" for number in numbers]
    extra = tokenizer.prefix if b"".join(shown).startswith(tokenizer.prefix) else b""
    if b"".join(shown) != extra + text.encode("utf-8", "surrogatepass"):
        names = {number: name.encode() for name, number in tokenizer.specials.items()}
        shown = [names.get(number, piece) for number, piece in zip(numbers, shown, strict=True)]
    shown = list(without_prefix(shown, len(extra)))
    data, first, start = b"".join(shown), 0, 0
    ends = set(accumulate(grapheme_bytes(data)))
    for following, end in enumerate(accumulate(map(len, shown)), 1):
        if end in ends:
            part = data[start:end].decode("utf-8", "replace")
            yield Group(part, tuple(numbers[first:following]), tuple(map(len, shown[first:following])))
            first, start = following, end


def without_prefix(pieces: list[bytes], size: int) -> Iterator[bytes]:
    """The pieces without their first `size` bytes in all."""
    for piece in pieces:
        cut = min(size, len(piece))
        size -= cut
        yield piece[cut:]


def grapheme_bytes(data: bytes) -> list[int]:
    """Bytes of each grapheme; a surrogate alone is one, and so is each byte of what is no UTF-8."""
    try:
        data.decode("utf-8", "surrogatepass")
        errors = "surrogatepass"
    except UnicodeDecodeError:
        errors = "surrogateescape"
    return [len(grapheme.encode("utf-8", errors)) for grapheme in regex.findall(r"\X", data.decode("utf-8", errors))]
