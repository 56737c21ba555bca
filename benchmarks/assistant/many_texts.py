"""What many texts at once cost beside one after the other: writing them, scoring them, and few-shot tasks.

A model of drawn weights writes 64 texts, and scores the texts of few-shot items (16 examples that branch into six
numbers of shots and four answers each), eight of them alone and all together; compiling is not measured. Beside it
stands what the machine allows: numpy's products of the model's matrices and nothing else, with one row and with as
many as there are texts. A token of one text reads every weight, many at once multiply by it, and the ratio of the two
is how many times faster any decoder gets whose single text is as fast as can be. Then `bateia few-shot` is run as a
whole, with its start and its compiling, on a nano of a few steps.

    python -m benchmarks.assistant.many_texts
    python -m benchmarks.assistant.many_texts --parts written --model nano 30m 124m --tokens 16
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.harness import Benchmark, Part, note, table
from benchmarks.process_cost import bateia, run_bateia
from benchmarks.process_cost import measure as cost_of
from trainer.generate.generator import make_decoder
from trainer.generate.sampling import Sampling, generate_many
from trainer.model.config import SIZES, ModelConfig, find_model, shapes
from trainer.model.decoder import Decoder
from trainer.model.initial import initial_weights

BOS, FIRST, VOCABULARY = 1, 12, 2048
SHOTS, EXAMPLE, ANSWERS = (0, 1, 2, 4, 8, 16), 8, 4  # tokens of an example
ALONE = 8  # texts that are done one by one, for their pace
PARTS = ("written", "scored", "few-shot")
ROUNDS = 3  # of which the fastest counts, as a busy machine makes the others slower

Pace = tuple[float, float]  # tokens a CPU second, and a second of the clock


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--texts", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--tokens", type=int, default=64, help="that each text is written; default: %(default)s")
    parser.add_argument("--backend", nargs="+", default=["jax"], help="default: jax")
    parser.add_argument("--model", nargs="+", choices=[*SIZES], default=["nano"], help="default: nano")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="default: all")


def measure(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    rows: list[list[str]] = []
    for model in args.model:
        config = find_model(model, VOCABULARY, 256)
        weights = initial_weights(config, 1)
        for backend in args.backend:
            decoder = make_decoder(backend, weights, config)
            for part, paces in (("written", written), ("scored", scored)):
                if part in args.parts:
                    what, alone, together = paces(args, decoder)
                    rows.append(row(f"{model}, {backend}, {what}", alone, together))
        if "written" in args.parts:
            bound = matrices_alone(config, 1), matrices_alone(config, args.texts)
            rows.append(row(f"{model}, numpy, the matrices alone", *bound))
            note(" | ".join(rows[-1]))
    if rows:
        yield table(["tokens a CPU second, a second", "alone", "together", "CPU seconds", "seconds"], rows)
    if "few-shot" in args.parts:
        yield from few_shot(args, scratch)


def row(what: str, alone: Pace, together: Pace) -> list[str]:
    paces = (f"{by_cpu:,.0f}, {by_clock:,.0f}" for by_cpu, by_clock in (alone, together))
    return [what, *paces, *(f"{all_ / one:.1f} ×" for one, all_ in zip(alone, together, strict=True))]


def written(args: argparse.Namespace, decoder: Decoder) -> tuple[str, Pace, Pace]:
    """Tokens that are written, one text after the other and all at once."""
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
        pace(lambda: sum(write([one]) for one in prompts[:ALONE])),
        pace(lambda: write(prompts)),
    )


def matrices_alone(config: ModelConfig, texts: int) -> Pace:
    """Tokens whose products with all matrices are computed, a row a text."""
    generator = np.random.Generator(np.random.PCG64(3))
    matrices = [generator.random(shape, np.float32) for shape in shapes(config).values() if len(shape) == 2]
    given = {width: generator.random((texts, width), np.float32) for width in {one.shape[1] for one in matrices}}
    times = 1 + 1_000_000_000 // (texts * sum(one.size for one in matrices))

    def multiply() -> int:
        for _ in range(times):
            for one in matrices:
                np.matmul(given[one.shape[1]], one.T)
        return times * texts

    return pace(multiply)


def scored(args: argparse.Namespace, decoder: Decoder) -> tuple[str, Pace, Pace]:
    """Tokens of texts that are scored, with what they begin with counted in each."""
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

    return f"{len(texts):,} texts scored", pace(lambda: sum(read([one]) for one in some)), pace(lambda: read(texts))


def pace(work: Callable[[], int]) -> Pace:
    """What it counts, by the seconds of the fastest of its later runs."""
    work()
    paces: list[Pace] = []
    for _ in range(ROUNDS):
        by_cpu, by_clock = time.process_time(), time.perf_counter()
        done = work()
        paces.append((done / (time.process_time() - by_cpu), done / (time.perf_counter() - by_clock)))
    return max(one for one, _ in paces), max(one for _, one in paces)


def few_shot(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    crawl, data, model = scratch / "crawl", scratch / "data", scratch / "model"
    run_bateia("demo-crawl", "--output", crawl)
    stages = ("--until", "shards", "--context", 256, "--no-blocklist", "--quiet")
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
