"""Crawls whose records have one WARC-Record-ID: each document is shuffled and forgotten alone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.upkeep.forget_shards import ShardUnit, row_faults
from schemas.shards.layout import docs_path

Call = Callable[..., subprocess.CompletedProcess[str]]
SENTENCE = "the river bends twice before it reaches the sea and carries sand from the hills to the old mill"
WORDS = SENTENCE.split()


@pytest.fixture(scope="module")
def shards(make_documents: Callable[..., Path], bateia: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("same")
    texts = [" ".join(WORDS[(i * k) % len(WORDS)] for k in range(1, 30)) + f" {i}." for i in range(60)]
    rows = [
        {"id": "<urn:uuid:1>", "text": text, "url": f"https://mill.example/{i}", "warc_offset": 100 * i}
        for i, text in enumerate(texts)
    ]
    source = make_documents(folder / "documents", rows)
    given = ("--vocab-size", 400, "--context", 64, "--val-fraction", 0.2, "--quiet")
    ended = bateia("shard", "--input", source, "--output", folder / "shards", *given)
    assert ended.returncode == 0, ended.stderr
    return folder / "shards"


@pytest.mark.slow
def test_documents_of_one_id_are_shuffled(shards: Path, documents_in: Callable[..., list[dict[str, Any]]]) -> None:
    keys = [row["key"] for row in documents_in(shards)]
    assert len(set(keys)) == len(keys) > 30
    assert keys != sorted(keys)


@pytest.mark.slow
def test_documents_of_one_id_are_forgotten_alone(
    shards: Path, documents_in: Callable[..., list[dict[str, Any]]], bateia: Call, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(shards, tmp_path / "shards"))
    before = documents_in(copied)
    gone = before[3]["url"]
    (tmp_path / "urls").write_text(gone + "\n")
    ended = bateia("forget", "--shards", copied, "--url-list", tmp_path / "urls")
    assert ended.returncode == 0, ended.stderr
    assert [row["url"] for row in documents_in(copied)] == [row["url"] for row in before if row["url"] != gone]
    assert bateia("shards", "verify", "--shards", copied).returncode == 0


def test_a_forget_whose_rows_are_not_single_is_refused_before_it_writes(
    shards: Path, documents_in: Callable[..., list[dict[str, Any]]]
) -> None:
    row = next(row for row in documents_in(shards) if row["shard"] == 0)
    path = docs_path(str(shards), "train", 0)
    span = (row["start"], row["length"])

    def faults(*spans: tuple[int, int]) -> list[str]:
        return list(row_faults(path, ShardUnit("train-00000", "train", 0, 0, spans)))

    assert faults(span) == []
    for wrong in ((span, span), ((span[0] + 1, span[1]),)):
        [fault] = faults(*wrong)
        assert "documents at token" in fault
