"""datatrove's filters with FineWeb2's values, run by the interpreter that datatrove is installed in.

    VENV/bin/python benchmarks/peers/datatrove_fineweb2.py TEXTS ROWS LABEL VALUES

TEXTS is a file of JSON strings, one a line; LABEL FineWeb2's, such as por_Latn; VALUES a configuration of its as JSON.
ROWS gets a line for each text: the reason of each filter that drops it, CPU nanoseconds of splitting it into words the
first time and of the filters, and the number of its words. The filters and their order are fineweb-2-pipeline.py's.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.filters import FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.utils.text import split_into_words


def filters(label: str, values: dict[str, Any]) -> list[Any]:
    """FineWeb2's four filters for a language label with the values of its configuration."""
    return [
        GopherRepetitionFilter(
            language=label,
            dup_para_frac=0,
            dup_line_char_frac=0,
            dup_para_char_frac=0,
            dup_line_frac=values["dup_line_frac"],
            top_n_grams=values["top_n_grams"],
            dup_n_grams=values["dup_n_grams"],
        ),
        FineWebQualityFilter(
            language=label,
            short_line_thr=999,
            char_duplicates_ratio=0.1,
            line_punct_thr=values["line_punct_thr"],
            new_line_ratio=values["new_line_ratio"],
        ),
        GopherQualityFilter(
            language=label,
            max_avg_word_length=values["max_avg_word_length"],
            min_avg_word_length=values["min_avg_word_length"],
            stop_words=values["stopwords"],
            max_non_alpha_words_ratio=values["max_non_alpha_words_ratio"],
            min_stop_words=2,
        ),
    ]


def main() -> None:
    """One text a line in; reasons, words and ns a line out."""
    source, output, label, values = sys.argv[1:]
    steps = filters(label, json.loads(values))
    split_into_words("warm up", label)
    with Path(source).open() as lines, Path(output).open("w") as rows:
        for line in lines:
            text, reasons = json.loads(line), []
            started = time.process_time_ns()
            words = split_into_words(text, label)
            split = time.process_time_ns()
            for step in steps:
                verdict = step.filter(Document(text=text, id=""))
                reasons.append(None if verdict is True else verdict[1])
            ended = time.process_time_ns()
            row = {"reasons": reasons, "split_ns": split - started, "ns": ended - started, "words": len(words)}
            rows.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
