"""Texts in the colours of their tokens, or of their surprisal, on a terminal; nothing in a text moves the cursor."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.reports.formats import on_one_line
from pipelines.reports.model.surprisal import Part, SurprisalReport, band_names
from schemas.wording import plural
from transforms.steps.tokens.graphemes import Group, groups
from transforms.steps.tokens.tokenizer import Tokenizer

# Of xterm's 256 colours, light ones, so black letters can be read on them.
TOKEN_COLOURS = (153, 223, 151, 225, 229, 195)
BAND_COLOURS = (None, 230, 222, 215, 209, 203)  # from pale yellow to red
MAX_CELL = 24  # characters of a column; a longer cell moves its own line only
KEPT = " \u200c"  # in coloured text, where a space is seen by its ground


def on_ground(text: str, colour: int | None) -> str:
    return text if colour is None else f"\x1b[48;5;{colour}m\x1b[38;5;16m{text}\x1b[0m"


# --- Tokens -----------------------------------------------------------------------------------------------------------


def tokens_view(tokenizer: Tokenizer, text: str, colour: bool) -> str:
    """The text with each token on its own ground, or between bars without colour; then one line for each token."""
    parts = list(groups(tokenizer, text))
    tokens = sum(len(part.numbers) for part in parts)
    size = len(text.encode("utf-8", "surrogatepass"))
    ratio = f", {size / tokens:.2f} bytes a token" if tokens else ""
    head = f"{plural(tokens, 'token')}, {plural(len(text), 'character')}, {plural(size, 'byte')}{ratio}"
    painted = painted_tokens(parts) if colour else "|".join(on_one_line(part.text) for part in parts)
    return "\n".join([painted, "", head, *token_lines(parts)])


def painted_tokens(parts: Iterable[Group]) -> str:
    return "".join(
        on_ground(on_one_line(part.text, keep=" "), TOKEN_COLOURS[index % len(TOKEN_COLOURS)])
        + "\n" * part.text.count("\n")
        for index, part in enumerate(parts)
    )


def token_lines(parts: Iterable[Group]) -> list[str]:
    """Number, bytes and text of each token; tokens that share a character share a line."""
    rows = []
    for part in parts:
        numbers, sizes = (" ".join(map(str, values)) for values in (part.numbers, part.sizes))
        rows.append((numbers, sizes, on_one_line(part.text)))
    wide = [min(max((len(row[column]) for row in rows), default=0), MAX_CELL) for column in range(2)]
    return [f"  {numbers:>{wide[0]}}  {sizes:>{wide[1]}}  {text}" for numbers, sizes, text in rows]


# --- Surprisal --------------------------------------------------------------------------------------------------------


def surprisal_view(report: SurprisalReport, colour: bool) -> str:
    """The text on grounds by its surprisal; without colours a line for each token."""
    head = (
        f"{plural(report.tokens, 'token')}, {plural(report.bytes, 'byte')}: {report.bits:,.1f} bits, "
        f"{report.bits_per_byte:.3f} bits per byte, {report.bits / report.tokens:.2f} bits a token"
    )
    body = [painted_surprisal(report.parts), "", legend()] if colour else list(surprisal_lines(report))
    return "\n".join([*body, head, report.note])


def painted_surprisal(parts: Iterable[Part]) -> str:
    return "".join(
        on_ground(on_one_line(part.text, keep=KEPT), BAND_COLOURS[part.band]) + "\n" * part.text.count("\n")
        for part in parts
    )


def legend() -> str:
    return "bits: " + " ".join(on_ground(f" {name} ", BAND_COLOURS[band]) for band, name in enumerate(band_names()))


def surprisal_lines(report: SurprisalReport) -> Iterable[str]:
    """Bits, rank and text of each token; a character of several tokens stands with the first of them."""
    yield "   bits    rank  text"
    for part in report.parts:
        for index, token in enumerate(part.tokens):
            yield f"{token.bits:7.2f}  {token.rank:6,}  {'' if index else on_one_line(part.text)}".rstrip()
