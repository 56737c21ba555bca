"""The course as a whole: sections made in order, those that are made already passed over; pages and what links them.

out/course/  index.html    the first page          <section>.html  a page of each section made
             course.json   what was made from what, with the time it took
             <section>/    made-from.json (written first), numbers.json (written last), and what was made

A section is made anew if its settings are others, or if one that it is made from is.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from pipelines.course.pace import FULL, LANGUAGES, Pace
from pipelines.course.page import CoursePage, Neighbour, Open, Part, Text, render_page
from pipelines.course.section import Section, Work
from pipelines.course.words import Words, papers, words_of
from pipelines.reports.formats import duration
from pipelines.reports.render import encode, write_page
from schemas.faults import BadInput
from schemas.lease import take
from schemas.storage import write_json

COURSE, MADE_FROM, NUMBERS, INDEX = "course.json", "made-from.json", "numbers.json", "index.html"
FORMAT = 1  # of what sections write; another one makes all anew
INDEX_TEXTS = "course"  # in texts/
FOLDER = "out/course"  # as the texts call the course's own


def chosen(sections: Sequence[Section], names: Sequence[str]) -> list[Section]:
    """Those asked for and all that they are made from, in order; all of them without names.

    Raises BadInput for a name that there is not.
    """
    known = {section.name: section for section in sections}
    if strange := [name for name in names if name not in known]:
        raise BadInput(f"no section is called '{strange[0]}'; there are {', '.join(known)}")
    wanted, left = set[str](), list(names or known)
    while left:
        name = left.pop()
        if name not in wanted:
            wanted.add(name)
            left += known[name].needs
    return [section for section in sections if section.name in wanted]


def keys_of(sections: Sequence[Section], pace: Pace, backend: str) -> dict[str, str]:
    """Of each section, a hash of its settings and of the sections that it is made from."""
    keys: dict[str, str] = {}
    for section in sections:
        told = settings_of(section, pace, backend) | {"needs": {name: keys[name] for name in section.needs}}
        keys[section.name] = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    return keys


def settings_of(section: Section, pace: Pace, backend: str) -> dict[str, Any]:
    values = asdict(pace)
    return {"section": section.name, "format": FORMAT, "backend": backend} | {
        name: values[name] for name in section.settings
    }


class Book:
    """The sections of a course in its folder. Raises BadInput for a folder that holds other files.

    show: is given a line on what is under way
    """

    def __init__(
        self,
        folder: str,
        sections: Sequence[Section],
        pace: Pace,
        backend: str = "jax",
        workers: int = 2,
        show: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.folder, self.sections, self.pace = Path(folder), tuple(sections), pace
        self._backend, self._workers, self._show = backend, workers, show
        self._keys = keys_of(sections, pace, backend)
        self._refuse_foreign()

    def _refuse_foreign(self) -> None:
        if "://" in str(self.folder) or self.folder.is_file():
            raise BadInput(f"output {self.folder} is no local folder; give one that is not there, or a course's")
        own = {INDEX, COURSE, *(section.name for section in self.sections)}
        own |= {f"{section.name}.html" for section in self.sections}
        marks = [self.folder / COURSE, *(self.folder / section.name / MADE_FROM for section in self.sections)]
        if not any(mark.exists() for mark in marks):
            own = set()  # nothing in there is known as a course's
        there = sorted(path for path in self.folder.iterdir()) if self.folder.is_dir() else []
        foreign = [path.name for path in there if path.name not in own and not path.name.startswith(".")]
        foreign = [name for name in foreign if not is_empty(self.folder / name)]
        if foreign:
            raise BadInput(f"output {self.folder} holds other files, such as {foreign[0]}; choose another --output")

    def make(self, names: Sequence[str] = ()) -> list[Section]:
        """Make sections and what they are made from. Returns those that were made now.

        Raises BadInput; and `pipelines.engine.run.Stopped` if a signal ended it: the same call goes on from there.
        """
        wanted = chosen(self.sections, names)
        left = [section for section in wanted if self.numbers(section) is None]
        clock = Clock(left, quick=self.pace != FULL)
        self.folder.mkdir(parents=True, exist_ok=True)
        for section in left:
            take(str(self.folder))  # stages release what their process holds
            clock.begin(section)
            work = self._work(section, clock)
            started = time.monotonic()
            numbers = section.measure(work)
            write_json(str(work.folder / NUMBERS), encode(numbers))
            self._note(section, time.monotonic() - started)
        return left

    def _work(self, section: Section, clock: Clock) -> Work:
        """A section's folder, emptied if it holds what was made from something else."""
        folder = self.folder / section.name
        made_from = settings_of(section, self.pace, self._backend) | {"key": self._keys[section.name]}
        if read_or_none(folder / MADE_FROM) != json.loads(json.dumps(made_from)):
            clear(folder)
            folder.mkdir(parents=True, exist_ok=True)
            write_json(str(folder / MADE_FROM), made_from)

        def tell(what: str, share: float) -> None:
            self._show(clock.line(what, share))

        tell("", 0.0)
        return Work(self.folder, folder, self.pace, self._backend, self._workers, tell)

    def _note(self, section: Section, seconds: float) -> None:
        told = read_or_none(self.folder / COURSE) or {}
        told[section.name] = {
            "key": self._keys[section.name],
            "made_from": {name: self._keys[name] for name in section.needs},
            "seconds": round(seconds, 1),
        }
        write_json(str(self.folder / COURSE), told)

    def numbers(self, section: Section) -> msgspec.Struct | None:
        """What a section has measured; None unless that was from what is asked for now."""
        folder = self.folder / section.name
        made_from = read_or_none(folder / MADE_FROM)
        if made_from is None or made_from.get("key") != self._keys[section.name]:
            return None
        try:
            return msgspec.convert(read_or_none(folder / NUMBERS), section.numbers)
        except msgspec.ValidationError:
            return None

    # --- Pages --------------------------------------------------------------------------------------------------------

    def write_pages(self, language: str, versions: dict[str, str]) -> Path:
        """Pages of all sections that are made, and the first one. Returns its path. Raises BadInput."""
        if language not in LANGUAGES:
            raise BadInput(f"the course is not in '{language}'; there are {', '.join(LANGUAGES)}")
        words = words_of(language)
        found = ((section, self.numbers(section)) for section in self.sections)
        made = [(section, numbers) for section, numbers in found if numbers is not None]
        around = [None, *(neighbour(section, words) for section, _ in made), None]
        for at, (section, numbers) in enumerate(made):
            page = self._page(section, section.tell(numbers, words), words, around[at], around[at + 2])
            write_page(str(self.folder / f"{section.name}.html"), render_page(page, versions))
        write_page(str(self.folder / INDEX), render_page(self._index(made, words), versions))
        return self.folder / INDEX

    def _page(
        self, section: Section, parts: Sequence[Part], words: Words, before: Neighbour | None, after: Neighbour | None
    ) -> CoursePage:
        name = section.name
        place = words(INDEX_TEXTS, "place", at=self.sections.index(section) + 1, of=len(self.sections))
        about = Part(words(INDEX_TEXTS, "idea_title"), self._paragraphs(words, name))
        return CoursePage(
            language=words.language,
            place=place,
            title=words(name, "title"),
            lead=words(name, "lead"),
            parts=(about, *parts),
            tries=self._tries(words, name),
            papers=tuple(papers()[paper] for paper in words.all(name, "papers")),
            words=frame(words),
            before=before or Neighbour(INDEX, words(INDEX_TEXTS, "title")),
            after=after,
        )

    def _paragraphs(self, words: Words, name: str) -> tuple[Text, ...]:
        """What a page is about; of another pace than the full one, that too."""
        paragraphs = words.all(name, "idea")
        return tuple(map(Text, paragraphs if self.pace == FULL else (words(INDEX_TEXTS, "quick"), *paragraphs)))

    def _tries(self, words: Words, name: str) -> tuple[str, ...]:
        """With commands that name this course's folder."""
        return tuple(text.replace(FOLDER, str(self.folder)) for text in words.all(name, "tries"))

    def _index(self, made: Sequence[tuple[Section, Any]], words: Words) -> CoursePage:
        times = read_or_none(self.folder / COURSE) or {}
        there = {section.name for section, _ in made}
        blocks = []
        for number, section in enumerate(self.sections, 1):
            title = f"{number}. {words(section.name, 'title')}"
            if section.name in there:
                took = duration(times.get(section.name, {}).get("seconds", 0))
                blocks.append(Open(f"{section.name}.html", title, f"{words(section.name, 'lead')} ({took})"))
            else:
                blocks.append(Text(words(INDEX_TEXTS, "missing", title=title, section=section.name)))
        about = self._paragraphs(words, INDEX_TEXTS)
        first = neighbour(made[0][0], words) if made else None
        return CoursePage(
            language=words.language,
            place="",
            title=words(INDEX_TEXTS, "title"),
            lead=words(INDEX_TEXTS, "lead"),
            parts=(Part(words(INDEX_TEXTS, "sections"), tuple(blocks)), Part(words(INDEX_TEXTS, "how"), about)),
            tries=self._tries(words, INDEX_TEXTS),
            papers=(),
            words=frame(words),
            before=None,
            after=first,
        )


def neighbour(section: Section, words: Words) -> Neighbour:
    return Neighbour(f"{section.name}.html", words(section.name, "title"))


def frame(words: Words) -> dict[str, str]:
    """Words that the template has on every page."""
    return {name: words(INDEX_TEXTS, name) for name in ("course", "tries_title", "papers_title")}


class Clock:
    """How far the course is, and how long it will take. sections: those to be made; quick: not in the full pace"""

    def __init__(self, sections: Sequence[Section], quick: bool = False) -> None:
        self._sections, self._started = tuple(sections), time.monotonic()
        self._minutes = [section.quick_minutes if quick else section.minutes for section in sections]
        self._all = sum(self._minutes)
        self._at, self._done = 0, 0.0

    def begin(self, section: Section) -> None:
        self._at = self._sections.index(section)
        self._done = sum(self._minutes[: self._at])

    def line(self, what: str, share: float) -> str:
        section = self._sections[self._at]
        done = (self._done + share * self._minutes[self._at]) / self._all
        spent = time.monotonic() - self._started
        expected = duration(spent / done - spent) if done > 0.01 else duration(60 * self._all * (1 - done))
        parts = [f"[{self._at + 1}/{len(self._sections)}] {section.name}", *([what] if what else [])]
        return f"{' · '.join(parts)} · {expected} left"


def is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def clear(folder: Path) -> None:
    """Remove what a section has made, and last what says that it is ours. Raises BadInput if nothing says so."""
    there = [path for path in folder.iterdir() if path.name != MADE_FROM] if folder.is_dir() else []
    if there and not (folder / MADE_FROM).exists():
        raise BadInput(f"{folder} holds files that no course has written, such as {there[0].name}; remove or move it")
    for path in there:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    (folder / MADE_FROM).unlink(missing_ok=True)


def read_or_none(path: Path) -> Any:
    """JSON, or None where there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
