"""Claim: on FineWeb's recipe `bateia curate` needs less CPU time than datatrove and, given the same trafilatura, keeps
the same pages with the same texts.

    python -m benchmarks.curate.curate_vs_datatrove --corpus WARCS --datatrove datatrove/bin/python --out

Measured are CPU seconds of all processes of a run, start-up included, wall time and memory; and the fate of every page:
kept, or lost at which step. A page is an HTML response with status 200. Texts are compared character by character.

Both sides use one worker, the same language model and the same input. The URL filter is off: it needs lists that
neither ships. A second run on one page, which both keep, loads all that a long run loads; the steady cost of a page
leaves its time out. datatrove gives a page one second of wall time for extraction, so how many pages it loses depends
on the machine's load; its timeouts stand beside each round. On a machine with other work, give it more (--timeout 60).
--repeat reads the files several times, so that start-up counts as it does on a crawl; fates are told of each page once.

datatrove 0.10.1 asks for trafilatura 1.11, ours is newer, so texts and verdicts differ. To see what else does, install
ours in a second environment (pip install trafilatura==2.3.1; pip warns) and compare with that.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.dataset as ds

from benchmarks.harness import Benchmark, cost_table, positive, rounds_table, significant, table, take_turns
from benchmarks.inputs import add_corpus_options, described, repeated, warc_files
from benchmarks.peers.installed import DATATROVE
from benchmarks.process_cost import Cost, bateia, measure
from pipelines.assets.registry import resolve_language_model
from transforms.steps.filters.gopher_quality import KeepGopherQuality

SIDES = ("ours", "datatrove")
STEPS = (
    *("language_gate", "extract", "language", "repair", "web_lines", "notices", "lookalikes"),
    *("gopher_repetition", "gopher_quality", "c4", "fineweb"),
)
OURS = ("language_gate", "repair", "web_lines", "notices", "lookalikes")  # steps of some of our recipes alone
OTHER_LANGUAGE = """
from pipelines.recipes.fineweb import FINEWEB
from pipelines.recipes.web import web
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.filters.languages import KeepLanguages

LANGUAGES = ({language!r},)
ONE = {{
    "fineweb": lambda: FINEWEB.vary(KeepLanguages(LANGUAGES, 0.65), name="one"),
    "fineweb-gated": lambda: FINEWEB.vary(KeepLanguages(LANGUAGES, 0.65), LanguageGate(LANGUAGES), name="one"),
    "web": lambda: web(*LANGUAGES),
}}[{recipe!r}]()
"""
PEER = Path(__file__).parents[1] / "peers" / "datatrove_fineweb.py"


@dataclass(frozen=True)
class Fate:
    """What became of a page. step: where it was lost, None if it was kept."""

    url: str
    step: str | None
    reason: str | None

    def __str__(self) -> str:
        return "kept" if self.step is None else f"{self.step}: {self.reason}"


@dataclass
class Run:
    """One finished run of a side: its cost, and what it wrote, by record id."""

    side: str
    output: Path
    cost: Cost

    def __str__(self) -> str:
        return str(self.cost)

    @cached_property
    def fates(self) -> dict[str, Fate]:
        """Of every page that was read."""
        if self.side == "ours":
            rows = ledger(self.output)
            return {
                row["record_id"]: Fate(row["url"], row["stage"], row["reason"])
                for row in rows
                if row["stage"] != "read"  # no page: an image, a redirection
            }
        rows = map(json.loads, (self.output / "fates.jsonl").read_text().splitlines())
        return {row["id"]: Fate(row["url"], row["step"], row["reason"]) for row in rows}

    @cached_property
    def kept(self) -> set[str]:
        return {record for record, fate in self.fates.items() if fate.step is None}

    @cached_property
    def texts(self) -> dict[str, str]:
        """Of the pages that were kept."""
        if self.side == "ours":
            documents = ds.dataset(self.output / "data", format="parquet").to_table(columns=["id", "text"])
            return {row["id"]: row["text"] for row in documents.to_pylist()}
        texts = {}
        for path in (self.output / "documents").glob("*.jsonl.gz"):
            with gzip.open(path, "rt") as lines:
                texts |= {row["id"]: row["text"] for row in map(json.loads, lines)}
        return texts


def ledger(output: Path) -> list[dict[str, Any]]:
    return ds.dataset(output / "ledger", format="parquet").to_table().to_pylist()


def cut_one_page(output: Path, record_id: str, to: Path) -> Path:
    """Copy the WARC records of one page: its gzip member and what follows up to the next response."""
    rows = ledger(output)
    page = next(row for row in rows if row["record_id"] == record_id)
    offsets = [row["warc_offset"] for row in rows if row["warc_file"] == page["warc_file"]]
    end = min((offset for offset in offsets if offset > page["warc_offset"]), default=None)
    to.write_bytes(Path(page["warc_file"]).read_bytes()[page["warc_offset"] : end])
    return to


def run_rounds(args: argparse.Namespace, warcs: list[Path], scratch: Path) -> dict[str, list[Run]]:
    """Both sides on these files, round by round. Raises RuntimeError if a side keeps no page."""
    numbers, model = count(), resolve_language_model("lid.176.ftz")
    scratch.mkdir()
    recipe = args.recipe
    if args.language != "en" and recipe in ("fineweb", "fineweb-gated", "web"):
        other = scratch / "recipe.py"
        other.write_text(OTHER_LANGUAGE.format(language=args.language, recipe=recipe))
        recipe = f"{other}:ONE"

    def run(side: str) -> Run:
        output = scratch / f"output-{next(numbers)}"
        if side == "datatrove":
            command = [args.datatrove, PEER, "--model", model, "--language", args.language, "--timeout", args.timeout]
            command += ["--output", output, *warcs]
            if args.language != "en":  # datatrove has English stop words alone
                command += ["--stop-words", *dict(KeepGopherQuality().stop_words)[args.language]]
        else:
            command = bateia("curate", "--recipe", recipe, "--no-blocklist", "--quiet", "--workers", 1)
            command += ["--output", output, "--input", *warcs]
        done = Run(side, output, measure(list(map(str, command)), scratch / "log.txt"))
        if not done.kept:
            raise RuntimeError(f"{side} kept no page; look into its installation")
        return done

    return take_turns({side: lambda side=side: run(side) for side in SIDES}, args.rounds)


def costs(runs: dict[str, list[Run]]) -> dict[str, list[Cost]]:
    return {side: [run.cost for run in rounds] for side, rounds in runs.items()}


def steady_ms(every: list[Run], one: list[Run], pages: int) -> float:
    """CPU ms of a page, less what the run on one page takes."""
    cpu_s = min(run.cost.cpu_s for run in every) - min(run.cost.cpu_s for run in one)
    return cpu_s / (pages - 1) * 1e3


def steps_table(runs: dict[str, Run]) -> str:
    """How many pages reach each step, and how many end there."""
    lost = {side: Counter(fate.step for fate in run.fates.values()) for side, run in runs.items()}
    left, rows = {side: len(run.fates) for side, run in runs.items()}, []
    for step in STEPS:
        if step in OURS and not lost["ours"][step]:
            continue
        ours, theirs = ({record for record, fate in run.fates.items() if fate.step == step} for run in runs.values())
        rows.append([step, *left.values(), *(lost[side][step] for side in SIDES), len(ours & theirs)])
        left = {side: left[side] - lost[side][step] for side in SIDES}
    rows.append(
        ["kept", *(len(run.kept) for run in runs.values()), "", "", len(runs["ours"].kept & runs["datatrove"].kept)]
    )
    head = ["step", "reach it, ours", "reach it, datatrove", "end there, ours", "end there, datatrove", "same pages"]
    return table(head, rows)


def differences(runs: dict[str, Run]) -> Iterator[str]:
    """Pages that one side alone keeps, by what the other side says of them."""
    ours, theirs = runs["ours"], runs["datatrove"]
    both = ours.kept & theirs.kept
    same = sum(ours.texts[record] == theirs.texts[record] for record in both)
    alone = f"by ours alone {len(ours.kept - theirs.kept)}, by datatrove alone {len(theirs.kept - ours.kept)}"
    yield f"Kept by both {len(both)} (same text: {same}), {alone}.\n"
    hosts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in ours.kept ^ theirs.kept:
        fates = [run.fates.get(record) for run in (ours, theirs)]
        host = next(urlsplit(fate.url).hostname or "" for fate in fates if fate is not None)
        hosts[str(fates[0] or "not read"), str(fates[1] or "not read")].append(host)
    rows = [
        [*pair, ", ".join(sorted(set(of_pair))[:2]), len(of_pair)]
        for pair, of_pair in sorted(hosts.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    if rows:
        yield table(["ours", "datatrove", "hosts, for instance", "pages"], rows, texts=3)


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The report: cost a page and of start-up, pages after each step, and every page that only one side keeps."""
    warcs = repeated(warc_files(args, scratch), args.repeat, scratch / "repeated")
    every = run_rounds(args, warcs, scratch / "every")
    first = {side: runs[0] for side, runs in every.items()}
    page = min(first["ours"].kept & first["datatrove"].kept)
    single = cut_one_page(first["ours"].output, page, scratch / "one-page.warc.gz")
    one = run_rounds(args, [single], scratch / "one")

    pages = len(first["ours"].fates) * args.repeat  # a page that is read again has the fate that it had
    yield f"{described(warcs)}, {pages:,} HTML pages of status 200; one worker each; URL filter off.\n"
    yield "## Cost\n"
    steady = [steady_ms(every[side], one[side], pages) for side in SIDES]
    columns = {"steady, ms": list(map(significant, steady)), "÷ ours": ["", f"{steady[1] / steady[0]:.2f}"]}
    yield cost_table(costs(every), pages, "page", columns)
    yield "Of a single page, which is start-up:\n"
    yield cost_table(costs(one), 1, "run")
    yield "## Rounds\n"
    timeouts = [sum(fate.reason == "timeout" for fate in run.fates.values()) for run in every["datatrove"]]
    yield rounds_table(costs(every), {"datatrove's timeouts": timeouts})
    yield "## Pages at each step\n"
    yield steps_table(first)
    yield "## Kept pages\n"
    yield from differences(first)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_corpus_options(parser)
    parser.add_argument("--repeat", type=positive, default=1, metavar="N", help="read each file N times")
    parser.add_argument("--recipe", default="fineweb", help="of our side: a name, or path/to/file.py:NAME")
    parser.add_argument(
        "--timeout", type=float, default=1.0, help="seconds that datatrove gives a page; its own is 1 (default)"
    )
    parser.add_argument("--language", default="en", help="that both sides keep; the recipe must keep it alone")


BENCHMARK = Benchmark(
    __file__,
    "`bateia curate` and datatrove on FineWeb's recipe",
    __doc__,
    compare,
    add_options,
    rounds=3,
    quick={"files": 1},
    packages=("trafilatura", "lxml", "resiliparse", "spacy", "apache-beam", "pyarrow"),
    peers=(DATATROVE,),
)

if __name__ == "__main__":
    BENCHMARK.main()
