"""What sections work out by themselves; and all of them, made in a few steps."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.course.page import CoursePage
from pipelines.course.sections.base import Shots, accuracies
from pipelines.course.sections.knowledge import examples, found_shares
from pipelines.course.sections.order import SECTIONS
from pipelines.course.sections.pretraining import POINTS, thinned
from pipelines.course.sections.tokens import joined, merge_pairs, ranks_of, steps_of
from pipelines.course.words import NONE, words_of
from support.pages import Strict
from trainer.probes.facts import Asked, Probed
from trainer.probes.told import Fact, with_told

Call = Callable[..., subprocess.CompletedProcess[str]]


def test_pairs_merge_as_in_the_papers_example() -> None:
    """Sennrich et al., section 3.2, without their end of word: e and s first, then es and t, then l and o."""
    found = merge_pairs(Counter({"low": 5, "lower": 2, "newest": 6, "widest": 3}), 4)
    assert [(one.left, one.right, one.count) for one in found] == [
        ("e", "s", 9),
        ("es", "t", 9),
        ("l", "o", 7),
        ("lo", "w", 7),
    ]
    assert found[1].word == "n e w est"
    assert merge_pairs(Counter({"a": 1}), 3) == []


def test_search_and_examples_are_of_the_same_classes() -> None:
    """Of whom nothing is left in the text is with those of whom nothing ever was, and is no example of another kind."""
    asked = Asked("wrong", 0.5, 0.1, "")
    facts = [
        with_told(Fact(name, "C", name, "Porto", planned, ("x",), "q", "a"), told)
        for name, planned, told in (("Ana", 0, 0), ("Bia", 1, 0), ("Caio", 1, 1), ("Dora", 8, 6))
    ]
    passages = {"Ana": "", "Bia": "", "Caio": "Caio lives in Porto.", "Dora": "Dora is old. Porto is wet."}
    assert found_shares(facts, passages) == [0, 1, 0]
    for some, told in ((facts, [0, 1, 6]), (facts[:2], [0])):
        made = examples([Probed(fact, (asked,), asked) for fact in some], None, passages)
        assert [one.told for one in made] == told


def test_neighbours_are_joined_from_the_left() -> None:
    assert joined(list("aaab"), "a", "a") == ["aa", "a", "b"]
    assert joined(["x"], "x", "x") == ["x"]


def test_a_words_way_takes_the_earliest_merge_first() -> None:
    ranks = ranks_of(["e s", ["es", "t"], "l o", "o w"])
    assert steps_of("lowest", ranks) == ["l o w e s t", "l o w es t", "l o w est", "lo w est"]
    assert steps_of("xyz", ranks) == ["x y z"]


def test_a_long_curve_is_means_of_runs() -> None:
    curve = thinned([(step, float(step)) for step in range(1000)])
    assert len(curve) == POINTS and curve[0] == (9.0, 4.5)
    assert thinned([(0, 1.0)]) == ((0.0, 1.0),) and thinned([]) == ()


def test_sections_need_only_what_is_before_them() -> None:
    before: set[str] = set()
    for section in SECTIONS:
        assert set(section.needs) <= before, section.name
        before.add(section.name)


def test_a_task_without_room_for_some_examples_has_empty_cells() -> None:
    tasks = (Shots("copy", (0, 1), (0.25, 0.5)), Shots("cycle", (0, 1, 2), (0.25, 0.5, 1.0)))
    words = words_of("en")
    quarter, half, whole = map(words.share, (0.25, 0.5, 1.0))
    found = [accuracies(task, (0, 1, 2), words) for task in tasks]
    assert found == [[quarter, half, NONE], [quarter, half, whole]]


@pytest.mark.slow
def test_the_whole_course_in_a_few_steps(bateia: Call, tmp_path: Path) -> None:
    """Every section runs, its page shows its numbers, all links lead somewhere; a second call makes nothing."""
    pytest.importorskip("torch", reason="the torch extra is not installed")
    folder = tmp_path / "course"
    options = ("--output", folder, "--quick", "--backend", "torch", "--workers", 1)
    ended = bateia("course", *options)
    assert ended.returncode == 0, ended.stderr
    assert f"{len(SECTIONS)} sections made" in ended.stdout
    checked = 0
    for page in folder.glob("*.html"):
        text = page.read_text()
        Strict(text, links=True)
        for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
            assert len({len(re.findall("<t[hd][ >]", row)) for row in table.split("</tr>")[:-1]}) == 1, page.name
        for link in re.findall(r'href="([^":]+\.html)"', text):
            assert (folder / link).is_file(), f"{page.name}: {link}"
            checked += 1
    assert checked > 40
    known = json.loads((folder / "knowledge" / "numbers.json").read_text())
    assert sum(one["facts"] for one in known["exposures"]) == known["people"] == 9
    again = bateia("course", *options, "--language", "pt")
    assert again.returncode == 0 and "0 sections made" in again.stdout
    assert "Tokens para pensar" in (folder / "thinking.html").read_text()


def test_a_link_elsewhere_is_no_page_of_the_course() -> None:
    from pipelines.reports.render import decode
    from schemas.faults import BadInput
    from support.reports import COURSE

    for file in ("javascript:alert(1).html", "../secret.html", "https://evil.example/x.html", 'a" onclick="x.html'):
        with pytest.raises(BadInput):
            decode(COURSE | {"before": {"file": file, "title": "x"}}, CoursePage, "a page")
