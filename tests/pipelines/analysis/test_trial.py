"""`bateia try`: one page with every rule's verdict, the same verdict as the run's."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.sample.build import SampleIndex

Call = Callable[..., subprocess.CompletedProcess[str]]
Row = dict[str, Any]


@pytest.fixture(scope="module")
def ledger(documents: Path) -> list[Row]:
    return [row for path in sorted(documents.glob("ledger/*")) for row in pq.read_table(path).to_pylist()]


def first(rows: list[Row], **wanted: str) -> Row:
    return next(row for row in rows if wanted.items() <= row.items())


def tried(bateia: Call, *args: object) -> str:
    ended = bateia("try", "tiny", *args)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    return ended.stdout


@pytest.mark.parametrize(
    "wanted",
    [
        {"fate": "kept"},
        {"stage": "read", "reason": "http_status"},
        {"stage": "url", "reason": "domain"},
        {"stage": "language", "reason": "other_language"},
        {"stage": "gopher_repetition"},
        {"stage": "c4"},
    ],
    ids=str,
)
def test_its_verdict_is_the_runs(bateia: Call, ledger: list[Row], wanted: Row) -> None:
    row = first(ledger, **wanted)
    told = tried(bateia, "--warc", row["warc_file"], "--offset", row["warc_offset"])
    verdict = "kept" if row["fate"] == "kept" else f"dropped at {row['stage']} by {row['reason']}"
    assert told.rstrip().splitlines()[-1] == verdict
    assert told.startswith(row["url"])


def test_a_page_is_found_by_its_url(bateia: Call, ledger: list[Row]) -> None:
    row = first(ledger, fate="kept")
    by_url = tried(bateia, "--warc", row["warc_file"], "--url", row["url"])
    assert by_url == tried(bateia, "--warc", row["warc_file"], "--offset", row["warc_offset"])
    for stage in ("read", "url", "extract", "language", "gopher_repetition", "gopher_quality", "c4", "fineweb"):
        assert f"✓ {stage}" in by_url


def test_rules_after_the_first_failure_are_measured_too(bateia: Call, ledger: list[Row]) -> None:
    told = tried(bateia, *place(first(ledger, stage="url")))
    assert "✗ url" in told
    assert told.count("✓") > 20
    told = tried(bateia, *place(first(ledger, stage="language", reason="other_language")))
    assert "✗ language" in told
    assert "✓ gopher_repetition" in told


def place(row: Row) -> list[object]:
    return ["--warc", row["warc_file"], "--offset", row["warc_offset"]]


def test_a_plain_html_file_can_be_tried(bateia: Call, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html><body><p>The river is low in June, and the ferry runs twice a day. {}</p></body></html>")
    told = tried(bateia, page)
    assert told.startswith("http://localhost/  (")
    assert "✗ c4                 curly_bracket" in told
    assert "    ✗ " in told
    assert "The river is low in June" in told
    assert told.rstrip().splitlines()[-1].startswith("dropped at ")


def test_the_url_of_a_file_is_judged(bateia: Call, sample: SampleIndex, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html><body><p>The river is low in June.</p></body></html>")
    url = next(page["url"] for page in sample.pages if page["kind"] == "blocked_host")
    assert "✗ url                domain [" in tried(bateia, page, "--url", url)
    assert "✗ url" not in tried(bateia, page, "--url", url, "--no-blocklist")


def test_a_page_without_text_ends_there(bateia: Call, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html><body><script>1</script></body></html>")
    assert tried(bateia, page).rstrip().splitlines()[-1] == "dropped at extract by no_main_text"
    page.write_bytes(b"%PDF-1.4 " + bytes(range(256)))
    assert tried(bateia, page).rstrip().splitlines()[-1] == "dropped at read by binary"


@pytest.mark.parametrize(
    "args, thing",
    [
        ([], "give one page: an HTML file, or --warc FILE"),
        (["{page}", "--warc", "{warc}"], "give one page"),
        (["{page}", "--offset", "3"], "--offset is a place in a WARC file"),
        (["--warc", "{warc}"], "either --offset N or --url URL"),
        (["--warc", "{warc}", "--offset", "0", "--url", "http://a/"], "either --offset N or --url URL"),
        (["--warc", "{warc}", "--offset", "0"], "is no HTTP response (a warcinfo record)"),
        (["--warc", "{warc}", "--offset", "7"], "is no HTTP response (unreadable: junk)"),
        (["--warc", "{warc}", "--offset", "99999999"], "offset 99999999 is outside"),
        (["--warc", "{warc}", "--offset", "-1"], "offset -1 is outside"),
        (["--warc", "{warc}", "--url", "https://never.example/"], "has no response for https://never.example/"),
        (["--warc", "{page}.gz", "--offset", "0"], "page.html.gz does not exist"),
        (["--warc", "{folder}", "--offset", "0"], "does not exist"),
        (["{page}.htm"], "page.html.htm can't be read (No such file or directory)"),
        (["{folder}"], "can't be read (Is a directory)"),
    ],
)
def test_what_cannot_be_tried(bateia: Call, warcs: list[str], tmp_path: Path, args: list[str], thing: str) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>text</p>")
    ended = bateia("try", "tiny", *(arg.format(page=page, warc=warcs[0], folder=tmp_path) for arg in args))
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert thing in line


def test_a_damaged_record_is_named(bateia: Call, ledger: list[Row]) -> None:
    row = first(ledger, reason="gzip_damaged")
    for way in (["--offset", row["warc_offset"]], ["--url", row["url"]]):
        ended = bateia("try", "tiny", "--warc", row["warc_file"], *way)
        assert ended.returncode == 2
        assert "unreadable: gzip_damaged" in ended.stderr


def test_a_page_too_large_is_refused(bateia: Call, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with page.open("wb") as file:
        file.truncate(1 << 30)
    ended = bateia("try", "tiny", page)
    assert ended.returncode == 2
    assert "give a smaller one" in ended.stderr


PAGE = """<html><body><article>
<h1>The river</h1>
<p>The river is low in June [1], and the ferry runs twice a day between the two small towns.</p>
<p>Please enable javascript to see the timetable of the ferry on this page.</p>
<p>In winter the ferry does not run, and people walk over the old bridge instead of waiting.</p>
<p>Write to ana.souza@example.net if you want to come, or to the town's hall before noon.</p>
<p>The bridge was built a long time ago, when the mill was still grinding corn every day.</p>
<p>Now the mill is a small museum, where children see how bread was made in those days.</p>
</article></body></html>"""


def test_what_goes_from_a_text_and_what_replaces_it(bateia: Call, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    lines = tried(bateia, page).splitlines()
    assert [line.strip() for line in lines if line.startswith("    removes ")][-1] == (
        "removes Please enable javascript to see the timetable of the ferry on this page."
    )
    assert not any("river is low" in line for line in lines if line.startswith("    removes "))
    assert "✓ pii                1 replacement of personal data" in lines
    assert "    replaces ana.souza@example.net by <EMAIL_ADDRESS>" in lines


def test_what_a_page_sends_moves_no_cursor(bateia: Call, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(PAGE.replace("The river is", "The \x1b[2J\u202e river is").encode())
    shown = tried(bateia, page)
    assert "\x1b" not in shown and "\u202e" not in shown
