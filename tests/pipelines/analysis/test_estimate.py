"""Estimates: pieces of an input, scaled to the whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipelines.analysis.estimate import MEASURES, START_S, Piece, piece_of, scaled, spread, wall
from pipelines.cli.app import COMMANDS
from pipelines.reports.records import Amount
from support.command import Call
from transforms.curate import CurateUnit


def test_pieces_are_scaled_by_their_sizes() -> None:
    values = tuple(float(number) for number in range(1, len(MEASURES) + 1))
    pieces = [Piece(100, values), Piece(300, tuple(6 * value for value in values))]
    amounts = scaled(pieces, 4_000_000, 50)
    assert amounts["pages"].mean == 70_000
    assert amounts["pages"].low == 0 < 80_000 < amounts["pages"].high, "two pieces that differ say little"
    assert amounts["requests"].mean == 50 * (7 + 42) / 2, "a file is one request, whatever the piece of it"
    assert scaled(pieces, 400, None)["requests"] == Amount(49, 49, 49), "all was tried"


@pytest.mark.parametrize(
    ("rates", "share", "low", "high"),
    [
        ([10.0], 0.0, 5.0, 15.0),
        ([10.0], 1.0, 10.0, 10.0),
        ([9.0, 10.0, 11.0], 0.0, 10 - 2.92 / 3**0.5, 10 + 2.92 / 3**0.5),
        ([9.0, 10.0, 11.0], 0.75, 10 - 1.46 / 3**0.5, 10 + 1.46 / 3**0.5),
        ([8.0, *[10.0] * 20, 12.0], 0.0, 8.0, 12.0),  # the extremes are wider than Student's interval
    ],
)
def test_the_spread(rates: list[float], share: float, low: float, high: float) -> None:
    assert spread(rates, 10.0, share) == Amount(10.0, pytest.approx(low), pytest.approx(high))  # type: ignore[arg-type]


def test_requests_may_take_longer_than_the_work() -> None:
    cpu, few, many = Amount(8, 4, 16), Amount(0, 0, 0), Amount(36_000, 18_000, 72_000)
    assert wall(cpu, few, 4, 1.0) == Amount(2, 1, 4) + START_S.times(1 / 3600)
    assert wall(cpu, many, 4, 2.0) == Amount(5, 2.5, 10) + START_S.times(1 / 3600)


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


def test_a_run_is_compared_with_its_estimate(bateia: Call, tmp_path: Path) -> None:
    rows = [{"text": "word " * 40} for _ in range(10)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    saved, output = tmp_path / "e.json", tmp_path / "o"
    assert bateia("estimate", "as-is", "--input", tmp_path / "in.jsonl", "--save", saved).returncode == 0
    curate = ("curate", "--recipe", "as-is", "--quiet", "--estimate", saved)
    ended = bateia(*curate, "--input", tmp_path / "in.jsonl", "--output", output)
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"^  documents kept: 10, estimated 10 \(10 to 10\)$", ended.stdout, re.MULTILINE)
    compared = {row["measure"]: row for row in json.loads((output / "report.json").read_text())["estimate"]}
    assert set(compared) == {*MEASURES, "wall hours", "MB of memory"} - {"requests", "GB fetched"}
    assert compared["million tokens"]["measured"] == compared["million tokens"]["estimated"] == 10 * 199 / 4e6
    assert "As estimated" in (output / "report.html").read_text()
    (tmp_path / "other.jsonl").write_text('{"text": "another"}\n')
    other = bateia(*curate, "--input", tmp_path / "other.jsonl", "--output", tmp_path / "p")
    assert other.returncode == 2 and "is of another run: as-is on 1 units of" in other.stderr
    (tmp_path / "e.json").write_text("[]")
    bad = bateia(*curate, "--input", tmp_path / "in.jsonl", "--output", tmp_path / "p")
    assert bad.returncode == 2 and "e.json is no report of this version" in bad.stderr
    assert not (tmp_path / "p").exists()


def test_nothing_to_read_is_one_line(bateia: Call, tmp_path: Path) -> None:
    ended = bateia("estimate", "as-is", "--input", tmp_path / "*.jsonl")
    assert ended.returncode == 2 and "does not exist; check the path" in ended.stderr


def test_a_recipe_is_named_as_for_run_or_as_for_curate() -> None:
    parse = COMMANDS["estimate"].parser().parse_args
    for words in (["web", "--input", "x"], ["--recipe", "web", "--input", "x"], ["--input", "x", "--recipe", "web"]):
        assert parse(words).recipe == "web"
    for words in (["--input", "x"], ["web", "--recipe", "tiny", "--input", "x"]):
        with pytest.raises(SystemExit):
            parse(words)
