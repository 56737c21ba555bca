"""Claim: on FineWeb's recipe `bateia curate` needs less CPU time than datatrove and, given the same trafilatura, keeps
the same pages with the same texts.

    python3 -m venv peer
    peer/bin/pip install 'datatrove[processing]==0.10.1' warcio faust-cchardet python-magic orjson spacy lxml_html_clean
    python -m benchmarks.curate_vs_datatrove --corpus WARCS --peer-python peer/bin/python [--repeat 3] [--out FILE]

Without lxml_html_clean datatrove's extraction child can't start, and every page counts as a timeout after a second.
datatrove 0.10.1 asks for trafilatura 1.11, ours is newer: to see what else differs, install ours in the peer as well.
The URL filter is off on both sides: it needs lists that neither ships. Both sides use one worker, the same language
model and the same input, one after the other, each round in the other order. CPU time is user and system time of every
process that a side starts, children's children too. Of several rounds the smallest is told, since a busy machine only
ever adds. Texts are compared character by character. The steady state takes away a run on one page that both keep,
which loads all that a long run loads.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.process_cost import Cost, machine, measure

SIDES = ("ours", "datatrove")
STEPS = ("language_gate", "extract", "language", "gopher_repetition", "gopher_quality", "c4", "fineweb")
PEER = Path(__file__).parent / "peers" / "datatrove_fineweb.py"


@dataclass(frozen=True)
class Fate:
    """step: where the page was lost, None if it was kept."""

    url: str
    step: str | None
    reason: str | None

    def __str__(self) -> str:
        return "kept" if self.step is None else f"{self.step}: {self.reason}"


def ours_fates(output: Path) -> dict[str, Fate]:
    """By record id, of the pages that were read: HTML responses with status 200."""
    return {
        row["record_id"]: Fate(row["url"], row["stage"], row["reason"])
        for row in ledger(output)
        if row["stage"] != "read"
    }


def ledger(output: Path) -> list[dict[str, Any]]:
    import pyarrow.dataset as ds

    return ds.dataset(output / "ledger", format="parquet").to_table().to_pylist()


def peer_fates(output: Path) -> dict[str, Fate]:
    rows = [json.loads(line) for line in (output / "fates.jsonl").read_text().splitlines()]
    return {row["id"]: Fate(row["url"], row["step"], row["reason"]) for row in rows}


def ours_texts(output: Path) -> dict[str, str]:
    """By record id, of the pages that were kept."""
    import pyarrow.dataset as ds

    rows = ds.dataset(output / "data", format="parquet").to_table(columns=["id", "text"]).to_pylist()
    return {row["id"]: row["text"] for row in rows}


def peer_texts(output: Path) -> dict[str, str]:
    found = {}
    for path in (output / "documents").glob("*.jsonl.gz"):
        with gzip.open(path, "rt") as lines:
            found |= {row["id"]: row["text"] for row in map(json.loads, lines)}
    return found


FATES = {"ours": ours_fates, "datatrove": peer_fates}
TEXTS = {"ours": ours_texts, "datatrove": peer_texts}


def cut_one_page(output: Path, record_id: str, to: Path) -> str:
    """Copy the WARC records of one page: its gzip member and what follows up to the next response."""
    rows = ledger(output)
    page = next(row for row in rows if row["record_id"] == record_id)
    offsets = [row["warc_offset"] for row in rows if row["warc_file"] == page["warc_file"]]
    end = min((offset for offset in offsets if offset > page["warc_offset"]), default=None)
    data = Path(page["warc_file"]).read_bytes()[page["warc_offset"] : end]
    (to / "one-page.warc.gz").write_bytes(data)
    return str(to / "one-page.warc.gz")


@dataclass
class Bench:
    """Runs of both sides in a scratch folder; the first round's fates and texts are kept, all rounds' costs."""

    folder: Path
    recipe: str
    peer_python: str
    model: str
    costs: dict[tuple[str, str], list[Cost]] = field(default_factory=lambda: defaultdict(list))
    fates: dict[str, dict[str, Fate]] = field(default_factory=dict)
    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    timeouts: list[int] = field(default_factory=list)

    def command(self, side: str, warcs: list[str], output: Path) -> list[str]:
        if side == "datatrove":
            return [self.peer_python, str(PEER), "--model", self.model, "--output", str(output), *warcs]
        command = [sys.executable, "-m", "pipelines", "curate", "--recipe", self.recipe, "--no-blocklist", "--quiet"]
        return [*command, "--workers", "1", "--output", str(output), "--input", *warcs]

    def run(self, what: str, warcs: list[str], turn: int) -> None:
        for side in SIDES[:: 1 if turn % 2 == 0 else -1]:
            output = self.folder / f"{what}-{side}-{turn}"
            cost = measure(self.command(side, warcs, output), self.folder / "log.txt")
            self.costs[what, side].append(cost)
            print(f"{what} {side}: {cost.cpu_s:.1f} CPU s, {cost.wall_s:.1f} s", file=sys.stderr)
            fates = FATES[side](output)
            if all(fate.step for fate in fates.values()):
                raise RuntimeError(f"{side} kept no page; look into its installation")
            if what == "all":
                self.fates.setdefault(side, fates)
                self.texts.setdefault(side, TEXTS[side](output))
                if side == "datatrove":
                    self.timeouts.append(sum(fate.reason == "timeout" for fate in fates.values()))

    def cpu_s(self, what: str, side: str) -> float:
        return min(cost.cpu_s for cost in self.costs[what, side])

    def kept(self, side: str) -> set[str]:
        return {record for record, fate in self.fates[side].items() if fate.step is None}


def cost_table(bench: Bench) -> Iterator[str]:
    pages = len(bench.fates["ours"])
    values = {
        side: {
            "CPU s, whole run": bench.cpu_s("all", side),
            "CPU s, one page": bench.cpu_s("one", side),
            "CPU ms per page, start-up included": bench.cpu_s("all", side) / pages * 1e3,
            "CPU ms per page, steady": (bench.cpu_s("all", side) - bench.cpu_s("one", side)) / (pages - 1) * 1e3,
            "wall s": min(cost.wall_s for cost in bench.costs["all", side]),
            "peak memory, all processes (MiB, Pss)": max(cost.tree_mb for cost in bench.costs["all", side]),
        }
        for side in SIDES
    }
    yield "| | ours | datatrove | ratio |"
    yield "|---|---|---|---|"
    for row, ours in values["ours"].items():
        peer = values["datatrove"][row]
        yield f"| {row} | {ours:.1f} | {peer:.1f} | {peer / ours:.2f} |"
    peaks = (bench.costs["all", side][0].largest() for side in SIDES)
    listed = (", ".join(f"{peak:.0f}" for peak in side) for side in peaks)
    yield f"| peak memory per process (MiB, resident) | {' | '.join(listed)} | |"


def rounds_table(bench: Bench) -> Iterator[str]:
    yield "| round | ours, CPU s | datatrove, CPU s | ours, wall s | datatrove, wall s | datatrove's timeouts |"
    yield "|---|---|---|---|---|---|"
    for turn, (ours, peer) in enumerate(zip(bench.costs["all", "ours"], bench.costs["all", "datatrove"], strict=True)):
        cells = f"{ours.cpu_s:.1f} | {peer.cpu_s:.1f} | {ours.wall_s:.1f} | {peer.wall_s:.1f}"
        yield f"| {turn + 1} | {cells} | {bench.timeouts[turn]} |"


def funnel_table(bench: Bench) -> Iterator[str]:
    yield "| step | reaching it, ours | datatrove | lost there, ours | datatrove | same fate of the page here |"
    yield "|---|---|---|---|---|---|"
    lost = {side: Counter(fate.step for fate in bench.fates[side].values()) for side in SIDES}
    left = {side: len(bench.fates[side]) for side in SIDES}
    for step in STEPS:
        if step == "language_gate" and not lost["ours"][step]:
            continue  # an option of our recipes
        ids = [{record for record, fate in bench.fates[side].items() if fate.step == step} for side in SIDES]
        cells = [left["ours"], left["datatrove"], lost["ours"][step], lost["datatrove"][step], len(ids[0] & ids[1])]
        yield f"| {step} | {' | '.join(map(str, cells))} |"
        left = {side: left[side] - lost[side][step] for side in SIDES}
    kept = {side: bench.kept(side) for side in SIDES}
    yield f"| kept | {len(kept['ours'])} | {len(kept['datatrove'])} | | | {len(kept['ours'] & kept['datatrove'])} |"


def difference_table(bench: Bench) -> Iterator[str]:
    """Pages that one side alone keeps, by what the other side says of them."""
    ours, peer = bench.kept("ours"), bench.kept("datatrove")
    same = sum(bench.texts["ours"][record] == bench.texts["datatrove"][record] for record in ours & peer)
    yield f"Kept by both {len(ours & peer)} (same text: {same}), by ours alone {len(ours - peer)}, by datatrove alone"
    yield f"{len(peer - ours)}.\n"
    if ours == peer:
        return
    yield "| ours | datatrove | pages | hosts, for instance |"
    yield "|---|---|---|---|"
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in ours ^ peer:
        fates = [bench.fates[side].get(record) for side in SIDES]
        host = next(urlsplit(fate.url).hostname or "" for fate in fates if fate is not None)
        groups[str(fates[0] or "not read"), str(fates[1] or "not read")].append(host)
    for pair, hosts in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        yield f"| {pair[0]} | {pair[1]} | {len(hosts)} | {', '.join(sorted(set(hosts))[:2])} |"


def versions_line(bench: Bench) -> str:
    from pipelines.curate import versions

    peer = json.loads((bench.folder / "all-datatrove-0" / "versions.json").read_text())
    told = (", ".join(f"{name} {version}" for name, version in side.items()) for side in (versions(), peer))
    return "Ours: {}. Peer: {}.".format(*told)


def report(bench: Bench, warcs: list[str]) -> Iterator[str]:
    megabytes = sum(Path(warc).stat().st_size for warc in warcs) / 1e6
    rounds = len(bench.costs["all", "ours"])
    yield f"# `bateia curate --recipe {Path(bench.recipe).name}` and datatrove, {date.today()}\n"
    yield f"{machine()}. {len(warcs)} WARC files, {megabytes:.0f} MB, {len(bench.fates['ours'])} HTML pages of"
    yield f"status 200; one worker each; URL filter off. CPU times: smallest of {rounds} rounds in alternating order.\n"
    yield f"{versions_line(bench)}\n"
    for title, table in (
        ("Cost", cost_table),
        ("Rounds", rounds_table),
        ("Documents at each step", funnel_table),
        ("Kept pages", difference_table),
    ):
        yield f"## {title}\n"
        yield "\n".join(table(bench)) + "\n"


def find_warcs(corpus: list[Path]) -> list[str]:
    return sorted(str(file) for path in corpus for file in (path.glob("*.warc.gz") if path.is_dir() else [path]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--corpus", required=True, nargs="+", type=Path, help="folders of .warc.gz files, or such files"
    )
    parser.add_argument("--peer-python", required=True, help="interpreter that has datatrove")
    parser.add_argument("--recipe", default="fineweb", help="recipe of our side: a name, or path/to/file.py:NAME")
    parser.add_argument("--repeat", type=int, default=3, help="rounds (3)")
    parser.add_argument("--out", type=Path, help="Markdown file to write; default: standard output")
    args = parser.parse_args()
    from pipelines.assets import resolve_language_model

    warcs = find_warcs(args.corpus)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), args.recipe, args.peer_python, str(resolve_language_model("lid.176.ftz")))
        for turn in range(args.repeat):
            bench.run("all", warcs, turn)
        both = min(bench.kept("ours") & bench.kept("datatrove"))
        one = cut_one_page(bench.folder / "all-ours-0", both, bench.folder)
        for turn in range(args.repeat):
            bench.run("one", [one], turn)
        text = "\n".join(report(bench, warcs))
    if args.out:
        args.out.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
