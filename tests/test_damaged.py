"""Damaged and hostile files through the whole of `bateia curate`, as a crawl would bring them: all in one run."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from support.command import Call, Start
from support.outputs import manifest_of, rows_of
from support.paths import CORPUS
from support.processes import MARK, mark_of, peaks_mb
from transforms.steps.warc.charset import decode_html
from transforms.steps.warc.reader import Response, Unit, read_unit

DAMAGED = CORPUS / "damaged"
EXPECTED: dict[str, dict[str, Any]] = (
    json.loads((DAMAGED / "expected.json").read_text("utf-8")) if (DAMAGED / "expected.json").exists() else {}
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not EXPECTED, reason=f"no damaged files in {DAMAGED} (set BATEIA_CORPUS)"),
]

NO_WARC = {  # files without a WARC record, and what they look like
    "13-empty.warc.gz": "is empty",
    "14-html-error-page.warc.gz": "is not a WARC file",
    "15-html-error-page-gzipped.warc.gz": "is not a WARC file",
    "16-random-after-magic.warc.gz": "is not a WARC file",
    "17-arc-as-warc.warc.gz": "is an ARC file",
    "c7-bad.arc": "is an ARC file",
    "c8-aut-bad-arc.arc.gz": "is an ARC file",
}
MAX_WALL_S = 180
MAX_RSS_MB = 1500
RECIPE = """
from dataclasses import replace

from pipelines.recipes.fineweb import FINEWEB
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.filters.languages import KeepLanguages

# All that can be read is kept. A page gets 3 s of CPU: the limit is what is tested, not how long it is.
CURATE = replace(FINEWEB.curate, pages=(), documents=(KeepLanguages((), min_score=-1.0),))
ALL = FINEWEB.vary(CURATE, ExtractText(cpu_limit_s=3.0), name="all")
"""

Row = dict[str, Any]


class Run:
    """What one run over the whole folder left and cost."""

    def __init__(self, output: Path, stderr: str, wall_s: float, peaks_mb: dict[int, float]) -> None:
        self.stderr, self.wall_s, self.peaks_mb = stderr, wall_s, peaks_mb
        self.manifest = manifest_of(output)
        self.ledger, self.kept = rows_of(output, "ledger"), rows_of(output, "data")

    def of(self, name: str) -> list[Row]:
        return [row for row in self.ledger if row["warc_file"].endswith(f"/{name}")]

    def texts(self) -> list[str]:
        return [row["text"] for row in (*self.kept, *self.ledger) if row["text"]]


@pytest.fixture(scope="module")
def run(bateia_process: Start, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "all.py").write_text(RECIPE)
    mark, started = mark_of("damaged"), time.monotonic()
    process = bateia_process(
        *("curate", "--recipe", f"{folder}/all.py:ALL", "--input", *(DAMAGED / name for name in EXPECTED)),
        *("--output", folder / "o", "--keep-dropped", "--workers", 2, "--quiet"),
        **{MARK: mark},
    )
    peaks: dict[int, float] = {}
    while process.poll() is None:
        peaks = peaks_mb(mark, peaks)
        if time.monotonic() - started > MAX_WALL_S:
            process.kill()
        time.sleep(0.05)
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr[-2000:]
    return Run(folder / "o", stderr, time.monotonic() - started, peaks)


def test_it_takes_bounded_time_and_memory(run: Run) -> None:
    assert run.wall_s < MAX_WALL_S
    assert Path("/proc/self/status").exists() <= (len(run.peaks_mb) >= 5)
    assert max(run.peaks_mb.values(), default=0.0) < MAX_RSS_MB


def test_the_numbers_add_up(run: Run) -> None:
    counts = run.manifest.counts
    assert counts["read"] == len(run.ledger) == counts["kept"] + counts["dropped"] + counts["unreadable"]
    assert counts["kept"] == len(run.kept) > 200


@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in NO_WARC])
def test_what_must_be_read_is_read(run: Run, name: str) -> None:
    """By its URL and its body's hash, as the ledger tells them."""
    rows = {(row["url"], row["body_sha1"]) for row in run.of(name) if row["fate"] != "unreadable"}
    assert set(EXPECTED[name]["must"].items()) - rows == set()


@pytest.mark.parametrize("name", [name for name, file in EXPECTED.items() if file["never"]])
def test_what_must_not_be_kept_is_not(run: Run, name: str) -> None:
    kept = {row["url"] for row in run.of(name) if row["fate"] == "kept"}
    assert kept & set(EXPECTED[name]["never"]) == set()


@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in NO_WARC])
def test_each_file_has_one_row_for_each_record(run: Run, name: str) -> None:
    """Copies of a record stay apart by their place; nothing is listed twice."""
    rows = [(row["warc_offset"], row["url"], row["record_id"]) for row in run.of(name)]
    gzipped_whole = {row["warc_offset"] for row in run.of(name)} == {0} or name.startswith(("c1-", "c2-", "05-"))
    assert gzipped_whole or len(rows) == len(set(rows))


def test_a_good_file_is_read_whole(run: Run) -> None:
    assert {row["fate"] for row in run.of("00-control-good.warc.gz")} == {"kept"}
    texts = {name: sorted(row["text"] for row in run.kept if Path(row["file_path"]).name == name) for name in EXPECTED}
    good = texts["00-control-good.warc.gz"]
    assert len(good) == 12
    for name in ("05-single-member.warc.gz", "06-uncompressed.warc", "07-plain-named-gz.warc.gz"):
        assert texts[name] == good


def test_no_nul_comes_out(run: Run) -> None:
    assert not any(
        "\0" in value for row in (*run.kept, *run.ledger) for value in row.values() if isinstance(value, str)
    )


def test_no_file_of_this_machine_is_read(run: Run) -> None:
    assert not any("root:x:0" in text for text in run.texts())


def test_charsets_are_decoded(run: Run) -> None:
    """Extraction may leave out a passage; then the page as decoded has to hold it."""
    name, missing = "24-charsets.warc.gz", []
    texts = {row["url"]: row["text"] for row in run.kept}
    snippets = {url: s["text"] for url, s in EXPECTED[name]["snippets"].items() if s and s["decodable"]}
    assert len(snippets) > 15
    for response in responses(DAMAGED / name):
        snippet = snippets.get(response.url, "")
        if snippet not in texts.get(response.url, ""):
            decoded = decode_html(response.body, response.http_charset)
            if decoded is None or snippet not in decoded[0]:
                missing.append(response.url)
    assert missing == []
    assert sum(snippet in texts.get(url, "") for url, snippet in snippets.items()) > 15


def responses(path: Path) -> list[Response]:
    size = path.stat().st_size
    with path.open("rb") as stream:
        return [item for item in read_unit(stream, Unit(str(path), size, 0, size)) if isinstance(item, Response)]


@pytest.mark.parametrize("name", NO_WARC)
def test_files_without_records_are_left_out_and_named(run: Run, name: str) -> None:
    [line] = [line for line in run.stderr.splitlines() if name in line]
    assert "warning" in line
    assert NO_WARC[name] in line
    problems = {Path(file["path"]).name: file.get("problem", "") for file in run.manifest.source}
    assert NO_WARC[name] in problems[name]
    assert run.of(name) == []


def test_files_with_records_are_not_warned_about(run: Run) -> None:
    assert {Path(file["path"]).name for file in run.manifest.source if "problem" in file} == set(NO_WARC)
    assert len(run.stderr.splitlines()) == len(NO_WARC)


@pytest.mark.parametrize("name", NO_WARC)
def test_a_file_without_records_alone_is_bad_input(bateia: Call, tmp_path: Path, name: str) -> None:
    ended = bateia("curate", "--recipe", "tiny", "--input", DAMAGED / name, "--output", tmp_path / "o")
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert f"{name} {NO_WARC[name]}" in line
    assert not (tmp_path / "o").exists()
