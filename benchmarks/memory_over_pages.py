"""Question: does a worker's memory grow with the pages it has read?

    python -m benchmarks.memory_over_pages --corpus WARCS [--pages 20000] [--out results.md]

Links the corpus' WARC files under as many names as it takes, curates them with `fineweb-gated` (without a block list)
in worker processes, and samples the resident memory of every worker once a second. Growth is told between quarters of
the run and as the slope of a straight line through the second half, when every word splitter and model is loaded.
The plot lies beside the result, as .svg. Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.process_cost import machine, memory_mb, tree_of

EVERY_S = 1.0
ROLES = {"pipelines.beam_worker": "worker", "transforms.steps.extraction_child": "extraction child"}
COLOURS = ("#1f6f8b", "#b5651d", "#7a9e3f", "#8b3a62")


@dataclass
class Process:
    """samples: (seconds since the start, MiB resident)."""

    role: str
    samples: list[tuple[float, float]] = field(default_factory=list)


def link_corpus(corpus: Path, folder: Path, times: int) -> list[Path]:
    files = sorted(corpus.glob("*.warc.gz"))
    links = [folder / f"{time_:03}-{file.name}" for time_ in range(times) for file in files]
    for link in links:
        link.symlink_to((corpus / link.name.partition("-")[2]).resolve())
    return links


def command(files: list[Path], output: Path, workers: int) -> list[str]:
    options = ["--recipe", "fineweb-gated", "--no-blocklist", "--no-guard", "--quiet", "--workers", str(workers)]
    given = ["--input", *map(str, files), "--output", str(output)]
    return [sys.executable, "-m", "pipelines", "curate", *options, *given]


def role_of(pid: int) -> str | None:
    try:
        told = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:  # it ended meanwhile
        return None
    return next((role for name, role in ROLES.items() if name in told), None)


def watch(process: subprocess.Popen[bytes]) -> tuple[dict[int, Process], float]:
    """Every process of interest with its memory over time, and the seconds that it all took."""
    started, seen = time.monotonic(), {}
    while process.poll() is None:
        for pid in tree_of(process.pid):
            if (role := role_of(pid)) is not None and (mib := memory_mb(pid, "status", "VmRSS:")):
                seen.setdefault(pid, Process(role)).samples.append((time.monotonic() - started, mib))
        time.sleep(EVERY_S)
    return seen, time.monotonic() - started


def at_share(process: Process, wall_s: float, share: float) -> float:
    """Median of the samples within 2 % of the run around a moment; the last ones for the end."""
    near = [mib for at, mib in process.samples if abs(at - min(share, 0.98) * wall_s) <= 0.02 * wall_s + EVERY_S]
    return float(np.median(near)) if near else float("nan")


def slope(process: Process, wall_s: float, pages: int) -> float:
    """MiB per 1,000 pages of the whole run in its second half."""
    late = np.array([sample for sample in process.samples if sample[0] > wall_s / 2])
    return float(np.polyfit(late[:, 0], late[:, 1], 1)[0]) * wall_s / pages * 1000


def report(workers: list[Process], children: list[Process], wall_s: float, pages: int, kept: int) -> str:
    shares = (0.25, 0.5, 0.75, 1.0)
    lines = [
        f"{machine()}. {pages:,} pages read ({kept:,} kept) by {len(workers)} workers in {wall_s:.0f} s.\n",
        "| RSS, MiB, at | 25 % | 50 % | 75 % | 100 % | slope in the second half, MiB per 1,000 pages |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for number, process in enumerate(workers, 1):
        cells = " | ".join(f"{at_share(process, wall_s, share):.0f}" for share in shares)
        lines.append(f"| worker {number} | {cells} | {slope(process, wall_s, pages):+.2f} |")
    most = max((mib for child in children for _, mib in child.samples), default=0.0)
    lines.append(f"\n{len(children)} extraction children (2,000 pages each) held {most:.0f} MiB at most.")
    return "\n".join(lines) + "\n"


def plot(workers: list[Process], wall_s: float) -> str:
    """Memory over time as SVG: a line for each worker."""
    top = 1.15 * max(mib for process in workers for _, mib in process.samples)
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 300" font-family="sans-serif" font-size="12">',
        '<rect width="720" height="300" fill="#fff"/>',
        '<text x="60" y="18">Resident memory of each worker, MiB, over the share of pages read (by time)</text>',
    ]
    for quarter in range(5):
        x, y = 60 + 160 * quarter, 260 - 55 * quarter
        parts.append(f'<text x="{x}" y="280" text-anchor="middle">{25 * quarter} %</text>')
        parts.append(f'<text x="52" y="{y + 4}" text-anchor="end">{top * quarter / 4:.0f}</text>')
        parts.append(f'<line x1="60" x2="700" y1="{y}" y2="{y}" stroke="#ddd"/>')
    for number, process in enumerate(workers):
        points = " ".join(f"{60 + 640 * at / wall_s:.1f},{260 - 220 * mib / top:.1f}" for at, mib in process.samples)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[number % 4]}" stroke-width="1.5"/>')
        label = f'<text x="{70 + 90 * number}" y="36" fill="{COLOURS[number % 4]}">worker {number + 1}</text>'
        parts.append(label)
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, metavar="DIR", help="folder of *.warc.gz")
    parser.add_argument("--corpus-pages", type=int, default=1994, help="pages in it, about (1,994)")
    parser.add_argument("--pages", type=int, default=20_000, help="least number of pages to read (20,000)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the result here too, and the plot beside it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, output = Path(name), Path(name) / "o"
        files = link_corpus(args.corpus, folder, -(-args.pages // args.corpus_pages))
        asked = command(files, output, args.workers)
        process = subprocess.Popen(asked, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONWARNINGS": "ignore"})
        seen, wall_s = watch(process)
        if process.returncode:
            raise SystemExit(f"the run ended with {process.returncode}")
        counts = json.loads((output / "manifest.json").read_text("utf-8"))["counts"]
    by_role = {role: [found for found in seen.values() if found.role == role] for role in ROLES.values()}
    told = report(by_role["worker"], by_role["extraction child"], wall_s, counts["read"], counts["kept"])
    print(told)
    if args.out is not None:
        args.out.write_text(told, "utf-8")
        args.out.with_suffix(".svg").write_text(plot(by_role["worker"], wall_s), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
