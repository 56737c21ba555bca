"""report.json of a corpus: from WARC files to documents without copies, made from manifests and tallies alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.corpus_report import (
    TOP_DOMAINS,
    TOP_DUMPS,
    TOP_LANGUAGES,
    merged_funnel,
    public,
    recipes_of,
    report_of,
    settings_of,
    show_setting,
    write_reports,
)
from schemas.corpus_tally import CorpusTally
from schemas.manifest import Manifest

Json = dict[str, Any]

THROUGHPUT: Json = {
    "runner": "in-process",
    "workers": 2,
    "wall_s": 2.0,
    "cpu_s": 3.0,
    "documents_per_s": 5.0,
    "cpu_ms_per_document": 300.0,
    "max_rss_mb": 100,
    "phases": [{"phase": "sign", "wall_s": 1.0}],
}
PII: Json = {"step": "ScrubPii", "types": ["EMAIL_ADDRESS"], "style": "placeholder", "names_model": None}
DEDUP: Json = {"step": "Deduplicate", "scope": "dump", "keep": "first", "bands": 14, "rows": 8, "shingle": 5}


def row(number: int, language: str = "en", dump: str = "CC-MAIN-1", chars: int = 100, size: int = 1) -> Json:
    url = f"http://{language}{number}.example/"
    about = {"id": f"{language}{number}", "url": url, "language": language, "dump": dump}
    return about | {"text": "x" * chars, "token_count": 7, "cluster_size": size}


def add(tally: CorpusTally, document: Json, match: str | None = None, earlier: bool = False) -> None:
    tally.add_read(document, match is None)
    if match is None:
        tally.add_kept(document)
    else:
        tally.add_removed(document, match, "http://stays.example/", earlier)


@pytest.fixture
def tally() -> CorpusTally:
    """Ten documents read, seven kept, one removed as an exact and two as near copies."""
    made = CorpusTally()
    for number in range(4):
        add(made, row(number, size=(1, 1, 2, 9)[number]))
    for number in range(3):
        add(made, row(number, "no", "CC-MAIN-2", chars=1_000))
    add(made, row(9), "exact")
    add(made, row(10, chars=20), "near", earlier=True)
    add(made, row(11, "pt"), "near")
    made.add_spans(["EMAIL_ADDRESS", "EMAIL_ADDRESS"], row(0), {"EMAIL_ADDRESS": "at <EMAIL_ADDRESS>"})
    made.add_spans(["IP_ADDRESS", "IP_ADDRESS", "IP_ADDRESS"], row(1), {"IP_ADDRESS": "at <IP_ADDRESS>"})
    return made


def manifest_of(
    tally: CorpusTally, source: list[Json], steps: tuple[Json, ...] = (PII, DEDUP), **more: Any
) -> Manifest:
    counts = {"read": tally.read, "kept": tally.kept, "removed_exact": tally.exact, "removed_near": tally.near}
    counts |= {"removed_earlier": tally.earlier, "clusters": 2, "tokens": None}
    settings = {"recipe": {"name": "mine", "max_removed": 0.95, "steps": [*steps]}, "tokenizer": None} | more
    return Manifest("dedup", settings, {"bateia": "0"}, source, counts, (), "f" * 64)


def source(path: str, **more: Any) -> Json:
    return {"path": path, "dataset_hash": path[-1] * 64, "documents": 6, **more}


def curated(
    path: str, read: int, kept: int, funnel: list[tuple[str, int, int]] | None, recipe: str = "fineweb"
) -> Json:
    """One entry of a lineage: an input's manifest and report."""
    settings = {"recipe": {"name": recipe, "steps": [{"step": "KeepC4", "min_sentences": 3}]}}
    files = [{"path": "/archive/a.warc.gz", "bytes": 1_000}, {"path": "/archive/b.warc.gz", "bytes": 50}]
    manifest = {"settings": settings, "source": files, "counts": {"read": read, "kept": kept}, "versions": {}}
    names = ("stage", "reached", "dropped")
    report = {"funnel": [dict(zip(names, stage, strict=True)) for stage in funnel]} if funnel is not None else None
    return {"path": path, "manifest": manifest, "report": report}


SOURCES = [source("/here/a"), source("/here/b/"), source("/there/old", role="against")]
LINEAGE = [
    curated("/here/a", 100, 6, [("read", 100, 10), ("url", 90, 40), ("c4", 50, 44)]),
    curated("/here/b/", 50, 4, [("read", 50, 0), ("language", 50, 30), ("c4", 20, 16)], "gated"),
]


def stages(report: Json) -> list[tuple[str, int, int]]:
    return [(stage["stage"], stage["reached"], stage["dropped"]) for stage in report["funnel"]]


def test_the_funnel_goes_from_responses_to_the_corpus(tally: CorpusTally) -> None:
    report = report_of(manifest_of(tally, SOURCES), tally, LINEAGE, THROUGHPUT)
    assert stages(report) == [
        ("read", 150, 10),
        ("language", 140, 30),
        ("url", 110, 40),
        ("c4", 70, 60),
        ("exact_duplicates", 10, 1),
        ("near_duplicates", 9, 2),
    ]
    assert report["faults"] == []
    counts = report["counts"]
    assert [counts[name] for name in ("read", "kept", "removed_exact", "removed_near", "removed_earlier")] == [
        10,
        7,
        1,
        2,
        1,
    ]
    assert (counts["chars_read"], counts["chars_kept"], counts["languages"]) == (3_620, 3_400, 2)


def test_a_corpus_that_was_not_deduplicated_has_no_such_stage(tally: CorpusTally) -> None:
    report = report_of(manifest_of(tally, SOURCES, steps=(PII,)), tally, LINEAGE, THROUGHPUT)
    assert [stage for stage, _, _ in stages(report)] == ["read", "language", "url", "c4"]
    assert report["steps"] == ["ScrubPii"]


@pytest.mark.parametrize(
    ("funnels", "expected"),
    [
        ([], []),
        ([[]], []),
        ([[("read", 9, 2), ("c4", 7, 3)]], [("read", 9, 2), ("c4", 7, 3)]),
        ([[("read", 9, 2)], [("read", 5, 1)]], [("read", 14, 3)]),
        ([[("read", 9, 2), ("c4", 7, 3)], [("read", 5, 1)]], [("read", 14, 3), ("c4", 11, 3)]),
        ([[("read", 5, 1)], [("read", 9, 2), ("c4", 7, 3)]], [("read", 14, 3), ("c4", 11, 3)]),
        (
            [[("a", 9, 1), ("c", 8, 1)], [("a", 9, 1), ("b", 8, 1), ("c", 7, 1)]],
            [("a", 18, 2), ("b", 16, 1), ("c", 15, 2)],
        ),
        ([[("read", 9, 2)], [("curate", 5, 1)]], [("curate", 14, 1), ("read", 13, 2)]),
    ],
)
def test_several_funnels_are_one(
    funnels: list[list[tuple[str, int, int]]], expected: list[tuple[str, int, int]]
) -> None:
    assert [(found["stage"], found["reached"], found["dropped"]) for found in merged_funnel(funnels)] == expected


@pytest.mark.parametrize(
    ("lineage", "read", "faults"),
    [
        (LINEAGE, 10, []),
        (LINEAGE, 11, ["The numbers do not add up: read is not kept + exact + near copies."]),
        (LINEAGE[:1], 10, ["The inputs' manifests say that 6 documents were kept, but 10 were read."]),
        ([LINEAGE[0], LINEAGE[1] | {"report": None}], 10, ["b has no report.json; its stages are told as one."]),
        ([], 10, []),
    ],
)
def test_what_a_reader_has_to_know_first(tally: CorpusTally, lineage: list[Json], read: int, faults: list[str]) -> None:
    manifest = manifest_of(tally, SOURCES)
    manifest = replace(manifest, counts=manifest.counts | {"read": read})
    assert report_of(manifest, tally, lineage, THROUGHPUT)["faults"] == faults


def test_an_input_without_a_report_is_one_stage(tally: CorpusTally) -> None:
    lineage = [curated("/here/a", 100, 10, None)]
    report = report_of(manifest_of(tally, SOURCES[:1]), tally, lineage, THROUGHPUT)
    assert stages(report)[:2] == [("curate", 100, 90), ("exact_duplicates", 10, 1)]


def test_earlier_corpora_are_told_and_counted_apart(tally: CorpusTally) -> None:
    old = curated("/there/old", 9_000, 900, [("read", 9_000, 8_100)])
    report = report_of(manifest_of(tally, SOURCES), tally, [*LINEAGE, old], THROUGHPUT)
    assert stages(report)[0] == ("read", 150, 10)
    assert [told["recipe"] for told in report["curated_with"]] == ["fineweb", "gated"]
    assert [(told["name"], told["role"]) for told in report["inputs"]] == [
        ("a", "input"),
        ("b", "input"),
        ("old", "against"),
    ]


def test_inputs_tell_the_warc_files_behind_them(tally: CorpusTally) -> None:
    report = report_of(manifest_of(tally, SOURCES), tally, LINEAGE[:1], THROUGHPUT)
    known, unknown, _ = report["inputs"]
    assert known == {
        "name": "a",
        "role": "input",
        "dataset_hash": "a" * 64,
        "documents": 6,
        "recipe": "fineweb",
        "warc_files": 2,
        "warc_bytes": 1_050,
        "responses": 100,
    }
    assert [unknown[name] for name in ("recipe", "warc_files", "warc_bytes", "responses")] == [None, 0, 0, None]


def test_an_empty_corpus_has_a_report(tmp_path: Path) -> None:
    report = report_of(manifest_of(CorpusTally(), []), CorpusTally(), [], THROUGHPUT)
    assert stages(report) == [("exact_duplicates", 0, 0), ("near_duplicates", 0, 0)]
    lists = ("inputs", "faults", "clusters", "repeated", "removed", "pii", "languages", "lengths", "domains", "dumps")
    assert {name: report[name] for name in lists} == {name: [] for name in lists}
    write_reports(str(tmp_path), report)
    assert "No document was read." in (tmp_path / "report.html").read_text("utf-8")


def test_languages_dumps_and_domains(tally: CorpusTally) -> None:
    report = report_of(manifest_of(tally, SOURCES), tally, LINEAGE, THROUGHPUT)
    assert report["languages"] == [
        {"language": "en", "read": 6, "kept": 4, "chars": 400, "tokens": 28},
        {"language": "no", "read": 3, "kept": 3, "chars": 3_000, "tokens": 21},
        {"language": "pt", "read": 1, "kept": 0, "chars": 0, "tokens": 0},
    ]
    assert report["dumps"] == [
        {"dump": "CC-MAIN-1", "read": 7, "kept": 4},
        {"dump": "CC-MAIN-2", "read": 3, "kept": 3},
    ]
    assert report["domains"][0] == {"domain": "en0.example", "read": 1, "kept": 1}


def test_of_many_the_largest_are_told_and_all_are_counted() -> None:
    tally = CorpusTally()
    for number in range(250):
        add(tally, row(number, f"l{number:02}", f"dump {number}"))
    report = report_of(manifest_of(tally, []), tally, [], THROUGHPUT)
    assert (len(report["languages"]), report["counts"]["languages"]) == (TOP_LANGUAGES, 250)
    assert (len(report["domains"]), len(report["dumps"])) == (TOP_DOMAINS, TOP_DUMPS)


def test_clusters_and_lengths_are_in_powers_of_two_without_gaps(tally: CorpusTally) -> None:
    report = report_of(manifest_of(tally, SOURCES), tally, LINEAGE, THROUGHPUT)
    assert [(told["from"], told["to"], told["kept"]) for told in report["clusters"]] == [
        (1, 2, 5),
        (2, 4, 1),
        (4, 8, 0),
        (8, 16, 1),
    ]
    assert [(told["from"], told["to"], told["kept"], told["dropped"]) for told in report["lengths"]] == [
        (16, 32, 0, 1),
        (32, 64, 0, 0),
        (64, 128, 4, 2),
        (128, 256, 0, 0),
        (256, 512, 0, 0),
        (512, 1024, 3, 0),
    ]


def test_personal_data_is_told_the_most_frequent_first(tally: CorpusTally) -> None:
    told = report_of(manifest_of(tally, SOURCES), tally, LINEAGE, THROUGHPUT)["pii"]
    assert [(kind["type"], kind["documents"], kind["spans"]) for kind in told] == [
        ("IP_ADDRESS", 1, 3),
        ("EMAIL_ADDRESS", 1, 2),
    ]
    assert told[0]["passages"] == [{"url": "http://en1.example/", "text": "at <IP_ADDRESS>"}]


def test_samples_are_told(tally: CorpusTally) -> None:
    report = report_of(manifest_of(tally, SOURCES), tally, LINEAGE, THROUGHPUT)
    assert [(page["id"], page["cluster_size"]) for page in report["repeated"]] == [("en3", 9), ("en2", 2)]
    assert sorted(page["match"] for page in report["removed"]) == ["exact", "near", "near"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("/home/me/a.json", "a.json"),
        ("/home/me/folder/", "folder"),
        ("./a.json", "a.json"),
        ("../up/a.json", "a.json"),
        ("~/a.json", "a.json"),
        ("s3://bucket/a.json", "a.json"),
        ("C:\\models\\a.json", "a.json"),
        ("\\\\server\\a.json", "a.json"),
        ("placeholder", "placeholder"),
        ("text/html", "text/html"),
        ("lid.176.ftz", "lid.176.ftz"),
        (0.5, 0.5),
        (None, None),
    ],
)
def test_nothing_tells_where_this_machine_keeps_its_files(value: Any, told: Any) -> None:
    assert public(value) == told


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "off"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (0.65, "0.65"),
        ([], "none"),
        ({}, "none"),
        (["en", ["pt", None]], "en, pt, off"),
        ({"en": 0.5, "pt": True}, "en 0.5, pt yes"),
        (["/a/b.json"], "b.json"),
        ({"list": "/a/b.json"}, "list b.json"),
    ],
)
def test_settings_read_well(value: Any, shown: str) -> None:
    assert show_setting(value) == shown


def test_settings_of_our_steps_are_explained() -> None:
    steps = [DEDUP, {"step": "DropRepeatedLines", "min_chars": 20}, {"step": "Foreign", "least": 3}]
    told = {(found["step"], found["name"]): found for found in settings_of({"name": "mine", "steps": steps})}
    assert told["Deduplicate", "bands"]["about"] == "bands; one shared links two documents"
    assert "2406.17557" in told["Deduplicate", "bands"]["source"]
    assert told["DropRepeatedLines", "min_chars"]["source"] == "our choice"
    assert told["Foreign", "least"] == {"step": "Foreign", "name": "least", "value": "3", "about": "", "source": ""}
    assert ("Deduplicate", "step") not in told
    assert settings_of({"name": "of an older version"}) == []


def test_equal_recipes_are_told_once() -> None:
    one, other = (curated("a", 1, 1, None), curated("b", 1, 1, None))
    assert [*recipes_of([one, other])] == ["fineweb"]
    other["manifest"]["settings"]["recipe"]["steps"] = []
    assert [*recipes_of([one, other])] == ["fineweb", "fineweb (2)"]
    assert recipes_of([{"manifest": {}}]) == {}


@pytest.mark.parametrize(
    ("tokenizer", "told"),
    [(None, None), ({"name": "/models/tokenizer.json", "sha256": "0"}, {"name": "tokenizer.json", "sha256": "0"})],
)
def test_the_tokenizer_is_named(tally: CorpusTally, tokenizer: Json | None, told: Json | None) -> None:
    report = report_of(manifest_of(tally, SOURCES, tokenizer=tokenizer), tally, LINEAGE, THROUGHPUT)
    assert report["tokenizer"] == told


def test_reports_are_written(tally: CorpusTally, tmp_path: Path) -> None:
    report = report_of(manifest_of(tally, SOURCES), tally, LINEAGE, THROUGHPUT)
    written = []
    for name in ("one", "other"):
        write_reports(str(tmp_path / name), report)
        written.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])
    assert written[0] == written[1]
    html, told = written[0]
    assert json.loads(told) == report
    assert b"en3.example" in html
    for path in (b"/here", b"/there", b"/archive"):
        assert path not in html + told
