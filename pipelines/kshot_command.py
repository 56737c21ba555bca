"""`bateia kshot`: its options and what it tells."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pipelines.stage_command import positive
from pipelines.voice_options import add_outputs, add_voice, in_one_line, write_outputs

SHOTS = (0, 1, 2, 4, 8, 16)


def add_kshot(commands: Any) -> None:
    command = commands.add_parser(
        "kshot", help="what a model learns from examples in its prompt, by their number", allow_abbrev=False
    )
    add_voice(command)
    command.add_argument("--shards", required=True, metavar="DIR", help="shards of its tokenizer with held-out text")
    told = ", ".join(map(str, SHOTS))
    command.add_argument("--shots", type=int, nargs="+", default=SHOTS, metavar="K", help=f"default {told}")
    command.add_argument("--items", type=positive, default=64, metavar="N", help="questions of a task (default 64)")
    of_choice = "answers to choose from, the right one among them (default 4)"
    command.add_argument("--candidates", type=positive, default=4, metavar="N", help=of_choice)
    command.add_argument("--seed", type=int, default=1, metavar="N", help="draws the questions (default 1)")
    add_outputs(command)
    command.set_defaults(run=run_kshot)


def run_kshot(args: argparse.Namespace) -> int:
    with in_one_line():
        told = measured(args)
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[2K")
    print(to_text(told))
    from pipelines.kshot_page import render

    write_outputs(args, told, render)
    return 0


def measured(args: argparse.Namespace) -> dict[str, Any]:
    """What was asked, and `trainer.kshot.curve` of it. Raises BadRun."""
    from trainer.document_tokens import shards_for
    from trainer.evaluation import token_bytes
    from trainer.kshot import curve, gather
    from trainer.shots import check_counts
    from trainer.speech import load_voice

    shots = sorted(set(args.shots))
    check_counts(shots, args.items, args.candidates, args.seed)
    voice = load_voice(args.folder, args.backend)
    shards = shards_for(args.folder, args.shards)
    bytes_V = token_bytes(str(Path(args.folder) / "tokenizer"), shards.vocab_size)
    counts = {name: getattr(args, name) for name in ("items", "candidates", "seed")}
    material = gather(voice, shards, bytes_V, shots=shots[-1], **counts)
    asked = {"run": args.folder, "step": voice.step, "shards": args.shards, "shots": shots, **counts}
    return {**asked, **curve(voice, material, shots, bytes_V, tell)}


def tell(task: str, shots: int) -> None:
    """How far it is, on a line of a terminal's that the table takes the place of."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[2K{task}, {shots} shots …")
        sys.stderr.flush()


def to_text(told: dict[str, Any]) -> str:
    """A table: the right answer's bits per byte, how often it was chosen and how often it was the greedy one."""
    lines = ["task       shots     bits/byte        chosen         exact"]
    for name, task in told["tasks"].items():
        for point in task["points"]:
            bits = f"{point['bits_per_byte']:6.3f} ± {point['bits_per_byte_se']:.3f}"
            shares = (f"{point[key]:6.1%} ± {point[f'{key}_se']:4.1%}" for key in ("accuracy", "exact"))
            lines.append(f"{name:<9}  {point['shots']:>5}  {bits:>12}  {'  '.join(shares)}")
    by_chance = f"chosen among {told['candidates']}, {told['chance']:.1%} by chance; ± is a standard error"
    return "\n".join([*lines, by_chance, *notes(told)])


def notes(told: dict[str, Any]) -> list[str]:
    """What could not be measured, and why."""
    found = [f"{name}: not measured, the text has too little for it" for name in told["left_out"]]
    for name, task in told["tasks"].items():
        missing = told["shots"][len(task["points"]) :]
        if missing:
            shots = ", ".join(map(str, missing))
            found.append(f"{name}: the context has no room for {shots} shot{'s' if missing != [1] else ''}")
    return found
