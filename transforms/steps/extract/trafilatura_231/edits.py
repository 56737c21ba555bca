"""What of trafilatura's sequence edits the page's tree, in C where that was built (nodes_c.pyx)."""

from __future__ import annotations

from typing import Any

from lxml.etree import XPath
from trafilatura import main_extractor
from trafilatura.readability_lxml import FRAME_TAGS
from trafilatura.settings import Extractor

from transforms.steps.extract.trafilatura_231 import rules
from transforms.steps.extract.trafilatura_231.content import extract_content
from transforms.steps.extract.trafilatura_231.install import is_follow_up

# Readability writes its result as XML and reads it as HTML, where these hold raw text: "<" would become "&lt;".
RAW_TEXT = XPath("boolean(.//xmp|.//plaintext|.//noembed|.//iframe)")


class Edits:
    """The edits of a tree that is as HTML gives it: elements and text. Raises ImportError where they were not built."""

    def __init__(self, hidden: tuple[str, ...]) -> None:
        """hidden: names of elements that are taken out first."""
        from transforms.steps.extract.trafilatura_231 import clean_c, content_c, sections_c, walk_c
        from transforms.steps.extract.trafilatura_231.readability import Readability

        self.nodes = content_c
        self.fit = clean_c.is_plain
        self.shed = clean_c.shed
        self.cleaned = clean_c.cleaned
        self.convert = clean_c.convert
        self.remove_hidden = sections_c.Removal(names=hidden)
        of_comments, *boilerplate = map(walk_c.Finder, (rules.COMMENTS, rules.BOILERPLATE, rules.HIDDEN))
        unlikely = walk_c.Finder(rules.UNLIKELY)
        comments = (rules.SHARE_BUTTONS, of_comments, rules.COMMENT_LISTS)
        self.remove_comments = sections_c.Removal(comments, suspected=rules.FOLLOW_UP, convicts=is_follow_up)
        self.remove_converted_comments = sections_c.Removal([of_comments])
        self.sections = sections_c.Sections(
            sections_c.GuardedRemoval(boilerplate),
            sections_c.Removal([rules.CAPTION, rules.TEASER, rules.CHROME], names=("header",)),
        )
        self.readable = sections_c.Removal(
            boilerplate,
            names=("script", "style", "fencedframe"),
            suspected=unlikely,
            convicts=lambda element: element.tag not in FRAME_TAGS,
        )
        # Readability begins by taking these out, and what trafilatura itself takes out for it.
        self.most_chars = walk_c.MostChars(*boilerplate, unlikely)
        self.readability = Readability
        self.as_ever = main_extractor.prune_unwanted_sections

    def converted(self, tree: Any, is_forum: bool) -> Any:
        converted = self.cleaned(tree)
        self.convert(converted)
        if not is_forum:
            self.remove_converted_comments(converted)
        return converted

    def by_readability(self, tree: Any, wins_from: int) -> Any | None:
        """Its text's element; None if it is known to have fewer characters."""
        if wins_from:
            most = self.most_chars(tree, wins_from)
            if most is not None and most < wins_from:
                return None

        def is_too_short(article: Any) -> bool:
            chars = self.nodes.text_length(article) + len(article.tail or "")
            return chars < wins_from and not RAW_TEXT(article)

        return self.readability(self.readable.copy_without(tree), is_too_short).text()

    def content(self, tree: Any, is_forum: bool, options: Extractor) -> tuple[Any, str]:
        main_extractor.prune_unwanted_sections = self.sections  # which recover_wild_text calls
        try:
            converted = self.converted(tree, is_forum)
            return extract_content(
                converted, lambda: self.converted(tree, is_forum), options, self.nodes, self.sections
            )
        finally:
            main_extractor.prune_unwanted_sections = self.as_ever
