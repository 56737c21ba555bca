"""The two map-only passes over documents: sign every part, and rewrite it once its duplicates are known."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import apache_beam as beam
import pyarrow.parquet as pq

from schemas.corpus import PII_SCHEMA, corpus_schema, signature_schema
from schemas.corpus_tally import CorpusTally
from schemas.manifest import FileEntry
from schemas.storage import is_local, join, locate, read_json, remove, size_of, write_json
from transforms.part_files import PartFile
from transforms.sources import NO_FOLDERS, Part, Workplace, read_parts
from transforms.steps.corpus_recipe import Cleaned, CorpusRecipe
from transforms.steps.deduplicate import Signer, rehydration_weight
from transforms.steps.tokenizer import Tokenizer, load_tokenizer

READ = ["text", "id", "dump", "url", "date", "file_path", "language", "language_score", "token_count", "warc_offset"]
SIGNED = ["text", "id", "dump", "url", "language"]
ROWS_AT_ONCE = 256
PROGRESS_EVERY_S = 1.0
PASSAGE_CHARS = 80  # shown on either side of a replacement
ALONE = {"kept": True, "cluster_id": None, "cluster_size": 1}


@dataclass(frozen=True)
class CorpusJob:
    """What every worker needs to know. tokenizer: a tokenizer.json, a SentencePiece model, or a folder; or None."""

    recipe: CorpusRecipe
    output: str
    tokenizer: str | None = None


class SignParts(beam.PTransform):
    """Path of the list of parts in, names of those signed out."""

    def __init__(self, job: CorpusJob) -> None:
        super().__init__()
        self._job = job

    def expand(self, input_or_inputs: Any) -> Any:
        parts = input_or_inputs | "ReadParts" >> beam.FlatMap(read_parts) | "SpreadParts" >> beam.Reshuffle()
        return parts | "SignPart" >> beam.ParDo(SignPart(self._job))


class RewriteParts(beam.PTransform):
    """Path of the list of parts in, names of those written out."""

    def __init__(self, job: CorpusJob) -> None:
        super().__init__()
        self._job = job

    def expand(self, input_or_inputs: Any) -> Any:
        parts = input_or_inputs | "ReadParts" >> beam.FlatMap(read_parts) | "SpreadParts" >> beam.Reshuffle()
        return parts | "RewritePart" >> beam.ParDo(RewritePart(self._job))


class SignPart(beam.DoFn):
    def __init__(self, job: CorpusJob) -> None:
        assert job.recipe.dedup is not None
        self._job, self._dedup = job, job.recipe.dedup

    def setup(self) -> None:
        for step in self._job.recipe.steps():
            step.setup()
        self._signer = Signer(self._dedup)

    def process(self, element: Part) -> Iterator[str]:
        path = Workplace(self._job.output).signatures(element.name)
        if size_of(path) is None:
            clock = Clock()
            folder, _, name = path.rpartition("/")
            file = PartFile(folder, name, signature_schema(self._dedup.bands, finished=False))
            heartbeat = Heartbeat(self._job.output, element)
            try:
                for row in read_rows(element, SIGNED):
                    file.add(self._sign(row))
                    heartbeat()
            except BaseException:
                file.discard()
                raise
            file.commit()
            write_json(Workplace(self._job.output).signed(element.name), clock.timings())
            heartbeat.stop()
        yield element.name

    def _sign(self, row: dict[str, Any]) -> dict[str, Any]:
        text = self._job.recipe.clean(row["text"], row["id"], row["language"]).text
        signature = self._signer(text, row["language"])
        return {
            "id": row["id"],
            "url": row["url"],
            "dump": row["dump"],
            "chars": len(text),
            "exact": signature.exact,
            "bands": signature.bands,
        }


class RewritePart(beam.DoFn):
    def __init__(self, job: CorpusJob) -> None:
        self._job = job

    def setup(self) -> None:
        for step in self._job.recipe.steps():
            step.setup()
        self._tokenizer = load_tokenizer(self._job.tokenizer) if self._job.tokenizer is not None else None

    def process(self, element: Part) -> Iterator[str]:
        if not is_finished(self._job.output, element.name):
            rewrite(self._job, element, self._tokenizer)
        yield element.name


def record_path(output: str, part: str) -> str:
    return Workplace(output).path("parts", f"{part}.json")


def is_finished(output: str, part: str) -> bool:
    """A part is finished if its record exists and every file it names is there with its size."""
    path = record_path(output, part)
    if size_of(path) is None:
        return False
    return all(size_of(join(output, file["path"])) == file["bytes"] for file in read_json(path)["files"])


def rewrite(job: CorpusJob, part: Part, tokenizer: Tokenizer | None) -> None:
    """Write what is kept of one part, cleaned, with its spans of personal data and its signatures; record it."""
    clock = Clock()
    files, tally, heartbeat = CorpusFiles(job, part), CorpusTally(), Heartbeat(job.output, part)
    try:
        signed = signatures_of(job, part)
        for row, decision in zip(read_rows(part, READ), decisions_of(job, part), strict=True):
            tally.add_read(row, decision["kept"])
            if signature := next(signed, None):
                files.signatures.add(signature | {"kept": decision["kept"]})
            if decision["kept"]:
                keep(job, files, tally, row, decision, tokenizer)
            else:
                tally.add_removed(row, decision["match"], decision["survivor_url"], decision["earlier"])
            heartbeat()
        if tally.read != part.rows or not tally.adds_up():
            raise RuntimeError(f"{part.name}: {part.rows} documents do not add up: {tally.to_json()}")
        entries = files.commit()
    except BaseException:
        files.discard()
        raise
    record = {"name": part.name, "tally": tally.to_json(), "timings": clock.timings()}
    write_json(record_path(job.output, part.name), record | {"files": [asdict(entry) for entry in entries]})
    heartbeat.stop()


def keep(
    job: CorpusJob,
    files: CorpusFiles,
    tally: CorpusTally,
    row: dict[str, Any],
    decision: dict[str, Any],
    tokenizer: Tokenizer | None,
) -> None:
    cleaned = job.recipe.clean(row["text"], row["id"], row["language"])
    tokens = len(tokenizer.encode(cleaned.text)) if tokenizer is not None else None
    size, cluster = decision["cluster_size"], decision["cluster_id"]
    written = row | {"text": cleaned.text, "cluster_id": cluster, "cluster_size": size, "token_count": tokens}
    if files.weighted:
        written["rehydration_weight"] = rehydration_weight(size)
    files.data.add(written)
    tally.add_kept(written)
    tally.lines_removed += cleaned.lines_removed
    for span in cleaned.spans:
        files.pii.add({"id": row["id"], **span._asdict()})
    if cleaned.spans:
        tally.add_spans([span.type for span in cleaned.spans], row, passages(cleaned))


def passages(cleaned: Cleaned) -> dict[str, str]:
    """For each type the scrubbed text about where its first replacement stands; replacements move it a little."""
    found: dict[str, str] = {}
    for span in cleaned.spans:
        found.setdefault(span.type, cleaned.text[max(span.start - PASSAGE_CHARS, 0) : span.start + PASSAGE_CHARS])
    return found


class CorpusFiles:
    """The Parquet files of one part."""

    def __init__(self, job: CorpusJob, part: Part) -> None:
        dedup = job.recipe.dedup
        self.weighted = dedup is not None and dedup.rehydrate
        bands = dedup.bands if dedup is not None else 1
        self.data = PartFile(job.output, f"data/{part.name}.parquet", corpus_schema(self.weighted))
        self.pii = PartFile(job.output, f"pii/{part.name}.parquet", PII_SCHEMA)
        self.signatures = PartFile(job.output, f"signatures/{part.name}.parquet", signature_schema(bands))

    def commit(self) -> list[FileEntry]:
        """Give the files their names. One without rows is not written."""
        entries = []
        for file in (self.data, self.pii, self.signatures):
            if file.empty:
                file.discard()
            else:
                entries.append(file.commit())
        return entries

    def discard(self) -> None:
        for file in (self.data, self.pii, self.signatures):
            file.discard()


def read_rows(part: Part, columns: list[str]) -> Iterator[dict[str, Any]]:
    """A part's documents in the order of its files."""
    for path in part.files:
        filesystem, name = locate(path)
        with pq.ParquetFile(filesystem.open_input_file(name)) as file:
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=columns):
                yield from batch.to_pylist()


def decisions_of(job: CorpusJob, part: Part) -> Iterator[dict[str, Any]]:
    """What became of each document of a part, in order; one that no cluster names stands alone."""
    path = Workplace(job.output).decisions(part.ordinal)
    listed: Iterator[dict[str, Any]] = iter(())
    if size_of(path) is not None:
        filesystem, name = locate(path)
        listed = iter(pq.read_table(name, filesystem=filesystem, partitioning=NO_FOLDERS).to_pylist())
    following = next(listed, None)
    for row in range(part.rows):
        if following is not None and following["row"] == row:
            yield following
            following = next(listed, None)
        else:
            yield ALONE


def signatures_of(job: CorpusJob, part: Part) -> Iterator[dict[str, Any]]:
    """A part's signatures; none if the recipe does not deduplicate."""
    if job.recipe.dedup is None:
        return
    filesystem, name = locate(Workplace(job.output).signatures(part.name))
    with pq.ParquetFile(filesystem.open_input_file(name)) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE):
            yield from batch.to_pylist()


class Clock:
    """What one part costs the process that works on it."""

    def __init__(self) -> None:
        self._started, self._cpu = time.perf_counter(), time.process_time()

    def timings(self) -> dict[str, float]:
        return {
            "wall_s": time.perf_counter() - self._started,
            "cpu_s": time.process_time() - self._cpu,
            "max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        }


class Heartbeat:
    """Once a second, how many documents of a part are done, in a small local file for the progress line."""

    def __init__(self, output: str, part: Part) -> None:
        self._path = join(output, ".progress", f"{part.ordinal}.json") if is_local(output) else None
        self._done = 0
        self._next = time.monotonic() + PROGRESS_EVERY_S

    def __call__(self) -> None:
        self._done += 1
        if self._path is not None and not self._done % 64 and (now := time.monotonic()) >= self._next:
            self._next = now + PROGRESS_EVERY_S
            write_json(self._path, {"documents": self._done})

    def stop(self) -> None:
        if self._path is not None:
            remove(self._path)
