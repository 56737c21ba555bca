"""`bateia dedup`: from documents to a corpus without duplicates and personal data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pipelines.engine.run import Phases
from pipelines.engine.tasks import TaskSummary, require_all
from pipelines.reports.corpus.outcome import DedupSummary
from pipelines.stages.dedup.finish import check_share, finish
from pipelines.stages.dedup.job import DedupJob
from pipelines.stages.tokenizers.given import files_of
from schemas.faults import BadInput, BrokenRun
from schemas.storage import (
    join,
    list_files,
    read_json,
    remove_folder,
    size_of,
    write_json,
    write_whole,
)
from transforms.dedup.signatures import SignatureFile
from transforms.documents import Part, kept_in
from transforms.steps.dedup.settings import Deduplicate
from transforms.units import Records, Work, write_units

KEY_ROW_BYTES = 16
LINES_EXPECTED = 15  # long lines of a document
PARTITION_BYTES = 64 << 20  # packed keys that one worker sorts at a time
MEMBERS_PER_PARTITION = 500_000  # a few hundred bytes each, if every document were in a cluster
MAX_PASSES = 8  # of ROUNDS rounds each; 5,000 documents in a chain need 2


@dataclass(frozen=True)
class DedupRun(DedupJob):
    """One run as asked for, phase by phase."""

    @property
    def cluster_partitions(self) -> int:
        return max(1, -(-sum(file.rows for file in self.signature_files) // MEMBERS_PER_PARTITION))

    def is_finished(self) -> bool:
        return self.directory.is_finished()

    def finished_differences(self) -> list[tuple[str, Any, Any]]:
        return self.directory.finished_differences()

    def prepare(self, overwrite: bool) -> None:
        """Set up every step once, to be told what is absent before any work; then empty the folder, list units.

        Raises BadInput for what a step lacks, or an output that is another run's.
        """
        for step in self.recipe.steps():
            try:
                step.setup()
            except ValueError as error:  # an absent model, an unknown type
                raise BadInput(f"recipe '{self.name}': {error}") from error
        self.directory.prepare(overwrite)
        write_units(self.workdir.parts, self.parts)
        write_units(self.workdir.signature_files, self.signature_files)
        write_units(self.workdir.text_parts, self.text_parts)
        if self.tokenizer is not None:  # beside the output, where workers can read it
            for name, data in files_of(self.tokenizer).items():
                with write_whole(join(self.workdir.path("tokenizer"), name)) as file:
                    file.write(data)

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
            require_all(self.workdir.signing.finished(names), names, "signed")
            decide(self, phases)
            return TaskSummary(f"matched; run the same tasks again to write {self.output}, then --finish")
        require_all(self.workdir.rewriting.finished(names), names, "written")
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

    tokenizer = run.tokenizer and run.workdir.path("tokenizer")
    work = RewriteDocuments(run.recipe, run.root, tokenizer, run.measures, run.columns, kept_in(run.first_files))
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
