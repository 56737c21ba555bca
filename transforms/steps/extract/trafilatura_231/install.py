"""Put rules in the place of trafilatura's XPath expressions, in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lxml.etree import ElementDefaultClassLookup
from lxml.html import HtmlComment, HtmlElement
from trafilatura import utils, xpaths

from transforms.steps.extract.trafilatura_231 import rules, stop_words, walk

Find = Callable[[Any], list[Any]]


class Walk(NamedTuple):
    """A way to find the elements that meet a rule; every way finds the same.

    most_chars: makes a bound on the text of a tree without elements that meet any of some rules; None without one.
    """

    find_all: Callable[[rules.Rule], Find]
    find_first: Callable[[rules.Rule], Find]
    most_chars: Callable[..., Callable[[Any], int | None]] | None = None


IN_PYTHON = Walk(walk.FindAll, walk.FindFirst)


def compiled() -> Walk | None:
    """The walk in C; None if it was not built, or for another lxml."""
    try:
        from transforms.steps.extract.trafilatura_231 import content_c, sections_c, walk_c  # noqa: F401
    except ImportError:
        return None
    return Walk(walk_c.FindAll, walk_c.FindFirst, walk_c.MostChars)


def is_follow_up(element: Any) -> bool:
    """Of a container that may hold whole articles that follow: a theme names it so, or it is without the page's h1."""
    return (
        element.find(".//h1") is None
        or rules.is_theme_follow_up(element.get("id", "")) is not None
        or rules.is_theme_follow_up(element.get("class", "")) is not None
    )


class FollowUps:
    """Containers of whole articles that follow."""

    def __init__(self, candidates: Find) -> None:
        self.candidates = candidates

    def __call__(self, tree: Any) -> list[Any]:
        return list(filter(is_follow_up, self.candidates(tree)))


class Each:
    """What each of several rules finds. Their elements are deleted, for which their order doesn't matter."""

    def __init__(self, *finders: Find) -> None:
        self.finders = finders

    def __call__(self, tree: Any) -> list[Any]:
        return [element for find in self.finders for element in find(tree)]


class NothingToTakeOut:
    """In the place of the expression for characters that XML can't hold: `without_impossible` has taken them out."""

    def sub(self, replacement: str, text: str) -> str:
        return text


def install(parser: Any, walk: Walk) -> None:
    """Exchange the expressions in trafilatura's lists, which its modules share, the classes of elements, stop words.

    parser: that reads the pages. lxml asks a Python function for the class of each element, to tell forms and inputs
    apart, which trafilatura doesn't; with one class for all, C code answers.
    """
    parser.set_element_class_lookup(ElementDefaultClassLookup(element=HtmlElement, comment=HtmlComment))
    find_all, find_first = walk.find_all, walk.find_first
    xpaths.OVERALL_DISCARD_XPATH[:] = [find_all(rules.BOILERPLATE), find_all(rules.HIDDEN)]
    xpaths.REMOVE_COMMENTS_XPATH[:] = [find_all(rules.COMMENTS)]
    xpaths.REMOVE_COMMENTS_AND_LISTS_XPATH[:] = [Each(find_all(rules.COMMENTS), find_all(rules.COMMENT_LISTS))]
    xpaths.RAW_TREE_PRUNE_XPATH[0] = FollowUps(find_all(rules.FOLLOW_UP))
    xpaths.PRECISION_DISCARD_XPATH[1] = find_all(rules.CHROME)
    xpaths.BODY_XPATH[0] = find_first(rules.ARTICLE)
    xpaths.BODY_XPATH[2] = find_first(rules.STORY)
    xpaths.BODY_XPATH[3] = find_first(rules.MAIN)
    if walk is not IN_PYTHON:  # these don't use regular expressions: libxml2 is faster than a walk in Python
        xpaths.RAW_TREE_PRUNE_XPATH[1] = find_all(rules.SHARE_BUTTONS)
        xpaths.TEASER_DISCARD_XPATH[:] = [find_all(rules.TEASER)]
        xpaths.DISCARD_IMAGE_ELEMENTS[:] = [find_all(rules.CAPTION)]
    utils.INVALID_XML_CHARS = NothingToTakeOut()  # type: ignore[assignment]
    stop_words.install()
