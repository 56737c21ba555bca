"""The report of a corpus: from WARC files to documents without copies, made from manifests and tallies alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.reports.charts import Bin, SplitBin
from pipelines.reports.corpus.report import (
    TOP_DOMAINS,
    TOP_DUMPS,
    TOP_LANGUAGES,
    CorpusReport,
    Dump,
    Passage,
    Throughput,
    make_report,
    render_page,
)
from pipelines.reports.corpus.summary import (
    CorpusSummary,
    Input,
    Language,
    Origin,
    Tokenizer,
    merged_funnel,
    public,
    read_origin,
    settings_of,
    show_setting,
)
from pipelines.reports.records import Domain, Phase, Setting, Stage
from pipelines.reports.render import decode, write_report
from schemas.corpus_tally import CorpusTally
from schemas.manifest import Manifest

Json = dict[str, Any]

THROUGHPUT = Throughput(
    runner="in-process",
    workers=2,
    wall_s=2.0,
    cpu_s=3.0,
    documents_per_s=5.0,
    cpu_ms_per_document=300.0,
    max_rss_mb=100,
    phases=(Phase("sign", 1.0),),
)
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
) -> Origin:
    """An input: its manifest and its report's funnel."""
    settings = {"recipe": {"name": recipe, "steps": [{"step": "KeepC4", "min_sentences": 3}]}}
    files = [{"path": "/archive/a.warc.gz", "bytes": 1_000}, {"path": "/archive/b.warc.gz", "bytes": 50}]
    manifest = Manifest("curate", settings, {}, files, {"read": read, "kept": kept}, (), "c" * 64)
    return Origin(path, manifest, tuple(Stage(*stage) for stage in funnel) if funnel is not None else None)


def made(
    manifest: Manifest, tally: CorpusTally, origins: list[Origin], throughput: Throughput = THROUGHPUT
) -> CorpusReport:
    return make_report(CorpusSummary(manifest, tally, origins), throughput)


SOURCES = [source("/here/a"), source("/here/b/"), source("/there/old", role="against")]
LINEAGE = [
    curated("/here/a", 100, 6, [("read", 100, 10), ("url", 90, 40), ("c4", 50, 44)]),
    curated("/here/b/", 50, 4, [("read", 50, 0), ("language", 50, 30), ("c4", 20, 16)], "gated"),
]


def stages(report: CorpusReport) -> list[tuple[str, int, int]]:
    return [(stage.stage, stage.reached, stage.dropped) for stage in report.funnel]


def test_the_funnel_goes_from_responses_to_the_corpus(tally: CorpusTally) -> None:
    report = made(manifest_of(tally, SOURCES), tally, LINEAGE)
    assert stages(report) == [
        ("read", 150, 10),
        ("language", 140, 30),
        ("url", 110, 40),
        ("c4", 70, 60),
        ("exact_duplicates", 10, 1),
        ("near_duplicates", 9, 2),
    ]
    assert report.faults == ()
    counts = report.counts
    assert (counts.read, counts.kept, counts.removed_exact, counts.removed_near, counts.removed_earlier) == (
        *(10, 7, 1, 2, 1),
    )
    assert (counts.chars_read, counts.chars_kept, counts.languages) == (3_620, 3_400, 2)


def test_a_corpus_that_was_not_deduplicated_has_no_such_stage(tally: CorpusTally) -> None:
    report = made(manifest_of(tally, SOURCES, steps=(PII,)), tally, LINEAGE)
    assert [stage for stage, _, _ in stages(report)] == ["read", "language", "url", "c4"]
    assert report.steps == ("ScrubPii",)


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
    merged = merged_funnel([[Stage(*stage) for stage in stages] for stages in funnels])
    assert merged == [Stage(*stage) for stage in expected]


@pytest.mark.parametrize(
    ("origins", "read", "faults"),
    [
        (LINEAGE, 10, []),
        (LINEAGE, 11, ["The numbers do not add up: read is not kept + exact + near copies."]),
        (LINEAGE[:1], 10, ["The inputs' manifests say that 6 documents were kept, but 10 were read."]),
        (
            [LINEAGE[0], replace(LINEAGE[1], funnel=None)],
            10,
            ["b has no report.json that can be read; its stages are shown as one."],
        ),
        ([], 10, []),
    ],
)
def test_what_a_reader_has_to_know_first(
    tally: CorpusTally, origins: list[Origin], read: int, faults: list[str]
) -> None:
    manifest = manifest_of(tally, SOURCES)
    manifest = replace(manifest, counts=manifest.counts | {"read": read})
    assert list(made(manifest, tally, origins).faults) == faults


def test_hosts_that_lost_nearly_all_are_named_and_counted(tally: CorpusTally) -> None:
    emptied = {f"{letter}.org": [100 - place, 0] for place, letter in enumerate("abcdefg")}
    tally = replace(tally, hosts=emptied | {"kept.org": [100, 50]})
    told = list(made(manifest_of(tally, SOURCES), tally, LINEAGE).faults)
    assert told[0] == "Of 100 documents of a.org 100 went as duplicates; look at them in clusters/."
    assert told[-1] == "The same holds for 2 other hosts." and len(told) == 6


def test_an_input_without_a_report_is_one_stage(tally: CorpusTally) -> None:
    lineage = [curated("/here/a", 100, 10, None)]
    report = made(manifest_of(tally, SOURCES[:1]), tally, lineage)
    assert stages(report)[:2] == [("curate", 100, 90), ("exact_duplicates", 10, 1)]


def test_earlier_corpora_are_told_and_counted_apart(tally: CorpusTally) -> None:
    old = curated("/there/old", 9_000, 900, [("read", 9_000, 8_100)])
    report = made(manifest_of(tally, SOURCES), tally, [*LINEAGE, old])
    assert stages(report)[0] == ("read", 150, 10)
    assert [earlier.recipe for earlier in report.curated_with] == ["fineweb", "gated"]
    assert [(source.name, source.role) for source in report.inputs] == [
        ("a", "input"),
        ("b", "input"),
        ("old", "against"),
    ]


def test_inputs_tell_the_warc_files_behind_them(tally: CorpusTally) -> None:
    report = made(manifest_of(tally, SOURCES), tally, LINEAGE[:1])
    known, unknown, _ = report.inputs
    assert known == Input("a", "input", "a" * 64, 6, "fineweb", 2, 1_050, 100)
    assert unknown == Input("b", "input", "/" * 64, 6, None, 0, 0, None)


def test_an_empty_corpus_has_a_report(tmp_path: Path) -> None:
    report = made(manifest_of(CorpusTally(), []), CorpusTally(), [])
    assert stages(report) == [("exact_duplicates", 0, 0), ("near_duplicates", 0, 0)]
    lists = ("inputs", "faults", "clusters", "repeated", "removed", "pii", "languages", "lengths", "domains", "dumps")
    assert {name: getattr(report, name) for name in lists} == dict.fromkeys(lists, ())
    write_report(str(tmp_path), report, render_page(report))
    assert "No document was read." in (tmp_path / "report.html").read_text("utf-8")


def test_languages_dumps_and_domains(tally: CorpusTally) -> None:
    report = made(manifest_of(tally, SOURCES), tally, LINEAGE)
    assert report.languages == (
        Language("en", 6, 4, 400, 28),
        Language("no", 3, 3, 3_000, 21),
        Language("pt", 1, 0, 0, 0),
    )
    assert report.dumps == (Dump("CC-MAIN-1", 7, 4), Dump("CC-MAIN-2", 3, 3))
    assert report.domains[0] == Domain("en0.example", 1, 1)


def test_of_many_the_largest_are_told_and_all_are_counted() -> None:
    tally = CorpusTally()
    for number in range(250):
        add(tally, row(number, f"l{number:02}", f"dump {number}"))
    report = made(manifest_of(tally, []), tally, [])
    assert (len(report.languages), report.counts.languages) == (TOP_LANGUAGES, 250)
    assert (len(report.domains), len(report.dumps)) == (TOP_DOMAINS, TOP_DUMPS)


def test_clusters_and_lengths_are_in_powers_of_two_without_gaps(tally: CorpusTally) -> None:
    report = made(manifest_of(tally, SOURCES), tally, LINEAGE)
    assert report.clusters == (Bin(1, 2, 5), Bin(2, 4, 1), Bin(4, 8, 0), Bin(8, 16, 1))
    assert report.lengths == (
        SplitBin(16, 32, 0, 1),
        SplitBin(32, 64, 0, 0),
        SplitBin(64, 128, 4, 2),
        SplitBin(128, 256, 0, 0),
        SplitBin(256, 512, 0, 0),
        SplitBin(512, 1024, 3, 0),
    )


def test_personal_data_is_told_the_most_frequent_first(tally: CorpusTally) -> None:
    pii = made(manifest_of(tally, SOURCES), tally, LINEAGE).pii
    assert [(kind.type, kind.documents, kind.spans) for kind in pii] == [
        ("IP_ADDRESS", 1, 3),
        ("EMAIL_ADDRESS", 1, 2),
    ]
    assert pii[0].passages == (Passage("http://en1.example/", "at <IP_ADDRESS>"),)


def test_samples_are_told(tally: CorpusTally) -> None:
    report = made(manifest_of(tally, SOURCES), tally, LINEAGE)
    assert [(page.id, page.cluster_size) for page in report.repeated] == [("en3", 9), ("en2", 2)]
    assert sorted(page.match for page in report.removed) == ["exact", "near", "near"]


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
    known = {(row.step, row.name): row for row in settings_of({"name": "mine", "steps": steps})}
    assert known["Deduplicate", "bands"].about == "bands; one shared links two documents"
    assert "2406.17557" in known["Deduplicate", "bands"].source
    assert known["DropRepeatedLines", "min_chars"].source == "our choice"
    assert known["Foreign", "least"] == Setting("Foreign", "least", "3", "", "")
    assert ("Deduplicate", "step") not in known
    assert settings_of({"name": "of an older version"}) == ()


def test_equal_recipes_are_told_once(tally: CorpusTally) -> None:
    def names(*origins: Origin) -> list[str]:
        return list(CorpusSummary(manifest_of(tally, []), tally, origins).recipes)

    one, other, bare = (curated(path, 1, 1, None) for path in "abc")
    assert names(one, other) == ["fineweb"]
    other.manifest.settings["recipe"]["steps"] = []
    assert names(one, other) == ["fineweb", "fineweb (2)"]
    bare.manifest.settings.clear()
    assert names(bare) == []


@pytest.mark.parametrize(
    ("tokenizer", "named"),
    [(None, None), ({"name": "/models/tokenizer.json", "sha256": "0"}, Tokenizer("tokenizer.json", "0"))],
)
def test_the_tokenizer_is_named(tally: CorpusTally, tokenizer: Json | None, named: Tokenizer | None) -> None:
    assert made(manifest_of(tally, SOURCES, tokenizer=tokenizer), tally, LINEAGE).tokenizer == named


def test_reports_are_written(tally: CorpusTally, tmp_path: Path) -> None:
    report = made(manifest_of(tally, SOURCES), tally, LINEAGE)
    written = []
    for name in ("one", "other"):
        write_report(str(tmp_path / name), report, render_page(report))
        written.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])
    assert written[0] == written[1]
    html, told = written[0]
    assert decode(json.loads(told), CorpusReport, "report.json") == report
    assert b"en3.example" in html
    for path in (b"/here", b"/there", b"/archive"):
        assert path not in html + told


@pytest.mark.parametrize(
    ("text", "funnel"),
    [
        ('{"funnel": [{"stage": "read", "reached": 9, "dropped": 2}], "more": 1}', (Stage("read", 9, 2),)),
        (None, None),
        ("no JSON", None),
        ("[]", None),
        ("{}", None),
        ('{"funnel": [{"stage": "read", "reached": "9", "dropped": 2}]}', None),
    ],
)
def test_an_input_tells_its_stages_if_its_report_can_be_read(
    text: str | None, funnel: tuple[Stage, ...] | None, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "report.json").write_text(text)
    assert read_origin(str(tmp_path), LINEAGE[0].manifest).funnel == funnel
