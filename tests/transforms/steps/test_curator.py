"""One response through a recipe: the first verdict that is a drop ends it, and nothing that came before matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest

from schemas.document import Document, Page
from schemas.verdict import Check, Drop
from transforms.steps.curator import Curator, new_document
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.filters.c4 import CleanC4
from transforms.steps.filters.fineweb import KeepFineWeb
from transforms.steps.filters.gopher_quality import KeepGopherQuality
from transforms.steps.filters.gopher_repetition import KeepGopherRepetition
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.recipe import CurateRecipe
from transforms.steps.step import DocumentStep, PageStep, judge
from transforms.steps.text.words import NoWordSplitter
from transforms.steps.warc.reader import Response

CALLS: list[str] = []
LANGUAGES: list[tuple[str, ...]] = []


@dataclass(frozen=True)
class PageRule(PageStep):
    stage: ClassVar[str] = "page_rule"
    word: str = "blocked"

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        CALLS.append("setup page_rule")

    def __call__(self, page: Page) -> Page | Drop:
        CALLS.append("page_rule")
        return Drop(self.stage, "word") if self.word in page.url else page


@dataclass(frozen=True)
class Speak(DocumentStep):
    """Sets the language."""

    stage: ClassVar[str] = "language"
    measures: ClassVar[tuple[str, ...]] = ()

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        CALLS.append("setup language")

    def checks(self, document: Document) -> Iterator[Check]:
        yield from ()

    def __call__(self, document: Document) -> Document | Drop:
        CALLS.append("language")
        if "xx" in document.text:
            return Drop(self.stage, "other_language", language="xx", language_score=0.4)
        return replace(document, language="en", language_score=0.9)


@dataclass(frozen=True)
class Shout(DocumentStep):
    """Drops short texts, rewrites the others."""

    stage: ClassVar[str] = "shout"
    measures: ClassVar[tuple[str, ...]] = ("length",)
    least: int = field(default=5)

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        CALLS.append("setup shout")
        LANGUAGES.append(languages)

    def checks(self, document: Document) -> Iterator[Check]:
        yield Check("short", "length", float(len(document.text)), ">=", self.least)

    def __call__(self, document: Document) -> Document | Drop:
        CALLS.append("shout")
        verdict = judge(document, self.stage, self.checks(document))
        return verdict if isinstance(verdict, Drop) else replace(verdict, text=verdict.text.upper())


RECIPE = CurateRecipe((PageRule(),), ExtractText(), (Speak(), Shout()))


class Extracts:
    """Stands in for the child process: what lies between <p> and </p>."""

    cpu_s = 0.0

    def extract(self, page: Page) -> str | Drop:
        CALLS.append("extract")
        text = page.html.partition("<p>")[2].partition("</p>")[0]
        return text or Drop("extract", "no_main_text")

    def close(self) -> None:
        CALLS.append("close")


@pytest.fixture
def curator() -> Iterator[Curator]:
    CALLS.clear()
    with Curator(RECIPE) as made:
        extractor: Any = Extracts()
        made.extractor = extractor
        yield made
    assert CALLS[-1] == "close"


def response(text: str, url: str = "http://a.example/", status: int = 200) -> Response:
    body = f"<html><p>{text}</p></html>".encode()
    return Response(url, "<urn:1>", "2024-06-14T00:00:00Z", 77, 99, status, "text/html", "utf-8", None, body, None)


def test_steps_are_set_up_before_any_page(curator: Curator) -> None:
    assert CALLS == ["setup page_rule", "setup language", "setup shout"]


def test_a_page_that_passes_becomes_a_document(curator: Curator) -> None:
    outcome = curator.curate(response("good words"), "x/a.warc.gz", "CC-MAIN-2024-26")
    assert outcome.text == "good words"  # as extracted; the step rewrote the document's
    assert outcome.verdict == Document(
        text="GOOD WORDS",
        id="<urn:1>",
        dump="CC-MAIN-2024-26",
        url="http://a.example/",
        date="2024-06-14T00:00:00Z",
        file_path="x/a.warc.gz",
        warc_offset=77,
        language="en",
        language_score=0.9,
        quality={"length": 10.0},
    )


@pytest.mark.parametrize(
    "given, verdict, text, ran",
    [
        (response("good words", status=404), Drop("read", "http_status", 404, 200), None, []),
        (response("good words", url="http://blocked.example/"), Drop("page_rule", "word"), None, ["page_rule"]),
        (response(""), Drop("extract", "no_main_text"), None, ["page_rule", "extract"]),
        (
            response("xx words"),
            Drop("language", "other_language", language="xx", language_score=0.4),
            "xx words",
            ["page_rule", "extract", "language"],
        ),
        (
            response("few"),
            Drop("shout", "short", 3.0, 5, language="en", language_score=0.9),  # the language is known by now
            "few",
            ["page_rule", "extract", "language", "shout"],
        ),
    ],
    ids=["read", "page", "extract", "language", "document"],
)
def test_the_first_drop_ends_it(
    curator: Curator, given: Response, verdict: Drop, text: str | None, ran: list[str]
) -> None:
    CALLS.clear()
    outcome = curator.curate(given, "a.warc.gz", "")
    assert (outcome.verdict, outcome.text) == (verdict, text)
    assert ran == CALLS


def test_what_came_before_does_not_matter(curator: Curator) -> None:
    pages = [response(text) for text in ("good words", "few", "xx", "good words", "")]
    once = [curator.curate(page, "a.warc.gz", "") for page in pages]
    again = [curator.curate(page, "a.warc.gz", "") for page in reversed(pages)]
    assert once == again[::-1]


def test_a_language_without_words_is_a_drop(curator: Curator, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_words(*_: object) -> Document:
        raise NoWordSplitter("xx")

    monkeypatch.setattr(Shout, "__call__", no_words)
    outcome = curator.curate(response("good words"), "a.warc.gz", "")
    assert outcome.verdict == Drop("shout", "no_word_splitter", detail="en", language="en", language_score=0.9)


def test_an_extraction_that_raises_is_not_swallowed(curator: Curator, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_: Page) -> str:
        raise RuntimeError("the installation is broken")

    monkeypatch.setattr(curator.extractor, "extract", die)
    with pytest.raises(RuntimeError, match="installation"):
        curator.curate(response("good words"), "a.warc.gz", "")


def test_a_step_that_cannot_be_set_up_fails_before_any_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: Shout, languages: tuple[str, ...]) -> None:
        raise ValueError("no such model")

    monkeypatch.setattr(Shout, "setup", absent)
    with pytest.raises(ValueError, match="no such model"):
        Curator(RECIPE)


@pytest.mark.parametrize("kept", [("pt", "en"), ()])
def test_steps_are_told_the_languages_that_are_kept(kept: tuple[str, ...], model_path: str) -> None:
    LANGUAGES.clear()
    recipe = replace(RECIPE, documents=(KeepLanguages(kept, model=model_path), Shout()))
    Curator(recipe)
    assert [kept] == LANGUAGES


@pytest.mark.parametrize("step", [KeepGopherRepetition(), KeepGopherQuality(), CleanC4(), KeepFineWeb()])
def test_a_language_without_a_splitter_is_refused_before_any_page(step: DocumentStep, model_path: str) -> None:
    documents = (KeepLanguages(("en", "km"), model=model_path), step)
    with pytest.raises(NoWordSplitter, match="'km': it is written without spaces"):
        Curator(replace(RECIPE, documents=documents))
    Curator(replace(RECIPE, documents=(KeepLanguages((), model=model_path), step)))  # of all languages some have none


def test_a_new_document_takes_the_pages_place() -> None:
    page = Page("http://a.example/", "<urn:1>", "date", "a.warc.gz", 5, 100, "<p>")
    document = new_document(page, "text", "dump")
    assert (document.file_path, document.warc_offset, document.id) == ("a.warc.gz", 5, "<urn:1>")
    assert (document.language, document.token_count, document.quality) == (None, None, {})


def test_a_page_without_record_id_gets_one_of_its_place() -> None:
    page = Page("https://a.example/", "", "2024-06-15T12:00:00Z", "/here/a.warc.gz", 7, 0, "")
    made = new_document(page, "text", "").id
    assert made.startswith("<urn:uuid:")
    assert new_document(replace(page, warc_file="elsewhere/a.warc.gz"), "text", "").id == made
    for other in (replace(page, warc_offset=8), replace(page, url="https://b.example/")):
        assert new_document(other, "text", "").id != made
    assert new_document(replace(page, record_id="<urn:uuid:1>"), "text", "").id == "<urn:uuid:1>"
