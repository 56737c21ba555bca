"""What a plan's rows will be, told before they are made: what looks like a slip, each with a remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from schemas.shards.documents import read_documents
from schemas.shards.layout import BESTFIT
from schemas.wording import plural
from trainer.forecast import MAX_PADDING, MAX_PASSES
from transforms.plan import DocsFile
from transforms.steps.tokens.pack import SPAN, fit_rows
from transforms.steps.tokens.settings import PlanSettings

MAX_CUT = 0.1  # share of the tokens; ours
SAMPLE_DOCUMENTS = 20_000  # of the first shard: they lie there in the order of a hash of their text, or of the crawl


def cautions(settings: PlanSettings, train: Mapping[str, Any], files: Sequence[DocsFile]) -> Iterator[str]:
    """What is allowed and rarely meant.

    train: counts of the shards' documents that train.
    files: their tables of documents.
    Raises BadInput for a mixture of what is not there, or a table that can't be read.
    """
    if not train["tokens"]:
        return
    size, copies = settings.context + 1, settings.copies(train)
    if isinstance(copies, dict):
        tokens = sum(times * train[f"{settings.by}s"][name]["tokens"] for name, times in copies.items())
        often, which = max((times, f"documents of {name}") for name, times in copies.items())
    else:
        tokens, often, which = copies * train["tokens"], copies, "documents"
    if often > MAX_PASSES:
        yield (
            f"{which} are seen {often:.0f} times each: after about {MAX_PASSES} a model learns them by heart and "
            "little else (arXiv 2305.16264); give more text, fewer --tokens or --epochs, or another --mixture"
        )
    rows = max(-(-round(tokens) // size), 1)
    if (padding := 1 - tokens / (rows * size)) > MAX_PADDING:
        yield (
            f"{padding:.0%} of the plan will be padding, for there are {plural(round(tokens), 'token')} for "
            f"{plural(rows, 'row')} of {size:,}; a --context below {max(round(tokens) // 2, 2):,} makes more rows"
        )
    if settings.packing == BESTFIT and files and (cut := cut_share(files[0], size)) > MAX_CUT:
        yield (
            f"about {cut:.0%} of the tokens will be left out: most documents are longer than a row of {size:,}; "
            "a longer --context leaves out fewer, --packing concat none"
        )


def cut_share(file: DocsFile, size: int) -> float:
    """The share of the tokens that best-fit packing leaves out, as the first documents of a shard tell."""
    lengths = read_documents(file.path, ["length"]).column("length").to_numpy()[:SAMPLE_DOCUMENTS]
    spans = np.zeros(len(lengths), SPAN)
    spans["length"] = lengths
    return 1 - float(fit_rows(spans, size)["length"].sum()) / max(float(lengths.sum()), 1)
