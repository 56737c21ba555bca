"""Other columns of one's own tables: kept through documents and corpus where asked for, with their types."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bateia import documents
from schemas.document import OWN_NAMES, kept_type, kept_value
from support.command import Call
from support.outputs import manifest_of

MOMENT = datetime(2024, 6, 15, 12, 30, tzinfo=UTC)
TEXTS = ("rivers carry sand down to the sea", "bread needs flour, water and salt", "clouds are made of small drops")
ROWS: list[dict[str, Any]] = [
    {
        "text": TEXTS[number],
        "author": None if number == 2 else f"author {number}",
        "votes": number,
        "score": number / 4,
        "open": number > 1,
        "day": date(2024, 1, 1 + number),
        "seen": MOMENT,
        "tags": ["a", {"b": number}] if number < 0 else ["a", "b"],
        "meta": {"place": {"name": f"p{number}"}, "n": number},
    }
    for number in range(3)
]
KEPT = ("author", "votes", "score", "open", "day", "seen", "tags", "meta", "meta.place.name")
TYPES = ("string", "int32", "double", "bool", "date32[day]", "timestamp[us, tz=UTC]", "string", "string", "string")


def table() -> pa.Table:
    made = pa.Table.from_pylist(ROWS)
    votes = made["votes"].cast(pa.int32())
    return made.set_column(made.schema.get_field_index("votes"), "votes", votes)


def curate(bateia: Call, output: Path, *words: object) -> Any:
    return bateia("curate", "--recipe", "as-is", "--output", output, "--quiet", *words)


def by_votes(folder: Path) -> list[dict[str, Any]]:
    return sorted(documents(str(folder)).to_table().to_pylist(), key=lambda row: int(row["votes"]))


@pytest.mark.slow
def test_kept_with_their_types_to_the_corpus(bateia: Call, tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "own.parquet")
    ended = bateia(
        *("dedup", "--input", tmp_path / "own.parquet", "--output", tmp_path / "corpus", "--quiet"),
        *("--keep-columns", ",".join(KEPT[:3]), *KEPT[3:]),
    )
    assert ended.returncode == 0, ended.stderr
    assert manifest_of(tmp_path / "corpus-documents").settings["keep_columns"] == dict(zip(KEPT, TYPES, strict=True))
    for folder in ("corpus-documents", "corpus"):
        schema = documents(str(tmp_path / folder)).schema
        assert [str(schema.field(name).type) for name in KEPT] == list(TYPES)
        for row, given in zip(by_votes(tmp_path / folder), ROWS, strict=True):
            plain = ("text", "author", "votes", "score", "open", "day", "seen")
            assert {name: row[name] for name in plain} == {name: given[name] for name in plain}
            assert json.loads(row["tags"]) == given["tags"] and json.loads(row["meta"]) == given["meta"]
            assert row["meta.place.name"] == given["meta"]["place"]["name"]


def test_lines_of_json_and_tables_that_differ(bateia: Call, tmp_path: Path) -> None:
    pq.write_table(table().select(["text", "votes", "author"]), tmp_path / "a.parquet")
    lines = [{"text": "a line", "votes": 7, "author": {"name": "\ud800"}}, {"text": "another line", "votes": 8}]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "c.txt").write_text("a text without columns")
    inputs = ("--input", *(tmp_path / name for name in ("a.parquet", "b.jsonl", "c.txt")))
    assert curate(bateia, tmp_path / "o", *inputs, "--keep-columns", "votes", "author").returncode == 0
    rows = {row["text"]: (row["votes"], row["author"]) for row in documents(str(tmp_path / "o")).to_table().to_pylist()}
    assert rows["a line"] == ("7", '{"name": "?"}') and rows["another line"] == ("8", None)
    assert rows["a text without columns"] == (None, None) and rows[ROWS[0]["text"]] == ("0", "author 0")


def test_unasked_nothing_is_kept(bateia: Call, tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "own.parquet")
    assert curate(bateia, tmp_path / "o", "--input", tmp_path / "own.parquet").returncode == 0
    assert set(documents(str(tmp_path / "o")).schema.names) < OWN_NAMES
    assert "keep_columns" not in manifest_of(tmp_path / "o").settings


def test_what_can_not_be_kept(bateia: Call, tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "own.parquet")
    (tmp_path / "own.jsonl").write_text('{"text": "a", "x": null}\n{"text": "b", "y": 1}\n')
    (tmp_path / "own.txt").write_text("a text")
    for file, column, said in (
        ("own.parquet", "votes,absent", "has no column 'absent' (--keep-columns); it has author, day, meta"),
        ("own.parquet", "meta.place.none", "has no column 'meta.place.none'"),
        ("own.jsonl", "z", "has no column 'z'"),
        ("own.txt", "z", "is of Parquet and JSONL files"),
        ("own.parquet", "url", "documents have that column for something else"),
        ("own.parquet", ",votes", "documents have that column for something else"),
    ):
        ended = curate(bateia, tmp_path / "o", "--input", tmp_path / file, "--keep-columns", column)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1) and said in ended.stderr, ended.stderr
        assert not (tmp_path / "o").exists()
    assert curate(bateia, tmp_path / "o", "--input", tmp_path / "own.jsonl", "--keep-columns", "x,y").returncode == 0


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (pa.int8(), pa.int8()),
        (pa.timestamp("ns", "UTC"), pa.timestamp("us", "UTC")),
        (pa.large_string(), pa.string()),
        (pa.decimal128(9, 2), pa.string()),
        (pa.list_(pa.int64()), pa.string()),
        (pa.dictionary(pa.int32(), pa.string()), pa.string()),
        (pa.binary(), pa.string()),
        (pa.float16(), pa.string()),
    ],
)
def test_types(kind: pa.DataType, kept: pa.DataType) -> None:
    assert kept_type(kind) == kept


def test_times_finer_than_pythons_and_dates_out_of_range(bateia: Call, tmp_path: Path) -> None:
    moments = pa.array([1_718_454_600_000_000_123, 0], pa.timestamp("ns"))
    days = pa.array([1, 1 << 30], pa.date32())
    pq.write_table(pa.table({"text": ["one", "two"], "at": moments, "day": days}), tmp_path / "own.parquet")
    ended = curate(bateia, tmp_path / "o", "--input", tmp_path / "own.parquet", "--keep-columns", "at", "day")
    assert ended.returncode == 0, ended.stderr
    [row] = documents(str(tmp_path / "o")).to_table().to_pylist()
    assert (row["text"], row["at"]) == ("one", datetime(2024, 6, 15, 12, 30))
    assert "1 unreadable" in ended.stdout
    assert kept_value({"a": b"x"}, pa.string()) == '{"a": "b\'x\'"}'
