"""trafilatura's sequence of steps for one setting: precision, no comments, plain text.

It follows `trafilatura.core` of version 2.3.1 (bare_extraction, trafilatura_sequence) and
`external.compare_extraction`, and leaves out what can't change the text:

- options are read once, not for each page, and the tree is not copied for a caller who would go on to use it;
- the copy for justext, which one page in twenty needs, is made when it is needed;
- readability's text is used on one page in twelve, mostly for being more than twice as long as the own text. Where a
  bound on its length rules that out, it is not run. What readability keeps is a part of the page's text, in order, so
  all text outside what it is known to delete is such a bound.
"""

from __future__ import annotations

from copy import copy
from typing import Any
from unicodedata import normalize

from lxml.etree import Element, XPath, tostring
from trafilatura.core import _forum_thread_page
from trafilatura.deduplication import LRUCache, duplicate_test
from trafilatura.external import (
    JUSTEXT_OVERRIDE_RATIO,
    SANITIZED_XPATH,
    _prefer_readability,
    justext_rescue,
    sanitize_tree,
    try_readability,
)
from trafilatura.htmlprocessing import convert_tags, prune_unwanted_nodes, tree_cleaning
from trafilatura.main_extractor import extract_content
from trafilatura.settings import LRU_SIZE, Extractor
from trafilatura.utils import trim
from trafilatura.xml import xmltotxt
from trafilatura.xpaths import (
    OVERALL_DISCARD_XPATH,
    RAW_TREE_PRUNE_XPATH,
    REMOVE_COMMENTS_AND_LISTS_XPATH,
    REMOVE_COMMENTS_XPATH,
)

from transforms.steps.extract.trafilatura_231.edits import RAW_TEXT, Edits
from transforms.steps.extract.trafilatura_231.install import IN_PYTHON, Walk

HAS_PARAGRAPH = XPath("boolean(.//p//text())")
IS_UNCLEAN = XPath(f"boolean({SANITIZED_XPATH})")
NO_COMMENTS = xmltotxt(Element("body"), False)


class Sequence:
    """The function from a page's tree, which it takes apart, to the page's text."""

    def __init__(self, deduplicate: bool, hidden: tuple[str, ...], walk: Walk) -> None:
        """hidden: names of elements that are taken out first. walk: the one that is installed."""
        self.deduplicate = deduplicate
        self.settings = Extractor(precision=True, comments=False)
        self.edits = None if walk is IN_PYTHON else Edits(hidden)
        self.hidden = [XPath("|".join(f"//{name}" for name in hidden))]

    def __call__(self, tree: Any) -> str:
        options = copy(self.settings)
        options.dedup = LRUCache(maxsize=LRU_SIZE) if self.deduplicate else False
        if tree.getparent() is not None:
            tree = copy(tree)  # a part of a document: rules must see nothing around it
        try:
            body, text = self.main_text(tree, options)
            too_short = len(text) < options.min_output_size and options.min_output_comm_size > 0
            if too_short or (options.dedup and duplicate_test(body, options)):
                return ""
        except (TypeError, ValueError):  # trafilatura's own faults on some pages, which it takes for no text
            return ""
        return normalize("NFC", f"{xmltotxt(body, False)}\n{NO_COMMENTS}".strip())

    def main_text(self, tree: Any, options: Extractor) -> tuple[Any, str]:
        edits = self.edits if self.edits is not None and self.edits.fit(tree) else None
        if edits is None:
            tree = prune_unwanted_nodes(tree, self.hidden)
            is_forum = _forum_thread_page(tree)
            tree = prune_unwanted_nodes(tree, RAW_TREE_PRUNE_XPATH)
            tree = prune_unwanted_nodes(tree, REMOVE_COMMENTS_AND_LISTS_XPATH)
            converted = convert_tags(tree_cleaning(copy(tree), options), options)
            if not is_forum:
                converted = prune_unwanted_nodes(converted, REMOVE_COMMENTS_XPATH)
            body, text = extract_content(converted, options)
        else:
            edits.remove_hidden(tree)
            is_forum = _forum_thread_page(tree)
            edits.remove_comments(tree)
            edits.shed(tree)
            body, text = edits.content(tree, is_forum, options)
        return self.compared(tree, body, text, options, edits)

    def compared(self, tree: Any, body: Any, text: str, options: Extractor, edits: Edits | None) -> tuple[Any, str]:
        """The text, or readability's or justext's of the same tree."""
        by_readability = False
        if (theirs := self.readability_text(tree, body, text, edits)) is not None:
            their_text = trim(tostring(theirs, method="text", encoding="utf-8").decode("utf-8"))
            if _prefer_readability(body, theirs, their_text, len(text), len(their_text), options):
                by_readability, body, text = True, theirs, their_text
        unclean = IS_UNCLEAN(body)
        if unclean or len(text) < options.min_extracted_size:
            cleaned = tree_cleaning(copy(tree), options) if edits is None else edits.cleaned(tree)
            rescued, rescued_text = justext_rescue(cleaned, options)
            if unclean:
                is_better = len(text) <= JUSTEXT_OVERRIDE_RATIO * len(rescued_text)
            else:
                is_better = len(text) < len(rescued_text)
            if rescued_text and is_better:
                return rescued, rescued_text
        return sanitize_tree(body, options) if by_readability else (body, text)

    def readability_text(self, tree: Any, body: Any, text: str, edits: Edits | None) -> Any | None:
        """The element of readability's text; None if that can't be taken."""
        may_lose = text and HAS_PARAGRAPH(body) and len(body.findall(".//table")) <= len(body.findall(".//p"))
        wins_from = 2 * len(text) + 1 if may_lose else 0  # characters (`_prefer_readability`, precision)
        if edits is not None:
            return edits.by_readability(tree, wins_from)
        raw = prune_unwanted_nodes(copy(tree), OVERALL_DISCARD_XPATH)
        if may_lose:
            for element in list(raw.iter("script", "style", "fencedframe")):  # readability's own first step
                element.drop_tree()
            if len(trim(raw.text_content())) < wins_from and not RAW_TEXT(raw):
                return None
        return try_readability(raw)
