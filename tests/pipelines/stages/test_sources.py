"""Inputs of every kind through the whole of `bateia curate`, and tables of one's own straight into later stages."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import re
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from bateia import documents as documents_of
from bateia import ledger
from support.command import Call
from support.warc import record
from transforms.steps.warc.bytes import GZIP, FileBlocks, MemberFault, find_member

PLACES = ("warc_file", "warc_offset", "bytes")  # what differs between copies of a file, in the ledger


def rows_of(folder: Path, *but: str) -> list[dict[str, Any]]:
    table = documents_of(str(folder)).to_table()
    return sorted(table.drop_columns([*but]).to_pylist(), key=lambda row: row["id"])


def fates_of(folder: Path, *but: str) -> list[dict[str, Any]]:
    table = ledger(str(folder)).to_table()
    return sorted(table.drop_columns([*but]).to_pylist(), key=lambda row: (row["record_id"] or "", row["url"] or ""))


def curated(bateia: Call, output: Path, *words: object, recipe: str = "tiny") -> Path:
    ended = bateia("curate", "--recipe", recipe, "--output", output, "--quiet", *words)
    assert ended.returncode == 0, ended.stderr
    return output


# --- WARC files of zstd frames ----------------------------------------------------------------------------------------


def members(path: Path) -> list[bytes]:
    """The sound records of a WARC file of gzip members."""
    data = path.read_bytes()
    with path.open("rb") as stream:
        file, found, at = FileBlocks(stream, len(data)), [], 0
        while at < len(data):
            member = GZIP.member(file, at)
            try:
                found.append(b"".join(member.pieces()))
            except MemberFault:  # the sample has damage in it
                member.end = find_member(file, at + 1, len(data))
            at = member.end or len(data)
    return found


def as_zstd(records: list[bytes], dictionary: bool, packed: bool = False) -> bytes:
    """The records as frames, behind a dictionary, with a skippable frame in between."""
    if not dictionary:
        compress = zstandard.ZstdCompressor(write_checksum=True).compress
        return b"".join(map(compress, records))
    samples: list[Any] = list(records)
    trained = zstandard.train_dictionary(20_000, samples)
    raw = zstandard.ZstdCompressor().compress(trained.as_bytes()) if packed else trained.as_bytes()
    compress = zstandard.ZstdCompressor(dict_data=trained, write_checksum=True).compress
    skipped = b"\x50\x2a\x4d\x18" + struct.pack("<I", 5) + b"notes"
    frames = [b"\x5d\x2a\x4d\x18" + struct.pack("<I", len(raw)) + raw, *map(compress, records)]
    return b"".join([*frames[:4], skipped, *frames[4:], skipped])


@pytest.mark.slow
def test_zstd_frames_hold_what_gzip_members_hold(
    bateia: Call, documents: Path, warcs: list[str], tmp_path: Path
) -> None:
    for number, (path, (dictionary, packed)) in enumerate(zip(warcs, [(True, True), (True, False)], strict=True)):
        data = as_zstd(members(Path(path)), dictionary, packed)
        (tmp_path / f"bateia-sample-{number:05}.warc.zst").write_bytes(data)
    output = curated(bateia, tmp_path / "out", "--input", tmp_path / "*.warc.zst", "--unit-mb", "1")
    mine, theirs = (fates_of(folder, *PLACES) for folder in (output, documents))
    ids = {row["record_id"] for row in mine} & {row["record_id"] for row in theirs}
    assert len(ids) > 200
    assert [r for r in mine if r["record_id"] in ids] == [r for r in theirs if r["record_id"] in ids]
    assert rows_of(output, "warc_offset", "file_path") == rows_of(documents, "warc_offset", "file_path")


# --- WET --------------------------------------------------------------------------------------------------------------

ENGLISH = "The river carries sand and gravel from the hills down to the sea, and every spring the banks are moved. " * 8


def wet(*texts: str) -> bytes:
    info = record(None, b"software: x\r\nisPartOf: CC-MAIN-2024-33\r\n", "warcinfo")
    pages = [
        record(f"https://a.example/{number}", text.encode(), "conversion").replace(b"uuid:1>", b"uuid:%d>" % number)
        for number, text in enumerate(texts)
    ]
    return b"".join(gzip.compress(one, mtime=0) for one in (info, *pages))


def test_wet_files_give_texts_without_extraction(bateia: Call, tmp_path: Path) -> None:
    (tmp_path / "x.warc.wet.gz").write_bytes(wet(ENGLISH, "curto", ENGLISH + "Again.", "  \n"))
    output = curated(bateia, tmp_path / "out", "--input", tmp_path / "x.warc.wet.gz", recipe="as-is")
    kept = rows_of(output)
    assert [row["text"] for row in kept] == [ENGLISH.strip(), "curto", ENGLISH + "Again."]
    assert {row["dump"] for row in kept} == {"CC-MAIN-2024-33"}
    [dropped] = [row for row in fates_of(output) if row["fate"] == "dropped"]
    assert (dropped["stage"], dropped["reason"], dropped["url"]) == ("extract", "empty_text", "https://a.example/3")
    judged = curated(bateia, tmp_path / "judged", "--input", tmp_path / "x.warc.wet.gz", "--no-guard")
    assert {row["language"] for row in fates_of(judged) if row["language"]} >= {"en"}, "the language is the model's"


# --- Tables of one's own ----------------------------------------------------------------------------------------------


WORDS = ["".join(letters) for letters in itertools.product("bdfgklmnprst", "aeiou", "lmnrst")]


def fineweb(path: Path, count: int, group: int = 50) -> None:
    rows = [
        {
            "text": " ".join(random.Random(number).choices(WORDS, k=60)) + ".",
            "id": f"<urn:uuid:{number:04}>",
            "dump": "CC-MAIN-2024-10",
            "url": f"https://host{number % 7}.example/{number}",
            "date": "2024-03-01T00:00:00Z",
            "file_path": "s3://commoncrawl/x.warc.gz",
            "language": "en",
            "language_score": 0.9,
            "token_count": 100,
        }
        for number in range(count)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=group)


def test_a_parquet_folder_keeps_its_columns(bateia: Call, tmp_path: Path) -> None:
    fineweb(tmp_path / "in" / "000.parquet", 120)
    fineweb(tmp_path / "in" / "sub" / "001.parquet", 1)
    (tmp_path / "in" / "README.md").write_text("not data")
    output = curated(bateia, tmp_path / "out", "--input", tmp_path / "in", "--unit-mb", "1", recipe="as-is")
    kept = documents_of(str(output)).to_table().to_pylist()
    assert len(kept) == 121
    row = next(row for row in kept if row["id"] == "<urn:uuid:0007>")
    assert (row["dump"], row["language"], row["language_score"], row["token_count"]) == (
        "CC-MAIN-2024-10",
        "en",
        0.9,
        100,
    )
    assert (row["file_path"], row["warc_offset"], row["url"]) == ("000.parquet", 7, "https://host0.example/7")
    assert {path.name for path in (output / "data").iterdir()} == {"en"}


LINES = [
    {"content": "one", "uuid": 7, "metadata": {"url": "https://a.example/1"}},
    {"content": "", "uuid": 8},
    {"content": 5, "uuid": 9},
    {"content": "lone \ud800 surrogate", "uuid": 10},
]


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst"])
def test_json_lines(bateia: Call, tmp_path: Path, ending: str) -> None:
    data = b"".join(json.dumps(line).encode() + b"\n" for line in LINES) + b"\n{broken\n[1]\n"
    if ending.endswith("gz"):
        data = gzip.compress(data)
    elif ending.endswith("zst"):
        data = zstandard.ZstdCompressor().compress(data)
    (tmp_path / f"own.{ending}").write_bytes(data)
    output = curated(bateia, tmp_path / "out", "--input", tmp_path / f"own.{ending}", recipe="as-is")
    assert [(row["id"], row["text"], row["url"]) for row in rows_of(output)] == [
        ("10", "lone ? surrogate", ""),
        ("7", "one", "https://a.example/1"),
    ]
    told = {(row["reason"], row["record_id"]) for row in fates_of(output) if row["fate"] != "kept"}
    assert told == {("empty_text", "8"), ("no_text", "9"), ("bad_json", None)}


def test_lines_are_read_once_however_the_file_is_cut(bateia: Call, tmp_path: Path) -> None:
    from io import BytesIO

    from transforms.steps.sources.columns import Columns
    from transforms.steps.sources.lines import read_lines
    from transforms.steps.warc.limits import ReadLimits

    data = b"".join(json.dumps({"text": "x" * (number * 37 % 91)}).encode() + b"\n" for number in range(60))
    whole = [row.offset for row in read_lines(BytesIO(data), 0, len(data), Columns(), ReadLimits())]
    for step in (1, 7, 64, 1000):
        cut = [
            row.offset
            for start in range(0, len(data), step)
            for row in read_lines(BytesIO(data), start, min(start + step, len(data)), Columns(), ReadLimits())
        ]
        assert cut == whole
    small = ReadLimits(max_record_bytes=50)
    kinds = {type(row).__name__ for row in read_lines(BytesIO(data), 0, len(data), Columns(), small)}
    assert kinds == {"Text", "Unreadable"}


def test_text_files_and_all_kinds_at_once(bateia: Call, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\ufeffplain text\n")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"packed text"))
    (tmp_path / "c.jsonl").write_text('{"text": "a line"}\n')
    (tmp_path / "d.warc.wet.gz").write_bytes(wet("of a page"))
    fineweb(tmp_path / "e.parquet", 1)
    output = curated(bateia, tmp_path / "out", "--input", tmp_path, recipe="as-is")
    texts = {row["text"][:10] for row in rows_of(output)}
    assert texts > {"plain text", "packed tex", "a line", "of a page"}
    ids = [row["id"] for row in rows_of(output)]
    assert len(set(ids)) == 5 and all(ids)


@pytest.mark.parametrize(
    ("name", "data", "words", "message"),
    [
        ("x.jsonl", b"[1, 2]\n", (), r"is no file of JSON lines \(bad_json: the line is no object but a list\)"),
        ("x.jsonl", b'{"a": "b"}\n', (), "has no text in the row of its first line; name the text's field"),
        ("x.jsonl", b"\n\n", (), "holds blank lines only"),
        ("x.parquet", b"PAR1 and no more", (), "is a Parquet file that can't be read"),
        ("x.parquet", b"<html>", (), "is no Parquet file"),
        ("x.txt", b"", (), "is empty"),
        ("x.warc.zst", zstandard.compress(b"no record in here"), (), "is Zstandard data, not WARC"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_what_it_is(
    bateia: Call, tmp_path: Path, name: str, data: bytes, words: tuple[str, ...], message: str
) -> None:
    (tmp_path / name).write_bytes(data)
    ended = bateia("curate", "--recipe", "as-is", "--input", tmp_path / name, "--output", tmp_path / "o", *words)
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1
    assert re.search(message, ended.stderr), ended.stderr
    assert not (tmp_path / "o").exists()


def test_a_table_without_the_column_names_those_that_it_has(bateia: Call, tmp_path: Path) -> None:
    pq.write_table(pa.table({"words": ["a text of six words or so"], "n": [1]}), tmp_path / "x.parquet")
    asked = ("curate", "--recipe", "as-is", "--input", tmp_path / "x.parquet", "--output", tmp_path / "o")
    assert "name it with --text-column: it has n, words" in bateia(*asked).stderr
    assert "has no column 'word' (--text-column); it has n, words" in bateia(*asked, "--text-column", "word").stderr
    assert bateia(*asked, "--text-column", "words", "--quiet").returncode == 0


# --- Straight into later stages ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_fineweb_parquet_and_nanochat_lines_go_to_shards_in_one_command(bateia: Call, tmp_path: Path) -> None:
    fineweb(tmp_path / "fineweb" / "000.parquet", 60)
    texts = documents_text(tmp_path / "fineweb" / "000.parquet")
    (tmp_path / "nanochat.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    size = ("--vocab-size", "400", "--context", "64", "--val-fraction", "0.1")
    for source in ("fineweb", "nanochat.jsonl"):
        output = tmp_path / f"{source}-shards"
        asked = ("shard", "--input", tmp_path / source, "--output", output, "--quiet", *size)
        ended = bateia(*asked)
        assert ended.returncode == 0, ended.stderr
        assert (output / "manifest.json").exists() and (tmp_path / f"{source}-shards-documents/manifest.json").exists()
    corpus = tmp_path / "corpus"
    ended = bateia("dedup", "--input", tmp_path / "fineweb", tmp_path / "nanochat.jsonl", "--output", corpus, "--quiet")
    assert ended.returncode == 0, ended.stderr
    assert documents_of(str(corpus)).count_rows() == 60, "the two hold the same texts"


def documents_text(path: Path) -> list[str]:
    return pq.read_table(path).column("text").to_pylist()
