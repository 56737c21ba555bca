"""One HTTP response through a recipe: what became of it, and the text that was extracted on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import NAMESPACE_URL, uuid5

from schemas.document import Document, Page
from schemas.verdict import Drop
from transforms.steps.extract.extract_text import Extractor
from transforms.steps.extract.title import title_of
from transforms.steps.recipe import CurateRecipe
from transforms.steps.text.words import NoWordSplitter
from transforms.steps.warc.reader import Response, Text, page_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a response.

    verdict: the finished document, or why there is none
    text: what extraction gave, before any step rewrote it; None if it came to none
    quality: what steps measured on the way, of a page that a later one dropped too
    """

    verdict: Document | Drop
    text: str | None = None
    quality: Mapping[str, float] = field(default_factory=dict)


class Curator:
    """Applies one recipe to responses, one at a time. A context manager: it owns the extraction child."""

    def __init__(self, recipe: CurateRecipe) -> None:
        """Raises what a step's setup raises, such as NoWordSplitter for a language that the recipe keeps."""
        self.recipe = recipe
        self.extractor = Extractor(recipe.extract)
        for step in recipe.steps():
            step.setup(recipe.languages)

    def __enter__(self) -> Curator:
        return self

    def __exit__(self, *_: object) -> None:
        self.extractor.close()

    def curate(self, response: Response, warc_file: str, dump: str) -> Outcome:
        """What became of the response. The same response gives the same outcome, whatever came before."""
        page = page_of(response, warc_file)
        return Outcome(page) if isinstance(page, Drop) else self.curate_page(page, dump)

    def curate_page(self, page: Page, dump: str) -> Outcome:
        """What became of a page that was read."""
        for step in self.recipe.pages:
            verdict = step(page)
            if isinstance(verdict, Drop):
                return Outcome(verdict)
            page = verdict
        text = self.extractor.extract(page)
        if isinstance(text, Drop):
            return Outcome(text)
        return self._judged(new_document(page, text, dump), text)

    def curate_text(self, item: Text, file: str, dump: str) -> Outcome:
        """What became of a text that is there already: no step on pages needs its HTML, and nothing is extracted."""
        page = Page(item.url, item.record_id, item.date, file, item.offset, item.size, "")
        for step in self.recipe.pages if item.url else ():
            verdict = step(page)
            if isinstance(verdict, Drop):
                return Outcome(verdict)
            page = verdict
        text = item.text.strip()
        if not text:
            return Outcome(Drop(self.recipe.extract.stage, "empty_text", 0, 1))
        document = replace(
            new_document(page, text, dump),
            language=item.language,
            language_score=item.language_score,
            token_count=item.token_count,
            title=item.title,
            kept=item.kept,
        )
        return self._judged(document, text)

    def judge(self, document: Document) -> Document | Drop:
        """Apply the document steps until one drops it."""
        return self._judged(document).verdict

    def _judged(self, document: Document, text: str | None = None) -> Outcome:
        for step in self.recipe.documents:
            try:
                verdict = step(document)
            except NoWordSplitter:  # a recipe that keeps all languages meets some that it can't count words in
                verdict = Drop(step.stage, "no_word_splitter", detail=document.language)
            if isinstance(verdict, Drop):
                if verdict.language is None:
                    verdict = replace(verdict, language=document.language, language_score=document.language_score)
                return Outcome(verdict, text, document.quality)
            document = verdict
        return Outcome(document, text, document.quality)


def id_by_place(page: Page) -> str:
    """An id for a page whose record has none, in the form of a WARC-Record-ID: the same wherever the file lies."""
    place = f"{page.warc_file.rpartition('/')[2]} {page.warc_offset} {page.date} {page.url}"
    return f"<urn:uuid:{uuid5(NAMESPACE_URL, place)}>"


def new_document(page: Page, text: str, dump: str) -> Document:
    return Document(
        text=text,
        id=page.record_id or id_by_place(page),
        dump=dump,
        url=page.url,
        date=page.date,
        file_path=page.warc_file,
        warc_offset=page.warc_offset,
        title=title_of(page.html),
        rights=page.rights,
    )
