"""`bateia explain`: a URL's fate out of the ledger, whoever asks and however they spell it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.lineage.explain import explain, spellings
from pipelines.sample.build import SampleIndex
from schemas.faults import BadInput

Call = Callable[..., subprocess.CompletedProcess[str]]


def page_of(sample: SampleIndex, kind: str) -> dict:
    return next(page for page in sample.pages if page["kind"] == kind)


@pytest.mark.parametrize(
    "kind, told",
    [
        ("article", ["kept (", "score 0.", "/data/"]),
        ("not_found", ["dropped at read by http_status: it is 404, and has to be 200"]),
        ("blocked_host", ["dropped at url by domain [", "(sample, "]),
        ("app_shell", ["dropped at extract by no_main_text\n"]),
        ("wrong_language", ["dropped at language by other_language: it is in ", ", with score 0."]),
        ("broken_record", ["unreadable at read by gzip_damaged"]),
    ],
)
def test_it_tells_the_fate_and_the_place(
    bateia: Call, sample: SampleIndex, documents: Path, kind: str, told: list[str]
) -> None:
    page = page_of(sample, kind)
    ended = bateia("explain", page["url"], "--in", documents)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(page["url"] + "\n")
    assert all(part in ended.stdout for part in told), ended.stdout
    assert f"{page['file']} at byte " in ended.stdout
    assert page["record_id"] in ended.stdout


def test_it_finds_the_address_as_people_type_it(sample: SampleIndex, documents: Path) -> None:
    url = page_of(sample, "article")["url"]
    told = explain(url, str(documents))
    rest = url.removeprefix("https://")
    for typed in (rest, f"http://{rest}", f"www.{rest}", f"{url}/"):
        assert explain(typed, str(documents)) == told


@pytest.mark.parametrize("typed", ["a.example/x", "http://a.example/x/", "https://www.a.example/x", "www.a.example/x"])
def test_spellings_are_of_one_address(typed: str) -> None:
    hosts = ("a.example", "www.a.example")
    assert spellings(typed) == {
        f"{s}://{host}/x{end}" for s in ("http", "https") for host in hosts for end in ("", "/")
    }


@pytest.mark.slow
def test_every_record_of_a_url_is_told(
    bateia: Call, sample: SampleIndex, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A file given under two names is read twice."""
    folder = tmp_path_factory.mktemp("twice")
    for name in ("one", "two"):
        (folder / f"{name}.warc.gz").write_bytes(sample.warc_files[1].read_bytes()[:60_000])
    output = folder / "o"
    assert (
        bateia("curate", "--recipe", "tiny", "--input", folder / "*.gz", "--output", output, "--quiet").returncode == 0
    )
    url = next(page["url"] for page in sample.pages if page["file"].endswith("1.warc.gz"))
    told = explain(url, str(output))
    assert told.count(f"{url}\n") == 2
    assert told.index("one.warc.gz") < told.index("two.warc.gz")


def test_an_unknown_url_is_said_to_be_unknown(bateia: Call, documents: Path) -> None:
    ended = bateia("explain", "https://never.example/seen", "--in", documents)
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert "has seen no page https://never.example/seen" in line
    assert "/ledger/*.parquet" in line


def test_an_unfinished_or_foreign_directory_is_refused(bateia: Call, tmp_path: Path) -> None:
    ended = bateia("explain", "https://a.example/", "--in", tmp_path)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert "no manifest.json" in ended.stderr
    for text in ('{"name": "a web application"}', "no JSON", "[]"):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(BadInput, match=f"^{tmp_path}/manifest.json is no Bateia manifest"):
            explain("https://a.example/", str(tmp_path))


# --- Of a corpus ------------------------------------------------------------------------------------------------------


def test_a_copy_is_followed_to_the_one_that_stays(bateia: Call, sample: SampleIndex, corpus: Path) -> None:
    page = page_of(sample, "exact_copy")
    ends = [bateia("explain", page[url], "--in", corpus).stdout for url in ("url", "copy_of")]
    removed, stays = sorted(ends, key=lambda told: "removed as" not in told)
    survivor = stays.splitlines()[0]
    assert f"  removed as exact duplicate of {survivor}\n" in removed
    assert "one of 2 in cluster" in removed
    assert f"in the corpus {corpus}, the survivor of 2 documents that are alike" in stays
    assert all("  kept (" in told and " at byte " in told for told in ends)


@pytest.mark.parametrize(
    "kind, told",
    [
        ("pii", [", nothing duplicates it", "  document <urn:uuid:"]),
        ("not_found", ["dropped at read by http_status: it is 404, and has to be 200"]),
    ],
)
def test_a_corpus_tells_of_pages_without_copies(
    bateia: Call, sample: SampleIndex, corpus: Path, kind: str, told: list[str]
) -> None:
    page = page_of(sample, kind)
    ended = bateia("explain", page["url"].removeprefix("https://"), "--in", corpus)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert all(part in ended.stdout for part in told), ended.stdout
    assert ("in the corpus" in ended.stdout) == (kind == "pii")


def test_a_corpus_outlives_its_documents(bateia: Call, corpus: Path, sample: SampleIndex, tmp_path: Path) -> None:
    copied = tmp_path / "corpus"
    shutil.copytree(corpus, copied)
    manifest = (copied / "manifest.json").read_text()
    documents = json.loads(manifest)["source"][0]["path"]
    (copied / "manifest.json").write_text(manifest.replace(documents, str(tmp_path / "gone")))
    page = page_of(sample, "pii")
    ended = bateia("explain", page["url"], "--in", copied)
    assert (ended.returncode, "in the corpus" in ended.stdout) == (0, True)
    ended = bateia("explain", "https://never.example/seen", "--in", copied)
    assert ended.returncode == 2
    assert "has seen no page https://never.example/seen" in ended.stderr
    assert str(tmp_path / "gone") in ended.stderr


def test_a_kept_page_comes_with_what_was_measured(sample: SampleIndex, documents: Path) -> None:
    import pyarrow.parquet as pq

    url = page_of(sample, "article")["url"]
    [quality] = [
        row["quality"]
        for path in documents.glob("data/*/*.parquet")
        for row in pq.ParquetFile(path).read(["url", "quality"]).to_pylist()
        if row["url"] == url
    ]
    shown = dict(line.split() for line in explain(url, str(documents)).splitlines()[3:])
    assert list(shown) == list(quality)
    assert all(float(shown[name].replace(",", "")) == pytest.approx(value, rel=1e-3) for name, value in quality.items())


@pytest.mark.parametrize("fragment", ["#", "#part", "#/a?b"])
def test_a_fragment_is_no_part_of_the_address(sample: SampleIndex, documents: Path, fragment: str) -> None:
    url = page_of(sample, "article")["url"]
    assert explain(url + fragment, str(documents)) == explain(url, str(documents))
    with pytest.raises(BadInput, match=r"has seen no page https://never[.]example/#a"):
        explain("https://never.example/#a", str(documents))
