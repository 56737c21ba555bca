"""Checks on the files of a finished deduplication: no two documents kept share a key, and every survivor was kept.

Where documents go only for one that contains them, all but one of those kept that share a band were compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow.dataset as ds

from schemas.storage import join, list_files, locate
from transforms.dedup.components import Keys
from transforms.dedup.signatures import DedupWorkdir, SignatureFile, ordinals_of, read_signature_files
from transforms.packed import RECEIVED, Count, Pack, grouped, partition_of, shuffled, unpack, with_counts, write_sums
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.dedup.shingles import hash_word

KEPT, CLAIMED = 0, 1
KEYS, MATES, CLAIMS = "Keys", "Kept", "Claims"  # labels of shuffles: what is looked for has to have arrived
REPEATED, ORPHANS = "repeated", "orphans"


class AuditCorpus(beam.PTransform):
    """Path of the list of finished signature files in; the file `report` out, whose two numbers of faults must be 0.

    first_new: the ordinal from which on documents are this run's
    report: path of a JSON file: `repeated`, this run's kept documents that share a key with another one kept;
        `orphans`, removed documents whose survivor is not among those kept; and what every shuffle counted
    """

    def __init__(self, settings: Deduplicate, output: str, first_new: int, partitions: int, report: str) -> None:
        super().__init__()
        self._settings, self._output, self._partitions, self._report = settings, output, partitions, report
        self._first_new = first_new

    def expand(self, input_or_inputs: Any) -> Any:
        files = input_or_inputs | "ReadList" >> beam.FlatMap(read_signature_files) | "SpreadFiles" >> beam.Reshuffle()
        workdir = DedupWorkdir(self._output)
        lists = (
            input_or_inputs.pipeline
            | "Clusters" >> beam.Create([join(self._output, "clusters")])
            | "ListClusters" >> beam.FlatMap(list_files)
            | "SpreadClusters" >> beam.Reshuffle()
        )
        keys, told = shuffled(files, KEYS, Keys(self._settings, self._partitions, audited=workdir))
        kept, sent = with_counts(files, "KeptIds", Pack(KeptIds(self._partitions), MATES))
        claims, claimed = with_counts(lists, "ListClaims", Pack(Claims(self._partitions), CLAIMS))
        repeated = keys | "Repeated" >> beam.Map(repeated_keys, self._first_new)
        mates = grouped((kept, claims) | beam.Flatten(), "Mates") | "Orphans" >> beam.FlatMap(orphaned_claims)
        return write_sums((*told, sent, claimed, repeated, mates), self._report)


class KeptIds:
    """A signature file to rows (hash of a kept document's id, KEPT)."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def __call__(self, file: SignatureFile) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        table = file.read(["id", "kept"])
        yield marked(table.filter(table.column("kept")).column("id").to_pylist(), KEPT, self._partitions)


class Claims:
    """A file of clusters/ to rows (hash of a removed document's survivor, CLAIMED)."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def __call__(self, path: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        filesystem, name = locate(path)
        table = ds.dataset(name, filesystem=filesystem, format="parquet").to_table(
            columns=["survivor_id"], filter=ds.field("match").is_valid()
        )
        yield marked(table.column("survivor_id").to_pylist(), CLAIMED, self._partitions)


def marked(ids: list[str], mark: int, partitions: int) -> tuple[np.ndarray, np.ndarray]:
    hashes = np.frombuffer(b"".join(map(hash_word, ids)), np.dtype("<u8"))
    return np.column_stack([hashes, np.full(len(hashes), mark, np.uint64)]), partition_of(hashes, partitions)


def repeated_keys(element: tuple[int, Iterable[bytes]], first_new: int) -> Count:
    rows = unpack(element[1])
    keys, nodes = rows[np.argsort(rows[:, 0])].T
    new = ordinals_of(nodes) >= first_new
    return REPEATED, int(((keys[1:] == keys[:-1]) & (new[1:] | new[:-1])).sum())


def orphaned_claims(element: tuple[int, Iterable[bytes]]) -> Iterator[Count]:
    rows = unpack(element[1])
    kept = rows[rows[:, 1] == KEPT, 0]
    claimed = rows[rows[:, 1] == CLAIMED, 0]
    yield ORPHANS, int(np.isin(claimed, kept, invert=True).sum())
    yield f"{MATES}.{RECEIVED}", len(kept)
    yield f"{CLAIMS}.{RECEIVED}", len(claimed)
