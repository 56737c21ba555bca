"""The output directory of a stage: created, resumed or replaced, and refused if it holds something else."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import fs

from pipelines.engine.beam.jobs import still_runs
from pipelines.engine.stores.leases import take_lease
from pipelines.engine.stores.s3 import abort_uploads
from schemas import lease
from schemas.faults import BadInput, BrokenRun
from schemas.manifest import MANIFEST, FileEntry, portable, read_manifest, remove_tables
from schemas.setting import differences
from schemas.storage import (
    is_local,
    is_temporary,
    join,
    list_files,
    locate,
    make_folder,
    read_json,
    remove,
    remove_durably,
    remove_folder,
    remove_temporary,
    size_of,
    sizes_below,
    sync_folder_of,
    write_json,
)
from transforms.units import Records

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
        take_lease(self.output, still_runs=still_runs)
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
            remove_temporary(self.output, deep=True)  # what a killed worker was writing
            if earlier is not None:
                abort_uploads(self.output)
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
        earlier = self._earlier()
        return earlier is not None and contents(earlier) == contents(self._asked())

    def finished_differences(self) -> list[tuple[str, Any, Any]]:
        """What a finished run here was asked for that is another now: name, value before, value now. None else."""
        if size_of(join(self.output, MANIFEST)) is None or (earlier := self._earlier()) is None:
            return []
        asked = self._asked()
        settings = list(differences(earlier["settings"], asked["settings"]))
        before, now = ([named_source(item) for item in run["source"]] for run in (earlier, asked))
        return settings + (
            [("input", ", ".join(before), ", ".join(now))]
            if contents(earlier)["source"] != contents(asked)["source"]
            else []
        )

    def _asked(self) -> dict[str, Any]:
        source = [portable(item, self.output) for item in self.source]
        return json.loads(json.dumps({"settings": self.settings, "source": source}))

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
        if contents(earlier)["source"] != contents(asked)["source"]:
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
        remove_tables(self.output)
        for name in self.files:
            remove(join(self.output, name))
        sync_folder_of(join(self.output, RUN))
        remove(join(self.output, RUN))

    def sizes(self, folders: tuple[str, ...]) -> dict[str, int]:
        """Sizes of all files in some folders, by their paths below the output: one listing of each."""
        known = {}
        for folder in folders:
            below = sizes_below(join(self.output, folder))
            known |= {f"{folder}/{path}": size for path, size in below.items()}
        return known

    def refuse_damaged(self, records: Records, files: Iterable[FileEntry], there: Mapping[str, int]) -> None:
        """Raise BrokenRun if a finished unit's file is gone or was changed; the unit is unfinished then.

        there: sizes of the files that there are.
        """
        if not (damaged := set(damaged_files(files, there))):
            return
        for name in records.listed():
            if damaged & {file["path"] for file in records.read(name)["files"]}:
                remove(records.path(name))
        raise BrokenRun(
            f"{join(self.output, min(damaged))} is gone or was changed since it was written; "
            "the same command writes it again"
        )

    def remove_strays(
        self, folders: tuple[str, ...], known: Container[str], there: Iterable[str] | None = None
    ) -> None:
        """Remove tables that are not `known`, and what was being written: a crash may leave a file of a part that was
        later written again, and a runner may do a unit twice.

        there: paths of all files in the folders, if they were listed since the last one was written.
        """
        remove_temporary(self.output)
        abort_uploads(self.output)
        if there is None:
            there = self.sizes(folders) if folders != ("",) else sizes_below(self.output)
        strays = [path for path in there if is_temporary(path) or (is_table(path) and path not in known)]
        for path in strays:
            remove(join(self.output, path))
        for folder in {path.rpartition("/")[0] for path in strays}:
            sync_folder_of(join(self.output, folder, "x"))  # before a manifest says that nothing else is there


def contents(run: dict[str, Any]) -> dict[str, Any]:
    """A run by what it reads: a dataset that was moved, or is named from another working folder, is the same one."""
    keys = ("dataset_hash", "role")
    known = [{key: item.get(key) for key in keys} if "dataset_hash" in item else item for item in run["source"]]
    return run | {"source": known}


def damaged_files(files: Iterable[FileEntry], sizes: Mapping[str, int]) -> list[str]:
    """Paths of files that are gone or were changed. sizes: of the files that there are."""
    return [file.path for file in files if sizes.get(file.path) != file.bytes]


def is_table(path: str) -> bool:
    return path.endswith(".parquet") and not any(name.startswith(".") for name in path.split("/"))


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


def require_writable(folder: str) -> None:
    """Raise BadInput unless files can be made in `folder`, which is made if absent."""
    filesystem, name = locate(folder)
    try:
        if isinstance(filesystem, fs.LocalFileSystem):
            make_folder(name)
        else:
            filesystem.create_dir(name, recursive=True)
        probe = f"{name.rstrip('/')}/.writable"
        filesystem.open_output_stream(probe).close()
        with suppress(FileNotFoundError):  # a run that begins in the same moment has removed it
            filesystem.delete_file(probe)
    except OSError as error:
        raise BadInput(
            f"output {folder} can't be written ({error.strerror or error}); choose another --output"
        ) from error
