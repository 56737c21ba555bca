"""Memorization: how far a model goes on verbatim in documents, given a few tokens of them.

After Carlini et al., "Quantifying Memorization Across Neural Language Models" (arXiv 2202.07646): prompted with tokens
of its training text, a model that decodes greedily has memorized the 50 that follow if it gives just these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from schemas.faults import BadInput
from schemas.shards.layout import TRAIN, VAL, PlanInfo, ShardsInfo
from trainer.generate.generator import TextGenerator, load_generator
from trainer.model.decoder import Decoder
from trainer.probes.documents import Document, DocumentTokens, trained_on
from trainer.probes.prompts import ExtractionSettings, Prompt, all_along, anywhere, at_rows, at_rows_of
from trainer.run.checkpoints import run_of
from trainer.run.evaluation import token_bytes

LONGEST_PASSAGES = 20  # that are given in full

# Where prompts are from: beginnings of training rows, anywhere in documents trained on, and in others.
ROWS, TRAINED, HELD_OUT = "rows", "trained", "held_out"


@dataclass(frozen=True)
class Continuation:
    """What a model gave verbatim after a prompt.

    begin, end: its tokens in the document, the end not included
    """

    document: Document
    begin: int
    end: int

    @property
    def tokens(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True)
class Extraction:
    """How far the prompts of one kind were continued verbatim; numbers are None where there was no prompt.

    extracted: prompts that count as extracted
    share, share_se: of all prompts, and its standard error
    mean, median, longest: tokens that came verbatim
    """

    prompts: int
    extracted: int
    share: float | None = None
    share_se: float | None = None
    mean: float | None = None
    median: float | None = None
    longest: int | None = None


@dataclass(frozen=True)
class Passage:
    """A continuation with its text.

    asked: the kind of its prompt
    url, warc_file, warc_offset: of the document, None where nobody knows
    begin: its first token in the document
    tokens, bytes: its size
    prompt, text: what was given, and what came verbatim
    """

    asked: str
    url: str | None
    warc_file: str | None
    warc_offset: int | None
    begin: int
    tokens: int
    bytes: int
    prompt: str
    text: str


@dataclass(frozen=True)
class Memorization:
    """What `measure_memorization` found.

    run, step: the model's folder, and the steps that it was trained
    shards: that it was trained on
    asked: by the kind of prompts
    longest: the longest passages, the longest first; of held-out text only where a page of it was asked for
    """

    run: str
    step: int
    shards: str
    settings: ExtractionSettings
    asked: Mapping[str, Extraction]
    longest: tuple[Passage, ...]

    def to_json(self) -> dict[str, Any]:
        settings = self.settings
        return {
            **{"run": self.run, "step": self.step, "shards": self.shards, "documents": settings.documents},
            **{"url": settings.url, "prefix": settings.prefix, "tokens": settings.tokens, "seed": settings.seed},
            "extractable": settings.extractable,
            "asked": {name: asdict(extraction) for name, extraction in self.asked.items()},
            "longest": [asdict(passage) for passage in self.longest],
        }


def measure_memorization(
    run: str, shards: str, settings: ExtractionSettings, backend: str | None = None
) -> Memorization:
    """Prompt a run's model with text that it was trained on, and with held-out text: what can be guessed unseen.

    run: output of `bateia train`
    shards: that it was trained on
    backend: by default the one that trained the run

    Raises BadInput if these can't be read or do not fit, or no document is long enough.
    """
    generator = load_generator(run, backend)
    settings.check_context(generator.decoder.context)
    info, plan = trained_on(run, shards)
    bytes_V = token_bytes(str(Path(run_of(run)) / "tokenizer"), info.vocab_size)
    continuations = {
        name: [extract(generator.decoder, prompt, settings) for prompt in prompts]
        for name, prompts in prompts_of(info, plan, settings).items()
    }
    passages = [
        passage(name, continuation, generator, settings.prefix, bytes_V)
        for name, some in continuations.items()
        for continuation in some
        if continuation.tokens and (name != HELD_OUT or settings.url)
    ]
    return Memorization(
        run,
        generator.step,
        shards,
        settings,
        {name: summarize(some, settings.extractable) for name, some in continuations.items()},
        tuple(sorted(passages, key=lambda one: -one.tokens)[:LONGEST_PASSAGES]),
    )


def extract(decoder: Decoder, prompt: Prompt, settings: ExtractionSettings) -> Continuation:
    """How far greedy decoding from a prompt goes on as its document does.

    So long as it does, its own tokens are the document's: one forward pass over these tells all that it would choose.
    """
    begin = prompt.position + settings.prefix
    tokens = prompt.document.tokens[prompt.position : begin + settings.tokens]
    choices_T = decoder.logits(tokens[:-1].tolist())[settings.prefix - 1 :].argmax(axis=1)
    differs_T = choices_T != tokens[settings.prefix :]
    verbatim = int(differs_T.argmax()) if differs_T.any() else len(differs_T)
    return Continuation(prompt.document, begin, begin + verbatim)


def summarize(continuations: Sequence[Continuation], extractable: int) -> Extraction:
    """extractable: tokens from which on a continuation counts as extracted"""
    lengths = np.array([continuation.tokens for continuation in continuations])
    if not len(lengths):
        return Extraction(0, 0)
    extracted = int((lengths >= extractable).sum())
    share = extracted / len(lengths)
    return Extraction(
        prompts=len(lengths),
        extracted=extracted,
        share=share,
        share_se=float(np.sqrt(share * (1 - share) / len(lengths))),
        mean=float(lengths.mean()),
        median=float(np.median(lengths)),
        longest=int(lengths.max()),
    )


def passage(
    asked: str, continuation: Continuation, generator: TextGenerator, prefix: int, bytes_V: np.ndarray
) -> Passage:
    """A continuation as the page shows it: what was asked, what was repeated word for word, and where that stands."""
    document, begin = continuation.document, continuation.begin
    verbatim = document.tokens[begin : continuation.end]
    return Passage(
        asked=asked,
        url=document.url,
        warc_file=document.warc_file,
        warc_offset=document.warc_offset,
        begin=begin,
        tokens=continuation.tokens,
        bytes=int(bytes_V[verbatim].sum()),
        prompt=generator.text.decode(document.tokens[begin - prefix : begin].tolist()),
        text=generator.text.decode(verbatim.tolist()),
    )


def prompts_of(shards: ShardsInfo, plan: PlanInfo, settings: ExtractionSettings) -> dict[str, list[Prompt]]:
    """Prompts by their kind. Raises BadInput if no document has room for one."""
    if settings.url:
        return dict(prompts_of_page(shards, plan, settings, settings.url))
    return drawn_prompts(shards, plan, settings)


def drawn_prompts(shards: ShardsInfo, plan: PlanInfo, settings: ExtractionSettings) -> dict[str, list[Prompt]]:
    """Prompts from documents that are long enough for one to count as extracted."""
    splits = {TRAINED: DocumentTokens(shards, TRAIN), HELD_OUT: DocumentTokens(shards, VAL)}
    prompts = {ROWS: at_rows(plan, splits[TRAINED], settings)}
    for name, split in splits.items():
        documents = split.drawn(settings.documents, settings.least_tokens, settings.seed)
        prompts[name] = anywhere(documents, settings)
    if not prompts[TRAINED]:
        raise BadInput(
            f"{shards.folder} holds no training document of {settings.least_tokens:,} tokens or more; "
            "give a smaller --prefix or fewer --tokens"
        )
    return prompts


def prompts_of_page(
    shards: ShardsInfo, plan: PlanInfo, settings: ExtractionSettings, url: str
) -> Iterator[tuple[str, list[Prompt]]]:
    """Prompts all along a page, whichever split it is in."""
    for name, split in ((TRAINED, TRAIN), (HELD_OUT, VAL)):
        documents = DocumentTokens(shards, split).of_url(url)
        if not documents:
            continue
        along = [prompt for document in documents for prompt in all_along(document, settings)]
        if not along:
            length = max(len(document.tokens) for document in documents)
            raise BadInput(f"{url} has {length:,} tokens, no more than the prefix alone; give a smaller --prefix")
        if name == TRAINED:
            yield ROWS, [prompt for document in documents for prompt in at_rows_of(document, plan, settings)]
        yield name, along
        return
    raise BadInput(f"{shards.folder} holds no document of {url}; `bateia explain` tells what became of it")
