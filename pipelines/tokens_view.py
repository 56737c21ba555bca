"""`bateia tokens`: a text in the colours of its tokens, with their numbers and bytes, on a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from transforms.steps.token_groups import Group, groups
from transforms.steps.tokenizer import Tokenizer

COLOURS = (153, 223, 151, 225, 229, 195)  # of xterm's 256, light ones, so black letters can be read on them
WIDEST = 24  # characters of a column; a longer cell moves its own line only
NAMED = {"\n": "⏎", "\t": "⇥", "\r": "␍", " ": "·"}


def view(tokenizer: Tokenizer, text: str, colour: bool) -> str:
    """The text with each token on its own ground, or between bars without colour; then one line for each token."""
    found = list(groups(tokenizer, text))
    tokens = sum(len(group.numbers) for group in found)
    size = len(text.encode("utf-8", "surrogatepass"))
    ratio = f", {size / tokens:.2f} bytes a token" if tokens else ""
    head = f"{tokens} tokens, {len(text)} characters, {size} bytes{ratio}"
    painted = painted_text(found) if colour else "|".join(shown(group.text) for group in found)
    return "\n".join([painted, "", head, *table(found)])


def painted_text(found: Iterable[Group]) -> str:
    pieces = []
    for at, group in enumerate(found):
        ground = f"\x1b[48;5;{COLOURS[at % len(COLOURS)]}m\x1b[38;5;16m"
        text = shown(group.text, keep=" ")
        pieces.append(f"{ground}{text}\x1b[0m" + "\n" * group.text.count("\n"))
    return "".join(pieces)


def shown(text: str, keep: str = "") -> str:
    """The text on one line: what does not print is shown by a sign or its code point, so nothing moves the cursor."""
    return "".join(char if char in keep else NAMED.get(char, char if prints(char) else code(char)) for char in text)


def prints(char: str) -> bool:
    return unicodedata.category(char)[0] not in "CZ" or char == "\u200d"  # a joiner holds an emoji together


def code(char: str) -> str:
    return f"<U+{ord(char):04X}>"


def table(found: Iterable[Group]) -> list[str]:
    """Number, bytes and text of each token; tokens that share a character share a line."""
    rows = []
    for group in found:
        numbers, sizes = (" ".join(map(str, values)) for values in (group.numbers, group.sizes))
        rows.append((numbers, sizes, shown(group.text)))
    wide = [min(max((len(row[column]) for row in rows), default=0), WIDEST) for column in range(2)]
    return [f"  {numbers:>{wide[0]}}  {sizes:>{wide[1]}}  {text}" for numbers, sizes, text in rows]
