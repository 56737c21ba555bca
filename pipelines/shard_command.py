"""`bateia shard`: its options and what it tells."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from pipelines.plan_command import add_plan_options, settings_of, told
from pipelines.stage_command import positive, run_stage
from pipelines.training_options import add_training_options, training_settings

FIRST_PLAN = "main"


def add_shard(commands: Any) -> None:
    command = commands.add_parser("shard", help="documents to token shards and a plan", allow_abbrev=False)
    command.add_argument(
        "--input", required=True, nargs="+", metavar="DIR", help="outputs of `bateia dedup` or `curate`"
    )
    command.add_argument("--output", required=True, metavar="DIR", help="directory to write")
    add_shard_options(command)
    command.add_argument("--workers", type=positive, default=1, metavar="N", help="processes of the in-process runner")
    command.add_argument("--overwrite", action="store_true", help="replace what an earlier run wrote")
    command.add_argument("--quiet", action="store_true", help="no progress line")
    command.set_defaults(run=run_shard, takes_beam_args=True)


def add_shard_options(command: Any) -> None:
    command.add_argument(
        "--tokenizer", metavar="PATH", help="one's own: folder, tokenizer.json or *.model; default: one is trained"
    )
    command.add_argument("--bos-token", metavar="NAME", help="special token that begins documents, for one's own")
    add_split_options(command)


def add_split_options(command: Any) -> None:
    """How the tokenizer is trained, the split and the first plan, for `bateia shard` and `bateia run`."""
    add_training_options(command)
    command.add_argument(
        "--val-fraction", type=fraction, default=0.01, metavar="F", help="of documents that validate (default 0.01)"
    )
    add_plan_options(command)


def fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 0 to below 1")
    return value


def run_shard(args: argparse.Namespace) -> int:
    from pipelines.shard import prepare

    run = plan(args, args.input, args.output)
    prepare(run, args.overwrite)
    return run_stage(run.output, work_of(run, args), lambda: how_far(run))


def plan(args: argparse.Namespace, inputs: list[str], output: str) -> Any:
    from pipelines.shard import plan_shards
    from pipelines.shard_tokenizer import own_tokenizer
    from pipelines.tokenizer import TokenizerRun, known_algorithm
    from transforms.steps.encoding import Split

    known_algorithm(args.algorithm)
    own = own_tokenizer(args.tokenizer, args.vocab_size) if args.tokenizer is not None else None
    return plan_shards(
        output,
        inputs,
        own=own,
        training=lambda folder, found: TokenizerRun(folder, found, **training_settings(args)),
        bos_token=getattr(args, "bos_token", None),
        split=Split(args.val_fraction, args.seed),
        plan=settings_of(args, FIRST_PLAN),
    )


def work_of(run: Any, args: argparse.Namespace) -> Callable[[], str]:
    from pipelines.phase_line import PhaseLine
    from pipelines.shard import execute

    def work() -> str:
        with PhaseLine(run, shown=not args.quiet) as line:
            report = execute(run, args.workers, args.beam_args, begin=line.begin)
        return summary(run.output, report)

    return work


def how_far(run: Any) -> str:
    done = sum(run.is_done("encode", part) for part in run.parts)
    return f"{done} of {len(run.parts)} files are encoded"


def summary(output: str, report: dict[str, Any]) -> str:
    counts, pace = report["counts"], report["throughput"]
    train, val = counts["train"], counts["val"]
    size = train["bytes"] + val["bytes"]
    tokens = train["tokens"] + val["tokens"]
    return "\n".join(
        [
            f"{train['documents'] + val['documents']:,} documents = {train['documents']:,} to train "
            f"({train['tokens']:,} tokens) + {val['documents']:,} to validate ({val['tokens']:,}); "
            f"{size / tokens:.2f} bytes a token",
            told(report["plan"]["name"], report["plan"], report["plan"]["context"]),
            f"shards {report['dataset_hash'][:16]}…  {pace['tokens_per_cpu_s']:,.0f} tokens a CPU second, "
            f"{pace['wall_s']:.0f} s",
            f"look at {output}/report.html; ask `bateia explain-batch --shards {output} --plan main --step 0`",
        ]
    )
