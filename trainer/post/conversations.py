"""Conversations as token shards with a mask and a plan, which all that reads shards reads: trainers, explain-batch."""

from __future__ import annotations

import hashlib
import shutil
from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.faults import BadInput
from schemas.manifest import FileEntry, Manifest, hash_dataset, write_manifest
from schemas.setting import setting
from schemas.shards.layout import (
    PLAN_SCHEMA,
    PLAN_STAGE,
    SHARD_STAGE,
    SPLITS,
    TRAIN,
    VAL,
    WHOLE,
    docs_path,
    docs_schema,
    mask_path,
    plan_folder,
    tokens_path,
)
from trainer.data.chat import ASSISTANT, Conversation
from trainer.generate.chat import ChatFormat
from trainer.run.folder import write_folder
from trainer.run.job import versions

ROWS = "rows-00000.parquet"
ALL = "all"  # the slice of val/ that is all of it


@dataclass(frozen=True)
class ShardConversations:
    """How conversations become rows. Raises BadInput for numbers that can't be."""

    context: int | None = setting(None, "tokens that a row holds at most", none="the run's", metavar="N")
    seed: int = setting(1, "draws the order of the rows", metavar="N")
    plain: bool = setting(False, "as running text without roles, for a model that has seen none")
    given_calls: bool = setting(False, "learn how tools are called, but not when: where a call begins is given")


@dataclass(frozen=True)
class Tokenized:
    """A conversation in tokens, BOS first; mask: 1 for those that are learned."""

    conversation: Conversation
    tokens: list[int]
    mask: list[int]

    @property
    def key(self) -> int:
        """By which shuffles order it."""
        return int.from_bytes(hashlib.sha256(self.conversation.id.encode()).digest()[:8], "little")

    @property
    def bytes(self) -> int:
        """Of the assistant's text in UTF-8."""
        return sum(len(m.content.encode()) for m in self.conversation.messages if m.role == ASSISTANT)


@dataclass
class Written:
    """What became of conversations: how many are in each split, and which were longer than a row."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    rows: int = 0
    padding: float = 0.0
    too_long: list[str] = field(default_factory=list)


def tokenize(
    conversations: Iterable[Conversation], chat: ChatFormat, plain: bool = False, given_calls: bool = False
) -> Iterable[Tokenized]:
    """plain: as running text, without roles; given_calls: the token that begins a call is not learned"""
    for conversation in conversations:
        rendered = (chat.plain if plain else chat.render)(conversation.messages)
        mask = rendered.mask
        if given_calls:
            mask = [bit * (token != chat.call) for token, bit in zip(rendered.tokens, mask, strict=True)]
        yield Tokenized(conversation, rendered.tokens, mask)


def write_shards(
    tokenized: Iterable[Tokenized],
    tokenizer: Path,
    ids: dict[str, Any],
    output: Path,
    context: int,
    seed: int = 1,
    source: Sequence[dict[str, Any]] = (),
    plain: bool = False,
) -> Written:
    """Write shards, the mask beside the tokens, and plan `main`; the folder appears whole or not at all.

    tokenizer: folder of the tokenizer that they are tokenized by
    ids: bos_id, eos_id, pad_id, vocab_size and tokenizer_sha256
    source: what the manifest says that they were made of
    plain: whether they are running text, without roles

    Raises BadInput if the folder is there, or nothing is left to train on.
    """
    if output.exists():
        raise BadInput(f"output {output} is there; choose another --output, or remove it")
    written, by_split = Written(), {split: [] for split in SPLITS}
    for one in tokenized:
        if len(one.tokens) > context + 1:
            written.too_long.append(one.conversation.id)
        else:
            by_split[one.conversation.split].append(one)
    if not by_split[TRAIN]:
        longer = (
            f"{len(written.too_long):,} are longer than {context:,} tokens" if written.too_long else "none is there"
        )
        raise BadInput(f"no conversation is left to train on ({longer}); give others, or a larger --context")
    output.parent.mkdir(parents=True, exist_ok=True)
    with write_folder(output) as folder:
        shutil.copytree(tokenizer, folder / "tokenizer")
        entries = [entry_of(path, folder) for path in sorted((folder / "tokenizer").iterdir())]
        dtype = np.dtype("<u2" if ids["vocab_size"] <= 1 << 16 else "<u4")
        for split, ones in by_split.items():
            entries += write_split(folder, split, ones, dtype) if ones else []
            written.counts[split] = counts_of(ones)
        layout = hash_dataset(entries)
        told = {"tokens": {"dtype": dtype.name, **ids, "layout_hash": layout, "masked": True}, "plain": plain}
        write_plan(folder, by_split, context, seed, layout, ids["tokenizer_sha256"], written)
        slices = {ALL: written.counts[VAL]} if by_split[VAL] else {}
        counts = {**written.counts, "slices": slices, "too_long": len(written.too_long)}
        stage = Manifest(SHARD_STAGE, told, versions(), list(source), counts, tuple(entries), hash_dataset(entries))
        write_manifest(str(folder), stage)
    return written


def counts_of(ones: Sequence[Tokenized]) -> dict[str, int]:
    tokens, size = sum(len(one.tokens) for one in ones), sum(one.bytes for one in ones)
    return {"documents": len(ones), "tokens": tokens, "bytes": size}


def write_split(folder: Path, split: str, ones: Sequence[Tokenized], dtype: np.dtype[Any]) -> list[FileEntry]:
    paths = [Path(make(str(folder), split, 0)) for make in (tokens_path, mask_path, docs_path)]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    paths[0].write_bytes(np.array([token for one in ones for token in one.tokens], dtype).tobytes())
    paths[1].write_bytes(bytes(bit for one in ones for bit in one.mask))
    pq.write_table(pa.Table.from_pylist(list(document_rows(ones)), docs_schema()), paths[2])
    return [entry_of(path, folder, rows=len(ones) if path == paths[2] else 0) for path in paths]


def document_rows(ones: Sequence[Tokenized]) -> Iterable[dict[str, Any]]:
    start = 0
    for one in ones:
        source = one.conversation.source
        told = {name: source.get(name) for name in ("url", "warc_file", "warc_offset", "language", "dump")}
        size = {"start": start, "length": len(one.tokens), "bytes": one.bytes}
        yield {"doc_id": one.conversation.id, **size, "key": one.key, **told}
        start += len(one.tokens)


def write_plan(
    folder: Path,
    by_split: dict[str, list[Tokenized]],
    context: int,
    seed: int,
    layout: str,
    tokenizer_sha256: str,
    written: Written,
) -> None:
    plan = Path(plan_folder(str(folder), "main"))
    (plan / "val").mkdir(parents=True)
    rows = {split: plan_rows([len(one.tokens) for one in ones], context, seed) for split, ones in by_split.items()}
    tables = {plan / ROWS: rows[TRAIN], **({plan / "val" / f"{ALL}.parquet": rows[VAL]} if rows[VAL] else {})}
    for path, some in tables.items():
        pq.write_table(pa.Table.from_pylist(list(span_rows(some)), PLAN_SCHEMA), path)
    tokens = written.counts[TRAIN]["tokens"]
    written.rows, written.padding = len(rows[TRAIN]), 1 - tokens / (len(rows[TRAIN]) * (context + 1))
    settings = {"name": "main", "context": context, "seed": seed, "packing": WHOLE}
    settings |= {"layout_hash": layout, "tokenizer_sha256": tokenizer_sha256}
    parts = [{"path": ROWS, "first_row": 0, "rows": len(rows[TRAIN])}]
    slices = {ALL: len(rows[VAL])} if rows[VAL] else {}
    counts = {"rows": len(rows[TRAIN]), "tokens": tokens, "parts": parts, "slices": slices}
    files = tuple(entry_of(path, plan) for path in tables)
    write_manifest(str(plan), Manifest(PLAN_STAGE, settings, versions(), [], counts, files, hash_dataset(files)))


def plan_rows(lengths: Sequence[int], context: int, seed: int) -> list[list[tuple[int, int]]]:
    """Rows of whole documents, each as (start, length) of its spans: in a drawn order every document goes into the row
    that it leaves least room in (best fit), so that none is cut; what is left of a row is padding. nanochat's choice
    for chat (chat_sft). Rows are in a drawn order too."""
    starts = np.cumsum([0, *lengths]).tolist()
    generator = np.random.Generator(np.random.PCG64(seed))
    rows: list[list[tuple[int, int]]] = []
    open_rows: list[tuple[int, int]] = []  # (room, row), sorted
    for number in generator.permutation(len(lengths)).tolist():
        length = lengths[number]
        at = next((at for at, (room, _) in enumerate(open_rows) if room >= length), None)
        room, row = open_rows.pop(at) if at is not None else (context + 1, len(rows))
        if row == len(rows):
            rows.append([])
        rows[row].append((starts[number], length))
        if room - length > 1:  # BOS alone teaches nothing
            insort(open_rows, (room - length, row))
    return [rows[row] for row in generator.permutation(len(rows)).tolist()]


def span_rows(rows: Sequence[Sequence[tuple[int, int]]]) -> Iterable[dict[str, int]]:
    for row, spans in enumerate(rows):
        for slot, (start, length) in enumerate(spans):
            yield {"row": row, "slot": slot, "shard": 0, "start": start, "length": length}


def entry_of(path: Path, folder: Path, rows: int = 0) -> FileEntry:
    data = path.read_bytes()
    return FileEntry(path.relative_to(folder).as_posix(), rows, len(data), hashlib.sha256(data).hexdigest())
