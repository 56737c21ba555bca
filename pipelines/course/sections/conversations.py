"""Supervised fine-tuning: the base model becomes one that answers and stops; what replay keeps; and a control."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from pipelines.course.page import Open, Part, Passage, Table, Text
from pipelines.course.section import Section, Work
from pipelines.course.sections.crawl import NAME as CRAWL
from pipelines.course.sections.pretraining import NAME as PRETRAINING
from pipelines.course.training import fine_tune, held_out_bits, held_out_loss, untrained
from pipelines.course.words import Words
from schemas.shards.layout import VAL
from trainer.data.chat import Conversation, read_conversations, write_conversations
from trainer.generate.chat import ChatFormat
from trainer.generate.generator import TextGenerator, load_generator
from trainer.generate.sampling import Sampling
from trainer.post.answers import Score, questions_of, rates, score_conversations
from trainer.post.makers.basics import make_basics
from trainer.post.sft import open_base

NAME = "conversations"
MADE = "basics.jsonl"
BASE, REPLAYED, BARE, FRESH = MODELS = ("base", "replayed", "bare", "fresh")  # names of texts, too
ANSWER_TOKENS = 32
EXAMPLES = 4


class Model(Struct, frozen=True):
    """What a model does with held-out conversations.

    stopped, in_format, right: shares of its answers; by_task: of right ones
    loss: nats a token of the held-out answers; None for the base, which was never trained on any
    bits: bits per byte of pages held out of the pretraining
    """

    name: str
    stopped: float
    in_format: float
    right: float
    by_task: dict[str, float]
    loss: float | None
    bits: float | None


class Example(Struct, frozen=True):
    asked: str
    right: str
    before: str
    after: str


class Numbers(Struct, frozen=True):
    conversations: int
    held_out: int
    models: tuple[Model, ...]
    examples: tuple[Example, ...]


def measure(work: Work) -> Numbers:
    pace, base_run = work.pace, work.of(PRETRAINING, "model")
    made = work.folder / MADE
    if not made.exists():
        write_conversations(str(made), make_basics(pace.conversations, pace.seed))
    talks = list(read_conversations(str(made)))
    base, shards = open_base(base_run), work.of(CRAWL, "shards")
    fresh = open_base(untrained(work, base_run))
    runs = {
        BASE: base_run,
        REPLAYED: fine_tune(work, base, talks, REPLAYED, pace.sft_steps, (0.0, 0.35), replay=shards),
        BARE: fine_tune(work, base, talks, BARE, pace.sft_steps, (0.35, 0.6)),
        FRESH: fine_tune(work, fresh, talks, FRESH, pace.sft_steps, (0.6, 0.85)),
    }
    held = [one for one in talks if one.split == VAL][: pace.questions]
    models, answers = [], {}
    for number, (name, run) in enumerate(runs.items()):
        work.tell(f"asking {name}", 0.85 + 0.03 * number)
        generator = load_generator(run, work.backend)
        scores = answers[name] = ask(generator, held)
        models.append(model_of(name, run, generator, scores, shards, pace.seed))
    return Numbers(len(talks), len(held), tuple(models), tuple(examples(held, answers[BASE], answers[REPLAYED])))


def ask(generator: TextGenerator, held: list[Conversation]) -> list[Score]:
    """Greedily. The base has the tokens of a chat in its vocabulary, and has never seen them used."""
    chat = ChatFormat(generator.text, generator.bos)
    return score_conversations(generator.decoder, chat, held, Sampling(ANSWER_TOKENS, temperature=0))


def model_of(name: str, run: str, generator: TextGenerator, scores: list[Score], shards: str, seed: int) -> Model:
    told = rates(scores)
    return Model(
        name,
        told["all"]["stopped"],
        told["all"].get("in_format", 0.0),
        told["all"]["right"],
        {task: one["right"] for task, one in sorted(told.items()) if task != "all"},
        None if name == BASE else held_out_loss(run),
        held_out_bits(generator, shards, seed),
    )


def examples(held: list[Conversation], before: list[Score], after: list[Score]) -> list[Example]:
    """One of each task, until there are enough."""
    found: dict[str, Example] = {}
    for (one, messages), first, then in zip(questions_of(held), before, after, strict=True):
        example = Example(messages[-1].content, one.answer or "", first.answer, then.answer)
        found.setdefault(one.task or "", example)
    return [found[task] for task in sorted(found)][:EXAMPLES]


def tell(numbers: Numbers, words: Words) -> list[Part]:
    names = ("stopped", "in_format", "right", "loss", "bits")
    heads = (words(NAME, "model"), *(words(NAME, name) for name in names))
    rows = tuple(
        (
            words(NAME, one.name),
            *(words.share(value) for value in (one.stopped, one.in_format, one.right)),
            *(words.shown(value) for value in (one.loss, one.bits)),
        )
        for one in numbers.models
    )
    tasks = sorted({task for one in numbers.models for task in one.by_task})
    task_heads = (words(NAME, "model"), *tasks)
    by_task = tuple(
        (words(NAME, one.name), *(words.share(one.by_task.get(task)) for task in tasks)) for one in numbers.models
    )
    spoken = [
        Passage(
            words(NAME, "example", right=one.right),
            f"{one.asked}\n",
            words(NAME, "answers", before=one.before, after=one.after),
        )
        for one in numbers.examples
    ]
    told = {"conversations": numbers.conversations, "held_out": numbers.held_out}
    return [
        Part(
            words(NAME, "table_title"),
            (
                Text(words(NAME, "table", **told)),
                Table(words(NAME, "table_title"), heads, rows),
                Text(words(NAME, "reading")),
                Table(words(NAME, "tasks_title"), task_heads, by_task),
                Open(f"{NAME}/{REPLAYED}/report.html", words(NAME, "report"), words(NAME, "report_about")),
            ),
        ),
        Part(words(NAME, "examples_title"), (Text(words(NAME, "examples")), *spoken)),
    ]


def made_by(work: Work) -> str:
    """The file of conversations, for other sections."""
    return str(Path(work.of(NAME, MADE)))


SETTINGS = ("conversations", "sft_steps", "questions", "batch_size", "context", "seed")
SECTION = Section(NAME, (CRAWL, PRETRAINING), 5.5, SETTINGS, Numbers, measure, tell, 0.35)
