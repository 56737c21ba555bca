"""`bateia shards index`: other loaders read our tokens by them and find the documents that we wrote."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.shards.layout import read_shards, tokens_path

Call = Callable[..., subprocess.CompletedProcess[str]]
Rows = Callable[..., list[dict[str, Any]]]
DATATROVE_PYTHON = os.environ.get("DATATROVE_PYTHON", "")  # of an environment that has datatrove, with torch or without

# datatrove's classes want torch for a handful of array functions; where it is absent, numpy stands in for these.
READ_WITH_DATATROVE = """
import importlib.machinery, json, sys, types
import numpy as np
try:
    import torch
except ImportError:
    torch, utils, data = (types.ModuleType(name) for name in ("torch", "torch.utils", "torch.utils.data"))
    data.Dataset = object
    torch.utils, utils.data = utils, data
    torch.int, torch.long, torch.int64 = np.int32, np.int64, np.int64
    torch.as_tensor = torch.tensor = lambda value, dtype: np.asarray(value, dtype)
    torch.ones = lambda size, dtype: np.ones(size, dtype)
    torch.cat, torch.cumsum = np.concatenate, lambda values, dim: np.cumsum(values, axis=dim)
    for module in (torch, utils, data):
        module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None)
        sys.modules[module.__name__] = module
from datatrove.utils.dataset import DatatroveFolderDataset
folder, size, token_size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
read = DatatroveFolderDataset(
    folder, size - 1, filename_pattern="*.bin", recursive=False, token_size=token_size, return_positions=True
)
rows = [read[at] for at in range(len(read))]
print(json.dumps([{name: [int(n) for n in row[name]] for name in ("input_ids", "positions")} for row in rows]))
"""


@pytest.fixture
def indexed(copied: Path, bateia: Call) -> Path:
    ended = bateia("shards", "index", "--shards", copied, "--format", "datatrove", "megatron")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(f"{2 * len(list(copied.glob('*/tokens-*.bin')))} index files: ")
    return copied


def read_megatron(prefix: str) -> list[np.ndarray]:
    """The documents of PREFIX.idx and PREFIX.bin, as Megatron-LM documents the layout; written anew for this test."""
    types = {1: "u1", 2: "i1", 3: "<i2", 4: "<i4", 5: "<i8", 6: "<f8", 7: "<f4", 8: "<u2"}
    index, data = Path(f"{prefix}.idx").read_bytes(), Path(f"{prefix}.bin").read_bytes()
    assert index[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, documents = struct.unpack_from("<QBQQ", index, 9)
    assert version == 1
    at = 9 + 8 + 1 + 8 + 8
    lengths = np.frombuffer(index, "<i4", sequences, at)
    pointers = np.frombuffer(index, "<i8", sequences, at + lengths.nbytes)
    bounds = np.frombuffer(index, "<i8", documents, at + lengths.nbytes + pointers.nbytes)
    assert at + lengths.nbytes + pointers.nbytes + bounds.nbytes == len(index)
    assert bounds[0] == 0 and bounds[-1] == sequences
    read = [np.frombuffer(data, types[code], size, start) for size, start in zip(lengths, pointers, strict=True)]
    return [np.concatenate(read[a:b]) for a, b in pairwise(bounds)]


def tokens_of(shards: Path, rows: list[dict[str, Any]], split: str, shard: int) -> list[list[int]]:
    tokens = np.fromfile(tokens_path(str(shards), split, shard), read_shards(str(shards)).dtype)
    return [tokens[row["start"] :][: row["length"]].tolist() for row in rows if row["shard"] == shard]


@pytest.mark.parametrize("split", ["train", "val"])
def test_megatrons_layout_gives_every_document(indexed: Path, documents_in: Rows, split: str) -> None:
    rows = documents_in(indexed, split)
    for shard in {row["shard"] for row in rows}:
        read = read_megatron(f"{indexed}/{split}/tokens-{shard:05}")
        assert [document.tolist() for document in read] == tokens_of(indexed, rows, split, shard)


def test_datatroves_index_says_where_documents_end(indexed: Path, documents_in: Rows) -> None:
    rows = documents_in(indexed)
    for shard in {row["shard"] for row in rows}:
        ends = np.fromfile(f"{tokens_path(str(indexed), 'train', shard)}.index", "<u8")
        assert ends.tolist() == [row["start"] + row["length"] for row in rows if row["shard"] == shard]


@pytest.mark.skipif(not DATATROVE_PYTHON, reason="DATATROVE_PYTHON names no Python that has datatrove")
def test_datatroves_own_dataset_reads_them(indexed: Path, documents_in: Rows) -> None:
    info, size = read_shards(str(indexed)), 33
    script = [DATATROVE_PYTHON, "-c", READ_WITH_DATATROVE, str(indexed / "train"), str(size), str(info.dtype.itemsize)]
    ended = subprocess.run(script, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    read, rows = iter(json.loads(ended.stdout)), documents_in(indexed)
    for shard in sorted({row["shard"] for row in rows}):
        tokens = np.fromfile(tokens_path(str(indexed), "train", shard), info.dtype)
        starts = [row["start"] for row in rows if row["shard"] == shard]
        for begin in range(0, len(tokens) - size + 1, size):
            row = next(read)
            assert row["input_ids"] == tokens[begin : begin + size].tolist()
            positions = np.arange(begin, begin + size)
            owners = np.searchsorted(starts, positions, "right") - 1
            heads = np.maximum(np.array(starts)[owners], begin)  # it counts from where the window begins
            assert row["positions"] == (positions - heads).tolist()
    assert next(read, None) is None


@pytest.mark.slow
def test_forgotten_documents_leave_megatrons_index(indexed: Path, documents_in: Rows, bateia: Call) -> None:
    rows = [row for row in documents_in(indexed) if row["shard"] == 1]
    before = Path(f"{indexed}/train/tokens-00001.bin.index").read_bytes()
    untouched = sha256((indexed / "train" / "tokens-00002.idx").read_bytes()).digest()
    (indexed.parent / "urls").write_text("\n".join(row["url"] for row in rows[2:4]))
    ended = bateia("forget", "--shards", indexed, "--url-list", indexed.parent / "urls")
    assert ended.returncode == 0, ended.stderr
    read = read_megatron(f"{indexed}/train/tokens-00001")
    assert [document.tolist() for document in read] == tokens_of(indexed, rows[:2] + rows[4:], "train", 1)
    assert Path(f"{indexed}/train/tokens-00001.bin.index").read_bytes() == before
    assert sha256((indexed / "train" / "tokens-00002.idx").read_bytes()).digest() == untouched


def test_only_what_is_asked_for_is_written(copied: Path, bateia: Call) -> None:
    assert bateia("shards", "index", "--shards", copied, "--format", "datatrove").returncode == 0
    assert list(copied.glob("train/*.index")) and not list(copied.glob("train/*.idx"))
    assert bateia("shards", "verify", "--shards", copied).returncode == 0


def test_refusals(copied: Path, bateia: Call, tmp_path: Path) -> None:
    def refused(*options: object) -> str:
        ended = bateia("shards", "index", *options)
        assert (ended.returncode, ended.stdout) == (2, "")
        return ended.stderr

    assert "invalid choice: 'zip'" in refused("--shards", copied, "--format", "zip")
    assert "has no manifest.json" in refused("--shards", tmp_path, "--format", "megatron")
    path = copied / "train" / "tokens-00001.bin"
    path.write_bytes(path.read_bytes()[:-2])
    assert "it is cut short; ask `bateia shards verify`" in refused("--shards", copied, "--format", "megatron")
