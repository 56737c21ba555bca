"""report.json and report.html of a corpus: from WARC files to deduplicated documents, in numbers and in a picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from pipelines.report import top
from schemas.corpus_tally import CorpusTally
from schemas.manifest import Manifest
from schemas.storage import join, write_json, write_whole

TOP_LANGUAGES, TOP_DOMAINS, TOP_DUMPS = 200, 25, 200  # more languages and crawls than there are
UNKNOWN_STAGES = "curate"  # one stage for all losses of an input whose report is missing


def report_of(
    manifest: Manifest, tally: CorpusTally, lineage: list[dict[str, Any]], throughput: dict[str, Any]
) -> dict[str, Any]:
    """Everything that report.html shows, as plain data. Times differ between runs; all else does not."""
    recipe, curated = manifest.settings["recipe"], curated_inputs(manifest, lineage)
    return {
        "title": "corpus",
        "recipe": recipe["name"],
        "steps": [step["step"] for step in recipe["steps"]],
        "counts": counts_of(manifest, tally),
        "tokenizer": tokenizer_of(manifest),
        "inputs": inputs_of(manifest, lineage),
        "faults": faults_of(manifest, tally, curated),
        "funnel": funnel_of(manifest, tally, curated),
        "clusters": clusters_of(tally),
        "repeated": tally.repeated,
        "removed": [page for _, page in tally.removed],
        "pii": pii_of(tally),
        "languages": languages_of(tally)[:TOP_LANGUAGES],
        "lengths": lengths_of(tally),
        "domains": [{"domain": name, "read": read, "kept": kept} for name, read, kept in top(tally.hosts, TOP_DOMAINS)],
        "dumps": [{"dump": name, "read": read, "kept": kept} for name, read, kept in top(tally.dumps, TOP_DUMPS)],
        "throughput": throughput,
        "dataset_hash": manifest.dataset_hash,
        "versions": manifest.versions,
        "settings": settings_of(recipe),
        "curated_with": [
            {"recipe": name, "settings": settings_of(earlier)} for name, earlier in recipes_of(curated).items()
        ],
    }


def write_reports(output: str, report: dict[str, Any]) -> None:
    from pipelines.corpus_page import render

    write_json(join(output, "report.json"), report)
    with write_whole(join(output, "report.html")) as file:
        file.write(render(report).encode("utf-8", "replace"))


def counts_of(manifest: Manifest, tally: CorpusTally) -> dict[str, Any]:
    """The manifest's counts, and what only the tally knows."""
    ours = {"chars_read": tally.chars_read, "chars_kept": tally.chars_kept, "lines_removed": tally.lines_removed}
    ours["languages"] = sum(1 for _, kept, *_ in tally.languages.values() if kept)
    return {**manifest.counts, **ours}


def tokenizer_of(manifest: Manifest) -> dict[str, Any] | None:
    """The tokenizer that counted, without a path of this machine."""
    tokenizer = manifest.settings.get("tokenizer")
    return {**tokenizer, "name": public(tokenizer["name"])} if tokenizer else None


def public(value: Any) -> Any:
    """A setting as others may read it: of a path or an address only the file's name, for the rest is this machine's."""
    if isinstance(value, str) and (value.startswith(("/", "./", "../", "~", "\\")) or "://" in value or ":\\" in value):
        return value.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return value


def inputs_of(manifest: Manifest, lineage: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The directories that the corpus came from or was compared with, and the WARC files behind them."""
    known = {entry["path"]: entry["manifest"] for entry in lineage}
    rows = []
    for source in manifest.source:
        origin = known.get(source["path"]) or {}
        warcs = [file for file in origin.get("source", ()) if "bytes" in file]
        counts = origin.get("counts", {})
        rows.append(
            {
                "name": public_folder(source["path"]),
                "role": source.get("role", "input"),
                "dataset_hash": source["dataset_hash"],
                "documents": source.get("documents", counts.get("kept")),
                "recipe": origin.get("settings", {}).get("recipe", {}).get("name"),
                "warc_files": len(warcs),
                "warc_bytes": sum(file["bytes"] for file in warcs),
                "responses": counts.get("read") if warcs else None,
            }
        )
    return rows


def public_folder(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def faults_of(manifest: Manifest, tally: CorpusTally, curated: list[dict[str, Any]]) -> list[str]:
    """What a reader has to know before trusting the numbers."""
    told = []
    if not tally.adds_up() or manifest.counts["read"] != tally.read or manifest.counts["kept"] != tally.kept:
        told.append("The numbers do not add up: read is not kept + exact + near copies.")
    kept = sum(entry["manifest"]["counts"]["kept"] for entry in curated)
    if curated and kept != tally.read:
        told.append(f"The inputs' manifests say that {kept:,} documents were kept, but {tally.read:,} were read.")
    for entry in curated:
        if not entry.get("report"):
            told.append(f"{public_folder(entry['path'])} has no report.json; its stages are told as one.")
    return told


def curated_inputs(manifest: Manifest, lineage: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lineage of what was read, without what it was compared with."""
    against = {source["path"] for source in manifest.source if source.get("role") == "against"}
    return [entry for entry in lineage if entry["path"] not in against]


def funnel_of(manifest: Manifest, tally: CorpusTally, curated: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Stage by stage from WARC responses to the corpus: {stage, reached, dropped}, all inputs together."""
    rows = merged_funnel([stages_of(entry) for entry in curated])
    if any(step["step"] == "Deduplicate" for step in manifest.settings["recipe"]["steps"]):
        rows.append({"stage": "exact_duplicates", "reached": tally.read, "dropped": tally.exact})
        rows.append({"stage": "near_duplicates", "reached": tally.read - tally.exact, "dropped": tally.near})
    return rows


def stages_of(entry: dict[str, Any]) -> list[tuple[str, int, int]]:
    """(stage, reached, dropped) of one input: as its report has it, else from its manifest's counts."""
    if entry.get("report"):
        return [(row["stage"], row["reached"], row["dropped"]) for row in entry["report"]["funnel"]]
    counts = entry["manifest"]["counts"]
    return [(UNKNOWN_STAGES, counts["read"], counts["read"] - counts["kept"])]


def merged_funnel(funnels: list[list[tuple[str, int, int]]]) -> list[dict[str, Any]]:
    """Several inputs as one. A stage that an input does not have loses nothing of it."""
    order: list[str] = []
    for stages in funnels:
        place = 0
        for stage, _, _ in stages:
            if stage not in order:
                order.insert(place, stage)
            place = order.index(stage) + 1
    reached = sum(stages[0][1] for stages in funnels if stages)
    rows = []
    for name in order:
        dropped = sum(lost for stages in funnels for stage, _, lost in stages if stage == name)
        rows.append({"stage": name, "reached": reached, "dropped": dropped})
        reached -= dropped
    return rows


def clusters_of(tally: CorpusTally) -> list[dict[str, int]]:
    """Kept documents by the size of their cluster, in powers of two without gaps; the first row is of unique ones."""
    exponents = [int(exponent) for exponent in tally.cluster_sizes]
    return [
        {"from": 1 << exponent, "to": 2 << exponent, "kept": tally.cluster_sizes.get(str(exponent), 0)}
        for exponent in range(max(exponents, default=-1) + 1)
    ]


def pii_of(tally: CorpusTally) -> list[dict[str, Any]]:
    """Each type of personal data, the most frequent first, with passages after scrubbing."""
    ordered = sorted(tally.pii.items(), key=lambda item: (-item[1][1], item[0]))
    return [
        {
            "type": kind,
            "documents": documents,
            "spans": spans,
            "passages": [page for _, page in tally.scrubbed.get(kind, [])],
        }
        for kind, (documents, spans) in ordered
    ]


def languages_of(tally: CorpusTally) -> list[dict[str, Any]]:
    """Every language, the largest in the corpus first."""
    rows = [
        {"language": name, "read": read, "kept": kept, "chars": chars, "tokens": tokens}
        for name, (read, kept, chars, tokens) in tally.languages.items()
    ]
    return sorted(rows, key=lambda row: (-row["kept"], -row["read"], row["language"]))


def lengths_of(tally: CorpusTally) -> list[dict[str, int]]:
    """Documents by characters of text, in powers of two without gaps."""
    exponents = [int(exponent) for exponent in tally.lengths]
    rows = []
    for exponent in range(min(exponents, default=0), max(exponents, default=-1) + 1):
        read, kept = tally.lengths.get(str(exponent), (0, 0))
        rows.append({"from": 1 << exponent, "to": 2 << exponent, "kept": kept, "dropped": read - kept})
    return rows


def settings_of(recipe: dict[str, Any]) -> list[dict[str, str]]:
    """One row per setting of a recipe as a manifest holds it: step, name, value, about, source."""
    known = explanations()
    rows = []
    for step in recipe.get("steps", ()):
        for name, value in step.items():
            if name != "step":
                about, source = known.get((step["step"], name), ("", ""))
                told = {"step": step["step"], "name": name, "value": show_setting(value)}
                rows.append({**told, "about": about, "source": source})
    return rows


def explanations() -> dict[tuple[str, str], tuple[str, str]]:
    """What our own steps' settings mean and where they come from; a manifest does not repeat it."""
    from pipelines.recipes import RECIPES
    from transforms.steps.corpus_recipe import Deduplicate, DropRepeatedLines, ScrubPii

    steps: list[Any] = [step for recipe in RECIPES.values() for step in recipe.steps()]
    return {
        (step.__name__, field.name): (field.metadata.get("about", ""), field.metadata.get("source", ""))
        for step in (*map(type, steps), DropRepeatedLines, ScrubPii, Deduplicate)
        for field in fields(step)
    }


def show_setting(value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {show_setting(part)}" for name, part in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(show_setting(part) for part in value) or "none"
    return str(public(value))


def recipes_of(curated: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The recipes that the inputs were curated with, by name; equal ones once."""
    found: dict[str, dict[str, Any]] = {}
    for entry in curated:
        recipe = entry["manifest"].get("settings", {}).get("recipe")
        if recipe and recipe not in found.values():
            name = recipe["name"]
            found[name if name not in found else f"{name} ({len(found) + 1})"] = recipe
    return found
