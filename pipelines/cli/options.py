"""Options that several commands have, and files that they write."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.cli.settings import add_settings, given, positive
from transforms.lean_beam import load_beam

RECIPE = "a recipe's name, or path/to/file.py:NAME"
OF_STAGES = frozenset({"manifest.json", "run.json", "report.json", "report.html", "README.md"})  # files of outputs
FETCH_OPTIONS = ("requests_per_s", "contact", "cache", "cache_gb", "machines")
OWN = "Parquet, JSONL or text files and folders of one's own"
TOKENIZER = "folder, tokenizer.json or SentencePiece *.model"


# --- Recipes ----------------------------------------------------------------------------------------------------------


def add_languages(parser: Any) -> None:
    """Options that change a recipe's languages."""
    about = "of a recipe made for any, as fineweb2: codes, with commas (default: all 21 that it is tested for)"
    parser.add_argument("--languages", type=codes, default=(), metavar="pt,es,zh", help=about)
    model = "fastText model in place of the recipe's, such as GlotLID's"
    parser.add_argument("--language-model", metavar="FILE", help=model)


def codes(text: str) -> tuple[str, ...]:
    """Codes of languages with commas between them. Raises ArgumentTypeError where there is none."""
    given = tuple(part.strip() for part in text.split(",") if part.strip())
    if not given:
        raise argparse.ArgumentTypeError(f"{text!r} names no language; give codes such as pt,es,zh")
    return given


# --- How a run is executed --------------------------------------------------------------------------------------------


def add_execution(
    parser: Any, guard: bool = False, output: str | None = "directory to write", array: bool = False
) -> None:
    """Options of a command that runs a stage.

    output: what is written there, or None for a command without one.
    array: whether the tasks of an array can share the work.
    """
    if output is not None:
        parser.add_argument("--output", required=True, metavar="DIR", help=output)
    from pipelines.engine.beam.engines import ENGINES

    parser.add_argument("--workers", type=positive, default=1, metavar="N", help="processes of the in-process runner")
    engines = "what runs the work (default local); options of its own follow `--` and win"
    parser.add_argument("--engine", choices=list(ENGINES), help=engines)
    if output is not None:
        parser.add_argument("--overwrite", action="store_true", help="replace what an earlier run wrote")
    if guard:
        parser.add_argument("--no-guard", action="store_true", help="accept a step that drops nearly everything")
    if array:
        tasks = parser.add_mutually_exclusive_group()
        tasks.add_argument("--part", metavar="I/N", help="do the units of task I of N alone, without an engine")
        tasks.add_argument("--finish", action="store_true", help="do what comes after all tasks")
        check = "say what would fail on an engine elsewhere, by graphs of a run on the sample, and run nothing"
        tasks.add_argument("--check", action="store_true", help=check)
    parser.add_argument("--quiet", action="store_true", help="no progress line")


def execution_of(args: argparse.Namespace) -> Any:
    """pipelines.engine.run.Execution, as far as the command has options for it.

    Raises BadInput for options after `--` that no runner would heed.
    """
    from pipelines.engine.beam.engines import engine_args
    from pipelines.engine.run import Execution
    from pipelines.engine.tasks import parse_task
    from schemas.faults import BadInput

    beam_args = engine_args(args.engine, args.beam_args)
    task = parse_task(part) if (part := getattr(args, "part", None)) is not None else None
    if task is not None and (beam_args or getattr(args, "overwrite", False)):
        what = (args.beam_args or beam_args or ["--overwrite"])[0]
        raise BadInput(f"--part {part} runs without an engine, beside other tasks; leave {what} out")
    if beam_args:
        load_beam()
        from pipelines.engine.beam.options import check_beam_args

        check_beam_args(beam_args)
    return Execution(
        workers=args.workers,
        beam_args=tuple(beam_args),
        guard=not getattr(args, "no_guard", False),
        overwrite=getattr(args, "overwrite", False),
        quiet=args.quiet,
        task=task,
        finish=getattr(args, "finish", False),
        inspector=getattr(args, "inspector", None),
    )


def or_check(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """A command that looks at its graphs instead where --check asks for it."""

    def run_or_check(args: argparse.Namespace) -> int:
        if not args.check:
            return run(args)
        from pipelines.analysis.graphs import check_command

        return check_command(args, run)

    return run_or_check


# --- What is read -----------------------------------------------------------------------------------------------------


def add_sources(parser: Any) -> None:
    from transforms.steps.sources.columns import Columns

    add_settings(parser.add_argument_group("tables of one's own"), Columns)
    add_fetch_options(parser)


def add_fetch_options(parser: Any) -> None:
    from transforms.steps.fetch.settings import FetchSettings

    add_settings(parser.add_argument_group("files on servers"), FetchSettings, FETCH_OPTIONS)


def columns_of(args: argparse.Namespace) -> Any:
    from transforms.steps.sources.columns import Columns

    return Columns(**given(args, Columns))


def fetch_of(args: argparse.Namespace) -> Any:
    """FetchSettings; a task's own share of them, as it looks at the input like all others."""
    from pipelines.engine.tasks import parse_task
    from transforms.steps.fetch.settings import FetchSettings, fetch_settings

    settings = fetch_settings(**given(args, FetchSettings))
    part = getattr(args, "part", None)
    return settings if part is None else settings.shared(parse_task(part).share)


def documents_of(args: argparse.Namespace) -> list[str]:
    """The inputs of a command that takes documents, with files of one's own read first.

    Raises BadInput, and SystemExit with the code of a reading that ended early.
    """
    from pipelines.engine.run import Stopped
    from pipelines.stages.run import as_documents

    try:
        return as_documents(args.input, args.output, columns_of(args), fetch_of(args), execution_of(args))
    except Stopped as stopped:
        raise SystemExit(stopped.code) from None


# --- Trained models ---------------------------------------------------------------------------------------------------


def add_model(parser: Any) -> None:
    parser.add_argument("--run", dest="folder", required=True, metavar="DIR", help="output of `bateia train`")
    parser.add_argument("--backend", metavar="NAME", help="jax or torch (default: what the model was trained by)")


@contextmanager
def require_packages(extra: str = "jax") -> Iterator[None]:
    """Turns packages that are not installed into BadInput. extra: the one of ours that brings them."""
    from schemas.faults import BadInput

    try:
        yield
    except ModuleNotFoundError as error:
        remedy = f"install it with `pip install -e '.[{extra}]'`"
        raise BadInput(f"this needs the package {error.name}; {remedy}") from error


# --- What is written --------------------------------------------------------------------------------------------------


def add_outputs(parser: Any, *older: str) -> None:
    """--json and --html for a command that measures something. older: names that --json had."""
    parser.add_argument("--json", metavar="F.json", help="write the numbers")
    for flag in older:
        parser.add_argument(flag, dest="json", metavar="F.json", help=argparse.SUPPRESS, default=argparse.SUPPRESS)
    parser.add_argument("--html", metavar="F.html", help="write a page of them")


def write_outputs(args: argparse.Namespace, numbers: Any, make_page: Callable[[], str]) -> None:
    """What `add_outputs` was asked for. Raises BadInput if a file can't be written."""
    if args.json:
        write_file(args.json, json.dumps(numbers, ensure_ascii=False, indent=1) + "\n")
    if args.html:
        write_page(args.html, make_page())


def write_page(path: str, page: str) -> None:
    write_file(path, page)
    print(f"open {path} in a browser; it needs no network")


def write_file(path: str, text: str) -> None:
    """A whole file, or none. Raises BadInput if none can be written at `path`, or one of a stage's output is there."""
    from pipelines.engine.output import stage_in
    from schemas.faults import BadInput, reason
    from schemas.manifest import read_manifest
    from schemas.storage import write_whole

    folder, _, name = path.rpartition("/")
    try:
        if "://" not in path and Path(path).exists() and (stage := stage_in(folder or ".")) is not None:
            manifest = read_manifest(folder or ".")
            if name in OF_STAGES or name in {file.path for file in (manifest.files if manifest else ())}:
                raise BadInput(f"{path} is what stage '{stage}' wrote; choose another file")
        with write_whole(path) as file:
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise BadInput(f"{path} can't be written ({error.strerror or reason(error)}); choose another file") from error


def read_text(path: str) -> str:
    """A file's text, or standard input's for "-". Raises BadInput if it can't be read or is no UTF-8."""
    from schemas.faults import BadInput

    name = "standard input" if path == "-" else f"file {path}"
    try:
        return (sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()).decode()
    except OSError as error:
        raise BadInput(f"{name} can't be read ({error.strerror}); give a text file") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is no UTF-8 (byte {error.start}); convert it first") from error
