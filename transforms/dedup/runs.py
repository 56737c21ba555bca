"""The texts to compare, as files of hashed runs of words: written part by part, read cluster by cluster."""

from __future__ import annotations

from typing import Any

import numpy as np

from schemas.storage import open_read, size_of
from transforms.dedup.corpus import CLEANED, Cleaning, beat
from transforms.dedup.signatures import DedupWorkdir, SignatureFile, SignatureList, rows_of
from transforms.documents import Part, read_chosen
from transforms.packed import partition_of, unpack
from transforms.steps.dedup.contained import word_runs
from transforms.steps.recipe import CorpusRecipe
from transforms.units import Heartbeat, UnitFiles, UnitResult

SPILL_BYTES = 64 << 20  # of runs that a worker holds
MAX_GAP_BYTES = 64 << 10  # read over rather than read apart
RUN_BYTES = 4
PLACE_WIDTH = 3  # node, first run, number of runs


class WriteRuns:
    """The runs of words of one part's documents that are to be compared.

    They are written in pieces, each in the order in which partitions of clusters ask for them. Of an earlier corpus the
    rows are those of its signatures, and the texts those that it kept.
    """

    def __init__(self, recipe: CorpusRecipe, output: str, partitions: int) -> None:
        self._recipe, self._workdir, self._partitions = recipe, DedupWorkdir(output), partitions

    def setup(self) -> None:
        for step in self._recipe.steps():
            step.setup()
        self._signed = SignatureList(self._workdir.signature_files)

    def parse(self, line: dict[str, Any]) -> Part:
        return Part.from_json(line)

    def run(self, unit: Part, files: UnitFiles, heartbeat: Heartbeat) -> UnitResult:
        stars = read_rows(self._workdir.to_compare(unit.ordinal))
        if not len(stars):
            return UnitResult({})
        stars = stars[np.argsort(stars[:, 0])]
        rows = rows_in_data(self._signed[unit.ordinal], rows_of(stars[:, 0]))
        held: list[tuple[int, int, int, np.ndarray]] = []
        size, first = 0, 0
        prefix = len(self._workdir.output) + 1
        data, places = (files.raw(self._workdir.runs(unit.ordinal, kind)[prefix:]) for kind in ("runs", "places"))

        def spill() -> None:
            nonlocal first, size
            for _, _, node, runs in sorted(held, key=lambda item: item[:3]):
                data.add(np.ascontiguousarray(runs, "<u4").tobytes())
                places.add(np.array([node, first, len(runs)], "<u8").tobytes())
                first += len(runs)
            held.clear()
            size = 0

        partitions = partition_of(stars[:, 1], self._partitions).tolist()
        wanted = zip(partitions, stars[:, 1].tolist(), stars[:, 0].tolist(), strict=True)
        documents = read_chosen(unit.files, CLEANED, rows)
        clean = Cleaning(self._recipe, self._workdir, unit)
        numbered = zip(wanted, rows.tolist(), documents, strict=True)
        for done, ((partition, root, node), number, row) in enumerate(numbered, 1):
            runs = word_runs(clean(row, number).text)
            held.append((partition, root, node, runs))
            size += runs.nbytes
            if size >= SPILL_BYTES:
                spill()
            beat(heartbeat, done)
        spill()
        return UnitResult({})

    def close(self) -> None:
        return


def rows_in_data(file: SignatureFile, rows: np.ndarray) -> np.ndarray:
    """The same documents' rows in the files of texts: an earlier corpus has none for what it removed."""
    if not file.earlier:
        return rows
    kept = file.read(["kept"]).column("kept").to_numpy()
    return (np.cumsum(kept) - 1)[rows]


def read_rows(path: str, width: int = 2) -> np.ndarray:
    """uint64 of shape (rows, width); none of a file that is not there."""
    if size_of(path) is None:
        return unpack([], width)
    with open_read(path) as file:
        return unpack([file.read()], width)


def places_of(workdir: DedupWorkdir, ordinal: int, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First run and number of runs of a part's documents; 0 runs of one that is not compared. nodes: uint64."""
    places = read_rows(workdir.runs(ordinal, "places"), PLACE_WIDTH)
    places = places[np.argsort(places[:, 0])]
    if not len(places):
        return np.zeros(len(nodes), np.int64), np.zeros(len(nodes), np.int64)
    found = places[np.minimum(np.searchsorted(places[:, 0], nodes), len(places) - 1)]
    known = found[:, 0] == nodes
    return tuple(np.where(known, found[:, column], 0).astype(np.int64) for column in (1, 2))  # pyright: ignore


def read_runs(workdir: DedupWorkdir, ordinals: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> list[np.ndarray]:
    """The runs of some documents, in their order. What lies close together in a part's file is read at once.

    ordinals, starts, counts: part, first run and number of runs of each document
    """
    found: list[np.ndarray] = [np.empty(0, np.uint32)] * len(ordinals)
    for ordinal in np.unique(ordinals[counts > 0]).tolist():
        members = np.flatnonzero((ordinals == ordinal) & (counts > 0))
        members = members[np.argsort(starts[members])]
        begins = starts[members] * RUN_BYTES
        ends = begins + counts[members] * RUN_BYTES
        apart = np.flatnonzero(begins[1:] - ends[:-1] > MAX_GAP_BYTES) + 1
        with open_read(workdir.runs(ordinal)) as file:
            for piece in np.split(np.arange(len(members)), apart):
                file.seek(int(begins[piece[0]]))
                data = np.frombuffer(file.read(int(ends[piece[-1]] - begins[piece[0]])), "<u4")
                for place in piece.tolist():
                    offset = int(begins[place] - begins[piece[0]]) // RUN_BYTES
                    found[members[place]] = data[offset : offset + int(counts[members[place]])]
    return found
