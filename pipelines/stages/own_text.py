"""Files of one's own where documents are asked for: read as they are into a folder beside the output first.

So they get ids, a ledger and a dataset hash, and what is made of them can be explained and resumed like all else.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.engine.inputs import FILE_ENDING
from pipelines.engine.output import RUN
from pipelines.engine.run import Execution, Stopped, run_stage
from pipelines.recipes.as_is import AS_IS
from pipelines.stages.curate import CurateOptions, plan_curate
from schemas.manifest import MANIFEST
from schemas.storage import is_local, join, size_of
from transforms.steps.fetch.files import is_remote
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.sources.columns import Columns

ENDING = "-documents"  # of the folder beside the output


def as_documents(
    inputs: list[str], output: str, columns: Columns, fetch: FetchSettings, execution: Execution
) -> list[str]:
    """The inputs with those that are no output of ours read into `<output>-documents`, which takes their place.

    Raises BadInput, and Stopped if reading them ended early.
    """
    own = [path for path in inputs if is_own(path)]
    if not own:
        return inputs
    folder = f"{output.rstrip('/')}{ENDING}"
    run = plan_curate(AS_IS, own, folder, CurateOptions(), columns, fetch)
    if not run.is_finished():
        if not execution.quiet:
            sys.stderr.write(f"bateia: note: {', '.join(own)} is read into {folder} first\n")
        if code := run_stage(run, execution):
            raise Stopped(code)
    return [path for path in inputs if not is_own(path)] + [folder]


def is_own(path: str) -> bool:
    """Whether a path names files of one's own and no output of ours, finished or not."""
    if is_remote(path) or FILE_ENDING.search(path.partition("?")[0]):
        return True
    if any(size_of(join(path, name)) is not None for name in (MANIFEST, RUN)):
        return False
    if not is_local(path):
        return "*" in path or path.endswith("/")
    if Path(path).is_dir():
        return any(is_table(file.name) for file in Path(path).rglob("*"))
    return Path(path).is_file() or "*" in path


def is_table(name: str) -> bool:
    """Whether a file makes its folder one of texts. A letter.txt does not: that is in any folder."""
    return FILE_ENDING.search(name) is not None and ".txt" not in name.lower()
