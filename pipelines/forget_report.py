"""The report of shards after pages were forgotten: numbers as they are now, and no address of a forgotten page."""

from __future__ import annotations

from typing import Any

from pipelines.shard_page import render
from pipelines.shard_rows import first_rows
from schemas.manifest import Manifest, read_manifest
from schemas.shards import plan_folder
from schemas.storage import join, read_json, size_of, write_json, write_whole


def rewrite_report(folder: str, manifest: Manifest, rebuilt: dict[str, str], gone: set[str]) -> None:
    """rebuilt: names of new plans by those of the old. gone: URLs. Without a report there is nothing to do."""
    path = join(folder, "report.json")
    if size_of(path) is None:
        return
    report = read_json(path)
    report |= {"counts": manifest.counts, "dataset_hash": manifest.dataset_hash}
    report["plan"] = plan_now(folder, report["plan"], rebuilt, gone)
    write_json(path, report)
    with write_whole(join(folder, "report.html")) as file:
        file.write(render(report).encode("utf-8", "replace"))


def plan_now(folder: str, plan: dict[str, Any], rebuilt: dict[str, str], gone: set[str]) -> dict[str, Any]:
    """The plan that replaced the report's; if none did, the same without the addresses."""
    name = str(rebuilt.get(plan["name"], plan["name"]))
    manifest = read_manifest(plan_folder(folder, name))
    if name == plan["name"] or manifest is None:
        rows = [[hidden(span, gone) for span in row] for row in plan["first_rows"]]
        return plan | {"first_rows": rows}
    return plan | manifest.settings | manifest.counts | {"first_rows": first_rows(folder, name)}


def hidden(span: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    return span | {"url": "forgotten"} if span["url"] in gone else span
