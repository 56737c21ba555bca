"""Hallucinations: which facts the model knows by how often it was told, how it learns to say that it does not know, and
what it can look up instead."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from pipelines.course.page import Part, Passage, Table, Text
from pipelines.course.section import Section, Work
from pipelines.course.sections.crawl import NAME as CRAWL
from pipelines.course.sections.pretraining import NAME as PRETRAINING
from pipelines.course.training import fine_tune
from pipelines.course.words import Words
from pipelines.sample.encyclopedia import FACTS, PAGES, count_told
from schemas.faults import BadInput
from schemas.shards.layout import TRAIN, read_shards
from trainer.generate.chat import REFUSAL_TOKEN
from trainer.generate.generator import load_generator
from trainer.post.makers.refusals import make_refusals
from trainer.post.sft import open_base
from trainer.probes.documents import DocumentTokens
from trainer.probes.facts import Exposure, Probed, Prober, Refusals, auroc, by_exposure, refusals, tested
from trainer.probes.told import LABELS, Fact, read_facts

NAME = "knowledge"
BASE, ROW, SHUFFLED, WHOLE = MODELS = ("base", "row", "shuffled", "whole")  # names of texts, too
REFUSALS = 2000  # conversations


class Example(Struct, frozen=True):
    question: str
    value: str
    told: int
    before: str
    after: str | None
    passage: str | None


class Numbers(Struct, frozen=True):
    """What was found.

    exposures, found: by how often facts were told; and of each, the share that the best passage of the search holds,
        None without a search
    auroc: of the answer's probability for what is known
    models: what each says to questions on people whom nothing but this asks for
    why_not: why nothing was taught to refuse
    """

    people: int
    exposures: tuple[Exposure, ...]
    found: tuple[float | None, ...]
    auroc: float | None
    models: dict[str, Refusals]
    why_not: str
    examples: tuple[Example, ...]


def measure(work: Work) -> Numbers:
    shards, base_run = work.of(CRAWL, "shards"), work.of(PRETRAINING, "model")
    kept = {page.url for page in DocumentTokens(read_shards(shards), TRAIN).all() if page.url is not None}
    facts = count_told(read_facts(work.of(CRAWL, "warc", FACTS)), Path(work.of(CRAWL, "warc", PAGES)), kept)
    work.tell("asking for facts", 0.02)
    before = probe(work, base_run, facts)
    asked = tested(before)
    known = [one.known for one in asked]
    models, after, why_not = {BASE: refusals(asked, known)}, None, ""
    try:
        runs = teach(work, base_run, before)
    except BadInput as fault:  # a model that knows all or nothing has nothing to learn from; the page says so
        runs, why_not = {}, str(fault)
    for number, (name, run) in enumerate(runs.items()):
        work.tell(f"asking {name}", 0.85 + 0.03 * number)
        probed = probe(work, run, [one.fact for one in asked])
        models[name] = refusals(probed, known)
        after = probed if name == ROW else after
    work.tell("searching", 0.95)
    passages = found_by_search(work, shards, facts)
    return Numbers(
        len(facts),
        tuple(by_exposure(before)),
        tuple(found_shares(facts, passages)),
        auroc([one.asked.confidence for one in asked], known),
        models,
        why_not,
        tuple(examples(asked, after, passages)),
    )


def probe(work: Work, run: str, facts: Sequence[Fact]) -> list[Probed]:
    generator = load_generator(run, work.backend)
    refusal = generator.text.number(REFUSAL_TOKEN)
    return Prober(generator.decoder, generator.text, generator.bos, refusal).probe(facts)


def teach(work: Work, base_run: str, probed: Sequence[Probed]) -> dict[str, str]:
    """Runs that learned to refuse, by model. Raises BadInput if there are not both, what is known and what is not."""
    pace, base = work.pace, open_base(base_run)
    labelled = [one for one in probed if one.fact.group == LABELS]
    row, count = base.chat().refusal, max(REFUSALS * pace.conversations // 2000, 8)
    ways = {ROW: (False, row), SHUFFLED: (True, row), WHOLE: (False, None)}
    runs = {}
    for number, (name, (shuffled, only_row)) in enumerate(ways.items()):
        made = make_refusals(labelled, count, pace.seed, shuffled=shuffled)
        shares = (0.1 + 0.25 * number, 0.35 + 0.25 * number)
        runs[name] = fine_tune(work, base, made, name, pace.refusal_steps, shares, plain=True, only_row=only_row)
    return runs


def found_by_search(work: Work, shards: str, facts: Sequence[Fact]) -> dict[str, str] | None:
    """Of each fact, by its id, the passage that a search for its subject finds; None where no search is installed."""
    if find_spec("bm25s") is None:
        return None
    from trainer.post.tools.search import Search, build_index

    index = work.folder / "index"
    if not index.exists():
        build_index([read_shards(shards)], index)
    search = Search(str(index))
    found = ((fact.id, search.find(fact.subject)) for fact in facts)
    return {name: passages[0][0] if passages else "" for name, passages in found}


def found_shares(facts: Sequence[Fact], passages: dict[str, str] | None) -> list[float | None]:
    """In classes as `by_exposure`."""
    known = sorted({fact.exposure_class for fact in facts})
    classes = [[fact for fact in facts if fact.exposure_class == one] for one in known]
    if passages is None:
        return [None] * len(classes)
    return [sum(has(passages[fact.id], fact) for fact in some) / len(some) for some in classes]


def has(passage: str, fact: Fact) -> bool:
    """Whether a sentence of a passage is on the person and names the place."""
    return any(fact.subject in sentence and fact.value in sentence for sentence in passage.split("."))


def examples(asked: Sequence[Probed], after: Sequence[Probed] | None, passages: dict[str, str] | None) -> list[Example]:
    """One person told of never, one once, one most often; fewer where there are none."""
    order = sorted(range(len(asked)), key=lambda at: (asked[at].fact.exposures, asked[at].fact.id))
    never, once = ([at for at in order if asked[at].fact.exposures == times] for times in (0, 1))
    often = [at for at in order if asked[at].fact.exposures > 1]
    chosen = [*never[:1], *once[:1], *often[-1:]]
    return [
        Example(
            asked[at].fact.question,
            asked[at].fact.value,
            asked[at].fact.exposures,
            asked[at].asked.text,
            after[at].asked.text if after is not None else None,
            passages[asked[at].fact.id] if passages is not None else None,
        )
        for at in chosen
    ]


def tell(numbers: Numbers, words: Words) -> list[Part]:
    heads = tuple(words(NAME, name) for name in ("told", "facts", "recalled", "known", "right", "confidence", "found"))
    rows = tuple(
        (
            words.shown(one.told),
            words.shown(one.facts),
            *(words.share(value) for value in (one.recalled, one.known, one.right)),
            words.shown(one.confidence),
            words.share(found),
        )
        for one, found in zip(numbers.exposures, numbers.found, strict=True)
    )
    kinds = ("known_right", "known_idk", "known_wrong", "unknown_right", "unknown_idk", "unknown_wrong")
    refusal_heads = (words(NAME, "model"), *(words(NAME, name) for name in kinds))
    refusal_rows = tuple(
        (words(NAME, name), *(words.share(getattr(one, kind)) for kind in kinds))
        for name, one in numbers.models.items()
    )
    base = numbers.models[BASE]
    tested_on = {"known": base.known, "unknown": base.unknown, "auroc": numbers.auroc}
    why_not = (Text(words(NAME, "why_not", fault=numbers.why_not)),) if numbers.why_not else ()
    spoken = [
        Passage(
            words(NAME, "example", told=one.told, value=one.value),
            f"{one.question}\n",
            words(NAME, "said", before=one.before, after=one.after, passage=one.passage),
        )
        for one in numbers.examples
    ]
    return [
        Part(
            words(NAME, "exposures_title"),
            (
                Text(words(NAME, "exposures", people=numbers.people)),
                Table(words(NAME, "exposures_title"), heads, rows),
                Text(words(NAME, "search")),
            ),
        ),
        Part(
            words(NAME, "refusals_title"),
            (
                Text(words(NAME, "refusals", **tested_on)),
                Table(words(NAME, "refusals_title"), refusal_heads, refusal_rows),
                *why_not,
                Text(words(NAME, "reading")),
            ),
        ),
        Part(words(NAME, "examples_title"), (Text(words(NAME, "examples")), *spoken)),
    ]


SETTINGS = ("refusal_steps", "conversations", "batch_size", "context", "seed")
SECTION = Section(NAME, (CRAWL, PRETRAINING), 6.0, SETTINGS, Numbers, measure, tell, 0.1)
