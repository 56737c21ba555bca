"""Runs that are killed, starved of disk or robbed of their input: an error that names it, or the very same bytes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pipelines.sample.build import SampleIndex
from support.baselines import made_once
from support.command import Call, start, start_python
from support.forked import forked_workers, run_forked
from support.killing import Killing
from support.outputs import digests, identities, strays
from support.processes import MARK, family, is_gone, mark_of, needs_proc

STAGES = ("curate", "dedup", "shard")
UNITS = 4  # WARC files
OPTIONS = {
    "curate": ("--recipe", "tiny"),
    "dedup": (),
    "shard": ("--vocab-size", 2000, "--context", 64, "--val-fraction", 0.2),
}


def command(stage: str, inputs: list[Path], output: Path, *options: object) -> list[object]:
    return [stage, *OPTIONS[stage], "--input", *inputs, "--output", output, "--quiet", *options]


@pytest.fixture(scope="module")
def calm(many: SampleIndex, bateia: Call, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What each stage writes when nothing happens, from a third of the sample on."""

    def make(folder: Path) -> None:
        given = list(many.warc_files[:UNITS])
        for stage in STAGES:
            ended = bateia(*command(stage, given, folder / stage))
            assert ended.returncode == 0, ended.stderr
            given = [folder / stage]

    folder = made_once(tmp_path_factory, "calm", make)
    return {stage: folder / stage for stage in STAGES}


@pytest.fixture(scope="module")
def inputs(many: SampleIndex, calm: dict[str, Path]) -> dict[str, list[Path]]:
    return {"curate": list(many.warc_files[:UNITS]), "dedup": [calm["curate"]], "shard": [calm["dedup"]]}


@pytest.fixture
def goes_on(inputs: dict[str, list[Path]], calm: dict[str, Path], bateia: Call) -> Callable[[str, Path], None]:
    """Repeats a stage's command in this process: what was finished stays as it is, and the end is as if nothing was."""

    def resume(stage: str, output: Path) -> None:
        assert not (output / "manifest.json").exists()
        records, before = records_of(output), identities(output)
        ghosts = [output / GHOSTS[stage], (output / GHOSTS[stage]).with_name(".part-ghost.parquet.1.tmp")]
        for ghost in ghosts:
            ghost.parent.mkdir(parents=True, exist_ok=True)
            ghost.touch()
        ended = bateia(*command(stage, inputs[stage], output))
        assert ended.returncode == 0, ended.stderr
        after = identities(output)
        assert [name for name in finished_files(records) if before[name] != after.get(name)] == []
        if stage == "curate":
            report = json.loads((output / "report.json").read_text())
            assert report["throughput"]["units_resumed"] == len(records)
        assert not any(ghost.exists() for ghost in ghosts)
        assert digests(output) == digests(calm[stage])
        assert strays(output) == []

    return resume


GHOSTS = {  # a part that no record names, as of another plan of units
    "curate": "data/en/part-ghost.parquet",
    "dedup": "data/en/part-ghost.parquet",
    "shard": "train/docs-99999.parquet",
}


def records_of(output: Path, pattern: str = "*") -> dict[str, dict[str, Any]]:
    """Records of finished units, by their path: what names the files of each."""
    paths = [path for path in output.rglob("*.json") if fnmatch(str(path), pattern)]
    records = {str(path.relative_to(output)): json.loads(path.read_text()) for path in paths}
    return {path: record for path, record in records.items() if {"name", "files"} <= record.keys()}


def finished_files(records: dict[str, dict[str, Any]]) -> list[str]:
    """The records and what they name, without what is removed when all is done."""
    paths = [*records, *(file["path"] for record in records.values() for file in record["files"])]
    return [path for path in paths if not path.startswith("work/")]


# --- Killed at any moment ---------------------------------------------------------------------------------------------

# A unit's parts appear whole, then its record, and the manifest when all are there. A stage writes nothing but these,
# so a kill can fall between any two of them, or into one.
POINTS = {  # the file that is about to be written or was, at which moment, and how many of its kind were before
    "before the first write": ("parts", "created", 0),
    "while writing a part": ("parts", "half", 1),
    "after the parts, before the record": ("record", "created", 1),
    "after the record": ("record", "committed", 1),
    "in finish, before the manifest": ("manifest", "created", 0),
}
FILES = {
    "curate": {"parts": "*/o/data/*.parquet", "record": "*/o/units/*.json"},
    "dedup": {"parts": "*/o/data/*.parquet", "record": "*/o/work/[pr]*/part-*.json"},  # not those of signing
    "shard": {"parts": "*/o/train/*", "record": "*/o/work/*/0*.json"},
}
BETWEEN = {  # what else a stage writes on its way, once per run or for each part
    "dedup": {"signatures": "*/o/work/signatures/*", "matches": "*/o/work/match.json"},
    "shard": {"tokenizer": "*/o/tokenizer/manifest.json", "rows of the plan": "*/o/plan/main/rows-*.parquet"},
}


def killing_at(
    stage: str, kind: str, moment: Any, passed: int, whom: Any = "self", number: signal.Signals = signal.SIGKILL
) -> Killing:
    patterns = {"manifest": "*/o/manifest.json", **FILES[stage], **BETWEEN.get(stage, {})}
    return Killing(patterns[kind], moment, passed, whom, number.name)


Resume = Callable[[str, Path], None]


@pytest.mark.kill
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_a_point_of_a_unit(
    inputs: dict[str, list[Path]], goes_on: Resume, tmp_path: Path, stage: str, point: str
) -> None:
    check_killed(inputs, goes_on, tmp_path, stage, *POINTS[point])


@pytest.mark.kill
@pytest.mark.parametrize(("stage", "kind"), [(stage, kind) for stage, kinds in BETWEEN.items() for kind in kinds])
def test_killed_between_the_units(
    inputs: dict[str, list[Path]], goes_on: Resume, tmp_path: Path, stage: str, kind: str
) -> None:
    check_killed(inputs, goes_on, tmp_path, stage, kind, "committed", 0)


def check_killed(
    inputs: dict[str, list[Path]], goes_on: Resume, tmp_path: Path, stage: str, kind: str, moment: str, passed: int
) -> None:
    output = tmp_path / "o"
    killing = killing_at(stage, kind, moment, passed)
    ended = run_forked(*command(stage, inputs[stage], output), log=tmp_path / "log", killing=killing)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    if kind == "record":
        assert len(records_of(output, FILES[stage]["record"])) == passed + (moment == "committed")
    goes_on(stage, output)


def told(err: str) -> list[str]:
    """What a command said, but for the word that slow machines see, that it has begun."""
    return [line for line in err.splitlines() if line and not line.endswith(": starting …")]


# --- Several processes ------------------------------------------------------------------------------------------------


@needs_proc
@pytest.mark.kill
@pytest.mark.engine
@pytest.mark.parametrize(("stage", "kind"), [("curate", "parts"), ("dedup", "signatures")])
def test_a_killed_worker_ends_the_run(
    inputs: dict[str, list[Path]], goes_on: Resume, tmp_path: Path, stage: str, kind: str
) -> None:
    """Beam would wait for its answer forever."""
    output, mark = tmp_path / "o", mark_of(f"killed-worker-{stage}")
    killing = killing_at(stage, kind, "half", 0)
    process = start(*command(stage, inputs[stage], output, "--workers", 2), **killing.environment(), **{MARK: mark})
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    first, second = told(err)
    assert "worker process is gone" in first
    assert f" in {output}. The same command goes on from there." in second
    assert stage != "curate" or f"of {UNITS} units are finished in " in second
    assert is_gone(mark), family(mark)
    goes_on(stage, output)


@needs_proc
@pytest.mark.kill
@pytest.mark.engine
@pytest.mark.parametrize(("stage", "kind"), [("curate", "record"), ("dedup", "signatures")])
def test_workers_of_a_killed_driver_leave(
    inputs: dict[str, list[Path]], goes_on: Resume, tmp_path: Path, stage: str, kind: str
) -> None:
    output, mark = tmp_path / "o", mark_of(f"killed-driver-{stage}")
    killing = killing_at(stage, kind, "committed", 0, "driver")
    process = start(*command(stage, inputs[stage], output, "--workers", 2), **killing.environment(), **{MARK: mark})
    streams = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, streams
    assert is_gone(mark), family(mark)
    goes_on(stage, output)


@needs_proc
@pytest.mark.kill
@pytest.mark.engine
@pytest.mark.parametrize(
    ("stage", "kind", "count"), [("curate", "record", 1), ("curate", "record", 2), ("dedup", "matches", 2)]
)
def test_an_interrupted_run_leaves_nobody_behind(
    inputs: dict[str, list[Path]], goes_on: Resume, tmp_path: Path, stage: str, kind: str, count: int
) -> None:
    output, mark = tmp_path / "o", mark_of(f"interrupted-{stage}-{count}")
    killing = killing_at(stage, kind, "committed", 0, "driver", signal.SIGINT)
    process = start(*command(stage, inputs[stage], output, "--workers", count), **killing.environment(), **{MARK: mark})
    most = 0
    while process.poll() is None:
        most = max(most, len(family(mark)))
        time.sleep(0.05)
    out, err = process.communicate(timeout=20)
    assert most >= (2 * count if stage == "curate" else 1 + count)  # curate's have a child each that extracts
    assert (process.returncode, out) == (130, ""), err
    assert is_gone(mark), family(mark)
    assert len(told(err)) == 1, err
    [line] = told(err)
    assert f" in {output}. The same command goes on from there." in line
    assert stage != "curate" or f"of {UNITS} units are finished in " in line
    goes_on(stage, output)


@pytest.mark.engine
def test_a_worker_whose_driver_was_gone_before_it_looked_leaves() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    process = start_python("-m", "pipelines.engine.worker", BATEIA_DRIVER=str(gone.pid))
    streams = process.communicate(timeout=60)
    assert process.returncode == 1, streams


# --- A full disk ------------------------------------------------------------------------------------------------------


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a file system of so many kilobytes, or changes its size if it is there."""
    folder = tmp_path / "disk"
    folder.mkdir()
    sizes: list[int] = []

    def mount(kilobytes: int) -> Path:
        again = ["remount,"] if sizes else [""]
        options = ["-t", "tmpfs", "-o", f"{again[0]}size={kilobytes}k", "tmpfs", str(folder)]
        ended = subprocess.run(["mount", *options], capture_output=True, text=True)
        if ended.returncode:
            pytest.skip(f"no file system can be mounted here: {ended.stderr.strip()}")
        sizes.append(kilobytes)
        return folder

    if shutil.which("mount") is None:
        pytest.skip("there is no mount")
    yield mount
    if sizes:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "kilobytes", "count"),
    [
        ("curate", 40, 1),
        pytest.param("curate", 300, 2, marks=pytest.mark.engine),
        ("dedup", 300, 1),
        pytest.param("dedup", 40, 2, marks=pytest.mark.engine),
        ("shard", 300, 1),
    ],
)
def test_a_full_disk_is_named_and_the_run_goes_on(
    inputs: dict[str, list[Path]],
    calm: dict[str, Path],
    bateia: Call,
    mounted: Callable[[int], Path],
    stage: str,
    kilobytes: int,
    count: int,
) -> None:
    output = mounted(kilobytes) / "o"
    with forked_workers() as begun:
        ended = bateia(*command(stage, inputs[stage], output, "--workers", count))
    assert len(begun) >= (count if count > 1 else 0)
    assert ended.returncode == 1, ended.stderr
    assert "No space left on device" in ended.stderr
    assert "The same command goes on from there." in ended.stderr
    assert not (output / "manifest.json").exists()
    mounted(64 << 10)
    ended = bateia(*command(stage, inputs[stage], output))
    assert ended.returncode == 0, ended.stderr
    assert digests(output) == digests(calm[stage])
    assert strays(output) == []


# --- An output that can't be written ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_an_output_that_cannot_be_written_is_named(
    inputs: dict[str, list[Path]], bateia: Call, tmp_path: Path, stage: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    outputs = [tmp_path / "file" / "o"]
    if os.geteuid():  # root writes anywhere
        (tmp_path / "sealed").mkdir(mode=0o500)
        outputs.append(tmp_path / "sealed" / "o")
    for output in outputs:
        ended = bateia(*command(stage, inputs[stage], output))
        assert ended.returncode == 2, ended.stderr
        [line] = ended.stderr.strip().splitlines()
        assert f"output {output} can't be written" in line
    assert (tmp_path / "file").read_text() == "no folder"


# --- An input that is gone, or another --------------------------------------------------------------------------------


@pytest.fixture
def own(many: SampleIndex, tmp_path: Path) -> list[Path]:
    """Three WARC files that a test may spoil."""
    (tmp_path / "warcs").mkdir()
    return [Path(shutil.copy(path, tmp_path / "warcs")) for path in many.warc_files[:3]]


def spoil(path: Path, how: str, other: Path) -> None:
    if how == "gone":
        path.unlink()
    elif how == "other":
        shutil.copy(other, path)
    else:  # as long as it was
        whole = path.read_bytes()
        path.write_bytes(other.read_bytes()[: len(whole)].ljust(len(whole), b"\0"))
        os.utime(path, ns=(time.time_ns(), time.time_ns() + 1))


SPOILT = [("gone", "changed or removed|No such file"), ("other", "changed"), ("as long", "changed")]


@pytest.mark.slow
@pytest.mark.parametrize(("how", "told"), SPOILT)
@pytest.mark.parametrize("when", ["before it is read", "after it was read"])
def test_an_input_that_changes_during_the_run_stops_it(
    own: list[Path], many: SampleIndex, bateia: Call, tmp_path: Path, how: str, told: str, when: str
) -> None:
    from pipelines.engine.runner import run_pipeline

    def run(*args: object) -> str:
        if when == "before it is read":
            spoil(own[1], how, many.warc_files[7])
        name = run_pipeline(*args)  # pyright: ignore[reportArgumentType]
        if when == "after it was read":
            spoil(own[1], how, many.warc_files[7])
        return name

    with mock.patch("pipelines.engine.runner.run_pipeline", run):
        ended = bateia(*command("curate", own, tmp_path / "o"))
    assert ended.returncode == 1, ended.stderr
    assert str(own[1]) in ended.stderr
    assert any(part in ended.stderr for part in told.split("|")), ended.stderr
    assert not (tmp_path / "o" / "manifest.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["gone", "other", "as long"])
def test_an_input_that_changed_between_runs_is_not_resumed(
    own: list[Path], many: SampleIndex, bateia: Call, tmp_path: Path, how: str
) -> None:
    output = tmp_path / "o"
    with mock.patch("pipelines.stages.curate.run.finish", side_effect=OSError("gone")):
        assert bateia(*command("curate", own, output)).returncode == 1
    spoil(own[1], how, many.warc_files[7])
    ended = bateia(*command("curate", own, output))
    assert ended.returncode == 2, ended.stderr
    assert ("does not exist" if how == "gone" else "another input") in ended.stderr
    assert not (output / "manifest.json").exists()


# --- A library that is not there --------------------------------------------------------------------------------------

ABSENT = """
import sys
for name in {names!r}:
    sys.modules[name] = None  # importing it raises ImportError
"""


@pytest.mark.slow
@pytest.mark.parametrize("names", [("trafilatura",), ("lxml_html_clean", "lxml.html.clean"), ("resiliparse",)])
def test_a_missing_parser_stops_the_run_before_the_first_page(
    own: list[Path], tmp_path: Path, names: tuple[str, ...]
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(ABSENT.format(names=names))
    paths = os.pathsep.join([str(tmp_path / "site"), *filter(None, sys.path)])
    process = start(*command("curate", own, tmp_path / "o"), PYTHONPATH=paths)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, stderr
    assert any(name in stderr for name in names)
    assert not list((tmp_path / "o").glob("units/*")) + list((tmp_path / "o").glob("ledger/*"))
    assert not (tmp_path / "o" / "manifest.json").exists()
