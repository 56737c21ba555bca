"""datatrove's FineWeb chain on local WARC files, run by the interpreter that datatrove is installed in.

    VENV/bin/python benchmarks/peers/datatrove_fineweb.py --model lid.176.ftz --output DIR WARC…

The steps are those of datatrove's examples/fineweb.py at 0.10.1, up to deduplication, with three differences: no URL
lists, one language (the example keeps all), and where the example writes dropped texts to files, only the reason is
noted. Writes the kept documents to DIR/documents/ and the fate of each document that was read to DIR/fates.jsonl.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datatrove.utils.lid
from datatrove.data import Document, DocumentsPipeline
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
)
from datatrove.pipeline.readers import WarcReader
from datatrove.pipeline.writers import JsonlWriter

LOST_IN_EXTRACTION = ("timeout", "broken_process", "clean_error", "dropped")  # names of datatrove's counters

FATES: dict[str, dict[str, Any]] = {}  # of this module, not of a step: the executor works on copies of the steps


class NoteLoss:
    """Takes an exclusion writer's place: notes where and why a document was dropped."""

    def __init__(self, step: str) -> None:
        self.step = step

    def __enter__(self) -> NoteLoss:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write(self, document: Document, rank: int = 0) -> None:
        reason = document.metadata.get("filter_reason") or document.metadata.get("language")
        FATES[document.id].update(step=self.step, reason=reason)


class NotingTrafilatura(Trafilatura):
    """datatrove's extractor; notes every document that comes in, and why one does not go on."""

    now = ""

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        yield from super().run(self.with_fates(data), rank, world_size)

    def with_fates(self, data: DocumentsPipeline) -> Iterator[Document]:
        for document in data:
            self.now = document.id
            FATES[document.id] = {"id": document.id, "url": document.metadata["url"], "step": None, "reason": None}
            yield document

    def stat_update(self, *labels: str, value: int = 1, unit: str | None = None) -> None:
        if labels[0] in LOST_IN_EXTRACTION:
            FATES[self.now].update(step="extract", reason=labels[0].replace("dropped", "no text"))
        super().stat_update(*labels, value=value, unit=unit)


def chain(args: argparse.Namespace) -> list[Any]:
    """FineWeb's steps as datatrove runs them, without the URL filter; what a step drops is noted with its name."""
    warcs, output, language = args.warcs, args.output, args.language
    paths = output / "paths.txt"
    paths.write_text("".join(f"{warc.resolve()}\n" for warc in warcs))
    return [
        WarcReader("/", paths_file=str(paths), default_metadata={"dump": "benchmark"}),
        NotingTrafilatura(favour_precision=True, timeout=args.timeout),
        LanguageFilter(languages=[language], exclusion_writer=NoteLoss("language")),
        GopherRepetitionFilter(exclusion_writer=NoteLoss("gopher_repetition"), language=language),
        GopherQualityFilter(exclusion_writer=NoteLoss("gopher_quality"), language=language, stop_words=args.stop_words),
        C4QualityFilter(filter_no_terminal_punct=False, exclusion_writer=NoteLoss("c4"), language=language),
        FineWebQualityFilter(exclusion_writer=NoteLoss("fineweb"), language=language),
        JsonlWriter(str(output / "documents")),
    ]


def main() -> None:
    """Runs the chain in one task and writes every page's fate to `fates.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("warcs", nargs="+", type=Path)
    parser.add_argument("--model", required=True, help="fastText lid.176 model to use instead of downloading one")
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--language", default="en", help="the one that is kept; thresholds are FineWeb's for all")
    parser.add_argument("--stop-words", nargs="+", help="of another language; default: datatrove's English ones")
    parser.add_argument("--timeout", type=float, default=1.0, help="seconds of wall time for a page's extraction")
    args = parser.parse_args()
    args.output.mkdir(parents=True)
    datatrove.utils.lid.cached_asset_path_or_download = lambda *_, **__: args.model
    logs = str(args.output / "logs")
    LocalPipelineExecutor(chain(args), tasks=1, workers=1, logging_dir=logs).run()
    (args.output / "fates.jsonl").write_text("".join(json.dumps(fate) + "\n" for fate in FATES.values()))


if __name__ == "__main__":
    main()
