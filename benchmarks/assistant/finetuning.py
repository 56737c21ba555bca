"""What fine-tuning on conversations gives a base model, and what it takes from it.

Nano is trained on the embedded crawl and fine-tuned on conversations from templates, alone and with rows of its
pretraining among them (replay), and the same from weights that nearly are as drawn. Measured on conversations whose
contents are held out (does it stop, is the answer in its task's format, is it right, the loss of the answers' tokens)
and on held-out pages of the pretraining. Intervals are Student's t over seeds.

    python -m benchmarks.assistant.finetuning
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.generated.runs import run_here
from benchmarks.harness import Benchmark, Part, add_seeds, interval, note, seeds_of, table
from benchmarks.process_cost import run_bateia
from schemas.shards.layout import VAL, read_shards
from trainer.data.chat import Conversation
from trainer.generate.generator import TextGenerator, load_generator
from trainer.generate.sampling import Sampling
from trainer.post.answers import rate, score_conversations
from trainer.post.conversations import tokenize, write_shards
from trainer.post.makers.basics import make_basics
from trainer.post.sft import Replay, open_base, plan_sft
from trainer.probes.documents import DocumentTokens
from trainer.run.hooks import standard_hooks
from trainer.run.loop import Training
from trainer.settings import TrainRecipe

CONTEXT = 128
PAGES = 24  # of the pretraining's held-out ones, read in pieces of the context
ANSWER_TOKENS = 32
COLUMNS = ("stopped", "in format", "right", "nats a token of held-out answers", "of held-out pages")


def add_options(parser: argparse.ArgumentParser) -> None:
    add_seeds(parser)
    parser.add_argument("--base-steps", type=int, default=120, help="of pretraining; default: %(default)s")
    parser.add_argument("--steps", type=int, default=120, help="of fine-tuning; default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=16, help="of fine-tuning; default: %(default)s")
    parser.add_argument("--conversations", type=int, default=6000, help="default: %(default)s")


def measure(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    crawl, data = scratch / "crawl", scratch / "data"
    run_bateia("demo-crawl", "--output", crawl)
    stages = ("--until", "shards", "--context", CONTEXT, "--no-blocklist", "--quiet")
    run_bateia("run", "tiny", "--input", crawl / "*.warc.gz", "--output", data, *stages)
    rows: dict[str, list[list[float]]] = {}
    for seed in seeds_of(args):
        for name, values in one_seed(args, scratch / str(seed), data / "shards", seed):
            rows.setdefault(name, []).append(values)
            note(f"seed {seed}, {name}: {' '.join(f'{value:.3f}' for value in values)}")
    yield table(["", *COLUMNS], [[name, *map(interval, zip(*seeds, strict=True))] for name, seeds in rows.items()])


def one_seed(args: argparse.Namespace, folder: Path, shards: Path, seed: int) -> Iterator[tuple[str, list[float]]]:
    """Each model of a seed with the values of COLUMNS."""
    base, drawn = folder / "base", folder / "drawn"
    pretraining = ("--shards", shards, "--model", "nano", "--seed", seed, "--quiet")
    run_bateia("train", *pretraining, "--steps", args.base_steps, "--output", base)
    run_bateia("train", *pretraining, "--steps", 1, "--lr", 1e-9, "--output", drawn)
    talks = list(make_basics(args.conversations, seed))
    yield "base", values_of(base, shards, talks)
    ways = {
        "fine-tuned": (base, Replay()),
        "fine-tuned with replay": (base, Replay(replay=str(shards))),
        "fine-tuned from drawn weights": (drawn, Replay()),
    }
    for number, (name, (begin, replay)) in enumerate(ways.items()):
        tuned = folder / str(number)
        fine_tune(begin, talks, replay, args, tuned, seed)
        yield name, values_of(tuned / "run", shards, talks)


def fine_tune(
    begin: Path, talks: list[Conversation], replay: Replay, args: argparse.Namespace, folder: Path, seed: int
) -> None:
    base = open_base(str(begin))
    write_shards(tokenize(talks, base.chat()), base.tokenizer, base.ids, folder / "talks", CONTEXT, seed)
    recipe = TrainRecipe(steps=args.steps, batch_size=args.batch_size, seed=seed)
    options = {"output": str(folder / "run"), "quiet": True, "eval_every": 10**6, "save_every": 10**6}
    job, source = plan_sft(base, str(folder / "talks"), recipe, replay, **options)
    run_here(Training(job, standard_hooks(job), source=source))


def values_of(run: Path, shards: Path, talks: list[Conversation]) -> list[float]:
    """The values of COLUMNS."""
    generator, chat = load_generator(str(run)), open_base(str(run)).chat()
    held = [talk for talk in talks if talk.split == VAL]
    sampling = Sampling(ANSWER_TOKENS, temperature=0)
    scored = rate(score_conversations(generator.decoder, chat, held, sampling))
    rendered = [chat.render(talk.messages) for talk in held]
    answers = nats(generator, [one.tokens for one in rendered], [one.mask[1:] for one in rendered])
    pages = DocumentTokens(read_shards(str(shards)), VAL).drawn(PAGES, 2, 1)
    texts = [
        page.tokens[begin : begin + CONTEXT].tolist()
        for page in pages
        for begin in range(0, len(page.tokens) - 1, CONTEXT - 1)
    ]
    return [
        scored["stopped"],
        scored["in_format"],
        scored["right"],
        answers,
        nats(generator, texts, [[1] * (len(text) - 1) for text in texts]),
    ]


def nats(generator: TextGenerator, texts: list[list[int]], masks: list[list[int]]) -> float:
    """Mean loss of the tokens after the first whose mask is 1."""
    found = [
        score[np.array(mask, bool)] for (score, _), mask in zip(generator.decoder.score(texts), masks, strict=True)
    ]
    return float(np.concatenate(found).mean())


BENCHMARK = Benchmark(
    file=__file__,
    title="Fine-tuning on conversations",
    about=__doc__,
    measure=measure,
    add_options=add_options,
    quick={"seeds": 1, "base_steps": 2, "steps": 2, "conversations": 200},
    packages=("jax", "numpy"),
)

if __name__ == "__main__":
    BENCHMARK.main()
