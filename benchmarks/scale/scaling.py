"""On paper: what 10, 1,000 and 90,000 WARC files come to, from measured runs; and how far the paper can be trusted.

    python -m benchmarks.scale.scaling --out

The small end is measured here: runs on the embedded crawl, in units of some CPU seconds, by one and two workers, and a
task that is killed in the middle of a unit and begun again. From the costs of the first runs a simulation
(simulation.py) says
The large end is a model: pages and documents of a WARC file, and CPU time a page, a document and a token, as the
results that stand in the table below say. Nobody has run it.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from benchmarks.harness import Benchmark, note, positive, table
from benchmarks.process_cost import bateia, children_cpu_s, measure
from benchmarks.scale.simulation import CALM, Outcome, Weather, simulate
from pipelines.sample.build import build_sample
from pipelines.stages.curate.totals import UNIT_MB, WHOLE_FILES_FROM
from pipelines.stages.dedup.run import KEY_ROW_BYTES, LINES_EXPECTED
from transforms.steps.dedup.settings import Deduplicate

RATES = json.loads((Path(__file__).parents[2] / "deploy" / "rates.json").read_text())
FILES = (10, 1_000, 90_000)
GIB = 1 << 30  # of a WARC file
CORES = (2, 64, 4_096)
FEWEST = 3  # units of a calibration, so that by one worker two are not its first
BEGIN_S = 5.0  # of a worker until its first unit
ROUGH = Weather(stragglers=0.02, slower=5.0, losses_per_hour=0.05, refused=0.01)
# S3 in us-east-1: https://aws.amazon.com/s3/pricing/, dollars a request.
USD_PUT, USD_GET = 0.005 / 1000, 0.0004 / 1000
# Requests of a unit: 2.5 PUT were counted at a bucket's output (8 files of two languages against 2, by the store of
# tests/support/object_store.py) and none that reads; of its WARC file, ranges of 8 MiB.
WRITES, READ_BYTES = 2.5, 8 << 20


class Figure(NamedTuple):
    """A measured number that the model stands on."""

    what: str
    value: float
    source: str


PAGES = Figure("pages of a WARC file of 1 GB", 35_000, "README.md, Common Crawl's files")
KEPT = Figure("share of pages kept by fineweb, English", 515 / 1994, "curate_vs_datatrove_epyc-2core_2026-11-24")
CURATE = Figure("CPU ms a page, curate", 18.0, "curate_vs_datatrove_epyc-2core_2026-11-24")
DEDUP = Figure("CPU ms a document, dedup", 0.426, "dedup_scale_epyc-2core_2026-11-25, 1,000,000 documents")
TOKENS = Figure("tokens a document", 4_920_467 / 5_150, "shard_vs_peers_epyc-2core_2026-11-25, real texts")
ENCODE = Figure("tokens a CPU second, shard", 656_179, "shard_vs_peers_epyc-2core_2026-11-25")
WORKER = Figure("MiB of a worker and its extraction child", 308 + 158, "memory_over_pages_epyc-2core_2026-11-25")
FIGURES = (PAGES, KEPT, CURATE, DEDUP, TOKENS, ENCODE, WORKER)


class Measured(NamedTuple):
    """A run: CPU seconds of all its processes, and those of each of its units, in the order in which they ended."""

    cpu_s: float
    units_s: list[float]

    @property
    def besides_s(self) -> float:
        """What was not spent on units."""
        return self.cpu_s - sum(self.units_s)

    @property
    def first_s(self) -> float:
        """What the first unit of a run by one worker cost more than the others: its worker starts an extraction child,
        and reads pages of code and tables for the first time."""
        return max(self.units_s[0] - mean(self.units_s[1:]), 0.0)


def command(inputs: list[Path], output: Path, *options: object) -> list[str]:
    common = ("--recipe", "tiny", "--no-guard", "--quiet", "--unit-mb", 1024)
    return bateia("curate", *common, "--input", *inputs, "--output", output, *options)


def units_of(output: Path) -> list[float]:
    paths = sorted(output.glob("units/*.json"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(path.read_text())["timings"]["cpu_s"] for path in paths]


def run(inputs: list[Path], output: Path, *options: object) -> Measured:
    cost = measure(command(inputs, output, *options), output.with_suffix(".log"))
    return Measured(cost.cpu_s, units_of(output))


def run_killed(inputs: list[Path], output: Path, after: int) -> tuple[float, float]:
    """CPU seconds of a task that is killed once so many units are done and half of the next, begun again, and finished;
    and how much of that unit was done, of 1, as its heartbeat told it."""
    before, lost, size = children_cpu_s(), 0.0, inputs[0].stat().st_size
    process = subprocess.Popen(command(inputs, output, "--part", "1/1"))
    while process.poll() is None and (done := len(list(output.glob("units/*.json")))) <= after:
        lost = share_done(output, size) if done == after else 0.0
        if lost >= 0.5:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    measure(command(inputs, output, "--part", "1/1"), output.with_suffix(".log"))  # waits for the killed one's, too
    return children_cpu_s() - before, lost


def share_done(output: Path, size: int) -> float:
    """Of the unit under way, by its heartbeat."""
    for path in output.glob(".progress/*.json"):
        try:
            return json.loads(path.read_text())["done"] / size
        except (OSError, ValueError):  # it ended meanwhile
            continue
    return 0.0


def make_files(folder: Path, files: int) -> list[Path]:
    """As many WARC files, each with the whole embedded crawl."""
    [crawl] = build_sample(folder / "sample", 1).warc_files
    paths = [folder / "warc" / f"file-{number:03}.warc.gz" for number in range(files)]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_bytes(crawl.read_bytes())
    return paths


def small_end(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """Runs against what is predicted of them, from a run by one worker and one by two on fewer files."""
    few = max(FEWEST, args.units // 3)
    paths = make_files(scratch, max(args.units, few + 1))
    one, two = (run(paths[:few], scratch / f"few-{workers}", "--workers", workers) for workers in (1, 2))
    first = one.first_s
    note(f"{few} units: {one.cpu_s:.1f} CPU s by one worker, {two.cpu_s:.1f} by two; {first:.1f} more for the first")
    rows = []

    def compare(what: str, predicted: float, measured: float) -> None:
        rows.append([what, f"{predicted:.1f}", f"{measured:.1f}", f"{predicted / measured - 1:+.1%}"])

    def predicted(calibration: Measured, workers: int) -> Outcome:
        """Each worker begins, which takes its share of what is not of units, and what its first unit costs more."""
        each = (sum(calibration.units_s) - workers * first) / few  # cores that are shared make a unit dearer
        return simulate([each] * len(paths), workers, calibration.besides_s / workers + first)

    for workers, calibration in ((1, one), (2, two)):
        compare(
            f"{len(paths)} units, {workers} worker{'s' * (workers > 1)}",
            predicted(calibration, workers).busy_s,
            run(paths, scratch / f"all-{workers}", "--workers", workers).cpu_s,
        )
    # A task ends without the finish, which the calibration has: a task of the same units is the measure of its begin.
    task = run(paths[:few], scratch / "task", "--part", "1/1")
    killed, lost = run_killed(paths, scratch / "killed", after=few)
    unit_s = (sum(task.units_s) - first) / few
    twice = task.besides_s + first + lost * unit_s
    what = f"{len(paths)} units, a task killed after {few} and {lost:.0%} of the next, and begun again"
    compare(what, predicted(task, 1).busy_s + twice, killed)
    yield (
        "CPU seconds of all processes; a unit is the embedded crawl's 246 pages. Predicted from runs of "
        f"{few} units; a worker's first unit takes {first:.1f} s more than a later one's {unit_s:.1f} s:\n"
    )
    yield table(["run", "predicted", "measured", "off by"], rows)


def model(files: int) -> dict[str, Any]:
    """What so many WARC files come to."""
    pages = files * PAGES.value
    documents = pages * KEPT.value
    dedup = Deduplicate()
    seconds = {
        "curate": pages * CURATE.value / 1000,
        "dedup": documents * DEDUP.value / 1000,
        "shard": documents * TOKENS.value / ENCODE.value,
    }
    keys = 1 + dedup.bands + LINES_EXPECTED
    units = files if files >= WHOLE_FILES_FROM else files * -(-GIB // (UNIT_MB << 20))
    reads = files * GIB / READ_BYTES
    return {
        "pages": pages,
        "documents": documents,
        "units": units,
        "hours": {stage: value / 3600 for stage, value in seconds.items()},
        "shuffled": documents * keys * KEY_ROW_BYTES,
        "requests": units * WRITES + reads,
        "usd": sum(seconds.values()) / 3600 * RATES["usd_per_core_hour"] + units * WRITES * USD_PUT + reads * USD_GET,
    }


def large_end(seed: int) -> Iterator[str]:
    yield "\nWhat the model stands on:\n"
    yield table(["figure", "value", "source"], [[each.what, f"{each.value:,g}", each.source] for each in FIGURES])
    yield "\nWhat it says; dollars by deploy/rates.json and S3's price list, storage and egress left out:\n"
    rows = []
    for files in FILES:
        told = model(files)
        hours = sum(told["hours"].values())
        rows.append(
            [
                f"{files:,}",
                f"{told['units']:,}",
                f"{told['documents'] / 1e6:,.1f}",
                f"{told['requests']:,.0f}",
                f"{told['shuffled'] / 1e9:,.2f}",
                *(f"{told['hours'][stage]:,.1f}" for stage in ("curate", "dedup", "shard")),
                *(f"{hours / cores:,.1f}" for cores in CORES),
                f"{told['usd']:,.2f}",
            ]
        )
    head = ["WARC files", "units", "M documents", "requests", "GB shuffled", "core h curate", "dedup", "shard"]
    yield table([*head, *(f"hours on {cores:,} cores" for cores in CORES), "dollars"], rows)
    yield f"\nMemory: {WORKER.value:g} MiB a worker, whatever the number of files; the driver's is in crawl_driver."
    yield (
        "\nCurate, simulated by units of a whole file. Rough is: every 50th unit takes 5 times as long, each worker is "
        "lost once in 20 hours, of 100 requests one is refused, and the pause before the next try doubles from 1 s:\n"
    )
    unit_s = PAGES.value * CURATE.value / 1000
    rows = []
    for files, cores in zip(FILES, CORES, strict=True):
        calm, rough = (
            simulate([unit_s] * files, min(cores, files), BEGIN_S, GIB // READ_BYTES, weather, seed)
            for weather in (CALM, ROUGH)
        )
        rows.append(
            [
                f"{files:,}",
                f"{min(cores, files):,}",
                f"{calm.wall_s / 3600:.2f}",
                f"{rough.wall_s / 3600:.2f}",
                f"{rough.busy_s / calm.busy_s - 1:+.1%}",
                f"{rough.losses:,}",
                f"{rough.lost_s / rough.busy_s:.2%}",
                f"{rough.waited_s / rough.busy_s:.3%}",
            ]
        )
    yield table(["WARC files", "cores", "calm h", "rough h", "work", "workers lost", "done twice", "waited"], rows)


def scale(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    yield from small_end(args, scratch)
    yield from large_end(args.seed)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--units", type=positive, default=9, help="of the runs that are measured here (9)")
    parser.add_argument("--seed", type=positive, default=1, help="draws what goes wrong")


BENCHMARK = Benchmark(
    __file__,
    "What crawls come to",
    __doc__,
    scale,
    add_options,
    quick={"units": 3},
    packages=("apache-beam", "pyarrow"),
)

if __name__ == "__main__":
    BENCHMARK.main()
