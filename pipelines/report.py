"""report.json and report.html: a run in numbers and in a picture, made from the units' tallies."""

from __future__ import annotations

from typing import Any

from pipelines.describe import settings_of
from schemas.manifest import Manifest
from schemas.storage import join, write_json, write_whole
from schemas.tally import Tally
from transforms.steps.recipe import Recipe

TOP_LANGUAGES, TOP_DOMAINS = 30, 25


def report_of(recipe: Recipe, manifest: Manifest, tally: Tally, throughput: dict[str, Any]) -> dict[str, Any]:
    """Everything that report.html shows, as plain data. Times differ between runs; all else does not."""
    from pipelines.curate import funnel

    blocklist = manifest.settings["assets"]["blocklist"]
    return {
        "title": "documents",
        "recipe": {"name": recipe.name, "about": recipe.about},
        "blocklist": blocklist_line(blocklist),
        "counts": manifest.counts,
        "inputs": inputs_of(manifest.source),
        "funnel": [
            {"stage": stage, "reached": reached, "dropped": lost} for stage, reached, lost in funnel(recipe, tally)
        ],
        "reasons": [
            {"stage": stage, "reason": reason, "fate": fate, "count": count}
            for (stage, reason, fate), count in sorted(tally.reasons.items(), key=lambda item: (-item[1], item[0]))
        ],
        "languages": [
            {"language": name, "seen": seen, "kept": kept} for name, seen, kept in top(tally.languages, TOP_LANGUAGES)
        ],
        "lengths": lengths_of(tally),
        "domains": [{"domain": name, "read": read, "kept": kept} for name, read, kept in top(tally.hosts, TOP_DOMAINS)],
        "quality": quality_of(recipe, tally),
        "throughput": throughput,
        "samples": samples_of(tally),
        "dataset_hash": manifest.dataset_hash,
        "versions": manifest.versions,
        "settings": settings_of(recipe),
    }


def write_reports(output: str, report: dict[str, Any]) -> None:
    from pipelines.report_page import render

    write_json(join(output, "report.json"), report)
    with write_whole(join(output, "report.html")) as file:
        file.write(render(report).encode("utf-8", "replace"))


def blocklist_line(blocklist: Any) -> str:
    if isinstance(blocklist, dict):
        return f"{blocklist.get('name')} of {blocklist.get('date')}"
    return blocklist or "none in the recipe"


def inputs_of(source: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "files": len(source),
        "bytes": sum(file["bytes"] for file in source),
        "bad": [{"path": file["path"], "problem": file["problem"]} for file in source if "problem" in file],
    }


def top(counts: dict[str, list[int]], most: int) -> list[tuple[str, int, int]]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    return [(name, first, second) for name, (first, second) in ordered[:most]]


def lengths_of(tally: Tally) -> list[dict[str, int]]:
    """Documents by characters of extracted text, in powers of two without gaps."""
    if not tally.lengths:
        return []
    exponents = [int(exponent) for exponent in tally.lengths]
    rows = []
    for exponent in range(min(exponents), max(exponents) + 1):
        seen, kept = tally.lengths.get(str(exponent), (0, 0))
        rows.append({"from": 1 << exponent, "to": 2 << exponent, "kept": kept, "dropped": seen - kept})
    return rows


def quality_of(recipe: Recipe, tally: Tally) -> list[dict[str, Any]]:
    """Percentiles of each quality value over a sample of at most 500 kept documents."""
    rows = []
    for measure in recipe.measures:
        values = sorted(page[measure] for _, page in tally.quality if measure in page)
        if values:
            at = {f"p{p}": values[min(len(values) - 1, len(values) * p // 100)] for p in (5, 50, 95)}
            rows.append({"measure": measure, **at})
    return rows


def samples_of(tally: Tally) -> list[dict[str, Any]]:
    order = {"kept": 0, "dropped": 1, "unreadable": 2}
    groups = sorted(tally.samples.items(), key=lambda item: (order[item[0][0]], item[0]))
    return [
        {"fate": fate, "stage": stage, "reason": reason, "pages": [page for _, page in pages]}
        for (fate, stage, reason), pages in groups
    ]
