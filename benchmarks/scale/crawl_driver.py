"""Claim: the driver of a whole crawl plans, resumes, watches and finishes 90,000 units in 5 minutes and 2 GiB.

    python -m benchmarks.scale.crawl_driver --units 90000 --scratch DIR --out

A crawl has some 90,000 WARC files, each one unit of work of three files. Here the files are tiny: one WARC file of the
embedded crawl under as many names, and what its curation wrote linked under every unit's names, with a record each. So
nothing is left to do but what the driver does: it inspects inputs, plans, lists what is finished, adds up the records
by workers, checks sizes, and writes report and manifest. Measured are its seconds and its memory. Needs 3 GB of disk.

The same then in an object store of this machine, which counts, for a tenth of the units too: at most 300 requests of a
command, and one for each 1,000 objects. Workers read each record once besides, by one request, since a listing has told
its size.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.harness import Benchmark, note, positive, table
from benchmarks.process_cost import Cost, bateia, measure
from benchmarks.scale.counting_store import Made, Objects, counting_store
from pipelines.engine.progress import UnitMonitor
from pipelines.sample.build import build_sample
from schemas.manifest import read_manifest
from transforms.units import Records

BUCKET = "s3://bucket/out"
BY_WORKERS = "units"  # the folder of the records, which they read
FIXED, EACH_1000 = 300, 1  # requests of the driver


def curate(inputs: Path, output: object) -> list[str]:
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


def unit_name(number: int) -> str:
    return f"crawl-{number:05}-000000000000"


def record_of(template: dict[str, Any], number: int) -> dict[str, Any]:
    """The record of a unit that wrote what the template's wrote."""
    name = unit_name(number)
    files = [{**file, "path": file["path"].replace(template["name"], name)} for file in template["files"]]
    return template | {"name": name, "unit": template["unit"] | {"name": name}, "files": files}


def make_finished(output: Path, source: Path, template: dict[str, Any], units: int) -> None:
    """What tasks of an array would have left: every unit's files and record."""
    folders = {(output / file["path"]).parent for file in template["files"]} | {output / "units"}
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for number in range(units):
        record = record_of(template, number)
        for old, new in zip(template["files"], record["files"], strict=True):
            link, file = output / new["path"], source / old["path"]
            try:
                os.link(file, link)
            except OSError:  # a file has 65,000 names at most on some file systems
                link.write_bytes(file.read_bytes())
        (output / "units" / f"{record['name']}.json").write_text(json.dumps(record))


def make_up(objects: Objects, source: Path, template: dict[str, Any], units: int) -> None:
    """The same in the store, where records are made when they are asked for."""

    def content(number: int) -> bytes:
        return json.dumps(record_of(template, number)).encode()

    made: dict[str, Made] = {}
    for number in range(units):
        made[f"out/units/{unit_name(number)}.json"] = (len(content(number)), partial(content, number))
        for old, new in zip(template["files"], record_of(template, number)["files"], strict=True):
            made[f"out/{new['path']}"] = (old["bytes"], (source / old["path"]).read_bytes)
    objects.make_up(made)


def looks_s(output: object, units: int) -> list[float]:
    """Seconds of the progress line's first look and of a later one."""
    names = [(unit_name(number), 1) for number in range(units)]
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
    small, source, log = sizes[len(sizes) // 2][1], scratch / "template", scratch / "log.txt"
    measure(curate(small, source), log)
    [path] = (source / "units").glob("*.json")
    template: dict[str, Any] = json.loads(path.read_text())
    inputs, output = make_inputs(scratch / "crawl", small, max(args.units, args.store_units)), scratch / "out"
    listed = first_of(inputs, args.units)
    costs = {"plan, and a task of one unit": measure([*curate(listed, output), "--part", f"1/{args.units}"], log)}
    make_finished(output, source, template, args.units)
    note(f"{args.units:,} units are there; {costs}")
    looks = looks_s(output, args.units)
    costs["resume: all is there, and a task finds it so"] = measure([*curate(listed, output), "--part", "1/1"], log)
    costs["finish"] = measure([*curate(listed, output), "--finish"], log)
    note(str(costs))
    manifest = read_manifest(str(output))
    assert manifest is not None and len({file.path for file in manifest.files}) == len(manifest.files)
    named = [path for path in output.iterdir() if path.name.startswith(("manifest", "files-", "source-"))]
    size = sum(path.stat().st_size for path in named)
    head = (output / "manifest.json").stat().st_size
    yield (
        f"{args.units:,} units, {len(manifest.files):,} files; a manifest of {head / 1e3:,.0f} kB, {size / 1e6:.1f} MB "
        f"with its tables.\n"
    )
    yield table(["what", "wall s", "CPU s", "peak MiB"], rows_of(costs))
    yield f"\nThe progress line's first look took {looks[0]:.1f} s, a later one {looks[1]:.2f} s.\n"
    for units in (args.store_units // 10, args.store_units):
        yield from in_store(units, first_of(inputs, units), source, template, log)


def first_of(inputs: Path, units: int) -> Path:
    """A list of the first so many inputs, beside the list of all."""
    some = inputs.with_name(f"{units}.paths")
    some.write_text("\n".join(inputs.read_text().splitlines()[:units]) + "\n")
    return some


def rows_of(costs: dict[str, Cost]) -> list[list[str]]:
    return [[what, f"{cost.wall_s:.0f}", f"{cost.cpu_s:.0f}", f"{cost.tree_mib:,.0f}"] for what, cost in costs.items()]


def in_store(units: int, listed: Path, source: Path, template: dict[str, Any], log: Path) -> Iterator[str]:
    with counting_store() as (objects, variables), mock.patch.dict(os.environ, variables):
        rows: list[tuple[str, int, int, int]] = []

        def counted(what: str) -> None:
            asked = Counter(objects.requests)
            objects.requests.clear()
            records = sum(count for kind, count in asked.items() if kind.endswith(f" {BY_WORKERS}"))
            rows.append((what, asked["LIST"], asked.total() - asked["LIST"] - records, records))

        measure([*curate(listed, BUCKET), "--part", f"1/{units}"], log)
        counted("plan, and a task of one unit")
        make_up(objects, source, template, units)
        looks_s(BUCKET, units)
        counted("two looks of the progress line")
        measure([*curate(listed, BUCKET), "--part", "1/1"], log)
        counted("resume: all is there, and a task finds it so")
        cost = measure([*curate(listed, BUCKET), "--finish"], log)
        counted("finish")
        manifest = read_manifest(BUCKET)
        files = units * len(template["files"])
        assert manifest is not None and len(manifest.files) == files and not objects.unfinished
        limit, most = FIXED + EACH_1000 * (units + files) // 1000, max(lists + others for _, lists, others, _ in rows)
        kept = "kept" if most <= limit else "MISSED"
        yield f"\n{units:,} units in an object store; finish took {cost}.\n"
        yield f"At most {limit:,} requests of a command's driver: {kept}, the most were {most:,}.\n"
        yield table(["what", "listings", "other requests", "of workers, for records"], rows)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--units", type=positive, default=90_000, help="WARC files, one unit each (90,000)")
    parser.add_argument("--store-units", type=positive, default=90_000, help="in the object store (90,000)")


BENCHMARK = Benchmark(
    __file__,
    "The driver of a whole crawl",
    __doc__,
    scale,
    add_options,
    quick={"units": 600, "store_units": 100},
    packages=("apache-beam", "pyarrow"),
)

if __name__ == "__main__":
    BENCHMARK.main()
