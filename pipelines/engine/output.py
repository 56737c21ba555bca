"""The output directory of a stage: created, resumed or replaced, and refused if it holds something else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import fs

from pipelines.engine.beam.jobs import still_runs
from pipelines.engine.inputs import require_writable
from schemas import lease
from schemas.faults import BadInput
from schemas.manifest import MANIFEST, read_manifest
from schemas.setting import differences
from schemas.storage import (
    is_local,
    join,
    list_files,
    locate,
    read_json,
    remove,
    remove_durably,
    remove_folder,
    remove_temporary,
    size_of,
    sync_folder_of,
    write_json,
)

CHOOSE = "choose another --output"
RUN = "run.json"  # what the run was asked to do; it marks a directory as one that a run may resume or replace


@dataclass(frozen=True)
class StageOutput:
    """The directory of a run's output.

    stage: name of the stage, as in the manifest that it writes.
    folders, files: what the stage writes; --overwrite removes these and nothing else.
    settings: all that the output depends on besides the input.
    source: the input files or directories, as the run read them.
    nested: whether the output belongs inside another stage's finished one, as a plan's does.
    """

    output: str
    stage: str
    folders: tuple[str, ...]
    files: tuple[str, ...]
    settings: dict[str, Any]
    source: list[dict[str, Any]]
    nested: bool = False

    def prepare(self, overwrite: bool) -> None:
        """Make ready to be written or resumed. Raises BadInput if it holds anything but this same run."""
        if not is_local(self.output) and "?" in self.output:
            raise BadInput(f"output {self.output} has options behind `?`; set AWS_ENDPOINT_URL or AWS_REGION instead")
        if not self.nested:
            refuse_inside_dataset(self.output)
        self._refuse_other_stage()
        require_writable(self.output)
        lease.take(self.output, still_runs=still_runs)
        earlier = self._earlier()
        if earlier is not None and overwrite:
            self.clear()
            earlier = None
        asked = self._asked()
        if earlier is not None:
            if size_of(join(self.output, MANIFEST)) is not None:
                self._remove_leavings()
                raise BadInput(
                    f"output {self.output} is finished; choose another --output, or --overwrite to replace it"
                )
            self._refuse_other(earlier, asked)
        if self.is_alone:
            remove_folder(join(self.output, ".progress"))
            self._remove_temporary()
        write_json(join(self.output, RUN), asked | {"stage": self.stage})

    @property
    def is_alone(self) -> bool:
        """Whether this process has all of the output: of an array's tasks each has a part, beside living others."""
        held = lease.holding(self.output)
        return held is not None and held.claim.part == lease.WHOLE

    def is_finished(self) -> bool:
        """Whether it holds this same run (settings and source), finished."""
        if size_of(join(self.output, MANIFEST)) is None or size_of(join(self.output, RUN)) is None:
            return False
        return self._earlier() == self._asked()

    def finished_differences(self) -> list[tuple[str, Any, Any]]:
        """What a finished run here was asked for that is another now: name, value before, value now. None else."""
        if size_of(join(self.output, MANIFEST)) is None or (earlier := self._earlier()) is None:
            return []
        asked = self._asked()
        settings = list(differences(earlier["settings"], asked["settings"]))
        before, now = ([named_source(item) for item in run["source"]] for run in (earlier, asked))
        return settings + (
            [("input", ", ".join(before), ", ".join(now))] if earlier["source"] != asked["source"] else []
        )

    def _asked(self) -> dict[str, Any]:
        return json.loads(json.dumps({"settings": self.settings, "source": self.source}))

    def _earlier(self) -> dict[str, Any] | None:
        """Settings and source of an earlier run; None if the directory is empty. Raises BadInput for other files."""
        path = join(self.output, RUN)
        if size_of(path) is None:
            foreign = list_files(self.output)
            if foreign and size_of(path) is None:  # another task may have made it ready meanwhile
                raise BadInput(f"output {self.output} holds other files, such as {foreign[0]}; {CHOOSE}")
            if not foreign:
                return None
        try:
            state = read_json(path)
            return {"settings": dict(state["settings"]), "source": list(state["source"])}
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"output {self.output} holds a {RUN} that is not Bateia's; {CHOOSE}") from error

    def _refuse_other_stage(self) -> None:
        """Raise BadInput if another stage's run is in the directory: what it wrote is not ours to replace."""
        if (stage := stage_in(self.output)) not in (None, self.stage):
            raise BadInput(f"output {self.output} holds what stage '{stage}' wrote; {CHOOSE}")

    def _refuse_other(self, earlier: dict[str, Any], asked: dict[str, Any]) -> None:
        before, now = earlier["settings"], asked["settings"]
        differing = [key for key in now if before.get(key) != now[key]]
        if earlier["source"] != asked["source"]:
            differing.append("input")
        if differing:
            raise BadInput(
                f"output {self.output} holds an unfinished run with another {', '.join(differing)}; "
                "repeat that run's command to resume it, choose another --output, or --overwrite"
            )

    def _remove_leavings(self) -> None:
        """Remove what a run had no time to remove after it wrote its manifest."""
        for name in {"work", ".progress"} & set(self.folders):
            remove_folder(join(self.output, name))
        remove(join(self.output, "failure.log"))

    def clear(self) -> None:
        """Remove what a run writes. The manifest goes first: from then on the output is unfinished, never half of two
        runs. The run's own file goes last: until then the output is known as one of ours."""
        remove_durably(join(self.output, MANIFEST))
        for name in self.folders:
            remove_folder(join(self.output, name))
        for name in self.files:
            remove(join(self.output, name))
        sync_folder_of(join(self.output, RUN))
        remove(join(self.output, RUN))

    def _remove_temporary(self) -> None:
        """Remove what a killed worker was writing."""
        filesystem, name = locate(self.output)
        for info in filesystem.get_file_info(fs.FileSelector(name, recursive=True)):
            if is_temporary(info):
                filesystem.delete_file(info.path)

    def sizes(self, folders: tuple[str, ...]) -> dict[str, int]:
        """Sizes of all files in some folders, by their paths below the output: one listing of each."""
        filesystem, root = locate(self.output)
        root, known = root.rstrip("/"), {}
        for folder in folders:
            for info in filesystem.get_file_info(
                fs.FileSelector(f"{root}/{folder}", recursive=True, allow_not_found=True)
            ):
                if info.type == fs.FileType.File:
                    known[info.path[len(root) + 1 :]] = info.size
        return known

    def remove_strays(self, folders: tuple[str, ...], known: set[str]) -> None:
        """Remove tables that are not `known`, and what was being written: a crash may leave a file of a part that was
        later written again, and a runner may do a unit twice."""
        filesystem, root = locate(self.output)
        root = root.rstrip("/")
        remove_temporary(self.output)
        changed = set()
        for folder in folders:
            selector = fs.FileSelector(f"{root}/{folder}".rstrip("/"), recursive=True, allow_not_found=True)
            for info in filesystem.get_file_info(selector):
                path = info.path[len(root) + 1 :]
                is_table = path.endswith(".parquet") and not any(name.startswith(".") for name in path.split("/"))
                if is_temporary(info) or (is_table and path not in known):
                    filesystem.delete_file(info.path)
                    changed.add(path)
        for folder in {path.rpartition("/")[0] for path in changed}:
            sync_folder_of(join(self.output, folder, "x"))  # before a manifest says that nothing else is there


def is_temporary(info: fs.FileInfo) -> bool:
    return info.base_name.startswith(".") and info.base_name.endswith(".tmp")


def stage_in(folder: str) -> str | None:
    """Name of the stage that a folder's finished or unfinished output is of; None where nothing says so."""
    try:
        if (manifest := read_manifest(folder)) is not None:
            return manifest.stage
        state = read_json(join(folder, RUN))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(state, dict):
        return None
    return "train" if "data" in state and "source" not in state else state.get("stage")


def refuse_inside_dataset(output: str, but: str | None = None) -> None:
    """Raise BadInput for an output inside a stage's output, or for a new folder in the file system's root.

    but: folder of a dataset that it may lie in.
    """
    if not is_local(output):
        return
    path = Path(output).resolve()
    if path.parent == Path(path.anchor) and (path == path.parent or not path.exists()):
        what = "would be made in the file system's root, as if a variable before it were unset"
        raise BadInput(f"output {output} {what}; {CHOOSE}, or make the folder first")
    allowed = None if but is None else Path(but).resolve()
    for parent in path.parents:
        if parent != allowed and (stage := stage_in(str(parent))) is not None:
            raise BadInput(f"output {output} lies in {parent}, which holds what stage '{stage}' wrote; {CHOOSE}")


def refuse_foreign(output: str, names: frozenset[str]) -> None:
    """Raise BadInput if a folder holds anything but files and folders of these names, or lies in a finished dataset."""
    refuse_inside_dataset(output)
    if not is_local(output) or not Path(output).is_dir():
        return
    held = (path.name for path in Path(output).iterdir() if not path.name.startswith(lease.PREFIX))
    if foreign := sorted(name for name in held if name not in names):
        raise BadInput(f"output {output} holds other files, such as {foreign[0]}; {CHOOSE}")


def named_source(source: dict[str, Any]) -> str:
    """An input by its name and what tells its content."""
    content = source.get("dataset_hash") or source.get("layout_hash") or source.get("bytes") or ""
    return f"{str(source.get('path', '')).rpartition('/')[2]} {str(content)[:12]}".strip()
