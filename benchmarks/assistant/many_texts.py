"""What many texts at once cost beside one after the other: writing them, scoring them, and few-shot tasks.

A nano of drawn weights writes 64 texts, and scores the texts of few-shot items (16 examples that branch into six
numbers of shots and four answers each), eight of them alone and all together; compiling is
not measured. Then `bateia few-shot` is run as a whole, with its start and its compiling, on a nano of a few steps.

    python -m benchmarks.assistant.many_texts
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.harness import Benchmark, Part, table
from benchmarks.process_cost import bateia, run_bateia
from benchmarks.process_cost import measure as cost_of
from trainer.generate.generator import make_decoder
from trainer.generate.sampling import Sampling, generate_many
from trainer.model.config import ModelConfig, find_model
from trainer.model.decoder import Decoder
from trainer.model.initial import initial_weights

BOS, FIRST, VOCABULARY = 1, 12, 2048
SHOTS, EXAMPLE, ANSWERS = (0, 1, 2, 4, 8, 16), 8, 4  # tokens of an example
ALONE = 8  # texts that are done one by one, for their pace


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texts", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--tokens", type=int, default=64, help="that each text is written; default: %(default)s")
    parser.add_argument("--backend", nargs="+", default=["jax"], help="default: jax")


def measure(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    config = find_model("nano", VOCABULARY, 256)
    rows: list[list[str]] = []
    for backend in args.backend:
        decoder = make_decoder(backend, initial_weights(config, 1), config)
        for what, alone, together in (written(args, decoder), scored(args, decoder)):
            times = f"{together / alone:.1f} ×"
            rows.append([f"{backend}, {what}", f"{alone:,.0f}", f"{together:,.0f}", times])
    yield table(["tokens a CPU second", "alone", "together", ""], rows)
    yield from few_shot(args, scratch, config)


def written(args: argparse.Namespace, decoder: Decoder) -> tuple[str, float, float]:
    """Tokens that are written in a CPU second, one text after the other and all at once."""
    generator = np.random.Generator(np.random.PCG64(1))
    prompts = [
        [BOS, *generator.integers(FIRST, VOCABULARY, length).tolist()]
        for length in generator.integers(8, 32, args.texts)
    ]
    sampling = Sampling(args.tokens, temperature=1.0)

    def write(some: list[list[int]]) -> int:
        seeds = range(len(some))
        return sum(len(text.tokens) for text in generate_many(decoder, some, sampling, frozenset(), seeds))

    return (
        f"{args.texts} texts written",
        rate(lambda: sum(write([one]) for one in prompts[:ALONE])),
        rate(lambda: write(prompts)),
    )


def scored(args: argparse.Namespace, decoder: Decoder) -> tuple[str, float, float]:
    """Tokens of texts that are scored in a CPU second, with what they begin with counted in each."""
    generator = np.random.Generator(np.random.PCG64(2))
    texts = []
    for _ in range(args.texts):
        shots, answers = (
            generator.integers(FIRST, VOCABULARY, (count, EXAMPLE)).tolist() for count in (SHOTS[-1], ANSWERS)
        )
        for count in SHOTS:
            shown = [token for shot in shots[:count] for token in shot]
            texts += [[BOS, *shown, *answer] for answer in answers]
    some = texts[:: max(len(texts) // ALONE, 1)]

    def read(given: list[list[int]]) -> int:
        decoder.score(given)
        return sum(map(len, given))

    return f"{len(texts):,} texts scored", rate(lambda: sum(read([one]) for one in some)), rate(lambda: read(texts))


def rate(work: Callable[[], int]) -> float:
    """What it counts, by the CPU seconds of its second run."""
    work()
    began = time.process_time()
    return work() / (time.process_time() - began)


def few_shot(args: argparse.Namespace, scratch: Path, config: ModelConfig) -> Iterator[Part]:
    crawl, data, model = scratch / "crawl", scratch / "data", scratch / "model"
    run_bateia("demo-crawl", "--output", crawl)
    stages = ("--until", "shards", "--context", config.context, "--no-blocklist", "--quiet")
    run_bateia("run", "tiny", "--input", crawl / "*.warc.gz", "--output", data, *stages)
    run_bateia("train", "--shards", data / "shards", "--model", "nano", "--steps", 2, "--quiet", "--output", model)
    asked = ("--items", args.texts, "--json", scratch / "few-shot.json")
    for backend in args.backend:
        command = bateia("few-shot", "--run", model, "--shards", data / "shards", "--backend", backend, *asked)
        yield f"`bateia few-shot`, {args.texts} items of each task, {backend}: {cost_of(command, scratch / 'log')}.\n"


BENCHMARK = Benchmark(
    file=__file__,
    title="Many texts at once",
    about=__doc__,
    measure=measure,
    add_options=add_options,
    quick={"texts": 4, "tokens": 4},
    packages=("jax", "numpy"),
)

if __name__ == "__main__":
    BENCHMARK.main()
