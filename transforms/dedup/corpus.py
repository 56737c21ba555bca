"""The two map-only passes over documents: sign every part, and rewrite it once its duplicates are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.corpus import PII_SCHEMA, corpus_schema, signature_schema
from schemas.corpus_tally import CorpusTally
from schemas.document import OPTIONAL_COLUMNS, kept_value
from schemas.storage import locate, open_read, read_table, size_of
from transforms.dedup.signatures import DedupWorkdir
from transforms.documents import ROWS_AT_ONCE, Part, read_documents
from transforms.encode import read_tokenizer
from transforms.part_files import text_columns
from transforms.steps.dedup.settings import Signer, rehydration_weight
from transforms.steps.pii.entities import Span
from transforms.steps.recipe import Cleaned, CorpusRecipe
from transforms.units import Heartbeat, UnitFiles, UnitResult

READ = ["text", "id", "dump", "url", "date", "file_path", "language", "language_score", "token_count"]
READ += ["warc_offset", "title", "quality", *(name for name, _ in OPTIONAL_COLUMNS)]
CLEANED = ["text", "id", "language"]
SIGNED = [*CLEANED, "dump", "url"]


PASSAGE_CHARS = 80  # shown on either side of a replacement
ALONE = {"kept": True, "cluster_id": None, "cluster_size": 1}


class SignDocuments:
    """One part's documents to a file of signatures, by which duplicates are found without the text."""

    def __init__(self, recipe: CorpusRecipe, output: str) -> None:
        assert recipe.dedup is not None
        self._recipe, self._dedup, self._workdir = recipe, recipe.dedup, DedupWorkdir(output)

    def setup(self) -> None:
        for step in self._recipe.steps():
            step.setup()
        self._signer = Signer(self._dedup)

    def parse(self, line: dict[str, Any]) -> Part:
        return Part.from_json(line)

    def run(self, unit: Part, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        path, clean = (of[len(self._workdir.output) + 1 :] for of in self._paths(unit))
        file = files.rows(path, lambda: signature_schema(self._dedup.bands, False, self._dedup.with_lines))
        marks = bytearray()
        for done, row in enumerate(read_documents(unit.files, SIGNED), 1):
            cleaned = self._recipe.clean(row["text"], row["id"], row["language"])
            marks.append(cleaned == Cleaned(row["text"], (), 0))
            file.add(self._sign(row, cleaned.text))
            beat(heartbeat, done)
        files.raw(clean).add(bytes(marks))
        return UnitResult({})

    def _paths(self, unit: Part) -> tuple[str, str]:
        return self._workdir.signatures(unit.name), self._workdir.clean(unit.ordinal)

    def _sign(self, row: dict[str, Any], text: str) -> dict[str, Any]:
        signature = self._signer(text, row["language"])
        return {
            "id": row["id"],
            "url": row["url"],
            "dump": row["dump"],
            "chars": len(text),
            "exact": signature.exact,
            "bands": signature.bands,
            "lines": signature.lines,
        }

    def close(self) -> None:
        return


class Cleaning:
    """The cleaning of one part's documents. Those that signing has found clean it takes as they are."""

    def __init__(self, recipe: CorpusRecipe, workdir: DedupWorkdir, part: Part) -> None:
        self._recipe, path = recipe, workdir.clean(part.ordinal)
        self._clean = bytes(part.rows)  # an earlier corpus's, and those of a recipe that does not sign
        if size_of(path) is not None:
            with open_read(path) as file:
                self._clean = file.read()

    def __call__(self, row: dict[str, Any], number: int) -> Cleaned:
        """number: of the row in its part."""
        if self._clean[number]:
            return Cleaned(row["text"], (), 0)
        return self._recipe.clean(row["text"], row["id"], row["language"])


class RewriteDocuments:
    """Writes what is kept of one part's documents, once their duplicates are known.

    That is their cleaned text, the spans of personal data, and the signatures of all documents.
    """

    def __init__(
        self,
        recipe: CorpusRecipe,
        output: str,
        tokenizer: str | None = None,
        measures: tuple[str, ...] = (),
        columns: tuple[str, ...] = (),
        kept: Sequence[pa.Field] = (),
    ) -> None:
        """tokenizer: folder of the tokenizer that fills token_count, where all workers can read; or None.
        measures: names of the documents' quality values, the same for all parts so that they have one schema.
        columns: names of the documents' optional columns, the same for all parts too.
        kept: the documents' columns of one's own tables, the same for all parts too.
        """
        self._recipe, self._tokenizer_path, self._workdir = recipe, tokenizer, DedupWorkdir(output)
        self._measures, self._columns, self._kept = measures, columns, tuple(kept)

    def setup(self) -> None:
        for step in self._recipe.steps():
            step.setup()
        self._tokenizer = read_tokenizer(self._tokenizer_path) if self._tokenizer_path is not None else None

    def parse(self, line: dict[str, Any]) -> Part:
        return Part.from_json(line)

    def run(self, unit: Part, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        tally, clean = CorpusTally(), Cleaning(self._recipe, self._workdir, unit)
        corpus = CorpusFiles(files, unit, self._recipe, self._measures, self._columns, self._kept)
        signed = signatures_of(self._workdir, unit) if self._recipe.dedup is not None else iter(())
        names = [*READ, *(field.name for field in self._kept)]
        rows = zip(read_documents(unit.files, names), decisions_of(self._workdir, unit), strict=True)
        for done, (row, decision) in enumerate(rows, 1):
            tally.add_read(row, decision["kept"])
            if signature := next(signed, None):
                corpus.add_signature(signature | {"kept": decision["kept"]})
            if decision["kept"]:
                self._keep(corpus, tally, row, decision, clean(row, done - 1))
            else:
                tally.add_removed(row, decision["match"], decision["survivor_url"], decision["earlier"])
            beat(heartbeat, done)
        if tally.read != unit.rows or not tally.adds_up():
            raise RuntimeError(f"{unit.name}: {unit.rows} documents do not add up: {tally.to_json()}")
        return UnitResult(tally.to_json())

    def _keep(
        self,
        corpus: CorpusFiles,
        tally: CorpusTally,
        row: dict[str, Any],
        decision: dict[str, Any],
        cleaned: Cleaned,
    ) -> None:
        tokens = len(self._tokenizer.encode(cleaned.text)) if self._tokenizer is not None else None
        size, cluster = decision["cluster_size"], decision["cluster_id"]
        found = {"title": self._recipe.scrub_title(row.get("title"), row["id"], row["language"]), "token_count": tokens}
        written = row | found | {"text": cleaned.text, "cluster_id": cluster, "cluster_size": size}
        corpus.add(written, cleaned.spans)
        tally.add_kept(written)
        tally.lines_removed += cleaned.lines_removed
        if cleaned.spans:
            tally.add_spans([span.type for span in cleaned.spans], row, passages(cleaned))

    def close(self) -> None:
        return


def beat(heartbeat: Heartbeat, done: int) -> None:
    """Beat for every 64th document: reading the clock costs as much as a short document."""
    if not done % 64:
        heartbeat(done)


def passages(cleaned: Cleaned) -> dict[str, str]:
    """For each type of personal data, the scrubbed text around its first replacement.

    Positions are those before scrubbing, so the replacement may stand a little off the middle.
    """
    by_type: dict[str, str] = {}
    for span in cleaned.spans:
        by_type.setdefault(span.type, cleaned.text[max(span.start - PASSAGE_CHARS, 0) : span.start + PASSAGE_CHARS])
    return by_type


class CorpusFiles:
    """The Parquet files of one part of a corpus. One without rows is not written."""

    def __init__(
        self,
        files: UnitFiles,
        part: Part,
        recipe: CorpusRecipe,
        measures: tuple[str, ...] = (),
        columns: tuple[str, ...] = (),
        kept: Sequence[pa.Field] = (),
    ) -> None:
        self._files, self._part, self._measures, self._columns = files, part, measures, columns
        self._kept, self._texts = kept, text_columns(kept)
        self._weighted = recipe.dedup is not None and recipe.dedup.rehydrate
        self._by_language = recipe.dedup is not None and recipe.dedup.rehydrate_by_language
        self._bands = recipe.dedup.bands if recipe.dedup is not None else 1
        self._lines = recipe.dedup is not None and recipe.dedup.with_lines

    def add(self, row: dict[str, Any], spans: Sequence[Span]) -> None:
        """A document that is kept, and its spans of personal data."""
        if self._weighted:
            language = row["language"] if self._by_language else None
            row["rehydration_weight"] = rehydration_weight(row["cluster_size"], language)
        row |= {field.name: kept_value(row.get(field.name), field.type) for field in self._kept}
        self._files.rows(f"data/{self._part.name}.parquet", self._schema, counted=self._texts).add(row)
        if spans:
            file = self._files.rows(f"pii/{self._part.name}.parquet", lambda: PII_SCHEMA)
            for span in spans:
                file.add({"id": row["id"], **span._asdict()})

    def _schema(self) -> pa.Schema:
        return corpus_schema(self._weighted, self._measures, self._columns, self._kept)

    def add_signature(self, row: dict[str, Any]) -> None:
        path = f"signatures/{self._part.name}.parquet"
        self._files.rows(path, lambda: signature_schema(self._bands, lines=self._lines)).add(row)


def decisions_of(workdir: DedupWorkdir, part: Part) -> Iterator[dict[str, Any]]:
    """The decision on each document of a part, in order; ALONE for one that is in no cluster."""
    path = workdir.decisions(part.ordinal)
    listed: Iterator[dict[str, Any]] = iter(())
    if size_of(path) is not None:
        listed = iter(read_table(path).to_pylist())
    following = next(listed, None)
    for row in range(part.rows):
        if following is not None and following["row"] == row:
            yield following
            following = next(listed, None)
        else:
            yield ALONE


def signatures_of(workdir: DedupWorkdir, part: Part) -> Iterator[dict[str, Any]]:
    filesystem, name = locate(workdir.signatures(part.name))
    with pq.ParquetFile(filesystem.open_input_file(name)) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE):
            yield from batch.to_pylist()
