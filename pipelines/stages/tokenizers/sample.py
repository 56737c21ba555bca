"""What a tokenizer is trained on: documents drawn by their ids and the seed, file by file.

A language's share depends on how long all its texts are, so all are measured before any is drawn. Of few documents this
process does both; of many, workers do, file by file, to the very same sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.engine.run import Phases
from pipelines.stages.datasets import Input
from schemas.faults import BadInput
from schemas.storage import absolute, join, locate, read_table
from transforms.documents import Part, read_chosen
from transforms.steps.tokens.sample import sample_key, shares
from transforms.steps.tokens.settings import TrainTokenizer
from transforms.units import Heartbeat, Records, UnitFiles, UnitResult, Work, write_units

DEFAULT_VOCABULARY, MIN_VOCABULARY = 32768, 512  # tokens, where none are asked for
CHARACTERS_PER_TOKEN = 64  # of the sample: fewer leave tokens that the sample hardly holds
FEW_BYTES = 64 << 20  # of files that this process reads by itself, sooner than others are started for it
ROWS_AT_ONCE = 1000
DRAWN = pa.schema([("key", pa.float64()), ("id", pa.string()), ("text", pa.string())])

Drawn = tuple[float, str, str]  # sample_key, id, text


@dataclass(frozen=True)
class Sample:
    """A sample of the documents.

    texts: by language, of the documents with the smallest `sample_key`
    characters: by language, of all documents
    """

    texts: dict[str, list[str]]
    characters: dict[str, int]

    @property
    def all(self) -> list[str]:
        return [text for _, texts in sorted(self.texts.items()) for text in texts]

    @property
    def vocab_size(self) -> int:
        """A size that suits the sample: one token for CHARACTERS_PER_TOKEN characters, as a power of two of tokens."""
        characters = sum(map(len, self.all))
        return min(DEFAULT_VOCABULARY, max(MIN_VOCABULARY, 1 << (characters // CHARACTERS_PER_TOKEN).bit_length() - 1))


@dataclass(frozen=True)
class SampleFiles:
    """Documents to draw from.

    parts: their files, one each, numbered through.
    languages: of the parts.
    bytes: of all files.
    """

    parts: tuple[Part, ...]
    languages: tuple[str, ...]
    bytes: int

    @classmethod
    def of(cls, inputs: tuple[Input, ...]) -> SampleFiles:
        files = [(item, file) for item in inputs for file in item.data]
        parts = [
            Part(number, f"{number:06}", (join(absolute(item.path), file.path),), file.rows)
            for number, (item, file) in enumerate(files)
        ]
        languages = tuple(file.path.split("/")[1] for _, file in files)
        return cls(tuple(parts), languages, sum(file.bytes for _, file in files))

    def by_language(self, numbers: list[int]) -> dict[str, int]:
        sums: dict[str, int] = {}
        for language, number in zip(self.languages, numbers, strict=True):
            sums[language] = sums.get(language, 0) + number
        return sums


def draw_sample(inputs: tuple[Input, ...], recipe: TrainTokenizer) -> Sample:
    """In this process. Raises BadInput for weights of languages that are not there, and text that is no UTF-8."""
    files = SampleFiles.of(inputs)
    characters = files.by_language([characters_of(part.files[0]) for part in files.parts])
    wanted = shares_of(characters, recipe)
    drawn = (
        drawn_from(part.files[0], recipe.seed, wanted.get(language, 0.0))
        for part, language in zip(files.parts, files.languages, strict=True)
    )
    return gathered(files, characters, drawn)


def draw_by_phases(output: str, inputs: tuple[Input, ...], recipe: TrainTokenizer, phases: Phases) -> Sample:
    """The same, by workers if there is much to read. output: where records lie while they do. Raises BadInput."""
    files = SampleFiles.of(inputs)
    if files.bytes <= FEW_BYTES:
        return draw_sample(inputs, recipe)
    measured = run_parts(phases, "measure", MeasureTexts(), files, Records(output, "work/measured"))
    if faults := [tally["fault"] for tally in measured if tally["fault"]]:
        raise BadInput(faults[0])
    characters = files.by_language([tally["characters"] for tally in measured])
    wanted = shares_of(characters, recipe)
    each = [wanted.get(language, 0.0) for language in files.languages]
    run_parts(phases, "sample", DrawTexts(recipe.seed, each), files, Records(output, "work/drawn"))
    tables = (read_table(join(output, drawn_path(part)), schema=DRAWN) for part in files.parts)
    rows = (list(zip(*(column.to_pylist() for column in table.itercolumns()), strict=True)) for table in tables)
    return gathered(files, characters, rows)


def run_parts(phases: Phases, name: str, work: Work, files: SampleFiles, records: Records) -> list[dict[str, Any]]:
    """A phase over all files; returns the tallies of their records."""
    listed = join(records.output, f"{records.folder}.jsonl")
    write_units(listed, files.parts)
    sizes = [(part.name, part.rows) for part in files.parts]
    done = records.finished(part.name for part in files.parts)
    phases.run_units(name, listed, work, records, sizes, "document", done=done)
    return [records.read(part.name)["tally"] for part in files.parts]


def shares_of(characters: dict[str, int], recipe: TrainTokenizer) -> dict[str, float]:
    """The share of each language's documents to draw. characters: of all documents, by language. Raises BadInput."""
    try:
        return shares(characters, recipe.settings["weights"], recipe.sample_mb * 1_000_000)
    except ValueError as error:
        raise BadInput(f"--language-weights: {error}") from error


def gathered(files: SampleFiles, characters: dict[str, int], drawn: Iterator[list[Drawn]]) -> Sample:
    """drawn: of each file, in their order."""
    found: dict[str, list[Drawn]] = {}
    for language, items in zip(files.languages, drawn, strict=True):
        found.setdefault(language, []).extend(items)
    return Sample({name: [text for *_, text in sorted(items)] for name, items in found.items()}, characters)


# --- One file ---------------------------------------------------------------------------------------------------------


def characters_of(path: str, read: Callable[[int], None] = lambda rows: None) -> int:
    """Characters of a file's texts. read: is called with how many rows were read. Raises BadInput for no UTF-8."""
    characters, rows = 0, 0
    for batch in batches(path, "text"):
        characters += characters_in(batch.column("text"))
        rows += len(batch)
        read(rows)
    return characters


def characters_in(texts: pa.StringArray) -> int:
    """Characters of all texts: bytes of UTF-8 but those that continue one. pyarrow.compute takes .2 s to import."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return 0
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1, texts.offset * 4)
    return int(((np.frombuffer(data, np.uint8)[ends[0] : ends[-1]] & 0xC0) != 0x80).sum())


def drawn_from(path: str, seed: int, share: float) -> list[Drawn]:
    """What is drawn of a file; row groups without any are not read. Raises BadInput for text that is no UTF-8."""
    if share <= 0:
        return []
    ids = [name for batch in batches(path, "id") for name in batch.column("id").to_pylist()]
    keyed = [(sample_key(name, seed), name, row) for row, name in enumerate(ids)]
    taken = [item for item in keyed if item[0] < share]
    rows = read_chosen([path], ["text"], np.array([row for *_, row in taken], np.int64))
    return [(key, name, row["text"]) for (key, name, _), row in zip(taken, rows, strict=True)]


def batches(path: str, column: str) -> Iterator[pa.RecordBatch]:
    """One column of a file. Raises BadInput for text that is no UTF-8."""
    filesystem, name = locate(path)
    with pq.ParquetFile(filesystem.open_input_file(name)) as opened:
        for batch in opened.iter_batches(ROWS_AT_ONCE, columns=[column]):
            try:
                batch = batch.cast(pa.schema([(column, pa.string())]))
                batch.validate(full=True)
            except pa.ArrowInvalid as error:
                raise BadInput(f"{path} holds text that is no UTF-8 ({error})") from error
            yield batch


class OfParts:
    """What both kinds of work have in common."""

    def setup(self) -> None:
        return

    def parse(self, line: dict[str, Any]) -> Part:
        return Part.from_json(line)

    def close(self) -> None:
        return


class MeasureTexts(OfParts):
    """A file to the number of its characters, or why it can't be read."""

    def run(self, unit: Part, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        try:
            return UnitResult({"characters": characters_of(unit.files[0], heartbeat), "fault": None})
        except BadInput as fault:
            return UnitResult({"characters": 0, "fault": str(fault)})


class DrawTexts(OfParts):
    """A file to a table of what is drawn of it. shares: of the parts, by their ordinals."""

    def __init__(self, seed: int, shares: list[float]) -> None:
        self._seed, self._shares = seed, shares

    def run(self, unit: Part, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        drawn = drawn_from(unit.files[0], self._seed, self._shares[unit.ordinal])
        columns = zip(*drawn, strict=True) if drawn else ((), (), ())
        table = pa.Table.from_arrays(
            [pa.array(list(values), field.type) for values, field in zip(columns, DRAWN, strict=True)], schema=DRAWN
        )
        files.table(drawn_path(unit), table)
        return UnitResult({"documents": len(table)})


def drawn_path(part: Part) -> str:
    return f"work/drawn/{part.name}.parquet"
