"""What benchmarks read: what is given, else the corpus of the environment, else the embedded sample."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from benchmarks.inputs import CORPUS, add_corpus_options, described, read_pages, warc_files
from pipelines.sample.build import SampleIndex


def options(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_corpus_options(parser)
    return parser.parse_args(given)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "public").mkdir()
    for name in ("b.warc.gz", "a.warc.gz", "notes.txt"):
        (tmp_path / "public" / name).write_bytes(b"x" * 1_000_000)
    return tmp_path


def test_what_is_given_comes_first(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CORPUS, str(corpus))
    public = corpus / "public"
    assert warc_files(options(), tmp_path) == [public / "a.warc.gz", public / "b.warc.gz"]
    assert warc_files(options("--corpus", str(public / "b.warc.gz")), tmp_path) == [public / "b.warc.gz"]
    assert warc_files(options("--files", "1"), tmp_path) == [public / "a.warc.gz"]
    assert described([public / "a.warc.gz"]) == "1 WARC file, 1.0 MB"


def test_without_a_corpus_the_sample_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CORPUS, raising=False)
    files = warc_files(options(), tmp_path)
    assert described(files).startswith("2 WARC files of the embedded sample")


def test_a_folder_without_warc_files(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"no \*\.warc\.gz in"):
        warc_files(options("--corpus", str(tmp_path)), tmp_path)


def test_pages_are_read_over_damage(sample: SampleIndex) -> None:
    pages = list(read_pages(list(sample.warc_files)))
    assert len(pages) > 100 and all(page.html for page in pages[:5])
    assert {page.warc_file for page in pages} == {str(file) for file in sample.warc_files}
