"""Claim: the Gopher, C4 and FineWeb steps give datatrove's verdicts on the same texts, at a fraction of its CPU time.

    python -m benchmarks.filters_vs_datatrove --corpus WARCS --peer-python VENV/bin/python [--model lid.176.ftz]

Extracts the texts of all HTML responses once, then runs both sides on them, each in a process of its own and one after
the other: every step on every text (no step spares the next one work), twice, so that the second pass shows what a
long run costs once the words are known. Each side's FineWeb step reads what its own C4 step wrote. With --model only
the texts in --language are used. The peer's interpreter needs `datatrove[processing]` and spacy. Prints Markdown.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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

PEER = """
import hashlib, json, sys, time
from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter)
from datatrove.utils.text import split_into_words
texts, out, language, stop_words = sys.argv[1:]
stop_words = json.loads(stop_words)
steps = [
    GopherRepetitionFilter(language=language),
    GopherQualityFilter(language=language, stop_words=stop_words, min_stop_words=2 if stop_words else None),
    C4QualityFilter(language=language, filter_no_terminal_punct=False),
    FineWebQualityFilter(language=language),
]
split_into_words("warm up", language)
with open(texts) as lines:
    texts = [json.loads(line) for line in lines]
with open(out, "w") as rows:
    for _ in range(2):
        for text in texts:
            document = Document(text=text, id="")
            reasons, times = [], []
            for step in steps:
                start = time.process_time_ns()
                verdict = step.filter(document)
                times.append(time.process_time_ns() - start)
                reasons.append(None if verdict is True else verdict[1])
            seen = "\\n".join([*split_into_words(text, language), document.text])
            row = {"reasons": reasons, "ns": times, "sha": hashlib.sha256(seen.encode(errors="replace")).hexdigest()}
            rows.write(json.dumps(row) + "\\n")
"""


def extract(warc: Path) -> Iterator[str]:
    """Main text of every HTML response."""
    import trafilatura
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with warc.open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
            text = trafilatura.extract(record.reader.read(), include_comments=False) if record.is_http else None
            if text:
                yield text


def texts_of(corpus: Path, language: str, model: str | None) -> list[str]:
    texts = [text for warc in sorted(corpus.glob("*.warc.gz")) for text in extract(warc)]
    if model is None:
        return texts
    import fasttext

    predict = fasttext.load_model(model).predict
    return [text for text in texts if f"__label__{language}" in predict(text.replace("\n", " "), k=1)[0]]


def timed(action: Callable[[Any], Any], argument: Any) -> tuple[Any, int]:
    start = time.process_time_ns()
    result = action(argument)
    return result, time.process_time_ns() - start


def run_ours(texts: list[str], language: str) -> Iterator[dict[str, Any]]:
    """The rows that the peer writes, by our steps."""
    from schemas.document import Document
    from schemas.verdict import Drop
    from transforms.steps.c4 import CleanC4
    from transforms.steps.fineweb import KeepFineWeb
    from transforms.steps.gopher_quality import KeepGopherQuality
    from transforms.steps.gopher_repetition import KeepGopherRepetition
    from transforms.steps.words import words

    languages = (language,)
    steps = [step(languages=languages) for step in (KeepGopherRepetition, KeepGopherQuality, CleanC4, KeepFineWeb)]
    for step in steps:
        step.setup()
    for text in texts * 2:
        document = Document(text, "", "", "", "", "", 0, language)
        reasons, times = [], []
        for step in steps:
            verdict, ns = timed(step, document)
            times.append(ns)
            reasons.append(verdict.reason if isinstance(verdict, Drop) else None)
            document = document if isinstance(verdict, Drop) else verdict
        seen = "\n".join([*words(text, language), document.text])
        yield {"reasons": reasons, "ns": times, "sha": hashlib.sha256(seen.encode(errors="replace")).hexdigest()}


def run_in_process(arguments: list[str], out: Path) -> list[dict[str, Any]]:
    subprocess.run(arguments, check=True)
    with out.open() as rows:
        return [json.loads(row) for row in rows]


def report(ours: list[dict[str, Any]], peers: list[dict[str, Any]]) -> Iterator[str]:
    count = len(ours) // 2
    yield "| step | kept | dropped | same verdict and reason | differences (datatrove's → ours) |"
    yield "|---|---|---|---|---|"
    for i, step in enumerate(STEPS):
        pairs = [
            (RULES.get(peer["reasons"][i], peer["reasons"][i]), our["reasons"][i])
            for our, peer in zip(ours[:count], peers[:count], strict=True)
        ]
        differ = Counter(f"{peer or 'kept'} → {our or 'kept'}" for peer, our in pairs if peer != our)
        kept = sum(our is None for _, our in pairs)
        listed = ", ".join(f"{name} ({n})" for name, n in differ.most_common()) or "none"
        yield f"| {step} | {kept} | {count - kept} | {count - differ.total()} of {count} | {listed} |"
    same = sum(our["sha"] == peer["sha"] for our, peer in zip(ours[:count], peers[:count], strict=True))
    yield f"\nSame words and same text after C4: {same} of {count}.\n"
    yield "| CPU ms per text | datatrove, pass 1 | pass 2 | ours, pass 1 | pass 2 | ratio, pass 1 | pass 2 |"
    yield "|---|---|---|---|---|---|---|"
    for i, step in [*enumerate(STEPS), (None, "all four")]:
        cells = []
        for rows in (peers, ours):
            for part in (rows[:count], rows[count:]):
                cells.append(sum(sum(row["ns"]) if i is None else row["ns"][i] for row in part) / count / 1e6)
        ratios = f"{cells[0] / cells[2]:.1f}x | {cells[1] / cells[3]:.1f}x"
        yield f"| {step} | {' | '.join(f'{cell:.3f}' for cell in cells)} | {ratios} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="folder of .warc.gz files")
    parser.add_argument("--peer-python", help="interpreter that has datatrove[processing]")
    parser.add_argument("--language", default="en", help="word splitter and stop words for all texts (default: en)")
    parser.add_argument("--model", help="fastText lid.176 model: use only texts that it finds to be in --language")
    parser.add_argument("--ours", nargs=2, type=Path, metavar=("TEXTS", "OUT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        texts, out = options.ours
        rows = run_ours(json.loads(f"[{','.join(texts.read_text().splitlines())}]"), options.language)
        out.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return
    if not options.corpus or not options.peer_python:
        parser.error("--corpus and --peer-python are required")
    from transforms.steps.gopher_quality import STOP_WORDS

    texts = texts_of(options.corpus, options.language, options.model)
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder, "texts.jsonl"), Path(folder, "out.jsonl")
        path.write_text("".join(json.dumps(text) + "\n" for text in texts))
        stop_words = json.dumps(dict(STOP_WORDS).get(options.language, ()))
        peer = [options.peer_python, "-c", PEER, str(path), str(out), options.language, stop_words]
        peers = run_in_process(peer, out)
        me = [sys.executable, "-m", "benchmarks.filters_vs_datatrove", "--ours", str(path), str(out)]
        ours = run_in_process([*me, "--language", options.language], out)
    chars = sum(map(len, texts)) / len(texts)
    scope = f"found to be {options.language!r}" if options.model else "of all languages"
    print(f"{len(texts)} texts {scope} (mean {chars:.0f} characters), words of {options.language!r}.\n")
    print("\n".join(report(ours, peers)))


if __name__ == "__main__":
    main()
