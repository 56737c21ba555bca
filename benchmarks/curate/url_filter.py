"""Claim: a compiled block list costs a process next to nothing, where Python sets cost seconds and half a gigabyte.

    python -m benchmarks.curate.url_filter --domains 4500000 --out

Made-up hosts are held as datatrove holds them ({line.strip() for line in file}) and as Bateia does (sorted hashes,
mapped into memory), each in a process of its own. Measured are seconds to load, resident memory added, microseconds of
a look-up (half of the hosts asked for are listed; ours hashes each host, the set uses Python's own hash), and the
memory that several processes add together: Pss, so that the pages of a mapped file count once for all that share it.
Needs Linux.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from benchmarks.harness import Benchmark, positive, table
from transforms.steps.urls.blocklist import open_blocklist
from transforms.steps.urls.drop_blocked import DropBlockedUrls

LOOKUPS = 200_000
SHARED_LOOKUPS = 20_000  # of each process of several
SYLLABLES = ("an", "be", "cor", "da", "el", "fi", "go", "hu", "in", "jo", "ka", "lu", "mo", "ne", "or", "pi")
ENDINGS = ("com", "net", "org", "xyz", "com.br", "co.uk", "blogspot.com", "tumblr.com")
COMPILE = (
    "import sys; from pathlib import Path; from transforms.steps.urls.build import build_blocklist;"
    "build_blocklist(Path(sys.argv[1]), Path(sys.argv[2]), 'benchmark')"
)

Lookup = Callable[[str], bool]


def host(number: int) -> str:
    """A made-up host, distinct for every number; 20 characters on average, as in UT1."""
    dice = random.Random(number)
    return f"{''.join(dice.choices(SYLLABLES, k=3))}{number}.{dice.choice(ENDINGS)}"


def asked_for(domains: int) -> list[str]:
    """Hosts to look up, every other one listed."""
    dice = random.Random(1)
    return [host(dice.randrange(domains) + domains * (number % 2)) for number in range(LOOKUPS)]


def open_set(folder: Path) -> Lookup:
    with (folder / "lists" / "adult" / "domains").open() as file:
        listed = {line.strip() for line in file if line[0] != "#"}
    return lambda name: name in listed


def open_compiled(folder: Path) -> Lookup:
    find = open_blocklist(str(folder / "compiled")).domains.find
    return lambda name: find(name) is not None


WAYS = {"Python set": open_set, "compiled list": open_compiled}


def own_memory_mb(kind: str) -> float:
    """Pss or Rss of this process, in MB of 10^6 bytes."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"no {kind} in /proc/self/smaps_rollup")


def hold(way: str, folder: Path, hosts: list[str], barrier: Barrier, results: Any) -> None:
    """A process of its own: load and look up when all have started, and wait until all have, as pages are shared."""
    barrier.wait()
    before = {kind: own_memory_mb(kind) for kind in ("Rss", "Pss")}
    barrier.wait()
    started = time.perf_counter()
    listed = WAYS[way](folder)
    loaded = time.perf_counter()
    hits = sum(map(listed, hosts))
    done = time.perf_counter()
    barrier.wait()
    added = {kind: own_memory_mb(kind) - before[kind] for kind in before}
    barrier.wait()
    results.put({"load_s": loaded - started, "lookup_us": (done - loaded) / len(hosts) * 1e6, "hits": hits, **added})


def run(way: str, folder: Path, hosts: list[str], processes: int) -> list[dict[str, float]]:
    context = multiprocessing.get_context("spawn")  # fork would share the parent's memory and hide the cost
    barrier, results = context.Barrier(processes), context.Queue()
    workers = [context.Process(target=hold, args=(way, folder, hosts, barrier, results)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    rows = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return rows


def step_us(folder: Path, names: list[str]) -> float:
    """Microseconds of the whole step on a page's URL that no rule hits: host, parents, forms of the URL, words."""
    step = DropBlockedUrls(str(folder / "compiled"))
    urls = [f"https://www.{name}.example/2024/05/some-story-{number}?page=2" for number, name in enumerate(names)]
    step.setup()
    started = time.perf_counter()
    assert not any(step.check_url(url) for url in urls)
    return (time.perf_counter() - started) / len(urls) * 1e6


def build(folder: Path, domains: int) -> float:
    """Write the lists and compile them in a process of its own; return the seconds that compiling took."""
    (folder / "lists" / "adult").mkdir(parents=True)
    with (folder / "lists" / "adult" / "domains").open("w") as file:
        file.writelines(f"{host(number)}\n" for number in range(domains))
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", COMPILE, str(folder / "lists"), str(folder / "compiled")], check=True)
    return time.perf_counter() - started


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    compile_s = build(scratch, args.domains)
    size_mb = sum(file.stat().st_size for file in (scratch / "compiled").iterdir()) / 1e6
    yield f"{args.domains:,} hosts; compiled once in {compile_s:.1f} s to {size_mb:.1f} MB.\n"
    hosts, rows = asked_for(args.domains), []
    for way in WAYS:
        (one,) = run(way, scratch, hosts, 1)
        if one["hits"] != LOOKUPS / 2:
            raise RuntimeError(f"{way} finds {one['hits']} of {LOOKUPS // 2} listed hosts")
        together = sum(row["Pss"] for row in run(way, scratch, hosts[:SHARED_LOOKUPS], args.workers))
        rows.append([way, f"{one['load_s']:.4f}", f"{one['Rss']:.0f}", f"{one['lookup_us']:.2f}", f"{together:,.0f}"])
    yield table(
        ["held as", "load, s", "RSS added, MB", "look-up, µs", f"{args.workers} workers, MB added in all"], rows
    )
    yield f"The whole URL step on a URL that no rule hits: {step_us(scratch, hosts):.1f} µs (no word lists).\n"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--domains", type=positive, default=4_500_000, help="hosts on the list (4,500,000)")
    parser.add_argument("--workers", type=positive, default=8, help="processes that share a machine (8)")


BENCHMARK = Benchmark(
    __file__,
    "A block list in memory",
    __doc__,
    compare,
    add_options,
    quick={"domains": 100_000, "workers": 2},
    packages=("numpy",),
)

if __name__ == "__main__":
    BENCHMARK.main()
