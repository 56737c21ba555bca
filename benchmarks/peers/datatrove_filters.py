"""datatrove's Gopher, C4 and FineWeb filters on texts, run by the interpreter that datatrove is installed in.

    VENV/bin/python benchmarks/peers/datatrove_filters.py TEXTS ROWS LANGUAGE STOP_WORDS

TEXTS is a file of JSON strings, one a line; STOP_WORDS a JSON list. Every filter judges every text, all of them twice;
ROWS gets a line for each: the reasons of the filters that drop it, CPU nanoseconds, and a hash of its words and of the
text that the C4 filter left.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.utils.text import split_into_words

PASSES = 2


def judge(texts: list[str], language: str, stop_words: list[str]) -> Iterator[dict[str, Any]]:
    """For every text the reasons of datatrove's four English filters, their ns, and a hash of words and text."""
    filters = [
        GopherRepetitionFilter(language=language),
        GopherQualityFilter(language=language, stop_words=stop_words, min_stop_words=2 if stop_words else None),
        C4QualityFilter(language=language, filter_no_terminal_punct=False),
        FineWebQualityFilter(language=language),
    ]
    split_into_words("warm up", language)
    for text in texts * PASSES:
        document = Document(text=text, id="")
        reasons, times = [], []
        for step in filters:
            started = time.process_time_ns()
            verdict = step.filter(document)
            times.append(time.process_time_ns() - started)
            reasons.append(None if verdict is True else verdict[1])
        seen = "\n".join([*split_into_words(text, language), document.text])
        yield {"reasons": reasons, "ns": times, "sha": hashlib.sha256(seen.encode(errors="replace")).hexdigest()}


def main() -> None:
    source, output, language, stop_words = sys.argv[1:]
    with Path(source).open() as lines:
        texts = [json.loads(line) for line in lines]
    with Path(output).open("w") as rows:
        for row in judge(texts, language, json.loads(stop_words)):
            rows.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
