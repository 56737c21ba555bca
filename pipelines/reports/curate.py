"""The report of a curate run: what became of the pages, from WARC records to kept documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct

from pipelines.recipes.describe import settings_of
from pipelines.recipes.recipe import Recipe
from pipelines.reports.charts import SplitBin
from pipelines.reports.records import (
    CHARS_OF_TOKEN,
    CPU,
    FETCHED,
    KEPT,
    MEMORY,
    PAGES,
    REQUESTS,
    TOKENS,
    WALL,
    WRITTEN,
    Compared,
    Domain,
    Estimate,
    Number,
    Setting,
    Stage,
    by_step,
    compare,
    lengths_of,
    top,
)
from pipelines.reports.render import decode, render
from schemas.faults import BadInput, reason
from schemas.manifest import Manifest
from schemas.storage import read_json
from schemas.tally import Tally, funnel

TOP_LANGUAGES, TOP_DOMAINS = 30, 25
SAMPLE_CHARS = 600
BAD_INPUTS_SHOWN = 50
OTHER_LANGUAGE = ("other_language", "improbable_language")


class RecipeName(Struct, frozen=True):
    """A recipe by its name, and what it is for."""

    name: str
    about: str


class Counts(Struct, frozen=True, omit_defaults=True):
    """Pages by their fate.

    skipped_records: WARC records that hold no page, by type.
    not_fetched: of the unreadable ones, records and parts of files that a server did not give.
    hosts_missed: pages of any one host, at most, that the ranking of hosts does not count.
    """

    read: int
    kept: int
    dropped: int
    unreadable: int
    skipped_records: dict[str, int]
    not_fetched: int = 0
    hosts_missed: int = 0

    @property
    def adds_up(self) -> bool:
        return self.read == self.kept + self.dropped + self.unreadable


class ProblemFile(Struct, frozen=True):
    """An input file with a problem, and what it is."""

    path: str
    problem: str


class Inputs(Struct, frozen=True):
    """The WARC files that were read.

    bytes: of all files.
    bad: those that were left out, or read in part.
    """

    files: int
    bytes: int
    bad: tuple[ProblemFile, ...]


class Reason(Struct, frozen=True):
    """How many pages ended at a stage for a reason."""

    stage: str
    reason: str
    fate: Literal["dropped", "unreadable"]
    count: int


class Language(Struct, frozen=True):
    """Pages of one language.

    seen: those that were extracted.
    """

    language: str
    seen: int
    kept: int


class Quality(Struct, frozen=True):
    """Percentiles of a measure over a sample of kept documents."""

    measure: str
    p5: Number | None
    p50: Number | None
    p95: Number | None


class Throughput(Struct, frozen=True):
    """What a run cost.

    wall_s: seconds by the clock, of this run alone.
    cpu_s: seconds of the workers' CPU, of all units.
    extraction_cpu_s: the part of it that extraction took.
    pages_per_s: pages that this run read, a second by the clock.
    max_rss_mb: memory of the largest worker, in 10⁶ bytes.
    units: units of work, of which units_resumed were finished before.
    requests, fetched_bytes: made to servers, and what came of them.
    """

    runner: str
    workers: int
    wall_s: Number
    cpu_s: Number
    extraction_cpu_s: Number
    pages_per_s: Number
    cpu_ms_per_page: Number
    max_rss_mb: Number
    units: int
    units_resumed: int
    requests: int = 0
    fetched_bytes: int = 0


class SamplePage(Struct, frozen=True):
    """A page to judge by eye.

    value, threshold: what a rule measured and its limit, where the page was dropped by one.
    detail: what else there is to say of it.
    text: its first characters, if it came to extraction.
    """

    url: str
    language: str | None
    text: str
    value: Number | None
    threshold: Number | None
    detail: str | None


class Sample(Struct, frozen=True):
    """Some pages of one fate.

    stage, reason: where and why they ended; empty for kept ones.
    """

    fate: Literal["kept", "dropped", "unreadable"]
    stage: str
    reason: str
    pages: tuple[SamplePage, ...]


class CurateReport(Struct, frozen=True):
    """report.json of a curate run. Times differ between runs; all else does not.

    blocklist: name and date of the list of blocked URLs.
    funnel: the stages in their order.
    reasons: the most common first.
    languages, domains: the largest first, and not all of them.
    lengths: extracted documents by characters, in powers of two.
    versions: of the packages that the dataset depends on.
    nothing_kept: why no page was kept, by the reason most met; empty if one was.
    estimate: of the run, beside what it came to; empty if none was given.
    """

    title: str
    recipe: RecipeName
    blocklist: str
    counts: Counts
    inputs: Inputs
    funnel: tuple[Stage, ...]
    reasons: tuple[Reason, ...]
    languages: tuple[Language, ...]
    lengths: tuple[SplitBin, ...]
    domains: tuple[Domain, ...]
    quality: tuple[Quality, ...]
    throughput: Throughput
    samples: tuple[Sample, ...]
    dataset_hash: str
    versions: dict[str, str]
    settings: tuple[Setting, ...]
    nothing_kept: str = ""
    estimate: tuple[Compared, ...] = ()

    @property
    def ranked_reasons(self) -> list[Reason]:
        return sorted(self.reasons, key=lambda reason: -reason.count)

    @property
    def top_reason(self) -> Reason | None:
        """The most common reason to drop a page."""
        return next((reason for reason in self.ranked_reasons if reason.fate == "dropped" and reason.count), None)

    @property
    def ranked_samples(self) -> list[tuple[Sample, int]]:
        """Samples and of how many pages they are: the kept first, then the most common reasons."""
        counts = {(reason.stage, reason.reason): reason.count for reason in self.reasons}
        counts["", ""] = self.counts.kept
        of_all = [(sample, counts.get((sample.stage, sample.reason), 0)) for sample in self.samples]
        return sorted(of_all, key=lambda item: (item[0].fate != "kept", -item[1]))


def make_report(
    recipe: Recipe,
    manifest: Manifest,
    tally: Tally,
    throughput: Throughput,
    estimate: Estimate | None = None,
) -> CurateReport:
    """Raises BrokenRun if the stages' losses do not add up to the tally's."""
    return CurateReport(
        title="documents",
        recipe=RecipeName(recipe.name, recipe.about),
        blocklist=blocklist_line(manifest.settings["assets"]["blocklist"]),
        counts=Counts(**manifest.counts, hosts_missed=tally.hosts_missed),
        inputs=inputs_of(manifest.source),
        funnel=tuple(Stage(*row) for row in funnel(recipe.curate.stages, tally)),
        reasons=reasons_of(tally),
        languages=tuple(Language(*row) for row in top(tally.languages, TOP_LANGUAGES)),
        lengths=lengths_of(tally.lengths),
        domains=tuple(Domain(*row) for row in top(tally.hosts, TOP_DOMAINS)),
        quality=quality_of(recipe.curate.measures, tally),
        throughput=throughput,
        samples=samples_of(tally),
        dataset_hash=manifest.dataset_hash,
        versions=manifest.versions,
        settings=tuple(Setting(**row) for row in settings_of(recipe.curate.steps())),
        nothing_kept=nothing_kept(recipe.curate.languages, tally),
        estimate=tuple(compare(estimate, measured(manifest, tally, throughput))) if estimate is not None else (),
    )


def measured(manifest: Manifest, tally: Tally, throughput: Throughput) -> dict[str, float]:
    """What a run came to, by the names of an estimate. The time of a run that was resumed is not all of it."""
    values = {
        PAGES: tally.read,
        CPU: throughput.cpu_s / 3600,
        WALL: throughput.wall_s / 3600,
        REQUESTS: throughput.requests,
        FETCHED: throughput.fetched_bytes / 1e9,
        WRITTEN: sum(file.bytes for file in manifest.files) / 1e9,
        KEPT: tally.kept,
        TOKENS: tally.kept_chars / CHARS_OF_TOKEN / 1e6,
        MEMORY: throughput.max_rss_mb,
    }
    return {name: value for name, value in values.items() if name != WALL or not throughput.units_resumed}


def read_estimate(path: str, recipe: str, units: int, size: int) -> Estimate:
    """A saved estimate of the run with this recipe and input. Raises BadInput for any other, and for no estimate."""
    try:
        estimate = decode(read_json(path), Estimate, f"estimate {path}")
    except (OSError, ValueError) as error:
        what = f"estimate {path} can't be read ({reason(error)})"
        raise BadInput(f"{what}; give what `bateia estimate` wrote with --save") from error
    if (estimate.recipe, estimate.units, estimate.size) != (recipe, units, size):
        raise BadInput(
            f"estimate {path} is of another run: {estimate.recipe[:60]} on {estimate.units:,} units of "
            f"{estimate.size:,}, not {recipe} on {units:,} of {size:,}; estimate this one, or leave --estimate out"
        )
    return estimate


def nothing_kept(languages: Sequence[str], tally: Tally) -> str:
    """One sentence for a run that kept no page, without its full stop; empty if it kept one.

    languages: those that the recipe keeps
    """
    if tally.kept or not tally.reasons:
        return ""
    (stage, reason, _), count = min(tally.reasons.items(), key=lambda item: (-item[1], item[0]))
    most = f"all {count:,}" if count == tally.read > 1 else f"{count:,} of {tally.read:,}"
    none = f"none of {tally.read:,} pages was kept" if tally.read > 1 else "the only page was not kept"
    if reason not in OTHER_LANGUAGE:
        return f"{none}: {most} ended at {stage} by {reason}"
    pages = [
        page for (_, ended, why), kept in tally.samples.items() if (ended, why) == (stage, reason) for page in kept
    ]
    seen = Counter(page["language"] for _, page in pages if page["language"])
    named = ", ".join(sorted(seen, key=lambda language: (-seen[language], language))[:3])
    return f"{none}: {most} were in another language ({named}); this recipe keeps {', '.join(languages)}"


def render_page(report: CurateReport) -> str:
    """report.html."""
    limits = {"SAMPLE_CHARS": SAMPLE_CHARS, "BAD_INPUTS_SHOWN": BAD_INPUTS_SHOWN}
    return render("curate.html", report=report, steps=by_step(report.settings), **limits)


def documents_card(recipe: str, languages: Sequence[str], documents: int) -> str:
    """README.md, by which Hugging Face's `datasets` loads data/ and passes over ledger/, which has other columns.

    languages: folders of data/, each a configuration of its own
    """
    import yaml

    folders = [("default", "*"), *((language, language) for language in languages)]
    configs = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"data/{folder}/*.parquet"}]}
        for name, folder in folders
    ]
    front = yaml.safe_dump({"configs": configs}, sort_keys=False, allow_unicode=True)
    about = f"{documents:,} documents of web pages in `data/`, and the fate of every page read in `ledger/`."
    return f"---\n{front}---\n# Documents of recipe {recipe}\n\n{about} `report.html` shows how they came about.\n"


def blocklist_line(blocklist: dict[str, Any] | str | None) -> str:
    """What the manifest records of the block list, in a few words."""
    if isinstance(blocklist, dict):
        return f"{blocklist.get('name')} of {blocklist.get('date')}"
    return blocklist or "none in the recipe"


def inputs_of(source: list[dict[str, Any]]) -> Inputs:
    """The manifest's input files in three numbers."""
    bad = tuple(ProblemFile(file["path"], file["problem"]) for file in source if "problem" in file)
    return Inputs(len(source), sum(file["bytes"] for file in source), bad)


def reasons_of(tally: Tally) -> tuple[Reason, ...]:
    ordered = sorted(tally.reasons.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        {"stage": stage, "reason": reason, "fate": fate, "count": count} for (stage, reason, fate), count in ordered
    ]
    return decode(rows, tuple[Reason, ...], "the tally")


def quality_of(measures: Iterable[str], tally: Tally) -> tuple[Quality, ...]:
    """Percentiles of each measure that the tally's sample of kept documents has."""
    rows = []
    for measure in measures:
        values = sorted(page[measure] for _, page in tally.quality if measure in page)
        if values:
            rows.append(Quality(measure, *(values[min(len(values) - 1, len(values) * p // 100)] for p in (5, 50, 95))))
    return tuple(rows)


def samples_of(tally: Tally) -> tuple[Sample, ...]:
    """The tally's samples: kept, dropped, unreadable ones, then by stage and reason."""
    order = {"kept": 0, "dropped": 1, "unreadable": 2}
    groups = sorted(tally.samples.items(), key=lambda item: (order[item[0][0]], item[0]))
    rows = [
        {"fate": fate, "stage": stage, "reason": reason, "pages": [page for _, page in pages]}
        for (fate, stage, reason), pages in groups
    ]
    return decode(rows, tuple[Sample, ...], "the tally")
