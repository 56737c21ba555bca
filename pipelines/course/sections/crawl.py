"""Common Crawl and FineWeb: the embedded crawl through a recipe, and the journeys of a page that stays and of others
that do not."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

from msgspec import Struct

from pipelines.analysis.journey import follow
from pipelines.course.pace import DATA
from pipelines.course.page import Open, Part, Table, Text
from pipelines.course.section import Section, Work
from pipelines.course.words import Words
from pipelines.engine.run import Execution, Stopped
from pipelines.recipes.tiny import TINY
from pipelines.reports import journey
from pipelines.reports.render import write_page
from pipelines.sample.build import build_sample
from pipelines.sample.encyclopedia import build_people
from pipelines.sample.people import make_town
from pipelines.stages.run import RunOptions, run_recipe
from schemas.manifest import open_finished, versions
from schemas.storage import join, read_json, read_table
from transforms.steps.tokens.settings import PlanSettings, TrainTokenizer

NAME = "crawl"
PACKAGES = ("bateia", "trafilatura", "pyarrow")


class Stage(Struct, frozen=True):
    """Of the funnel: pages that reached it, and those that ended there."""

    stage: str
    reached: int
    dropped: int


class Journey(Struct, frozen=True):
    """A page that is followed. kind: kept, copy or dropped; file: its page."""

    kind: str
    url: str
    why: str
    file: str


class Numbers(Struct, frozen=True):
    """people: in the register; documents: of the corpus; tokens: to train on."""

    people: int
    pages: int
    funnel: tuple[Stage, ...]
    exact: int
    near: int
    documents: int
    tokens: int
    journeys: tuple[Journey, ...]


def measure(work: Work) -> Numbers:
    pace, warc = work.pace, work.folder / "warc"
    work.tell("writing the embedded crawl", 0.01)
    build_sample(warc)
    town = make_town(pace.people, pace.exposures, pace.told_once, pace.seed)
    build_people(warc, town)
    # Under its own name, by which `follow` finds the rules, which are its own.
    recipe = TINY.vary(TrainTokenizer(vocab_size=pace.vocab_size), PlanSettings(context=pace.context), name=TINY.name)
    options = RunOptions((str(warc / "*.warc.gz"),), str(work.folder), until="shards")
    work.tell("documents, corpus, shards", 0.02)
    with contextlib.redirect_stdout(io.StringIO()):  # its summaries are on the pages
        code = run_recipe(recipe, options, Execution(workers=work.workers, quiet=True))
    if code:
        raise Stopped(code)
    work.tell("following pages", 0.95)
    reports = {name: read_json(str(work.folder / name / "report.json")) for name in ("documents", "corpus", "shards")}
    counts = reports["corpus"]["counts"]
    return Numbers(
        people=len(town.facts),
        pages=reports["documents"]["counts"]["read"],
        funnel=tuple(
            Stage(one["stage"], one["reached"], one["dropped"]) for one in reports["documents"]["funnel"] if one
        ),
        exact=counts["removed_exact"],
        near=counts["removed_near"],
        documents=counts["kept"],
        tokens=reports["shards"]["counts"]["train"]["tokens"],
        journeys=tuple(journeys(work)),
    )


def journeys(work: Work) -> list[Journey]:
    """Pages followed: one with copies that stayed, one of its copies, and one that a rule dropped."""
    fates = rows_of(work.folder / "corpus", "clusters/")
    ledger = rows_of(work.folder / "documents", "ledger/")
    copies = sorted((one["survivor_url"], one["url"]) for one in fates if one["match"] == "near")
    dropped = sorted((one["url"], one["stage"]) for one in ledger if one["stage"] in ("c4", "gopher_quality"))
    chosen = [("kept", copies[0][0], ""), ("copy", copies[0][1], "")] if copies else []
    chosen += [("dropped", *dropped[0])] if dropped else []
    found = []
    for kind, url, why in chosen:
        report = follow(url, str(work.folder / "shards"))
        write_page(work.file(f"journey-{kind}"), journey.render_page(report, versions(PACKAGES)))
        found.append(Journey(kind, url, why, work.page(f"journey-{kind}")))
    return found


def rows_of(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Rows of a finished output's tables of a kind."""
    manifest = open_finished(str(folder), ("curate", "dedup"), "`bateia run`")
    paths = [join(str(folder), file.path) for file in manifest.files if file.path.startswith(kind)]
    return [row for path in paths for row in read_table(path).to_pylist()]


def tell(numbers: Numbers, words: Words) -> list[Part]:
    heads = tuple(words(NAME, name) for name in ("stage", "reached", "ended"))
    rows = [(one.stage, words.shown(one.reached), words.shown(one.dropped)) for one in numbers.funnel]
    left = numbers.exact + numbers.near + numbers.documents
    rows.append((words(NAME, "copies"), words.shown(left), words.shown(numbers.exact + numbers.near)))
    told = words(
        NAME, "funnel", **{name: getattr(numbers, name) for name in ("pages", "people", "documents", "tokens")}
    )
    reports = [
        Open(f"{NAME}/{name}/report.html", words(NAME, f"{name}_report"), words(NAME, f"{name}_about"))
        for name in ("documents", "corpus", "shards")
    ]
    followed = [Open(one.file, one.url, words(NAME, f"journey_{one.kind}", why=one.why)) for one in numbers.journeys]
    return [
        Part(
            words(NAME, "funnel_title"), (Text(told), Table(words(NAME, "funnel_title"), heads, tuple(rows)), *reports)
        ),
        Part(words(NAME, "journey_title"), (Text(words(NAME, "journey")), *followed)),
    ]


SECTION = Section(NAME, (), 3.0, DATA, Numbers, measure, tell, 1.0)
