"""trafilatura's readability with its counts of characters in C, ended early where its text can't be taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml.html import HtmlElement, html_parser
from trafilatura.readability_lxml import Candidate, Document
from trafilatura.utils import fromstring_bytes

from transforms.steps.extract.trafilatura_231 import content_c


class Readability(Document):
    """One page's."""

    __slots__ = ("is_too_short",)

    def __init__(self, page: Any, is_too_short: Callable[[Any], bool]) -> None:
        """page: without what readability drops first. is_too_short: whether nothing can come of an article."""
        super().__init__(page, min_text_length=25)
        self.is_too_short = is_too_short

    def text(self) -> Any:
        """The element that trafilatura takes for its text, an empty one for none (`external.try_readability`)."""
        try:
            found = fromstring_bytes(summary) if (summary := self.summary()) else None
        except Exception:  # as trafilatura: whatever fails in it, there is no such text
            found = None
        return HtmlElement() if found is None else found

    def summary(self) -> str:
        """The article as XML; empty if it may be left."""
        assert self.doc.tag not in ("script", "style", "fencedframe")  # which `drop_tree` says of a root
        self.transform_misused_divs_into_paragraphs()
        candidates = self.score_paragraphs()
        best = self.select_best_candidate(candidates)
        if best:
            article = self.get_article(candidates, best)
        else:
            body = self.doc.find("body")
            article = body if body is not None else self.doc
        if self.is_too_short(article):
            return ""
        return self.sanitize(article, candidates)

    def get_link_density(self, elem: Any) -> float:
        return content_c.link_density(elem)

    def score_paragraphs(self) -> dict[Any, Candidate]:
        candidates: dict[Any, Candidate] = {}
        for element in self.doc.iter("p", "pre", "td"):
            parent = element.getparent()
            if parent is None:
                continue
            chars, commas = content_c.length_and_commas(element)
            if chars < self.min_text_length:
                continue
            above = parent.getparent()
            for node in (parent, above):
                if node is not None and node not in candidates:
                    candidates[node] = self.score_node(node)
            score = 1 + commas + 1 + min((chars / 100), 3)
            candidates[parent].score += score
            if above is not None:
                candidates[above].score += score / 2
        for element, candidate in candidates.items():
            candidate.score *= 1 - content_c.link_density(element)
        return candidates

    def transform_misused_divs_into_paragraphs(self) -> None:
        content_c.divs_as_paragraphs(self.doc)
        for element in self.doc.findall(".//div"):
            if element.text and element.text.strip():
                paragraph = html_parser.makeelement("p")
                paragraph.text, element.text = element.text, None
                element.insert(0, paragraph)
            for place, child in reversed(list(enumerate(element))):
                if child.tail and child.tail.strip():
                    paragraph = html_parser.makeelement("p")
                    paragraph.text, child.tail = child.tail, None
                    element.insert(place + 1, paragraph)
                if child.tag == "br":
                    child.drop_tree()
