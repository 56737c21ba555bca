"""Shards made up for benchmarks: tokens with a plan for a trainer, or documents' tables alone for a planner.

Documents' lengths are log-normal about 700 tokens, as web pages have them; ids, URLs and keys have their real width.
Token numbers are drawn by Zipf's law (frequency 1 / number), so that a loss goes down a little and an embedding's rows
are as unevenly used as a text's. The plan cuts rows through the stream of shuffled documents: consecutive rows lie
apart in the files. It is written here, not by `bateia plan`: a trainer's machine needs no Beam.
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
from schemas.shards.layout import (
    CONCAT,
    PLAN_SCHEMA,
    PLAN_STAGE,
    SHARD_STAGE,
    TRAIN,
    docs_path,
    docs_schema,
    tokens_path,
)

SPECIALS = ("<unk>", "<s>", "</s>", "<pad>")
BOS, EOS, PAD = 1, 2, 3
TOKENS_PER_SHARD = 20_000_000
DOCUMENTS_PER_SHARD = 100_000
MEDIAN_TOKENS = 700
BYTES_PER_TOKEN = 4


def write_shards(folder: Path, tokens: int, context: int, vocab_size: int) -> Path:
    """Write finished shards of this many tokens with the plan `main`, without validation data; return the folder."""
    rng = np.random.default_rng(1)
    entries = list(write_tokenizer(folder / "tokenizer", vocab_size))
    shards = [
        lengths_summing_to(min(TOKENS_PER_SHARD, tokens - done), rng) for done in range(0, tokens, TOKENS_PER_SHARD)
    ]
    for shard, lengths in enumerate(shards):
        entries.append(write_tokens(folder, shard, lengths, vocab_size, rng))
        entries.append(write_table(folder, shard, lengths, rng))
    described = {"dtype": token_type(vocab_size), "vocab_size": vocab_size, "layout_hash": hash_dataset(entries)}
    described |= {"bos_id": BOS, "eos_id": EOS, "pad_id": PAD, "tokenizer_sha256": entries[0].sha256}
    finish_shards(folder, described, sum(map(len, shards)), tokens, entries)
    write_plan(folder / "plan" / "main", shards, context, described, rng)
    return folder


def write_tables(folder: Path, documents: int) -> None:
    """Write shards that hold documents' tables and nothing else: a planner reads no tokens."""
    entries, tokens = [], 0
    for shard, first in enumerate(range(0, documents, DOCUMENTS_PER_SHARD)):
        rng = np.random.default_rng(shard)
        lengths = document_lengths(min(DOCUMENTS_PER_SHARD, documents - first), rng)
        entries.append(write_table(folder, shard, lengths, rng))
        tokens += int(lengths.sum())
    described = {"dtype": "uint16", "vocab_size": 32768, "layout_hash": "made up", "tokenizer_sha256": ""}
    described |= {"bos_id": BOS, "eos_id": None, "pad_id": None}
    finish_shards(folder, described, documents, tokens, entries)


def finish_shards(folder: Path, described: Any, documents: int, tokens: int, entries: list[FileEntry]) -> None:
    train = {"documents": documents, "tokens": tokens, "languages": {}, "dumps": {}}
    counts = {"train": train, "val": {"documents": 0, "tokens": 0}, "slices": {}}
    finish(folder, SHARD_STAGE, {"tokens": described}, counts, entries)


def document_lengths(count: int, rng: np.random.Generator) -> np.ndarray:
    """Tokens of so many documents, BOS included: int64 of shape (count,)."""
    return np.exp(rng.normal(np.log(MEDIAN_TOKENS), 1.0, count)).astype(np.int64) + 2


def lengths_summing_to(tokens: int, rng: np.random.Generator) -> np.ndarray:
    """Lengths of documents that have so many tokens together; the last one is cut."""
    ends = np.cumsum(document_lengths(tokens // MEDIAN_TOKENS + 2, rng))
    return np.diff(np.append(ends[ends < tokens], tokens), prepend=0)


def token_type(vocab_size: int) -> str:
    return "uint16" if vocab_size <= 1 << 16 else "uint32"


def write_tokens(folder: Path, shard: int, lengths: np.ndarray, vocab_size: int, rng: np.random.Generator) -> FileEntry:
    ordinary = vocab_size - len(SPECIALS)
    tokens = len(SPECIALS) + np.exp(rng.random(int(lengths.sum())) * np.log(ordinary)).astype(np.int64)
    tokens[np.cumsum(lengths) - lengths] = BOS
    path = folder / tokens_path("", TRAIN, shard).lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tokens.astype(f"<u{np.dtype(token_type(vocab_size)).itemsize}").tobytes())
    return entry(folder, path)


def write_table(folder: Path, shard: int, lengths: np.ndarray, rng: np.random.Generator) -> FileEntry:
    """The table of a shard's documents."""
    keys = rng.integers(0, 1 << 64, len(lengths), np.uint64)
    known: dict[str, Any] = {
        "doc_id": [f"<urn:uuid:{key:016x}-{shard:08x}>" for key in keys.tolist()],
        "start": np.cumsum(lengths) - lengths,
        "length": lengths,
        "bytes": lengths * BYTES_PER_TOKEN,
        "key": keys,
        "url": [f"https://site-{key % 100_000}.invalid/{key:x}" for key in keys.tolist()],
        "language": ["en" if key % 4 else "pt" for key in keys.tolist()],
    }
    schema = docs_schema()
    columns = [pa.array(known.get(field.name, [None] * len(lengths)), field.type) for field in schema]
    path = folder / docs_path("", TRAIN, shard).lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path)
    return entry(folder, path, len(lengths))


def write_plan(
    folder: Path, shards: list[np.ndarray], context: int, described: dict[str, Any], rng: np.random.Generator
) -> None:
    """Shuffle the documents, and cut at every beginning of a row or a document: the pieces are the spans.

    shards: lengths of each shard's documents.
    """
    length = np.concatenate(shards)
    shard = np.repeat(np.arange(len(shards)), [len(lengths) for lengths in shards])
    start = np.concatenate([np.cumsum(lengths) - lengths for lengths in shards])
    order = rng.permutation(len(length))
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
    columns = [pa.array(value, field.type) for value, field in zip(values, PLAN_SCHEMA, strict=True)]
    pq.write_table(pa.Table.from_arrays(columns, schema=PLAN_SCHEMA), folder / "rows-00000.parquet")
    settings = {"context": context, "seed": 1, "packing": CONCAT}
    settings |= {name: described[name] for name in ("layout_hash", "tokenizer_sha256")}
    part = {"path": "rows-00000.parquet", "first_row": 0, "rows": rows}
    finish(folder, PLAN_STAGE, settings, {"rows": rows, "tokens": end, "parts": [part], "slices": {}}, [])


def write_tokenizer(folder: Path, vocab_size: int) -> Iterator[FileEntry]:
    """A tokenizer.json that knows no merge, only names; and how many bytes each of its tokens stands for."""
    folder.mkdir(parents=True)
    names = (*SPECIALS, *(f"<{number}>" for number in range(len(SPECIALS), vocab_size)))
    vocabulary = {name: number for number, name in enumerate(names)}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": SPECIALS[0]}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False) | {"special": True}
    added = [{"id": number, "content": name} | flags for number, name in enumerate(SPECIALS)]
    (folder / "tokenizer.json").write_text(json.dumps({"version": "1.0", "added_tokens": added, "model": model}))
    yield entry(folder.parent, folder / "tokenizer.json")
    sizes = np.full(vocab_size, BYTES_PER_TOKEN, np.int32)
    sizes[: len(SPECIALS)] = 0
    np.save(folder / "token_bytes.npy", sizes)
    yield entry(folder.parent, folder / "token_bytes.npy")


def entry(folder: Path, path: Path, rows: int = 0) -> FileEntry:
    data = path.read_bytes()
    return FileEntry(path.relative_to(folder).as_posix(), rows, len(data), hashlib.sha256(data).hexdigest())


def finish(folder: Path, stage: str, settings: Any, counts: Any, entries: list[FileEntry]) -> None:
    hashed = hash_dataset(entries) if entries else hashlib.sha256(json.dumps(counts).encode()).hexdigest()
    write_manifest(str(folder), Manifest(stage, settings, {}, [], counts, tuple(entries), hashed))
