"""trafilatura's main text of a converted tree (`main_extractor.extract_content`), with the edits that are in C.

The same steps with the same helpers. A copy for `recover_wild_text`, which three pages in ten need, is made when it is
needed; an object is kept of each element that it may look at, not of all; elements that `handle_textelem` has no use
for don't get there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml.etree import Element, strip_elements, strip_tags
from trafilatura import main_extractor
from trafilatura.htmlprocessing import process_node
from trafilatura.main_extractor import NOT_AT_THE_END, REBUILT_BLOCKS, _elem_text, handle_textelem
from trafilatura.settings import INLINE_CONSUMING, MIN_DUPLICATE_LENGTH, TAG_CATALOG, Extractor
from trafilatura.utils import SPACING_PROTECTED, text_chars_test
from trafilatura.xml import delete_element
from trafilatura.xpaths import BODY_XPATH

HANDLED = {"list", "code", "quote", "head", "p", "lb", "table", *INLINE_CONSUMING}


def extract_content(
    tree: Any, again: Callable[[], Any], options: Extractor, nodes: Any, sections: Callable[[Any], Any]
) -> tuple[Any, str]:
    """The body and its text.

    tree: converted, which is taken apart. again: makes another like it. nodes: the module content_c. sections: what
    stands in the place of `prune_unwanted_sections`.
    """
    order = nodes.candidates(tree)
    body, text, tags = main_pass(tree, options, nodes, sections)
    if len(body) == 0 or len(text) < options.min_extracted_size:
        backup = again()
        twins = zip(order, nodes.candidates(backup), strict=True)
        consumed = {twin for element, twin in twins if element.tag == "done"}
        body = main_extractor.recover_wild_text(backup, body, options, tags, consumed)
        text = " ".join(body.itertext()).strip()
    previous = None
    for element in list(body):
        current = _elem_text(element)
        if current and current == previous and len(current) > MIN_DUPLICATE_LENGTH:
            delete_element(element, keep_tail=False)
        else:
            previous = current
    strip_elements(body, "done")
    strip_tags(body, "div")
    for linebreak in body.iter("lb"):
        tail = linebreak.tail
        if tail and tail.isspace() and not any(above.tag in SPACING_PROTECTED for above in linebreak.iterancestors()):
            linebreak.tail = None
    return body, text


def main_pass(tree: Any, options: Extractor, nodes: Any, sections: Callable[[Any], Any]) -> tuple[Any, str, set[str]]:
    """`_extract`: the body, its text, and the names of what it may hold."""
    tags = {*TAG_CATALOG, "table", "td", "th", "tr"}
    body = Element("body")
    for find in BODY_XPATH:
        subtree = next(iter(find(tree)), None)
        if subtree is None:
            continue
        sections(subtree)
        if len(subtree) == 0:
            continue
        if not nodes.has_paragraphs(subtree, options.min_extracted_size):
            tags.add("div")
        elements, inline = nodes.handled(subtree, "div" in tags)
        if inline == 2 or (inline == 1 and subtree.tag == "div" and "div" in tags):
            elements = [subtree]
        lead, start = None, len(body)
        if elements != [subtree] and text_chars_test(subtree.text):
            lead = Element("p")
            lead.text = subtree.text
            lead = process_node(lead, options)
        for element in elements:
            if not nodes.is_of(element, body):
                take(element, body, tags, options, nodes)
        while len(body) > 0 and body[-1].tag in NOT_AT_THE_END:
            delete_element(body[-1], keep_tail=False)
        if sum(element.tag != "graphic" for element in body) > 1:
            if lead is not None:
                body.insert(start, lead)
            break
    return body, " ".join(body.itertext()).strip(), tags


def take(element: Any, body: Any, tags: set[str], options: Extractor, nodes: Any) -> None:
    """Append what one element has for the body."""
    tag = element.tag
    if tag not in HANDLED and (tag != "div" or ("div" not in tags and "w3-code" not in element.get("class", ""))):
        return
    tail = element.tail
    processed = handle_textelem(element, tags, options)
    if processed is not None:
        body.append(processed)
        if not nodes.is_of(element, body):
            element.tag = "done"
    if tag in REBUILT_BLOCKS and text_chars_test(tail) and (processed is None or processed.tail is None):
        after = Element("p")
        after.text = tail
        if process_node(after, options) is not None:
            body.append(after)
