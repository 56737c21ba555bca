"""What became of the documents of one part of a corpus, in numbers that add up and merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from schemas.tally import (
    MAX_HOSTS,
    MERGED_HOSTS,
    SAMPLE_CHARS,
    KeyedSamples,
    bump,
    host_of,
    most_pages,
    sample_key,
    smallest,
)

MAX_REMOVED_SAMPLES = 20
MAX_REPEATED = 20
MAX_SCRUBBED_SAMPLES = 10  # per type
EMPTIED_FROM, EMPTIED_SHARE = 50, 0.99  # documents of a host, and the share removed from which it is told


@dataclass
class CorpusTally:
    """Counts of one part, or of many merged.

    read, kept: documents; read = kept + exact + near
    exact, near: documents removed, by how they match their survivor
    earlier: those of the removed ones whose survivor is in an earlier corpus
    tokens: of the kept documents
    chars_read, chars_kept: characters of the documents read and kept
    lines_removed: repeated lines of the kept documents
    languages: [read, kept, characters kept, tokens kept] by language
    dumps, hosts: [read, kept] by dump and by host; of many hosts those with the most documents, as lower bounds
    hosts_missed: documents of any one host, at most, that `hosts` lacks; 0 where it has all
    lengths: [read, kept] by floor(log2(characters)), as a string
    pii: [documents, spans] by type of personal data
    cluster_sizes: kept documents by floor(log2(cluster size)), as a string
    repeated: the kept documents with the largest clusters
    removed: the removed documents with the smallest keys
    scrubbed: by type, passages around a replacement, after scrubbing, of the documents with the smallest keys
    """

    read: int = 0
    kept: int = 0
    exact: int = 0
    near: int = 0
    earlier: int = 0
    tokens: int = 0
    chars_read: int = 0
    chars_kept: int = 0
    lines_removed: int = 0
    languages: dict[str, list[int]] = field(default_factory=dict)
    dumps: dict[str, list[int]] = field(default_factory=dict)
    lengths: dict[str, list[int]] = field(default_factory=dict)
    hosts: dict[str, list[int]] = field(default_factory=dict)
    hosts_missed: int = 0
    pii: dict[str, list[int]] = field(default_factory=dict)
    cluster_sizes: dict[str, int] = field(default_factory=dict)
    repeated: list[dict[str, Any]] = field(default_factory=list)
    removed: KeyedSamples = field(default_factory=list)
    scrubbed: dict[str, KeyedSamples] = field(default_factory=dict)

    def add_read(self, row: dict[str, Any], kept: bool) -> None:
        """Count a document of the input: a row with text, url, language and dump."""
        text = row["text"]
        self.read += 1
        self.chars_read += len(text)
        bump(self.dumps, row["dump"] or "", kept)
        bump(self.hosts, host_of(row["url"] or ""), kept)
        bump(self.lengths, str(max(len(text), 1).bit_length() - 1), kept)
        totals = self.languages.setdefault(row["language"] or "und", [0, 0, 0, 0])
        totals[0] += 1
        totals[1] += kept

    def add_kept(self, row: dict[str, Any]) -> None:
        """Count a document of the output: a row as it is written."""
        text, size, tokens = row["text"], row["cluster_size"], row["token_count"] or 0
        self.kept += 1
        self.chars_kept += len(text)
        self.tokens += tokens
        totals = self.languages.setdefault(row["language"] or "und", [0, 0, 0, 0])
        totals[2] += len(text)
        totals[3] += tokens
        bucket = str(size.bit_length() - 1)
        self.cluster_sizes[bucket] = self.cluster_sizes.get(bucket, 0) + 1
        if size > 1 and (len(self.repeated) < MAX_REPEATED or size >= self.repeated[-1]["cluster_size"]):
            shown = {"cluster_size": size, "id": row["id"], "url": (row["url"] or "")[:500]}
            shown |= {"text": text[:SAMPLE_CHARS]}
            self.repeated = largest([*self.repeated, shown])

    def add_removed(self, row: dict[str, Any], match: str, survivor_url: str, earlier: bool) -> None:
        self.exact += match == "exact"
        self.near += match == "near"
        self.earlier += earlier
        key = sample_key(row["url"] or "", row["id"])
        if len(self.removed) < MAX_REMOVED_SAMPLES or key < self.removed[-1][0]:
            shown = {"url": (row["url"] or "")[:500], "match": match, "survivor_url": (survivor_url or "")[:500]}
            shown |= {"language": row["language"], "text": row["text"][:SAMPLE_CHARS]}
            self.removed = smallest([*self.removed, (key, shown)], MAX_REMOVED_SAMPLES)

    def add_spans(self, kinds: Sequence[str], row: dict[str, Any], passages: dict[str, str]) -> None:
        """Count one document's replaced spans. passages: per type, scrubbed text around the first of them."""
        for kind in set(kinds):
            totals = self.pii.setdefault(kind, [0, 0])
            totals[0] += 1
            totals[1] += sum(1 for other in kinds if other == kind)
        key = sample_key(row["url"] or "", row["id"])
        for kind, passage in passages.items():
            shown = {"url": (row["url"] or "")[:500], "text": passage}
            self.scrubbed[kind] = smallest([*self.scrubbed.get(kind, []), (key, shown)], MAX_SCRUBBED_SAMPLES)

    def merge(self, other: CorpusTally) -> None:
        """Add another part's counts. The result is the same in any order: samples are the smallest by their keys."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("languages", "dumps", "lengths", "hosts", "pii"):
            mine = getattr(self, name)
            for key, theirs in getattr(other, name).items():
                mine[key] = [a + b for a, b in zip(mine.get(key, [0] * len(theirs)), theirs, strict=True)]
        if len(self.hosts) > 2 * MERGED_HOSTS:
            self.hosts, missed = most_pages(self.hosts, MERGED_HOSTS)
            self.hosts_missed += missed
        for key, count in other.cluster_sizes.items():
            self.cluster_sizes[key] = self.cluster_sizes.get(key, 0) + count
        self.repeated = largest([*self.repeated, *other.repeated])
        self.removed = smallest([*self.removed, *other.removed], MAX_REMOVED_SAMPLES)
        for kind, pages in other.scrubbed.items():
            self.scrubbed[kind] = smallest([*self.scrubbed.get(kind, []), *pages], MAX_SCRUBBED_SAMPLES)

    def adds_up(self) -> bool:
        return self.read == self.kept + self.exact + self.near

    @property
    def emptied_hosts(self) -> list[tuple[str, int, int]]:
        """(host, documents read, documents kept) of hosts that lost nearly all they had, the largest first.

        That may be right, for a mirror, or a boilerplate text that was taken for the page's.
        """
        rows = [(host, read, kept) for host, (read, kept) in self.hosts.items() if host and read >= EMPTIED_FROM]
        lost = [row for row in rows if row[1] - row[2] >= EMPTIED_SHARE * row[1]]
        return sorted(lost, key=lambda row: (-row[1], row[0]))

    def to_json(self) -> dict[str, Any]:
        hosts, missed = most_pages(self.hosts, MAX_HOSTS)
        return asdict(self) | {"hosts": hosts, "hosts_missed": self.hosts_missed + missed}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> CorpusTally:
        tally = cls(**value)
        tally.removed = [(key, page) for key, page in tally.removed]
        tally.scrubbed = {kind: [(key, page) for key, page in pages] for kind, pages in tally.scrubbed.items()}
        return tally


COUNTS = tuple(item.name for item in fields(CorpusTally) if item.type == "int")


def largest(repeated: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(repeated, key=lambda item: (-item["cluster_size"], item["id"]))[:MAX_REPEATED]
