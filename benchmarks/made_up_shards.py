"""Shards and a plan of made-up tokens, written by `schemas/shards.py` alone: what a trainer's speed is measured on.

Documents' lengths are log-normal about 700 tokens, as web pages have them; tokens fall off as 1 / number (Zipf), so a
loss goes down a little and an embedding's rows are as unevenly used as a text's. Rows are cut through the stream of
shuffled documents: consecutive rows lie apart in the files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.manifest import FileEntry, Manifest, hash_dataset, write_manifest
from schemas.shards import CONCAT, PLAN_SCHEMA, PLAN_STAGE, SHARD_STAGE, docs_path, docs_schema, tokens_path

SPECIALS = ("<unk>", "<s>", "</s>", "<pad>")
BOS, EOS, PAD = 1, 2, 3
PER_SHARD = 20_000_000  # tokens
MEDIAN_TOKENS = 700


def write_shards(folder: Path, tokens: int, context: int, vocab_size: int) -> Path:
    """Finished shards of this many tokens with the plan `main`, without validation data."""
    draw = np.random.default_rng(1)
    entries = list(write_tokenizer(folder / "tokenizer", vocab_size))
    lengths = [document_lengths(draw, min(PER_SHARD, tokens - done)) for done in range(0, tokens, PER_SHARD)]
    for shard, of_shard in enumerate(lengths):
        entries += write_shard(folder, shard, of_shard, vocab_size, draw)
    layout = hash_dataset(entries)
    told = {"dtype": "uint16" if vocab_size <= 65536 else "uint32", "vocab_size": vocab_size, "layout_hash": layout}
    told |= {"bos_id": BOS, "eos_id": EOS, "pad_id": PAD, "tokenizer_sha256": entries[0].sha256}
    counts = {"train": {"documents": sum(map(len, lengths)), "tokens": tokens}, "val": {"documents": 0, "tokens": 0}}
    declare(folder, SHARD_STAGE, {"tokens": told}, counts | {"slices": {}}, entries)
    write_plan(folder / "plan" / "main", lengths, context, told, draw)
    return folder


def document_lengths(draw: np.random.Generator, tokens: int) -> np.ndarray:
    """Lengths that sum to `tokens`."""
    drawn = np.exp(draw.normal(np.log(MEDIAN_TOKENS), 1.0, tokens // MEDIAN_TOKENS + 2)).astype(np.int64) + 2
    ends = np.cumsum(drawn)
    ends = np.append(ends[ends < tokens], tokens)
    return np.diff(ends, prepend=0)


def write_shard(
    folder: Path, shard: int, lengths: np.ndarray, vocab_size: int, draw: np.random.Generator
) -> Iterator[FileEntry]:
    starts = np.cumsum(lengths) - lengths
    ordinary = vocab_size - len(SPECIALS)
    tokens = len(SPECIALS) + np.exp(draw.random(int(lengths.sum())) * np.log(ordinary)).astype(np.int64)
    tokens[starts] = BOS
    yield from write(folder, tokens_path("", "train", shard), tokens.astype("<u2" if vocab_size <= 65536 else "<u4"))
    keys = draw.integers(0, 1 << 63, len(lengths), np.uint64)
    known: dict[str, Any] = {"start": starts, "length": lengths, "bytes": lengths * 4, "key": keys}
    known["doc_id"] = known["url"] = [f"made-up:{key:016x}" for key in keys.tolist()]
    schema = docs_schema()
    columns = [pa.array(known.get(field.name, [None] * len(lengths)), field.type) for field in schema]
    path = folder / docs_path("", "train", shard).lstrip("/")
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path)
    yield entry(folder, path)


def write_plan(
    folder: Path, lengths: list[np.ndarray], context: int, told: dict[str, Any], draw: np.random.Generator
) -> None:
    """Cuts at every beginning of a row or a document make the spans; the documents are shuffled before."""
    length = np.concatenate(lengths)
    shard = np.repeat(np.arange(len(lengths)), [len(part) for part in lengths])
    start = np.concatenate([np.cumsum(part) - part for part in lengths])
    order = draw.permutation(len(length))
    length, shard, start = length[order], shard[order], start[order]
    begins = np.cumsum(length) - length
    rows = int(length.sum()) // (context + 1)
    end = rows * (context + 1)
    cuts = np.unique(np.concatenate([np.arange(rows) * (context + 1), begins[begins < end]]))
    document = np.searchsorted(begins, cuts, side="right") - 1
    row = cuts // (context + 1)
    slot = np.arange(len(cuts)) - np.searchsorted(row, row)
    values = (row, slot, shard[document], start[document] + cuts - begins[document], np.diff(cuts, append=end))
    folder.mkdir(parents=True)
    pq.write_table(
        pa.table([pa.array(v, f.type) for v, f in zip(values, PLAN_SCHEMA, strict=True)], PLAN_SCHEMA),
        folder / "rows-00000.parquet",
    )
    settings = {"context": context, "seed": 1, "packing": CONCAT}
    settings |= {name: told[name] for name in ("layout_hash", "tokenizer_sha256")}
    part = {"path": "rows-00000.parquet", "first_row": 0, "rows": rows}
    declare(folder, PLAN_STAGE, settings, {"rows": rows, "tokens": end, "parts": [part], "slices": {}}, [])


def write_tokenizer(folder: Path, vocab_size: int) -> Iterator[FileEntry]:
    """A tokenizer.json that knows no merge, only names; and the bytes that its tokens stand for."""
    names = (*SPECIALS, *(f"<{number}>" for number in range(len(SPECIALS), vocab_size)))
    vocabulary = {name: number for number, name in enumerate(names)}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": SPECIALS[0]}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False) | {"special": True}
    added = [{"id": number, "content": name} | flags for number, name in enumerate(SPECIALS)]
    text = json.dumps({"version": "1.0", "added_tokens": added, "model": model})
    yield from write(folder.parent, "tokenizer/tokenizer.json", np.frombuffer(text.encode(), np.uint8))
    sizes = np.full(vocab_size, 4, np.int32)
    sizes[: len(SPECIALS)] = 0
    np.save(folder / "token_bytes.npy", sizes)
    yield entry(folder.parent, folder / "token_bytes.npy")


def write(folder: Path, name: str, values: np.ndarray) -> Iterator[FileEntry]:
    path = folder / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(values.tobytes())
    yield entry(folder, path)


def entry(folder: Path, path: Path) -> FileEntry:
    data = path.read_bytes()
    return FileEntry(path.relative_to(folder).as_posix(), 0, len(data), hashlib.sha256(data).hexdigest())


def declare(folder: Path, stage: str, settings: Any, counts: Any, entries: list[FileEntry]) -> None:
    hashed = hash_dataset(entries) if entries else hashlib.sha256(json.dumps(counts).encode()).hexdigest()
    write_manifest(str(folder), Manifest(stage, settings, {}, [], counts, tuple(entries), hashed))
