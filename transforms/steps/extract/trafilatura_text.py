"""trafilatura as we run it: any depth that libxml2 can hold, no hidden markup, no word without its joiners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from transforms.steps.extract.trafilatura_231.studied import is_studied

Way = Literal["compiled", "python", "plain"]

# What browsers show only where a feature is missing, and what a visitor types into. libxml2 takes the markup in some of
# them for text, as the HTML standard says (13.2.5.1), so it would become text.
HIDDEN = ("iframe", "noembed", "noframes", "noscript", "template", "textarea")
MAX_FRAMES = 5000  # of Python: trafilatura's helpers go down a tree of 2,048 levels by recursion


class NestedTooDeep(Exception):
    """The page has more levels than libxml2 reads, so that its end would be lost without a word."""


def trafilatura_extractor(settings: dict[str, Any], way: Way = "compiled") -> Callable[[str], str]:
    """The function from a page to its main text. It raises NestedTooDeep.

    way: all give the same text. The first that there is of: compiled, where it was built and fits lxml; python, if
    trafilatura is the version that was studied; plain, as trafilatura is. One way a process: the others change it.
    """
    from trafilatura import extract, utils
    from trafilatura.deduplication import LRUCache
    from trafilatura.settings import LRU_SIZE

    hidden = "|".join(f"//{name}" for name in HIDDEN)
    prepare()

    def text_as_it_is(tree: Any) -> str:
        return (
            extract(
                tree,
                fast=settings["fast"],
                favor_precision=settings["favor"] == "precision",
                favor_recall=settings["favor"] == "recall",
                include_comments=False,
                deduplicate=LRUCache(maxsize=LRU_SIZE) if settings["deduplicate"] else False,
                prune_xpath=hidden,
            )
            or ""
        )

    text_of_tree: Callable[[Any], str] = text_as_it_is
    if way != "plain" and is_studied():
        from transforms.steps.extract.trafilatura_231 import install
        from transforms.steps.extract.trafilatura_231.sequence import Sequence

        walk = install.IN_PYTHON if way == "python" else install.compiled() or install.IN_PYTHON
        install.install(utils.HTML_PARSER, walk)
        if settings["favor"] == "precision" and not settings["fast"]:
            text_of_tree = Sequence(settings["deduplicate"], HIDDEN, walk)

    def main_text(html: str) -> str:
        tree = utils.load_html(html)
        if is_cut(utils.HTML_PARSER):
            raise NestedTooDeep
        return "" if tree is None else text_of_tree(tree)

    return main_text


def prepare() -> None:
    """Replace, in this process, trafilatura's parser and its notion of a character that prints nothing."""
    import sys
    from importlib import import_module

    from lxml.html import HTMLParser
    from trafilatura import utils

    from transforms.steps.extract.characters import without_invisible

    sys.setrecursionlimit(MAX_FRAMES)
    # As trafilatura 2.3.1's own, with libxml2's limit of 2,048 levels instead of 256.
    utils.HTML_PARSER = HTMLParser(
        collect_ids=False,
        default_doctype=False,
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )
    for module in (utils, import_module("trafilatura.baseline")):  # a function of the package has that name too
        if not hasattr(module, "remove_control_characters"):
            raise RuntimeError(f"{module.__name__} is not of the trafilatura that setup.py pins")
        setattr(module, "remove_control_characters", without_invisible)  # noqa: B010 - pyright knows no such name


def is_cut(parser: Any) -> bool:
    """Whether the last page that a parser read had more levels than it reads."""
    from lxml.etree import ErrorTypes

    return any(entry.type == ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log)
