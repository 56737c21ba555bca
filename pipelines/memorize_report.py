"""What `bateia memorize` measures, as a dict for JSON, terminal and page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.memorize_command import LONGEST
from schemas.shards import TRAIN, VAL, PlanInfo, ShardsInfo
from trainer.document_tokens import SHOWN, DocumentTokens, trained_on
from trainer.evaluation import token_bytes
from trainer.faults import BadRun
from trainer.memorization import Questions, Recital, recite, summary
from trainer.prompt_places import Place, all_along, anywhere, at_rows, at_rows_of
from trainer.speech import Voice, load_voice

Places = dict[str, list[Place]]


def measured(args: argparse.Namespace) -> dict[str, Any]:
    """rows, trained, held_out: `summary` of what was asked at rows' beginnings, anywhere else, and in held-out text.
    longest: what came verbatim. Raises BadRun."""
    if args.seed < 0:
        raise BadRun(f"a seed is 0 or more, not {args.seed}")
    voice = load_voice(args.folder, args.backend)
    questions = Questions(args.prefix, args.tokens, voice.speaker.context)
    shards, plan = trained_on(args.folder, args.shards)
    bytes_V = token_bytes(str(Path(args.folder) / "tokenizer"), shards.vocab_size)
    places = of_url(shards, plan, questions, args.url) if args.url else drawn(shards, plan, questions, args)
    recitals = {
        name: [recite(voice.speaker, document, place, questions) for document, place in some]
        for name, some in places.items()
    }
    passages = [
        {"asked": name, **passage(voice, recital, questions, bytes_V)}
        for name, some in recitals.items()
        for recital in some
        if recital.tokens and (name != "held_out" or args.url)
    ]
    asked = {"run": args.folder, "step": voice.step, "shards": args.shards, "documents": args.documents}
    asked |= {"url": args.url, "prefix": args.prefix, "tokens": args.tokens, "seed": args.seed}
    asked |= {"extractable": questions.extractable}
    told = {name: summary(some, questions) for name, some in recitals.items()}
    return {**asked, "asked": told, "longest": sorted(passages, key=lambda one: -one["tokens"])[:LONGEST]}


def drawn(shards: ShardsInfo, plan: PlanInfo, questions: Questions, args: argparse.Namespace) -> Places:
    """In documents in which as much could be extracted as counts. Held-out ones tell what can be guessed unseen."""
    splits = {name: DocumentTokens(shards, split) for name, split in (("trained", TRAIN), ("held_out", VAL))}
    found = {"rows": at_rows(plan, splits["trained"], questions, args.documents, args.seed)}
    for name, split in splits.items():
        found[name] = anywhere(split.drawn(args.documents, questions.least, args.seed), questions, args.seed)
    if not found["trained"]:
        remedy = "give a smaller --prefix or fewer --tokens"
        raise BadRun(f"{shards.folder} holds no training document of {questions.least:,} tokens or more; {remedy}")
    return found


def of_url(shards: ShardsInfo, plan: PlanInfo, questions: Questions, url: str) -> Places:
    """All along a page, whichever split it is in."""
    for name, split in (("trained", TRAIN), ("held_out", VAL)):
        documents = DocumentTokens(shards, split).of_url(url)
        if not documents:
            continue
        along = [place for document in documents for place in all_along(document, questions)]
        if not along:
            length = max(len(document.tokens) for document in documents)
            raise BadRun(f"{url} has {length:,} tokens, no more than the prefix alone; give a smaller --prefix")
        rows = [place for document in documents for place in at_rows_of(document, plan, questions)]
        return {"rows": rows, name: along} if name == "trained" else {name: along}
    raise BadRun(f"{shards.folder} holds no document of {url}; `bateia explain` tells what became of it")


def passage(voice: Voice, recital: Recital, questions: Questions, bytes_V: np.ndarray) -> dict[str, Any]:
    """prompt, text: what was given, and what came verbatim. begin: its first token in the document."""
    tokens = recital.document.tokens
    verbatim = tokens[recital.begin : recital.end]
    place = {name: getattr(recital.document, name) for name in SHOWN}
    counts = {"begin": recital.begin, "tokens": recital.tokens, "bytes": int(bytes_V[verbatim].sum())}
    prompt = voice.text.decode(tokens[recital.begin - questions.prefix : recital.begin].tolist())
    return {**place, **counts, "prompt": prompt, "text": voice.text.decode(verbatim.tolist())}
