"""`bateia surprise` on a terminal: the text on grounds by surprise; without colours a line for each token."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from pipelines.surprise_text import BANDS, Part, Reading
from pipelines.tokens_view import shown

GROUNDS = (None, 230, 222, 215, 209, 203)  # of xterm's 256, from pale yellow to red; black letters can be read on them
PLAIN = " \u200c"


def view(reading: Reading, colour: bool) -> str:
    head = (
        f"{reading.tokens:,} tokens, {reading.size:,} bytes: {reading.bits:,.1f} bits, {reading.bits_per_byte:.3f} "
        f"bits per byte, {reading.bits / reading.tokens:.2f} bits a token"
    )
    body = [painted(reading.parts), "", legend()] if colour else list(table(reading))
    return "\n".join([*body, head, reading.note])


def painted(parts: Iterable[Part]) -> str:
    return "".join(on_ground(shown(part.text, keep=PLAIN), part.band) + "\n" * part.text.count("\n") for part in parts)


def on_ground(text: str, band: int) -> str:
    ground = GROUNDS[band]
    return text if ground is None else f"\x1b[48;5;{ground}m\x1b[38;5;16m{text}\x1b[0m"


def legend() -> str:
    return "bits: " + " ".join(on_ground(f" {name} ", band) for band, name in enumerate(band_names()))


def band_names() -> list[str]:
    """below 1, 1 to 2, …, 12 and more."""
    between = [f"{low} to {high}" for low, high in pairwise(BANDS)]
    return [f"below {BANDS[0]}", *between, f"{BANDS[-1]} and more"]


def table(reading: Reading) -> Iterable[str]:
    """Bits, rank and text of each token; a character of several tokens is told with the first of them."""
    yield "   bits    rank  text"
    for part in reading.parts:
        for at, token in enumerate(part.tokens):
            yield f"{token.bits:7.2f}  {token.rank:6,}  {'' if at else shown(part.text)}".rstrip()
