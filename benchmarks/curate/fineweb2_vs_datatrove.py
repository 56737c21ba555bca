"""Claim: with FineWeb2's values our filters keep what datatrove's keep, language by language, at less CPU time.

    python -m benchmarks.curate.fineweb2_vs_datatrove --corpus WARCS --datatrove datatrove/bin/python --out

Main texts of all HTML pages are extracted once, as FineWeb2 does (trafilatura, favouring precision), and sorted by the
language that lid.176.ftz finds most probable, whatever its score. Then each side judges the texts of each language in
a process of its own: every filter on every text, so that verdicts are compared filter by filter. Measured are verdicts
and reasons, the CPU time of splitting a text into words for the first time, and that of splitting and filters together.

Where a gold.jsonl lies beside the WARC files, the pages that people annotated an article on are counted on their own:
the share of them that is kept is what a filter's thresholds cost in good text. The last column is of our whole recipe,
that is with the language's threshold.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.curate.filters_vs_datatrove import RULES
from benchmarks.harness import Benchmark, table
from benchmarks.inputs import add_corpus_options, described, read_pages, warc_files
from benchmarks.peers.installed import DATATROVE
from pipelines.assets.registry import resolve_language_model
from pipelines.recipes.fineweb2 import fineweb2, values_of
from schemas.document import Document
from schemas.verdict import Drop
from transforms.steps.text.labels import identify
from transforms.steps.text.languages import SUPPORTED, find_language

OURS = [sys.executable, "-m", "benchmarks.curate.fineweb2_steps"]
PEER = Path(__file__).parents[1] / "peers" / "datatrove_fineweb2.py"
LANGUAGES = ("de", "ru", "pl", "el", "es", "fr", "zh", "ja")
MODEL = "lid.176.ftz"

Row = dict[str, Any]


def gold_places(warcs: list[Path]) -> set[tuple[str, int]]:
    """(file, offset) of pages on which an article is annotated."""
    places = set()
    for path in {warc.parent / "gold.jsonl" for warc in warcs}:
        if path.is_file():
            with path.open(encoding="utf-8") as lines:
                rows = [json.loads(line) for line in lines]
            places |= {(row["warc_file"], row["warc_offset"]) for row in rows if row["gold_text"] or row["with"]}
    return places


def texts_by_language(warcs: list[Path], wanted: tuple[str, ...]) -> dict[str, list[tuple[str, bool]]]:
    """(text, whether its page is annotated) of every page with any text, by language."""
    import trafilatura

    gold, model = gold_places(warcs), str(resolve_language_model(MODEL))
    found: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for page in read_pages(warcs):
        text = trafilatura.extract(page.html, favor_precision=True, include_comments=False, deduplicate=True)
        if text and (language := identify(text, model).language) in wanted:
            found[language].append((text, (Path(page.warc_file).name, page.warc_offset) in gold))
    return found


def judge(command: list[str], texts: Path, language: str) -> list[Row]:
    output = texts.with_name("rows.jsonl")
    label = find_language(language).label
    subprocess.run([*command, str(texts), str(output), label, json.dumps(values_of(language))], check=True)
    return [json.loads(line) for line in output.read_text().splitlines()]


def kept_by_recipe(texts: list[str], language: str) -> list[bool]:
    """By our whole recipe for the language."""
    from dataclasses import replace

    first, *others = fineweb2(language).curate.documents
    steps = [replace(first, model=str(resolve_language_model(MODEL))), *others]  # type: ignore[type-var]
    kept = []
    for text in texts:
        document: Document | Drop = Document(text, "", "", "", "", "", 0)
        for step in steps:
            document = step(document) if isinstance(document, Document) else document
        kept.append(isinstance(document, Document))
    return kept


def first_reason(row: Row) -> str | None:
    reason = next(filter(None, row["reasons"]), None)
    return RULES.get(reason, reason) if reason else None


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The report: by language, verdicts on the same texts, marked pages kept, and the cost of words and filters."""
    warcs = warc_files(args, scratch)
    texts = texts_by_language(warcs, tuple(args.languages))
    counts = ", ".join(f"{language} {len(texts[language])}" for language in args.languages)
    yield f"{described(warcs)}; texts: {counts}.\n"
    verdicts, gold, costs, listed = [], [], [], []
    for language in args.languages:
        if not texts[language]:
            continue
        file = scratch / "texts.jsonl"
        file.write_text("".join(json.dumps(text) + "\n" for text, _ in texts[language]))
        theirs, ours = judge([str(args.datatrove), str(PEER)], file, language), judge(OURS, file, language)
        pairs = [(first_reason(their), first_reason(our)) for their, our in zip(theirs, ours, strict=True)]
        same = sum(
            [RULES.get(reason, reason) for reason in their["reasons"]] == our["reasons"]
            for their, our in zip(theirs, ours, strict=True)
        )
        words = sum(their["words"] == our["words"] for their, our in zip(theirs, ours, strict=True))
        their_kept, our_kept = (sum(pair[side] is None for pair in pairs) for side in (0, 1))
        verdicts.append([language, len(pairs), their_kept, our_kept, same, words])
        differing = Counter(f"{their or 'kept'} → {our or 'kept'}" for their, our in pairs if their != our)
        listed += [[language, name, count] for name, count in differing.most_common()]
        annotated = [number for number, (_, is_gold) in enumerate(texts[language]) if is_gold]
        if annotated:
            whole = kept_by_recipe([texts[language][number][0] for number in annotated], language)
            shares = [sum(pairs[number][side] is None for number in annotated) for side in (0, 1)]
            gold.append([language, len(annotated), *(share_of(n, annotated) for n in (*shares, sum(whole)))])
        costs.append([language, *cost_cells(theirs, ours)])
    yield table(["language", "texts", "kept by datatrove", "by ours", "same reasons", "same number of words"], verdicts)
    if listed:
        yield table(["language", "first reason, datatrove's → ours", "texts"], listed, texts=2)
    if gold:
        yield table(["language", "annotated pages", "kept by datatrove", "by ours", "by recipe fineweb2"], gold)
    head = ["language", "split, datatrove", "ours", "÷ ours", "split and filters, datatrove", "ours", "÷ ours"]
    yield "CPU ms a text:\n"
    yield table(head, costs)


def share_of(kept: int, annotated: list[int]) -> str:
    return f"{kept} ({kept / len(annotated):.0%})"


def cost_cells(theirs: list[Row], ours: list[Row]) -> Iterator[str]:
    """CPU ms a text of both sides and their ratio, for splitting and for everything."""
    for name in ("split_ns", "ns"):
        their, our = (sum(row[name] for row in rows) / len(rows) / 1e6 for rows in (theirs, ours))
        yield from (f"{their:.2f}", f"{our:.2f}", f"{their / our:.1f}")


def add_options(parser: argparse.ArgumentParser) -> None:
    add_corpus_options(parser)
    parser.add_argument("--languages", nargs="+", choices=SUPPORTED, default=LANGUAGES, help="default: %(default)s")


BENCHMARK = Benchmark(
    __file__,
    "FineWeb2's values: our filters beside datatrove's",
    __doc__,
    compare,
    add_options,
    quick={"files": 1, "languages": ("es", "fr")},
    packages=("trafilatura", "spacy", "jieba", "sudachipy"),
    peers=(DATATROVE,),
)

if __name__ == "__main__":
    BENCHMARK.main()
