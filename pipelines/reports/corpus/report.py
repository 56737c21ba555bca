"""The report of a corpus: from WARC files to deduplicated documents."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from pipelines.reports.charts import Bin, SplitBin
from pipelines.reports.corpus.summary import CorpusSummary, Input, Language, Tokenizer, settings_of
from pipelines.reports.records import Domain, Number, Phase, Setting, Stage, by_step, lengths_of, top
from pipelines.reports.render import render
from schemas.corpus_tally import CorpusTally
from schemas.manifest import Manifest

TOP_LANGUAGES, TOP_DOMAINS, TOP_DUMPS = 200, 25, 200  # more languages and crawls than there are
REPEATED_OPEN, REPEATED_CHARS, REMOVED_CHARS = 6, 280, 400


class Counts(Struct, frozen=True):
    """Documents, and what was counted in them.

    removed_earlier: of the removed copies those whose survivor stands in an earlier corpus.
    clusters: of copies.
    tokens: in the corpus; None if no tokenizer was given.
    lines_removed: repeated lines.
    languages: with documents in the corpus.
    unlike: documents that were compared with others of their cluster and stay; None if none is compared.
    hosts_missed: documents of any one host, at most, that the ranking of hosts does not count; not there if none.
    """

    read: int
    kept: int
    removed_exact: int
    removed_near: int
    removed_earlier: int
    clusters: int
    tokens: int | None
    chars_read: int
    chars_kept: int
    lines_removed: int
    languages: int
    unlike: int | None = None
    hosts_missed: int | UnsetType = UNSET


class Dump(Struct, frozen=True):
    """Documents of one crawl."""

    dump: str
    read: int
    kept: int


class Passage(Struct, frozen=True):
    """Text around a replaced span, after the replacement."""

    url: str
    text: str


class PersonalData(Struct, frozen=True):
    """What was replaced of one type."""

    type: str
    documents: int
    spans: int
    passages: tuple[Passage, ...]


class RepeatedText(Struct, frozen=True):
    """A kept document with copies.

    cluster_size: how many documents were alike, itself included.
    text: how it begins.
    """

    cluster_size: int
    id: str
    url: str
    text: str


class RemovedDocument(Struct, frozen=True):
    """A document that was removed as a copy.

    survivor_url: address of the document that stays in its place.
    text: how the removed one begins.
    """

    url: str
    match: Literal["exact", "near"]
    survivor_url: str
    language: str | None
    text: str


class Throughput(Struct, frozen=True):
    """What a run cost.

    cpu_s: seconds of the workers' CPU, to sign and to rewrite.
    documents_per_s: by the clock, over all phases.
    max_rss_mb: memory of the largest worker, in 10⁶ bytes.
    """

    runner: str
    workers: int
    wall_s: Number
    cpu_s: Number
    documents_per_s: Number
    cpu_ms_per_document: Number
    max_rss_mb: Number
    phases: tuple[Phase, ...]


class CuratedWith(Struct, frozen=True):
    """A recipe that documents were curated with before."""

    recipe: str
    settings: tuple[Setting, ...]


class CorpusReport(Struct, frozen=True):
    """report.json of a corpus. Times differ between runs; all else does not.

    steps: classes of the recipe's steps, in their order.
    faults: what a reader has to know first.
    funnel: from WARC responses on.
    clusters: kept documents by the size of their cluster, in powers of two; the first bin is of those without a copy.
    lengths: documents read by characters, in powers of two.
    languages, domains, dumps: the largest first, and not all of them.
    """

    title: str
    recipe: str
    steps: tuple[str, ...]
    counts: Counts
    tokenizer: Tokenizer | None
    inputs: tuple[Input, ...]
    faults: tuple[str, ...]
    funnel: tuple[Stage, ...]
    clusters: tuple[Bin, ...]
    repeated: tuple[RepeatedText, ...]
    removed: tuple[RemovedDocument, ...]
    pii: tuple[PersonalData, ...]
    languages: tuple[Language, ...]
    lengths: tuple[SplitBin, ...]
    domains: tuple[Domain, ...]
    dumps: tuple[Dump, ...]
    throughput: Throughput
    dataset_hash: str
    versions: dict[str, str]
    settings: tuple[Setting, ...]
    curated_with: tuple[CuratedWith, ...]


def make_report(summary: CorpusSummary, throughput: Throughput) -> CorpusReport:
    """All that a corpus's page shows, typed: counts, funnel, clusters, samples, personal data, settings."""
    manifest, tally, recipe = summary.manifest, summary.tally, summary.recipe
    return CorpusReport(
        title="corpus",
        recipe=recipe["name"],
        steps=tuple(step["step"] for step in recipe["steps"]),
        counts=counts_of(manifest, tally),
        tokenizer=summary.tokenizer,
        inputs=tuple(summary.inputs),
        faults=tuple(summary.faults),
        funnel=tuple(summary.funnel),
        clusters=clusters_of(tally),
        repeated=tuple(RepeatedText(**page) for page in tally.repeated),
        removed=tuple(RemovedDocument(**page) for _, page in tally.removed),
        pii=personal_data_of(tally),
        languages=tuple(summary.languages[:TOP_LANGUAGES]),
        lengths=lengths_of(tally.lengths),
        domains=tuple(Domain(*row) for row in top(tally.hosts, TOP_DOMAINS)),
        dumps=tuple(Dump(*row) for row in top(tally.dumps, TOP_DUMPS)),
        throughput=throughput,
        dataset_hash=manifest.dataset_hash,
        versions=manifest.versions,
        settings=settings_of(recipe),
        curated_with=tuple(CuratedWith(name, settings_of(earlier)) for name, earlier in summary.recipes.items()),
    )


def render_page(report: CorpusReport) -> str:
    """report.html."""
    return render(
        "corpus.html",
        report=report,
        read_inputs=[source for source in report.inputs if source.role == "input"],
        copies=[
            (f"{match.title()} copies", count, [page for page in report.removed if page.match == match])
            for match, count in (("exact", report.counts.removed_exact), ("near", report.counts.removed_near))
        ],
        steps=by_step(report.settings),
        curated_with=[(earlier.recipe, by_step(earlier.settings)) for earlier in report.curated_with],
        REPEATED_OPEN=REPEATED_OPEN,
        REPEATED_CHARS=REPEATED_CHARS,
        REMOVED_CHARS=REMOVED_CHARS,
    )


def counts_of(manifest: Manifest, tally: CorpusTally) -> Counts:
    """The manifest's counts, and what only the tally knows."""
    languages = sum(1 for _, kept, *_ in tally.languages.values() if kept)
    return Counts(
        **manifest.counts,
        chars_read=tally.chars_read,
        chars_kept=tally.chars_kept,
        lines_removed=tally.lines_removed,
        languages=languages,
        hosts_missed=tally.hosts_missed or UNSET,
    )


def clusters_of(tally: CorpusTally) -> tuple[Bin, ...]:
    """Kept documents by the size of their cluster, in powers of two without gaps; the first bin is of unique ones."""
    sizes = tally.cluster_sizes
    exponents = range(max((int(exponent) for exponent in sizes), default=-1) + 1)
    return tuple(Bin(1 << exponent, 2 << exponent, sizes.get(str(exponent), 0)) for exponent in exponents)


def personal_data_of(tally: CorpusTally) -> tuple[PersonalData, ...]:
    """Each type of personal data, the most frequent first, with passages after scrubbing."""
    ordered = sorted(tally.pii.items(), key=lambda item: (-item[1][1], item[0]))
    return tuple(
        PersonalData(kind, documents, spans, tuple(Passage(**page) for _, page in tally.scrubbed.get(kind, [])))
        for kind, (documents, spans) in ordered
    )
