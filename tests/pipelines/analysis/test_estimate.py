"""Estimates: pieces of an input, scaled to the whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipelines.analysis.estimate import MEASURES, Piece, piece_of, scaled
from support.command import Call
from transforms.curate import CurateUnit


def test_pieces_are_scaled_by_their_sizes() -> None:
    values = tuple(float(number) for number in range(1, len(MEASURES) + 1))
    pieces = [Piece(100, values, 5), Piece(300, tuple(6 * value for value in values), 9)]
    pages = scaled(pieces, 1000)["pages"]
    assert (pages.mean, pages.low, pages.high) == (17.5, 10.0, 20.0)
    assert str(pages.times(2)) == "35 (20 to 40)"


@pytest.mark.parametrize(
    ("unit", "span"),
    [
        (CurateUnit("a", "a.warc.gz", 1 << 30, 0, 64 << 20), (0, 8 << 20)),
        (CurateUnit("a", "a.warc.gz", 0, 0, 1 << 30), (0, 8 << 20)),
        (CurateUnit("a", "s.parquet", 900, 300, 900, kind="selection"), (300, 500)),
        (CurateUnit("a", "t.parquet", 900, 300, 900, kind="parquet"), (300, 900)),
    ],
)
def test_a_piece_is_the_beginning_of_a_large_unit(unit: CurateUnit, span: tuple[int, int]) -> None:
    piece = piece_of(unit)
    assert (piece.start, piece.end) == span and piece.size


def test_an_estimate_of_all_pieces_is_the_truth(bateia: Call, tmp_path: Path) -> None:
    for number in range(3):
        rows = [{"text": "word " * 40} for _ in range(10 * (number + 1))]
        (tmp_path / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ("estimate", "as-is", "--input", tmp_path, "--pieces", "5", "--workers", "4", "--price", "2")
    ended = bateia(*asked)
    assert ended.returncode == 0, ended.stderr
    told = dict(re.findall(r"^  (.+?)  +(\S+)", ended.stdout, re.MULTILINE))
    assert (told["pages"], told["documents kept"]) == ("60", "60")
    assert float(told["million tokens"]) == pytest.approx(60 * 199 / 4e6, rel=0.01)
    assert "at 2 a core hour (your --price)" in ended.stdout and "wall hours, 4 workers" in ended.stdout
    assert not Path("estimate").exists()


def test_nothing_to_read_is_one_line(bateia: Call, tmp_path: Path) -> None:
    ended = bateia("estimate", "as-is", "--input", tmp_path / "*.jsonl")
    assert ended.returncode == 2 and "does not exist; check the path" in ended.stderr
