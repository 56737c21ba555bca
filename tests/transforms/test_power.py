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
from support.power import Log, folder_after, watched
from transforms.units import Heartbeat, Records, UnitFiles, UnitResult, run_unit, write_units

REORDERINGS = int(os.environ.get("BATEIA_POWER_TRIALS", "60"))  # 1,000 and more on demand


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
    output.mkdir()
    with watched(output) as log:
        run_stage(output)
    return log


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("calm") / "o"
    run_stage(output)
    return output


def check_after_cut(log: Log, kept: int, seed: int, calm: Path, output: Path) -> None:
    folder_after(log.ops[:kept], random.Random(seed), output)
    with mock.patch("os.fsync"):  # nothing is cut off a second time
        assert run_stage(output) == run_stage(calm), f"{kept} of {len(log.ops)} operations, seed {seed}"
    assert contents(output) == contents(calm), f"{kept} of {len(log.ops)} operations, seed {seed}"


def test_every_prefix(logged: Log, calm: Path, tmp_path: Path) -> None:
    assert len(logged.ops) > 30
    for kept in range(len(logged.ops) + 1):
        check_after_cut(logged, kept, kept, calm, tmp_path / "o")


def test_reorderings_of_what_was_not_flushed(logged: Log, calm: Path, tmp_path: Path) -> None:
    dice = random.Random(7)
    for seed in range(REORDERINGS):
        check_after_cut(logged, dice.randint(0, len(logged.ops)), 100 + seed, calm, tmp_path / "o")


def without(what: str) -> Any:
    """Our own writing without one of its flushes."""
    if what == "files":
        return mock.patch("schemas.storage.PendingFile.__init__", undurable(PendingFile.__init__))
    return mock.patch("schemas.storage.sync", lambda path: None if Path(path).is_dir() else sync(path))


def undurable(create: Callable[..., None]) -> Callable[..., None]:
    def created(self: PendingFile, path: str, durable: bool = True) -> None:
        create(self, path, durable and not path.endswith(".bin"))

    return created


@pytest.mark.parametrize("what", ["files", "names"])
def test_the_trial_notices_what_is_not_flushed(tmp_path: Path, calm: Path, what: str) -> None:
    output = tmp_path / "logged"
    output.mkdir()
    with without(what), watched(output) as log:
        run_stage(output)
    failures = 0
    for seed in range(60):
        folder_after(log.ops, random.Random(seed), tmp_path / "o")
        try:
            check_after_cut(log, len(log.ops), seed, calm, tmp_path / "o")
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


class Dies(Exception):
    """A worker that ends in the middle."""


def work_of_a_worker(records: Records, unit: Numbers, dice: random.Random) -> None:
    """Do a unit, or die before its files have their names, between them and its record, or after that."""
    moment = dice.choice(["", "", "", "files", "record", "after"])
    commit, write = UnitFiles.commit, Records.write

    def dying_commit(self: UnitFiles) -> list[FileEntry]:
        if moment == "files":
            raise Dies
        return commit(self)

    def dying_write(self: Records, record: dict[str, Any]) -> None:
        if moment == "record":
            raise Dies
        write(self, record)

    with mock.patch.object(UnitFiles, "commit", dying_commit), mock.patch.object(Records, "write", dying_write):
        run_unit(WriteNumbers(), records, unit)
    if moment == "after":
        raise Dies


def test_any_schedule_comes_to_the_same_bytes(tmp_path: Path) -> None:
    """Units in any order, some of them by two workers, workers dying anywhere: one dataset hash."""
    hashes = set()
    with mock.patch("os.fsync"):
        for seed in range(SCHEDULES):
            dice, output = random.Random(seed), tmp_path / f"o{seed}"
            records = Records(str(output), "units")
            waiting = [*MANY, *dice.choices(MANY, k=2)]
            dice.shuffle(waiting)
            while waiting:
                unit = waiting.pop()
                try:
                    work_of_a_worker(records, unit, dice)
                except Dies:
                    waiting.insert(dice.randint(0, len(waiting)), unit)
            entries = [FileEntry(**file) for unit in MANY for file in records.read(unit.name)["files"]]
            hashes.add((hash_dataset(entries), tuple(sorted(digests(output / "data").items()))))
            assert not list(output.rglob("*.tmp"))
    assert len(hashes) == 1
