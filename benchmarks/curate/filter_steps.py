"""Our filters in a process of their own, as peers/datatrove_filters.py is datatrove's: the same input, the same output.

    python -m benchmarks.curate.filter_steps TEXTS ROWS LANGUAGE STOP_WORDS

STOP_WORDS are the peer's; our step knows its own.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.document import Document
from schemas.verdict import Drop
from transforms.steps.filters.c4 import CleanC4
from transforms.steps.filters.fineweb import KeepFineWeb
from transforms.steps.filters.gopher_quality import KeepGopherQuality
from transforms.steps.filters.gopher_repetition import KeepGopherRepetition
from transforms.steps.text.words import words

PASSES = 2


def judge(texts: list[str], language: str) -> Iterator[dict[str, Any]]:
    """For every text the reasons of the four English filters, their ns, and a hash of words and cleaned text."""
    steps = (KeepGopherRepetition(), KeepGopherQuality(), CleanC4(), KeepFineWeb())
    for step in steps:
        step.setup((language,))
    for text in texts * PASSES:
        document = Document(text, "", "", "", "", "", 0, language)
        reasons, times = [], []
        for step in steps:
            started = time.process_time_ns()
            verdict = step(document)
            times.append(time.process_time_ns() - started)
            reasons.append(verdict.reason if isinstance(verdict, Drop) else None)
            document = document if isinstance(verdict, Drop) else verdict
        seen = "\n".join([*words(text, language), document.text])
        yield {"reasons": reasons, "ns": times, "sha": hashlib.sha256(seen.encode(errors="replace")).hexdigest()}


def main() -> None:
    source, output, language, _ = sys.argv[1:]
    with Path(source).open() as lines:
        texts = [json.loads(line) for line in lines]
    with Path(output).open("w") as rows:
        for row in judge(texts, language):
            rows.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
