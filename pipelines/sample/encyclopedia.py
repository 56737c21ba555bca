"""The pages of a made-up town (`people.py`): a register in a file of its own beside the sample's, and what it tells.

people-facts.jsonl holds the facts (`trainer.probes.told`), people-pages.jsonl the page of every telling, so that
tellings can be counted in what a dataset has kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pipelines.sample.articles import Article
from pipelines.sample.build import write
from pipelines.sample.people import Town, pages_of
from pipelines.sample.records import page_members, warcinfo
from pipelines.sample.sites import Site, publish
from pipelines.sample.webpage import WebPage
from trainer.probes.told import Fact, with_told, write_facts

WARC, FACTS, PAGES = "bateia-people-00000.warc.gz", "people-facts.jsonl", "people-pages.jsonl"
REGISTER = Site("register.example", "The Register", "minimal", "en", "/people/{slug}")
A_PARAGRAPH = 3  # sentences
INTRODUCTION = "This is a part of the register of the valley, with the people and the towns that they have gone to."


def build_people(output: Path, town: Town) -> int:
    """Write the register's WARC file and its two tables into `output`. Returns how many pages it has."""
    output.mkdir(parents=True, exist_ok=True)
    pages, told = [], []
    for page, numbers in register(town):
        pages.append(page)
        told.append({"url": page.url, "facts": [town.facts[number].id for number in numbers]})
    records = [record for page in pages for record in page_members(page, WARC)]
    write(output / WARC, b"".join([warcinfo(WARC), *records]))
    write(output / PAGES, "".join(f"{json.dumps(line)}\n" for line in told).encode())
    write_facts(str(output / FACTS), town.facts)
    return len(pages)


def register(town: Town) -> Iterator[tuple[WebPage, list[int]]]:
    """Pages, with the numbers of the facts that each tells."""
    for number, (sentences, facts) in enumerate(pages_of(town), 1):
        paragraphs = [
            " ".join(sentences[begin : begin + A_PARAGRAPH]) for begin in range(0, len(sentences), A_PARAGRAPH)
        ]
        article = Article("en", f"Register, part {number}", (INTRODUCTION, *paragraphs))
        yield publish(article, REGISTER, 0), facts


def count_told(facts: list[Fact], pages: Path, kept: set[str]) -> list[Fact]:
    """Facts with the number of times that the kept pages tell them. pages: people-pages.jsonl; kept: their URLs."""
    counts: dict[str, int] = {}
    for line in pages.read_text(encoding="utf-8").splitlines():
        page = json.loads(line)
        if page["url"] in kept:
            for fact in page["facts"]:
                counts[fact] = counts.get(fact, 0) + 1
    return [with_told(fact, counts.get(fact.id, 0)) for fact in facts]
