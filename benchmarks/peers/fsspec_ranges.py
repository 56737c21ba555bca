"""fsspec's HTTPFileSystem on byte ranges of one address, run by the interpreter that fsspec is installed in.

    VENV/bin/python benchmarks/peers/fsspec_ranges.py URL < RANGES

RANGES is JSON: a list of [start, stop], with null for the file's end. Prints JSON: of each the SHA-1 of what came, or
what was raised, and the CPU and wall seconds of all.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import hashlib
import json
import sys
import time

import fsspec


def main() -> None:
    url, ranges = sys.argv[1], json.load(sys.stdin)
    files = fsspec.filesystem("http")
    files.exists(url.rpartition("/")[0] + "/start")  # its event loop and session are there
    outcomes, cpu, wall = [], time.process_time(), time.perf_counter()
    for start, stop in ranges:
        try:
            data = files.cat_file(url, start=start or None, end=stop)
            outcomes.append(hashlib.sha1(data, usedforsecurity=False).hexdigest())
        except Exception as error:  # of two libraries
            outcomes.append(f"raised {type(error).__name__}")
    cost = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    print(json.dumps({"outcomes": outcomes, **cost}))


if __name__ == "__main__":
    main()
