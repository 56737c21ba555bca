"""Token shards on disk: the only contract between data and trainer.

    manifest.json                   what is here (`ShardsInfo`), written last
    tokenizer/                      tokenizer.json and what else its training wrote, token_bytes.npy
    train/ val/ tokens-00000.bin    numbers without a header, little-endian, each document led by BOS
                mask-00000.bin      of conversations alone: a byte a token, 1 where it is learned
                docs-00000.parquet  one row per document, in order (`docs_schema`)
    plan/<name>/rows-00000.parquet  which spans make which training row (`PLAN_SCHEMA`), manifest.json (`PlanInfo`)
    plan/<name>/val/<slice>.parquet the same for a slice of val/, not shuffled
    tombstones/00001.parquet        what `bateia forget` took out, and where it lay

A shard is a pair of files of one number; numbers follow the input's files, and one without documents is not written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.faults import BadInput, reason
from schemas.manifest import MANIFEST, Manifest, open_finished
from schemas.storage import join

SHARD_STAGE, PLAN_STAGE = "shard", "plan"
SHARD_COMMAND, PLAN_COMMAND = "`bateia shard`", "`bateia plan`"
RERUN_SHARDS = "make the shards anew by `bateia shard` with --overwrite, or bring the file back"
RERUN_PLAN = "make the plan anew by `bateia plan` with --overwrite"
TOKEN_TYPES = ("uint16", "uint32")
TRAIN, VAL = "train", "val"
SPLITS = (TRAIN, VAL)
CONCAT, BESTFIT = "concat", "bos_bestfit"
WHOLE = "whole_bestfit"  # of conversations: whole ones in the row that they leave least room in, the rest is padding
PACKINGS = (CONCAT, BESTFIT)

# One row per span of a row. start and length count tokens of the shard's file; slot numbers the spans of a row 0, 1, …:
# a row's tokens are its spans' in this order. Sorted by row, then slot; a row never straddles two files.
PLAN_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("slot", pa.int32(), nullable=False),
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("length", pa.int32(), nullable=False),
    ]
)

# start, length: tokens of the shard's file, BOS included. bytes: of the text in UTF-8. key: hash of the document's id,
# by which shuffles order documents. warc_file, warc_offset: the WARC record of the page.
DOCS_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("doc_id", pa.string()),
    ("start", pa.int64()),
    ("length", pa.int64()),
    ("bytes", pa.int64()),
    ("key", pa.uint64()),
    ("url", pa.string()),
    ("warc_file", pa.string()),
    ("warc_offset", pa.int64()),
    ("dump", pa.string()),
    ("language", pa.string()),
    ("language_score", pa.float64()),
    ("cluster_id", pa.string()),
)


def docs_schema(measures: Iterable[str] = ()) -> pa.Schema:
    """Arrow schema of `docs-*.parquet`; with measures a struct `quality` of the documents' quality values."""
    if not (names := list(measures)):
        return pa.schema(DOCS_COLUMNS)
    return pa.schema([*DOCS_COLUMNS, ("quality", pa.struct([pa.field(name, pa.float64()) for name in names]))])


def tokens_path(folder: str, split: str, shard: int) -> str:
    return join(folder, split, f"tokens-{shard:05}.bin")


def mask_path(folder: str, split: str, shard: int) -> str:
    return join(folder, split, f"mask-{shard:05}.bin")


def docs_path(folder: str, split: str, shard: int) -> str:
    return join(folder, split, f"docs-{shard:05}.parquet")


def plan_folder(folder: str, name: str) -> str:
    return join(folder, "plan", name)


def shard_number(path: str) -> int:
    """The number of a shard's file by its name. Raises BadInput for a name that has none."""
    digits = path.rpartition("-")[2].partition(".")[0]
    if not (digits.isascii() and digits.isdigit()):
        raise BadInput(f"{path} is named like no file of a shard; remove it, or {RERUN_SHARDS}")
    return int(digits)


@dataclass(frozen=True)
class ShardsInfo:
    """What a trainer needs to know of finished shards.

    folder: path of the shards.
    dtype: of the tokens in a file, little-endian.
    vocab_size: every token is below it.
    bos_id: number of the token that begins every document.
    eos_id, pad_id: numbers of the tokenizer's EOS and PAD, or None.
    tokenizer_sha256: of its tokenizer.json.
    slices: of val/, by name: documents, tokens and bytes of text.
    counts: the manifest's.
    layout_hash: of which documents were written at which positions. A plan fits shards of the same layout_hash;
        forgetting documents does not change it.
    dataset_hash: of all files as they are.
    masked: whether a mask says which tokens are learned; else all are.
    """

    folder: str
    dtype: np.dtype[Any]
    vocab_size: int
    bos_id: int
    eos_id: int | None
    pad_id: int | None
    tokenizer_sha256: str
    slices: dict[str, dict[str, int]]
    counts: dict[str, Any]
    layout_hash: str
    dataset_hash: str
    masked: bool = False


@dataclass(frozen=True)
class PlanInfo:
    """What a trainer needs to know of a plan.

    folder: path of the plan.
    name: its folder is plan/<name> in that of its shards.
    context: tokens that the model sees at once. A row has up to context + 1 of them, so that each of the first
        `context` has its target; only rows that the packing could not fill are shorter.
    seed: of the shuffle.
    packing: one of PACKINGS, or WHOLE.
    rows, tokens: how many in all.
    parts: (file, first row, rows), in order.
    slices: rows of each slice of val/.
    layout_hash: of the shards that it was made for.
    dataset_hash: of its files.
    """

    folder: str
    name: str
    context: int
    seed: int
    packing: str
    rows: int
    tokens: int
    parts: tuple[tuple[str, int, int], ...]
    slices: dict[str, int]
    layout_hash: str
    dataset_hash: str

    @property
    def row_tokens(self) -> int:
        return self.context + 1


def read_shards(folder: str) -> ShardsInfo:
    """Raises BadInput, naming the remedy, if the folder holds no finished shards."""
    return open_shards(folder)[0]


def open_shards(folder: str) -> tuple[ShardsInfo, Manifest]:
    """Finished shards with their manifest. Raises BadInput, naming the remedy, if the folder holds none."""
    manifest = open_finished(folder, (SHARD_STAGE,), SHARD_COMMAND)
    return shards_info(folder, manifest), manifest


def shards_info(folder: str, manifest: Manifest) -> ShardsInfo:
    """Raises BadInput if the manifest does not say what shards' say."""
    try:
        tokens = manifest.settings["tokens"]
        if tokens["dtype"] not in TOKEN_TYPES:
            raise ValueError(f"tokens of type {tokens['dtype']!r}")
        if strange := [name for name in manifest.counts["slices"] if "/" in name]:  # it becomes a file's name
            raise ValueError(f"a slice named {strange[0]!r}")
        return ShardsInfo(
            folder=folder.rstrip("/"),
            dtype=np.dtype(tokens["dtype"]).newbyteorder("<"),
            vocab_size=tokens["vocab_size"],
            bos_id=tokens["bos_id"],
            eos_id=tokens["eos_id"],
            pad_id=tokens["pad_id"],
            tokenizer_sha256=tokens["tokenizer_sha256"],
            slices=manifest.counts["slices"],
            counts=manifest.counts,
            layout_hash=tokens["layout_hash"],
            dataset_hash=manifest.dataset_hash,
            masked=bool(tokens.get("masked", False)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _incomplete(folder, "shards", error, RERUN_SHARDS) from error


def read_plan(shards: ShardsInfo, name: str) -> PlanInfo:
    """Raises BadInput, naming the remedy, if there is no such plan, or if it is of other shards."""
    return open_plan(shards, name)[0]


def open_plan(shards: ShardsInfo, name: str) -> tuple[PlanInfo, Manifest]:
    """A finished plan with its manifest. Raises BadInput as `read_plan` does."""
    folder = plan_folder(shards.folder, name)
    manifest = open_finished(folder, (PLAN_STAGE,), PLAN_COMMAND)
    try:
        info = PlanInfo(
            folder=folder,
            name=name,
            context=manifest.settings["context"],
            seed=manifest.settings["seed"],
            packing=manifest.settings["packing"],
            rows=manifest.counts["rows"],
            tokens=manifest.counts["tokens"],
            parts=tuple((part["path"], part["first_row"], part["rows"]) for part in manifest.counts["parts"]),
            slices=manifest.counts["slices"],
            layout_hash=manifest.settings["layout_hash"],
            dataset_hash=manifest.dataset_hash,
        )
        tokenizer = str(manifest.settings["tokenizer_sha256"])
    except (KeyError, TypeError) as error:
        raise _incomplete(folder, "a plan", error, RERUN_PLAN) from error
    if tokenizer != shards.tokenizer_sha256:
        raise BadInput(
            f"plan {folder} is of tokens of another tokenizer ({tokenizer[:12]}…, the shards' is "
            f"{shards.tokenizer_sha256[:12]}…); {RERUN_PLAN}"
        )
    if info.layout_hash != shards.layout_hash:
        raise BadInput(f"plan {folder} is of other shards than lie here; {RERUN_PLAN}")
    return info, manifest


def _incomplete(folder: str, what: str, error: Exception, remedy: str) -> BadInput:
    return BadInput(f"{join(folder, MANIFEST)} does not describe {what} ({reason(error)}); {remedy}")
