"""Units of work: done once, whole or absent, wherever the process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow.parquet as pq
import pytest

from schemas.storage import read_json
from support.paths import ROOT
from support.words import UNIT, Repeat, Word
from transforms import units
from transforms.curate import CurateUnit
from transforms.units import (
    Heartbeat,
    Records,
    UnitFiles,
    UnitResult,
    peak_memory_mb,
    read_units,
    run_unit,
    write_units,
)


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(str(tmp_path), "work/done")


def test_a_unit_ends_in_its_files_and_its_record(records: Records, tmp_path: Path) -> None:
    run_unit(Repeat(), records, UNIT)
    assert files_below(tmp_path) == {
        "data/en/part-0.parquet",
        "raw/en/part-0.bin",
        "tables/en/part-0.parquet",
        "work/done/en/part-0.json",
    }
    record = records.read(UNIT.name)
    assert (record["name"], record["unit"], record["tally"]) == ("en/part-0", asdict(UNIT), {"words": 3})
    assert [(file["path"].partition("/")[0], file["rows"]) for file in record["files"]] == [
        ("data", 3),
        ("raw", 3),
        ("tables", 1),
    ]
    assert record["timings"]["child_cpu_s"] == 0.5 <= record["timings"]["cpu_s"]
    assert pq.read_table(tmp_path / "data/en/part-0.parquet").to_pylist() == [{"text": "gold"}] * 3
    assert (tmp_path / "raw/en/part-0.bin").read_bytes() == b"goldgoldgold"


def test_a_finished_unit_is_not_done_again(records: Records) -> None:
    work = Repeat()
    run_unit(work, records, UNIT)
    run_unit(work, records, UNIT)
    assert work.done == 1
    assert records.is_finished(UNIT.name)
    assert records.finished([UNIT.name, "en/part-1"]) == {UNIT.name}
    assert records.listed() == [UNIT.name]


@pytest.mark.parametrize("path", ["data/en/part-0.parquet", "raw/en/part-0.bin", "tables/en/part-0.parquet"])
@pytest.mark.parametrize("damage", ["absent", "shorter"])
def test_a_unit_whose_file_is_not_what_its_record_says_is_done_again(
    records: Records, tmp_path: Path, path: str, damage: str
) -> None:
    run_unit(Repeat(), records, UNIT)
    whole = (tmp_path / path).read_bytes()
    if damage == "absent":
        (tmp_path / path).unlink()
    else:
        (tmp_path / path).write_bytes(whole[:-1])
    assert not records.is_finished(UNIT.name)
    run_unit(Repeat(), records, UNIT)
    assert (tmp_path / path).read_bytes() == whole


@pytest.mark.parametrize("fails_at", [0, 1, 2])
def test_a_unit_that_fails_leaves_nothing(records: Records, tmp_path: Path, fails_at: int) -> None:
    with pytest.raises(OSError, match="No space"):
        run_unit(Repeat(fails_at), records, UNIT)
    assert files_below(tmp_path) == set()
    assert not records.is_finished(UNIT.name)


def test_a_table_that_cannot_be_written_leaves_nothing(
    records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("transforms.part_files.pq.write_table", full)
    with pytest.raises(OSError, match="No space"):
        run_unit(Repeat(), records, UNIT)
    assert files_below(tmp_path) == set()


POINTS = {
    "before the first row": "transforms.part_files.PartFile.add",
    "between two rows": "transforms.part_files.RawFile.add",
    "before the files get their names": "transforms.units.UnitFiles.commit",
    "between two names": "transforms.part_files.TableFile.commit",
    "before the record": "transforms.units.Records.write",
}
KILLED = """
import os, signal, sys
from unittest import mock
from support.words import UNIT, Repeat
from transforms.units import Records, run_unit
with mock.patch(sys.argv[1], lambda *_: os.kill(os.getpid(), signal.SIGKILL)):
    run_unit(Repeat(), Records(sys.argv[2], "work/done"), UNIT)
"""


@pytest.mark.kill
@pytest.mark.parametrize("point", POINTS.values(), ids=list(POINTS))
def test_a_killed_unit_is_done_again_to_the_same_bytes(tmp_path: Path, point: str) -> None:
    whole = tmp_path / "whole"
    run_unit(Repeat(), Records(str(whole), "work/done"), UNIT)
    output = tmp_path / "killed"
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    command = [sys.executable, "-c", KILLED, point, str(output)]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, timeout=120)
    assert ended.returncode == -signal.SIGKILL
    assert not Records(str(output), "work/done").is_finished(UNIT.name)
    run_unit(Repeat(), Records(str(output), "work/done"), UNIT)
    for path in files_below(whole) - {"work/done/en/part-0.json"}:
        assert (output / path).read_bytes() == (whole / path).read_bytes()


def test_a_heartbeat_tells_how_far_a_unit_is_and_goes_with_it(
    records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "HEARTBEAT_EVERY_S", 0.0)
    beats: list[Any] = []
    path = tmp_path / ".progress" / "en" / "part-0.json"

    class Watched(Repeat):
        def run(self, unit: Word, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
            result = super().run(unit, files, heartbeat)
            beats.append(read_json(str(path)))
            return result

    run_unit(Watched(), records, UNIT)
    assert beats == [{"done": 3, "words": 3}]
    assert not path.exists()


def test_no_heartbeat_is_written_to_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "HEARTBEAT_EVERY_S", 0.0)
    monkeypatch.setattr(units, "write_json", lambda *_: pytest.fail("a bucket was written to"))
    heartbeat = Heartbeat("s3://bucket/out", "en/part-0")
    heartbeat(1)
    heartbeat.stop()


def test_lists_of_units_come_back_as_they_were(tmp_path: Path) -> None:
    some = [UNIT, replace(UNIT, name="pt/part-0", word="ouro ✓\u2028"), replace(UNIT, name="x", word='"\\\n')]
    write_units(str(tmp_path / "units.jsonl"), some)
    assert [Word(**line) for line in read_units(str(tmp_path / "units.jsonl"))] == some


def test_an_incomplete_unit_is_found_by_its_mark(tmp_path: Path) -> None:
    """Marked before it has its record; done again; and a mark that a killed attempt left says nothing any more."""
    records = Records(str(tmp_path), "units")
    for name, result in (
        ("a", UnitResult({}, requests=1, incomplete=True)),
        ("b", UnitResult({}, requests=1, incomplete=False)),
    ):
        work = mock.Mock(run=mock.Mock(return_value=result))
        records.mark("b")
        run_unit(work, records, CurateUnit(name, "p", 1, 0, 1))
    assert sorted(path.name for path in (tmp_path / "units").iterdir()) == ["a.incomplete", "a.json", "b.json"]
    with mock.patch.object(Records, "read", side_effect=AssertionError("none is read")):
        records.forget_incomplete({"b", "c"})
        assert records.listed() == ["a", "b"]
        records.forget_incomplete({"a", "b"})
        assert records.listed() == ["b"]
    assert records.read("b")["timings"]["requests"] == 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel's account of a process")
def test_memory_is_that_of_the_program_that_runs() -> None:
    """An engine forks its workers: what it had itself before their `exec` is not theirs."""
    ballast = bytearray(300 << 20)
    ballast[:: 1 << 12] = b"x" * len(ballast[:: 1 << 12])
    code = "from transforms.units import peak_memory_mb; print(peak_memory_mb())"
    asked = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert peak_memory_mb() > 300 > int(asked.stdout) > 10
