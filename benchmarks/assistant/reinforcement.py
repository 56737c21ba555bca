"""Does a reward that can be verified move a small model to the better way of answering, and do its controls not?

A model of drawn weights learns the skill from examples of which half call a calculator or think step by step, then the
habit of answering at once from examples of which one in eight does; so a reward has something to find. It is then
reinforced, beside the same with rewards dealt out anew (shuffled) and with right answers imitated (rft). Measured on
held-out questions with several seeds; intervals are Student's t over seeds.

    python -m benchmarks.assistant.reinforcement --task multiply_3
    python -m benchmarks.assistant.reinforcement --task sum_list --rl-steps 80
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.generated.runs import drawn_run, run_here
from benchmarks.harness import Benchmark, Part, add_seeds, interval, seeds_of, table
from trainer.generate.generator import make_decoder
from trainer.post.conversations import tokenize, write_shards
from trainer.post.rl import RlRecipe, look_at_gate, plan_rl, tested
from trainer.post.rollouts import Player
from trainer.post.sft import Base, Replay, open_base, plan_sft
from trainer.post.tasks.find import find_task
from trainer.post.tasks.task import Task
from trainer.run.folder import TESTS, read_lines
from trainer.run.hooks import standard_hooks
from trainer.run.loop import Training
from trainer.settings import TrainRecipe

CONTEXT = 64
SHAPE = {"dim": 96, "layers": 3, "heads": 4, "kv_heads": 4, "hidden": 240}
SKILL, HABIT = 0.5, 0.12  # shares of the examples that show the better way
BATCH, RATE = 48, 4e-3  # Muon: right with the calculator 1.0 after 700 steps, AdamW .80 after 900 (one seed)
CONTROLS = (None, "shuffled", "rft")
QUIET: dict[str, Any] = {"quiet": True, "eval_every": 10**6, "save_every": 10**6}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task", default="multiply_3", help="default: %(default)s")
    add_seeds(parser)
    parser.add_argument("--sft-steps", type=int, default=700, help="that teach the skill; default: %(default)s")
    parser.add_argument("--habit-steps", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--rl-steps", type=int, default=40, help="default: %(default)s")


def measure(args: argparse.Namespace, scratch: Path) -> Iterator[Part]:
    told: dict[str, list[dict[str, Any]]] = {}
    for seed in seeds_of(args):
        for name, line in one_seed(args, scratch / str(seed), seed):
            told.setdefault(name, []).append(line)
            yield f"seed {seed}, {name}: {shown(line)}"
    header = ["", "greedy right", "sampled right", "better way, sampled", "right with it", "right without", "tokens"]
    yield table(header, [[name, *columns(lines)] for name, lines in told.items()])


def one_seed(args: argparse.Namespace, folder: Path, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """What held-out questions are answered with after each stage of a seed: its name, and the line of its test."""
    task = find_task(args.task)
    drawn_run(folder / "drawn", CONTEXT, seed, SHAPE)
    able = tuned(open_base(str(folder / "drawn")), task, folder / "skill", SKILL, args.sft_steps, RATE, seed)
    base = tuned(able, task, folder / "habit", HABIT, args.habit_steps, RATE / 3, 100 + seed)
    asked = RlRecipe(args.task, steps=args.rl_steps, test_questions=256, seed=seed)
    for name, run_of in (("skill", able), ("SFT", base)):
        decoder = make_decoder("jax", run_of.checkpoint.weights(), run_of.model)
        line = tested(Player(task, run_of.chat(), asked.tokens), decoder, asked)
        gate = look_at_gate(run_of, asked, decoder)
        yield name, line | {"gate": "; ".join(gate.faults) or "passed"}
    for control in CONTROLS:
        recipe = replace(asked, control=control)
        output = folder / (control or "rl")
        job, answers = plan_rl(base, recipe, output=str(output), **QUIET)
        run_here(Training(job, [*standard_hooks(job), answers], source=answers))
        yield control or "reinforced", list(read_lines(output / TESTS))[-1]


def tuned(base: Base, task: Task, folder: Path, better: float, steps: int, rate: float, seed: int) -> Base:
    """The base fine-tuned on worked examples, a share `better` of them in the task's better way."""
    count = 2 * BATCH * (steps + 1)  # two or three stand in a row, so hardly one is seen twice
    examples = tokenize(task.conversations(count, better, seed), base.chat())
    write_shards(examples, base.tokenizer, base.ids, folder / "examples", CONTEXT)
    recipe = TrainRecipe(steps=steps, batch_size=BATCH, lr=rate, optimizer="muon", seed=seed)
    job, _ = plan_sft(base, str(folder / "examples"), recipe, Replay(), output=str(folder / "run"), **QUIET)
    run_here(Training(job, standard_hooks(job)))
    return open_base(str(folder / "run"))


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
        *(
            [line["sampled"][way] for line in lines if line["sampled"][way] is not None]
            for way in ("right_better", "right_direct")
        ),
        [line["sampled"]["length"] for line in lines],
    ]
    return [interval(some) for some in values]


BENCHMARK = Benchmark(
    file=__file__,
    title="Reinforcement by a verified reward, and its controls",
    about=__doc__,
    measure=measure,
    add_options=add_options,
    quick={"seeds": 1, "sft_steps": 4, "habit_steps": 2, "rl_steps": 2},
    packages=("jax", "numpy"),
)

if __name__ == "__main__":
    BENCHMARK.main()
