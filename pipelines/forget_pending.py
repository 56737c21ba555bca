"""What a forget is about to do, written down before it begins: whoever repeats the command does the very same."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from pipelines.faults import BadInput
from pipelines.forget_counts import left_counts
from pipelines.forget_tombstones import OldPlan, Tombstones, pending_path, tombstones_path
from pipelines.lineage_rows import plan_names, sound_plans
from pipelines.lineage_settings import settings_in
from pipelines.verify_files import SHARDS_ANEW, content_fault, size_fault
from schemas.manifest import FileEntry, Manifest, read_manifest
from schemas.shards import TRAIN, ShardsInfo, plan_folder
from schemas.storage import list_files, read_json, write_json


@dataclass(frozen=True)
class Pending:
    """number: of the tombstones' file. dataset_hash: the shards' before. documents: as `forget_tombstones.SCHEMA` has
    them. plans: those there were, and the names of those to make."""

    shards: str
    number: int
    dataset_hash: str
    documents: tuple[dict[str, Any], ...]
    plans: dict[str, OldPlan]

    @property
    def tombstones(self) -> str:
        return tombstones_path(self.shards, self.number)

    @property
    def affected(self) -> list[tuple[str, int]]:
        """(split, shard) of every pair of files that changes."""
        return sorted({(row["split"], row["shard"]) for row in self.documents})

    def of(self, split: str, shard: int) -> list[dict[str, Any]]:
        return [row for row in self.documents if (row["split"], row["shard"]) == (split, shard)]

    @property
    def rebuilt(self) -> dict[str, str]:
        """Names of new plans by those of the old."""
        return {name: plan.rebuilt for name, plan in self.plans.items() if plan.rebuilt is not None}


def plan_forget(
    shards: ShardsInfo, manifest: Manifest, tombstones: list[Tombstones], documents: list[dict[str, Any]]
) -> Pending:
    """Raises BadInput if nothing would be left to train on, or files that would change are not as they were written:
    to sign them anew would hide it."""
    left = left_counts(manifest.counts, documents)
    if not left[TRAIN]["documents"]:
        raise BadInput(f"{shards.folder} would have nothing left to train on; remove the folder instead")
    number = 1 + max((int(item.path.rpartition("/")[2].partition(".")[0]) for item in tombstones), default=0)
    plans = plans_to_make(shards, tombstones, left[TRAIN])
    pending = Pending(shards.folder, number, manifest.dataset_hash, tuple(documents), plans)
    pairs = {f"{split}/{kind}-{n:05}." for split, n in pending.affected for kind in ("tokens", "docs")}
    for file in manifest.files:
        if file.path.rpartition(".")[0] + "." in pairs and (fault := file_fault(shards.folder, file)) is not None:
            raise BadInput(fault)
    return pending


def file_fault(folder: str, file: FileEntry) -> str | None:
    return size_fault(folder, file, SHARDS_ANEW) or content_fault(folder, file, SHARDS_ANEW, hashed=True)


def plans_to_make(shards: ShardsInfo, tombstones: list[Tombstones], train: dict[str, Any]) -> dict[str, OldPlan]:
    """Every plan there is, and the name of the one that is to replace it: none for one that was replaced before, or
    whose settings ask for what is all forgotten. train: counts that will be left."""
    root = plan_folder(shards.folder, "")
    taken = {path[len(root) :].partition("/")[0] for path in list_files(root)}
    origins = {plan.rebuilt: name for item in tombstones for name, plan in item.plans.items() if plan.rebuilt}
    found: dict[str, OldPlan] = {}
    for plan in sound_plans(shards)[0]:
        superseded = any(item.knows(plan.name, plan.dataset_hash) for item in tombstones)
        name = None
        if not superseded and can_be_made(plan.folder, train):
            name = next_name(plan.name, origins, taken)
            taken.add(name)
        found[plan.name] = OldPlan(plan.dataset_hash, name)
    return found


def can_be_made(folder: str, train: dict[str, Any]) -> bool:
    manifest = read_manifest(folder)
    assert manifest is not None
    try:
        settings_in(manifest).copies(train)
    except BadInput:
        return False
    return True


def next_name(name: str, origins: dict[str, str], taken: set[str]) -> str:
    """NAME-2, NAME-3, …: the first that is free, NAME being what the plan was called before it was ever rebuilt."""
    while name in origins:
        name = origins[name]
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def write_pending(pending: Pending) -> None:
    write_json(pending_path(pending.shards), asdict(pending))


def read_pending(shards: str) -> Pending:
    """Raises BadInput if the file is none of ours."""
    path = pending_path(shards)
    try:
        value = read_json(path)
        plans = {name: OldPlan(**plan) for name, plan in value.pop("plans").items()}
        return replace(Pending(plans=plans, **value), shards=shards, documents=tuple(value["documents"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{path} can't be read ({error}); make the shards anew with `bateia shard --overwrite`"
        ) from error


def plans_not_of_these(shards: ShardsInfo) -> list[str]:
    """Why plans that are there are left alone."""
    return sound_plans(shards)[1] if plan_names(shards.folder) else []
