"""The report of a curate run: numbers made from tallies and nothing else, and one well-formed page of them."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.recipes.tiny import TINY
from pipelines.reports.charts import SplitBin
from pipelines.reports.curate import (
    TOP_DOMAINS,
    CurateReport,
    Domain,
    Inputs,
    Language,
    ProblemFile,
    Quality,
    Reason,
    Throughput,
    blocklist_line,
    inputs_of,
    make_report,
    quality_of,
    render_page,
    samples_of,
)
from pipelines.reports.records import Setting, Stage, by_step, lengths_of, top
from pipelines.reports.render import decode, write_report
from schemas.document import Document
from schemas.faults import BrokenRun
from schemas.manifest import Manifest
from schemas.tally import Tally
from schemas.verdict import Drop
from support.pages import Strict, replaced
from support.reports import CURATE

DOCUMENT = Document("text", "id", "dump", "http://a.example/", "date", "file", 0, "en", 0.9)
THROUGHPUT = Throughput(
    runner="in-process",
    workers=1,
    wall_s=2.0,
    cpu_s=1.0,
    extraction_cpu_s=0.5,
    pages_per_s=2.5,
    cpu_ms_per_page=200.0,
    max_rss_mb=100,
    units=1,
    units_resumed=0,
)


def tally_of(pages: list[tuple[str, Document | Drop, str | None]]) -> Tally:
    tally = Tally(read=len(pages))
    for url, verdict, text in pages:
        tally.add(url, "", verdict, text)
    return tally


@pytest.fixture
def tally() -> Tally:
    return tally_of(
        [
            ("http://a.example/1", DOCUMENT, "x" * 1000),
            ("http://a.example/2", Drop("url", "domain", detail="adult: a.example"), None),
            ("http://b.example/1", Drop("c4", "lorem_ipsum", 1.0, 0.0, language="en"), "x" * 100),
            ("http://b.example/2", Drop("c4", "lorem_ipsum", 1.0, 0.0, language="pt"), "x" * 120),
            ("http://b.example/3", Drop("read", "gzip_damaged", fate="unreadable"), None),
        ]
    )


@pytest.fixture
def manifest(tally: Tally) -> Manifest:
    counts = {"read": 5, "kept": 1, "dropped": 3, "unreadable": 1, "skipped_records": {}}
    source = [{"path": "a.warc.gz", "bytes": 10}, {"path": "b.warc.gz", "bytes": 0, "problem": "is empty"}]
    return Manifest("curate", {"assets": {"blocklist": None}}, {"bateia": "0"}, source, counts, (), "0" * 64)


def test_the_funnel_loses_what_the_reasons_say(tally: Tally, manifest: Manifest) -> None:
    report = make_report(TINY, manifest, tally, THROUGHPUT)
    assert report.funnel == (
        Stage("read", 5, 1),
        Stage("url", 4, 1),
        Stage("extract", 3, 0),
        Stage("language", 3, 0),
        Stage("gopher_repetition", 3, 0),
        Stage("gopher_quality", 3, 0),
        Stage("c4", 3, 2),
        Stage("fineweb", 1, 0),
    )
    assert report.reasons == (
        Reason("c4", "lorem_ipsum", "dropped", 2),  # the largest first, then by name
        Reason("read", "gzip_damaged", "unreadable", 1),
        Reason("url", "domain", "dropped", 1),
    )


def test_languages_and_domains_count_seen_and_kept(tally: Tally, manifest: Manifest) -> None:
    report = make_report(TINY, manifest, tally, THROUGHPUT)
    assert report.languages == (Language("en", 2, 1), Language("pt", 1, 0))
    assert report.domains == (Domain("b.example", 3, 0), Domain("a.example", 2, 1))
    assert report.inputs == Inputs(2, 10, (ProblemFile("b.warc.gz", "is empty"),))


def test_losses_that_no_stage_explains_are_a_defect(manifest: Manifest) -> None:
    with pytest.raises(BrokenRun):
        make_report(TINY, manifest, tally_of([("http://a.example/", Drop("elsewhere", "x"), None)]), THROUGHPUT)


def test_lengths_are_in_powers_of_two_without_gaps() -> None:
    pages = [("u", DOCUMENT, "x" * n) for n in (1, 8, 15, 16)] + [("u", Drop("c4", "r"), "x" * 9)]
    assert lengths_of(tally_of(pages).lengths) == (  # type: ignore[arg-type]
        SplitBin(1, 2, 1, 0),
        SplitBin(2, 4, 0, 0),
        SplitBin(4, 8, 0, 0),
        SplitBin(8, 16, 2, 1),
        SplitBin(16, 32, 1, 0),
    )
    assert lengths_of(Tally().lengths) == ()


def test_quality_is_told_in_percentiles() -> None:
    measure, other = TINY.curate.measures[:2]
    values = [replace(DOCUMENT, quality={measure: float(n)}) for n in range(100)]
    rows = quality_of(TINY.curate.measures, tally_of([(f"u{n}", document, "x") for n, document in enumerate(values)]))
    assert rows == (Quality(measure, 5.0, 50.0, 95.0),)
    assert other not in {row.measure for row in rows}
    alone = quality_of(TINY.curate.measures, tally_of([("u", values[7], "x")]))
    assert alone == (Quality(measure, 7.0, 7.0, 7.0),)


def test_the_top_is_by_count_then_name() -> None:
    assert top({"b": [2, 1], "c": [3, 0], "a": [2, 2]}, 2) == [("c", 3, 0), ("a", 2, 2)]
    hosts = tally_of([(f"http://{n}.example/", DOCUMENT, "x") for n in range(TOP_DOMAINS + 9)]).hosts
    assert len(top(hosts, TOP_DOMAINS)) == TOP_DOMAINS


def test_samples_are_of_the_kept_first(tally: Tally) -> None:
    groups = samples_of(tally)
    assert [(group.fate, group.stage, group.reason, len(group.pages)) for group in groups] == [
        ("kept", "", "", 1),
        ("dropped", "c4", "lorem_ipsum", 2),
        ("dropped", "url", "domain", 1),
        ("unreadable", "read", "gzip_damaged", 1),
    ]
    assert groups[2].pages[0].detail == "adult: a.example"


@pytest.mark.parametrize(
    "blocklist, line",
    [
        (None, "none in the recipe"),
        ("none (--no-blocklist)", "none (--no-blocklist)"),
        ({"name": "ut1", "date": "2026-11-01"}, "ut1 of 2026-11-01"),
    ],
)
def test_the_block_list_is_named(blocklist: Any, line: str) -> None:
    assert blocklist_line(blocklist) == line


def test_no_bad_input_is_an_empty_list() -> None:
    assert inputs_of([{"path": "a", "bytes": 3}]) == Inputs(1, 3, ())


def test_reports_are_written(tally: Tally, manifest: Manifest, tmp_path: Path) -> None:
    report = make_report(TINY, manifest, tally, THROUGHPUT)
    write_report(str(tmp_path), report, render_page(report))
    written = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert decode(written, CurateReport, "report.json") == report
    assert written["throughput"]["max_rss_mb"] == 100 and written["lengths"][0]["from"] == 64
    assert "lorem_ipsum" in (tmp_path / "report.html").read_text("utf-8")
    assert len(list(tmp_path.iterdir())) == 2


def test_numbers_stay_as_they_were_measured(manifest: Manifest) -> None:
    """A threshold of 3 is written as 3, and one of 3.0 as 3.0."""
    tally = tally_of([("http://a.example/", Drop("c4", "few", value, value), "x") for value in (3, 3.0)])
    values = [page.value for page in samples_of(tally)[0].pages]
    assert sorted(map(repr, values)) == ["3", "3.0"]


def test_settings_of_a_part_of_a_step_stand_with_it() -> None:
    rows = [Setting(step, name, "1", "", "") for step, name in (("A", "x"), ("", "x.y"), ("A", "z"), ("B", "x"))]
    assert [(step, [row.name for row in group]) for step, group in by_step(rows)] == [
        ("A", ["x", "x.y", "z"]),
        ("B", ["x"]),
    ]


# --- The page ---------------------------------------------------------------------------------------------------------


def page(report: dict[str, Any]) -> str:
    """The page of a report's JSON."""
    return render_page(decode(report, CurateReport, "the example"))


def shown(report: dict[str, Any]) -> str:
    """What a reader of the page sees."""
    return Strict(page(report)).text.replace("\u00a0", " ")


def zero(leaf: Any) -> Any:
    return 0 if isinstance(leaf, int | float) else leaf


def test_says_what_happened() -> None:
    text = shown(CURATE)
    for said in (
        "Of 1,994 pages read, 312 (15.6 %) were kept.",
        "few_words in gopher_quality: 1,655 pages",
        "1,994 read = 312 kept + 1,670 dropped + 12 unreadable",
        "12 pages (0.6 %) could not be read",
        "x.warc.gz is empty",
        "4 files, 50.0 MB",
        "1,994 request, 4 warcinfo",
        "unknown",
        "5 more",
        "4.72",
        "27.6 ms",
        "4 (1 resumed)",
        "1 setting in 1 step",
        "https://example.org/kept",
        "A first line.\nA second, نمی‌شود.",
        "bateia 0.1.0 · trafilatura 2.3.1",
        "abc123",
    ):
        assert said in text, said
    assert text.index("1 of 312") < text.index("rule0 c4 · 1 of 1")
    assert "do not add up" not in text


def test_long_texts_are_cut() -> None:
    fates = {"kept", "dropped", "unreadable"}
    html = page(replaced(CURATE, lambda leaf: "x" * 100_000 if isinstance(leaf, str) and leaf not in fates else leaf))
    assert "x" * 601 not in html and len(html) < 100_000


def test_renders_a_run_of_nothing() -> None:
    report = {key: [] if isinstance(value, list) else value for key, value in CURATE.items()}
    report = replaced(report, zero)
    report["inputs"]["bad"] = []
    report["counts"]["skipped_records"] = {}
    text = shown(report)
    assert "No page was read." in text
    assert "Please note" not in text


def test_renders_zeros_in_every_list() -> None:
    report = replaced(CURATE, zero)
    assert "None" not in shown(report).replace("None.", "")


@pytest.mark.parametrize("unmeasured", [None, float("nan")])
def test_renders_measures_that_were_not_taken(unmeasured: float | None) -> None:
    report = copy.deepcopy(CURATE)
    report["quality"] = replaced(report["quality"], lambda leaf: leaf if isinstance(leaf, str) else unmeasured)
    assert "mean_word_length–––" in shown(report)


def test_renders_ten_thousand_million() -> None:
    report = replaced(CURATE, lambda leaf: leaf * 10**8 if type(leaf) is int else leaf)
    assert "199,400,000,000 read = 31,200,000,000 kept" in shown(report)


def test_numbers_that_do_not_add_up_are_told() -> None:
    report = copy.deepcopy(CURATE)
    report["counts"]["kept"] = 1
    text = shown(report)
    assert "do not add up" in text
    assert "1 (0.1 %) was kept" in text
