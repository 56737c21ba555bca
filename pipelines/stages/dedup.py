"""`bateia dedup`: from documents to a corpus without duplicates and personal data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pipelines.engine.output import StageOutput
from pipelines.engine.run import Phases
from pipelines.engine.tasks import TaskSummary, require_all
from pipelines.reports.corpus.outcome import DedupSummary, throughput_of
from pipelines.stages.curate import VERSIONED
from pipelines.stages.datasets import Input, source_of
from schemas.corpus_tally import CorpusTally
from schemas.faults import BadInput, BrokenRun
from schemas.manifest import FileEntry, Manifest, hash_dataset, versions, write_manifest
from schemas.storage import (
    absolute,
    join,
    list_files,
    read_json,
    remove,
    remove_folder,
    size_of,
    write_json,
    write_whole,
)
from schemas.wording import plural
from transforms.dedup.signatures import DedupWorkdir, SignatureFile
from transforms.documents import Part, columns_in, measures_in
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.recipe import CorpusRecipe
from transforms.steps.text.dictionaries import splitters_of
from transforms.units import PROGRESS, Records, Work, write_units

STAGE = "dedup"
OUTPUT_FOLDERS = ("data", "clusters", "signatures", "pii", "work", ".progress")
OUTPUT_FILES = ("README.md", "report.json", "report.html", "failure.log")
GUARDED_FROM = 200  # documents before the share removed means anything
KEY_ROW_BYTES = 16
LINES_EXPECTED = 15  # long lines of a document
PARTITION_BYTES = 64 << 20  # packed keys that one worker sorts at a time
MEMBERS_PER_PARTITION = 500_000  # a few hundred bytes each, if every document were in a cluster
MAX_PASSES = 8  # of ROUNDS rounds each; 5,000 documents in a chain need 2


@dataclass(frozen=True)
class DedupRun:
    """One run as asked for.

    earlier_texts: the files of earlier corpora whose texts are compared; empty if no text is.
    settings: all that the output's bytes depend on besides the input.
    """

    output: str
    name: str
    recipe: CorpusRecipe
    inputs: tuple[Input, ...]
    earlier: tuple[Input, ...]
    parts: tuple[Part, ...]
    signature_files: tuple[SignatureFile, ...]
    earlier_texts: tuple[Part, ...]
    tokenizer: str | None
    settings: dict[str, Any]

    @property
    def root(self) -> str:
        """The output as workers name it."""
        return absolute(self.output)

    @property
    def workdir(self) -> DedupWorkdir:
        return DedupWorkdir(self.root)

    @property
    def documents(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def cluster_partitions(self) -> int:
        return max(1, -(-sum(file.rows for file in self.signature_files) // MEMBERS_PER_PARTITION))

    @property
    def text_parts(self) -> tuple[Part, ...]:
        return (*self.earlier_texts, *self.parts)

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the quality values of all inputs. An input has the same in all its files: those of its recipe."""
        return tuple(dict.fromkeys(name for path in self._first_files for name in measures_in(path)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the optional columns of all inputs."""
        return tuple(dict.fromkeys(name for path in self._first_files for name in columns_in(path)))

    @property
    def _first_files(self) -> list[str]:
        return [join(item.path, item.data[0].path) for item in self.inputs if item.data]

    @property
    def source(self) -> list[dict[str, Any]]:
        """What was read, back to the WARC files, and what it was compared with."""
        read = [source_of(item) | {"source": item.manifest.source} for item in self.inputs]
        return read + [source_of(item) | {"role": "against"} for item in self.earlier]

    @property
    def directory(self) -> StageOutput:
        return StageOutput(self.output, STAGE, OUTPUT_FOLDERS, OUTPUT_FILES, self.settings, self.source)

    def is_finished(self) -> bool:
        return self.directory.is_finished()

    def finished_differences(self) -> list[tuple[str, Any, Any]]:
        return self.directory.finished_differences()

    def prepare(self, overwrite: bool) -> None:
        for step in self.recipe.steps():
            try:
                step.setup()
            except ValueError as error:  # an absent model, an unknown type
                raise BadInput(f"recipe '{self.name}': {error}") from error
        self.directory.prepare(overwrite)
        write_units(self.workdir.parts, self.parts)
        write_units(self.workdir.signature_files, self.signature_files)
        write_units(self.workdir.text_parts, self.text_parts)

    def progress_summary(self) -> str:
        names = [part.name for part in self.parts]
        signed, written = (len(of.finished(names)) for of in (self.workdir.signing, self.workdir.rewriting))
        return f"of {len(names)} parts {signed} are signed and {written} written"

    def execute(self, phases: Phases) -> DedupSummary:
        """Run what is left of the run, phase by phase, and finish it. Raises BrokenRun."""
        if self.recipe.dedup is not None:
            sign(self, phases)
            decide(self, phases)
        rewrite(self, phases)
        if self.recipe.dedup is not None:
            audit(self, phases)
        return finish(self, phases)

    @property
    def is_matched(self) -> bool:
        """Whether it is known which documents are kept."""
        return self.recipe.dedup is None or size_of(self.workdir.path("clusters.json")) is not None

    def execute_task(self, phases: Phases) -> TaskSummary:
        """Sign a task's parts or, once their documents are matched, write them."""
        (rewrite if self.is_matched else sign)(self, phases)
        then = "--finish ends the run" if self.is_matched else "--finish matches them, and these tasks write the corpus"
        return TaskSummary(f"{self.progress_summary()} in {self.output}; when all are, the same command with {then}")

    def execute_finish(self, phases: Phases) -> DedupSummary | TaskSummary:
        """Match what tasks have signed or, once tasks have written the corpus, audit it and write the manifest.

        Texts that are to be compared are read here, by the workers of this command.
        """
        names = [part.name for part in self.parts]
        if not self.is_matched:
            require_all(self.workdir.signing, names, "signed")
            decide(self, phases)
            return TaskSummary(f"matched; run the same tasks again to write {self.output}, then --finish")
        require_all(self.workdir.rewriting, names, "written")
        if self.recipe.dedup is not None:
            audit(self, phases)
        return finish(self, phases)


def run_parts(phases: Phases, name: str, work: Work, records: Records, parts: tuple[Part, ...], listed: str) -> None:
    """A phase that goes through documents part by part, if any is left of it. listed: path of their list."""
    sizes = [(part.name, part.rows) for part in parts]
    done = records.finished(part.name for part in parts)
    phases.run_units(name, listed, work, records, sizes, "document", done=done)


def key_partitions(documents: int, dedup: Deduplicate) -> int:
    keys = 1 + dedup.bands + (LINES_EXPECTED if dedup.with_lines else 0)
    return max(1, -(-documents * keys * KEY_ROW_BYTES // PARTITION_BYTES))


def sign(run: DedupRun, phases: Phases) -> None:
    from transforms.dedup.corpus import SignDocuments

    work = SignDocuments(run.recipe, run.root)
    run_parts(phases, "sign", work, run.workdir.signing, run.parts, run.workdir.parts)


def decide(run: DedupRun, phases: Phases) -> None:
    """From signatures to which documents are kept. Raises BrokenRun, also if the guard finds too few."""
    assert run.recipe.dedup is not None
    stars = match(run, phases)
    if run.recipe.dedup.verified:
        read_texts(run, phases, stars)
    choose(run, phases, stars)
    if phases.execution.guard:
        check_share(run)


def match(run: DedupRun, phases: Phases) -> str:
    """Connect documents that share a key; returns the folder of the star graphs.

    Raises BrokenRun if they never converge, or if the runner lost any of it.
    """
    import apache_beam as beam

    from transforms.dedup.components import LINKS, MatchDocuments, RunMoreRounds, key_shuffles, star_files

    assert run.recipe.dedup is not None
    settings, record = run.recipe.dedup, run.workdir.path("match.json")
    if size_of(record) is not None:
        return run.workdir.stars(read_json(record)["passes"] - 1)
    partitions = key_partitions(sum(file.rows for file in run.signature_files), settings)
    for passes in range(MAX_PASSES):
        folder, before, counts = run.workdir.stars(passes), run.workdir.stars(passes - 1), run.workdir.counts("match")
        remove_folder(folder)
        if passes == 0:
            step: Any = MatchDocuments(settings, partitions, folder, counts)
            start = run.workdir.signature_files
            elements = dict.fromkeys(key_shuffles(settings), len(run.signature_files))
        else:
            step = RunMoreRounds(partitions, folder, counts)
            start, elements = before, {LINKS: len(star_files(before))}
        name = "match" if passes == 0 else f"match, pass {passes + 1}"
        wired: Any = beam.Create([start])
        phases.run_shuffle(name, partitions, lambda root, wired=wired, step=step: root | wired | step, counts, elements)
        records = [read_json(path) for path in list_files(folder, ".json")]
        if not sum(item["not_converged"] for item in records):
            write_json(record, {"passes": passes + 1, "edges": sum(item["edges"] for item in records)})
            return folder
    raise BrokenRun(f"the clusters of {run.output} do not converge in {MAX_PASSES} passes; this is a defect")


def read_texts(run: DedupRun, phases: Phases, stars: str) -> None:
    """Write, part by part, the runs of words of the documents that are to be compared. Raises BrokenRun."""
    from transforms.dedup.runs import WriteRuns
    from transforms.dedup.survivors import ListTexts

    assert run.recipe.dedup is not None
    record, partitions = run.workdir.path("to_compare.json"), run.cluster_partitions
    if size_of(record) is None:
        remove_folder(run.workdir.path("to_compare"))
        path = run.workdir.counts("texts")
        run_members(run, phases, "list texts", stars, ListTexts(run.root, run.recipe.dedup, partitions, path), path)
        write_json(record, {"partitions": partitions})
    work = WriteRuns(run.recipe, run.root, partitions)
    run_parts(phases, "read texts", work, run.workdir.comparing, run.text_parts, run.workdir.text_parts)


def choose(run: DedupRun, phases: Phases, stars: str) -> None:
    from transforms.dedup.survivors import ChooseSurvivors

    assert run.recipe.dedup is not None
    record, partitions, path = run.workdir.path("clusters.json"), run.cluster_partitions, run.workdir.counts("clusters")
    if size_of(record) is not None:
        return
    for folder in (join(run.output, "clusters"), run.workdir.path("clusters"), run.workdir.path("decisions")):
        remove_folder(folder)
    step = ChooseSurvivors(run.root, run.recipe.dedup, partitions, path)
    run_members(run, phases, "clusters", stars, step, path)
    write_json(record, {"partitions": partitions})


def run_members(run: DedupRun, phases: Phases, name: str, stars: str, step: Any, path: str) -> None:
    """A phase that describes the members of all clusters. path: of what it counts. Raises BrokenRun if any is lost."""
    import apache_beam as beam

    from transforms.dedup.components import star_files
    from transforms.dedup.survivors import MEMBERS, ROOTS, STARS
    from transforms.packed import RECEIVED

    elements = {STARS: len(star_files(stars))}
    counts = phases.run_shuffle(
        name, run.cluster_partitions, lambda root: root | beam.Create([stars]) | step, path, elements
    )
    # Every edge leads from another document to its cluster's root.
    edges, roots = read_json(run.workdir.path("match.json"))["edges"], counts.get(ROOTS, 0)
    if (members := counts.get(f"{MEMBERS}.{RECEIVED}", 0)) != edges + roots:
        raise BrokenRun(
            f"the clusters of {run.output} do not add up: {edges:,} documents linked to {roots:,} others, "
            f"{members:,} described; the runner lost some, or this is a defect"
        )


def rewrite(run: DedupRun, phases: Phases) -> None:
    from transforms.dedup.corpus import RewriteDocuments

    tokenizer = run.tokenizer and absolute(run.tokenizer)
    work = RewriteDocuments(run.recipe, run.root, tokenizer, run.measures, run.columns)
    run_parts(phases, "rewrite", work, run.workdir.rewriting, run.parts, run.workdir.parts)


def audit(run: DedupRun, phases: Phases) -> None:
    """Prove from the files written that nothing is left to remove. Raises BrokenRun."""
    import apache_beam as beam

    from transforms.dedup.audit import CLAIMS, KEYS, MATES, ORPHANS, REPEATED, AuditCorpus

    assert run.recipe.dedup is not None
    listed, report = run.workdir.path("audit.jsonl"), run.workdir.counts("audit")
    signed, lists = finished_signatures(run), list_files(join(run.output, "clusters"))
    write_units(listed, signed)
    partitions = key_partitions(sum(file.rows for file in run.signature_files), run.recipe.dedup)
    first_new = min((part.ordinal for part in run.parts), default=0)
    step = AuditCorpus(run.recipe.dedup, run.root, first_new, partitions, report)
    elements = {KEYS: len(signed), MATES: len(signed), CLAIMS: len(lists)}
    counts = phases.run_shuffle("audit", partitions, lambda root: root | beam.Create([listed]) | step, report, elements)
    repeated, orphans = counts.get(REPEATED, 0), counts.get(ORPHANS, 0)
    if repeated or orphans:
        raise BrokenRun(
            f"{run.output}: {repeated:,} kept documents still have a duplicate and {orphans:,} removed "
            "ones have no survivor; this is a defect, please report it; nothing is declared finished"
        )


def finished_signatures(run: DedupRun) -> list[SignatureFile]:
    """Signature files of the earlier corpora, and those that this run has written to its output."""
    names = {part.ordinal: join(run.root, "signatures", f"{part.name}.parquet") for part in run.parts}
    return [file if file.earlier else replace(file, path=names[file.ordinal]) for file in run.signature_files]


def cluster_counts(run: DedupRun) -> dict[str, int]:
    records = [read_json(path) for path in list_files(run.workdir.path("clusters"), ".json")]
    return {
        name: sum(record[name] for record in records) for name in ("clusters", "removed", "exact", "earlier", "unlike")
    }


def check_share(run: DedupRun) -> None:
    removed, most = cluster_counts(run)["removed"], run.recipe.max_removed
    if run.documents >= GUARDED_FROM and removed > most * run.documents:
        raise BrokenRun(
            f"{removed:,} of {plural(run.documents, 'document')} would be removed, more than the recipe's {most:.0%}; "
            f"look at {run.output}/clusters, then repeat the command with --no-guard if it is right"
        )


def finish(run: DedupRun, phases: Phases) -> DedupSummary:
    """Add up the parts, check the numbers, write card, reports and, last, the manifest."""
    from pipelines.reports.corpus.card import make_card
    from pipelines.reports.corpus.report import make_report, render_page
    from pipelines.reports.corpus.summary import CorpusSummary, read_origin
    from pipelines.reports.render import write_report

    records = [run.workdir.rewriting.read(part.name) for part in run.parts]
    tally, clusters = CorpusTally(), cluster_counts(run)
    for record in records:
        tally.merge(CorpusTally.from_json(record["tally"]))
    files = [FileEntry(**file) for record in records for file in record["files"]]
    for path in list_files(run.workdir.path("clusters"), ".json"):
        files += [FileEntry(**file) for file in read_json(path)["files"]]
    check(run, tally, clusters, files)
    if run.recipe.dedup is not None:
        check_audited(run, tally)
    manifest = manifest_of(run, tally, clusters, files)
    origins = [read_origin(item.path, item.manifest) for item in run.inputs]
    summary = CorpusSummary(manifest, tally, origins, run.measures, run.columns)
    with write_whole(join(run.output, "README.md")) as file:
        file.write(make_card(summary).encode("utf-8", "replace"))
    run.directory.remove_strays(("data", "clusters", "signatures", "pii"), {file.path for file in files})
    signed = [run.workdir.signing.read(name) for name in run.workdir.signing.listed()]
    timings = [record["timings"] for record in (*records, *signed)]
    report = make_report(summary, throughput_of(timings, phases.stats, tally.read))
    write_report(run.output, report, render_page(report))
    write_manifest(run.output, manifest)
    for folder in (run.workdir.path(), join(run.output, PROGRESS)):
        remove_folder(folder)
    remove(join(run.output, "failure.log"))
    return DedupSummary(run.output, report, tuple(summary.emptied_hosts))


def check(run: DedupRun, tally: CorpusTally, clusters: dict[str, int], files: list[FileEntry]) -> None:
    removed = {"removed": tally.exact + tally.near, "exact": tally.exact, "earlier": tally.earlier}
    named = {name: clusters[name] for name in removed}
    rows = sum(file.rows for file in files if file.path.startswith("data/"))
    if not tally.adds_up() or tally.read != run.documents or removed != named or rows != tally.kept:
        raise BrokenRun(
            f"the documents of {run.output} do not add up: {run.documents} given, {tally.read} read, {tally.kept} kept "
            f"({rows} written), removed {removed} of {named}; this is a defect, please report it"
        )


def check_audited(run: DedupRun, tally: CorpusTally) -> None:
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


def manifest_of(run: DedupRun, tally: CorpusTally, clusters: dict[str, int], files: list[FileEntry]) -> Manifest:
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
        files=tuple(sorted(files, key=lambda file: file.path)),
        dataset_hash=hash_dataset(files),
    )
