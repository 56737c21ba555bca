"""The register of made-up people: its pages pass the filters, and what they tell is counted by what is kept."""

from __future__ import annotations

import json
from pathlib import Path

import bateia
from pipelines.sample.encyclopedia import FACTS, PAGES, WARC, build_people, count_told, register
from pipelines.sample.people import make_town
from schemas.document import Document
from trainer.probes.told import read_facts

TOWN = make_town(40, (0, 1, 3), tail=20, seed=4)


def test_pages_tell_what_is_counted(tmp_path: Path) -> None:
    pages = build_people(tmp_path, TOWN)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((WARC, FACTS, PAGES))
    facts = read_facts(str(tmp_path / FACTS))
    lines = [json.loads(line) for line in (tmp_path / PAGES).read_text().splitlines()]
    assert len(lines) == pages == -(-len(TOWN.passages) // 15)
    whole = count_told(facts, tmp_path / PAGES, {line["url"] for line in lines})
    assert [one.told for one in whole] == [one.planned for one in TOWN.facts]
    part = count_told(facts, tmp_path / PAGES, {lines[0]["url"]})
    assert sum(one.told or 0 for one in part) == 15
    first = (tmp_path / WARC).read_bytes()
    build_people(tmp_path, TOWN)
    assert (tmp_path / WARC).read_bytes() == first


def test_a_page_passes_the_filters_with_all_that_it_tells() -> None:
    page, numbers = next(register(TOWN))
    kept = bateia.try_page(page.body.decode(), "tiny")
    assert isinstance(kept, Document), kept
    sentences = [sentence for _, sentence in TOWN.passages[: len(numbers)]]
    assert all(sentence in kept.text for sentence in sentences)
