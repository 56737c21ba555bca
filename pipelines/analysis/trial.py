"""`bateia try`: one page through a recipe, with every rule's measured value, threshold and verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from pipelines.assets.bind import bind
from pipelines.crawls.names import crawl_root
from pipelines.engine.inputs import CRAWL_FOLDER
from pipelines.recipes import find_recipe
from pipelines.recipes.recipe import Recipe
from pipelines.reports.formats import on_one_line, passage
from pipelines.reports.verdicts import check_text, reason_text
from schemas.document import Document, Page
from schemas.faults import BadInput
from schemas.storage import join
from schemas.verdict import Check, Drop
from schemas.wording import plural
from transforms.steps.curator import Curator, new_document
from transforms.steps.extract.extract_text import Extractor
from transforms.steps.fetch.faults import NotFetched
from transforms.steps.fetch.files import fault_of, open_input, state_of
from transforms.steps.fetch.settings import fetch_settings
from transforms.steps.filters.c4 import CITATION, CleanC4
from transforms.steps.recipe import CorpusRecipe, CurateRecipe
from transforms.steps.step import DocumentStep
from transforms.steps.warc.reader import (
    Event,
    ReadLimits,
    Response,
    Skipped,
    Unit,
    Unreadable,
    page_of,
    read_record_at,
    read_unit,
)

SHOWN_CHARS = 1500
SHOWN_LINES, LINE_CHARS = 20, 100  # of what is taken out of a text


def find_response(
    page: str | None, warc: str | None, offset: int | None, url: str | None, limits: ReadLimits
) -> Response:
    """The response to try: an HTML file, the record at an offset, or the record of a URL. Raises BadInput."""
    if (page is None) == (warc is None):
        raise BadInput("give one page: an HTML file, or --warc FILE with --offset N or --url URL")
    if page is not None:
        if offset is not None:
            raise BadInput("--offset is a place in a WARC file; give it with --warc FILE")
        return response_of_file(page, url, limits.max_body_bytes)
    assert warc is not None
    if (offset is None) == (url is None):
        raise BadInput("--warc needs the page's place: either --offset N or --url URL")
    warc, fetch = place_of(warc), fetch_settings()
    try:
        state = state_of(warc, fetch)
        if state is None or state.size is None:
            raise BadInput(f"WARC file {warc} does not exist; check the path")
        with open_input(warc, fetch, state.etag) as stream:
            if offset is not None:
                return response_at(warc, stream, state.size, offset, limits)
            return response_of_url(warc, stream, state.size, url or "", limits)
    except NotFetched as error:
        raise BadInput(fault_of(warc, error)) from error
    except OSError as error:
        raise BadInput(f"WARC file {warc} can't be read ({error.strerror or error}); check its permissions") from error


def place_of(warc: str) -> str:
    """Where a file lies: a crawl's own, as a ledger names it, is taken from the crawl if it is not here."""
    here = not warc.startswith(CRAWL_FOLDER) or Path(warc).exists()
    return warc if here else join(crawl_root(), warc)


def response_of_file(path: str, url: str | None, most: int) -> Response:
    try:
        if (size := Path(path).stat().st_size) > most:
            raise BadInput(f"page {path} has {plural(size, 'byte')}, more than {most:,}; give a smaller one")
        body = Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"page {path} can't be read ({error.strerror or error}); give an HTML file") from error
    return made_response(body, url or "http://localhost/")


def made_response(body: bytes, url: str, charset: str | None = None) -> Response:
    """A page as if a server had sent it. charset: what the server would have declared."""
    return Response(
        url=url,
        record_id="",
        date="",
        offset=0,
        size=len(body),
        status=200,
        content_type="text/html",
        http_charset=charset,
        payload_type=None,
        body=body,
        truncated=None,
    )


def response_at(warc: str, stream: BinaryIO, size: int, offset: int, limits: ReadLimits) -> Response:
    if not 0 <= offset < size:
        raise BadInput(
            f"offset {offset} is outside {warc}, which has {plural(size, 'byte')}; "
            "take it from the ledger's warc_offset"
        )
    return response_or_fault(read_record_at(stream, size, offset, limits), f"{warc} at byte {offset}")


def response_of_url(warc: str, stream: BinaryIO, size: int, url: str, limits: ReadLimits) -> Response:
    for item in read_unit(stream, Unit(warc, size, 0, size), limits):
        if not isinstance(item, Skipped) and item.url == url:
            return response_or_fault(item, f"{url} in {warc}")
    raise BadInput(f"{warc} has no response for {url}; list its URLs with a curate run's ledger")


def response_or_fault(item: Event, source: str) -> Response:
    if isinstance(item, Response):
        return item
    what = f"unreadable: {item.reason}" if isinstance(item, Unreadable) else f"a {getattr(item, 'kind', 'text')} record"
    raise BadInput(f"{source} is no HTTP response ({what}); take the offset of a response from the ledger")


@dataclass(frozen=True)
class Stop:
    """A step on a page's way.

    stage: of the step
    verdict: what it made of the page, or why it drops it
    checks: what its rules measured
    removed: lines that it takes out of the text
    """

    stage: str
    verdict: Page | Document | Drop | str
    checks: tuple[Check, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """A page through a recipe. After a step that drops it the others are still measured.

    stops: its steps, reading first
    page: as it was read; None if it could not be
    extracted: the text before any rule; None if there is none
    document: what the steps made of it; None if there is no text
    dropped: why it goes no further; None if it is kept
    """

    stops: tuple[Stop, ...]
    page: Page | None = None
    extracted: str | None = None
    document: Document | None = None
    dropped: Drop | None = None


def take_through(recipe: CurateRecipe, response: Response, warc_file: str) -> Trial:
    """One response through every step of the recipe, with each rule's value; ends at the first drop."""
    page = page_of(response, warc_file)
    stops = [Stop("read", page)]
    if isinstance(page, Drop):
        return Trial(tuple(stops), dropped=page)
    for page_step in recipe.pages:
        page_step.setup(recipe.languages)
        stops.append(Stop(page_step.stage, page_step(page)))
    with Extractor(recipe.extract) as extractor:
        text = extractor.extract(page)
    stops.append(Stop("extract", text))
    document = None
    if not isinstance(text, Drop):
        document = new_document(page, text, "")
        for step in recipe.documents:
            step.setup(recipe.languages)
            verdict = step(document)
            removed = tuple(removed_lines(step, document, verdict))
            stops.append(Stop(step.stage, verdict, tuple(step.checks(document)), removed))
            document = next_document(document, verdict)
    dropped = next((stop.verdict for stop in stops if isinstance(stop.verdict, Drop)), None)
    return Trial(tuple(stops), page, None if isinstance(text, Drop) else text, document, dropped)


def try_response(recipe: CurateRecipe, response: Response, warc_file: str, corpus: CorpusRecipe | None = None) -> str:
    """The verdicts of all steps as text. After a step that drops the page the others are still measured.

    corpus: what deduplication will do to the text; None leaves it out.
    """
    return "\n".join(verdict_lines(recipe, response, warc_file, corpus))


def verdict_lines(
    recipe: CurateRecipe, response: Response, warc_file: str, corpus: CorpusRecipe | None = None
) -> Iterator[str]:
    """What `bateia try` prints of one response: each step, its rules, what it removes, the text, the verdict."""
    yield f"{on_one_line(response.url)}  ({plural(len(response.body), 'byte')})"
    trial = take_through(recipe, response, warc_file)
    for stop in trial.stops:
        yield step_line(stop.stage, stop.verdict)
        yield from (f"    {check_text(check)}" for check in stop.checks)
        yield from taken_out("removes", [shortened(line) for line in stop.removed])
    if trial.document is not None:
        if corpus is not None:
            yield from personal_lines(corpus, trial.document)
        yield f"\n{passage(trial.document.text, SHOWN_CHARS)}"
    dropped = trial.dropped
    yield "\nkept" if dropped is None else f"\ndropped at {dropped.stage} by {dropped.reason}"


def next_document(document: Document, verdict: Document | Drop) -> Document:
    """The document for the next step: what the step made of it, or unchanged where it would have been dropped."""
    if isinstance(verdict, Document):
        return verdict
    if verdict.language is None:
        return document
    return replace(document, language=verdict.language, language_score=verdict.language_score)


def step_line(stage: str, verdict: Page | Document | Drop | str) -> str:
    if isinstance(verdict, Drop):
        fields = (verdict.value, verdict.threshold, verdict.detail, verdict.language, verdict.language_score)
        return f"✗ {stage:<18} {on_one_line(reason_text(verdict.reason, *fields), keep=' ')}"
    about = ""
    if isinstance(verdict, str):
        about = f"{plural(len(verdict), 'character')}"
    elif isinstance(verdict, Page):
        about = f"{plural(len(verdict.html), 'character')} of HTML" if stage == "read" else ""
    elif stage == "language":
        about = f"{verdict.language} {verdict.language_score:.4f}"
    return f"✓ {stage:<18} {about}".rstrip()


def removed_lines(step: DocumentStep, document: Document, verdict: Document | Drop) -> Iterator[str]:
    """Lines that a step takes out of the text, without white space at their ends; C4's of a page that it drops too."""
    if isinstance(verdict, Document):
        left = verdict.text.splitlines()
    elif isinstance(step, CleanC4):
        left = step.clean(document.text, document.language or "en").lines
    else:
        return
    unmatched = Counter(map(bare, left))
    for line in filter(None, map(bare, document.text.splitlines())):
        if unmatched[line]:
            unmatched[line] -= 1
        else:
            yield line


def bare(line: str) -> str:
    """A line without what C4 takes out of lines that stay."""
    return " ".join(CITATION.sub("", line).split())


def personal_lines(corpus: CorpusRecipe, document: Document) -> Iterator[str]:
    """What deduplication will make of the text: repeated lines that go, and what replaces personal data."""
    text = document.text
    if corpus.lines is not None:
        text, removed = corpus.lines(text)
        if removed:
            yield f"    drops {plural(removed, 'line')} that the page repeats"
    if corpus.pii is not None:
        spans = corpus.pii(text, document.id, document.language).spans
        yield f"✓ {corpus.pii.stage:<18} {plural(len(spans), 'replacement')} of personal data"
        shown = [(text[span.start : span.end], span.type) for span in spans]
        yield from taken_out(
            "replaces", [f"{shortened(value)} by {corpus.pii.replacement(kind, value)}" for value, kind in shown]
        )


def taken_out(what: str, items: list[str]) -> Iterator[str]:
    yield from (f"    {what} {item}" for item in items[:SHOWN_LINES])
    if len(items) > SHOWN_LINES:
        yield f"    {what} {len(items) - SHOWN_LINES:,} more"


def shortened(text: str) -> str:
    """On one line, cut."""
    return on_one_line(text if len(text) <= LINE_CHARS else f"{text[:LINE_CHARS]}…", keep=" ")


def curate_html(html: str | bytes, recipe: str | Recipe, url: str) -> Document | Drop:
    """One page's fate by a recipe without its URL block list. Raises BadInput."""
    named = find_recipe(recipe) if isinstance(recipe, str) else recipe
    body = html.encode("utf-8", "replace") if isinstance(html, str) else html
    charset = "utf-8" if isinstance(html, str) else None
    with Curator(bind(named, no_blocklist=True).recipe.curate) as curator:
        return curator.curate(made_response(body, url, charset), "", "").verdict
