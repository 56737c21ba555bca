"""Claim: a compiled block list costs a process next to nothing, where Python sets cost seconds and half a gigabyte.

    python -m benchmarks.url_filter [--domains 4500000]

Generates hosts, holds them as datatrove does (`{line.strip() for line in file}`) and as Bateia does (sorted hashes,
memory-mapped), each in a process of its own, and prints a Markdown table. Both look up the same hosts, half of them
listed; ours hashes each host, the set uses Python's own hash. Memory is proportional set size where the kernel tells
it: pages of a mapped file count once for all processes that share it, so eight workers are measured too.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

LOOKUPS = 200_000
SYLLABLES = (
    "an",
    "be",
    "cor",
    "da",
    "el",
    "fi",
    "go",
    "hu",
    "in",
    "jo",
    "ka",
    "lu",
    "mo",
    "ne",
    "or",
    "pi",
    "ro",
    "su",
)
ENDINGS = ("com", "net", "org", "xyz", "com.br", "co.uk", "blogspot.com", "tumblr.com")


def host(number: int) -> str:
    """A made-up host, distinct for every number; 20 chars on average, as in UT1."""
    dice = random.Random(number)
    return f"{''.join(dice.choices(SYLLABLES, k=3))}{number}.{dice.choice(ENDINGS)}"


def probes(domains: int) -> list[str]:
    dice = random.Random(1)
    return [host(dice.randrange(domains) + domains * (number % 2)) for number in range(LOOKUPS)]


def open_set(folder: Path) -> Callable[[str], bool]:
    with (folder / "lists" / "adult" / "domains").open() as file:
        listed = {line.strip() for line in file if line[0] != "#"}
    return lambda text: text in listed


def open_compiled(folder: Path) -> Callable[[str], bool]:
    from transforms.steps.blocklist import open_blocklist

    find = open_blocklist(str(folder / "compiled")).domains.find
    return lambda text: find(text) is not None


WAYS = {"Python set": open_set, "compiled list": open_compiled}


def memory_mb(kind: str) -> float:
    """Pss or Rss of this process, in MB of 10^6 bytes (Linux)."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{kind}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"no {kind} in /proc/self/smaps_rollup")


def measure(way: str, folder: Path, wanted: list[str], barrier: Barrier, results: Any) -> None:
    """Runs in a process of its own: load, look up, then wait until all have, so that shared pages are shared."""
    import numpy  # noqa: F401 - a worker has it anyway; it isn't the list's cost

    before = memory_mb("Rss")
    start = time.perf_counter()
    listed = WAYS[way](folder)
    loaded = time.perf_counter()
    hits = sum(map(listed, wanted))
    done = time.perf_counter()
    barrier.wait()
    used = {"rss": memory_mb("Rss") - before, "pss": memory_mb("Pss")}
    barrier.wait()
    results.put({"load": loaded - start, "lookup_us": (done - loaded) / len(wanted) * 1e6, "hits": hits, **used})


def run(way: str, folder: Path, wanted: list[str], processes: int) -> list[dict[str, float]]:
    context = multiprocessing.get_context("spawn")  # fork would share the parent's memory and hide the cost
    barrier, results = context.Barrier(processes), context.Queue()
    workers = [context.Process(target=measure, args=(way, folder, wanted, barrier, results)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    rows = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return rows


def check_time_us(folder: Path, wanted: list[str]) -> float:
    """The whole step on a page's URL that no rule hits: host, parents, URL forms, words."""
    from transforms.steps.urls import DropBlockedUrls

    step = DropBlockedUrls(str(folder / "compiled"))
    urls = [f"https://www.{name}.example/2024/05/some-story-{number}?page=2" for number, name in enumerate(wanted)]
    step.setup()
    start = time.perf_counter()
    assert not any(step.check_url(url) for url in urls)
    return (time.perf_counter() - start) / len(urls) * 1e6


def build(folder: Path, domains: int) -> float:
    """Write the lists and compile them in a process of its own; returns the seconds that compiling took."""
    (folder / "lists" / "adult").mkdir(parents=True)
    with (folder / "lists" / "adult" / "domains").open("w") as file:
        file.writelines(f"{host(number)}\n" for number in range(domains))
    code = (
        "import sys; from pathlib import Path; from transforms.steps.blocklist_build import build_blocklist;"
        "build_blocklist(Path(sys.argv[1]), Path(sys.argv[2]), 'benchmark')"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(folder / "lists"), str(folder / "compiled")], check=True)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domains", type=int, default=4_500_000, help="hosts on the list (4,500,000)")
    parser.add_argument("--workers", type=int, default=8, help="processes that share a machine in the last column (8)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compile_s = build(folder, args.domains)
        size_mb = sum(file.stat().st_size for file in (folder / "compiled").iterdir()) / 1e6
        wanted = probes(args.domains)
        print(f"{args.domains:,} hosts; compiled once in {compile_s:.1f} s to {size_mb:.1f} MB.\n")
        workers = f"{args.workers} workers, MB in all"
        print(f"| held as | load, s | RSS added, MB | look-up, µs | {workers} |\n|---|---:|---:|---:|---:|")
        for way in WAYS:
            (one,) = run(way, folder, wanted, 1)
            assert one["hits"] == LOOKUPS / 2, f"{way} finds {one['hits']} of {LOOKUPS // 2}"
            together = sum(row["pss"] for row in run(way, folder, wanted[:20_000], args.workers))
            print(f"| {way} | {one['load']:.4f} | {one['rss']:.0f} | {one['lookup_us']:.2f} | {together:,.0f} |")
        print(
            f"\nThe whole URL step on a URL that no rule hits: {check_time_us(folder, wanted):.1f} µs (no word lists)."
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
