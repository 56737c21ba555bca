"""`bateia shards verify`: sound shards pass, and whatever is changed is named with a remedy."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.upkeep import verify_files, verify_plan, verify_units
from pipelines.upkeep.verify_documents import numbers_of
from schemas.manifest import FileEntry, hash_dataset, read_manifest
from schemas.shards.documents import documents_in_rows
from schemas.shards.layout import read_plan, read_shards
from schemas.shards.plans import slice_rows
from schemas.wording import plural
from support.forked import forked_workers

Call = Callable[..., subprocess.CompletedProcess[str]]
Change = Callable[[Path], object]


@pytest.fixture
def faults(bateia: Call) -> Callable[..., list[str]]:
    """The lines that tell what is wrong with shards."""

    def look(shards: Path, *options: object) -> list[str]:
        ended = bateia("shards", "verify", "--shards", shards, *options)
        lines = ended.stdout.splitlines()
        assert ended.returncode == 1, ended.stdout + ended.stderr
        assert f"{plural(len(lines), 'fault')} in {shards}" in ended.stderr
        return lines

    return look


def sign_again(folder: Path) -> None:
    """Make a manifest agree with the files as they are: what is left wrong is not found by sizes and hashes."""
    manifest = read_manifest(str(folder))
    assert manifest is not None
    entries = []
    for entry in manifest.files:
        data = (folder / entry.path).read_bytes()
        entries.append(FileEntry(entry.path, entry.rows, len(data), sha256(data).hexdigest()))
    value = asdict(manifest) | {"files": [asdict(entry) for entry in entries], "dataset_hash": hash_dataset(entries)}
    (folder / "manifest.json").write_text(json.dumps(value))


def test_sound_shards_pass(small_shards: Path, bateia: Call) -> None:
    ended = bateia("shards", "verify", "--shards", small_shards)
    assert (ended.returncode, ended.stderr) == (0, "")
    info = read_shards(str(small_shards))
    tokens = info.counts["train"]["tokens"] + info.counts["val"]["tokens"]
    assert ended.stdout == (
        f"{small_shards} is sound: 240 documents, {tokens:,} tokens, plans fit, half, main, mixed, twice\n"
    )
    ended = bateia("shards", "verify", "--shards", small_shards, "--plan", "fit", "--no-sha256")
    assert ended.returncode == 0 and ended.stdout.endswith("plans fit\n")


def cut(shards: Path) -> None:
    path = shards / "train" / "tokens-00001.bin"
    path.write_bytes(path.read_bytes()[:-10])


def lengthen(shards: Path) -> None:
    with (shards / "val" / "tokens-00000.bin").open("ab") as file:
        file.write(b"\0\0")


def flip(name: str, at: int = 101) -> Change:
    def change(shards: Path) -> None:
        data = bytearray((shards / name).read_bytes())
        data[at] ^= 1
        (shards / name).write_bytes(data)

    return change


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        (cut, "train/tokens-00001.bin", "it is cut short; make the shards anew by `bateia shard` with --overwrite"),
        (lengthen, "val/tokens-00000.bin", "something was added; make the shards anew"),
        (flip("train/tokens-00002.bin"), "train/tokens-00002.bin", "has changed since it was written"),
        (flip("val/docs-00001.parquet"), "val/docs-00001.parquet", "has changed since it was written"),
        (flip("tokenizer/tokenizer.json"), "tokenizer/tokenizer.json", "has changed since it was written"),
        (
            flip("plan/main/rows-00000.parquet"),
            "plan/main/rows-00000.parquet",
            "--name main --context 64 --seed 1 --overwrite`",
        ),
        (lambda shards: (shards / "train/tokens-00000.bin").unlink(), "train/tokens-00000.bin", "is missing"),
        (lambda shards: (shards / "train/docs-00000.parquet").unlink(), "train/docs-00000.parquet", "is missing"),
        (lambda shards: (shards / "plan/fit/val/all.parquet").unlink(), "plan/fit/val/all.parquet", "is missing"),
        (lambda shards: (shards / "train/tokens-00099.bin").write_bytes(b""), "train/tokens-00099.bin", "remove it"),
    ],
)
def test_damage_is_named(copied: Path, faults: Callable[..., list[str]], change: Change, name: str, said: str) -> None:
    change(copied)
    found = faults(copied)
    assert any(line.startswith(f"{copied}/{name}") and said in line for line in found), found
    assert len(found) == (2 if ("docs" in name and "train" in name) or "val/docs" in name else 1), found


def test_without_hashes_sizes_and_numbers_are_still_seen(copied: Path, bateia: Call) -> None:
    flip("train/tokens-00002.bin", 100)(copied)  # another token of the vocabulary
    assert bateia("shards", "verify", "--shards", copied, "--no-sha256").returncode == 0
    cut(copied)
    assert bateia("shards", "verify", "--shards", copied, "--no-sha256").returncode == 1


def test_numbers_that_no_hash_tells_are_looked_at(copied: Path, faults: Callable[..., list[str]]) -> None:
    info = read_shards(str(copied))
    path = copied / "train" / "tokens-00000.bin"
    tokens = np.fromfile(path, info.dtype)
    table = pq.ParquetFile(copied / "train" / "docs-00000.parquet").read()
    second = table["start"][1].as_py()
    tokens[second] = 7
    tokens[second + 3] = info.vocab_size
    tokens.tofile(path)
    sign_again(copied)
    found = faults(copied)
    assert f"{path}: the document at token {second:,} does not begin with BOS" in found[1]
    assert f"{path} has token {info.vocab_size:,} of a vocabulary of {info.vocab_size:,}" in found[0]
    assert len(found) == 2


def change_table(path: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    table = pq.ParquetFile(path).read()
    pq.write_table(pa.Table.from_pylist(change(table.to_pylist()), schema=table.schema), path)


def longer(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows[2]["length"] += 1
    return rows


def otherwise(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows[2]["language"] = "fi"
    return rows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (longer, "documents do not tile the file's"),
        (lambda rows: [rows[1], rows[0], *rows[2:]], "documents are not in the order of their tokens"),
        (lambda rows: rows[:3] + rows[4:], "documents do not tile the file's"),
        (otherwise, "manifest.json: languages of train are not what the documents add up to"),
    ],
)
def test_documents_tile_and_add_up(
    copied: Path, faults: Callable[..., list[str]], change: Callable[[Any], Any], said: str
) -> None:
    change_table(copied / "train" / "docs-00001.parquet", change)
    sign_again(copied)
    assert any(said in line for line in faults(copied, "--plan", "main"))


def astray(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A document begins far behind the end of the file, in the midst of others."""
    rows[1]["start"] = 10**12
    return rows


def empty(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows[1]["length"] = 0
    return rows


@pytest.mark.parametrize(("change", "said"), [(astray, "are not in the order"), (empty, "do not tile the file's")])
def test_documents_in_impossible_positions_are_told(
    copied: Path, faults: Callable[..., list[str]], change: Callable[[Any], Any], said: str
) -> None:
    path = copied / "train" / "docs-00001.parquet"
    change_table(path, change)
    sign_again(copied)
    assert any(line.startswith(f"{path}: documents") and said in line for line in faults(copied))


def test_a_table_without_a_column_is_told(copied: Path, faults: Callable[..., list[str]]) -> None:
    path = copied / "train" / "docs-00001.parquet"
    pq.write_table(pq.ParquetFile(path).read().drop_columns(["key"]), path)
    sign_again(copied)
    found = faults(copied)
    assert found[0].startswith(f"{path} can't be read (") and found[0].endswith("or bring the file back")
    assert found[1:] == [f"{copied}: plans fit, half, main, mixed, twice were not looked at, for documents are missing"]


def test_tombstones_that_cannot_be_read_are_told(copied: Path, faults: Callable[..., list[str]]) -> None:
    (copied / "tombstones").mkdir()
    path = copied / "tombstones" / "00001.parquet"
    path.write_bytes(b"PAR1 and no more")
    [line] = faults(copied)
    assert line.startswith(f"{path} can't be read (") and line.endswith("or bring the file back")


def elsewhere(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A span of a shard that there is not."""
    rows[3]["shard"] = 77
    return rows


def test_spans_of_no_shard_are_told(copied: Path, faults: Callable[..., list[str]]) -> None:
    change_table(copied / "plan" / "main" / "rows-00000.parquet", elsewhere)
    change_table(copied / "plan" / "main" / "val" / "all.parquet", elsewhere)
    sign_again(copied / "plan" / "main")
    found = faults(copied)
    assert len(found) == 2 and all("not in as many rows as they should be: " in line for line in found)


def test_a_plan_that_does_not_say_what_was_asked_for_is_told(copied: Path, faults: Callable[..., list[str]]) -> None:
    path = copied / "plan" / "fit" / "manifest.json"
    value = json.loads(path.read_text())
    del value["settings"]["mixture"]
    path.write_text(json.dumps(value))
    assert faults(copied) == [
        "the manifest of plan 'fit' does not say what was asked for ('mixture' is missing); "
        "make the plan anew by `bateia plan` with --overwrite"
    ]


def test_shards_of_another_format_are_refused_by_every_command(copied: Path, bateia: Call, tmp_path: Path) -> None:
    path = copied / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 3}))
    (tmp_path / "urls").write_text("https://a.example/")
    commands: list[tuple[object, ...]] = [
        ("shards", "verify", "--shards", copied),
        ("shards", "index", "--shards", copied, "--format", "megatron"),
        ("explain", "https://a.example/", "--in", copied),
        ("explain-batch", "--shards", copied, "--step", 0, "--batch-size", 1),
        ("forget", "--shards", copied, "--url-list", tmp_path / "urls"),
        ("plan", "--shards", copied, "--name", "other"),
    ]
    for command in commands:
        ended = bateia(*command)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr == (
            f"bateia: {path} was written by a newer Bateia (format 3, this one reads 1 and 2); update Bateia\n"
        )


def twice(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row of the plan holds another one's tokens instead of its own."""
    rows[0] |= {name: rows[9][name] for name in ("shard", "start", "length")}
    return rows


def shorter(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows[4]["length"] -= 1
    return rows


def renumbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows[:2]:
        row["slot"] += 1
    return rows


@pytest.mark.parametrize("plan", ["main", "fit", "mixed", "twice", "half"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (twice, " tokens; token "),
        (lambda rows: [row for row in rows if row["row"] != 3], "does not hold its rows 0 to "),
        (shorter, " tokens: 1 row"),
        (renumbered, "the spans of a row are not numbered 0, 1, …"),
    ],
)
def test_every_token_is_where_the_plan_should_have_it(
    copied: Path, faults: Callable[..., list[str]], plan: str, change: Callable[[Any], Any], said: str
) -> None:
    change_table(copied / "plan" / plan / "rows-00000.parquet", change)
    sign_again(copied / "plan" / plan)
    found = faults(copied)
    assert all(line.startswith(f"{copied}/plan/{plan}") for line in found), found
    assert any(said in line and f"--shards {copied} --name {plan} --context " in line for line in found), found


def test_a_best_fit_row_begins_with_documents(copied: Path, faults: Callable[..., list[str]]) -> None:
    def later(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A span that was cut shows the end of its document, not its beginning."""
        lengths = {(row["shard"], row["start"]): row["length"] for row in documents}
        span = next(row for row in rows if row["length"] < lengths[row["shard"], row["start"]])
        span["start"] += lengths[span["shard"], span["start"]] - span["length"]
        return rows

    documents: list[dict[str, Any]] = []
    for path in (copied / "train").glob("docs-*.parquet"):
        shard = int(path.stem.partition("-")[2])
        documents += [row | {"shard": shard} for row in pq.ParquetFile(path).read().to_pylist()]
    change_table(copied / "plan" / "fit" / "rows-00000.parquet", later)
    sign_again(copied / "plan" / "fit")
    [line] = faults(copied)
    assert "1 spans do not begin with a document" in line


def test_slices_hold_their_documents_once(copied: Path, faults: Callable[..., list[str]]) -> None:
    path = copied / "plan" / "main" / "val" / "language-pt.parquet"
    shutil.copy(copied / "plan" / "main" / "val" / "language-de.parquet", path)
    sign_again(copied / "plan" / "main")
    found = faults(copied)
    assert found and all(line.startswith(str(path)) for line in found)


def test_a_plan_that_counts_wrongly_is_found(copied: Path, faults: Callable[..., list[str]]) -> None:
    path = copied / "plan" / "fit" / "manifest.json"
    value = json.loads(path.read_text())
    value["counts"]["cut"] += 1
    path.write_text(json.dumps(value))
    [line] = faults(copied)
    assert "cut in its manifest are not what its rows add up to" in line


def test_plans_of_other_shards_and_tokenizers_are_found(copied: Path, faults: Callable[..., list[str]]) -> None:
    info = read_shards(str(copied))
    for name, own in (("fit", info.layout_hash), ("half", info.tokenizer_sha256)):
        path = copied / "plan" / name / "manifest.json"
        path.write_text(path.read_text().replace(own, "0" * 64))
    found = faults(copied)
    assert len(found) == 2
    assert "plan/fit is of other shards than lie here" in found[0]
    assert "plan/half is of tokens of another tokenizer" in found[1]
    assert faults(copied, "--plan", "fit") == found[:1]


@pytest.mark.slow
@pytest.mark.parametrize("packing", ["concat", "bos_bestfit"])
def test_plans_of_many_files_are_sound(
    copied: Path, bateia: Call, faults: Callable[..., list[str]], packing: str
) -> None:
    with mock.patch("pipelines.stages.plan.DOCUMENTS_PER_PARTITION", 40):
        given = ("--name", "parts", "--context", 90, "--packing", packing, "--epochs", 1.5)
        assert bateia("plan", "--shards", copied, *given).returncode == 0
    assert len(list((copied / "plan" / "parts").glob("rows-*.parquet"))) > 4
    ended = bateia("shards", "verify", "--shards", copied, "--plan", "parts")
    assert ended.returncode == 0, ended.stdout
    change_table(copied / "plan" / "parts" / "rows-00002.parquet", twice)
    sign_again(copied / "plan" / "parts")
    assert any("not in as many rows" in line for line in faults(copied, "--plan", "parts"))


def test_a_file_that_ends_within_a_token_is_found(copied: Path, faults: Callable[..., list[str]]) -> None:
    path = copied / "train" / "tokens-00001.bin"
    path.write_bytes(path.read_bytes()[:-1])
    sign_again(copied)
    assert any(line.startswith(f"{path} ends within a token") for line in faults(copied))


def test_unfinished_shards_and_unknown_plans_are_bad_input(small_shards: Path, bateia: Call, tmp_path: Path) -> None:
    ended = bateia("shards", "verify", "--shards", tmp_path)
    assert ended.returncode == 2 and "has no manifest.json" in ended.stderr
    ended = bateia("shards", "verify", "--shards", small_shards.parent / "documents")
    assert ended.returncode == 2 and "was written by stage 'curate'" in ended.stderr
    ended = bateia("shards", "verify", "--shards", small_shards, "--plan", "nope")
    assert ended.returncode == 2 and "has no plan 'nope'" in ended.stderr


@pytest.mark.slow
def test_the_remedy_of_a_plan_makes_the_very_same(copied: Path, faults: Callable[..., list[str]], bateia: Call) -> None:
    """Each plan of the small shards, by the command that its fault names."""
    for name in ("fit", "half", "main", "mixed", "twice"):
        path = copied / "plan" / name / "rows-00000.parquet"
        sound = path.read_bytes()
        path.unlink()
        [line] = faults(copied, "--plan", name)
        command = line.partition("`bateia ")[2].rstrip("`").split()
        assert bateia(*command).returncode == 0
        assert path.read_bytes() == sound
    assert bateia("shards", "verify", "--shards", copied).returncode == 0


def test_shards_are_looked_at_in_groups(copied: Path, faults: Callable[..., list[str]], bateia: Call) -> None:
    """As few spans as may be in memory: the same is found, also in shards that do not exist."""
    change_table(copied / "plan" / "main" / "rows-00000.parquet", elsewhere)
    change_table(copied / "plan" / "twice" / "rows-00000.parquet", twice)
    for plan in ("main", "twice"):
        sign_again(copied / "plan" / plan)
    found = faults(copied)
    assert len(found) == 3
    with mock.patch.object(verify_units, "STRETCHES_PER_GROUP", 50):
        assert faults(copied) == found
        assert bateia("shards", "verify", "--shards", copied, "--plan", "mixed").returncode == 0
        run = verify_files.open_run(str(copied), False)
        groups = verify_units.groups_of(verify_plan.open_check(run, "main"))
    shards = [groups.shards(run, number) for number in range(len(groups.first) + 1)]
    assert len(shards) > 3 and sorted(shard for group in shards for shard in group) == [
        number for split, number in numbers_of(run) if split == "train"
    ]


@pytest.mark.slow
def test_processes_find_the_same(copied: Path, faults: Callable[..., list[str]], bateia: Call) -> None:
    with forked_workers() as begun:
        assert bateia("shards", "verify", "--shards", copied, "--workers", 2, "--quiet").returncode == 0
    assert len(begun) >= 2
    flip("train/tokens-00002.bin")(copied)
    flip("plan/main/rows-00000.parquet")(copied)
    change_table(copied / "plan" / "twice" / "rows-00000.parquet", twice)
    sign_again(copied / "plan" / "twice")
    found = faults(copied)
    with mock.patch("tempfile.tempdir", str(copied.parent)), forked_workers():
        assert len(found) == 4 and faults(copied, "--workers", 2, "--quiet") == found
    assert list(copied.parent.iterdir()) == [copied]


@pytest.mark.slow
def test_slices_of_many_documents_hold_those_that_a_hash_puts_first(
    copied: Path, bateia: Call, faults: Callable[..., list[str]]
) -> None:
    with mock.patch("pipelines.stages.plan.MOST_IN_SLICE", 10):
        ended = bateia("plan", "--shards", copied, "--name", "capped", "--context", 64, "--quiet")
    assert ended.returncode == 0
    info = read_shards(str(copied))
    there = info.slices["all"]["documents"]
    assert f"note: validation slice all holds 10 documents of {there}, those that a hash puts first" in ended.stderr
    manifest = read_manifest(str(copied / "plan" / "capped"))
    assert manifest is not None and manifest.counts["capped"]["all"] == {"documents": 10, "of": there}

    def documents(plan: str) -> list[tuple[int, int]]:
        spans = slice_rows(read_plan(info, plan), "all")
        parts = documents_in_rows(str(copied), "val", [spans.spans(row) for row in range(spans.rows)], ("doc_id",))
        return list(dict.fromkeys((part.shard, part.start) for row in parts for part in row))

    assert documents("capped") == documents("main")[:10]
    assert bateia("shards", "verify", "--shards", copied, "--plan", "capped").returncode == 0
    path = copied / "plan" / "capped" / "manifest.json"
    value = json.loads(path.read_text())
    value["counts"]["capped"]["all"]["documents"] = 9
    path.write_text(json.dumps(value))
    [line] = faults(copied, "--plan", "capped")
    assert line.startswith(f"{copied}/plan/capped/val/all.parquet: not in as many rows as they should be")
