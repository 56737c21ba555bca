"""Repair a text's encoding and the remains of tables, as FineWeb2 does at its end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

from schemas.document import Document
from schemas.setting import setting
from schemas.verdict import Check, Drop
from transforms.steps.step import DocumentStep

SOURCE = "FineWeb2, fineweb-2-pipeline.py"
# Of these signs alone ftfy changes none: mojibake has letters with accents, entities begin with "&". A "<" counts, for
# ftfy leaves entities alone from the first one on.
SOUND = re.compile("[\\t !-%'-;=-~“”‘’–—…]*")
BARS = re.compile(r"[| ]*\|[| ]*")  # a line of bars, where trafilatura wrote a row without cells


@dataclass(frozen=True)
class RepairText(DocumentStep):
    """Mends mojibake, entities and control characters with ftfy, and makes a break of lines of nothing but "|".

    Source: FineWeb2's pipeline, which does both after its filters. ftfy has datatrove's settings: nothing that only
    looks alike is changed into another (ligatures, widths, quotes, normal forms), so scripts come out as they went in.
    A text of which nothing is left is dropped.
    """

    stage: ClassVar[str] = "repair"
    measures: ClassVar[tuple[str, ...]] = ()
    distributions: ClassVar[tuple[str, ...]] = ("ftfy",)

    encoding: bool = setting(True, "mend with ftfy what was decoded wrongly", SOURCE)
    bars: bool = setting(True, "make lines of nothing but '|' one empty line", SOURCE)

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        if self.encoding:
            _ftfy()

    def repaired(self, text: str) -> str:
        if self.encoding:
            text = _mended(text)
        if not self.bars or "|" not in text:
            return text
        lines: list[str] = []
        in_bars = False
        for line in text.splitlines():
            bars = BARS.fullmatch(line) is not None
            if not bars or not in_bars:
                lines.append("\n" if bars else line)
            in_bars = bars
        return "\n".join(lines)

    def checks(self, document: Document) -> Iterable[Check]:
        return ()

    def __call__(self, document: Document) -> Document | Drop:
        text = self.repaired(document.text)
        if not text.strip():
            return Drop(self.stage, "empty")
        return document if text == document.text else replace(document, text=text)


def _mended(text: str) -> str:
    """The text by ftfy, which goes line by line; lines that it can't change are not shown to it."""
    fix, config = _ftfy()
    lines = text.split("\n")
    doubtful = [index for index, line in enumerate(lines) if SOUND.fullmatch(line) is None]
    if not doubtful:
        return text
    mended = fix("\n".join(lines[index] for index in doubtful), config=config).split("\n")
    if len(mended) != len(doubtful):  # a line was made of several, so which is which isn't known
        return fix(text, config=config)
    for index, line in zip(doubtful, mended, strict=True):
        lines[index] = line
    return "\n".join(lines)


@cache
def _ftfy() -> tuple[Any, Any]:
    """ftfy's function, and datatrove's settings of it."""
    from ftfy import TextFixerConfig, fix_text

    return fix_text, TextFixerConfig(
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        normalization=None,
    )
