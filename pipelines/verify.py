"""`bateia shards verify`: whether shards and plans are what their manifests say, file by file and token by token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipelines.faults import BadInput
from pipelines.forget_tombstones import Tombstones, is_pending, read_tombstones
from pipelines.lineage_rows import find_plan, plan_names
from pipelines.shard_tokenizer import json_sha256
from pipelines.verify_counts import count_faults, joined
from pipelines.verify_documents import check_shards, is_of_shard
from pipelines.verify_files import SHARDS_ANEW, file_faults
from pipelines.verify_plan import plan_faults
from schemas.manifest import Manifest, hash_dataset
from schemas.shards import SHARD_STAGE, SPLITS, ShardsInfo, finished, shards_info
from schemas.storage import join


@dataclass(frozen=True)
class Verified:
    """faults: one line each. summary: of what was looked at."""

    faults: list[str]
    summary: str


def verify(folder: str, plan: str | None, hashed: bool, say: Callable[[str], None] = lambda what: None) -> Verified:
    """plan: the only one to look at; default: all. hashed: whether to compare sha256. say: told of each file.

    Raises BadInput if there are no finished shards, or no such plan.
    """
    shards, manifest = open_manifest(folder)
    if plan is not None and plan not in plan_names(shards.folder):
        find_plan(shards, plan)
    names = plan_names(shards.folder) if plan is None else [plan]
    if is_pending(shards.folder):
        return Verified([f"{shards.folder}: a `bateia forget` was interrupted; repeat its command to finish it"], "")
    faults = list(whole_faults(shards, manifest, hashed, say))
    try:
        tombstones = read_tombstones(shards.folder)
    except (OSError, ValueError, TypeError) as error:
        return Verified([*faults, f"{shards.folder}: a file of tombstones can't be read ({error}); {SHARDS_ANEW}"], "")
    of_shards, found = check_shards(shards, manifest, tombstones, hashed, say)
    faults += of_shards
    documents = {split: joined(found, split) for split in SPLITS}
    if len(found) * 2 == sum(is_of_shard(file.path) for file in manifest.files):
        faults += count_faults(shards, documents)
        for name in names:
            faults += plan_faults(shards, name, documents, tombstones, hashed, say)
    elif names:
        faults.append(f"{shards.folder}: plans {', '.join(names)} were not looked at, for documents are missing")
    return Verified(faults, summary(shards, names, tombstones))


def open_manifest(folder: str) -> tuple[ShardsInfo, Manifest]:
    try:
        manifest = finished(folder, SHARD_STAGE, "`bateia shard`")
        return shards_info(folder, manifest), manifest
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(str(error)) from error


def whole_faults(shards: ShardsInfo, manifest: Manifest, hashed: bool, say: Callable[[str], None]) -> Iterator[str]:
    """Of all files but the shards' themselves, which are read with their documents."""
    if hash_dataset(manifest.files) != manifest.dataset_hash:
        yield f"{join(shards.folder, 'manifest.json')} was changed: its hash of all files is another; {SHARDS_ANEW}"
    others = [file for file in manifest.files if not is_of_shard(file.path)]
    faults = dict(file_faults(shards.folder, others, SHARDS_ANEW, hashed, say))
    yield from faults.values()
    folder = join(shards.folder, "tokenizer")
    if not any(path.startswith("tokenizer/") for path in faults) and json_sha256(folder) != shards.tokenizer_sha256:
        yield f"{folder} is not the tokenizer that the tokens are of; {SHARDS_ANEW}"


def summary(shards: ShardsInfo, names: list[str], tombstones: list[Tombstones]) -> str:
    counts = [shards.counts[split] for split in SPLITS]
    forgotten = sum(len(times.table) for times in tombstones)
    return (
        f"{shards.folder} is sound: {sum(item['documents'] for item in counts):,} documents, "
        f"{sum(item['tokens'] for item in counts):,} tokens, "
        + (f"{forgotten:,} documents forgotten, " if forgotten else "")
        + f"plans {', '.join(names) or 'none'}"
    )
