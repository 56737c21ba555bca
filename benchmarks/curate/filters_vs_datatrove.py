"""Claim: the Gopher, C4 and FineWeb steps give datatrove's verdicts on the same texts, at a fraction of its CPU time.

    python -m benchmarks.curate.filters_vs_datatrove --corpus WARCS --datatrove datatrove/bin/python --out

The texts are extracted from all HTML pages once. Then each side judges them in a process of its own, one after the
other: every step on every text, as no step spares the next one work, and all of it twice, so that the second pass shows
what a long run costs once the words are known. Each side's FineWeb step reads what its own C4 step wrote. Measured are
verdict and reason of each step on each text, and its CPU time.

With --model, a fastText lid.176 file, only texts found to be in --language are used.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import Benchmark, table
from benchmarks.inputs import add_corpus_options, described, read_pages, warc_files
from benchmarks.peers.installed import DATATROVE
from transforms.steps.filters.gopher_quality import STOP_WORDS

OURS = [sys.executable, "-m", "benchmarks.curate.filter_steps"]
PEER = Path(__file__).parents[1] / "peers" / "datatrove_filters.py"
STEPS = ("gopher_repetition", "gopher_quality", "c4", "fineweb")

# datatrove's reason -> our rule
RULES = {
    **{f"duplicated_{n}_n_grams": f"dup_{n}_gram" for n in range(5, 11)},
    "gopher_short_doc": "too_few_words",
    "gopher_long_doc": "too_many_words",
    "gopher_below_avg_threshold": "short_words",
    "gopher_above_avg_threshold": "long_words",
    "gopher_too_many_hashes": "hash_ratio",
    "gopher_too_many_ellipsis": "ellipsis_ratio",
    "gopher_too_many_bullets": "bullet_lines",
    "gopher_too_many_end_ellipsis": "ellipsis_lines",
    "gopher_below_alpha_threshold": "alpha_words",
    "gopher_enough_stop_words": "stop_words",
    "line_punct_ratio": "line_punct",
    "short_line_ratio": "short_lines",
    "char_dup_ratio": "char_dup",
}

Row = dict[str, Any]  # of one text: `reasons`, `ns` of each step; `sha`, of its words and of the text after C4


def extract_texts(warcs: list[Path]) -> list[str]:
    """Main text of every HTML page that has any."""
    import trafilatura

    texts = (trafilatura.extract(page.html, include_comments=False) for page in read_pages(warcs))
    return [text for text in texts if text]


def in_language(texts: list[str], language: str, model: str) -> list[str]:
    import fasttext

    predict = fasttext.load_model(model).predict
    return [text for text in texts if f"__label__{language}" in predict(text.replace("\n", " "), k=1)[0]]


def judge(command: list[str], texts: Path, language: str) -> tuple[list[Row], list[Row]]:
    """What a side says of every text, in each of its two passes."""
    output = texts.with_name("rows.jsonl")
    stop_words = json.dumps(dict(STOP_WORDS).get(language, ()))
    subprocess.run([*command, str(texts), str(output), language, stop_words], check=True)
    with output.open() as lines:
        rows = [json.loads(line) for line in lines]
    return rows[: len(rows) // 2], rows[len(rows) // 2 :]


def verdicts(ours: list[Row], theirs: list[Row]) -> Iterator[str]:
    """A row a filter: on how many texts both sides say the same, and what they say where they differ."""
    rows = []
    for number, step in enumerate(STEPS):
        reasons = [row["reasons"][number] for row in ours]
        pairs = [
            (RULES.get(row["reasons"][number], row["reasons"][number]), our)
            for row, our in zip(theirs, reasons, strict=True)
        ]
        differing = Counter(f"{their or 'kept'} → {our or 'kept'}" for their, our in pairs if their != our)
        listed = ", ".join(f"{name} ({count})" for name, count in differing.most_common()) or "none"
        kept = reasons.count(None)
        rows.append([step, listed, kept, len(ours) - kept, f"{len(ours) - differing.total()} of {len(ours)}"])
    yield table(
        ["step", "differences (datatrove's → ours)", "kept", "dropped", "same verdict and reason"], rows, texts=2
    )
    same = sum(our["sha"] == their["sha"] for our, their in zip(ours, theirs, strict=True))
    yield f"Same words and same text after C4: {same} of {len(ours)}.\n"


def times(ours: tuple[list[Row], list[Row]], theirs: tuple[list[Row], list[Row]]) -> str:
    """CPU ms of a text, by step and pass."""
    rows = []
    for name, chosen in [(step, slice(number, number + 1)) for number, step in enumerate(STEPS)] + [
        ("all four", slice(4))
    ]:
        passes = [sum(sum(row["ns"][chosen]) for row in rows) / len(rows) / 1e6 for rows in (*theirs, *ours)]
        ratios = [f"{passes[0] / passes[2]:.1f}", f"{passes[1] / passes[3]:.1f}"]
        rows.append([name, *(f"{ms:.3f}" for ms in passes), *ratios])
    head = ["CPU ms a text", "datatrove, pass 1", "pass 2", "ours, pass 1", "pass 2", "÷ ours, pass 1", "pass 2"]
    return table(head, rows)


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The report: the same extracted texts through both sides' filters, verdicts and times."""
    warcs = warc_files(args, scratch)
    texts = extract_texts(warcs)
    if args.model:
        texts = in_language(texts, args.language, args.model)
    file = scratch / "texts.jsonl"
    file.write_text("".join(json.dumps(text) + "\n" for text in texts))
    length = sum(map(len, texts)) / len(texts)
    scope = f"texts found to be {args.language!r}" if args.model else "texts of all languages"
    used = f"{len(texts):,} {scope} (mean {length:,.0f} characters)"
    yield f"{described(warcs)}; {used}, words of {args.language!r}.\n"
    theirs = judge([str(args.datatrove), str(PEER)], file, args.language)
    ours = judge(OURS, file, args.language)
    yield from verdicts(ours[0], theirs[0])
    yield times(ours, theirs)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_corpus_options(parser)
    parser.add_argument("--language", default="en", help="word splitter and stop words for all texts (en)")
    parser.add_argument("--model", help="fastText lid.176 model: use only texts that it finds to be in --language")


BENCHMARK = Benchmark(
    __file__,
    "Gopher's, C4's and FineWeb's filters beside datatrove's",
    __doc__,
    compare,
    add_options,
    quick={"files": 1},
    packages=("trafilatura", "spacy"),
    peers=(DATATROVE,),
)

if __name__ == "__main__":
    BENCHMARK.main()
