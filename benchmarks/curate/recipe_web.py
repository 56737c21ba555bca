"""Question: which pages does the recipe `web` keep that `fineweb` drops, and the other way round?

    python -m benchmarks.curate.recipe_web --corpus WARCS --languages en de ru pl el --look look.html --out

Both recipes are run on the same pages in turns, once for each language, keeping that language alone; `fineweb` has the
language gate too, so that costs compare. Measured are CPU seconds of all processes, and what is kept. Where a
gold.jsonl lies beside the WARC files, the pages on which people marked an article are counted by the language of the
page: the share of them that is kept is what a recipe costs in good text. Of other pages it is told how many each keeps;
--look writes a page with the texts of all that one of them keeps and the other drops, to be read, because no figure
says whether they are any good.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from benchmarks.curate.extraction_look import write_look
from benchmarks.harness import Benchmark, ratio, table, take_turns
from benchmarks.inputs import add_corpus_options, described, warc_files
from benchmarks.process_cost import Cost, bateia, measure

RECIPES = """
from pipelines.recipes.fineweb import FINEWEB
from pipelines.recipes.web import web
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.filters.languages import KeepLanguages

FINEWEB_ONE = FINEWEB.vary(KeepLanguages(({language!r},), 0.65), LanguageGate(({language!r},)), name="fineweb-one")
WEB_ONE = web({language!r})
"""
SIDES = {"fineweb": "FINEWEB_ONE", "web": "WEB_ONE"}
Place = tuple[str, int]


@dataclass(frozen=True)
class Fates:
    """What a recipe made of pages.

    texts: by the page's place (name of the WARC file, byte offset), of those that are kept.
    dropped: reason and extracted text of the others that had any.
    """

    texts: dict[Place, str]
    dropped: dict[Place, tuple[str, str]]
    urls: dict[Place, str]


def rows_of(folder: Path, columns: list[str]) -> list[dict[str, Any]]:
    files = [str(path) for path in sorted(folder.rglob("*.parquet"))]
    return ds.dataset(files).to_table(columns=columns).to_pylist() if files else []


def fates(output: Path) -> Fates:
    documents = rows_of(output / "data", ["text", "file_path", "warc_offset"])
    texts = {(Path(row["file_path"]).name, row["warc_offset"]): row["text"] for row in documents}
    found = Fates(texts, {}, {})
    for row in rows_of(output / "ledger", ["url", "warc_file", "warc_offset", "reason", "text"]):
        place = (Path(row["warc_file"]).name, row["warc_offset"])
        found.urls[place] = row["url"]
        if row["reason"] is not None:
            found.dropped[place] = (row["reason"], row["text"] or "")
    return found


def gold_languages(warcs: list[Path]) -> dict[Place, str]:
    """The language of each page on which an article is marked."""
    found: dict[Place, str] = {}
    for path in sorted({warc.parent / "gold.jsonl" for warc in warcs}):
        if path.is_file():
            with path.open(encoding="utf-8") as lines:
                rows = [json.loads(line) for line in lines]
            marked = (row for row in rows if row["gold_text"] or row["with"])
            found |= {(row["warc_file"], row["warc_offset"]): row["lid_quick_lang"] for row in marked}
    return found


def run(language: str, warcs: list[Path], rounds: int, scratch: Path) -> tuple[dict[str, Fates], list[object]]:
    """Both sides' fates, and their cost as cells of a table."""
    recipes = scratch / f"{language}.py"
    recipes.write_text(RECIPES.format(language=language))

    def curate(side: str) -> Cost:
        options = ("--no-blocklist", "--no-guard", "--keep-dropped", "--quiet", "--overwrite")
        command = bateia("curate", "--recipe", f"{recipes}:{SIDES[side]}", *options)
        command += ["--output", str(scratch / f"{language}-{side}"), "--input", *map(str, warcs)]
        return measure(command, scratch / "log.txt")

    costs = take_turns({side: lambda side=side: curate(side) for side in SIDES}, rounds)
    seconds = {side: [cost.cpu_s for cost in costs[side]] for side in SIDES}
    cells = [f"{min(seconds['fineweb']):.1f}", f"{min(seconds['web']):.1f}", ratio(seconds["web"], seconds["fineweb"])]
    return {side: fates(scratch / f"{language}-{side}") for side in SIDES}, cells


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    warcs = warc_files(args, scratch)
    gold = gold_languages(warcs)
    yield f"{described(warcs)}, of which {len(gold):,} pages have an article marked; one worker, URL filter off.\n"
    rows, reasons, looked = [], [], []
    for language in args.languages:
        found, cells = run(language, warcs, args.rounds, scratch)
        old, new = found["fineweb"], found["web"]
        marked = [place for place, its in gold.items() if its == language]
        shares = [share(marked, side) for side in (old, new)]
        others = [sum(place not in gold for place in side.texts) for side in (old, new)]
        rows.append([language, len(marked), *shares, *others, *cells])
        lost = Counter(new.dropped[place][0] for place in marked if place in new.dropped)
        reasons.append([language, ", ".join(f"{name} {count}" for name, count in lost.most_common(8))])
        looked += list(differing(language, old, new))
    head = ["language", "marked", "fineweb", "web", "others kept by fineweb", "by web", "CPU s", "CPU s, web", "÷ web"]
    yield table(head, rows)
    yield table(["language", "what web drops of the marked pages for"], reasons)
    if args.look is not None:
        write_look(args.look, looked)


def share(marked: list[Place], side: Fates) -> str:
    return f"{sum(place in side.texts for place in marked) / len(marked):.1%}" if marked else "–"


def differing(language: str, old: Fates, new: Fates) -> Iterator[tuple[str, str, str, None, dict[str, str]]]:
    """Pages that one side keeps and the other drops, as `write_look` takes them."""
    for place in sorted(old.texts.keys() ^ new.texts.keys()):
        keeper, loser, name = (old, new, "fineweb") if place in old.texts else (new, old, "web")
        reason, text = loser.dropped.get(place, ("unreadable", ""))
        group = f"kept by {name} alone; the other: {reason}"
        yield language, new.urls.get(place, ""), group, None, {f"kept by {name}": keeper.texts[place], reason: text}


def add_options(parser: argparse.ArgumentParser) -> None:
    add_corpus_options(parser)
    parser.add_argument("--languages", nargs="+", default=["en", "de", "ru", "pl", "el"], metavar="LANGUAGE")
    parser.add_argument("--look", type=Path, metavar="FILE", help="write the pages of which fates differ, to be read")


BENCHMARK = Benchmark(
    __file__,
    "The recipe web: what it keeps that fineweb drops",
    __doc__,
    compare,
    add_options,
    rounds=1,
    quick={"files": 1, "languages": ["en"]},
    packages=("trafilatura", "ftfy"),
)

if __name__ == "__main__":
    BENCHMARK.main()
