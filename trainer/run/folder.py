"""The folder of a run: made ready, resumed or refused; and its logs, cut back to where a checkpoint stands.

run.json         what was asked: settings, and the data's hashes
log.jsonl        one line a step        evals.jsonl    one an evaluation
samples.jsonl    texts of the model     faults.jsonl   steps that went wrong, with their documents
rewards.jsonl, tests.jsonl, rollouts.jsonl             what reinforcement learning earned, step by step
tokenizer/       the shards'            checkpoints/   (`trainer.run.checkpoints`)
tensorboard/     the logs once more (`trainer.run.tensorboard`)
report.json report.html manifest.json   when it is finished, the manifest last
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from schemas.faults import BadInput, BrokenRun, named
from schemas.lease import take
from schemas.manifest import MANIFEST
from schemas.setting import differences, shown_difference
from schemas.storage import make_folder, remove_durably, write_json, write_whole

RUN = "run.json"
LOG, EVALS, SAMPLES, FAULTS = "log.jsonl", "evals.jsonl", "samples.jsonl", "faults.jsonl"
REWARDS, TESTS, ROLLOUTS = "rewards.jsonl", "tests.jsonl", "rollouts.jsonl"  # of reinforcement learning
LOGS = (LOG, EVALS, SAMPLES, FAULTS, REWARDS, TESTS, ROLLOUTS)
OF_STEPS_DONE = (EVALS, SAMPLES, TESTS)  # their lines are of a number of steps done, the others' of one step
REPORT, PAGE, FAILURE = "report.json", "report.html", "failure.log"
BOARD = "tensorboard"
STEPS, WARMUP = "schedule.steps", "schedule.warmup"  # by default the second is a share of the first
FOLDERS = ("checkpoints", "tokenizer", BOARD)
FILES = (*LOGS, REPORT, PAGE, FAILURE)
TEMPORARY = ".writing-"


class RunFolder:
    """A run's folder on a local disk. Raises BadInput for one elsewhere."""

    def __init__(self, path: str) -> None:
        if "://" in path:
            raise BadInput(f"output {path}: a training writes to a local folder; copy it where it belongs afterwards")
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.tokenizer = self.path / "tokenizer"

    def prepare(self, asked: dict[str, Any], overwrite: bool, steps_done: int = 0) -> None:
        """Make ready to be written or resumed. A run, finished or not, goes on for another number of steps.

        asked: the training's settings and data
        overwrite: whether to remove what an earlier run wrote
        steps_done: of the newest checkpoint

        Raises BadInput if the folder holds a finished run of as many steps, a run of other settings or data, or foreign
        files, or if another training goes on in it.
        """
        asked = json.loads(json.dumps(asked))
        replaces = self.check(asked, overwrite, steps_done)
        make_folder(str(self.path))
        take(str(self.path))  # until the training ends: two would append to the same logs
        if replaces:
            self._clear()
        remove_durably(str(self.path / MANIFEST))  # a finished run that goes on is unfinished again
        write_json(str(self.path / RUN), asked)

    def check(self, asked: dict[str, Any], overwrite: bool, steps_done: int = 0) -> bool:
        """Whether an earlier run is to be removed. Raises BadInput as `prepare`, and writes nothing."""
        earlier = self._earlier()
        if earlier is not None and not overwrite:
            self._require_goes_on(earlier, json.loads(json.dumps(asked)), steps_done)
        return earlier is not None and overwrite

    def _require_goes_on(self, earlier: dict[str, Any], asked: dict[str, Any], steps_done: int) -> None:
        finished, steps = (self.path / MANIFEST).exists(), asked["settings"]["schedule"]["steps"]
        differing = changes(earlier, asked)
        if STEPS in {name for name, *_ in differing}:
            refuse_other(
                self.path,
                [one for one in differing if one[0] not in (STEPS, WARMUP)],
                "finished" if finished else "unfinished",
            )
            if steps <= steps_done:
                raise BadInput(
                    f"output {self.path} has {steps_done:,} steps done; give more --steps than that to go on from "
                    "there, choose another --output, or --overwrite"
                )
            return
        refuse_other(self.path, differing, "finished" if finished else "unfinished")
        if finished:
            raise BadInput(
                f"output {self.path} is finished; give more --steps to go on from there, choose another --output, or "
                "--overwrite to replace it"
            )

    def is_finished(self, asked: dict[str, Any]) -> bool:
        """Whether it holds a finished run of these settings and data. Raises BadInput for foreign files."""
        return (self.path / MANIFEST).exists() and self._earlier() == json.loads(json.dumps(asked))

    def finished_differences(self, asked: dict[str, Any]) -> list[tuple[str, Any, Any]]:
        """What a finished run was asked for that is another now, without a number of steps to go on to."""
        if not (self.path / MANIFEST).exists() or (earlier := self._earlier()) is None:
            return []
        differing = changes(earlier, json.loads(json.dumps(asked)))
        goes_on = any(name == STEPS and now > before for name, before, now in differing)
        return [one for one in differing if not (goes_on and one[0] in (STEPS, WARMUP))]

    def _earlier(self) -> dict[str, Any] | None:
        """What an earlier run was asked to do; None in an empty folder. Raises BadInput if it holds other files."""
        if self.path.exists() and not self.path.is_dir():
            raise BadInput(f"output {self.path} is a file; choose another --output")
        if not (self.path / RUN).exists():
            foreign = sorted(self.path.iterdir()) if self.path.is_dir() else []
            if foreign := [path.name for path in foreign if not path.name.startswith(".")]:
                raise BadInput(f"output {self.path} holds other files, such as {foreign[0]}; choose another --output")
            return None
        return read_run(self.path)

    def _clear(self) -> None:
        """Remove what a run writes: the manifest first, run.json last, so it is known as ours until all is gone."""
        remove_durably(str(self.path / MANIFEST))
        for name in FOLDERS:
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in (*FILES, RUN):
            (self.path / name).unlink(missing_ok=True)

    def take_tokenizer(self, shards: str) -> None:
        """Copy the shards' tokenizer, so that text can be generated without them."""
        if not self.tokenizer.is_dir():
            with write_folder(self.tokenizer) as temporary:
                shutil.copytree(Path(shards) / "tokenizer", temporary, dirs_exist_ok=True)

    def append(self, name: str, line: dict[str, Any]) -> None:
        """Raises BrokenRun if it can't be written, as on a full disk."""
        try:
            with (self.path / name).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as fault:
            raise BrokenRun(
                f"{self.path / name} can't be written ({fault.strerror}); checkpoints are kept, and the same command "
                "goes on from the newest"
            ) from fault

    def flush_logs(self) -> None:
        """Flush what was logged: a checkpoint of these steps, which is written after it, must not outlive it."""
        for name in LOGS:
            if (self.path / name).exists():
                sync(self.path / name)
        sync(self.path)

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        yield from read_lines(self.path / name)

    def cut_logs(self, step: int) -> None:
        """Leave what was logged of the first `step` steps; what came after is done again."""
        for name in LOGS:
            if not (self.path / name).exists():
                continue
            end = step + 1 if step and name in OF_STEPS_DONE else step
            kept = [line for line in self.lines(name) if line["step"] < end]
            with write_whole(str(self.path / name)) as file:
                file.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept).encode())


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Lines of a log, without one that a killed run left unfinished. No file, no lines."""
    if not path.exists():
        return
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.endswith("\n"):
                    yield json.loads(line)
    except OSError as error:
        raise named(error, str(path)) from error.__cause__


def read_run(path: Path) -> dict[str, Any]:
    """run.json. Raises BadInput if the folder is not of a run."""
    try:
        state = json.loads((path / RUN).read_text(encoding="utf-8"))
        return {"settings": dict(state["settings"]), "data": dict(state["data"])}
    except FileNotFoundError as error:
        raise BadInput(f"{path} holds no {RUN}; give a folder that `bateia train` has written") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} holds a {RUN} that is not of a training; choose another folder") from error


def changes(earlier: dict[str, Any], asked: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """What differs between two trainings as asked for: name, value before, value now."""
    settings = differences(earlier["settings"], asked["settings"])
    return [*settings, *differences(earlier["data"], asked["data"], "data: ")]


def refuse_other(path: Path, differing: list[tuple[str, Any, Any]], state: str) -> None:
    """Raises BadInput if a run was asked for something else. state: of the run, "finished" or "unfinished"."""
    if differing:
        shown = "; ".join(shown_difference(*one) for one in differing)
        again = "repeat that run's command to resume it, " if state == "unfinished" else ""
        raise BadInput(
            f"output {path} holds {'an' if again else 'a'} {state} run with other settings ({shown}); {again}choose "
            "another --output, or --overwrite"
        )


@contextmanager
def write_folder(path: Path) -> Iterator[Path]:
    """Fill a folder under a temporary name, which becomes `path` when the block ends without an exception.

    It is flushed with all that is in it before it gets its name: a power cut leaves it whole or not there.
    """
    temporary = path.parent / f"{TEMPORARY}{path.name}"
    shutil.rmtree(temporary, ignore_errors=True)
    make_folder(str(path.parent))
    temporary.mkdir()
    try:
        yield temporary
        for written in (*sorted(temporary.rglob("*"), reverse=True), temporary):
            sync(written)
        shutil.rmtree(path, ignore_errors=True)
        temporary.rename(path)
        sync(path.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def sync(path: Path) -> None:
    """Flush a file, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise named(error, str(path)) from error.__cause__
    finally:
        os.close(descriptor)
