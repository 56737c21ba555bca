"""Does a reward that can be verified move a small model to the better way of answering, and do its controls not?

A model of drawn weights is fine-tuned on worked examples, a part of which call a calculator or think step by step; then
reinforced, beside the same with rewards dealt out anew (shuffled) and with right answers imitated (rft). Measured on
held-out questions with several seeds; intervals are Student's t over seeds.

    python -m benchmarks.assistant.reinforcement --task multiply_3
    python -m benchmarks.assistant.reinforcement --task sum_list --worked 0.6
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.generated.runs import drawn_run
from benchmarks.harness import Benchmark, Part, table
from trainer.generate.generator import make_decoder
from trainer.post.conversations import tokenize, write_shards
from trainer.post.rl import RlRecipe, look_at_gate, plan_rl, tested
from trainer.post.rollouts import Player
from trainer.post.sft import Replay, open_base, plan_sft
from trainer.post.tasks.find import find_task
from trainer.run.folder import TESTS, read_lines
from trainer.run.hooks import standard_hooks
from trainer.run.loop import Training
from trainer.run.stopping import Stopper
from trainer.settings import TrainRecipe

CONTEXT = 64
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}  # Student's t of 95 %, by the number of seeds
CONTROLS = (None, "shuffled", "rft")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", default="multiply_3", help="default: %(default)s")
    parser.add_argument("--seeds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--worked", type=float, default=0.2, help="share of worked examples; default: %(default)s")
    parser.add_argument("--sft-steps", type=int, default=600, help="default: %(default)s")
    parser.add_argument("--rl-steps", type=int, default=40, help="default: %(default)s")


def measure(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    told: dict[str, list[dict[str, Any]]] = {}
    for seed in range(1, args.seeds + 1):
        for name, line in one_seed(args, scratch / str(seed), seed):
            told.setdefault(name, []).append(line)
            yield f"seed {seed}, {name}: {shown(line)}"
    header = ["", "greedy right", "sampled right", "better way, sampled", "right without it", "tokens"]
    yield table(header, [[name, *columns(lines)] for name, lines in told.items()])


def one_seed(args: argparse.Namespace, folder: Path, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    task = find_task(args.task)
    drawn_run(folder / "drawn", CONTEXT, seed)
    base = open_base(str(folder / "drawn"))
    examples = tokenize(task.conversations(64 * args.sft_steps // 2, args.worked, seed), base.chat())
    write_shards(examples, base.tokenizer, base.ids, folder / "examples", CONTEXT)
    recipe = TrainRecipe(steps=args.sft_steps, batch_size=32, lr=3e-3, optimizer="adamw", seed=seed)
    how = {"quiet": True, "eval_every": 10**6, "save_every": 10**6}
    job, _ = plan_sft(base, str(folder / "examples"), recipe, Replay(), output=str(folder / "sft"), **how)
    run(Training(job, standard_hooks(job)))
    tuned = open_base(str(folder / "sft"))
    asked = RlRecipe(args.task, steps=args.rl_steps, test_questions=256, seed=seed)
    decoder = make_decoder("jax", tuned.checkpoint.weights(), tuned.model)
    gate = look_at_gate(tuned, asked, decoder)
    player = Player(task, tuned.chat(), asked.tokens)
    yield "SFT", tested(player, decoder, asked) | {"gate": "; ".join(gate.faults) or "passed"}
    for control in CONTROLS:
        recipe_rl = RlRecipe(args.task, steps=args.rl_steps, test_questions=256, seed=seed, control=control)
        output = folder / (control or "rl")
        job, answers = plan_rl(tuned, recipe_rl, output=str(output), **how)
        run(Training(job, [*standard_hooks(job), answers], source=answers))
        yield control or "reinforced", list(read_lines(output / TESTS))[-1]


def run(training: Training) -> None:
    with Stopper() as stopper:
        training.run(stopper)


def shown(line: dict[str, Any]) -> str:
    greedy, sampled = line["greedy"], line["sampled"]
    gate = f"; gate: {line['gate']}" if "gate" in line else ""
    return (
        f"greedy {greedy['reward']:.3f}, sampled {sampled['reward']:.3f}, better way {sampled['better_rate']:.3f}, "
        f"{sampled['length']:.1f} tokens{gate}"
    )


def columns(lines: list[dict[str, Any]]) -> list[str]:
    values = [
        [line["greedy"]["reward"] for line in lines],
        [line["sampled"]["reward"] for line in lines],
        [line["sampled"]["better_rate"] for line in lines],
        [line["sampled"]["right_direct"] for line in lines if line["sampled"]["right_direct"] is not None],
        [line["sampled"]["length"] for line in lines],
    ]
    return [interval(some) for some in values]


def interval(values: list[float]) -> str:
    """Mean ± half of the interval of 95 % over seeds, and the values."""
    if not values:
        return "none"
    listed = ", ".join(f"{value:.3f}" for value in values)
    if len(values) not in T_95:
        return listed
    half = T_95[len(values)] * stdev(values) / math.sqrt(len(values))
    return f"{mean(values):.3f} ± {half:.3f} ({listed})"


BENCHMARK = Benchmark(
    file=__file__,
    title="Reinforcement by a verified reward, and its controls",
    about=__doc__,
    measure=measure,
    add_options=add_options,
    quick={"seeds": 1, "sft_steps": 4, "rl_steps": 2},
    packages=("jax", "numpy"),
)

if __name__ == "__main__":
    BENCHMARK.main()
