"""The report of shards: made of manifests and counts, and one well-formed page of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pipelines.reports.charts import SplitBin
from pipelines.reports.render import decode, encode
from pipelines.reports.shards import ShardsReport, counts_of, lengths_of, make_report, pieces_of, plan_of, render_page
from schemas.manifest import Manifest
from support.pages import Strict, replaced
from support.reports import SHARDS

REPORT = decode(SHARDS, ShardsReport, "the example")


def shown(report: dict[str, Any]) -> str:
    """What a reader of the page of a report's JSON sees, and again with tooltips."""
    page = Strict(render_page(decode(report, ShardsReport, "the example")))
    return (page.text + page.seen).replace("\u00a0", " ")


def manifest_of(**counts: Any) -> Manifest:
    settings = {"tokens": SHARDS["tokens"], "more": 1}
    return Manifest("shard", settings, SHARDS["versions"], SHARDS["source"], SHARDS["counts"] | counts, (), "abc123")


def test_a_report_is_made_of_what_the_manifests_say() -> None:
    settings = {
        name: SHARDS["plan"][name] for name in ("name", "context", "seed", "packing", "epochs", "mixture", "by")
    }
    counts = {name: SHARDS["plan"][name] for name in ("documents", "tokens", "cut", "rows", "parts", "slices")}
    plan = plan_of(settings | {"tokens": None}, counts | {"more": 1}, SHARDS["plan"]["first_rows"])
    made = make_report(manifest_of(), SHARDS["tokenizer"], plan, REPORT.throughput)
    assert made == REPORT


def test_what_was_forgotten_is_counted_only_where_something_was() -> None:
    forgotten = {"documents": 1, "tokens": 9, "bytes": 30}
    assert "forgotten" not in encode(counts_of(manifest_of()))
    assert encode(counts_of(manifest_of(forgotten=forgotten)))["forgotten"] == forgotten


def test_lengths_are_in_powers_of_two_without_gaps() -> None:
    assert lengths_of(REPORT.counts.train, REPORT.counts.val) == [
        SplitBin(128, 256, 10, 0),
        SplitBin(256, 512, 0, 2),
        SplitBin(512, 1024, 20, 0),
    ]


def test_a_row_is_cut_where_its_documents_are() -> None:
    assert [pieces_of(row, {"en": "kept"}) for row in REPORT.plan.first_rows] == [
        [("kept", 200, "200 tokens of https://first.example/"), ("other", 57, "57 tokens of https://second.example/")],
        [
            ("other", 100, "100 tokens of https://second.example/, continued"),
            ("other", 157, "157 tokens of a document"),
        ],
    ]


def test_says_what_there_is() -> None:
    text = shown(SHARDS)
    for said in (
        "32 documents became 10,000 tokens.",
        "Tokens to train on9,00030 documents",
        "Bytes per token330.0 kB of text",
        "256 + 1 tokens each",
        "en74,0001.88",
        "domain-example.org1500",
        "256 to 511 tokens: 2 to validate",
        "Stored asuint16, little-endian",
        "1, 2, none",
        "5f5f5f5f5f5f5f5f…",
        "Plan “main”",
        "Tokens cut12",
        "en 0.75, pt 0.25",
        "other languages",
        "57 tokens of https://second.example/",
        "2,500 tokens per CPU second",
        "432 MB",
        "encode20.0 s",
        "abc123",
    ):
        assert said in text, said


@pytest.mark.parametrize("zeros", ["train", "val"])
def test_a_split_may_be_empty(zeros: str) -> None:
    report = copy.deepcopy(SHARDS)
    split = replaced(report["counts"][zeros], lambda leaf: 0)
    report["counts"] |= {zeros: split | {"languages": {}, "dumps": {}, "lengths": {}}, "slices": {}}
    report["plan"] |= {"mixture": None, "first_rows": []}
    text = shown(report)
    assert "as in the corpus" in text and "None." in text
