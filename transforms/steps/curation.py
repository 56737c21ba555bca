"""One HTTP response through a recipe: what became of it, and the text that was extracted on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from schemas.document import Document
from schemas.page import Page
from schemas.verdict import Drop
from transforms.steps.extraction import Extractor
from transforms.steps.recipe import Recipe
from transforms.steps.warc import Response, page_of
from transforms.steps.words import NoWordSplitter


@dataclass(frozen=True, slots=True)
class Outcome:
    """verdict: the finished document, or why there is none. text: what extraction gave, before any step rewrote it."""

    verdict: Document | Drop
    text: str | None = None


class Curator:
    """Applies one recipe to responses, one at a time. A context manager: it owns the extraction child."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.extractor = Extractor(recipe.extract)
        for step in (*recipe.pages, *recipe.documents):
            step.setup()

    def __enter__(self) -> Curator:
        return self

    def __exit__(self, *_: object) -> None:
        self.extractor.close()

    def curate(self, response: Response, warc_file: str, dump: str) -> Outcome:
        """Return the response's fate. The same response gives the same fate, whatever came before."""
        page = page_of(response, warc_file)
        for step in self.recipe.pages:
            if isinstance(page, Drop):
                break
            page = step(page)
        if isinstance(page, Drop):
            return Outcome(page)
        text = self.extractor.extract(page)
        if isinstance(text, Drop):
            return Outcome(text)
        return Outcome(self.judge(new_document(page, text, dump)), text)

    def judge(self, document: Document) -> Document | Drop:
        """Apply the document steps until one drops it."""
        for step in self.recipe.documents:
            try:
                verdict = step(document)
            except NoWordSplitter:  # a recipe that keeps all languages meets some that it can't count words in
                verdict = Drop(step.stage, "no_word_splitter", detail=document.language)
            if isinstance(verdict, Drop):
                if verdict.language is not None:
                    return verdict
                return replace(verdict, language=document.language, language_score=document.language_score)
            document = verdict
        return document


def new_document(page: Page, text: str, dump: str) -> Document:
    return Document(
        text=text,
        id=page.record_id,
        dump=dump,
        url=page.url,
        date=page.date,
        file_path=page.warc_file,
        warc_offset=page.warc_offset,
    )
