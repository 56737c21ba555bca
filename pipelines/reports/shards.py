"""The report of token shards: what there is to train on, and what the first rows of a plan are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pipelines.reports.charts import SplitBin
from pipelines.reports.records import Number, Phase
from pipelines.reports.render import decode, render
from schemas.manifest import Manifest

LANGUAGE_COLOURS = ("kept", "dropped", "soft", "unreadable")  # of the languages with the most tokens
OTHER = "other"  # the colour of all others


class Sums(Struct, frozen=True):
    """How many documents, and how much of them.

    tokens: those that begin documents included.
    bytes: of text in UTF-8.
    """

    documents: int = 0
    tokens: int = 0
    bytes: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.documents + other.documents, self.tokens + other.tokens, self.bytes + other.bytes)

    @property
    def bytes_per_token(self) -> float | None:
        return self.bytes / self.tokens if self.tokens else None


class Split(Sums, frozen=True, kw_only=True):
    """One split of the shards.

    lengths: documents by floor(log2(tokens)).
    """

    languages: dict[str, Sums]
    dumps: dict[str, Sums]
    lengths: dict[str, int]


class Counts(Struct, frozen=True, omit_defaults=True):
    """The manifest's counts.

    slices: named parts of val.
    forgotten: what was ever taken out, if anything was.
    """

    train: Split
    val: Split
    slices: dict[str, Sums]
    forgotten: Sums | None = None


class Tokens(Struct, frozen=True):
    """How tokens are written down.

    dtype: of a number, little-endian.
    layout_hash: of the shards' files.
    """

    dtype: str
    vocab_size: int
    bos_id: int
    eos_id: int | None
    pad_id: int | None
    tokenizer_sha256: str
    layout_hash: str


class RowSpan(Struct, frozen=True):
    """A piece of a training row.

    language, url: of the document that it is of.
    begins: whether the document begins there.
    """

    tokens: int
    language: str | None
    url: str | None
    begins: bool


class PlanPart(Struct, frozen=True):
    """A file of a plan's rows.

    first_row: number of its first row in the plan.
    """

    path: str
    first_row: int
    rows: int


class Plan(Struct, frozen=True):
    """A plan's settings, its counts and its first rows.

    context: tokens that a model sees at once; a row has one more.
    epochs: how often documents are to be seen, if asked so.
    mixture: share of the tokens by `by`, language or dump; None for as they are.
    documents, tokens: seen, each as often as it is.
    cut: tokens that no row has room for.
    slices: rows of each part of val.
    """

    name: str
    context: int
    seed: int
    packing: str
    epochs: Number | None
    mixture: tuple[tuple[str, Number], ...] | None
    by: str
    documents: int
    tokens: int
    cut: int
    rows: int
    parts: tuple[PlanPart, ...]
    slices: dict[str, int]
    first_rows: tuple[tuple[RowSpan, ...], ...]


class Source(Struct, frozen=True):
    """A directory that documents were read from."""

    path: str
    stage: str
    dataset_hash: str
    documents: int


class Throughput(Struct, frozen=True):
    """What a run cost.

    encode_cpu_s: seconds of the workers' CPU, to encode.
    max_rss_mb: memory of the largest worker, in MiB.
    """

    runner: str
    workers: int
    wall_s: Number
    phases: tuple[Phase, ...]
    encode_cpu_s: Number
    tokens_per_cpu_s: Number
    max_rss_mb: Number


class ShardsReport(Struct, frozen=True):
    """report.json of shards.

    tokenizer: where it came from, in words.
    """

    title: str
    dataset_hash: str
    versions: dict[str, str]
    tokenizer: str
    tokens: Tokens
    counts: Counts
    plan: Plan
    source: tuple[Source, ...]
    throughput: Throughput


def make_report(manifest: Manifest, tokenizer: str, plan: Plan, throughput: Throughput) -> ShardsReport:
    return ShardsReport(
        title="Token shards",
        dataset_hash=manifest.dataset_hash,
        versions=manifest.versions,
        tokenizer=tokenizer,
        tokens=decode(manifest.settings["tokens"], Tokens, "the manifest's tokens"),
        counts=counts_of(manifest),
        plan=plan,
        source=decode(manifest.source, tuple[Source, ...], "the manifest's source"),
        throughput=throughput,
    )


def counts_of(manifest: Manifest) -> Counts:
    return decode(manifest.counts, Counts, "the manifest's counts")


def plan_of(settings: dict[str, Any], counts: dict[str, Any], first_rows: list[list[dict[str, Any]]]) -> Plan:
    """A plan, of its settings and counts as its manifest has them."""
    return decode(settings | counts | {"first_rows": first_rows}, Plan, "the plan")


def render_page(report: ShardsReport) -> str:
    """report.html."""
    train, val = report.counts.train, report.counts.val
    colours: dict[str, str] = dict(zip(ranked_languages(train), LANGUAGE_COLOURS, strict=False))
    legend = {colour: name for name, colour in colours.items()}
    if len(train.languages) > len(colours):
        legend[OTHER] = "other languages"
    languages = languages_of(train, val)
    return render(
        "shards.html",
        report=report,
        whole=train + val,
        languages=languages,
        max_vocab_size=max((one.tokens + other.tokens for _, one, other in languages), default=0),
        lengths=lengths_of(train, val),
        strips=[pieces_of(row, colours) for row in report.plan.first_rows],
        row_tokens=report.plan.context + 1,
        legend=legend,
    )


def ranked_languages(split: Split) -> list[str]:
    return sorted(split.languages, key=lambda name: -split.languages[name].tokens)


def languages_of(train: Split, val: Split) -> list[tuple[str, Sums, Sums]]:
    """(language, its part of train, its part of val), the largest first."""
    names = sorted({*train.languages, *val.languages})
    rows = [(name, train.languages.get(name, Sums()), val.languages.get(name, Sums())) for name in names]
    return sorted(rows, key=lambda row: -(row[1].tokens + row[2].tokens))


def lengths_of(train: Split, val: Split) -> list[SplitBin]:
    """Documents by tokens, in powers of two without gaps: train's above the axis, val's below."""
    exponents = [int(key) for key in {*train.lengths, *val.lengths}]
    return [
        SplitBin(1 << exponent, 2 << exponent, train.lengths.get(str(exponent), 0), val.lengths.get(str(exponent), 0))
        for exponent in range(min(exponents, default=0), max(exponents, default=-1) + 1)
    ]


def pieces_of(row: Sequence[RowSpan], colours: dict[str, str]) -> list[tuple[str, int, str]]:
    """A row as `charts.strip` takes it: (colour, tokens, what it is) of each piece."""
    return [
        (
            colours.get(span.language or "und", OTHER),
            span.tokens,
            f"{span.tokens:,} tokens of {span.url or 'a document'}" + ("" if span.begins else ", continued"),
        )
        for span in row
    ]
