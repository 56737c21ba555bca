"""`bateia explain URL --in SHARDS`: where a page's tokens lie, and in which rows of every plan they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.faults import BadInput
from pipelines.forget_tombstones import Tombstones, read_tombstones
from pipelines.lineage_documents import read_documents
from pipelines.lineage_rows import rows_holding, sound_plans, told, told_rows
from schemas.manifest import Manifest
from schemas.shards import SPLITS, TRAIN, VAL, PlanInfo, shard_number, shards_info
from schemas.storage import join

COLUMNS = ("doc_id", "url", "start", "length", "bytes", "key", "language", "dump", "warc_file", "warc_offset")


@dataclass(frozen=True)
class Found:
    """Documents of a URL, and those that were forgotten: `COLUMNS` of each (of those forgotten, the ones that are
    known), split and shard."""

    kept: list[dict[str, Any]]
    forgotten: list[dict[str, Any]]

    def __bool__(self) -> bool:
        return bool(self.kept or self.forgotten)


def find_documents(folder: str, manifest: Manifest, tombstones: list[Tombstones], urls: set[str]) -> Found:
    """Documents of any of the URLs, in the order in which they lie."""
    kept = [row for split in SPLITS for row in kept_in(folder, manifest, split, urls)]
    forgotten = [row for item in tombstones for row in item.table.to_pylist() if row["url"] in urls]
    gone = {(row["split"], row["shard"], row["start"]) for row in forgotten}
    return Found([row for row in kept if (row["split"], row["shard"], row["start"]) not in gone], forgotten)


def kept_in(folder: str, manifest: Manifest, split: str, urls: set[str]) -> Iterator[dict[str, Any]]:
    """Raises BadInput if a file is gone."""
    import pyarrow.compute as pc

    wanted = pc.field("url").isin(sorted(urls))
    for file in manifest.files:
        if file.path.startswith(f"{split}/docs-"):
            for row in read_documents(join(folder, file.path), COLUMNS, wanted).to_pylist():
                yield row | {"split": split, "shard": shard_number(file.path)}


def explain_shards(
    url: str,
    folder: str,
    manifest: Manifest,
    batch_size: int | None,
    earlier: Callable[[str, str], str],
    spellings: Callable[[str], set[str]],
) -> str:
    """What became of a page up to the rows of every plan. earlier: tells its fate in a folder before this one.

    Raises BadInput if neither the shards nor what they were made of have seen the page.
    """
    fates, unseen = fates_of(url, manifest, earlier)
    tombstones = read_tombstones(folder)
    found = find_documents(folder, manifest, tombstones, {url})
    found = found or find_documents(folder, manifest, tombstones, spellings(url))
    if not found and not fates:
        raise BadInput(f"{folder} has seen no page {url}: {'; '.join(unseen) or 'no document has it'}")
    if not found:
        return "\n".join([*fates, f"  not in the shards {folder}"])
    plans, faults = sound_plans(shards_info(folder, manifest))
    told_documents = [line for row in found.kept for line in tell_document(row, folder, plans, batch_size)]
    told_forgotten = [line for row in found.forgotten for line in tell_forgotten(row, folder, plans, batch_size)]
    heads = [] if fates else [(found.kept or found.forgotten)[0]["url"]]
    return "\n".join([*fates, *heads, *told_documents, *told_forgotten, *(f"  {fault}" for fault in faults)])


def fates_of(url: str, manifest: Manifest, earlier: Callable[[str, str], str]) -> tuple[list[str], list[str]]:
    """What is told of the page where the shards' documents came from, and why nothing is where they are gone."""
    told_there, unseen = [], []
    for source in manifest.source:
        try:
            told_there.append(earlier(url, source["path"]))
        except (BadInput, OSError) as fault:
            unseen.append(str(fault))
    return told_there, unseen


def tell_document(row: dict[str, Any], folder: str, plans: list[PlanInfo], batch_size: int | None) -> list[str]:
    record = f"{row['warc_file']} at byte {row['warc_offset']}"
    return [
        f"  in the shards {folder}: {place_of(row)}; document {row['doc_id']}, {record}",
        *tell_plans(row, plans, batch_size),
    ]


def tell_forgotten(row: dict[str, Any], folder: str, plans: list[PlanInfo], batch_size: int | None) -> list[str]:
    return [
        f"  forgotten from the shards {folder}: it was {place_of(row)}; document {row['doc_id']}",
        *tell_plans(row, plans, batch_size),
    ]


def place_of(row: dict[str, Any]) -> str:
    end = row["start"] + row["length"]
    return f"{row['split']} shard {row['shard']}, {row['length']:,} tokens [{row['start']}:{end}]"


def tell_plans(row: dict[str, Any], plans: list[PlanInfo], batch_size: int | None) -> list[str]:
    tell = tell_rows if row["split"] == TRAIN else tell_slices
    return [f"  plan {plan.name}: {tell(row, plan, batch_size)}" for plan in plans]


def tell_rows(row: dict[str, Any], plan: PlanInfo, batch_size: int | None) -> str:
    [rows] = rows_holding(plan, [path for path, _, _ in plan.parts], [row])
    return told_rows(rows, batch_size) if rows else "not in it"


def tell_slices(row: dict[str, Any], plan: PlanInfo, batch_size: int | None) -> str:
    """Rows of each slice of val/; no step sees them."""
    assert row["split"] == VAL
    held = {name: rows_holding(plan, [f"val/{name}.parquet"], [row])[0] for name in plan.slices}
    found = [f"slice {name} rows {told(rows)}" for name, rows in held.items() if rows]
    return "; ".join(found) or "in no slice"
