"""Signatures to clusters: documents that share a key are linked, and the links become star graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa

from schemas.storage import list_files, open_read, read_table, size_of, write_json, write_whole
from transforms.dedup.signatures import DedupWorkdir, SignatureFile, fixed_uint64, nodes_of, read_signature_files
from transforms.packed import Pack, counted_groups, partition_of, shuffled, unpack, with_counts, write_sums
from transforms.steps.dedup.components import (
    ASKS,
    band_stars,
    both_ways,
    large_star,
    line_stars,
    not_converged,
    small_star,
)
from transforms.steps.dedup.long_lines import ASKED_LINES, as_rows
from transforms.steps.dedup.settings import Deduplicate, keys, line_keys, scope_salt

KEYS, LINE_KEYS = "Keys", "LineKeys"  # labels of shuffles of keys, to documents that share them
LINKS = "Links"  # and of edges between these
ROUNDS = 4  # of large and small star in one pipeline; it is run again until all have converged


class MatchDocuments(beam.PTransform):
    """Path of the list of signature files in; out come the numbers of partitions.

    Each partition has written a file of rows (node, smallest node of its cluster) to `folder`; what every shuffle
    counted is in the JSON file `counts`.
    """

    def __init__(self, settings: Deduplicate, partitions: int, folder: str, counts: str) -> None:
        super().__init__()
        self._settings, self._partitions, self._folder, self._counts = settings, partitions, folder, counts

    def expand(self, input_or_inputs: Any) -> Any:
        files = input_or_inputs | "ReadList" >> beam.FlatMap(read_signature_files) | "SpreadFiles" >> beam.Reshuffle()
        met, counts = shuffled(files, KEYS, Keys(self._settings, self._partitions))
        edges, sent = with_counts(met, f"Pack{LINKS}", Pack(Route(band_stars, self._partitions), LINKS))
        told = [*counts, sent]
        if self._settings.with_lines:
            by_line, counts = shuffled(files, LINE_KEYS, LineKeys(self._settings, self._partitions))
            more, sent = with_counts(by_line, "LinkByLine", Pack(Route(line_stars, self._partitions), LINKS))
            edges, told = (edges, more) | "AllEdges" >> beam.Flatten(), [*told, *counts, sent]
        linked, received = counted_groups(edges, LINKS)
        return connect((linked, (received,)), told, self._partitions, self._folder, self._counts)


class RunMoreRounds(beam.PTransform):
    """A folder of edges that are no star graphs yet in; the same after ROUNDS more rounds out."""

    def __init__(self, partitions: int, folder: str, counts: str) -> None:
        super().__init__()
        self._partitions, self._folder, self._counts = partitions, folder, counts

    def expand(self, input_or_inputs: Any) -> Any:
        files = input_or_inputs | "ListFiles" >> beam.FlatMap(star_files) | "SpreadFiles" >> beam.Reshuffle()
        linked = shuffled(files, LINKS, Route(read_stars, self._partitions))
        return connect(linked, (), self._partitions, self._folder, self._counts)


def key_shuffles(settings: Deduplicate) -> tuple[str, ...]:
    """Labels of the shuffles that signature files go into."""
    return (KEYS, LINE_KEYS) if settings.with_lines else (KEYS,)


def connect(linked: tuple[Any, Iterable[Any]], counts: Iterable[Any], partitions: int, folder: str, path: str) -> Any:
    """Grouped rows of both ends of edges in; ROUNDS rounds later, files of stars, and the counts of all shuffles.

    linked: the rows and what was counted of their shuffle; counts: of those before it.
    """
    rows, counted = linked
    told = [*counts, *counted]
    for number in range(ROUNDS):
        rows, counted = shuffled(rows, f"LargeStars{number}", Route(large_star, partitions, to_both=False))
        told += counted
        rows, counted = shuffled(rows, f"SmallStars{number}", Route(small_star, partitions))
        told += counted
    write_sums(told, path)
    return rows | "WriteStars" >> beam.Map(WriteStars(folder))


class Keys:
    """A signature file to rows (key, node), each to its key's partition."""

    def __init__(self, settings: Deduplicate, partitions: int, audited: DedupWorkdir | None = None) -> None:
        """audited: the working folder of a run whose result is looked at: keys that no two documents may share.

        These are the keys of the documents kept; of those that were compared by their words, the exact one.
        """
        self._settings, self._partitions, self._audited = settings, partitions, audited

    def __call__(self, file: SignatureFile) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        table = file.read(["exact", "bands", "dump", *(["kept"] if self._audited else [])])
        file.check_rows(table)
        nodes = nodes_of(file.ordinal, np.arange(table.num_rows))
        exact, _ = fixed_uint64(table.column("exact"), 2)
        bands, long_enough = fixed_uint64(table.column("bands"), self._settings.bands)
        matched = keys(exact[:, 0], bands, salts_of(self._settings, file, table))
        wanted = np.ones(matched.shape, bool)
        wanted[:, 1:] = long_enough[:, None]
        if self._audited is not None:
            wanted &= table.column("kept").to_numpy()[:, None]
            if self._settings.verified and not file.earlier:
                wanted[compared_rows(self._audited, file.ordinal), 1:] = False
        rows = np.column_stack([matched[wanted], np.broadcast_to(nodes[:, None], matched.shape)[wanted]])
        yield rows, partition_of(rows[:, 0], self._partitions)


def salts_of(settings: Deduplicate, file: SignatureFile, table: pa.Table) -> np.ndarray:
    """Each document's `scope_salt`, uint64 of shape (rows,). table: with the column `dump` of all rows of the file."""
    dumps = table.column("dump").combine_chunks().dictionary_encode()
    salts = [scope_salt(settings, dump or "", file.language) for dump in dumps.dictionary.to_pylist()]
    return np.array(salts, np.uint64)[dumps.indices.to_numpy()] if salts else np.empty(0, np.uint64)


class LineKeys:
    """A signature file to rows (key of a line, node), each to its key's partition; ASKS is set where a node asks."""

    def __init__(self, settings: Deduplicate, partitions: int) -> None:
        self._settings, self._partitions = settings, partitions

    def __call__(self, file: SignatureFile) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        places = np.arange(file.rows)
        lines, of, asks = as_rows(file.lines().to_pylist(), places, ASKED_LINES)
        matched = line_keys(lines, salts_of(self._settings, file, file.read(["dump"]))[of])
        nodes = np.where(asks, nodes_of(file.ordinal, of) | ASKS, nodes_of(file.ordinal, of))
        yield np.column_stack([matched, nodes]), partition_of(matched, self._partitions)


def compared_rows(workdir: DedupWorkdir, ordinal: int) -> np.ndarray:
    """Rows of a part's documents that were compared by their words."""
    path = workdir.decisions(ordinal)
    if size_of(path) is None:
        return np.empty(0, np.int64)
    decisions = read_table(path, ["row", "contained"])
    return decisions.filter(decisions.column("contained").is_valid()).column("row").to_numpy()


class Route:
    """A partition's rows through `change`; the edges that come out go to the owner of the larger end, or of both."""

    def __init__(self, change: Callable[[Any], np.ndarray], partitions: int, to_both: bool = True) -> None:
        self._change, self._partitions, self._to_both = change, partitions, to_both

    def __call__(self, element: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        edges = self._change(unpack(element[1]) if isinstance(element, tuple) else element)
        rows = both_ways(edges) if self._to_both else edges
        yield rows, partition_of(rows[:, 0], self._partitions)


class WriteStars:
    """Writes a partition's edges to smaller nodes, and how many owners have not converged. Rows: (owner, neighbour)."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __call__(self, element: tuple[int, Iterable[bytes]]) -> int:
        partition, buffers = element
        rows = unpack(buffers)
        stars = np.unique(rows[rows[:, 0] > rows[:, 1]], axis=0)
        name = f"{self._folder}/{partition:06}"
        with write_whole(f"{name}.stars") as file:
            file.write(np.ascontiguousarray(stars, "<u8").tobytes())
        write_json(f"{name}.json", {"edges": len(stars), "not_converged": not_converged(rows)})
        return partition


def star_files(folder: str) -> list[str]:
    return list_files(folder, ".stars")


def read_stars(path: str) -> np.ndarray:
    """Edges (node, root): uint64 of shape (edges, 2)."""
    with open_read(path) as file:
        return unpack([file.read()])
