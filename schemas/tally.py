"""What happened to the pages of one unit of work, in numbers that add up and merge: the source of every report."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from schemas.document import Document
from schemas.faults import BrokenRun
from schemas.verdict import Drop
from schemas.wording import plural

SAMPLES_PER_REASON = 10
SAMPLE_CHARS = 600
QUALITY_SAMPLE = 500  # kept documents whose quality values feed the report's percentiles
MERGED_HOSTS = 100_000  # hosts kept of units together; a crawl has 40 million
MAX_HOSTS = 2000  # hosts kept per unit, those with the most pages

KeyedSamples = list[tuple[str, dict[str, Any]]]  # (sample_key, what is shown of a page)


def sample_key(url: str, record_id: str) -> str:
    """A hash by which pages are drawn: samples hold the smallest keys, whatever the order in which pages arrive."""
    return hashlib.blake2b(f"{url}\x00{record_id}".encode("utf-8", "replace"), digest_size=8).hexdigest()


def smallest(items: KeyedSamples, count: int) -> KeyedSamples:
    """The samples with the smallest keys."""
    return sorted(items, key=lambda item: item[0])[:count]


def host_of(url: str) -> str:
    """The URL's host without `www.`; "" if it has none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


@dataclass
class Tally:
    """Counts of one unit, or of many merged.

    read: responses; read = kept + dropped + unreadable
    kept_chars: characters of the kept documents
    kept, dropped, unreadable: responses by their fate
    skipped: records that are no HTTP response, by kind
    reasons: responses not kept, by (stage, reason, fate)
    languages: [seen, kept] by language
    lengths: [seen, kept] by floor(log2(characters)) of the extracted text, as a string
    hosts: [seen, kept] by host; of many hosts those with the most pages, and their counts are lower bounds
    hosts_missed: pages of any one host, at most, that `hosts` lacks; 0 where it has all
    samples: by (fate, stage, reason), the pages with the smallest keys
    quality: quality values of the kept documents with the smallest keys
    """

    read: int = 0
    kept: int = 0
    dropped: int = 0
    unreadable: int = 0
    kept_chars: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    languages: dict[str, list[int]] = field(default_factory=dict)
    lengths: dict[str, list[int]] = field(default_factory=dict)
    hosts: dict[str, list[int]] = field(default_factory=dict)
    hosts_missed: int = 0
    samples: dict[tuple[str, str, str], KeyedSamples] = field(default_factory=dict)
    quality: KeyedSamples = field(default_factory=list)

    def add(self, url: str, record_id: str, verdict: Document | Drop, text: str | None) -> None:
        """Count one response. text: what extraction gave, or None if the page did not get that far."""
        kept = isinstance(verdict, Document)
        key = sample_key(url, record_id)
        bump(self.hosts, host_of(url), kept)
        if text is not None:
            bump(self.lengths, str(max(len(text), 1).bit_length() - 1), kept)
        if verdict.language is not None and text is not None:
            bump(self.languages, verdict.language, kept)
        shown: dict[str, Any] = {"url": url[:500], "language": verdict.language, "text": (text or "")[:SAMPLE_CHARS]}
        if isinstance(verdict, Document):
            self.kept += 1
            self.kept_chars += len(verdict.text)
            self._sample(("kept", "", ""), key, shown | {"value": None, "threshold": None, "detail": None})
            self.quality.append((key, dict(verdict.quality)))
            if len(self.quality) > 2 * QUALITY_SAMPLE:
                self.quality = smallest(self.quality, QUALITY_SAMPLE)
            return
        self.dropped += verdict.fate == "dropped"
        self.unreadable += verdict.fate == "unreadable"
        self.reasons[verdict.stage, verdict.reason, verdict.fate] += 1
        numbers = {"value": verdict.value, "threshold": verdict.threshold, "detail": verdict.detail}
        self._sample((verdict.fate, verdict.stage, verdict.reason), key, shown | numbers)

    def _sample(self, group: tuple[str, str, str], key: str, shown: dict[str, Any]) -> None:
        pages = self.samples.setdefault(group, [])
        if len(pages) < SAMPLES_PER_REASON or key < pages[-1][0]:
            self.samples[group] = smallest([*pages, (key, shown)], SAMPLES_PER_REASON)

    def merge(self, other: Tally) -> None:
        """Add another unit's counts. The result is the same in any order: samples are the smallest by their keys."""
        for name in ("read", "kept", "dropped", "unreadable", "kept_chars", "hosts_missed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.skipped.update(other.skipped)
        self.reasons.update(other.reasons)
        for mine, theirs in (
            (self.languages, other.languages),
            (self.lengths, other.lengths),
            (self.hosts, other.hosts),
        ):
            for key, (seen, kept) in theirs.items():
                pair = mine.setdefault(key, [0, 0])
                pair[0] += seen
                pair[1] += kept
        if len(self.hosts) > 2 * MERGED_HOSTS:
            self.hosts, missed = most_pages(self.hosts, MERGED_HOSTS)
            self.hosts_missed += missed
        for group, pages in other.samples.items():
            self.samples[group] = smallest([*self.samples.get(group, []), *pages], SAMPLES_PER_REASON)
        self.quality = smallest([*self.quality, *other.quality], QUALITY_SAMPLE)

    def adds_up(self) -> bool:
        """read = kept + dropped + unreadable, and every loss has a reason."""
        lost = self.dropped + self.unreadable
        return self.read == self.kept + lost and lost == sum(self.reasons.values())

    def to_json(self, hosts: int = MAX_HOSTS) -> dict[str, Any]:
        """hosts: how many to keep, those with the most pages."""
        kept_hosts, missed = most_pages(self.hosts, hosts)
        missed += self.hosts_missed
        return {
            "read": self.read,
            "kept": self.kept,
            "dropped": self.dropped,
            "unreadable": self.unreadable,
            "kept_chars": self.kept_chars,
            "skipped": dict(self.skipped),
            "reasons": [[*reason, count] for reason, count in sorted(self.reasons.items())],
            "languages": self.languages,
            "lengths": self.lengths,
            "hosts": kept_hosts,
            **({"hosts_missed": missed} if missed else {}),
            "samples": [[*group, pages] for group, pages in sorted(self.samples.items())],
            "quality": smallest(self.quality, QUALITY_SAMPLE),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Tally:
        """The counts of a record, also of one that an earlier version wrote."""
        return cls(
            read=value["read"],
            kept=value["kept"],
            dropped=value["dropped"],
            unreadable=value["unreadable"],
            kept_chars=value.get("kept_chars", 0),  # of an earlier version's unit none
            skipped=Counter(value["skipped"]),
            reasons=Counter({(stage, reason, fate): n for stage, reason, fate, n in value["reasons"]}),
            languages=value["languages"],
            lengths=value["lengths"],
            hosts=value["hosts"],
            hosts_missed=value.get("hosts_missed", 0),
            samples={(a, b, c): [(k, p) for k, p in pages] for a, b, c, pages in value["samples"]},
            quality=[(key, page) for key, page in value["quality"]],
        )


def most_pages(counts: dict[str, list[int]], count: int) -> tuple[dict[str, list[int]], int]:
    """Those with the most pages, by [seen, kept] of each, and the most pages of one that is left out.

    Whoever leaves some out again and again has lost at most the sum of these numbers of any one.
    """
    ranked = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    return dict(ranked[:count]), ranked[count][1][0] if len(ranked) > count else 0


def bump(counts: dict[str, list[int]], key: str, kept: bool) -> None:
    """Count one more page in `counts`, [seen, kept] by key."""
    pair = counts.setdefault(key, [0, 0])
    pair[0] += 1
    pair[1] += kept


def funnel(stages: Iterable[str], tally: Tally) -> list[tuple[str, int, int]]:
    """(stage, pages reaching it, pages lost there), in the order of the stages.

    Raises BrokenRun if they don't add up.
    """
    rows, reached = [], tally.read
    for stage in stages:
        lost = sum(count for (ended, _, _), count in tally.reasons.items() if ended == stage)
        rows.append((stage, reached, lost))
        reached -= lost
    if reached != tally.kept:
        raise BrokenRun(
            f"the stages' losses leave {plural(reached, 'page')}, but {tally.kept} were kept; this is a defect"
        )
    return rows
