"""`bateia train` and `bateia export`: their options and what they tell."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pipelines.stage_command import positive


def add_train(commands: Any) -> None:
    command = commands.add_parser("train", help="token shards to a language model", allow_abbrev=False)
    command.add_argument("--shards", required=True, metavar="DIR", help="output of `bateia shard`")
    command.add_argument("--plan", default="main", metavar="NAME", help="plan of the shards (default main)")
    command.add_argument("--output", required=True, metavar="DIR", help="folder to write, or to resume in")
    command.add_argument("--model", default="nano", metavar="NAME", help="nano, 30m, 124m, 350m, 1b, or a JSON file")
    command.add_argument("--backend", default="jax", metavar="NAME", help="jax (default) or torch")
    command.add_argument("--steps", type=positive, required=True, metavar="N", help="updates of the weights in all")
    add_optimization(command)
    add_computation(command)
    add_watching(command)
    command.add_argument("--overwrite", action="store_true", help="replace what an earlier run wrote")
    command.add_argument("--quiet", action="store_true", help="no progress line")
    command.set_defaults(run=run_train, huge_pages=True)


def add_optimization(command: Any) -> None:
    """What the numbers depend on: a run is resumed with the same alone."""
    command.add_argument("--batch-size", type=int, default=16, metavar="ROWS", help="rows of a step (default 16)")
    command.add_argument("--lr", type=float, metavar="X", help="highest learning rate (default 0.036 / √width)")
    command.add_argument("--optimizer", default="muon", metavar="NAME", help="muon (default) or adamw")
    command.add_argument("--schedule", default="wsd", metavar="NAME", help="wsd (default), cosine or constant")
    command.add_argument("--warmup", type=int, metavar="N", help="steps up to it (default 2 %% of them)")
    command.add_argument(
        "--decay", type=float, default=0.4, metavar="F", help="last share of wsd's steps (default 0.4)"
    )
    command.add_argument("--weight-decay", type=float, default=0.1, metavar="X", help="of matrices (default 0.1)")
    command.add_argument("--clip", type=float, default=1.0, metavar="X", help="norm of gradients at most; 0: any")
    command.add_argument("--seed", type=int, default=1, metavar="N", help="of the first weights (default 1)")
    command.add_argument("--separate-documents", action="store_true", help="attention stays within a document")


def add_computation(command: Any) -> None:
    command.add_argument("--accumulate", type=int, default=1, metavar="N", help="parts a batch is computed in")
    command.add_argument("--dtype", default="float32", metavar="NAME", help="of computation: float32 or bfloat16")
    command.add_argument("--remat", action="store_true", help="compute layers anew on the way back, to save memory")
    command.add_argument("--devices", type=positive, metavar="N", help="how many to use (default all)")
    command.add_argument("--no-compile", action="store_true", help="torch: start at once, and train slower")


def add_watching(command: Any) -> None:
    command.add_argument("--save-every", type=positive, default=500, metavar="N", help="steps between checkpoints")
    command.add_argument("--keep", type=positive, default=2, metavar="N", help="checkpoints to keep (default 2)")
    command.add_argument("--eval-every", type=positive, default=250, metavar="N", help="steps between evaluations")
    command.add_argument("--eval-rows", type=positive, default=256, metavar="N", help="rows of each slice, at most")
    command.add_argument("--sample-tokens", type=int, default=64, metavar="N", help="length of sampled texts; 0: none")
    command.add_argument("--prompt", action="append", default=[], metavar="TEXT", help="texts to continue at each")


def run_train(args: argparse.Namespace) -> int:
    from pipelines.faults import BadInput
    from trainer.faults import BadRun, BrokenRun
    from trainer.stopping import Stopper

    try:
        from trainer.group import make_group
        from trainer.training import Training

        group = make_group(args.backend)
    except ModuleNotFoundError as error:
        raise missing(error, args.backend) from error
    except BadRun as fault:
        raise BadInput(str(fault)) from fault
    try:
        training = Training(job_of(args), group=group)
        with Stopper() as stopper:
            is_end = training.run(stopper)
        if training.is_first:
            tell_end(training, stopper, is_end)
        return 0 if is_end else stopper.exit_code
    except (BadRun, BrokenRun) as fault:
        if isinstance(fault, BadRun) and group.rank == 0:
            raise BadInput(str(fault)) from fault
        if group.rank == 0:
            sys.stderr.write(f"bateia: {fault}\n")
        return 2 if isinstance(fault, BadRun) else 1
    except ModuleNotFoundError as error:
        raise missing(error, args.backend) from error
    finally:
        group.close()


def tell_end(training: Any, stopper: Any, is_end: bool) -> None:
    job = training.job
    if is_end:
        print(finish(training))
        return
    done = f"stopped after {training.steps:,} of {job.settings.steps:,} steps, all saved in {job.output}"
    sys.stderr.write(f"bateia: {done}. The same command goes on from there.\n")


def missing(error: ModuleNotFoundError, backend: str = "jax") -> Exception:
    from pipelines.faults import BadInput

    return BadInput(f"this needs the package {error.name}; install it with `pip install -e '.[{backend}]'`")


def job_of(args: argparse.Namespace) -> Any:
    """Raises trainer.faults.BadRun for what can't be trained so."""
    from trainer.job import TrainJob, read_data
    from trainer.model_config import find_model
    from trainer.schedules import Schedule
    from trainer.settings import TrainSettings, default_rate

    shards, plan = read_data(args.shards, args.plan)
    model = find_model(args.model, shards.vocab_size, plan.context)
    warmup = args.warmup if args.warmup is not None else args.steps // 50
    rate = args.lr if args.lr is not None else default_rate(model)
    settings = TrainSettings(
        model=model,
        schedule=Schedule(args.schedule, rate, args.steps, warmup, args.decay),
        **{name: getattr(args, name) for name in ("batch_size", "accumulate", "optimizer", "weight_decay", "clip")},
        **{name: getattr(args, name) for name in ("dtype", "remat", "separate_documents", "seed")},
    )
    names = ("output", "backend", "save_every", "eval_every", "eval_rows", "sample_tokens", "keep", "devices")
    options = {name: getattr(args, name) for name in (*names, "overwrite", "quiet")}
    options |= {"prompts": tuple(args.prompt), "compiled": not args.no_compile}
    return TrainJob(shards=shards, plan=plan, settings=settings, **options)


def finish(training: Any) -> str:
    """Report, page and manifest. Returns the summary."""
    from pipelines.train_page import render
    from schemas.storage import join, write_whole
    from trainer.finish import declare_finished, make_report

    job, backend = training.job, training.backend
    report = make_report(job, backend.device_kind, backend.devices)
    with write_whole(join(job.output, "report.html")) as file:
        file.write(render(report).encode("utf-8", "replace"))
    declare_finished(job, report)
    return summary(job.output, report)


def summary(output: str, report: dict[str, Any]) -> str:
    totals = report["totals"]
    loss = "not finite" if totals["loss"] is None else f"{totals['loss']:.4f}"
    pace = f"{totals['tokens_per_s'] or 0:,.0f} tokens/s on {report['devices']} {report['device']}"
    mfu = f", MFU {totals['mfu']:.1%}" if totals["mfu"] else ""
    lines = [
        f"{report['parameters']:,} parameters, {totals['steps']:,} steps, {totals['tokens']:,} tokens; loss {loss}",
        f"{pace}{mfu}; {totals['waited_share'] or 0:.1%} of the time waited for data",
    ]
    slices = report["evals"][-1]["slices"] if report["evals"] else {}
    told = [f"{name} {item['bits_per_byte']:.3f}" for name, item in slices.items() if item["bits_per_byte"]]
    lines += [f"bits per byte: {', '.join(told)}"] if told else []
    lines.append(f'look at {output}/report.html; try `bateia sample --run {output} --prompt "…"`')
    return "\n".join(lines)


def add_export(commands: Any) -> None:
    command = commands.add_parser("export", help="a trained model as a folder for others", allow_abbrev=False)
    command.add_argument("--run", dest="folder", required=True, metavar="DIR", help="output of `bateia train`")
    command.add_argument("--format", default="hf", metavar="NAME", help="hf (default): for Hugging Face transformers")
    command.add_argument("--output", metavar="DIR", help="folder to write (default RUN/hf)")
    command.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    command.set_defaults(run=run_export)


def run_export(args: argparse.Namespace) -> int:
    from pathlib import Path

    from pipelines.faults import BadInput
    from trainer.export import FORMATS, export_hf
    from trainer.faults import BadRun

    if args.format not in FORMATS:
        raise BadInput(f"no format is called '{args.format}'; known: {', '.join(FORMATS)}")
    output = Path(args.output or f"{args.folder.rstrip('/')}/{args.format}")
    try:
        files = export_hf(Path(args.folder), output, args.overwrite)
    except BadRun as fault:
        raise BadInput(str(fault)) from fault
    except ModuleNotFoundError as error:
        raise missing(error) from error
    print(f"{output}: {', '.join(files)}; transformers.AutoModelForCausalLM.from_pretrained('{output}') loads it")
    return 0
