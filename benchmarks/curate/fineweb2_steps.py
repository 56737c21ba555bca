"""The filters of our recipe fineweb2 in a process of their own, as peers/datatrove_fineweb2.py is datatrove's.

    python -m benchmarks.curate.fineweb2_steps TEXTS ROWS LABEL VALUES

VALUES are the peer's; our recipe knows its own.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from pipelines.recipes.fineweb2 import fineweb2
from schemas.document import Document
from schemas.verdict import Drop
from transforms.steps.filters.by_language import ByLanguage
from transforms.steps.text.languages import find_language
from transforms.steps.text.words import require, words


def main() -> None:
    """One text a line in; reasons, words and ns of the recipe's filters a line out."""
    source, output, label, _ = sys.argv[1:]
    language = find_language(label).code
    steps = [step for step in fineweb2(label).curate.documents if isinstance(step, ByLanguage)]
    require(language)
    words("warm up", language)
    with Path(source).open() as lines, Path(output).open("w") as rows:
        for line in lines:
            document, reasons = Document(json.loads(line), "", "", "", "", "", 0, language), []
            started = time.process_time_ns()
            found = words(document.text, language)
            split = time.process_time_ns()
            for step in steps:
                verdict = step(document)
                reasons.append(verdict.reason if isinstance(verdict, Drop) else None)
            ended = time.process_time_ns()
            row = {"reasons": reasons, "split_ns": split - started, "ns": ended - started, "words": len(found)}
            rows.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
