"""`bateia curate` on the sample: every page's fate, the files it leaves, and the same bytes whatever happens."""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from collections import Counter
from collections.abc import Iterator, Set
from contextlib import suppress
from dataclasses import replace
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from pipelines.assets.bind import bind
from pipelines.engine.inputs import find_inputs, plan_units
from pipelines.engine.run import Execution, RunStats, run_stage
from pipelines.recipes.tiny import TINY
from pipelines.reports.curate import nothing_kept
from pipelines.sample.build import SampleIndex
from pipelines.stages.curate.finish import check
from pipelines.stages.curate.plan import CurateOptions, curate_run
from pipelines.stages.curate.run import CurateRun
from pipelines.stages.curate.totals import throughput_of
from schemas.faults import BrokenRun
from schemas.manifest import FileEntry, Manifest, hash_dataset
from schemas.tally import Tally, funnel
from schemas.verdict import Drop
from support.command import Call
from support.forked import forked_workers
from support.outputs import digests, identities, manifest_of, rows_of
from transforms.steps.warc.reader import Response, read_record_at
from transforms.totals import totals_of

Row = dict[str, Any]

QUALITY: Set[str | None] = {"gopher_repetition", "gopher_quality", "c4", "fineweb"}
# Each kind of page: its fate, the stages that may decide it, and the reasons if there is one answer only.
FATES: dict[str, tuple[str, Set[str | None], Set[str | None]]] = {
    "article": ("kept", {None}, {None}),
    "near_copy": ("kept", {None}, {None}),  # deduplication is another stage
    "exact_copy": ("kept", {None}, {None}),
    "pii": ("kept", {None}, {None}),
    "blocked_host": ("dropped", {"url"}, {"domain"}),
    "blocked_url": ("dropped", {"url"}, {"url"}),
    "spam": ("dropped", QUALITY, set()),
    "short_page": ("dropped", QUALITY, set()),
    "shop_page": ("dropped", QUALITY | {"language"}, set()),
    "list_page": ("dropped", QUALITY | {"language"}, set()),
    "curly": ("dropped", QUALITY, set()),
    "lorem": ("dropped", {"c4"}, {"lorem_ipsum"}),
    "short_lines": ("dropped", {"fineweb"}, set()),
    "wrong_language": ("dropped", {"language"}, {"other_language"}),
    "app_shell": ("dropped", {"extract"}, {"no_main_text"}),
    "empty": ("dropped", {"read"}, {"empty_body"}),
    "not_found": ("dropped", {"read"}, {"http_status"}),
    "server_error": ("dropped", {"read"}, {"http_status"}),
    "redirect": ("dropped", {"read"}, {"http_status"}),
    "json": ("dropped", {"read"}, {"content_type"}),
    "pdf": ("dropped", {"read"}, {"content_type"}),
    "plain_text": ("dropped", {"read"}, {"content_type"}),
    "broken_record": ("unreadable", {"read"}, {"gzip_damaged"}),
    "truncated_record": ("unreadable", {"read"}, {"gzip_truncated"}),
}
NO_RESPONSE = {"dns", "revisit"}  # records of other kinds: counted, not listed
FINEWEB = ["text", "id", "dump", "url", "date", "file_path", "language", "language_score", "token_count"]


@pytest.fixture(scope="module")
def ledger(documents: Path) -> dict[str, Row]:
    """The sample's ledger, by URL."""
    rows = rows_of(documents, "ledger")
    assert len({row["url"] for row in rows}) == len(rows)
    return {row["url"]: row for row in rows}


@pytest.fixture(scope="module")
def manifest(documents: Path) -> Manifest:
    return manifest_of(documents)


# --- What becomes of the sample ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FATES)
def test_pages_meet_the_fate_of_their_kind(sample: SampleIndex, ledger: dict[str, Row], kind: str) -> None:
    fate, stages, reasons = FATES[kind]
    pages = [page for page in sample.pages if page["kind"] == kind]
    assert pages
    for page in pages:
        row = ledger[page["url"]]
        assert (row["fate"], row["stage"] in stages) == (fate, True), (page["url"], row)
        assert not reasons or row["reason"] in reasons, (page["url"], row)


def test_bytes_that_are_no_text_are_no_documents(sample: SampleIndex, ledger: dict[str, Row]) -> None:
    rows = [ledger[page["url"]] for page in sample.pages if page["kind"] == "binary"]
    assert [row["fate"] for row in rows if row["reason"] == "binary"] == ["dropped", "dropped"]
    assert {row["stage"] for row in rows} == {"read"}


def test_notices_about_cookies_lose_their_policy(sample: SampleIndex, ledger: dict[str, Row], documents: Path) -> None:
    """C4 removes the lines that name a policy; what is left of a page is judged like any other."""
    urls = {page["url"] for page in sample.pages if page["kind"] == "cookie_page"}
    assert {ledger[url]["stage"] for url in urls} == {"c4", None}
    texts = [row["text"] for row in rows_of(documents, "data") if row["url"] in urls]
    assert texts
    assert not any("cookie policy" in text.lower() for text in texts)


def test_every_response_has_one_fate(sample: SampleIndex, ledger: dict[str, Row], manifest: Manifest) -> None:
    assert set(ledger) == {page["url"] for page in sample.pages if page["kind"] not in NO_RESPONSE}
    assert set(FATES) | NO_RESPONSE | {"binary", "cookie_page"} == {page["kind"] for page in sample.pages}
    fates = [row["fate"] for row in ledger.values()]
    counts = manifest.counts
    assert {fate: fates.count(fate) for fate in ("kept", "dropped", "unreadable")} == {
        name: counts[name] for name in ("kept", "dropped", "unreadable")
    }
    assert counts["read"] == len(ledger) == counts["kept"] + counts["dropped"] + counts["unreadable"]
    assert counts["skipped_records"]["dns"] == counts["skipped_records"]["revisit"] == 1


def test_the_ledger_says_why(sample: SampleIndex, ledger: dict[str, Row]) -> None:
    for row in ledger.values():
        lost = row["fate"] != "kept"
        assert (row["stage"] is not None, row["reason"] is not None) == (lost, lost)
        if row["stage"] in QUALITY | {"language"} or row["reason"] == "http_status":
            assert row["value"] is not None
            assert row["threshold"] is not None
        if row["stage"] == "url":
            assert "sample" in row["detail"]
    page = next(page for page in sample.pages if page["kind"] == "not_found")
    assert ledger[page["url"]]["value"] == 404


def test_the_ledger_agrees_with_warcio(sample: SampleIndex, ledger: dict[str, Row]) -> None:
    """Status, declared type and the body's hash, as another reader finds them up to the first damage."""
    theirs = {}
    for path in sample.warc_files:
        with path.open("rb") as stream:
            theirs |= dict(read_by_warcio(stream))
    rows = {url: row for url, row in ledger.items() if row["fate"] != "unreadable" or row["reason"] == "undecodable"}
    for url, (status, content_type, body) in theirs.items():
        row = rows.pop(url, None)
        if row is not None:
            digest = sha1(body).hexdigest() if body else None
            assert (row["http_status"], row["content_type"], row["body_sha1"]) == (status, content_type, digest), url
    assert len(theirs) > 100
    cut = [row for row in ledger.values() if row["reason"] in ("gzip_damaged", "gzip_truncated")]
    assert {(row["http_status"], row["content_type"], row["body_sha1"]) for row in cut} == {(None, None, None)}


def read_by_warcio(stream: BinaryIO) -> Iterator[tuple[str, tuple[int, str | None, bytes]]]:
    """URL to status, Content-Type and decoded body, up to the first damage."""
    with suppress(ArchiveLoadFailed, zlib.error):
        for record in ArchiveIterator(stream):
            if record.rec_type == "response" and record.http_headers is not None:
                url, headers = record.rec_headers["WARC-Target-URI"], record.http_headers
                body = record.content_stream().read()
                yield url, (int(headers.get_statuscode()), headers.get_header("Content-Type"), body)


# --- The files --------------------------------------------------------------------------------------------------------


def test_the_columns_are_finewebs(documents: Path) -> None:
    files = sorted(documents.glob("data/*/*.parquet"))
    assert {path.parent.name for path in files} == {"en", "pt", "es", "fr", "de"}
    for path in files:
        schema = pq.read_schema(path)
        assert schema.names == [*FINEWEB, "warc_offset", "title", "quality"]
        assert [field.name for field in schema.field("quality").type] == list(TINY.curate.measures)


def test_documents_say_where_they_are_from(sample: SampleIndex, documents: Path) -> None:
    known = {page["url"]: page for page in sample.pages}
    rows = [row for path in documents.glob("data/*/*.parquet") for row in with_folder(path)]
    assert len(rows) > 100
    for row in rows:
        page = known[row["url"]]
        assert row["text"].strip()
        assert row["language"] == row["folder"] == page["language"]
        assert (row["id"], row["dump"]) == (page["record_id"], sample.dump)
        assert Path(row["file_path"]).name == page["file"]
        assert row["date"].startswith("2024-06-")
        assert 0.65 < row["language_score"] <= 1
        assert all(value is not None for value in row["quality"].values())
    read = {source.get("file_path", source["path"]): Path(source["path"]) for source in manifest_of(documents).source}
    path = read[rows[0]["file_path"]]
    with path.open("rb") as stream:
        record = read_record_at(stream, path.stat().st_size, rows[0]["warc_offset"])
    assert isinstance(record, Response)
    assert record.url == rows[0]["url"]


def with_folder(path: Path) -> Iterator[Row]:
    for row in pq.ParquetFile(path).read().to_pylist():
        yield row | {"folder": path.parent.name}


def test_the_manifest_is_true_and_last(documents: Path, manifest: Manifest) -> None:
    for entry in manifest.files:
        path = documents / entry.path
        assert sha256(path.read_bytes()).hexdigest() == entry.sha256
        assert (path.stat().st_size, pq.ParquetFile(path).metadata.num_rows) == (entry.bytes, entry.rows)
    found = {str(path.relative_to(documents)) for path in documents.rglob("*.parquet")}
    assert found == {entry.path for entry in manifest.files}
    assert manifest.dataset_hash == hash_dataset(manifest.files)
    times = {name: time_ns for name, (_, time_ns) in identities(documents).items()}
    assert max(times.values()) == times["manifest.json"] > times["report.html"]
    assert not [name for name in times if ".tmp" in name or ".progress" in name]


def test_reports_tell_the_manifests_numbers(documents: Path, manifest: Manifest) -> None:
    report = json.loads((documents / "report.json").read_text("utf-8"))
    assert (report["counts"], report["dataset_hash"]) == (manifest.counts, manifest.dataset_hash)
    assert [row["stage"] for row in report["funnel"]][:3] == ["read", "url", "extract"]
    html = (documents / "report.html").read_text("utf-8")
    assert html.startswith("<!doctype html>") or html.startswith("<!DOCTYPE html>")
    assert f"{manifest.counts['read']}" in html


def test_duckdb_and_pandas_open_the_data(documents: Path, manifest: Manifest) -> None:
    kept = manifest.counts["kept"]
    glob = f"{documents}/data/*/*.parquet"
    query = f"select count(*), count(distinct language), min(quality.mean_word_length) from '{glob}'"
    found = duckdb.sql(query)
    assert found is not None
    [(rows, languages, least)] = found.fetchall()
    assert (rows, languages) == (kept, 5)
    assert least > 1
    frames = [pd.read_parquet(path) for path in documents.glob("data/*/*.parquet")]
    assert len(pd.concat(frames)) == kept


@pytest.mark.slow
def test_dropped_text_is_kept_when_asked(bateia: Call, warcs: list[str], documents: Path, tmp_path: Path) -> None:
    options = ("--input", warcs[0], "--keep-dropped", "--dump", "OURS", "--quiet")
    ended = bateia("curate", "--recipe", "tiny", "--output", tmp_path / "o", *options)
    assert ended.returncode == 0, ended.stderr
    rows = rows_of(tmp_path / "o", "ledger")
    judged = [row for row in rows if row["stage"] in QUALITY]
    assert judged
    assert all(row["text"].strip() for row in judged)
    assert not any(row["text"] for row in rows if row["fate"] == "kept" or row["stage"] in ("read", "url"))
    assert {row["dump"] for row in rows_of(tmp_path / "o", "data")} == {"OURS"}
    assert "text" not in rows_of(documents, "ledger")[0]


@pytest.mark.slow
def test_a_recipe_without_document_steps_writes_documents(bateia: Call, warcs: list[str], tmp_path: Path) -> None:
    recipe = tmp_path / "bare.py"
    recipe.write_text(
        "from dataclasses import replace\nfrom pipelines.recipes.tiny import TINY\n"
        "BARE = TINY.vary(replace(TINY.curate, documents=()), name='bare')\n"
    )
    ended = bateia("curate", "--recipe", f"{recipe}:BARE", "--input", warcs[0], "--output", tmp_path / "o", "--quiet")
    assert ended.returncode == 0, ended.stderr
    assert {path.parent.name for path in tmp_path.glob("o/data/*/*")} == {"und"}
    assert list(rows_of(tmp_path / "o", "data")[0]) == [*FINEWEB, "warc_offset", "title"]


@pytest.mark.slow
def test_limits_of_reading_are_the_recipes(bateia: Call, warcs: list[str], tmp_path: Path) -> None:
    """What goes beyond one is a row that names it; the manifest holds them."""
    recipe = tmp_path / "tight.py"
    recipe.write_text(
        "from dataclasses import replace\nfrom pipelines.recipes.tiny import TINY\n"
        "from transforms.steps.warc.limits import ReadLimits\n"
        "TIGHT = TINY.vary(replace(TINY.curate, documents=()), ReadLimits(max_body_bytes=4000), name='tight')\n"
    )
    ended = bateia("curate", "--recipe", f"{recipe}:TIGHT", "--input", warcs[0], "--output", tmp_path / "o", "--quiet")
    assert ended.returncode == 0, ended.stderr
    assert manifest_of(tmp_path / "o").settings["recipe"]["steps"][0]["max_body_bytes"] == 4000
    rows = [row for row in rows_of(tmp_path / "o", "ledger") if row["reason"] == "body_too_large"]
    assert len(rows) > 10
    for row in rows:
        assert (row["fate"], row["stage"], row["threshold"]) == ("unreadable", "read", 4000)
        assert (row["http_status"], row["body_sha1"]) == (200, None)
        assert row["content_type"]
        assert row["value"] is None or row["value"] > 4000


# --- The same bytes ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_damaged_part_is_made_again(documents: Path, warcs: list[str], bateia: Call, tmp_path: Path) -> None:
    output = tmp_path / "o"
    shutil.copytree(documents, output)
    (output / "manifest.json").unlink()
    part = next(output.glob("data/en/*00001*.parquet"))
    part.write_bytes(part.read_bytes()[:-100])
    before = identities(output)
    ended = bateia("curate", "--recipe", "tiny", "--input", *warcs, "--output", output, "--quiet")
    assert ended.returncode == 0, ended.stderr
    assert digests(output) == digests(documents)
    after = identities(output)
    assert {name for name in before if "sample-00000" in name and before[name] != after[name]} == set()
    assert all(before[name] != after[name] for name in before if "sample-00001" in name)


def planned(output: Path, warcs: list[str], unit_bytes: int) -> CurateRun:
    """A run with units smaller than the command line can ask for."""
    run = curate_run(str(output), bind(TINY), find_inputs(warcs), CurateOptions())
    return replace(run, units=tuple(plan_units(list(run.files), unit_bytes)))


@pytest.mark.slow
def test_the_size_of_units_changes_no_row(documents: Path, warcs: list[str], tmp_path: Path) -> None:
    run = planned(tmp_path / "o", warcs, 60_000)
    assert len(run.units) == 14
    assert run_stage(run, Execution(quiet=True)) == 0
    for folder in ("data", "ledger"):
        cut, whole = (sorted(rows_of(output, folder), key=str) for output in (tmp_path / "o", documents))
        assert cut == whole


@pytest.mark.slow
def test_units_of_a_plain_file_change_no_row(warcs: list[str], bateia: Call, tmp_path: Path) -> None:
    plain = tmp_path / "plain.warc"
    plain.write_bytes(2 * sound_members(Path(warcs[1])))
    assert plain.stat().st_size > 1 << 20
    for megabytes in (1, 64):
        output = tmp_path / f"{megabytes}"
        options = ("--unit-mb", megabytes, "--input", plain, "--output", output, "--quiet")
        assert bateia("curate", "--recipe", "tiny", *options).returncode == 0
    assert len(list(tmp_path.glob("1/units/*"))) > len(list(tmp_path.glob("64/units/*"))) == 1
    for folder in ("data", "ledger"):
        cut, whole = (sorted(rows_of(tmp_path / name, folder), key=str) for name in ("1", "64"))
        assert cut == whole


def sound_members(path: Path) -> bytes:
    """All records of the sample's second file but the last, which is cut."""
    parts = []
    with gzip.open(path) as file:
        while True:
            try:
                parts.append(file.read1(1 << 20))
            except EOFError:
                break
    records = b"".join(parts)
    return records[: records.rindex(b"WARC/1.0\r\n")]


# --- Stopped, failed, broken ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.engine)])
def test_a_step_that_raises_fails_the_run(warcs: list[str], bateia: Call, tmp_path: Path, workers: int) -> None:
    recipe = tmp_path / "faulty.py"
    recipe.write_text(FAULTY)
    options = ("--input", *warcs, "--output", tmp_path / "o", "--workers", workers, "--quiet")
    with forked_workers():
        ended = bateia("curate", "--recipe", f"{recipe}:FAULTY", *options)
    assert ended.returncode == 1
    *_, first, second = ended.stderr.strip().splitlines()
    assert "KeyError" in first
    assert "0 of 2 units" in second
    assert "no such page" in (tmp_path / "o" / "failure.log").read_text()
    assert not (tmp_path / "o" / "manifest.json").exists()
    assert not list(tmp_path.glob("o/data/*/*.parquet"))


FAULTY = """
from dataclasses import dataclass, replace
from typing import ClassVar
from pipelines.recipes.tiny import TINY
from transforms.steps.step import DocumentStep

@dataclass(frozen=True)
class Fail(DocumentStep):
    stage: ClassVar[str] = "fail"
    measures: ClassVar[tuple[str, ...]] = ()
    def checks(self, document): return ()
    def __call__(self, document): raise KeyError("no such page")

FAULTY = TINY.vary(replace(TINY.curate, documents=(Fail(),)), name="faulty")
"""


def test_a_stage_that_drops_everything_stops_the_run(warcs: list[str], bateia: Call, tmp_path: Path) -> None:
    recipe, output = tmp_path / "absurd.py", tmp_path / "o"
    recipe.write_text(
        "from pipelines.recipes.tiny import TINY\nfrom transforms.steps.extract.extract_text import ExtractText\n"
        "ABSURD = TINY.vary(ExtractText(max_html_chars=10), name='absurd')\n"
    )
    command = ("curate", "--recipe", f"{recipe}:ABSURD", "--input", *warcs, "--output", output, "--quiet")
    ended = bateia(*command)
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert "stage extract dropped 219 of 219" in line
    assert "--no-guard" in line
    assert not (output / "manifest.json").exists()
    assert bateia(*command, "--no-guard").returncode == 0
    assert manifest_of(output).counts["kept"] == 0


def tallied(drops: list[Drop]) -> Tally:
    tally = Tally(read=len(drops))
    for number, drop in enumerate(drops):
        tally.add(f"http://a.example/{number}", "", drop, None)
    return tally


@pytest.mark.parametrize(
    "stage, drops, broken",
    [
        ("extract", 199, False),  # too few to tell
        ("extract", 200, True),
        ("c4", 200, True),
        ("read", 200, False),  # a crawl of pictures is no broken run
        ("url", 200, False),
        ("language", 200, False),
    ],
)
def test_the_guard_looks_at_stages_that_see_enough(
    warcs: list[str], tmp_path: Path, stage: str, drops: int, broken: bool
) -> None:
    run, tally = planned(tmp_path, warcs, 1 << 20), tallied([Drop(stage, "reason")] * drops)
    files = [FileEntry("ledger/a.parquet", drops, 1, "")]
    if not broken:
        return check(run, tally, files, guard=True)
    with pytest.raises(BrokenRun, match=f"stage {stage} dropped"):
        check(run, tally, files, guard=True)
    check(run, tally, files, guard=False)


def test_numbers_that_do_not_add_up_stop_the_run(warcs: list[str], tmp_path: Path) -> None:
    run = planned(tmp_path, warcs, 1 << 20)
    short = replace(tallied([Drop("read", "x")]), read=2)
    with pytest.raises(BrokenRun, match="do not add up"):
        check(run, short, [FileEntry("ledger/a.parquet", 1, 1, "")], guard=False)
    with pytest.raises(BrokenRun, match="rows for 0 kept of 1 page"):
        check(run, tallied([Drop("read", "x")]), [FileEntry("ledger/a.parquet", 2, 1, "")], guard=False)
    with pytest.raises(BrokenRun, match="leave 1 page, but 0 were kept"):
        funnel(TINY.curate.stages, tallied([Drop("nowhere", "x")]))


def test_a_runs_pace_is_of_what_it_read_itself() -> None:
    timings = {"cpu_s": 2.0, "child_cpu_s": 1.0}
    records = [
        {
            "name": name,
            "tally": Tally(read=read).to_json(),
            "timings": timings | {"max_rss_mb": read},
            "files": [],
        }
        for name, read in (("a", 300), ("b", 100))
    ]
    pace = throughput_of(totals_of(records), RunStats("in-process", 2, 10.0), frozenset({"a"}))
    assert (pace.pages_per_s, pace.cpu_ms_per_page, pace.max_rss_mb) == (10.0, 10.0, 300)
    assert (pace.units, pace.units_resumed, pace.workers) == (2, 1, 2)
    assert (pace.cpu_s, pace.extraction_cpu_s) == (4.0, 2.0)


# --- A directory is ours or it is left alone --------------------------------------------------------------------------


@pytest.mark.slow
def test_overwrite_removes_what_a_run_wrote_and_nothing_else(
    documents: Path, warcs: list[str], bateia: Call, tmp_path: Path
) -> None:
    output = tmp_path / "o"
    shutil.copytree(documents, output)
    (output / "notes.txt").write_text("mine")
    ended = bateia(
        "curate", "--recipe", "tiny", "--input", warcs[0], "--output", output, "--overwrite", "--dump", "NEW", "--quiet"
    )
    assert ended.returncode == 0, ended.stderr
    assert (output / "notes.txt").read_text() == "mine"
    assert {row["dump"] for row in rows_of(output, "data")} == {"NEW"}
    assert not list(output.rglob("*00001*"))


def test_overwrite_spares_a_directory_that_no_run_wrote(warcs: list[str], bateia: Call, tmp_path: Path) -> None:
    theirs = tmp_path / "data" / "precious.csv"
    theirs.parent.mkdir()
    theirs.write_text("1,2,3")
    (tmp_path / "manifest.json").write_text("{}")
    ended = bateia("curate", "--recipe", "tiny", "--input", *warcs, "--output", tmp_path, "--overwrite")
    assert ended.returncode == 2
    assert "holds other files" in ended.stderr
    assert theirs.read_text() == "1,2,3"
    assert (tmp_path / "manifest.json").read_text() == "{}"


RECORD = "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:0>\r\nWARC-Target-URI: https://a.example/\r\n"


def warc_of(folder: Path, kind: str, block: str = "", copies: int = 1) -> Path:
    path = folder / "a.warc"
    record = RECORD.format(kind=kind) + f"Content-Length: {len(block.encode())}\r\n\r\n{block}\r\n\r\n"
    path.write_bytes(record.encode() * copies)
    return path


def test_an_input_without_any_response_is_refused_and_leaves_nothing(bateia: Call, tmp_path: Path) -> None:
    path = warc_of(tmp_path, "request", copies=300)  # so many that responses may follow what is looked at first
    ended = bateia("curate", "--recipe", "tiny", "--input", path, "--output", tmp_path / "out", "--no-blocklist")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "no HTTP response, but 300 request records; give WARC files" in ended.stderr.splitlines()[-1]
    assert list((tmp_path / "out").rglob("*")) == []


def test_a_run_that_keeps_nothing_says_why(bateia: Call, tmp_path: Path) -> None:
    text = "The old mill stands at the edge of the village, where the river bends twice before it reaches the sea. "
    html = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body><article><p>{text * 5}</p></article></html>"
    path, out = warc_of(tmp_path, "response", html, 3), tmp_path / "out"
    call = ("curate", "--recipe", "portuguese", "--input", path, "--output", out, "--no-blocklist")
    ended = bateia(*call)
    told = "none of 3 pages was kept: all 3 were in another language (en); this recipe keeps pt"
    assert ended.returncode == 1 and told in ended.stderr and "--no-guard" in ended.stderr
    assert not (out / "manifest.json").exists()
    assert f"<li>{told}.</li>" in (out / "report.html").read_text()
    ended = bateia(*call, "--no-guard")
    assert ended.returncode == 0 and told in ended.stdout and (out / "manifest.json").exists()


@pytest.mark.parametrize(
    ("kept", "reasons", "sentence"),
    [
        (1, {("language", "other_language", "dropped"): 2}, ""),
        (0, {}, ""),
        (0, {("c4", "too_short", "dropped"): 1}, "the only page was not kept: 1 of 1 ended at c4 by too_short"),
        (
            0,
            {("c4", "too_short", "dropped"): 1, ("read", "http_status", "dropped"): 2},
            "none of 3 pages was kept: 2 of 3 ended at read by http_status",
        ),
    ],
)
def test_the_reason_most_met_is_named(kept: int, reasons: dict[tuple[str, str, str], int], sentence: str) -> None:
    lost = sum(reasons.values())
    assert nothing_kept(("pt",), Tally(kept + lost, kept, lost, reasons=Counter(reasons))) == sentence


def test_the_documents_load_with_datasets(documents: Path, tmp_path: Path) -> None:
    """By the card's configurations; without them, ledger/ would be taken for data."""
    import yaml

    front = yaml.safe_load((documents / "README.md").read_text().split("---\n")[1])
    named = {config["config_name"]: config["data_files"][0]["path"] for config in front["configs"]}
    folders = {path.name for path in (documents / "data").iterdir()}
    assert named.keys() == {"default", *folders}
    assert set(documents.glob(named["default"])) == set(documents.glob("data/**/*.parquet"))
    assert set(documents.glob(named["en"])) == set(documents.glob("data/en/*.parquet")) != set()
