"""Small shards and plans, written by their schema alone: made-up sentences in a tokenizer of bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.manifest import FileEntry, Manifest, hash_dataset, write_manifest
from schemas.shards.layout import PLAN_SCHEMA, PLAN_STAGE, SHARD_STAGE, docs_schema

SPECIALS = ("<unk>", "<s>", "</s>", "<pad>")
BOS, EOS, PAD = 1, 2, 3
VOCABULARY = len(SPECIALS) + 256

SUBJECTS = ("the pan", "a river", "the gravel", "our gold", "the old miner", "rain")
VERBS = ("washes", "carries", "hides", "finds", "leaves")
OBJECTS = ("sand", "the stones", "a nugget", "cold water", "nothing", "the bank")


def make_text(generator: np.random.Generator, sentences: int = 8) -> str:
    def pick(words: tuple[str, ...]) -> str:
        return words[int(generator.integers(len(words)))]

    return " ".join(f"{pick(SUBJECTS)} {pick(VERBS)} {pick(OBJECTS)}." for _ in range(sentences))


def encode(text: str) -> list[int]:
    return [BOS, *(byte + len(SPECIALS) for byte in text.encode())]


def byte_tokenizer() -> str:
    """tokenizer.json with a token for each byte, in SentencePiece's way."""
    from tokenizers import AddedToken, Tokenizer, decoders, models

    vocabulary = {name: number for number, name in enumerate(SPECIALS)}
    vocabulary |= {f"<0x{byte:02X}>": byte + len(SPECIALS) for byte in range(256)}
    tokenizer: Any = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", byte_fallback=True))
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIALS])
    return tokenizer.to_str()


@dataclass
class ShardWriter:
    """Writes shards into a folder. documents: tokens of each, by split and shard."""

    folder: Path
    context: int = 32
    packing: str = "concat"
    train: list[list[list[int]]] = field(default_factory=list)
    val: list[list[int]] = field(default_factory=list)

    def write(self) -> Path:
        entries = [self._tokenizer(), *self._bytes()]
        for shard, documents in enumerate(self.train):
            entries += self._shard("train", shard, documents)
        entries += self._shard("val", 0, self.val)
        size = len(self.val)
        tokens = sum(map(len, self.val))
        slices = {"all": {"documents": size, "tokens": tokens, "bytes": tokens - size}} if size else {}
        layout = hash_dataset(entries)
        told = {
            **{"dtype": "uint16", "vocab_size": VOCABULARY, "bos_id": BOS, "eos_id": EOS, "pad_id": PAD},
            **{"tokenizer_sha256": entries[0].sha256, "layout_hash": layout},
        }
        self._manifest(self.folder, SHARD_STAGE, {"tokens": told}, {"slices": slices}, entries)
        self.plan(layout, entries[0].sha256)
        return self.folder

    def plan(self, layout: str, tokenizer: str, name: str = "main") -> None:
        folder = self.folder / "plan" / name
        spans = [(s, *span) for s, docs in enumerate(self.train) for span in starts(docs)]
        rows = self._rows(spans)
        half = rows[-1]["row"] // 2 + 1
        parts = []
        for at, part in enumerate(([r for r in rows if r["row"] < half], [r for r in rows if r["row"] >= half])):
            self._table(folder / f"rows-{at:05}.parquet", part)
            numbers = sorted({row["row"] for row in part})
            if numbers:
                parts.append({"path": f"rows-{at:05}.parquet", "first_row": numbers[0], "rows": len(numbers)})
        held = self._rows([(0, *span) for span in starts(self.val)])
        self._table(folder / "val" / "all.parquet", held)
        slices = {"all": held[-1]["row"] + 1} if held else {}
        counts = {"rows": rows[-1]["row"] + 1, "tokens": sum(r["length"] for r in rows), "parts": parts}
        settings = {"context": self.context, "seed": 1, "packing": self.packing}
        settings |= {"layout_hash": layout, "tokenizer_sha256": tokenizer}
        self._manifest(folder, PLAN_STAGE, settings, {**counts, "slices": slices}, [])

    def _rows(self, spans: list[tuple[int, int, int]]) -> list[dict[str, int]]:
        """Rows of context + 1 tokens: cut through the stream of documents, or begun anew with each of them."""
        rows: list[dict[str, int]] = []
        row, slot, room = 0, 0, self.context + 1
        for shard, start, length in spans:
            if self.packing != "concat" and slot:
                row, slot, room = row + 1, 0, self.context + 1
            while length:
                taken = min(length, room)
                rows.append({"row": row, "slot": slot, "shard": shard, "start": start, "length": taken})
                start, length, room, slot = start + taken, length - taken, room - taken, slot + 1
                if not room:
                    row, slot, room = row + 1, 0, self.context + 1
        return rows

    def _shard(self, split: str, shard: int, documents: list[list[int]]) -> list[FileEntry]:
        if not documents:
            return []
        tokens = self.folder / split / f"tokens-{shard:05}.bin"
        tokens.parent.mkdir(parents=True, exist_ok=True)
        tokens.write_bytes(np.array([t for document in documents for t in document], "<u2").tobytes())
        rows = [self._document(split, shard, at, *span) for at, span in enumerate(starts(documents))]
        docs = self.folder / split / f"docs-{shard:05}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, docs_schema()), docs)
        return [self._entry(tokens), self._entry(docs)]

    def _document(self, split: str, shard: int, at: int, start: int, length: int) -> dict[str, Any]:
        name = f"{split}-{shard}-{at}"
        told = {"doc_id": name, "start": start, "length": length, "bytes": length - 1, "key": at}
        return told | {"url": f"https://{name}.example/", "warc_file": "a.warc.gz", "warc_offset": at, "language": "en"}

    def _table(self, path: Path, rows: list[dict[str, int]]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, PLAN_SCHEMA), path)

    def _tokenizer(self) -> FileEntry:
        path = self.folder / "tokenizer" / "tokenizer.json"
        path.parent.mkdir(parents=True)
        path.write_text(byte_tokenizer())
        return self._entry(path)

    def _bytes(self) -> list[FileEntry]:
        path = self.folder / "tokenizer" / "token_bytes.npy"
        np.save(path, np.array([0] * len(SPECIALS) + [1] * 256, np.int32))
        return [self._entry(path)]

    def _entry(self, path: Path) -> FileEntry:
        data = path.read_bytes()
        name = path.relative_to(self.folder).as_posix()
        return FileEntry(name, 0, len(data), hashlib.sha256(data).hexdigest())

    def _manifest(self, folder: Path, stage: str, settings: Any, counts: Any, entries: list[FileEntry]) -> None:
        hashed = hash_dataset(entries) if entries else hashlib.sha256(json.dumps(counts).encode()).hexdigest()
        write_manifest(str(folder), Manifest(stage, settings, {}, [], counts, tuple(entries), hashed))


def starts(documents: list[list[int]]) -> list[tuple[int, int]]:
    """(start, length) of documents that lie one after the other."""
    ends = np.cumsum([len(document) for document in documents]).tolist()
    return [(end - len(document), len(document)) for end, document in zip(ends, documents, strict=True)]


def made_up(folder: Path, **options: Any) -> Path:
    generator = np.random.default_rng(7)
    texts = [encode(make_text(generator)) for _ in range(46)]
    return ShardWriter(folder, train=[texts[:20], texts[20:40]], val=texts[40:], **options).write()
