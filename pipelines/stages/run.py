"""A whole recipe, stage after stage: from WARC files to a trained model, passing over what is finished."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipelines.engine.inputs import FILE_ENDING
from pipelines.engine.output import RUN, refuse_inside_dataset
from pipelines.engine.run import Execution, StageRun, Stopped, run_stage
from pipelines.recipes.as_is import AS_IS
from pipelines.recipes.recipe import Recipe
from pipelines.stages.curate.plan import CurateOptions, plan_curate
from pipelines.stages.dedup.plan import plan_dedup
from pipelines.stages.train import TrainRun
from schemas.faults import BadInput
from schemas.manifest import MANIFEST
from schemas.setting import shown_difference
from schemas.storage import is_local, join, size_of
from schemas.wording import command_line
from transforms.steps.fetch.files import is_remote
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.sources.columns import Columns


@dataclass(frozen=True)
class RunOptions:
    """Options of a run besides its recipe.

    inputs: files, globs, folders, crawls, lists.
    output: folder of the stages' folders.
    until: folder of the last stage to run; None for all that the recipe has.
    curate: how WARC files are read.
    against: earlier corpora whose documents count as seen.
    tokenizer: path of one's own, which fills token_count and encodes the shards; None trains one.
    bos_token: name of its special token that begins documents.
    begin: folder of the first stage to run, those before are taken as they are; None for the first unfinished.
    columns: of tables of one's own.
    fetch: how files on servers are fetched.
    """

    inputs: tuple[str, ...]
    output: str
    until: str | None = None
    curate: CurateOptions = CurateOptions()  # noqa: RUF009 - frozen
    against: tuple[str, ...] = ()
    tokenizer: str | None = None
    bos_token: str | None = None
    begin: str | None = None
    columns: Columns = Columns()  # noqa: RUF009 - frozen
    fetch: FetchSettings = FetchSettings()  # noqa: RUF009 - frozen

    def folder(self, name: str) -> str:
        return join(self.output, name)


@dataclass(frozen=True)
class Stage:
    """A stage of a recipe.

    name: as the command of the stage is called.
    folder: of what it writes, below the run's output.
    plan: makes its run, once the stages before it are finished. Raises BadInput.
    """

    name: str
    folder: str
    plan: Callable[[Recipe, RunOptions], StageRun]


def curate(recipe: Recipe, options: RunOptions) -> StageRun:
    inputs, output = list(options.inputs), options.folder("documents")
    return plan_curate(recipe, inputs, output, options.curate, options.columns, options.fetch)


def dedup(recipe: Recipe, options: RunOptions) -> StageRun:
    output, inputs = options.folder("corpus"), [options.folder("documents")]
    return plan_dedup(output, recipe.name, recipe.corpus, inputs, list(options.against), options.tokenizer)


def shard(recipe: Recipe, options: RunOptions) -> StageRun:
    from pipelines.stages.shard import plan_shards  # brings Beam, which a run that is refused does without

    output, inputs = options.folder("shards"), [options.folder("corpus")]
    own = {"tokenizer": options.tokenizer, "bos_token": options.bos_token}
    return plan_shards(output, inputs, recipe.suited_tokenizer(), recipe.split, recipe.plan, **own)


def train(recipe: Recipe, options: RunOptions) -> StageRun:
    assert recipe.train is not None
    return TrainRun(options.folder("model"), options.folder("shards"), recipe.plan.name, recipe.train)


STAGES = (
    Stage("curate", "documents", curate),
    Stage("dedup", "corpus", dedup),
    Stage("shard", "shards", shard),
    Stage("train", "model", train),
)


def stages_of(recipe: Recipe, until: str | None) -> tuple[Stage, ...]:
    """The stages to run. Raises BadInput for a model that the recipe does not train, or that nothing here can train."""
    there = STAGES if recipe.train is not None else STAGES[:-1]
    last = until or there[-1].folder
    wanted = [stage.folder for stage in STAGES].index(last) + 1
    if wanted > len(there):
        raise BadInput(f"recipe '{recipe.name}' trains no model; leave --until {last} out, or give a recipe that does")
    if wanted == len(STAGES) and (missing := [name for name in ("jax", "optax") if not importlib.util.find_spec(name)]):
        raise BadInput(
            f"recipe '{recipe.name}' trains a model, which needs the package {missing[0]}: install it with "
            "`pip install -e '.[jax]'`, or end before it with --until shards"
        )
    return STAGES[:wanted]


def run_recipe(recipe: Recipe, options: RunOptions, execution: Execution) -> int:
    """Run the stages that are not finished, one after the other. Returns the exit code.

    Overwriting begins with the first stage that is not finished with these settings, or with `options.begin`.
    Raises BadInput for a finished stage of other settings that is not to be overwritten.
    """
    stages = stages_of(recipe, options.until)
    for folder in (options.output, options.folder(stages[0].folder)):
        refuse_inside_dataset(folder)
    begin = first_of(stages, options)
    for number, stage in enumerate(stages, 1):
        label = f"[{number}/{len(stages)} {stage.name}]"
        if number <= begin:
            print(f"{label} {options.folder(stage.folder)} is taken as it is")
            continue
        run = stage.plan(recipe, options)
        redone = execution.overwrite and options.begin is not None
        if not redone and run.is_finished():
            print(f"{label} {run.output} is finished")
            continue
        if not execution.overwrite:
            refuse_other(stage, run, options)
        if not execution.quiet:
            sys.stderr.write(f"{label}\n")
            sys.stderr.flush()
        if code := run_stage(run, execution):
            return code
    return 0


def first_of(stages: tuple[Stage, ...], options: RunOptions) -> int:
    """How many stages are taken as they are. Raises BadInput for one of them that is not finished."""
    folders = [stage.folder for stage in stages]
    if options.begin is None:
        return 0
    if options.begin not in folders:
        raise BadInput(
            f"--from {options.begin} comes after --until {folders[-1]}, so there is nothing to run; leave one out"
        )
    begin = folders.index(options.begin)
    for folder in folders[:begin]:
        if size_of(join(options.folder(folder), MANIFEST)) is None:
            raise BadInput(
                f"{options.folder(folder)} is not finished, and --from {options.begin} needs it; leave --from out"
            )
    return begin


def refuse_other(stage: Stage, run: StageRun, options: RunOptions) -> None:
    """Raises BadInput if the stage is finished with other settings: which they are, and the cheapest way on."""
    differing = run.finished_differences()
    if not differing:
        return
    shown = "; ".join(shown_difference(*one) for one in differing)
    before = [one.folder for one in STAGES[: STAGES.index(stage)]]
    kept = f" ({', '.join(before)} stay)" if before else ""
    ways = [f"--overwrite makes {stage.folder} and what follows anew{kept}", "another --output keeps both"]
    plan = {name.removeprefix("plan."): now for name, _, now in differing if name.startswith("plan.")}
    if len(plan) == len(differing):
        flags = [
            word for name, now in plan.items() if now is not None for word in (f"--{PLAN_FLAGS.get(name, name)}", now)
        ]
        another = command_line("plan", "--shards", run.output, "--name", "other", *flags)
        ways.insert(0, f"{another} adds a plan to these shards, and `bateia train` with --plan other takes it")
    raise BadInput(f"{run.output} is finished with other settings: {shown}. {'; '.join(ways)}")


PLAN_FLAGS = {"by": "mixture-by"}  # options of `bateia plan` that are not called as their settings


# --- Texts of one's own -----------------------------------------------------------------------------------------------

OWN_ENDING = "-documents"  # of the folder beside the output


def as_documents(
    inputs: list[str], output: str, columns: Columns, fetch: FetchSettings, execution: Execution
) -> list[str]:
    """The inputs with those that are no output of ours read into `<output>-documents`, which takes their place.

    Raises BadInput, and Stopped if reading them ended early.
    """
    own = [path for path in inputs if is_own(path)]
    if not own:
        return inputs
    folder = f"{output.rstrip('/')}{OWN_ENDING}"
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
        return "*" in path or path.partition("?")[0].endswith("/")
    if Path(path).is_dir():
        return any(is_table(file.name) for file in Path(path).rglob("*"))
    return Path(path).is_file() or "*" in path


def is_table(name: str) -> bool:
    """Whether a file makes its folder one of texts. A letter.txt does not: that is in any folder."""
    return FILE_ENDING.search(name) is not None and ".txt" not in name.lower()
