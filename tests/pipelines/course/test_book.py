"""A course of small sections: what is made already is passed over, and a change makes anew what depends on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from pipelines.course.book import Book, Clock, chosen, keys_of
from pipelines.course.pace import QUICK, Pace
from pipelines.course.page import Part, Text
from pipelines.course.section import Section, Work
from pipelines.course.sections.order import SECTIONS
from pipelines.course.words import Words
from schemas.faults import BadInput
from support.pages import Strict


class Numbers(Struct, frozen=True):
    made: str


class Maker:
    """Sections crawl → tokens, pretraining → inside, that note when they are made; `fails` raises."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.fails = ""
        names = {"crawl": ((), "seed"), "tokens": (("crawl",), "items"), "pretraining": (("crawl",), "base_steps")}
        names |= {"inside": (("pretraining",), "dreams")}
        self.sections = tuple(
            Section(name, needs, 1.0, (setting,), Numbers, self.measure, self.tell)
            for name, (needs, setting) in names.items()
        )

    def measure(self, work: Work) -> Numbers:
        if work.folder.name == self.fails:
            (work.folder / "half.txt").write_text("half")
            raise OSError("the disk is full")
        self.made.append(work.folder.name)
        (work.folder / "thing.txt").write_text("made")
        work.tell("making", 0.5)
        return Numbers(f"{work.folder.name} <b>{{made}}</b>")

    def tell(self, numbers: Any, words: Words) -> list[Part]:
        return [Part("What was made", (Text(numbers.made),))]

    def make(self, folder: Path, pace: Pace = QUICK, names: tuple[str, ...] = ()) -> list[str]:
        """Names of the sections that were made."""
        self.made = []
        book = Book(str(folder), self.sections, pace)
        book.make(names)
        book.write_pages("en", {"bateia": "0"})
        return self.made


@pytest.fixture
def maker() -> Maker:
    return Maker()


def test_what_is_made_is_passed_over_and_a_change_makes_anew_what_depends_on_it(maker: Maker, tmp_path: Path) -> None:
    everything = ["crawl", "tokens", "pretraining", "inside"]
    assert maker.make(tmp_path / "course") == everything
    assert maker.make(tmp_path / "course") == []
    (tmp_path / "course" / "tokens" / "stale.txt").write_text("of other settings")
    assert maker.make(tmp_path / "course", replace(QUICK, items=99)) == ["tokens"]
    assert sorted(path.name for path in (tmp_path / "course" / "tokens").iterdir()) == [
        "made-from.json",
        "numbers.json",
        "thing.txt",
    ]
    assert maker.make(tmp_path / "course", replace(QUICK, items=99, base_steps=9)) == ["pretraining", "inside"]
    assert maker.make(tmp_path / "course", replace(QUICK, seed=5)) == everything
    told = json.loads((tmp_path / "course" / "course.json").read_text())
    assert set(told) == set(everything)
    assert told["inside"]["made_from"] == {"pretraining": told["pretraining"]["key"]}


def test_a_section_alone_is_made_with_what_it_is_made_from(maker: Maker, tmp_path: Path) -> None:
    assert maker.make(tmp_path / "course", names=("inside",)) == ["crawl", "pretraining", "inside"]
    index = Strict((tmp_path / "course" / "index.html").read_text(), links=True)
    assert "Tokenization: not made yet" in index.text
    assert not (tmp_path / "course" / "tokens.html").exists()
    assert maker.make(tmp_path / "course") == ["tokens"]


def test_pages_are_linked_in_order_and_what_they_say_is_escaped(maker: Maker, tmp_path: Path) -> None:
    maker.make(tmp_path / "course")
    page = (tmp_path / "course" / "pretraining.html").read_text()
    assert 'href="tokens.html"' in page and 'href="inside.html"' in page
    assert "pretraining <b>{made}</b>" in Strict(page, links=True).text
    book = Book(str(tmp_path / "course"), maker.sections, QUICK)
    book.write_pages("pt", {"bateia": "0"})
    assert '<html lang="pt">' in (tmp_path / "course" / "pretraining.html").read_text()


def test_a_section_that_fails_leaves_those_before_it_and_its_own_work(maker: Maker, tmp_path: Path) -> None:
    maker.fails = "pretraining"
    with pytest.raises(OSError, match="full"):
        maker.make(tmp_path / "course")
    assert (tmp_path / "course" / "pretraining" / "half.txt").exists()
    maker.fails = ""
    assert maker.make(tmp_path / "course") == ["pretraining", "inside"]
    assert (tmp_path / "course" / "pretraining" / "half.txt").exists()  # it went on in there


@pytest.mark.parametrize("damaged", ["numbers.json", "made-from.json"])
def test_what_is_damaged_is_made_anew(maker: Maker, tmp_path: Path, damaged: str) -> None:
    maker.make(tmp_path / "course")
    (tmp_path / "course" / "tokens" / damaged).write_text('{"made": 3')
    assert maker.make(tmp_path / "course") == ["tokens"]


def test_foreign_folders_and_unknown_names_are_refused(maker: Maker, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"")
    with pytest.raises(BadInput, match=r"holds other files, such as cat\.png"):
        maker.make(tmp_path / "photos")
    (tmp_path / "own" / "crawl").mkdir(parents=True)
    (tmp_path / "own" / "crawl" / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match="holds other files, such as crawl"):
        maker.make(tmp_path / "own")
    (tmp_path / "mixed" / "tokens").mkdir(parents=True)
    maker.make(tmp_path / "mixed", names=("pretraining",))
    (tmp_path / "mixed" / "tokens" / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match="files that no course has written, such as thesis"):
        maker.make(tmp_path / "mixed")
    assert (tmp_path / "own" / "crawl" / "thesis.txt").exists() and (tmp_path / "mixed/tokens/thesis.txt").exists()
    with pytest.raises(BadInput, match="no section is called 'poems'; there are crawl, tokens"):
        chosen(maker.sections, ("poems",))
    with pytest.raises(BadInput, match="not in 'fr'"):
        Book(str(tmp_path / "course"), maker.sections, QUICK).write_pages("fr", {})


def test_a_key_hangs_on_settings_and_on_what_is_needed(maker: Maker) -> None:
    before = keys_of(maker.sections, QUICK, "jax")
    after = keys_of(maker.sections, replace(QUICK, base_steps=77), "jax")
    assert {name for name in before if before[name] != after[name]} == {"pretraining", "inside"}
    assert all(before[name] != key for name, key in keys_of(maker.sections, QUICK, "torch").items())


def test_the_time_that_is_left_is_told(maker: Maker) -> None:
    clock = Clock(maker.sections)
    clock.begin(maker.sections[2])
    assert clock.line("step 3 of 4", 0.5).startswith("[3/4] pretraining · step 3 of 4 · ")
    assert clock.line("", 0.0).endswith(" left")


def test_a_quick_course_is_no_full_one() -> None:
    """Before anything is done: of the full pace's minutes nothing is left over in the quick one."""
    left = []
    for quick in (False, True):
        clock = Clock(SECTIONS, quick)
        clock.begin(SECTIONS[0])
        left.append(clock.line("", 0.0).rpartition(" · ")[2].replace("\xa0", " "))
    assert left == ["41 min 00 s left", "2 min 43 s left"]
