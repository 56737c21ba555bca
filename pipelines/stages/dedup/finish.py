"""The end of a deduplication: parts added up, numbers held against each other, card, report and manifest written."""

from __future__ import annotations

from pipelines.engine.output import damaged_files
from pipelines.engine.run import Phases
from pipelines.reports.corpus.outcome import DedupSummary, throughput_of
from pipelines.stages.curate.job import VERSIONED
from pipelines.stages.dedup.job import STAGE, DedupJob
from pipelines.stages.part_totals import add_up
from schemas.corpus_tally import CorpusTally
from schemas.faults import BrokenRun
from schemas.manifest import FileEntry, Manifest, hash_dataset, sorted_files, versions, write_manifest
from schemas.storage import join, list_files, read_json, remove, remove_folder, write_whole
from schemas.wording import plural
from transforms.steps.text.dictionaries import splitters_of
from transforms.units import PROGRESS

TABLES = ("data", "clusters", "signatures", "pii")
GUARDED_FROM = 200  # documents before the share removed means anything


def cluster_counts(run: DedupJob) -> dict[str, int]:
    records = [read_json(path) for path in list_files(run.workdir.path("clusters"), ".json")]
    return {
        name: sum(record[name] for record in records) for name in ("clusters", "removed", "exact", "earlier", "unlike")
    }


def check_share(run: DedupJob) -> None:
    removed, most = cluster_counts(run)["removed"], run.recipe.max_removed
    if run.documents >= GUARDED_FROM and removed > most * run.documents:
        raise BrokenRun(
            f"{removed:,} of {plural(run.documents, 'document')} would be removed, more than the recipe's {most:.0%}; "
            f"look at {run.output}/clusters, then repeat the command with --no-guard if it is right"
        )


def finish(run: DedupJob, phases: Phases) -> DedupSummary:
    """Add up the parts, check the numbers, write card, reports and, last, the manifest."""
    from pipelines.reports.corpus.card import make_card
    from pipelines.reports.corpus.report import make_report, render_page
    from pipelines.reports.corpus.summary import CorpusSummary, read_origin
    from pipelines.reports.render import write_report

    totals = add_up(CorpusTally(), run.workdir.rewriting, [part.name for part in run.parts], phases)
    tally, clusters, files = totals.tally, cluster_counts(run), list(totals.files)
    for path in list_files(run.workdir.path("clusters"), ".json"):
        files += [FileEntry(**file) for file in read_json(path)["files"]]
    check(run, tally, clusters, files)
    there = run.directory.sizes(TABLES)
    if any(path.startswith("clusters/") for path in damaged_files(files, there)):
        remove(run.workdir.path("clusters.json"))
    run.directory.refuse_damaged(run.workdir.rewriting, files, there)
    if run.recipe.dedup is not None:
        check_audited(run, tally)
    manifest = manifest_of(run, tally, clusters, files)
    origins = [read_origin(item.path, item.manifest) for item in run.inputs]
    summary = CorpusSummary(manifest, tally, origins, run.measures, run.columns)
    with write_whole(join(run.output, "README.md")) as file:
        file.write(make_card(summary).encode("utf-8", "replace"))
    run.directory.remove_strays(TABLES, {file.path for file in files}, there)
    signed = [run.workdir.signing.read(name)["timings"] for name in run.workdir.signing.listed()]
    timings = [totals.timings, *signed]
    report = make_report(summary, throughput_of(timings, phases.stats, tally.read))
    write_report(run.output, report, render_page(report))
    write_manifest(run.output, manifest)
    for folder in (run.workdir.path(), join(run.output, PROGRESS)):
        remove_folder(folder)
    remove(join(run.output, "failure.log"))
    return DedupSummary(run.output, report, tuple(summary.emptied_hosts))


def check(run: DedupJob, tally: CorpusTally, clusters: dict[str, int], files: list[FileEntry]) -> None:
    removed = {"removed": tally.exact + tally.near, "exact": tally.exact, "earlier": tally.earlier}
    named = {name: clusters[name] for name in removed}
    rows = sum(file.rows for file in files if file.path.startswith("data/"))
    if not tally.adds_up() or tally.read != run.documents or removed != named or rows != tally.kept:
        raise BrokenRun(
            f"the documents of {run.output} do not add up: {run.documents} given, {tally.read} read, {tally.kept} kept "
            f"({rows} written), removed {removed} of {named}; this is a defect, please report it"
        )


def check_audited(run: DedupJob, tally: CorpusTally) -> None:
    """Raise BrokenRun unless the audit has seen every document that is kept, and every one that was removed."""
    from transforms.dedup.audit import CLAIMS, MATES
    from transforms.packed import RECEIVED

    counts = read_json(run.workdir.counts("audit"))
    kept, removed = (counts.get(f"{label}.{RECEIVED}", 0) for label in (MATES, CLAIMS))
    earlier = sum(item.manifest.counts["kept"] for item in run.earlier)
    if kept != tally.kept + earlier or removed != tally.exact + tally.near:
        raise BrokenRun(
            f"the audit of {run.output} has seen {kept:,} of {tally.kept + earlier:,} documents kept and {removed:,} "
            f"of {tally.exact + tally.near:,} removed; the runner lost some, or this is a defect; nothing is declared "
            "finished"
        )


def manifest_of(run: DedupJob, tally: CorpusTally, clusters: dict[str, int], files: list[FileEntry]) -> Manifest:
    """The manifest of a finished corpus: settings, versions, source, counts, files and their hash."""
    return Manifest(
        stage=STAGE,
        settings=run.settings,
        versions=versions(
            (*VERSIONED, "presidio-analyzer", *splitters_of(sorted({part.language for part in run.parts})))
        ),
        source=run.source,
        counts={
            "read": tally.read,
            "kept": tally.kept,
            "removed_exact": tally.exact,
            "removed_near": tally.near,
            "removed_earlier": tally.earlier,
            "clusters": clusters["clusters"],
            "tokens": tally.tokens if run.tokenizer is not None else None,
            **({"unlike": clusters["unlike"]} if run.recipe.dedup is not None and run.recipe.dedup.verified else {}),
        },
        files=sorted_files(files),
        dataset_hash=hash_dataset(files),
    )
