"""Claim: the driver of a whole crawl plans, resumes, watches and finishes 90,000 units in 5 minutes and 2 GiB.

    python -m benchmarks.scale.crawl_driver --units 90000 --scratch DIR --out

A crawl has some 90,000 WARC files, each one unit of work of three files. Here the files are tiny: one WARC file of the
embedded crawl under as many names, and what its curation wrote linked under every unit's names, with a record each. So
nothing is left to do but what the driver does: it inspects inputs, plans, lists what is finished, adds up the records
by workers, checks sizes, and writes report and manifest. Measured are its seconds and its memory. Needs 3 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import Benchmark, note, positive, table
from benchmarks.process_cost import bateia, measure
from pipelines.engine.progress import UnitMonitor
from pipelines.sample.build import build_sample
from schemas.manifest import read_manifest
from transforms.units import Records


def curate(inputs: Path, output: Path) -> list[str]:
    options = ("--recipe", "tiny", "--unit-mb", "64", "--quiet", "--no-guard", "--workers", "1")
    return bateia("curate", *options, "--input", inputs, "--output", output)


def make_inputs(folder: Path, template: Path, units: int) -> Path:
    """As many WARC files with the same bytes, and the list of their paths."""
    names = [f"warc/crawl-{number:05}.warc.gz" for number in range(units)]
    (folder / "warc").mkdir(parents=True)
    data = template.read_bytes()
    for name in names:
        (folder / name).write_bytes(data)
    (folder / "crawl.paths").write_text("\n".join(names) + "\n")
    return folder / "crawl.paths"


def make_finished(output: Path, template: Path, units: int) -> None:
    """What tasks of an array would have left: every unit's files and record."""
    [path] = (template / "units").glob("*.json")
    record: dict[str, Any] = json.loads(path.read_text())
    folders = {(output / file["path"]).parent for file in record["files"]} | {output / "units"}
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for number in range(units):
        name = f"crawl-{number:05}-000000000000"
        files = [{**file, "path": file["path"].replace(record["name"], name)} for file in record["files"]]
        for old, new in zip(record["files"], files, strict=True):
            link = output / new["path"]
            source = template / old["path"]
            try:
                os.link(source, link)
            except OSError:  # a file has 65,000 names at most on some file systems
                link.write_bytes(source.read_bytes())
        own = record | {"name": name, "unit": record["unit"] | {"name": name}, "files": files}
        (output / "units" / f"{name}.json").write_text(json.dumps(own))


def look_s(output: Path, units: int) -> list[float]:
    """Seconds of the progress line's first look and of a later one."""
    names = [(f"crawl-{number:05}-000000000000", 1) for number in range(units)]
    monitor = UnitMonitor(Records(str(output), "units"), names, "page", ("read", "kept"))
    times = []
    for _ in range(2):
        started = time.perf_counter()
        monitor.count()
        times.append(time.perf_counter() - started)
    return times


def scale(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    build_sample(scratch / "sample", 40)  # six pages each, in two languages
    sizes = sorted((path.stat().st_size, path) for path in (scratch / "sample").glob("*.warc.gz"))
    small = sizes[len(sizes) // 2][1]
    measure(curate(small, scratch / "template"), scratch / "log.txt")
    listed = make_inputs(scratch / "crawl", small, args.units)
    prepared = measure([*curate(listed, scratch / "out"), "--part", f"1/{args.units}"], scratch / "log.txt")
    note(f"a task of one unit: {prepared}")
    make_finished(scratch / "out", scratch / "template", args.units)
    note(f"{args.units:,} units are there")
    looks = look_s(scratch / "out", args.units)
    finished = measure([*curate(listed, scratch / "out"), "--finish"], scratch / "log.txt")
    note(f"finish: {finished}")
    manifest = read_manifest(str(scratch / "out"))
    assert manifest is not None and len({file.path for file in manifest.files}) == len(manifest.files)
    size = (scratch / "out" / "manifest.json").stat().st_size
    yield f"{args.units:,} units, {len(manifest.files):,} files, a manifest of {size / 1e6:.0f} MB.\n"
    rows = [
        [what, f"{cost.wall_s:.0f}", f"{cost.cpu_s:.0f}", f"{cost.tree_mib:,.0f}"]
        for what, cost in (("plan, and a task of one unit", prepared), ("finish", finished))
    ]
    yield table(["what", "wall s", "CPU s", "peak MiB"], rows)
    yield f"\nThe progress line's first look took {looks[0]:.1f} s, a later one {looks[1]:.2f} s."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--units", type=positive, default=90_000, help="WARC files, one unit each (90,000)")


BENCHMARK = Benchmark(
    __file__,
    "The driver of a whole crawl",
    __doc__,
    scale,
    add_options,
    quick={"units": 600},
    packages=("apache-beam", "pyarrow"),
)

if __name__ == "__main__":
    BENCHMARK.main()
