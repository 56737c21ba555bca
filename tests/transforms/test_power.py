"""A power cut at any moment: the same command gives the bytes of an undisturbed run, or says what is wrong."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pipelines.engine.output import StageOutput
from schemas.faults import BadInput
from schemas.lease import release_all
from schemas.manifest import FileEntry, Manifest, hash_dataset, read_manifest, write_manifest
from schemas.storage import PendingFile, remove_folder, sync, write_json
from support.outputs import digests
from support.power import Disk, Log, Name, Op, cuts, disk_after, disk_of, kind_of, put, watched
from support.schedules import Deaths, do_units
from transforms.units import Heartbeat, Records, UnitFiles, UnitResult, run_unit, write_units

REORDERINGS = int(os.environ.get("BATEIA_POWER_TRIALS", "200"))  # 1,000 and more on demand


@dataclass(frozen=True)
class Numbers:
    """A unit: its name, and how many files it has."""

    name: str
    files: int


UNITS = (Numbers("a", 2), Numbers("b", 1))


class WriteNumbers:
    """Work whose units take a millisecond."""

    def setup(self) -> None:
        return

    def parse(self, line: dict[str, Any]) -> Numbers:
        return Numbers(**line)

    def run(self, unit: Numbers, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        for number in range(unit.files):
            files.raw(f"data/{number}/part-{unit.name}.bin").add(f"{unit.name}{number}".encode() * 100)
        heartbeat(1)
        return UnitResult({"files": unit.files})

    def close(self) -> None:
        return


def run_stage(output: Path) -> str:
    """A stage as they all are: made ready, unit by unit, the manifest last. Returns its dataset hash."""
    directory = StageOutput(str(output), "curate", ("data", "units", "work"), ("plan.jsonl",), {"x": 1}, [])
    records = Records(str(output), "units")
    if directory.is_finished() and (manifest := read_manifest(str(output))) is not None:
        return manifest.dataset_hash
    try:
        directory.prepare(overwrite=False)
        write_units(str(output / "plan.jsonl"), UNITS)
        for unit in UNITS:
            run_unit(WriteNumbers(), records, unit)
        entries = [FileEntry(**file) for unit in UNITS for file in records.read(unit.name)["files"]]
        write_json(str(output / "work" / "note.json"), {})
        directory.remove_strays(("data", "units"), {entry.path for entry in entries})
        digest = hash_dataset(entries)
        write_manifest(str(output), Manifest("curate", {}, {}, [], {}, tuple(entries), digest))
        remove_folder(str(output / "work"))
        return digest
    finally:
        release_all()


def contents(output: Path) -> dict[str, str]:
    """What a finished output holds, but what is removed when all is done."""
    return {path: digest for path, digest in digests(output).items() if not path.startswith("work/")}


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Log:
    output = tmp_path_factory.mktemp("logged") / "o"
    with watched(output) as log:
        run_stage(output)
    return log


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("calm") / "o"
    run_stage(output)
    return output


def check_after_cut(disk: Disk, calm: Path, output: Path) -> None:
    put(disk, output)
    with mock.patch("os.fsync"):  # nothing is cut off a second time
        assert run_stage(output) == run_stage(calm)
    assert contents(output) == contents(calm)


def test_a_log_holds_all_that_was_done(logged: Log) -> None:
    assert len(logged.ops) > 40
    assert disk_after(logged.ops, random.Random(1), chance=1) == disk_of(logged.root)


def test_every_prefix_and_reorderings_of_what_was_not_flushed(logged: Log, calm: Path, tmp_path: Path) -> None:
    disks = {kind_of(disk): disk for disk in cuts(logged, REORDERINGS, 7)}
    assert len(disks) > 12
    for disk in disks.values():
        check_after_cut(disk, calm, tmp_path / "o")


def test_what_a_cut_may_leave() -> None:
    """By hand: a file's bytes and its name are flushed apart, and a renaming may be lost or kept."""
    root = Path(__file__).parent  # of which nothing is looked at
    folder, file = Name(0, "a"), Name(0, "b")
    begun = [Op("create", 1, folder), Op("write", 1, data=b"whole"), Op("rename", 1, folder, file)]
    flushed = [begun[0], begun[1], Op("flush", 1), begun[2]]
    assert Log(root).ops == []

    def left(ops: list[Op]) -> set[tuple[tuple[str, bytes | None], ...]]:
        return {tuple(sorted(disk_after(ops, random.Random(seed)).items())) for seed in range(200)}

    assert {(), (("a", b"whole"),), (("b", b"whole"),), (("b", b""),)} < left(begun)
    assert left(flushed) == {(), (("a", b"whole"),), (("b", b"whole"),)}
    assert left([*flushed, Op("settle", 0)]) == {(("b", b"whole"),)}
    assert left([*begun, Op("settle", 0)]) > {(("b", b""),), (("b", bytes(5)),), (("b", b"whole"),)}
    assert left([*flushed, Op("settle", 0), Op("remove", 1, file)]) == {(), (("b", b"whole"),)}


def without(what: str) -> Any:
    """Our own writing without one of its flushes."""
    if what == "files":
        return mock.patch("schemas.storage.PendingFile.__init__", undurable(PendingFile.__init__))
    return mock.patch("schemas.storage.sync", lambda path: None if Path(path).is_dir() else sync(path))


def undurable(create: Callable[..., None]) -> Callable[..., None]:
    def created(self: PendingFile, path: str, durable: bool = True) -> None:
        create(self, path, durable and not path.endswith(".bin"))

    return created


@pytest.mark.slow
@pytest.mark.parametrize("what", ["files", "names"])
def test_the_trial_notices_what_is_not_flushed(tmp_path: Path, calm: Path, what: str) -> None:
    with without(what), watched(tmp_path / "logged") as log:
        run_stage(tmp_path / "logged")
    failures = 0
    for disk in cuts(log, 60, 1):
        try:
            check_after_cut(disk, calm, tmp_path / "o")
        except (AssertionError, OSError, BadInput):
            failures += 1
            break
    assert failures


@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
def test_the_nth_flush_or_renaming_fails(tmp_path: Path, calm: Path, call: str) -> None:
    """For every n: the run fails with that fault, and the next one comes to the same end."""
    real = getattr(os, call.partition(".")[2])
    for nth in range(100):
        output, left = tmp_path / f"o{nth}", [nth]

        def failing(*args: Any, left: list[int] = left) -> Any:
            left[0] -= 1
            if left[0] < 0:
                left[0] = 1 << 30
                raise OSError(5, "Input/output error")
            return real(*args)

        with mock.patch(call, failing):
            try:
                run_stage(output)
            except OSError as error:
                assert error.errno == 5
            except BadInput as fault:  # before the first file is written
                assert "Input/output error" in str(fault)
            else:
                assert nth > 10
                return
        assert not (output / "manifest.json").exists() or nth > 10
        assert run_stage(output) == run_stage(calm)
        assert contents(output) == contents(calm)
    raise AssertionError("the run never ended")


# --- Any schedule -----------------------------------------------------------------------------------------------------

SCHEDULES = int(os.environ.get("BATEIA_SCHEDULES", "200"))
MANY = tuple(Numbers(f"u{number}", 1 + number % 3) for number in range(6))


@pytest.mark.slow
def test_any_schedule_comes_to_the_same_bytes(tmp_path: Path) -> None:
    """Units in any order, some of them by two workers, workers dying anywhere: one dataset hash."""
    hashes = set()
    with mock.patch("os.fsync"):
        for seed in range(SCHEDULES):
            dice, output = random.Random(seed), tmp_path / f"o{seed}"
            records = Records(str(output), "units")
            do_units(WriteNumbers(), records, MANY, dice, Deaths())
            entries = [FileEntry(**file) for unit in MANY for file in records.read(unit.name)["files"]]
            hashes.add((hash_dataset(entries), tuple(sorted(digests(output / "data").items()))))
            assert not list(output.rglob("*.tmp"))
    assert len(hashes) == 1
