"""`--check`: what would fail on machines elsewhere, said before anything is sent there.

The command runs in this process on the embedded crawl, with the recipe and the settings that were given, and every
graph that it would send is looked at. Inputs and outputs meant are looked at by name alone.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipelines.engine.beam.engines import ELSEWHERE, NEEDED
from pipelines.engine.beam.graph import Graph, Inspector
from pipelines.engine.run import EXIT_BAD_INPUT, Execution, run_stage
from pipelines.recipes import RECIPES
from pipelines.sample.build import build_sample
from pipelines.stages.curate.plan import CurateOptions, plan_curate
from schemas.faults import BadInput
from schemas.manifest import read_manifest
from schemas.storage import is_local, join
from schemas.wording import plural
from transforms.documents import read_documents

SAMPLE_RECIPE = "tiny"


def check_command(args: argparse.Namespace, run: Callable[[argparse.Namespace], int]) -> int:
    """Print the graphs of a stage's command and what would fail of them. Returns the exit code.

    run: the command; it is given args with other inputs and another output.

    Raises BadInput for another engine, and what the command raises.
    """
    if args.engine != ELSEWHERE:
        raise BadInput(f"--check looks at what goes to machines elsewhere; give --engine {ELSEWHERE} with it")
    if getattr(args, "recipe", "") is None:
        raise BadInput("--check opens no input, so it can't see by which recipe it was made; name one with --recipe")
    faults = [*paths_here(args), *options_missing(args.beam_args)]
    with TemporaryDirectory(prefix="bateia-") as scratch:
        place = Path(scratch).resolve()
        inspector = Inspector((str(place),))
        inputs, read = make_inputs(args, place)
        changed = {"input": inputs, "output": str(place / "output"), "against": [], "engine": None, "beam_args": []}
        changed |= {"quiet": True, "no_guard": True, "check": False, "inspector": inspector, "workers": 1}
        with redirect_stdout(io.StringIO()):
            code = run(argparse.Namespace(**vars(args) | changed))
        if code:
            return code
        inspector.compare_with(texts_of(read or changed["output"]))
    for line in lines(inspector.graphs):
        print(line)
    faults += [f"{graph.name}: {fault}" for graph in inspector.graphs for fault in graph.faults]
    for fault in faults:
        sys.stderr.write(f"bateia: {fault}\n")
    if faults:
        return EXIT_BAD_INPUT
    looked = plural(len(inspector.graphs), "graph")
    print(f"{looked} looked at: nothing in them is of this machine, and no text shuffles")
    return 0


def make_inputs(args: argparse.Namespace, place: Path) -> tuple[list[str], str | None]:
    """The embedded crawl or, for a command that takes documents, those made of it, and their folder."""
    sample = build_sample(place / "warc")
    warcs = [str(path) for path in sample.warc_files]
    if hasattr(args, "no_blocklist"):
        return warcs, None
    folder = str(place / "documents")
    with redirect_stdout(io.StringIO()):
        run_stage(plan_curate(RECIPES[SAMPLE_RECIPE], warcs, folder, CurateOptions()), Execution(quiet=True))
    return [folder], folder


def texts_of(folder: str) -> Iterator[str]:
    """Texts of the documents in a stage's output."""
    manifest = read_manifest(folder)
    assert manifest is not None
    for file in manifest.files:
        if file.path.startswith("data/"):
            yield from (row["text"] for row in read_documents([join(folder, file.path)], ("text",)))


def paths_here(args: argparse.Namespace) -> Iterator[str]:
    """What inputs and outputs that other machines can't reach are, as lines."""
    for flag in ("input", "output", "against"):
        given: Any = getattr(args, flag, None) or []
        for path in [given] if isinstance(given, str) else given:
            if is_local(path) and (flag != "input" or Path(path).exists()):
                yield f"--{flag} {path} is of this machine; workers elsewhere need gs:// or s3://"


def options_missing(words: list[str]) -> Iterator[str]:
    given = {word.partition("=")[0] for word in words}
    for flag, example in NEEDED[ELSEWHERE].items():
        if flag not in given:
            yield f"--engine {ELSEWHERE} needs {flag}={example} behind `--`"


def lines(graphs: Iterable[Graph]) -> Iterator[str]:
    for graph in graphs:
        yield graph.line()
