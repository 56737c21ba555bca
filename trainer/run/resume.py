"""Resuming a run: its folder is prepared and its newest checkpoint is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from schemas.faults import BadInput
from trainer.backend.make import best_dtype
from trainer.backend.protocol import Group
from trainer.run.checkpoints import PREFIX, Checkpoint, Checkpoints, step_folders
from trainer.run.folder import RUN, RunFolder, read_run
from trainer.run.job import TrainJob
from trainer.settings import AUTO, DTYPES, Schedule, TrainRecipe


def settled(recipe: TrainRecipe, output: str, backend: str = "jax", overwrite: bool = False, **_: Any) -> TrainRecipe:
    """A recipe whose dtype, where it is to suit the device, is that of the run in the output, or suits this device.

    Raises BadInput if a file of the run can't be read, or the backend is not installed.
    """
    if recipe.dtype != AUTO:
        return recipe
    return recipe.settled((None if overwrite else dtype_of(output)) or best_dtype(backend))


def dtype_of(output: str) -> str | None:
    """In which the run in a folder computes; None without a run."""
    if "://" in output or not (Path(output) / RUN).exists():
        return None
    found = read_run(Path(output))["settings"].get("dtype")
    return found if found in DTYPES else None


def open_run(
    job: TrainJob, folder: RunFolder, group: Group, note: Callable[[str], None]
) -> tuple[Checkpoints, Checkpoint | None]:
    """A run's checkpoints and the newest one, None for a new run. The first process prepares the folder for all.

    note: is told that a run goes on, and what is not as it was when the checkpoint was written

    Raises BadInput, in all processes, if the folder holds anything else, another run, or is not shared by all of them.
    """
    checkpoints = Checkpoints(folder.checkpoints, job.keep, job.keep_every, job.save_every)
    newest = in_first(group, lambda: prepare(job, folder, checkpoints))
    step = group.broadcast(newest.step if newest else 0)
    if group.rank and step:  # the first process has hashed its files
        newest = checkpoints.at(step)
    if group.any_reduce((newest.step if newest else 0) != step):
        raise BadInput(f"output {job.output} is not the same folder for all processes; give one that they share")
    if newest is not None:
        for path in checkpoints.damaged(newest):
            note(f"note: checkpoint {path.name} is damaged and passed over")
        note(f"going on from step {newest.step:,} of {job.output}")
        for text in changes(newest, job):
            note(text)
    return checkpoints, newest


def in_first(group: Group, action: Callable[[], Checkpoint | None]) -> Checkpoint | None:
    """Do it in the first process while the others wait; None in these. Raises in all of them if it fails there."""
    fault: BadInput | OSError | None = None
    done: Checkpoint | None = None
    if group.rank == 0:
        try:
            done = action()
        except (BadInput, OSError) as error:
            fault = error
    if group.any_reduce(fault is not None):
        raise fault or BadInput("the first process can't begin")
    return done


def prepare(job: TrainJob, folder: RunFolder, checkpoints: Checkpoints) -> Checkpoint | None:
    """The folder and its logs, as a new run or the newest checkpoint needs them. Returns the latter."""
    known = step_folders(folder.checkpoints)
    newest = checkpoints.newest()
    asked = {"settings": job.settings.as_dict(), "data": job.data}
    if newest is None and not job.overwrite and (damaged := checkpoints.damaged(None)):
        raise BadInput(
            f"output {job.output} holds no sound checkpoint, all are damaged, such as {damaged[-1].name}; bring its "
            "files back, choose another --output, or --overwrite to begin anew"
        )
    folder.prepare(asked, job.overwrite, newest.step if newest else 0)
    folder.take_tokenizer(job.shards.folder)
    if step_folders(folder.checkpoints) != known:  # it was emptied, or another run has just ended
        newest = checkpoints.newest()
    checkpoints.clean(newest)
    folder.cut_logs(newest.step if newest else 0)
    return newest


def check(job: TrainJob) -> None:
    """Raises BadInput for an output that the job can't go on in, and writes nothing."""
    folder = RunFolder(job.output)
    asked = {"settings": job.settings.as_dict(), "data": job.data}
    steps = [int(path.name.removeprefix(PREFIX)) for path in step_folders(folder.checkpoints)]
    folder.check(asked, job.overwrite, max(steps, default=0))


def changes(checkpoint: Checkpoint, job: TrainJob) -> list[str]:
    """What differs from when the checkpoint was written, though the run may go on.

    A learning rate that had gone down goes up again, as in WSD-S (arXiv 2410.05192).
    """
    now, what = job.state(), {"code_hash": "the trainer's code", "dataset_hash": "the shards' content"}
    before = Schedule(**checkpoint.state["settings"]["schedule"])
    schedule = job.settings.schedule
    longer = [
        f"note: {before.steps:,} steps were asked for and now {schedule.steps:,}: the learning rate goes on from "
        f"{before.rate(max(checkpoint.step - 1, 0)):.3g} to {schedule.rate(checkpoint.step):.3g}"
    ]
    return (longer if before != schedule else []) + [
        f"note: {name} is not what it was at step {checkpoint.step:,}"
        for key, name in what.items()
        if checkpoint.state.get(key) != now[key]
    ]
