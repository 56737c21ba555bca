"""report.json: a run's numbers, made from tallies and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.recipes.tiny import TINY
from pipelines.report import (
    TOP_DOMAINS,
    blocklist_line,
    inputs_of,
    lengths_of,
    quality_of,
    report_of,
    samples_of,
    top,
    write_reports,
)
from pipelines.stage_output import BrokenRun
from schemas.document import Document
from schemas.manifest import Manifest
from schemas.tally import Tally
from schemas.verdict import Drop

DOCUMENT = Document("text", "id", "dump", "http://a.example/", "date", "file", 0, "en", 0.9)
THROUGHPUT: dict[str, Any] = {
    "runner": "in-process",
    "workers": 1,
    "wall_s": 2.0,
    "units_resumed": 0,
    "units": 1,
    "cpu_s": 1.0,
    "extraction_cpu_s": 0.5,
    "pages_per_s": 2.5,
    "cpu_ms_per_page": 200.0,
    "max_rss_mb": 100,
}


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
    report = report_of(TINY, manifest, tally, THROUGHPUT)
    assert [(row["stage"], row["reached"], row["dropped"]) for row in report["funnel"]] == [
        ("read", 5, 1),
        ("url", 4, 1),
        ("extract", 3, 0),
        ("language", 3, 0),
        ("gopher_repetition", 3, 0),
        ("gopher_quality", 3, 0),
        ("c4", 3, 2),
        ("fineweb", 1, 0),
    ]
    assert [(row["stage"], row["reason"], row["fate"], row["count"]) for row in report["reasons"]] == [
        ("c4", "lorem_ipsum", "dropped", 2),  # the largest first, then by name
        ("read", "gzip_damaged", "unreadable", 1),
        ("url", "domain", "dropped", 1),
    ]


def test_languages_and_domains_count_seen_and_kept(tally: Tally, manifest: Manifest) -> None:
    report = report_of(TINY, manifest, tally, THROUGHPUT)
    assert report["languages"] == [
        {"language": "en", "seen": 2, "kept": 1},
        {"language": "pt", "seen": 1, "kept": 0},
    ]
    assert report["domains"] == [
        {"domain": "b.example", "read": 3, "kept": 0},
        {"domain": "a.example", "read": 2, "kept": 1},
    ]
    assert report["inputs"] == {"files": 2, "bytes": 10, "bad": [{"path": "b.warc.gz", "problem": "is empty"}]}


def test_losses_that_no_stage_explains_are_a_defect(manifest: Manifest) -> None:
    with pytest.raises(BrokenRun):
        report_of(TINY, manifest, tally_of([("http://a.example/", Drop("elsewhere", "x"), None)]), THROUGHPUT)


def test_lengths_are_in_powers_of_two_without_gaps() -> None:
    pages = [("u", DOCUMENT, "x" * n) for n in (1, 8, 15, 16)] + [("u", Drop("c4", "r"), "x" * 9)]
    rows = lengths_of(tally_of(pages))  # type: ignore[arg-type]
    assert [(row["from"], row["to"], row["kept"], row["dropped"]) for row in rows] == [
        (1, 2, 1, 0),
        (2, 4, 0, 0),
        (4, 8, 0, 0),
        (8, 16, 2, 1),
        (16, 32, 1, 0),
    ]
    assert lengths_of(Tally()) == []


def test_quality_is_told_in_percentiles() -> None:
    measure, other = TINY.measures[:2]
    values = [replace(DOCUMENT, quality={measure: float(n)}) for n in range(100)]
    rows = quality_of(TINY, tally_of([(f"u{n}", document, "x") for n, document in enumerate(values)]))
    assert rows == [{"measure": measure, "p5": 5.0, "p50": 50.0, "p95": 95.0}]
    assert other not in {row["measure"] for row in rows}
    alone = quality_of(TINY, tally_of([("u", values[7], "x")]))
    assert alone == [{"measure": measure, "p5": 7.0, "p50": 7.0, "p95": 7.0}]


def test_the_top_is_by_count_then_name() -> None:
    assert top({"b": [2, 1], "c": [3, 0], "a": [2, 2]}, 2) == [("c", 3, 0), ("a", 2, 2)]
    hosts = tally_of([(f"http://{n}.example/", DOCUMENT, "x") for n in range(TOP_DOMAINS + 9)]).hosts
    assert len(top(hosts, TOP_DOMAINS)) == TOP_DOMAINS


def test_samples_are_of_the_kept_first(tally: Tally) -> None:
    groups = samples_of(tally)
    assert [(group["fate"], group["stage"], group["reason"], len(group["pages"])) for group in groups] == [
        ("kept", "", "", 1),
        ("dropped", "c4", "lorem_ipsum", 2),
        ("dropped", "url", "domain", 1),
        ("unreadable", "read", "gzip_damaged", 1),
    ]
    assert groups[2]["pages"][0]["detail"] == "adult: a.example"


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
    assert inputs_of([{"path": "a", "bytes": 3}]) == {"files": 1, "bytes": 3, "bad": []}


def test_reports_are_written(tally: Tally, manifest: Manifest, tmp_path: Path) -> None:
    report = report_of(TINY, manifest, tally, THROUGHPUT)
    write_reports(str(tmp_path), report)
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == report
    assert "lorem_ipsum" in (tmp_path / "report.html").read_text("utf-8")
    assert len(list(tmp_path.iterdir())) == 2
