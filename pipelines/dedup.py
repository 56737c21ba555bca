"""`bateia dedup`: documents in, a corpus out: without duplicates and personal data, ready to be published."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.bind import plain
from pipelines.corpus_plan import (
    Input,
    cluster_partitions,
    key_partitions,
    plan_parts,
    plan_signature_files,
    read_earlier,
    read_inputs,
)
from pipelines.curate import versions as curate_versions
from pipelines.faults import BadInput
from pipelines.phases import Phases
from pipelines.stage_output import BrokenRun, StageOutput
from schemas.corpus_tally import CorpusTally
from schemas.manifest import MANIFEST, FileEntry, Manifest, hash_dataset, write_manifest
from schemas.storage import (
    is_local,
    join,
    list_files,
    read_json,
    remove,
    remove_folder,
    size_of,
    write_json,
    write_whole,
)
from transforms.sources import Part, SignatureFile, Workplace, to_lines
from transforms.steps.corpus_recipe import CorpusRecipe

STAGE = "dedup"
OURS = ("data", "clusters", "signatures", "pii", "work", ".progress")
OUR_FILES = ("README.md", "report.json", "report.html", "failure.log")
GUARDED_FROM = 200  # documents before the share removed means anything
MOST_PASSES = 8  # of ROUNDS rounds each; 5,000 documents in a chain need 2


@dataclass(frozen=True)
class DedupRun:
    """One run as asked for. settings: all that the output's bytes depend on besides the input."""

    output: str
    name: str
    recipe: CorpusRecipe
    inputs: tuple[Input, ...]
    earlier: tuple[Input, ...]
    parts: tuple[Part, ...]
    signature_files: tuple[SignatureFile, ...]
    tokenizer: str | None
    settings: dict[str, Any]

    @property
    def workplace(self) -> Workplace:
        return Workplace(self.output)

    @property
    def documents(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def source(self) -> list[dict[str, Any]]:
        """What was read, back to the WARC files, and what it was compared with."""
        read = [source_of(item) | {"source": item.manifest.source} for item in self.inputs]
        return read + [source_of(item) | {"role": "against"} for item in self.earlier]

    def is_done(self, phase: str, part: Part) -> bool:
        """Whether a phase that goes through all documents is through with a part."""
        if phase == "sign":
            return size_of(self.workplace.signatures(part.name)) is not None
        return size_of(self.workplace.path("parts", f"{part.name}.json")) is not None

    @property
    def place(self) -> StageOutput:
        return StageOutput(self.output, OURS, OUR_FILES, self.settings, self.source)


def source_of(item: Input) -> dict[str, Any]:
    manifest = item.manifest
    return {
        "path": item.path,
        "stage": manifest.stage,
        "dataset_hash": manifest.dataset_hash,
        "documents": item.documents,
    }


def plan_dedup(
    output: str, name: str, recipe: CorpusRecipe, inputs: list[str], against: list[str], tokenizer: str | None
) -> DedupRun:
    """Raises BadInput for inputs that are unfinished, changed, or not comparable."""
    if against and recipe.dedup is None:
        raise BadInput(f"recipe '{name}' does not deduplicate, so --against means nothing; leave it out")
    for given in (*inputs, *against):
        if overlap(given, output):
            raise BadInput(
                f"output {output} overlaps the input {given}, which it would replace; choose another --output"
            )
    recipe = widened(recipe) if against else recipe
    found = read_inputs(inputs)
    earlier = read_earlier(against, recipe.dedup) if recipe.dedup is not None else []
    old = plan_signature_files(earlier)
    parts = plan_parts(found, len(old))
    settings = {
        "recipe": {
            "name": name,
            "max_removed": recipe.max_removed,
            "steps": [{"step": type(step).__name__, **plain(step)} for step in recipe.steps()],
        },
        "signature": recipe.dedup.signature if recipe.dedup is not None else None,
        "tokenizer": tokenizer_identity(tokenizer),
    }
    signed = [SignatureFile(p.ordinal, Workplace(output).signatures(p.name), p.language, False, p.rows) for p in parts]
    files = (*old, *signed)
    return DedupRun(output, name, recipe, tuple(found), tuple(earlier), tuple(parts), files, tokenizer, settings)


def overlap(one: str, other: str) -> bool:
    """Whether two directories are the same or one lies in the other."""
    paths = [Path(path).resolve() if is_local(path) else PurePosixPath(path.rstrip("/")) for path in (one, other)]
    return paths[0].is_relative_to(paths[1]) or paths[1].is_relative_to(paths[0])


def widened(recipe: CorpusRecipe) -> CorpusRecipe:
    """A recipe that compares within a dump compares all documents once there are earlier corpora: theirs are others."""
    if recipe.dedup is None or recipe.dedup.scope != "dump":
        return recipe
    return replace(recipe, dedup=replace(recipe.dedup, scope="all"))


def tokenizer_identity(path: str | None) -> dict[str, str] | None:
    if path is None:
        return None
    from transforms.steps.tokenizer import load_tokenizer

    try:
        return {"name": path.rstrip("/").rpartition("/")[2], "sha256": load_tokenizer(path).sha256}
    except ValueError as error:
        raise BadInput(str(error)) from error


def prepare(run: DedupRun, overwrite: bool) -> None:
    """Make the output ready to be written or resumed. Raises BadInput if it holds anything else than this very run."""
    for step in run.recipe.steps():
        try:
            step.setup()
        except ValueError as error:  # an absent model, an unknown type
            raise BadInput(f"recipe '{run.name}': {error}") from error
    run.place.prepare(overwrite)
    for path, items in ((run.workplace.parts, run.parts), (run.workplace.signature_files, run.signature_files)):
        with write_whole(path) as file:
            file.write(to_lines(list(items)))


def sign(run: DedupRun, phases: Phases) -> None:
    import apache_beam as beam

    from transforms.corpus_parts import CorpusJob, SignParts

    left = sum(size_of(run.workplace.signatures(part.name)) is None for part in run.parts)
    if left:
        job = CorpusJob(run.recipe, run.output)
        phases.run("sign", left, lambda root: root | beam.Create([run.workplace.parts]) | SignParts(job))


def match(run: DedupRun, phases: Phases) -> str:
    """Find the stars; returns the folder that holds the settled ones. Raises BrokenRun if they never settle."""
    import apache_beam as beam

    from transforms.matching import FindStars, GoOn

    assert run.recipe.dedup is not None
    settings, record = run.recipe.dedup, run.workplace.path("match.json")
    if size_of(record) is not None:
        return run.workplace.stars(read_json(record)["passes"] - 1)
    partitions = key_partitions(sum(file.rows for file in run.signature_files), settings.bands)
    for passed in range(MOST_PASSES):
        folder, before = run.workplace.stars(passed), run.workplace.stars(passed - 1)
        remove_folder(folder)
        if passed == 0:
            step: Any = FindStars(settings, partitions, folder)
        else:
            step = GoOn(partitions, folder)
        start = run.workplace.signature_files if passed == 0 else before
        name = "match" if passed == 0 else f"match, pass {passed + 1}"
        phases.run(name, partitions, lambda root, start=start, step=step: root | beam.Create([start]) | step)
        found = [read_json(path) for path in list_files(folder, ".json")]
        if not sum(item["unsettled"] for item in found):
            write_json(record, {"passes": passed + 1, "edges": sum(item["edges"] for item in found)})
            return folder
    raise BrokenRun(f"the clusters of {run.output} do not settle after {MOST_PASSES} passes; this is a defect")


def choose(run: DedupRun, phases: Phases, stars: str) -> None:
    import apache_beam as beam

    from transforms.clusters import ChooseSurvivors

    assert run.recipe.dedup is not None
    record, keep = run.workplace.path("clusters.json"), run.recipe.dedup.keep
    if size_of(record) is not None:
        return
    for folder in (join(run.output, "clusters"), run.workplace.path("clusters"), run.workplace.path("decisions")):
        remove_folder(folder)
    partitions = cluster_partitions(sum(file.rows for file in run.signature_files))
    step = ChooseSurvivors(run.output, keep, partitions)
    phases.run("clusters", partitions, lambda root: root | beam.Create([stars]) | step)
    write_json(record, {"partitions": partitions})


def rewrite(run: DedupRun, phases: Phases) -> None:
    import apache_beam as beam

    from transforms.corpus_parts import CorpusJob, RewriteParts, is_finished

    left = sum(not is_finished(run.output, part.name) for part in run.parts)
    if left:
        job = CorpusJob(run.recipe, run.output, run.tokenizer)
        phases.run("rewrite", left, lambda root: root | beam.Create([run.workplace.parts]) | RewriteParts(job))


def audit(run: DedupRun, phases: Phases) -> None:
    """Prove from the files written that nothing is left to remove. Raises BrokenRun."""
    import apache_beam as beam

    from transforms.audit import AuditCorpus

    assert run.recipe.dedup is not None
    listed, report = run.workplace.path("audit.jsonl"), run.workplace.path("audit.json")
    with write_whole(listed) as out:
        out.write(to_lines(finished_signatures(run)))
    partitions = key_partitions(sum(file.rows for file in run.signature_files), run.recipe.dedup.bands)
    first_new = min((part.ordinal for part in run.parts), default=0)
    step = AuditCorpus(run.recipe.dedup, join(run.output, "clusters"), first_new, partitions, report)
    phases.run("audit", partitions, lambda root: root | beam.Create([listed]) | step)
    faults = read_json(report)
    if any(faults.values()):
        raise BrokenRun(
            f"{run.output}: {faults['repeated']} kept documents still have a duplicate and {faults['orphans']} removed "
            "ones have no survivor; this is a defect, please report it; nothing is declared finished"
        )


def finished_signatures(run: DedupRun) -> list[SignatureFile]:
    """Earlier corpora's signature files, and this run's as they lie in its output."""
    names = {part.ordinal: join(run.output, "signatures", f"{part.name}.parquet") for part in run.parts}
    return [file if file.earlier else replace(file, path=names[file.ordinal]) for file in run.signature_files]


def execute(
    run: DedupRun, workers: int, beam_args: list[str], guard: bool, begin: Callable[[str], None]
) -> dict[str, Any]:
    """Run what is left of the run, phase by phase, and finish it; returns the report."""
    started, phases = time.monotonic(), Phases(workers, beam_args, begin)
    if run.recipe.dedup is not None:
        sign(run, phases)
        choose(run, phases, match(run, phases))
        if guard:
            check_share(run)
    rewrite(run, phases)
    if run.recipe.dedup is not None:
        audit(run, phases)
    return finish(run, phases, workers, time.monotonic() - started)


def cluster_counts(run: DedupRun) -> dict[str, int]:
    records = [read_json(path) for path in list_files(run.workplace.path("clusters"), ".json")]
    return {name: sum(record[name] for record in records) for name in ("clusters", "removed", "exact", "earlier")}


def check_share(run: DedupRun) -> None:
    removed, most = cluster_counts(run)["removed"], run.recipe.max_removed
    if run.documents >= GUARDED_FROM and removed > most * run.documents:
        raise BrokenRun(
            f"{removed:,} of {run.documents:,} documents would be removed, more than the recipe's {most:.0%}; "
            f"look at {run.output}/clusters, then repeat the command with --no-guard if it is right"
        )


def finish(run: DedupRun, phases: Phases, workers: int, wall_s: float) -> dict[str, Any]:
    """Add up the parts, check the numbers, write card, reports and, last, the manifest. Returns the report."""
    from pipelines.corpus_card import card_of
    from pipelines.corpus_report import report_of, write_reports
    from transforms.corpus_parts import record_path

    records = [read_json(record_path(run.output, part.name)) for part in run.parts]
    tally, clusters = CorpusTally(), cluster_counts(run)
    for record in records:
        tally.merge(CorpusTally.from_json(record["tally"]))
    files = [FileEntry(**file) for record in records for file in record["files"]]
    for path in list_files(run.workplace.path("clusters"), ".json"):
        files += [FileEntry(**file) for file in read_json(path)["files"]]
    check(run, tally, clusters, files)
    manifest = manifest_of(run, tally, clusters, files)
    lineage = [lineage_of(item) for item in run.inputs]
    with write_whole(join(run.output, "README.md")) as file:
        file.write(card_of(manifest, tally, lineage).encode("utf-8", "replace"))
    run.place.remove_strays(("data", "clusters", "signatures", "pii"), {file.path for file in files})
    timings = [record["timings"] for record in records]
    timings += [read_json(path) for path in list_files(run.workplace.path("signed"), ".json")]
    report = report_of(manifest, tally, lineage, throughput_of(timings, phases, workers, wall_s, tally.read))
    write_reports(run.output, report)
    write_manifest(run.output, manifest)
    for folder in (run.workplace.path(), join(run.output, ".progress")):
        remove_folder(folder)
    remove(join(run.output, "failure.log"))
    return report


def check(run: DedupRun, tally: CorpusTally, clusters: dict[str, int], files: list[FileEntry]) -> None:
    removed = {"removed": tally.exact + tally.near, "exact": tally.exact, "earlier": tally.earlier}
    named = {name: clusters[name] for name in removed}
    rows = sum(file.rows for file in files if file.path.startswith("data/"))
    if not tally.adds_up() or tally.read != run.documents or removed != named or rows != tally.kept:
        raise BrokenRun(
            f"the documents of {run.output} do not add up: {run.documents} given, {tally.read} read, {tally.kept} kept "
            f"({rows} written), removed {removed} of {named}; this is a defect, please report it"
        )


def manifest_of(run: DedupRun, tally: CorpusTally, clusters: dict[str, int], files: list[FileEntry]) -> Manifest:
    return Manifest(
        stage=STAGE,
        settings=run.settings,
        versions=versions(),
        source=run.source,
        counts={
            "read": tally.read,
            "kept": tally.kept,
            "removed_exact": tally.exact,
            "removed_near": tally.near,
            "removed_earlier": tally.earlier,
            "clusters": clusters["clusters"],
            "tokens": tally.tokens if run.tokenizer is not None else None,
        },
        files=tuple(sorted(files, key=lambda file: file.path)),
        dataset_hash=hash_dataset(files),
    )


def versions() -> dict[str, str]:
    import importlib.metadata

    return curate_versions() | {"presidio-analyzer": importlib.metadata.version("presidio-analyzer")}


def lineage_of(item: Input) -> dict[str, Any]:
    report = join(item.path, "report.json")
    return {
        "path": item.path,
        "manifest": read_json(join(item.path, MANIFEST)),
        "report": read_json(report) if size_of(report) is not None else None,
    }


def throughput_of(
    timings: list[dict[str, float]], phases: Phases, workers: int, wall_s: float, documents: int
) -> dict[str, Any]:
    """What signing and rewriting the parts took, by their own clocks; the packed shuffles between count in wall_s."""
    cpu_s = sum(timing["cpu_s"] for timing in timings)
    return {
        "runner": phases.runner,
        "workers": workers,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "documents_per_s": documents / wall_s if wall_s else 0.0,
        "cpu_ms_per_document": 1000 * cpu_s / documents if documents else 0.0,
        "max_rss_mb": max((timing["max_rss_mb"] for timing in timings), default=0),
        "phases": phases.timings,
    }
