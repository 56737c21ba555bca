"""`bateia shard`: documents in, token shards and the plan of a training out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines.corpus_plan import Input, read_inputs
from pipelines.dedup import overlap, source_of
from pipelines.faults import BadInput
from pipelines.phases import Phases
from pipelines.plan import PlanSettings, make_plan
from pipelines.shard_page import render
from pipelines.shard_rows import first_rows
from pipelines.shard_tokenizer import OwnTokenizer, bring_tokenizer, entries_of, json_sha256
from pipelines.stage_output import BrokenRun, StageOutput
from pipelines.tokenizer import TokenizerRun
from schemas.manifest import FileEntry, Manifest, hash_dataset, write_manifest
from schemas.shards import SHARD_STAGE, SPLITS, TRAIN, VAL, shards_info
from schemas.storage import join, read_json, remove, remove_folder, write_json, write_whole
from transforms.shard_parts import EncodeJob, EncodeParts, is_encoded, read_tokenizer, record_path
from transforms.sources import Part, Workplace, to_lines
from transforms.steps.encoding import Split, marks_of

OURS = ("tokenizer", TRAIN, VAL, "plan", "work", ".progress", "tombstones")
OUR_FILES = ("report.json", "report.html", "failure.log")
MOST_DOMAINS = 20  # slices of val/ by host
LEAST_DOMAIN_DOCUMENTS = 5


@dataclass(frozen=True)
class ShardRun:
    """One run as asked for. own: the tokenizer given, or None for one trained as `training` says."""

    output: str
    inputs: tuple[Input, ...]
    parts: tuple[Part, ...]
    own: OwnTokenizer | None
    training: TokenizerRun
    bos_token: str | None
    split: Split
    plan: PlanSettings

    @property
    def workplace(self) -> Workplace:
        return Workplace(self.output)

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
            "split": {"val_fraction": self.split.fraction, "seed": self.split.seed},
            "plan": self.plan.settings,
        }

    @property
    def place(self) -> StageOutput:
        return StageOutput(self.output, OURS, OUR_FILES, self.settings, self.source)

    def is_done(self, phase: str, part: Part) -> bool:
        return is_encoded(self.output, part.name)


def plan_shards(
    output: str,
    inputs: list[str],
    *,
    own: OwnTokenizer | None,
    training: Callable[[str, tuple[Input, ...]], TokenizerRun],
    bos_token: str | None,
    split: Split,
    plan: PlanSettings,
) -> ShardRun:
    """training: makes the tokenizer's run of its folder and the inputs.

    Raises BadInput for inputs that are unfinished or changed, and a tokenizer without a token that begins documents.
    """
    for given in inputs:
        if overlap(given, output):
            raise BadInput(
                f"output {output} overlaps the input {given}, which it would replace; choose another --output"
            )
    found = tuple(read_inputs(inputs))
    files = [(item, file) for item in found for file in item.data]
    if not files:
        raise BadInput(f"{', '.join(inputs)}: there are no documents to cut into shards")
    parts = tuple(
        Part(at, f"{at:05}", (join(item.path, file.path),), file.rows) for at, (item, file) in enumerate(files)
    )
    there = {file.path.split("/")[1] for _, file in files}
    if plan.by == "language" and (strange := sorted(set(dict(plan.mixture or ())) - there)):
        raise BadInput(
            f"--mixture: there are no documents in {', '.join(strange)}; there are {', '.join(sorted(there))}"
        )
    if own is not None:
        try:
            marks_of(own.tokenizer, bos_token)
        except ValueError as error:
            raise BadInput(str(error)) from error
    folder = join(output.rstrip("/"), "tokenizer")
    return ShardRun(output.rstrip("/"), found, parts, own, training(folder, found), bos_token, split, plan)


def prepare(run: ShardRun, overwrite: bool) -> None:
    """Make the output ready to be written or resumed. Raises BadInput if it holds anything else than this very run."""
    run.place.prepare(overwrite)
    with write_whole(run.workplace.parts) as file:
        file.write(to_lines(list(run.parts)))


def execute(run: ShardRun, workers: int, beam_args: list[str], begin: Callable[[str], None]) -> dict[str, Any]:
    """Run what is left of the run, phase by phase, and finish it; returns the report. Raises BrokenRun."""
    started, phases = time.monotonic(), Phases(workers, beam_args, begin)
    folder = join(run.output, "tokenizer")
    try:
        phases.here("tokenizer", lambda: bring_tokenizer(folder, run.own, run.training, run.inputs))
    except (BadInput, BrokenRun):  # nothing was encoded yet, and nothing shall stand in the way of another command
        run.place.clear()
        raise
    tokenizer = run.own.tokenizer if run.own is not None else read_tokenizer(folder)
    marks = marks_of(tokenizer, run.bos_token)
    encode(run, EncodeJob(run.output, folder, marks, run.split), phases)
    records = [read_json(record_path(run.output, part.name)) for part in run.parts]
    files = [FileEntry(**file) for record in records for file in record["files"]]
    counts = counts_of(records)
    check(run, counts, files)
    tokens = {
        "dtype": tokenizer.dtype.name,
        "vocab_size": tokenizer.size,
        "bos_id": marks.bos,
        "eos_id": marks.eos,
        "pad_id": marks.pad,
        "tokenizer_sha256": json_sha256(folder),
        "layout_hash": hash_dataset(files),
    }
    return finish(run, phases, tokens, counts, files, started)


def encode(run: ShardRun, job: EncodeJob, phases: Phases) -> None:
    import apache_beam as beam

    left = sum(not is_encoded(run.output, part.name) for part in run.parts)
    if left:
        phases.run("encode", left, lambda root: root | beam.Create([run.workplace.parts]) | EncodeParts(job))


def counts_of(records: list[dict[str, Any]]) -> dict[str, Any]:
    """By split: documents, tokens (BOS included), bytes of text, and the same by language and dump; slices of val/."""
    counts: dict[str, Any] = {}
    for split in SPLITS:
        tallies = [record["tally"][split] for record in records]
        languages, dumps = (merged([tally[name] for tally in tallies]) for name in ("languages", "dumps"))
        lengths: Counter[str] = sum((Counter(tally["lengths"]) for tally in tallies), Counter())
        counts[split] = {**total(languages), "languages": languages, "dumps": dumps, "lengths": dict(lengths)}
    hosts = merged([record["tally"][VAL]["hosts"] for record in records])
    counts["slices"] = slices_of(counts[VAL], hosts)
    return counts


def merged(tables: list[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for table in tables:
        for name, numbers in table.items():
            found.setdefault(name, Counter()).update(numbers)
    return {name: dict(found[name]) for name in sorted(found)}


def total(table: dict[str, dict[str, int]]) -> dict[str, int]:
    return {name: sum(row[name] for row in table.values()) for name in ("documents", "tokens", "bytes")}


def slices_of(val: dict[str, Any], hosts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Named parts of val/: all of it, each language, and the hosts with the most documents."""
    if not val["documents"]:
        return {}
    slices = {"all": {name: val[name] for name in ("documents", "tokens", "bytes")}}
    slices |= {f"language-{name}": row for name, row in val["languages"].items()}
    many = sorted(hosts.items(), key=lambda item: (-item[1]["documents"], item[0]))[:MOST_DOMAINS]
    return slices | {f"domain-{host}": row for host, row in many if is_slice(host, row)}


def is_slice(host: str, row: dict[str, int]) -> bool:
    """Whether a host becomes a slice; its name becomes a file's, so nothing but a plain one does."""
    plain = host.replace("-", "").replace(".", "").isalnum() and host.isascii() and ".." not in host
    return plain and row["documents"] >= LEAST_DOMAIN_DOCUMENTS


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
        raise BrokenRun(f"all {documents} documents of {run.output} validate and none trains; lower --val-fraction")


def finish(
    run: ShardRun,
    phases: Phases,
    tokens: dict[str, Any],
    counts: dict[str, Any],
    files: list[FileEntry],
    started: float,
) -> dict[str, Any]:
    """Plan, report and, last, the manifest. Returns the report."""
    entries = sorted([*entries_of(run.output), *files], key=lambda file: file.path)
    settings = run.settings | {"tokens": tokens}
    manifest = Manifest(SHARD_STAGE, settings, versions_of(), run.source, counts, tuple(entries), hash_dataset(entries))
    run.place.remove_strays(SPLITS, {file.path for file in files})
    plan = make_plan(shards_info(run.output, manifest), files, run.plan, phases)
    report = {
        "title": "Token shards",
        "dataset_hash": manifest.dataset_hash,
        "versions": manifest.versions,
        "tokenizer": tokenizer_name(run),
        "tokens": tokens,
        "counts": counts,
        "plan": {**run.plan.settings, **plan, "first_rows": first_rows(run.output, run.plan.name)},
        "source": run.source,
        "throughput": throughput_of(run, phases, counts, time.monotonic() - started),
    }
    write_json(join(run.output, "report.json"), report)
    with write_whole(join(run.output, "report.html")) as file:
        file.write(render(report).encode("utf-8", "replace"))
    write_manifest(run.output, manifest)
    for folder in (run.workplace.path(), join(run.output, ".progress")):
        remove_folder(folder)
    remove(join(run.output, "failure.log"))
    return report


def throughput_of(run: ShardRun, phases: Phases, counts: dict[str, Any], wall_s: float) -> dict[str, Any]:
    """encode: tokens per second of CPU time of the workers; an interrupted run's parts count as they were then."""
    timings = [read_json(record_path(run.output, part.name))["timings"] for part in run.parts]
    cpu_s = sum(item["cpu_s"] for item in timings)
    tokens = sum(counts[split]["tokens"] for split in SPLITS)
    return {
        "runner": phases.runner,
        "workers": phases.workers,
        "wall_s": wall_s,
        "phases": phases.timings,
        "encode_cpu_s": cpu_s,
        "tokens_per_cpu_s": tokens / cpu_s if cpu_s else 0.0,
        "max_rss_mb": max(item["max_rss_mb"] for item in timings),
    }


def tokenizer_name(run: ShardRun) -> str:
    if run.own is not None:
        return f"given: {run.own.path.rstrip('/').rpartition('/')[2]}, {run.own.tokenizer.size:,} tokens"
    return f"{run.training.algorithm}, trained on this input"


def versions_of() -> dict[str, str]:
    import importlib.metadata

    names = ("bateia", "numpy", "pyarrow", "sentencepiece", "tiktoken", "tokenizers")
    return {name: importlib.metadata.version(name) for name in names}
