"""`bateia explain-batch` and `bateia explain` on shards: every token of a row known by its page, and the way back."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.lineage.rows import intervals_of, ranges, rows_text
from schemas.shards.layout import read_plan, read_shards, tokens_path
from trainer.data.batches import PlanReader
from transforms.steps.tokens.tokenizer import load_tokenizer

Call = Callable[..., subprocess.CompletedProcess[str]]
Rows = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def explain_batch(small_shards: Path, bateia: Call) -> Callable[..., dict[str, Any]]:
    def ask(step: int, size: int, plan: str = "main", shards: Path = small_shards) -> dict[str, Any]:
        given = ("--shards", shards, "--plan", plan, "--step", step, "--batch-size", size)
        ended = bateia("explain-batch", *given, "--json")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return ask


@pytest.mark.parametrize("plan", ["main", "fit", "mixed", "twice"])
def test_spans_are_the_tokens_that_the_trainer_reads(
    small_shards: Path, explain_batch: Callable[..., dict[str, Any]], documents_in: Rows, plan: str
) -> None:
    info = read_shards(str(small_shards))
    reader = PlanReader(info, read_plan(info, plan))
    documents = {row["doc_id"]: row for row in documents_in(small_shards)}
    batch = explain_batch(2, 5, plan)
    assert [row["row"] for row in batch["rows"]] == [10, 11, 12, 13, 14]
    for row in batch["rows"]:
        tokens, at = reader.row(row["row"]), 0
        assert row["tokens"] == len(tokens)
        for span in row["spans"]:
            document = documents[span["doc_id"]]
            assert span["row_from"] == at and span["document_tokens"] == document["length"]
            file = np.fromfile(tokens_path(str(small_shards), "train", span["shard"]), info.dtype)
            own = file[document["start"] : document["start"] + document["length"]]
            expected = own[span["document_from"] : span["document_to"]]
            assert tokens[at : span["row_to"]].tolist() == expected.tolist()
            assert [span[name] for name in ("url", "warc_file", "warc_offset", "language", "shard")] == [
                document[name] for name in ("url", "warc_file", "warc_offset", "language", "shard")
            ]
            assert (span["split"], span["forgotten"]) == ("train", False)
            at = span["row_to"]
        assert at == len(tokens)


def test_the_text_of_a_row_is_that_of_its_pages(
    small_shards: Path, explain_batch: Callable[..., dict[str, Any]]
) -> None:
    info = read_shards(str(small_shards))
    tokenizer = load_tokenizer(str(small_shards / "tokenizer"))
    texts = {
        row["id"]: row["text"]
        for path in (small_shards.parent / "documents").glob("data/*/*.parquet")
        for row in pq.ParquetFile(path).read().to_pylist()
    }
    [row] = explain_batch(0, 1)["rows"]
    tokens = PlanReader(info, read_plan(info, "main")).row(0)
    for span in row["spans"]:
        assert tokenizer.decode(tokens[span["row_from"] : span["row_to"]].tolist()) in texts[span["doc_id"]]


def test_rows_go_on_with_the_first_in_the_next_epoch(
    small_shards: Path, explain_batch: Callable[..., dict[str, Any]], bateia: Call
) -> None:
    rows = read_plan(read_shards(str(small_shards)), "main").rows
    size = 7
    step = rows // size  # reaches over the end
    batch = explain_batch(step, size)
    numbers = range(step * size, step * size + size)
    assert [(row["row"], row["epoch"]) for row in batch["rows"]] == [(n % rows, 1 + n // rows) for n in numbers]
    assert len({row["epoch"] for row in batch["rows"]}) == 2
    again = explain_batch(0, size)["rows"]
    last = [row for row in batch["rows"] if row["epoch"] == 2]
    assert [row["spans"] for row in last] == [row["spans"] for row in again[: len(last)]]
    told_text = bateia("explain-batch", "--shards", small_shards, "--step", step, "--batch-size", size).stdout
    assert f"rows {numbers[0]} to {numbers[-1] % rows} of {rows}, epoch 1 and 2" in told_text


def test_the_terminal_shows_pages_and_places(small_shards: Path, bateia: Call, documents_in: Rows) -> None:
    ended = bateia("explain-batch", "--shards", small_shards, "--step", 0, "--batch-size", 2)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("step 0 of plan main at batch size 2: rows 0 to 1 of ")
    shown = [row for row in documents_in(small_shards) if row["url"] in ended.stdout]
    assert shown
    for row in shown:
        assert f"document {row['doc_id']}, {row['warc_file']} at byte {row['warc_offset']}" in ended.stdout
        assert f"({row['language']})" in ended.stdout


def test_refusals(small_shards: Path, bateia: Call, copied: Path, tmp_path: Path) -> None:
    def refused(shards: Path, *options: object) -> str:
        ended = bateia("explain-batch", "--shards", shards, "--batch-size", 2, *options)
        assert (ended.returncode, ended.stdout) == (2, "")
        [line] = ended.stderr.splitlines()
        return line

    assert "has no plan 'nope'; there is fit, half, main, mixed, twice" in refused(
        small_shards, "--plan", "nope", "--step", 0
    )
    assert "--step -3: steps are counted from 0" in refused(small_shards, "--step", -3)
    assert "has no manifest.json" in refused(tmp_path, "--step", 0)
    manifest = copied / "plan" / "main" / "manifest.json"
    sha256 = read_shards(str(copied)).tokenizer_sha256
    manifest.write_text(manifest.read_text().replace(sha256, "0" * 64))
    assert "of another tokenizer" in refused(copied, "--step", 0)
    (copied / "plan" / "fit" / "rows-00000.parquet").write_bytes(b"PAR1")
    assert "can't be read" in refused(copied, "--plan", "fit", "--step", 0)
    (copied / "manifest.json").unlink()
    assert "not finished; run `bateia shard` to the end first" in refused(copied, "--step", 0)


def test_a_page_is_found_in_every_plan(
    small_shards: Path, bateia: Call, documents_in: Rows, explain_batch: Callable[..., dict[str, Any]]
) -> None:
    document = max(documents_in(small_shards), key=lambda row: row["length"])
    ended = bateia("explain", document["url"], "--in", small_shards)
    assert (ended.returncode, ended.stderr) == (0, "")
    end = document["start"] + document["length"]
    place = f"train shard {document['shard']}, {document['length']} tokens [{document['start']}:{end}]"
    assert f"{place}; document {document['doc_id']}, {document['warc_file']} at byte" in ended.stdout
    info = read_shards(str(small_shards))
    for plan in ("main", "fit", "half", "mixed", "twice"):
        rows = explain_batch(0, read_plan(info, plan).rows, plan)["rows"]
        seen = [row["row"] for row in rows if any(span["doc_id"] == document["doc_id"] for span in row["spans"])]
        line = f"plan {plan}: {rows_text(seen, None)}" if seen else f"plan {plan}: not in it"
        assert f"  {line}\n" in ended.stdout + "\n"
        if plan == "main":
            assert len(seen) > 1
            more = bateia("explain", document["url"], "--in", small_shards, "--batch-size", 4).stdout
            assert f"  {line} = steps {ranges(sorted({row // 4 for row in seen}))} at batch size 4\n" in more


def test_a_validation_page_names_its_slices(small_shards: Path, bateia: Call, documents_in: Rows) -> None:
    paper = next(row for row in documents_in(small_shards, "val") if "paper.example" in row["url"])
    line = next(
        line
        for line in bateia("explain", paper["url"], "--in", small_shards).stdout.splitlines()
        if line.startswith("  plan main: ")
    )
    for name in ("all", f"language-{paper['language']}", "domain-paper.example"):
        assert f"slice {name} rows " in line
    assert "language-de" not in line or paper["language"] == "de"


@pytest.mark.slow
def test_it_tells_first_what_the_corpus_tells(corpus: Path, bateia: Call, tmp_path: Path, documents_in: Rows) -> None:
    output = tmp_path / "shards"
    given = ("--vocab-size", 2000, "--context", 64, "--quiet")
    assert bateia("shard", "--input", corpus, "--output", output, *given).returncode == 0
    url = documents_in(output)[0]["url"]
    told_there = bateia("explain", url, "--in", corpus).stdout
    spelled = url.removeprefix("https://")
    ended = bateia("explain", spelled, "--in", output)
    assert ended.stdout.startswith(told_there.rstrip("\n")) and "plan main: row" in ended.stdout
    manifest = (output / "manifest.json").read_text()
    (output / "manifest.json").write_text(manifest.replace(str(corpus), str(tmp_path / "gone")))
    alone = bateia("explain", url, "--in", output)
    assert alone.stdout.splitlines()[0] == url and "plan main: row" in alone.stdout
    none = bateia("explain", "https://never.example/", "--in", output)
    assert none.returncode == 2 and "has seen no page https://never.example/" in none.stderr


@pytest.mark.slow
def test_a_page_that_was_dropped_is_not_in_the_shards(
    documents: Path, bateia: Call, sample: Any, tmp_path: Path
) -> None:
    output = tmp_path / "shards"
    given = ("--vocab-size", 2000, "--context", 64, "--quiet")
    assert bateia("shard", "--input", documents, "--output", output, *given).returncode == 0
    page = next(page for page in sample.pages if page["kind"] == "not_found")
    ended = bateia("explain", page["url"], "--in", output)
    assert ended.returncode == 0 and "dropped at read" in ended.stdout
    assert ended.stdout.rstrip().endswith(f"not in the shards {output}")


def test_a_missing_table_is_told(copied: Path, bateia: Call) -> None:
    shutil.rmtree(copied / "train")
    ended = bateia("explain-batch", "--shards", copied, "--step", 0, "--batch-size", 2)
    assert ended.returncode == 2 and "docs-" in ended.stderr and "can't be read" in ended.stderr


def test_a_plan_that_cannot_be_read_is_told(copied: Path, bateia: Call, documents_in: Rows) -> None:
    url = documents_in(copied)[0]["url"]
    (copied / "plan" / "half" / "rows-00000.parquet").unlink()
    ended = bateia("explain", url, "--in", copied)
    assert ended.returncode == 2 and "plan/half/rows-00000.parquet can't be read" in ended.stderr


def test_a_plan_of_other_shards_is_told(copied: Path, bateia: Call, documents_in: Rows) -> None:
    path = copied / "plan" / "half" / "manifest.json"
    path.write_text(path.read_text().replace(read_shards(str(copied)).layout_hash, "0" * 64))
    ended = bateia("explain", documents_in(copied)[0]["url"], "--in", copied)
    assert ended.returncode == 0 and "  plan main: row" in ended.stdout
    assert f"  plan {copied}/plan/half is of other shards than lie here" in ended.stdout


@pytest.mark.slow
def test_rows_of_many_files_are_found(copied: Path, bateia: Call, explain_batch: Callable[..., dict[str, Any]]) -> None:
    with mock.patch("pipelines.stages.plan.DOCUMENTS_PER_PARTITION", 40):
        assert bateia("plan", "--shards", copied, "--name", "parts", "--context", 64, "--epochs", 2).returncode == 0
    info = read_shards(str(copied))
    plan = read_plan(info, "parts")
    assert len(plan.parts) > 4
    batch = explain_batch(0, plan.rows, "parts", copied)
    assert [row["row"] for row in batch["rows"]] == list(range(plan.rows))
    reader = PlanReader(info, plan)
    assert [row["tokens"] for row in batch["rows"]] == [len(reader.row(row)) for row in range(plan.rows)]
    url = batch["rows"][-1]["spans"][0]["url"]
    seen = [row["row"] for row in batch["rows"] if any(span["url"] == url for span in row["spans"])]
    assert f"  plan parts: {rows_text(seen, None)}\n" in bateia("explain", url, "--in", copied).stdout


def test_runs_of_numbers_are_written_in_short() -> None:
    assert ranges([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
    assert ranges([1, 2, 3, 7]) == "1-3, 7"
    assert rows_text([8], 4) == "row 8 = step 2 at batch size 4"


def test_spans_that_reach_over_documents_are_held_by_each() -> None:
    rows = [{"shard": 1, "start": 5, "length": 5}, {"shard": 0, "start": 0, "length": 3}]
    intervals = intervals_of(rows)
    begins = np.array([0, (1 << 40) + 2, (1 << 40) + 10])
    spans, owners = intervals.overlaps(begins, begins + np.array([2, 4, 4]))
    assert list(zip(spans.tolist(), owners.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_tables_with_other_columns_do_not_matter(copied: Path, bateia: Call) -> None:
    """Quality values may lie in the tables; what is asked for is read alone."""
    for path in (copied / "train").glob("docs-*.parquet"):
        table = pq.ParquetFile(path).read()
        pq.write_table(table.append_column("more", pa.array([1.0] * len(table))), path)
    assert bateia("explain-batch", "--shards", copied, "--step", 0, "--batch-size", 2).returncode == 0
