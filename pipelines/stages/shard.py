"""`bateia shard`: documents in, token shards and the plan of a training out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.engine.output import StageOutput
from pipelines.engine.run import Phases, RunStats
from pipelines.engine.tasks import TaskSummary, require_all
from pipelines.reports.records import Phase
from pipelines.reports.render import encode as encode_report
from pipelines.reports.render import write_report
from pipelines.reports.shards import ShardsReport, Throughput, make_report, plan_of, render_page
from pipelines.stages.datasets import Input, overlap, read_inputs, source_of
from pipelines.stages.part_totals import PartTotals, in_groups
from pipelines.stages.plan import make_plan, plan_line, say_cautions
from pipelines.stages.tokenizers.given import (
    LENGTHS,
    GivenTokenizer,
    entries_of,
    json_sha256,
    load_given_tokenizer,
    provide_tokenizer,
)
from pipelines.stages.tokenizers.training import TokenizerRun
from schemas.faults import BadInput, BrokenRun
from schemas.manifest import FileEntry, Manifest, hash_dataset, sorted_files, versions, write_manifest
from schemas.shards.documents import documents_in_rows
from schemas.shards.layout import SHARD_STAGE, SPLITS, TRAIN, VAL, PlanInfo, ShardsInfo, read_plan, shards_info
from schemas.shards.plans import train_rows
from schemas.storage import absolute, join, remove, remove_folder, size_of
from schemas.tally import MERGED_HOSTS
from schemas.wording import command_line, plural
from transforms.documents import Part
from transforms.encode import NUMBERS, EncodeDocuments, ShardTally, encoding, read_tokenizer
from transforms.steps.tokens.encode import special_token_ids
from transforms.steps.tokens.settings import PlanSettings, Split, TrainTokenizer
from transforms.steps.tokens.tokenizer import Tokenizer
from transforms.units import PROGRESS, Records, write_units

OUTPUT_FOLDERS = ("tokenizer", TRAIN, VAL, "plan", "work", ".progress", ".urls", "tombstones")
OUTPUT_FILES = ("report.json", "report.html", "failure.log")
MAX_DOMAINS = 20  # slices of val/ by host
MIN_DOMAIN_DOCUMENTS = 5
VERSIONED = ("bateia", "numpy", "pyarrow", "sentencepiece", "tiktoken", "tokenizers")
SHOWN_ROWS = 16  # of the plan, in the report's picture


@dataclass(frozen=True)
class ShardRun:
    """One run as asked for.

    own: the tokenizer given, or None.
    training: how one is trained if none is given.
    """

    output: str
    inputs: tuple[Input, ...]
    parts: tuple[Part, ...]
    own: GivenTokenizer | None
    training: TokenizerRun
    bos_token: str | None
    split: Split
    plan: PlanSettings

    @property
    def records(self) -> Records:
        return encoding(self.output)

    @property
    def documents(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def source(self) -> list[dict[str, Any]]:
        return [source_of(item) for item in self.inputs]

    @property
    def settings(self) -> dict[str, Any]:
        """All that the bytes of tokens depend on besides the input, and the first plan's settings."""
        return {
            "tokenizer": self.own.settings if self.own is not None else self.training.settings,
            "bos_token": self.bos_token,
            "split": self.split.settings,
            "plan": self.plan.settings,
        }

    @property
    def directory(self) -> StageOutput:
        return StageOutput(self.output, SHARD_STAGE, OUTPUT_FOLDERS, OUTPUT_FILES, self.settings, self.source)

    @property
    def parts_path(self) -> str:
        return join(self.output, "work", "parts.jsonl")

    def is_finished(self) -> bool:
        return self.directory.is_finished()

    def finished_differences(self) -> list[tuple[str, Any, Any]]:
        return self.directory.finished_differences()

    def prepare(self, overwrite: bool) -> None:
        self.directory.prepare(overwrite)
        write_units(self.parts_path, self.parts)

    def progress_summary(self) -> str:
        done = self.records.finished(part.name for part in self.parts)
        encoded = f"{len(done)} of {len(self.parts)} files are encoded"
        trained = self.own is not None or self.training.is_finished()
        return encoded if trained else f"{self.training.progress_summary()} and {encoded}"

    def execute(self, phases: Phases) -> ShardSummary:
        """Run what is left of the run, phase by phase, and finish it. Raises BrokenRun."""
        self.provide_tokenizer(phases)
        encode(self, self.encoding_work(), phases)
        return self.finish(phases)

    def execute_task(self, phases: Phases) -> TaskSummary:
        if not self.has_tokenizer:
            raise BadInput(
                f"{self.output} has no tokenizer yet, which tasks share; begin with --finish instead of --part"
            )
        encode(self, self.encoding_work(), phases)
        return TaskSummary(f"{self.progress_summary()} in {self.output}; when all are, --finish makes the plan")

    def execute_finish(self, phases: Phases) -> ShardSummary | TaskSummary:
        if not self.has_tokenizer:
            self.provide_tokenizer(phases)
            return TaskSummary(f"the tokenizer is in {self.folder}; now run the tasks, then --finish once more")
        names = [part.name for part in self.parts]
        require_all(self.records.finished(names), names, "encoded")
        return self.finish(phases)

    @property
    def folder(self) -> str:
        """The tokenizer's."""
        return join(self.output, "tokenizer")

    @property
    def has_tokenizer(self) -> bool:
        """Whether the tokenizer is in its folder; of one's own, the last file that is written is there."""
        return self.training.is_finished() if self.own is None else size_of(join(self.folder, LENGTHS)) is not None

    def provide_tokenizer(self, phases: Phases) -> None:
        """Raises BadInput or BrokenRun, with nothing left behind."""
        try:
            provide_tokenizer(self.folder, self.own, self.training, self.inputs, phases)
        except (BadInput, BrokenRun):  # nothing was encoded yet: leave the folder free for another command
            self.directory.clear()
            raise

    @property
    def tokenizer(self) -> Tokenizer:
        return self.own.tokenizer if self.own is not None else read_tokenizer(self.folder)

    def encoding_work(self) -> EncodeDocuments:
        special_tokens = special_token_ids(self.tokenizer, self.bos_token)
        return EncodeDocuments(absolute(self.output), absolute(self.folder), special_tokens, self.split)

    def finish(self, phases: Phases) -> ShardSummary:
        """Add up what is encoded, then plan, report and manifest."""
        tokenizer = self.tokenizer
        special_tokens = special_token_ids(tokenizer, self.bos_token)
        totals, hosts = add_up_shards(self, phases)
        files, counts = totals.files, counts_of(totals.tally, hosts)
        check(self, counts, files)
        self.directory.refuse_damaged(self.records, files, self.directory.sizes(SPLITS))
        tokens = {
            "dtype": tokenizer.dtype.name,
            "vocab_size": tokenizer.size,
            "bos_id": special_tokens.bos,
            "eos_id": special_tokens.eos,
            "pad_id": special_tokens.pad,
            "tokenizer_sha256": json_sha256(self.folder),
            "layout_hash": hash_dataset(files),
        }
        return finish(self, phases, tokens, counts, totals)


NOTHING_VALIDATES = (
    "no document validates, so training can't measure what a model has learnt; "
    "for some, give a larger --val-fraction, another --seed or more documents"
)


@dataclass(frozen=True)
class ShardSummary:
    """The result of a run: its report."""

    output: str
    report: ShardsReport

    def lines(self) -> list[str]:
        counts, pace, plan = self.report.counts, self.report.throughput, self.report.plan
        train, val = counts.train, counts.val
        whole = train + val
        asked = ("explain-batch", "--shards", self.output, "--plan", plan.name, "--step", 0, "--batch-size", 16)
        return [
            f"{plural(whole.documents, 'document')} = {train.documents:,} to train ({plural(train.tokens, 'token')}) + "
            f"{val.documents:,} to validate ({val.tokens:,}); {whole.bytes_per_token or 0:.2f} bytes a token",
            *([NOTHING_VALIDATES] if not val.documents else []),
            plan_line(plan.name, encode_report(plan), plan.context),
            f"shards {self.report.dataset_hash[:16]}…  {pace.tokens_per_cpu_s:,.0f} tokens a CPU second, "
            f"{pace.wall_s:.0f} s",
            f"look at {self.output}/report.html; ask {command_line(*asked)}",
        ]


def plan_shards(
    output: str,
    inputs: list[str],
    training: TrainTokenizer,
    split: Split,
    plan: PlanSettings,
    tokenizer: str | None = None,
    bos_token: str | None = None,
) -> ShardRun:
    """A run on finished documents or corpora.

    training: how a tokenizer is trained on them, unless one's own is given.
    tokenizer: path of one's own, or None.
    bos_token: name of its special token that begins documents; None for one that is known to.

    Raises BadInput for inputs that are unfinished or changed, and a tokenizer without a token that begins documents.
    """
    own = load_given_tokenizer(tokenizer, training.vocab_size) if tokenizer is not None else None
    for given in inputs:
        if overlap(given, output):
            raise BadInput(
                f"output {output} overlaps the input {given}, which it would replace; choose another --output"
            )
    documents = tuple(read_inputs(inputs))
    files = [(item, file) for item in documents for file in item.data]
    if not files:
        raise BadInput(f"{', '.join(inputs)}: there are no documents to cut into shards")
    parts = tuple(
        Part(number, f"{number:05}", (join(absolute(item.path), file.path),), file.rows)
        for number, (item, file) in enumerate(files)
    )
    languages = {file.path.split("/")[1] for _, file in files}
    if plan.by == "language" and (unknown := sorted(set(dict(plan.mixture or ())) - languages)):
        raise BadInput(
            f"--mixture: there are no documents in {', '.join(unknown)}; there are {', '.join(sorted(languages))}"
        )
    if own is not None:
        special_token_ids(own.tokenizer, bos_token)
    folder = join(output.rstrip("/"), "tokenizer")
    return ShardRun(
        output.rstrip("/"), documents, parts, own, TokenizerRun(folder, documents, training), bos_token, split, plan
    )


def encode(run: ShardRun, work: EncodeDocuments, phases: Phases) -> None:
    sizes = [(part.name, part.rows) for part in run.parts]
    done = run.records.finished(part.name for part in run.parts)
    phases.run_units("encode", run.parts_path, work, run.records, sizes, "document", done=done)


def add_up_shards(run: ShardRun, phases: Phases) -> tuple[PartTotals[ShardTally], dict[str, dict[str, int]]]:
    """Totals of all parts, and documents, tokens and bytes of the hosts that may be slices of val/.

    Of very many hosts those with few documents are left out on the way; the counts of the others are then added up
    once more, so that they are whole.
    """
    names = [part.name for part in run.parts]
    groups = in_groups(ShardTally, run.records, names, phases)
    totals: PartTotals[ShardTally] = PartTotals(ShardTally.of_none())
    for group in groups():
        totals.merge(group)
        totals.tally.leave_out_hosts(MERGED_HOSTS)
    hosts = dict(most_documents(totals.tally.val["hosts"]))
    if totals.tally.left_out:
        hosts = {host: dict.fromkeys(NUMBERS, 0) for host in hosts}
        for group in groups():
            for host, row in hosts.items():
                more = group.tally.val["hosts"].get(host, {})
                row.update({name: count + more.get(name, 0) for name, count in row.items()})
    return totals, hosts


def most_documents(hosts: dict[str, dict[str, int]]) -> list[tuple[str, dict[str, int]]]:
    return sorted(hosts.items(), key=lambda item: (-item[1]["documents"], item[0]))[:MAX_DOMAINS]


def counts_of(tally: ShardTally, hosts: dict[str, dict[str, int]]) -> dict[str, Any]:
    """By split: documents, tokens (BOS included), bytes of text, and the same by language and dump; slices of val/."""
    counts: dict[str, Any] = {}
    for split, of_split in ((TRAIN, tally.train), (VAL, tally.val)):
        languages, dumps = (dict(sorted(of_split[name].items())) for name in ("languages", "dumps"))
        counts[split] = {**total(languages), "languages": languages, "dumps": dumps, "lengths": of_split["lengths"]}
    counts["slices"] = slices_of(counts[VAL], hosts)
    return counts


def total(table: dict[str, dict[str, int]]) -> dict[str, int]:
    return {name: sum(row[name] for row in table.values()) for name in NUMBERS}


def slices_of(val: dict[str, Any], hosts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Named parts of val/: all of it, each language, and the hosts with the most documents."""
    if not val["documents"]:
        return {}
    slices = {"all": {name: val[name] for name in NUMBERS}}
    slices |= {f"language-{name}": row for name, row in val["languages"].items()}
    return slices | {f"domain-{host}": row for host, row in most_documents(hosts) if can_be_slice(host, row)}


def can_be_slice(host: str, row: dict[str, int]) -> bool:
    """Whether a host becomes a slice; its name becomes a file's, so nothing but a plain one does."""
    plain = host.replace("-", "").replace(".", "").isalnum() and host.isascii() and ".." not in host
    return plain and row["documents"] >= MIN_DOMAIN_DOCUMENTS


def check(run: ShardRun, counts: dict[str, Any], files: list[FileEntry]) -> None:
    """Raises BrokenRun if the numbers don't add up, or nothing is there to train on."""
    documents = sum(counts[split]["documents"] for split in SPLITS)
    rows = sum(file.rows for file in files if file.path.endswith(".parquet"))
    if not run.documents == documents == rows:
        raise BrokenRun(
            f"the documents of {run.output} do not add up: {run.documents} given, {documents} encoded, {rows} written; "
            "this is a defect, please report it"
        )
    if not counts[TRAIN]["documents"]:
        raise BrokenRun(
            f"all {plural(documents, 'document')} of {run.output} validate and none trains; lower --val-fraction"
        )


def finish(
    run: ShardRun,
    phases: Phases,
    tokens: dict[str, Any],
    counts: dict[str, Any],
    totals: PartTotals[ShardTally],
) -> ShardSummary:
    """Plan, report and, last, the manifest."""
    files = totals.files
    entries = sorted_files([*entries_of(run.output), *files])
    settings = run.settings | {"tokens": tokens}
    manifest = Manifest(SHARD_STAGE, settings, versions(VERSIONED), run.source, counts, entries, hash_dataset(entries))
    run.directory.remove_strays(SPLITS, {file.path for file in files})
    shards = shards_info(run.output, manifest)
    say_cautions(shards, files, run.plan, phases)
    plan = make_plan(shards, files, run.plan, phases)
    report = make_report(
        manifest,
        tokenizer_name(run),
        plan_of(run.plan.settings, plan, first_rows(shards, read_plan(shards, run.plan.name))),
        throughput_of(totals, phases.stats, counts),
    )
    write_report(run.output, report, render_page(report))
    write_manifest(run.output, manifest)
    for folder in (join(run.output, "work"), join(run.output, PROGRESS)):
        remove_folder(folder)
    remove(join(run.output, "failure.log"))
    return ShardSummary(run.output, report)


def throughput_of(totals: PartTotals[ShardTally], stats: RunStats, counts: dict[str, Any]) -> Throughput:
    """encode: tokens per second of CPU time of the workers; an interrupted run's parts count as they were then."""
    cpu_s = totals.cpu_s
    tokens = sum(counts[split]["tokens"] for split in SPLITS)
    return Throughput(
        runner=stats.runner,
        workers=stats.workers,
        wall_s=stats.wall_s,
        phases=tuple(Phase(*timing) for timing in stats.phases),
        encode_cpu_s=cpu_s,
        tokens_per_cpu_s=tokens / cpu_s if cpu_s else 0.0,
        max_rss_mb=totals.max_rss_mb,
    )


def tokenizer_name(run: ShardRun) -> str:
    if run.own is not None:
        return f"given: {run.own.path.rstrip('/').rpartition('/')[2]}, {plural(run.own.tokenizer.size, 'token')}"
    return f"{run.training.recipe.algorithm}, trained on this input"


def first_rows(shards: ShardsInfo, plan: PlanInfo) -> list[list[dict[str, Any]]]:
    """For each of the plan's first rows its spans: tokens, language and URL of the document, and whether it begins
    there. Raises BadInput if the plan or a table of documents can't be read."""
    reader = train_rows(plan)
    spans = [reader.spans(row) for row in range(min(SHOWN_ROWS, plan.rows))]
    rows = documents_in_rows(shards.folder, TRAIN, spans, ("language", "url"))
    return [
        [{"tokens": part.tokens, **part.document, "begins": part.begin == part.start} for part in row] for row in rows
    ]
