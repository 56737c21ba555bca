"""Put rules in the place of trafilatura's XPath expressions, in this process."""

from __future__ import annotations

from typing import Any

from lxml.etree import ElementDefaultClassLookup
from lxml.html import HtmlComment, HtmlElement
from trafilatura import xpaths

from transforms.steps.extract.trafilatura_231 import rules, stop_words
from transforms.steps.extract.trafilatura_231.walk import FindAll, FindFirst


class FollowUps:
    """Containers of whole articles that follow: those that a theme names so, others only without the page's h1."""

    def __init__(self) -> None:
        self.candidates = FindAll(rules.FOLLOW_UP)

    def __call__(self, tree: Any) -> list[Any]:
        return [
            element
            for element in self.candidates(tree)
            if element.find(".//h1") is None
            or rules.is_theme_follow_up(element.get("id", ""))
            or rules.is_theme_follow_up(element.get("class", ""))
        ]


def install(parser: Any) -> None:
    """Exchange the expressions in trafilatura's lists, which its modules share, the classes of elements, stop words.

    parser: that reads the pages. lxml asks a Python function for the class of each element, to tell forms and inputs
    apart, which trafilatura doesn't; with one class for all, C code answers.
    """
    parser.set_element_class_lookup(ElementDefaultClassLookup(element=HtmlElement, comment=HtmlComment))
    put(xpaths.OVERALL_DISCARD_XPATH, {0: FindAll(rules.BOILERPLATE), 1: FindAll(rules.HIDDEN)})
    put(xpaths.REMOVE_COMMENTS_XPATH, {0: FindAll(rules.COMMENTS)})
    put(xpaths.REMOVE_COMMENTS_AND_LISTS_XPATH, {0: Each(FindAll(rules.COMMENTS), FindAll(rules.COMMENT_LISTS))})
    put(xpaths.RAW_TREE_PRUNE_XPATH, {0: FollowUps()})
    put(xpaths.PRECISION_DISCARD_XPATH, {1: FindAll(rules.CHROME)})
    bodies = {0: FindFirst(rules.ARTICLE), 2: FindFirst(rules.STORY), 3: FindFirst(rules.MAIN)}
    put(xpaths.BODY_XPATH, bodies)
    stop_words.install()


class Each:
    """What each of several rules finds. Their elements are deleted, for which their order doesn't matter."""

    def __init__(self, *finders: FindAll) -> None:
        self.finders = finders

    def __call__(self, tree: Any) -> list[Any]:
        return [element for finder in self.finders for element in finder(tree)]


def put(expressions: list[Any], finders: dict[int, Any]) -> None:
    for index, finder in finders.items():
        expressions[index] = finder
