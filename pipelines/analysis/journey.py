"""One page followed through everything that was made of it: ledger, recipe, corpus, shards, plan, a trained model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.analysis.surprisal import names_of, score_text
from pipelines.analysis.trial import Stop as Tried
from pipelines.analysis.trial import Trial, find_response, take_through
from pipelines.assets.bind import bind, describe
from pipelines.lineage.explain import exact_or_respelled, read_fates, read_rows, source_folder
from pipelines.lineage.pages import DocumentRow, find_documents
from pipelines.lineage.plans import usable_plans
from pipelines.lineage.rows import ranges, rows_with
from pipelines.lineage.urls import index_for
from pipelines.recipes import find_recipe
from pipelines.reports.formats import file_name
from pipelines.reports.journey import (
    HTML_CHARS,
    SHOWN_LINES,
    SHOWN_TOKENS,
    Copies,
    Dial,
    JourneyReport,
    Neighbour,
    PlanRows,
    Record,
    Stop,
    Tokens,
)
from pipelines.reports.model.surprisal import SurprisalReport
from pipelines.reports.verdicts import reason_text
from schemas.document import Document, Page
from schemas.faults import BadInput
from schemas.manifest import Manifest, open_finished
from schemas.shards.layout import SHARD_STAGE, TRAIN, PlanInfo, ShardsInfo, shards_info
from schemas.shards.tokens import TokenFiles
from schemas.shards.tombstones import read_tombstones
from schemas.storage import join, stream_table
from schemas.verdict import Drop
from schemas.wording import plural
from transforms.steps.dedup.shingles import WordHashes, shingles
from transforms.steps.tokens.tokenizer import load_tokenizer

MOST_COMPARED = 20_000  # documents that a page is compared with: a minute's work
READ_ROWS = 500  # documents in memory
SHINGLE = 5  # words, where the corpus was not deduplicated by similarity; FineWeb's
SCORED_CHARS = 20_000  # of a text that a model reads
STAGES = ("curate", "dedup", SHARD_STAGE)


@dataclass(frozen=True)
class Output:
    """A finished directory on the way to the shards."""

    folder: str
    manifest: Manifest


def follow(url: str, shards: str, run: str | None = None, backend: str | None = None) -> JourneyReport:
    """The page's way, as far as it went and as far as what it passed is still there.

    shards: a finished output of `bateia shard`
    run: a model trained on them, which reads the page

    Raises BadInput if the shards are not finished, the run was not trained on them, or nothing on the way has seen the
    page.
    """
    notes: list[str] = []
    outputs = list(way_to(shards, notes))
    documents, corpora, [last] = (of_stage(outputs, stage) for stage in STAGES)
    record, trial, recipe = record_of(url, documents, notes)
    kept = document_of(url, corpora or documents)
    last_seen = trial.document if trial else None
    text = kept["text"] if kept else last_seen.text if last_seen else None
    language = kept["language"] if kept else last_seen.language if last_seen else None
    copies = next((found for output in corpora if (found := copies_in(output, url, text, language))), None)
    rows = shards_rows(url, last)
    if record is None and copies is None and not rows:
        raise BadInput(f"nothing on the way to {shards} has seen a page {url}; {'; '.join(notes) or 'check it'}")
    info = shards_info(last.folder, last.manifest)
    return JourneyReport(
        url=record.url if record else url,
        notes=tuple(notes),
        record=record,
        recipe=recipe,
        html=trial.page.html[: 2 * HTML_CHARS] if trial and trial.page else None,
        html_chars=len(trial.page.html) if trial and trial.page else 0,
        stops=tuple(map(stop_of, trial.stops)) if trial else (),
        extracted=trial.extracted if trial else None,
        text=kept["text"] if kept else None,
        copies=copies,
        tokens=tokens_of(info, rows[0]) if rows else None,
        plans=tuple(plans_with(info, rows[0], run)) if rows else (),
        surprisal=read_by(run, backend, text),
    )


# --- What there is to follow ------------------------------------------------------------------------------------------


def way_to(folder: str, notes: list[str], stages: tuple[str, ...] = (SHARD_STAGE,)) -> Iterator[Output]:
    """An output, then all that it was made of. notes: get what is no longer there."""
    manifest = open_finished(folder, stages, "`bateia shard`")
    yield Output(folder, manifest)
    for source in manifest.source if manifest.stage != "curate" else ():
        try:
            yield from way_to(source_folder(folder, source), notes, STAGES[:2])
        except (BadInput, OSError) as fault:
            notes.append(str(fault))


def of_stage(outputs: list[Output], stage: str) -> list[Output]:
    return [output for output in outputs if output.manifest.stage == stage]


def rows_in(output: Output, kind: str, url: str) -> list[dict[str, Any]]:
    index = index_for(output.folder, output.manifest)
    return exact_or_respelled(url, lambda urls: read_rows(output.folder, output.manifest, kind, urls, index=index))


def document_of(url: str, outputs: list[Output]) -> dict[str, Any] | None:
    """The page's row of data/ in the first of the outputs that kept it."""
    return next((row for output in outputs for row in rows_in(output, "data/", url)), None)


def shards_rows(url: str, output: Output) -> list[DocumentRow]:
    tombstones = read_tombstones(output.folder)
    index = index_for(output.folder, output.manifest)
    found = exact_or_respelled(
        url, lambda urls: find_documents(output.folder, output.manifest, tombstones, urls, index)
    )
    return found.kept


# --- The record and the recipe ----------------------------------------------------------------------------------------


def record_of(url: str, documents: list[Output], notes: list[str]) -> tuple[Record | None, Trial | None, str | None]:
    """The ledger's row of a page, what the recipe makes of its record today, and the recipe's name."""
    for output in documents:
        rows = rows_in(output, "ledger/", url)
        if not rows:
            continue
        row = next((one for one in rows if one["fate"] == "kept"), rows[0])
        if len(rows) > 1:
            notes.append(f"the page was fetched {len(rows)} times; this is one of them")
        name = output.manifest.settings["recipe"]["name"]
        return described(row), tried(row, output, name, notes), name
    return None, None, None


def described(row: dict[str, Any]) -> Record:
    """A page's row of the ledger, as the first stop of its journey."""
    fields = ("reason", "value", "threshold", "detail", "language", "language_score")
    why = None if row["fate"] == "kept" else f"{row['stage']}: {reason_text(*(row[name] for name in fields))}"
    return Record(
        url=row["url"],
        warc_file=file_name(row["warc_file"]),
        warc_offset=row["warc_offset"],
        bytes=row["bytes"],
        status=row["http_status"],
        content_type=row["content_type"],
        fate=row["fate"],
        why=why,
    )


def tried(row: dict[str, Any], output: Output, name: str, notes: list[str]) -> Trial | None:
    """The record through the recipe once more. notes: get why not, or what is not as it was."""
    try:
        recipe = find_recipe(name)
        as_written = json.loads(json.dumps(describe(recipe)["steps"]))  # with lists for tuples
        if as_written != output.manifest.settings["recipe"]["steps"]:
            notes.append(f"recipe {name} has other settings today than when {output.folder} was made")
        bound = bind(recipe, no_blocklist=True).recipe.curate
        response = find_response(None, row["warc_file"], row["warc_offset"], None, bound.read)
        return take_through(bound, response, "")
    except (BadInput, OSError) as fault:
        notes.append(str(fault))
        return None


def stop_of(tried: Tried) -> Stop:
    """What a stage made of the page: the drop with its reason, or how much goes on; and every rule's dial."""
    verdict, dropped, about = tried.verdict, None, ""
    if isinstance(verdict, Drop):
        fields = (verdict.value, verdict.threshold, verdict.detail, verdict.language, verdict.language_score)
        dropped = reason_text(verdict.reason, *fields)
    elif isinstance(verdict, Page):
        about = f"{plural(len(verdict.html), 'character')} of HTML"
    elif isinstance(verdict, Document):
        about = plural(len(verdict.text), "character")
        if tried.stage == "language":
            about = f"{verdict.language}, {verdict.language_score:.3f}"
    else:
        about = plural(len(verdict), "character")
    dials = tuple(Dial(one.rule, one.value, one.keep, one.threshold, one.passed) for one in tried.checks)
    return Stop(tried.stage, dropped, about, dials, tried.removed[:SHOWN_LINES])


# --- Copies -----------------------------------------------------------------------------------------------------------


def copies_in(output: Output, url: str, text: str | None, language: str | None) -> Copies | None:
    """What a corpus says of the page. None if it never saw it. language: of the text, None where nobody knows."""
    fates = exact_or_respelled(url, lambda urls: read_fates(output.folder, output.manifest, urls))
    if not fates:
        return None
    fate, size = fates[0], fates[0]["cluster_size"]
    removed = fate["match"] is not None
    if removed:
        said = f"removed as {fate['match']} duplicate of {fate['survivor_url']}"
    else:
        said = f"kept, of {plural(size, 'document')} that are alike" if size > 1 else "kept: nothing duplicates it"
    shingle = output.manifest.settings.get("signature", {}).get("shingle", SHINGLE)
    if text is None:
        return Copies(said, shingle, 0, False, None)
    own = fate["survivor_id"] if removed else fate["id"]
    nearest, compared, whole = nearest_to(text, language, output, None if removed else own, shingle)
    if nearest is None:
        return Copies(said, shingle, compared, whole, None)
    row, similarity = nearest
    return Copies(
        said, shingle, compared, whole, Neighbour(row["url"], similarity, removed and row["id"] == own, row["text"])
    )


def nearest_to(
    text: str, language: str | None, output: Output, without: str | None, shingle: int
) -> tuple[tuple[dict[str, Any], float] | None, int, bool]:
    """The document of the corpus that is most like a text, and Jaccard's similarity of their runs of words.

    without: id of the text's own document
    Returns it, or None if no document shares a run, with how many were compared, and whether these are all of the
    language.
    """
    words, best, compared = WordHashes(), None, 0
    own = np.unique(shingles(words(text, language), shingle))
    for row in documents_of(output, language):
        if row["id"] == without:
            continue
        if compared == MOST_COMPARED:
            return best, compared, False
        compared += 1
        other = np.unique(shingles(words(row["text"], language), shingle))
        shared = len(np.intersect1d(own, other, assume_unique=True))
        similarity = shared / max(len(own) + len(other) - shared, 1)
        if shared and (best is None or similarity > best[1]):
            best = (row, similarity)
    return best, compared, True


def documents_of(output: Output, language: str | None) -> Iterator[dict[str, Any]]:
    """Documents of a language in order, or of all; a few at a time in memory."""
    for file in output.manifest.files:
        if file.path.startswith(f"data/{language}/" if language else "data/"):
            for batch in stream_table(join(output.folder, file.path), READ_ROWS):
                yield from batch.select(["id", "url", "text"]).to_pylist()


# --- Tokens, rows, a model --------------------------------------------------------------------------------------------


def tokens_of(info: ShardsInfo, row: DocumentRow) -> Tokens:
    names = names_of(load_tokenizer(join(info.folder, "tokenizer")))
    first = TokenFiles(info, row["split"]).span(row["shard"], row["start"], min(row["length"], SHOWN_TOKENS))
    return Tokens(row["split"], row["shard"], row["start"], row["length"], [names[number] for number in first.tolist()])


def plans_with(info: ShardsInfo, row: DocumentRow, run: str | None) -> Iterator[PlanRows]:
    """Plans whose rows have tokens of the document. With a run, of its plan the steps too."""
    if row["split"] != TRAIN:
        return
    trained = training_of(info, run) if run else None
    for plan in usable_plans(info)[0]:
        [rows] = rows_with(plan, [path for path, _, _ in plan.parts], [row])
        if rows:
            steps, passes = None, None
            if trained and trained[0] == plan.name:
                _, batch_size, done = trained
                steps = ranges(sorted({one // batch_size for one in rows}))
                passes = done * batch_size / plan.rows
            yield PlanRows(plan.name, ranges(rows), len(rows), steps, passes)


def training_of(info: ShardsInfo, run: str) -> tuple[str, int, int]:
    """Plan, rows of a step and steps of a run. Raises BadInput if it was trained on other shards."""
    from trainer.generate.generator import load_model
    from trainer.probes.documents import trained_on
    from trainer.run.checkpoints import run_of
    from trainer.run.folder import read_run

    known = read_run(Path(run_of(run)))
    plan: PlanInfo = trained_on(run, info.folder)[1]
    return plan.name, known["settings"]["batch_size"], load_model(run).step


def read_by(run: str | None, backend: str | None, text: str | None) -> SurprisalReport | None:
    """How a model predicts the text."""
    if run is None or not text:
        return None
    from trainer.generate.generator import load_generator

    return score_text(load_generator(run, backend), run, text[:SCORED_CHARS])
