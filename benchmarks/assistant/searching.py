"""Does a model look up what it does not know, read the answer off what it finds, and answer at once what it knows?

People of a made-up register live in pages that go the whole way to a small base model, as in `refusal`. How to search
it learns from people that there are not, drawn afresh: it begins an answer, calls the search with the name where the
place would stand, and says the place that the passage names; when is not learned from them. It then searches where a
token of its answer is less probable than a threshold, which has 93 % of what is not known of group B below it; beside
it a threshold of group A's (whose questions were trained), and one row of the output trained by what of group B is
known, the one of the token that begins a call, and by the same labels dealt out anew. People of group C are asked. The
index has the pages of the training, and later ones that the model never saw: they tell once of everybody of whom it was
never told. Controls: the closed book, which are the base's answers, and an index of another town.

Known is what the base answers rightly with a probability of one half at least. The bar: of those never told of at most
.1 are right by the closed book and at least .85 with the search, and of the known at most .4 are searched. Intervals
are Student's t over seeds.

    python -m benchmarks.assistant.searching
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.assistant.refusal import EXPOSURES, pretrained
from benchmarks.harness import Benchmark, Part, interval, table
from benchmarks.process_cost import run_bateia
from pipelines.sample.encyclopedia import WARC, build_people
from pipelines.sample.people import BODIES, OPENINGS, Town, make_town, wording
from trainer.data.chat import USER, Message
from trainer.generate.chat import ChatFormat
from trainer.generate.generator import TextGenerator, load_generator
from trainer.generate.sampling import Sampling, generate_many
from trainer.post.tools.careful import Answer, answer_carefully
from trainer.post.tools.search import Search
from trainer.post.tools.tool import Tool, answering
from trainer.probes.facts import RIGHT, begins_with
from trainer.probes.told import LABELS, TEST, TRAINED, Fact, read_facts

CONTEXT = 96  # tokens: a question, a call, a passage and an answer
PASSAGE, ANSWER, AT_ONCE = 14, 56, 256  # tokens of a passage (a sentence), of all that answers; questions
HOW = ("--batch-size", 24, "--optimizer", "muon", "--lr", 4e-3)
WHEN = ("--batch-size", 32, "--optimizer", "adamw", "--lr", 0.01)
KEPT = 0.93  # share of the unknown whose answers are to be below the threshold
MOST_CLOSED, LEAST_OPEN, MOST_KNOWN = 0.1, 0.85, 0.4  # the bar
THRESHOLDS = {f"below a threshold by group {LABELS}": LABELS, f"control: by group {TRAINED}": TRAINED}
ROWS = {f"one row, labels of {LABELS}": (), "control: one row, labels dealt out anew": ("--shuffled",)}
FIRST = next(iter(THRESHOLDS))  # the way that the bar is for


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--people", type=int, default=60, help="for each number of tellings; default: %(default)s")
    parser.add_argument("--told-once", type=int, default=1500, help="further people; default: %(default)s")
    parser.add_argument("--steps", type=int, default=1100, help="of pretraining; default: %(default)s")
    parser.add_argument("--how-steps", type=int, default=500, help="that teach how to search; default: %(default)s")
    parser.add_argument("--when-steps", type=int, default=60, help="that teach when; default: %(default)s")
    parser.add_argument("--share", type=float, default=0.6, help="searched among those; default: %(default)s")


@dataclass(frozen=True)
class Looked:
    """An answer to a question.

    known: by the base; closed: whether the base answers rightly
    sure: the least probability of a token of its answer without a search
    query: what was searched, None where nothing was
    found: whether the passage tells the fact
    right: whether the answer is
    """

    fact: Fact
    known: bool
    closed: bool
    sure: float
    query: str | None
    found: bool
    right: bool


def measure(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    told: dict[int, list[list[float]]] = {}
    ways: dict[str, list[list[float]]] = {}
    for seed in range(1, args.seeds + 1):
        folder = scratch / str(seed)
        _, score, known = pretrained(args, folder, seed, CONTEXT)
        yield f"Seed {seed}: of group {TEST} {known}; AUROC of the answer's probability {score:.3f}.\n"
        indexed(folder, seed)
        learned_how(args, folder, seed)
        how = load_generator(str(folder / "how"))
        for name, looked in answered(args, folder, how, seed):
            ways.setdefault(name, []).append(shares(looked))
            yield f"Seed {seed}, {name}: {' '.join(f'{share:.3f}' for share in ways[name][-1])}\n"
            if name == FIRST:
                elsewhere = asked(folder, how, TEST, threshold(folder, how, LABELS), "other-index")
                for count, numbers in by_tellings(looked, elsewhere).items():
                    told.setdefault(count, []).append(numbers)
    head = ["told", "people", "right, closed book", "with the search", "with another town's", "searched"]
    head += ["query right", "found by the query", "of these right"]
    yield table(head, [[f"{count}", *columns(rows)] for count, rows in sorted(told.items())])
    head = ["when to search", "searched, of the known", "of the unknown", "right, of the known", "of the unknown"]
    yield table(head, [[name, *columns(rows)] for name, rows in ways.items()])
    yield verdict(told[0], ways[FIRST])


def answered(
    args: argparse.Namespace, folder: Path, how: TextGenerator, seed: int
) -> Iterator[tuple[str, list[Looked]]]:
    """Answers to group C's questions, by each way of deciding when to search."""
    for name, group in THRESHOLDS.items():
        yield name, asked(folder, how, TEST, threshold(folder, how, group))
    for name, options in ROWS.items():
        learned_when(args, folder, seed, options)
        yield name, asked(folder, load_generator(str(folder / "when")), TEST)
    yield "never", asked(folder, how, TEST, 0.0)
    yield "always", asked(folder, how, TEST, 2.0)


def threshold(folder: Path, how: TextGenerator, group: str) -> float:
    """That KEPT of the answers on what of a group is not known are below."""
    return float(np.quantile([one.sure for one in asked(folder, how, group, 0.0) if not one.known], KEPT))


def verdict(never: Sequence[Sequence[float]], way: Sequence[Sequence[float]]) -> str:
    closed, with_search = np.mean([row[1:3] for row in never], 0).tolist()
    known = float(np.mean([row[0] for row in way]))
    held = closed <= MOST_CLOSED and with_search >= LEAST_OPEN and known <= MOST_KNOWN
    return (
        f"The bar, of those never told of at most {MOST_CLOSED} by the closed book and at least {LEAST_OPEN} with the "
        f"search, and at most {MOST_KNOWN} of the known searched: {'held' if held else 'missed'} in the mean, with "
        f"{closed:.3f}, {with_search:.3f} and {known:.3f}.\n"
    )


# --- Stages of a seed -------------------------------------------------------------------------------------------------


def indexed(folder: Path, seed: int) -> None:
    """Indexes: of the training's pages and later ones, and of a register of another town."""
    facts = read_facts(str(folder / "crawl" / "people-facts.jsonl"))
    later = [fact for fact in facts if not fact.planned]
    publish(folder, "later", later, seed)
    publish(folder, "other", make_town(len(facts), (1,), seed=1000 + seed).facts, seed)
    whole = (folder / "data" / "shards", folder / "later" / "shards")
    for output, shards in (("index", whole), ("other-index", (folder / "other" / "shards",))):
        run_bateia("search", "index", "--shards", *shards, "--tokens", PASSAGE, "--output", folder / output)


def publish(folder: Path, name: str, facts: Sequence[Fact], seed: int) -> None:
    """Pages that tell each fact once, as shards of the training's tokenizer."""
    order = np.random.Generator(np.random.PCG64([seed, 7])).permutation(len(OPENINGS) * len(BODIES)).tolist()
    told = [f"{wording(fact.subject, order[at % len(order)])} {fact.value}." for at, fact in enumerate(facts)]
    build_people(folder / name / "crawl", Town(tuple(facts), tuple(enumerate(told))))
    tokens = ("--tokenizer", folder / "data" / "shards" / "tokenizer", "--context", CONTEXT, "--val-fraction", 0)
    stages = ("--until", "shards", "--workers", 1, "--no-blocklist", "--quiet", *tokens)
    run_bateia("run", "tiny", "--input", folder / name / "crawl" / WARC, "--output", folder / name, *stages)


def learned_how(args: argparse.Namespace, folder: Path, seed: int) -> None:
    """The base fine-tuned on searches for people that there are not: what it asks, and how it reads."""
    count = ("--count", 40 * args.how_steps, "--seed", seed)  # two stand in a row, twelve rows in a batch
    shard(folder, "base", "how", ("--given-calls",), *count)
    replay = ("--replay", folder / "data" / "shards", "--steps", args.how_steps)
    sft = ("--run", folder / "base", "--conversations", folder / "how-talks", *replay, *HOW, "--quiet")
    run_bateia("sft", *sft, "--output", folder / "how")


def learned_when(args: argparse.Namespace, folder: Path, seed: int, options: Sequence[object]) -> None:
    for earlier in ("when-talks", "when"):
        shutil.rmtree(folder / earlier, ignore_errors=True)
    shard(
        folder, "how", "when", (), "--labels", folder / "known.json", "--worked", args.share, "--seed", seed, *options
    )
    sft = ("--run", folder / "how", "--conversations", folder / "when-talks", "--steps", args.when_steps, *WHEN)
    run_bateia("sft", *sft, "--only-call", "--quiet", "--output", folder / "when")


def shard(folder: Path, run: str, name: str, sharding: Sequence[object], *making: object) -> None:
    talks, facts = folder / f"{name}.jsonl", folder / "crawl" / "people-facts.jsonl"
    run_bateia("converse", "make", "--kind", "searches", "--facts", facts, *making, "--output", talks)
    whole = ("--input", talks, "--run", folder / run, *sharding, "--output", folder / f"{name}-talks")
    run_bateia("converse", "shard", *whole)


# --- What comes of it -------------------------------------------------------------------------------------------------


def asked(
    folder: Path, generator: TextGenerator, group: str, least: float | None = None, index: str = "index"
) -> list[Looked]:
    """Greedy answers to the questions of a group. least: as of `answer_carefully`; None where the model decides"""
    base = {one["id"]: one for one in json.loads((folder / "known.json").read_text())["facts"]}
    facts = [fact for fact in read_facts(str(folder / "crawl" / "people-facts.jsonl")) if fact.group == group]
    search, chat = Search(str(folder / index)), ChatFormat(generator.text, generator.bos)
    tools = {"search": Tool("search", "", lambda query: passage_of(search, query))}
    looked: list[Looked] = []
    for begin in range(0, len(facts), AT_ONCE):
        some = facts[begin : begin + AT_ONCE]
        prompts = [chat.prompt([Message(USER, fact.question)]) for fact in some]
        if least is None:
            sampling, stops = Sampling(ANSWER, temperature=0), frozenset({chat.end})
            force, seeds = answering(chat, tools), [0] * len(some)
            texts = generate_many(generator.decoder, prompts, sampling, stops, seeds, force)
            answers = [Answer(text.tokens, 1.0, text.ended) for text in texts]
        else:
            answers = answer_carefully(generator.decoder, chat, prompts, tools, ANSWER, least)
        for fact, answer in zip(some, answers, strict=True):
            query = query_of(chat, answer.tokens)
            found = query is not None and tells(passage_of(search, query), fact)
            right = answer.ended and begins_with(chat.answer(answer.tokens), f"{fact.answer} {fact.value}")
            before = base[fact.id]
            closed = before["asked"]["verdict"] == RIGHT
            looked.append(Looked(fact, before["known"], closed, answer.sure, query, found, right))
    return looked


def query_of(chat: ChatFormat, tokens: list[int]) -> str | None:
    """What the first message searches for: an empty text if the call is malformed, None if there is none."""
    first = tokens[: tokens.index(chat.end)] if chat.end in tokens else tokens
    if chat.call not in first:
        return None
    name, argument = chat.called(first) or ("", "")
    return argument if name == "search" else ""


def passage_of(search: Search, query: str) -> str:
    """The best, or an empty one."""
    return next((text for text, _ in search.find(query)), "")


def tells(passage: str, fact: Fact) -> bool:
    """Whether one sentence has both the person and the place."""
    return any(fact.subject in sentence and fact.value in sentence for sentence in passage.split("."))


def by_tellings(looked: Sequence[Looked], elsewhere: Sequence[Looked]) -> Mapping[int, list[float]]:
    """Shares by how often people were told of. elsewhere: answers with the index of another town"""
    numbers = {}
    for count in sorted({1, *EXPOSURES}):
        some = [one for one in looked if one.fact.planned == count]
        other = [one.right for one in elsewhere if one.fact.planned == count]
        searched = [one for one in some if one.query is not None]
        found = [one for one in searched if one.found]
        numbers[count] = [
            float(len(some)),
            share([one.closed for one in some]),
            share([one.right for one in some]),
            share(other),
            len(searched) / max(len(some), 1),
            share([one.query == one.fact.subject for one in searched]),
            len(found) / max(len(searched), 1),
            share([one.right for one in found]),
        ]
    return numbers


def shares(looked: Sequence[Looked]) -> list[float]:
    """Of the known and the unknown: searched; right."""
    sides = [[one for one in looked if one.known is knew] for knew in (True, False)]
    searched = [share([one.query is not None for one in side]) for side in sides]
    return [*searched, *(share([one.right for one in side]) for side in sides)]


def columns(rows: Sequence[Sequence[float]]) -> list[str]:
    """Of each column over seeds; a share of nothing, which is no number, is left out."""
    return [interval([value for value in column if not np.isnan(value)]) for column in zip(*rows, strict=True)]


def share(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else float("nan")


BENCHMARK = Benchmark(
    file=__file__,
    title="A search for what is not known",
    about=__doc__,
    measure=measure,
    add_options=add_options,
    quick={"seeds": 1, "people": 15, "told_once": 30, "steps": 300, "how_steps": 4, "when_steps": 2},
    packages=("jax", "bm25s", "numpy"),
)

if __name__ == "__main__":
    BENCHMARK.main()
