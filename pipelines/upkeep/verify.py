"""`bateia shards verify`: whether shards and plans are what their manifests say, file by file and token by token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipelines.lineage.plans import find_plan, plan_names
from pipelines.stages.shard_tokenizer import json_sha256
from pipelines.upkeep.verify_documents import check_shards, count_faults, is_of_shard
from pipelines.upkeep.verify_files import VerifyRun, file_faults
from pipelines.upkeep.verify_plan import plan_faults
from schemas.faults import BadInput
from schemas.manifest import MANIFEST, hash_dataset
from schemas.shards.layout import RERUN_SHARDS, SPLITS, open_shards
from schemas.shards.tombstones import is_pending, read_tombstones
from schemas.storage import join
from schemas.wording import plural


@dataclass(frozen=True)
class Verified:
    """What a verification found.

    faults: one line each.
    summary: one line of what was looked at, true if there are no faults.
    """

    faults: list[str]
    summary: str


def verify(folder: str, plan: str | None, hashed: bool, on_file: Callable[[str], None] = lambda name: None) -> Verified:
    """Look at every file, number and row.

    plan: the only one to look at; default: all.
    hashed: whether to compare sha256.
    on_file: called with the name of each file that is looked at.

    Raises BadInput if there are no finished shards, or no such plan.
    """
    shards, manifest = open_shards(folder)
    if plan is not None and plan not in plan_names(shards.folder):
        find_plan(shards, plan)
    names = plan_names(shards.folder) if plan is None else [plan]
    if is_pending(shards.folder):
        return Verified([f"{shards.folder}: a `bateia forget` was interrupted; repeat its command to finish it"], "")
    try:
        tombstones, unreadable = read_tombstones(shards.folder), []
    except BadInput as fault:
        tombstones, unreadable = [], [str(fault)]
    run = VerifyRun(shards, manifest, tombstones, hashed, on_file)
    faults = [*other_file_faults(run), *unreadable]
    if unreadable:
        return Verified(faults, "")
    of_shards, counts = check_shards(run)
    faults += of_shards
    if counts.shards * 2 == sum(is_of_shard(path) for path in run.entries):
        faults += count_faults(shards, counts)
        for name in names:
            faults += plan_faults(run, name, counts)
    elif names:
        faults.append(f"{shards.folder}: plans {', '.join(names)} were not looked at, for documents are missing")
    return Verified(faults, summary(run, names))


def other_file_faults(run: VerifyRun) -> Iterator[str]:
    """Of all files but the shards' themselves, which are read with their documents."""
    shards, manifest = run.shards, run.manifest
    if hash_dataset(manifest.files) != manifest.dataset_hash:
        yield f"{join(shards.folder, MANIFEST)} was changed: its hash of all files is another; {RERUN_SHARDS}"
    others = [file for file in manifest.files if not is_of_shard(file.path)]
    faults = dict(file_faults(shards.folder, others, RERUN_SHARDS, run.hashed, run.on_file))
    yield from faults.values()
    folder = join(shards.folder, "tokenizer")
    if not any(path.startswith("tokenizer/") for path in faults) and json_sha256(folder) != shards.tokenizer_sha256:
        yield f"{folder} is not the tokenizer that the tokens are of; {RERUN_SHARDS}"


def summary(run: VerifyRun, names: list[str]) -> str:
    counts = [run.shards.counts[split] for split in SPLITS]
    forgotten = sum(len(item.table) for item in run.tombstones)
    return (
        f"{run.shards.folder} is sound: {plural(sum(item['documents'] for item in counts), 'document')}, "
        f"{plural(sum(item['tokens'] for item in counts), 'token')}, "
        + (f"{plural(forgotten, 'document')} forgotten, " if forgotten else "")
        + f"plans {', '.join(names) or 'none'}"
    )
