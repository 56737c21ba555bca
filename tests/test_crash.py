"""Runs that are killed, starved of disk or robbed of their input: an error that names it, or the very same bytes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from unittest import mock

import pytest

from pipelines.sample.build import SampleIndex

ROOT = Path(__file__).parents[1]
Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]
Start = Callable[..., subprocess.Popen[str]]

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="/proc tells which processes are left")
STAGES = ("curate", "dedup")


def command(stage: str, inputs: list[Path], output: Path, *options: object) -> list[object]:
    recipe = ("--recipe", "tiny") if stage == "curate" else ()
    return [stage, *recipe, "--input", *inputs, "--output", output, "--quiet", *options]


def digests(output: Path) -> dict[str, str]:
    """sha256 of every file but the reports, which tell times, and curate's records of units, which do too."""
    files = [path for path in output.rglob("*") if path.is_file()]
    told = [path for path in files if not path.name.startswith("report.") and path.parent.name != "units"]
    return {str(path.relative_to(output)): sha256(path.read_bytes()).hexdigest() for path in told}


def strays(output: Path) -> list[Path]:
    return [path for path in output.rglob("*") if path.name.startswith(".") or path.name.endswith(".tmp")]


# --- Killed at any moment ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def inputs(many: SampleIndex, documents: Path) -> dict[str, list[Path]]:
    return {"curate": list(many.warc_files), "dedup": [documents]}


@pytest.fixture(scope="module")
def calm(inputs: dict[str, list[Path]], bateia: Call, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What each stage writes when nothing happens."""
    folder = tmp_path_factory.mktemp("calm")
    for stage in STAGES:
        ended = bateia(*command(stage, inputs[stage], folder / stage))
        assert ended.returncode == 0, ended.stderr
    return {stage: folder / stage for stage in STAGES}


@pytest.fixture(scope="module")
def usual_s(inputs: dict[str, list[Path]], bateia_process: Start, tmp_path_factory: pytest.TempPathFactory) -> Callable:
    """Seconds that a run of its own takes, by stage and workers."""
    known: dict[tuple[str, int], float] = {}

    def measured(stage: str, workers: int) -> float:
        if (stage, workers) not in known:
            output, started = tmp_path_factory.mktemp("usual") / "o", time.monotonic()
            process = bateia_process(*command(stage, inputs[stage], output, "--workers", workers))
            assert process.wait() == 0, process.communicate()
            known[stage, workers] = time.monotonic() - started
        return known[stage, workers]

    return measured


def family(mark: str) -> dict[int, str]:
    """Command lines of the processes that inherited a variable of the environment, by id."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it ended meanwhile
            continue
    return found


def kill(process: subprocess.Popen[str], mark: str, whom: str, draw: random.Random) -> None:
    """Kill the driver, or one of its workers if there is any yet, and wait until none of the run is left."""
    workers = sorted(pid for pid, told in family(mark).items() if "beam_worker" in told) if whom == "worker" else []
    try:
        os.kill(draw.choice(workers or [process.pid]), signal.SIGKILL)
    except ProcessLookupError:  # it was just leaving
        process.kill()
    try:
        process.communicate(timeout=30)
    finally:
        process.kill()
    until = time.monotonic() + 10
    while family(mark) and time.monotonic() < until:
        time.sleep(0.05)
    assert not family(mark)


TRIALS = [
    *((seed, "curate", 1, "driver") for seed in range(5)),
    *((seed, "curate", 2, "driver") for seed in range(5, 9)),
    *((seed, "curate", 2, "worker") for seed in range(9, 14)),
    *((seed, "dedup", 1, "driver") for seed in range(14, 17)),
    *((seed, "dedup", 2, "driver") for seed in range(17, 19)),
    *((seed, "dedup", 2, "worker") for seed in range(19, 21)),
]


@needs_proc
@pytest.mark.parametrize(("seed", "stage", "workers", "whom"), TRIALS)
def test_killed_at_a_random_moment(
    inputs: dict[str, list[Path]],
    calm: dict[str, Path],
    usual_s: Callable[[str, int], float],
    bateia: Call,
    bateia_process: Start,
    tmp_path: Path,
    seed: int,
    stage: str,
    workers: int,
    whom: str,
) -> None:
    draw, mark, output = random.Random(seed), f"crash-{os.getpid()}-{seed}", tmp_path / "o"
    wait_s = draw.uniform(0.0 if whom == "driver" else 0.5, 1.0) * usual_s(stage, workers)
    process = bateia_process(*command(stage, inputs[stage], output, "--workers", workers), BATEIA_TEST_MARK=mark)
    try:
        process.wait(timeout=wait_s)
    except subprocess.TimeoutExpired:
        kill(process, mark, whom, draw)
    if not (output / "manifest.json").exists():  # else it was faster than usual, or its last rename was done
        ended = bateia(*command(stage, inputs[stage], output))
        assert ended.returncode == 0, ended.stderr
    assert digests(output) == digests(calm[stage])
    assert strays(output) == []


def test_a_worker_whose_driver_was_gone_before_it_looked_leaves() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    environment = {**os.environ, "BATEIA_DRIVER": str(gone.pid)}
    ended = subprocess.run([sys.executable, "-m", "pipelines.beam_worker"], env=environment, cwd=ROOT, timeout=60)
    assert ended.returncode == 1


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


@pytest.mark.parametrize(
    ("stage", "kilobytes", "workers"), [("curate", 40, 1), ("curate", 300, 2), ("dedup", 40, 1), ("dedup", 300, 2)]
)
def test_a_full_disk_is_named_and_the_run_goes_on(
    inputs: dict[str, list[Path]],
    calm: dict[str, Path],
    bateia: Call,
    bateia_process: Start,
    mounted: Callable[[int], Path],
    stage: str,
    kilobytes: int,
    workers: int,
) -> None:
    output = mounted(kilobytes) / "o"
    process = bateia_process(*command(stage, inputs[stage], output, "--workers", workers))
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr
    assert "No space left on device" in stderr
    assert "The same command goes on from there." in stderr
    assert not (output / "manifest.json").exists()
    mounted(64 << 10)
    ended = bateia(*command(stage, inputs[stage], output))
    assert ended.returncode == 0, ended.stderr
    assert digests(output) == digests(calm[stage])
    assert strays(output) == []


# --- An output that can't be written ----------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("how", "told"), SPOILT)
@pytest.mark.parametrize("when", ["before it is read", "after it was read"])
def test_an_input_that_changes_during_the_run_stops_it(
    own: list[Path], many: SampleIndex, bateia: Call, tmp_path: Path, how: str, told: str, when: str
) -> None:
    from pipelines.runner import run_pipeline

    def run(*args: object) -> str:
        if when == "before it is read":
            spoil(own[1], how, many.warc_files[7])
        name = run_pipeline(*args)  # pyright: ignore[reportArgumentType]
        if when == "after it was read":
            spoil(own[1], how, many.warc_files[7])
        return name

    with mock.patch("pipelines.runner.run_pipeline", run):
        ended = bateia(*command("curate", own, tmp_path / "o"))
    assert ended.returncode == 1, ended.stderr
    assert str(own[1]) in ended.stderr
    assert any(part in ended.stderr for part in told.split("|")), ended.stderr
    assert not (tmp_path / "o" / "manifest.json").exists()


@pytest.mark.parametrize("how", ["gone", "other", "as long"])
def test_an_input_that_changed_between_runs_is_not_resumed(
    own: list[Path], many: SampleIndex, bateia: Call, tmp_path: Path, how: str
) -> None:
    output = tmp_path / "o"
    with mock.patch("pipelines.curate.finish", side_effect=OSError("gone")):
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


@pytest.mark.parametrize("names", [("trafilatura",), ("lxml_html_clean", "lxml.html.clean"), ("resiliparse",)])
def test_a_missing_parser_stops_the_run_before_the_first_page(
    own: list[Path], bateia_process: Start, tmp_path: Path, names: tuple[str, ...]
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(ABSENT.format(names=names))
    paths = os.pathsep.join([str(tmp_path / "site"), *filter(None, sys.path)])
    process = bateia_process(*command("curate", own, tmp_path / "o"), PYTHONPATH=paths)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, stderr
    assert any(name in stderr for name in names)
    assert not list((tmp_path / "o").glob("units/*")) + list((tmp_path / "o").glob("ledger/*"))
    assert not (tmp_path / "o" / "manifest.json").exists()
