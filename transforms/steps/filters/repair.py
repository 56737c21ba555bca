"""Repair a text's encoding and the remains of tables, as FineWeb2 does at its end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

from schemas.document import Document
from schemas.setting import setting
from schemas.verdict import Check, Drop
from transforms.steps.step import DocumentStep

SOURCE = "FineWeb2, fineweb-2-pipeline.py"
# Of these signs alone ftfy changes none.
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
        """The text mended; lines of bars alone, one after the other, become one break."""
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
    if SOUND.fullmatch(text.replace("\n", " ")) is not None:
        return text
    fix, config = _ftfy()
    may_change = _may_change()
    lines = text.split("\n")
    # ftfy leaves entities alone from the first line on that has a "<".
    entities = _entity().search(text) is not None
    doubtful = [
        index
        for index, line in enumerate(lines)
        if SOUND.fullmatch(line) is None and (may_change(line) or (entities and ("<" in line or "&" in line)))
    ]
    if not doubtful:
        return text
    last = "" if doubtful[-1] == len(lines) - 1 else "\n"  # a line's end counts to ftfy
    mended = fix("\n".join(lines[index] for index in doubtful) + last, config=config).split("\n")
    if last and len(mended) == len(doubtful) + 1 and not mended[-1]:
        mended.pop()
    if len(mended) != len(doubtful):  # a line was made of several, so which is which isn't known
        return fix(text, config=config)
    for index, line in zip(doubtful, mended, strict=True):
        lines[index] = line
    return "\n".join(lines)


@cache
def _entity() -> re.Pattern[str]:
    """What ftfy takes for an entity."""
    from ftfy.chardata import HTML_ENTITY_RE

    return HTML_ENTITY_RE


@cache
def _may_change() -> Callable[[str], bool]:
    """Whether ftfy may change a line without entities: it holds a control character, a surrogate, or what ftfy takes
    for mojibake. ftfy's own tests; its other fixes are off."""
    from ftfy.badness import is_bad
    from ftfy.chardata import CONTROL_CHARS

    control = re.compile(f"[{re.escape(''.join(map(chr, CONTROL_CHARS)))}\x80-\x9f\ud800-\udfff]")
    longest = _ftfy()[1].max_decode_length - 1  # ftfy looks at the pieces of a longer line
    return lambda line: len(line) > longest or control.search(line) is not None or is_bad(line + "\n")


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
