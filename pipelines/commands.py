"""Every command's options, and what it calls. Heavy imports happen in the command that needs them."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import Any


def add_commands(commands: Any) -> None:
    add_curate(commands)
    add_show(commands)
    add_try(commands)
    add_explain(commands)
    add_sample(commands)
    add_assets(commands)


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number above 0")
    return int(text)


def add_curate(commands: Any) -> None:
    command = commands.add_parser(
        "curate", help="WARC files to a filtered Parquet dataset and a ledger of every page", allow_abbrev=False
    )
    command.add_argument("--recipe", required=True, metavar="NAME", help="a recipe, or path/to/file.py:NAME")
    command.add_argument("--input", required=True, nargs="+", metavar="WARC", help="files, globs or *.paths(.gz) lists")
    command.add_argument("--output", required=True, metavar="DIR", help="directory to write, local or s3:// or gs://")
    command.add_argument("--workers", type=positive, default=1, metavar="N", help="processes of the in-process runner")
    command.add_argument("--overwrite", action="store_true", help="replace what an earlier run wrote")
    command.add_argument("--keep-dropped", action="store_true", help="keep dropped documents' text in the ledger")
    command.add_argument("--no-blocklist", action="store_true", help="run without the recipe's URL block list")
    command.add_argument("--no-guard", action="store_true", help="accept a stage that drops nearly everything")
    command.add_argument(
        "--dump", metavar="NAME", help="name of the crawl; default: from the path or the warcinfo record"
    )
    command.add_argument(
        "--paths-root", metavar="DIR", help="what paths in a list are relative to; default: its folder"
    )
    command.add_argument(
        "--unit-mb", type=positive, default=64, metavar="MB", help="size of a unit of work (default 64)"
    )
    command.add_argument("--quiet", action="store_true", help="no progress line")
    command.set_defaults(run=run_curate, takes_beam_args=True)


def run_curate(args: argparse.Namespace) -> int:
    from pipelines.bind import bind
    from pipelines.inputs import find_inputs
    from pipelines.recipes import find_recipe

    recipe = find_recipe(args.recipe)
    files = find_inputs(args.input, args.paths_root)
    for file in files:
        if file.problem:
            sys.stderr.write(f"bateia: warning: {file.path} {file.problem}; it is left out\n")
    bound = bind(recipe, args.no_blocklist)

    from pipelines.curate import plan_run, prepare

    run = plan_run(args.output, bound, files, args.unit_mb, args.dump, args.keep_dropped)
    prepare(run, args.overwrite)
    return execute_curate(run, args)


def execute_curate(run: Any, args: argparse.Namespace) -> int:
    """Run it; tell what came of it, or where it stopped and how to go on."""
    from pipelines.curate import BrokenRun, execute
    from pipelines.runner import leave_now
    from schemas.storage import join

    def stop(*_: object) -> None:
        # Unwinding would tear workers down in the middle of a page, with a traceback for each. Nothing needs unwinding:
        # what is unfinished lies under temporary names, and workers leave with their parent.
        sys.stderr.write("\n")
        tell_stopped(run, "stopped")
        leave_now(130)

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        report = execute(run, args.workers, args.beam_args, guard=not args.no_guard, show_progress=not args.quiet)
    except BrokenRun as fault:
        sys.stderr.write(f"bateia: {fault}\n")
        return 1
    except Exception as fault:  # whatever a step raised; what is finished stays so
        log = join(run.output, "failure.log")
        sys.stderr.write(f"bateia: {last_line(fault)}\n")
        write_traceback(log)
        tell_stopped(run, f"the run failed (details in {log})")
        leave_now(1)
    print(summary(run.output, report))
    return 0


def tell_stopped(run: Any, what: str) -> None:
    from pipelines.curate import finished_units

    sys.stderr.write(
        f"bateia: {what}; {len(finished_units(run))} of {len(run.units)} units are finished in {run.output}. "
        "The same command goes on from there.\n"
    )


def last_line(fault: BaseException) -> str:
    """What went wrong, without the traceback that a worker process sends along."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    if not isinstance(fault, (RuntimeError, OSError)):  # a step's own; a KeyError's text is but the key
        return f"{type(fault).__name__}: {' '.join(lines)}"[:500]
    return next((line for line in reversed(lines) if ": " in line), lines[-1] if lines else type(fault).__name__)[:500]


def write_traceback(path: str) -> None:
    import traceback

    from schemas.storage import write_whole

    try:
        with write_whole(path) as file:
            file.write(traceback.format_exc().encode("utf-8", "replace"))
    except OSError:  # a full disk may be the very reason
        traceback.print_exc()


def summary(output: str, report: dict[str, Any]) -> str:
    counts, pace = report["counts"], report["throughput"]
    share = counts["kept"] / counts["read"] if counts["read"] else 0.0
    lines = [
        f"{counts['read']:,} pages read = {counts['kept']:,} kept ({share:.1%}) + {counts['dropped']:,} dropped "
        f"+ {counts['unreadable']:,} unreadable; {pace['cpu_ms_per_page']:.1f} CPU ms a page, {pace['wall_s']:.0f} s"
    ]
    width = max(len(row["stage"]) for row in report["funnel"])
    for row in report["funnel"]:
        lines.append(f"  {row['stage']:<{width}}  {row['reached']:>9,}  −{row['dropped']:,}")
    lines.append(f"dataset {report['dataset_hash'][:16]}…  data: {output}/data  fates: {output}/ledger")
    lines.append(f"look at {output}/report.html")
    return "\n".join(lines)


def add_show(commands: Any) -> None:
    command = commands.add_parser("show", help="a recipe's steps, thresholds and their sources", allow_abbrev=False)
    command.add_argument("recipe", metavar="RECIPE")
    command.set_defaults(run=run_show)


def run_show(args: argparse.Namespace) -> int:
    from pipelines.describe import show
    from pipelines.recipes import find_recipe

    print(show(find_recipe(args.recipe)))
    return 0


def add_try(commands: Any) -> None:
    command = commands.add_parser("try", help="one page through a recipe, every rule's verdict", allow_abbrev=False)
    command.add_argument("recipe", metavar="RECIPE")
    command.add_argument("page", nargs="?", metavar="PAGE.html", help="an HTML file")
    command.add_argument("--warc", metavar="FILE", help="take the page from a WARC file")
    command.add_argument("--offset", type=int, metavar="N", help="byte offset of its record")
    command.add_argument("--url", metavar="URL", help="with --warc: its URL; with an HTML file: the URL to judge")
    command.add_argument("--no-blocklist", action="store_true", help="without the recipe's URL block list")
    command.set_defaults(run=run_try)


def run_try(args: argparse.Namespace) -> int:
    from pipelines.bind import bind
    from pipelines.recipes import find_recipe
    from pipelines.trial import find_response, try_response

    recipe = find_recipe(args.recipe)
    response = find_response(args.page, args.warc, args.offset, args.url)
    print(try_response(bind(recipe, args.no_blocklist).recipe, response, args.warc or args.page or ""))
    return 0


def add_explain(commands: Any) -> None:
    command = commands.add_parser("explain", help="what became of a URL, from the ledger", allow_abbrev=False)
    command.add_argument("url", metavar="URL")
    command.add_argument("--in", dest="folder", required=True, metavar="DIR", help="a finished output")
    command.set_defaults(run=run_explain)


def run_explain(args: argparse.Namespace) -> int:
    from pipelines.explain import explain

    text = explain(args.url, args.folder)
    print(text)
    return 0


def add_sample(commands: Any) -> None:
    command = commands.add_parser("sample", help="write the embedded sample as WARC files", allow_abbrev=False)
    command.add_argument("--output", required=True, metavar="DIR")
    command.set_defaults(run=run_sample)


def run_sample(args: argparse.Namespace) -> int:
    from pathlib import Path

    from pipelines.inputs import writable
    from pipelines.sample.build import build_sample

    writable(args.output)
    build_sample(Path(args.output))
    print(f"the sample is in {args.output}: *.warc.gz, its block list in {args.output}/blocklist")
    return 0


def add_assets(commands: Any) -> None:
    from pipelines.assets import add_assets_parser

    add_assets_parser(commands)
