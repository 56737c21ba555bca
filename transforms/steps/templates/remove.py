"""Take out of a document the lines that its site repeats from page to page."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from schemas.document import Document
from schemas.faults import BadInput, reason
from schemas.setting import setting
from schemas.verdict import Check
from transforms.steps.step import AssetRef, DocumentStep
from transforms.steps.templates.keys import keyed_lines
from transforms.steps.text.structure import Line, lines_of

SITE_TEMPLATES = "site templates"
STAGE = "templates"  # of the run that writes a folder of them
KEYS = "lines.npy"  # of a folder that `bateia templates` wrote: sorted uint64, a key a line
MARKS = re.compile(r"#+")
DEEPEST = 7  # deeper than any heading: text that stands under one


class Removed(NamedTuple):
    """What taking lines out makes of a text.

    lines: how many went
    share: of the text's characters, those in lines of the template, whether they went or not
    """

    text: str
    lines: int
    share: float


@dataclass(frozen=True)
class RemoveTemplateLines(DocumentStep):
    """Takes out the lines that a document's site repeats on its pages, as `bateia templates` has counted them.

    Code, rows of tables and what the document says more than once stay. A heading goes only if nothing that stays
    stands under it. A document of which more than `max_share` are such lines is left as it is: its pages differ in
    little else, so that no line of it is known for template. It stands before all other steps on documents, for the
    lines were counted as extraction gave them.
    """

    stage: ClassVar[str] = STAGE
    measures: ClassVar[tuple[str, ...]] = ("template_lines", "template_share")
    distributions: ClassVar[tuple[str, ...]] = ("tldextract",)

    templates: str = setting("", "folder that `bateia templates` wrote")
    max_share: float = setting(
        0.5,
        "a document with a larger share of characters in such lines stays whole",
        "ours; with 1 token F1 gains .002 more, and the worst page loses .5",
    )

    def assets(self) -> tuple[AssetRef, ...]:
        return (AssetRef("templates", SITE_TEMPLATES, self.templates),)

    def bound(self, paths: Mapping[str, str]) -> Self:
        return replace(self, templates=paths["templates"])

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        """Open the keys, once per process. Raises BadInput if they are absent or broken."""
        open_keys(self.templates)

    def remove(self, url: str, text: str) -> Removed:
        keys = open_keys(self.templates)
        found = {line.number for line in keyed_lines(url, text) if holds(keys, line.key)}
        if not found:
            return Removed(text, 0, 0.0)
        lines = lines_of(text)
        found -= headings_of_text(lines, found)
        share = chars_of(lines[index] for index in found) / (chars_of(lines) or 1)
        if share > self.max_share:
            return Removed(text, 0, share)
        return Removed(without(lines, found), len(found), share)

    def checks(self, document: Document) -> Iterable[Check]:
        return ()

    def __call__(self, document: Document) -> Document:
        text, lines, share = self.remove(document.url, document.text)
        measured = {"template_lines": lines, "template_share": share}
        return replace(document, text=text, quality={**document.quality, **measured})


@lru_cache(maxsize=4)
def open_keys(folder: str) -> Sequence[int]:
    """The keys of a folder, memory-mapped, so that a machine holds them once. Raises BadInput."""
    import numpy as np

    path = Path(folder, KEYS)
    try:
        keys = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"{SITE_TEMPLATES} {path} can't be read ({reason(error)}); make them again") from error
    if keys.dtype != np.uint64 or keys.ndim != 1:
        raise BadInput(f"{SITE_TEMPLATES} {path} hold {keys.dtype}{keys.shape} and no keys; make them again")
    return memoryview(keys)  # pyright: ignore[reportReturnType] - of integers, as it is of uint64


def holds(keys: Sequence[int], key: int) -> bool:
    place = bisect_left(keys, key)
    return place < len(keys) and keys[place] == key


def headings_of_text(lines: Sequence[Line], found: set[int]) -> set[int]:
    """Headings among the lines found under which something stays: "References" on every page of an encyclopedia."""
    stay: set[int] = set()
    following = 0  # level of the next line that stays; 0 at the end
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        if line.kind == "blank":
            continue
        level = level_of(line)
        if index in found and (line.kind != "heading" or following <= level):
            continue
        if index in found:
            stay.add(index)
        following = level
    return stay


def level_of(line: Line) -> int:
    marks = MARKS.match(line.text.lstrip()) if line.kind == "heading" else None
    return len(marks[0]) if marks else DEEPEST


def chars_of(lines: Iterable[Line]) -> int:
    return sum(len(line.text.strip()) for line in lines)


def without(lines: Sequence[Line], found: set[int]) -> str:
    """The other lines, with one empty line at most where several came together."""
    kept: list[str] = []
    for index, line in enumerate(lines):
        empty = line.kind == "blank" and not line.text.strip()
        if index not in found and not (empty and (not kept or not kept[-1].strip())):
            kept.append(line.text)
    return "\n".join(kept).rstrip("\n")
