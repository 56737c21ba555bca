"""Whatever texts from outside say, pages show them as text: nothing in them acts, loads, hides or turns around."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from pipelines.course import page as course
from pipelines.reports import curate, journey, shards, tokenizers, training
from pipelines.reports.corpus import report as corpus
from pipelines.reports.model import arena, base, fewshot, memorization, samples, surprisal
from pipelines.reports.render import decode
from support import reports
from support.pages import Strict

Json = dict[str, Any]

# What is planted, and how it reads: on most pages, and where a token is named on one line.
PLANTS: dict[str, tuple[str, ...]] = {
    "</script><script>alert(1)</script>": (),
    "<img/src=x onerror=alert(1)>": ("<img/src=x·onerror=alert(1)>",),
    "</style></title><svg/onload=x>": (),
    "\"'><b onclick=x>": ("\"'><b·onclick=x>",),
    "--><!--": (),
    "&lt;b&gt;&#60;": (),
    "{{ 1234*4321 }}": ("{{·1234*4321·}}",),
    "{% raw %}{% if x %}": ("{%·raw·%}{%·if·x·%}",),
    "{# note #}{title}{0}%s": ("{#·note·#}{title}{0}%s",),
    "javascript:alert(1)": (),
    "\x00\x1b[31m\x7f": ("␀␛[31m⟨U+007F⟩", "<U+0000><U+001B>[31m<U+007F>"),
    "\u202e\u2066\u200f": ("⟨U+202E⟩⟨U+2066⟩⟨U+200F⟩", "<U+202E><U+2066><U+200F>"),
    "\ud800\udfff": ("⟨U+D800⟩⟨U+DFFF⟩", "<U+D800><U+DFFF>"),
    "\u2028\ufeff\ue000": ("⟨U+2028⟩⟨U+FEFF⟩⟨U+E000⟩", "<U+2028><U+FEFF><U+E000>"),
}
UNSEEN = set("\x00\x1b\x7f\u202e\u2066\u200f\ud800\udfff\u2028\ufeff\ue000")
VERSIONS = {"bateia": "0.1.0"}
CHOICES = frozenset(
    {"role", "match", "fate", "steps", "keep", "split"}
)  # words of ours, by which pages choose what they show


@dataclass(frozen=True)
class Page:
    """A report and its page.

    example: the report's JSON.
    tables: paths of objects whose keys come from outside.
    cut: paths of texts of which the page shows the beginning alone.
    unseen: paths of texts that the page does not show.
    ours: names of fields that hold words of ours alone, which are checked when a report is made.
    links: whether it links to pages beside it, and to papers.
    """

    example: Any
    render: Callable[[Any], str]
    tables: Set[str] = frozenset()
    cut: Set[str] = frozenset()
    unseen: Set[str] = frozenset()
    ours: Set[str] = CHOICES
    links: bool = False


def page_from(kind: type, render_page: Callable[..., str], *rest: Any) -> Callable[[Any], str]:
    """From the JSON of a report to its page."""
    return lambda value: render_page(decode(value, kind, "the example"), *rest)


PAGES = {
    "curate": Page(
        reports.CURATE,
        page_from(curate.CurateReport, curate.render_page),
        tables={"counts.skipped_records", "versions"},
    ),
    "corpus": Page(
        reports.CORPUS,
        page_from(corpus.CorpusReport, corpus.render_page),
        tables={"versions"},
        unseen={"repeated.id", "tokenizer.sha256"},
    ),
    "shards": Page(
        reports.SHARDS,
        page_from(shards.ShardsReport, shards.render_page),
        tables={
            *("versions", "counts.train.languages", "counts.val.languages", "counts.train.dumps", "counts.val.dumps"),
            *("counts.slices", "plan.slices"),
        },
        cut={"tokens.tokenizer_sha256"},
        unseen={
            *("tokens.layout_hash", "source.path", "source.stage", "source.dataset_hash"),
            *("counts.train.dumps.*", "counts.val.dumps.*", "plan.slices.*", "plan.parts.path"),
            *("plan.by", "plan.first_rows.language"),
        },
    ),
    "training": Page(
        reports.TRAINING,
        page_from(training.TrainingReport, training.render_page),
        tables={"versions", "evals.slices"},
        cut={"code_hash", "data.plan", "data.plan_hash", "data.tokenizer_sha256"},
        unseen={f"faults.rows.documents.{name}" for name in ("warc_file", "language")},
    ),
    "tokenizers": Page(
        reports.TOKENIZERS,
        page_from(tuple[tokenizers.Entry, ...], tokenizers.render_page),
        tables={"languages"},
    ),
    "fewshot": Page(
        reports.FEWSHOT,
        page_from(fewshot.FewShotReport, fewshot.render_page, VERSIONS),
        tables={"tasks"},
        unseen={"shards"},
    ),
    "memorization": Page(
        reports.MEMORIZATION,
        page_from(memorization.MemorizationReport, memorization.render_page, VERSIONS),
        unseen={"shards", "longest.asked"},
    ),
    "surprisal": Page(reports.SURPRISAL, page_from(surprisal.SurprisalReport, surprisal.render_page, VERSIONS)),
    "samples": Page(reports.SAMPLES, page_from(samples.SamplesReport, samples.render_page, VERSIONS)),
    "journey": Page(
        reports.JOURNEY,
        page_from(journey.JourneyReport, journey.render_page, VERSIONS),
        unseen={"record.url"},
    ),
    "read journey": Page(
        reports.JOURNEY | {"surprisal": reports.SURPRISAL},
        page_from(journey.JourneyReport, journey.render_page, VERSIONS),
        unseen={"record.url", "tokens.names"},
    ),
    "base": Page(
        reports.BASE,
        page_from(base.BaseReport, base.render_page, VERSIONS),
        tables={"few_shot.tasks"},
        unseen={
            *("memorization.run", "memorization.shards", "memorization.longest.asked"),
            *("few_shot.run", "few_shot.shards"),
        },
    ),
    "arena": Page(
        reports.ARENA,
        page_from(arena.ArenaReport, arena.render_page, VERSIONS),
        tables={"tasks.seen"},
        unseen=frozenset(),
    ),
    "course": Page(
        reports.COURSE,
        page_from(course.CoursePage, course.render_page, VERSIONS),
        ours={"file", "url", "type"},
        links=True,
    ),
}


@dataclass
class Planting:
    """Puts a text into every string and every foreign key. paths: of each marker, where it stands."""

    text: str
    tables: Set[str]
    ours: Set[str]

    def __post_init__(self) -> None:
        self.paths: list[str] = []
        self.keys: dict[tuple[str, str], str] = {}  # a key is the same in all rows, as languages are

    def marked(self, path: str) -> str:
        self.paths.append(path)
        return f"¶{len(self.paths) - 1}¶{self.text}"

    def key(self, path: str, name: str) -> str:
        if (path, name) not in self.keys:
            self.keys[path, name] = self.marked(path)
        return self.keys[path, name]

    def plant(self, value: Any, path: str = "") -> Any:
        if isinstance(value, dict):
            return dict(self.items(value, path))
        if isinstance(value, list):
            return [self.plant(part, path) for part in value]
        return self.marked(path) if isinstance(value, str) else value

    def items(self, value: Json, path: str) -> Iterator[tuple[str, Any]]:
        for name, part in value.items():
            if path in self.tables:
                yield self.key(f"{path}.*", name), self.plant(part, f"{path}.*")
            elif name in self.ours:
                yield name, part
            else:
                yield name, self.plant(part, f"{path}.{name}".removeprefix("."))


@pytest.mark.parametrize("text", PLANTS)
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_texts_from_outside_are_shown_and_do_nothing(page: Page, text: str) -> None:
    planting = Planting(text, page.tables, page.ours)
    html = page.render(planting.plant(page.example))
    html.encode()
    assert not UNSEEN & set(html)
    assert "5332114" not in html
    shown = Strict(html, page.links).seen
    ways = PLANTS[text] if UNSEEN & set(text) else (text, *PLANTS[text])
    seen = {
        path
        for number, path in enumerate(planting.paths)
        if any(f"¶{number}¶{'' if path in page.cut else way}" in shown for way in ways)
    }
    assert set(planting.paths) - seen == page.unseen


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_pages_are_self_contained(page: Page) -> None:
    html = page.render(page.example)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'" in html
    for outside in ("<script", "@import", "url(", "<iframe", "xmlns", "src=", *(() if page.links else ("<a ",))):
        assert outside not in html
    assert Strict(html, page.links).text.strip().startswith(html.partition("<title>")[2].partition("<")[0])


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_the_same_report_is_the_same_page(page: Page) -> None:
    assert page.render(page.example) == page.render(deepcopy(page.example))
