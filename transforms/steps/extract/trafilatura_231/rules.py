"""trafilatura's rules on class, id and other attributes, as predicates instead of XPath with EXSLT's `re:test`.

libxml2 calls back into Python for every `re:test`, for every element and attribute: half of trafilatura's time. A
rule's verdict depends on an element's attributes alone, and most elements of a page share theirs with others, so each
distinct combination is judged once (walk.py). Patterns are taken from `trafilatura.xpaths`, not copied.

Two of XPath's ways are kept. `re:test(@id|@class, …)` looks at the one of both that stands first in the source. And
`re:test` of an absent attribute tests the empty string, which none of the patterns matches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trafilatura import xpaths
from trafilatura.readability_lxml import REGEXES

Attributes = Mapping[str, str]  # those of an element that a rule looks at, in the order of the source
Test = Callable[[Attributes], object]  # whose truth is the verdict
Search = Callable[[str], object]

BLOCKS = ("div", "item", "list", "p", "section", "span")
CONTAINERS = ("article", "div", "main", "section")


@dataclass(frozen=True)
class Rule:
    """Which elements a rule may meet, and what it asks of their attributes.

    tags: names of the elements; none for any element.
    attributes: names of all attributes that the test looks at. An element without any of them never meets the rule.
    test: a pure function of them.
    """

    tags: tuple[str, ...]
    attributes: tuple[str, ...]
    test: Test


def matcher(pattern: str, flags: int = 0) -> Search:
    """Whether a pattern is found in a string; it must not be found in the empty one, as absent attributes count so."""
    search = re.compile(pattern, flags).search
    assert search("") is None, pattern
    return search


def alternatives(*groups: tuple[str, ...]) -> Search:
    return matcher("|".join(token for group in groups for token in group))


def first_of(attributes: Attributes, *names: str) -> str:
    """XPath's string(@a|@b): the one that comes first in the source, empty if there is none."""
    for name, value in attributes.items():
        if name in names:
            return value
    return ""


def either(id_test: Search, class_test: Search) -> Test:
    """Whether the id or the class passes its own test."""
    return lambda attributes: id_test(attributes.get("id", "")) or class_test(attributes.get("class", ""))


def contains(part: str, folded: str = "") -> Search:
    """XPath's contains(translate(…)): the part in any place; of `folded`'s letters the case doesn't matter."""
    table = str.maketrans(folded.upper(), folded.lower())
    return lambda text: part in text.translate(table)


# OVERALL_DISCARD_XPATH

_discard_id = alternatives(xpaths._OVERALL_DISCARD_BOTH_TOKENS, xpaths._OVERALL_DISCARD_ID_TOKENS)
_discard_class = alternatives(xpaths._OVERALL_DISCARD_BOTH_TOKENS, xpaths._OVERALL_DISCARD_CLASS_TOKENS)
_consent = alternatives(xpaths._CONSENT_ID_CLASS_TOKENS)
_navigation = contains("nav", "n")


def is_boilerplate(attributes: Attributes) -> object:
    get = attributes.get
    return (
        "data-lp-replacement-content" in attributes
        or _navigation(get("role", ""))
        or "MostPopularStories" in get("data-component", "")
        or _consent(first_of(attributes, "id", "class"))
        or _discard_id(get("id", ""))
        or _discard_class(get("class", ""))
    )


_hidden = matcher("hidden")
_unwanted_id = matcher("reader-comments|akismet")
_unwanted_class = matcher(
    "^hide-|comments-title|nocomments|-reply-|message|akismet|suggest-links|-hide-|hide-print| hidden| hide|noprint"
    "|notloaded"
)


def is_hidden(attributes: Attributes) -> object:
    get = attributes.get
    return (
        get("class") == "comments-title"
        or first_of(attributes, "id", "class").startswith("reply-")
        or _hidden(first_of(attributes, "id", "style"))
        or "display:none" in get("style", "")
        or "display: none" in get("style", "")
        or _unwanted_id(get("id", ""))
        or _unwanted_class(get("class", ""))
        or get("aria-hidden") == "true"
    )


BOILERPLATE = Rule(BLOCKS, ("id", "class", "role", "data-component", "data-lp-replacement-content"), is_boilerplate)
HIDDEN = Rule((), ("id", "class", "style", "aria-hidden"), is_hidden)

# REMOVE_COMMENTS_XPATH, REMOVE_COMMENTS_AND_LISTS_XPATH

_comments_class = matcher(xpaths._COMMENTS_CLASS)
_comments_id = matcher(f"^(?:{xpaths._COMMENTS_ID}|disqus_thread|dsq-comments)")
_comment_list_id = matcher(f"^(?:{xpaths._COMMENTS_ID})")

COMMENTS = Rule(
    ("div", "list", "section", "details"),
    ("id", "class"),
    either(_comments_id, _comments_class),
)
COMMENT_LISTS = Rule(("ol", "ul"), ("id", "class"), either(_comment_list_id, _comments_class))

# RAW_TREE_PRUNE_XPATH: the first of its expressions asks for more than attributes (install.FollowUps).

is_theme_follow_up = matcher("mvp-post-add-(?:box|wrap)")
_follow_up = matcher("mvp-post-add-(?:box|wrap)|infinite-?scroll")

FOLLOW_UP = Rule(("div", "section", "aside"), ("id", "class"), either(_follow_up, _follow_up))
SHARE_BUTTONS = Rule(
    ("div", "section", "aside"), ("class",), lambda attributes: "elementor-share-buttons" in attributes.get("class", "")
)

# PRECISION_DISCARD_XPATH (its second), TEASER_DISCARD_XPATH, DISCARD_IMAGE_ELEMENTS

_bottom = matcher(r"(^|\s)bottom|bottom(\s|$)")
_link = matcher(r"(^|\s)link(\s|$)")


def is_chrome(attributes: Attributes) -> object:
    first = first_of(attributes, "id", "class")
    return _bottom(first) or _link(first) or "border" in attributes.get("style", "")


_teaser, _caption = contains("teaser", "t"), contains("caption")

CHROME = Rule(BLOCKS, ("id", "class", "style"), is_chrome)
TEASER = Rule(BLOCKS, ("id", "class"), either(_teaser, _teaser))
CAPTION = Rule(BLOCKS, ("id", "class"), either(_caption, _caption))

# What readability takes out of a page first (remove_unlikely_candidates); body and html are exempt there.

_unlikely = REGEXES["unlikelyCandidatesRe"].search
_maybe = REGEXES["okMaybeItsACandidateRe"].search


def is_unlikely(attributes: Attributes) -> object:
    both = " ".join(filter(None, (attributes.get("class"), attributes.get("id"))))
    return len(both) >= 2 and _unlikely(both.lower()) is not None and _maybe(both.lower()) is None


UNLIKELY = Rule((), ("id", "class"), is_unlikely)

# BODY_XPATH: the first, third and fourth. trafilatura takes the first element that any of them finds.

_article_id = alternatives(xpaths._ARTICLE_CONTENT_ID_TOKENS)
_article_class = alternatives(xpaths._ARTICLE_CONTENT_CLASS_TOKENS)
_story_id = alternatives(xpaths._STORY_ID_TOKENS)
_story_class = alternatives(xpaths._STORY_CLASS_TOKENS)
_full_text = matcher("fulltext", re.IGNORECASE)
_main_id = alternatives(xpaths._MAIN_CONTENT_ID_TOKENS)
_main_class = alternatives(xpaths._MAIN_CONTENT_CLASS_TOKENS)
_main_content, _page_content = contains("main-content", "cm"), contains("page-content", "cp")


def is_article(attributes: Attributes) -> object:
    get = attributes.get
    return (
        get("class") in ("post", "entry")
        or get("itemprop") == "articleBody"
        or get("id") == "articleContent"
        or _article_id(get("id", ""))
        or _article_class(get("class", ""))
    )


def is_story(attributes: Attributes) -> object:
    get = attributes.get
    return (
        get("role") == "article"
        or get("id") in ("article", "story")
        or get("class") in ("postarea", "art-postcontent", "text", "cell", "story")
        or _story_id(get("id", ""))
        or _full_text(get("class", ""))
        or _story_class(get("class", ""))
    )


def is_main(attributes: Attributes) -> object:
    identity, class_ = attributes.get("id", ""), attributes.get("class", "")
    return (
        "content" in (identity, class_)
        or _main_id(identity)
        or _main_class(class_)
        or _main_content(identity)
        or _main_content(class_)
        or _page_content(class_)
    )


ARTICLE = Rule(CONTAINERS, ("id", "class", "itemprop"), is_article)
STORY = Rule(CONTAINERS, ("id", "class", "role"), is_story)
MAIN = Rule(CONTAINERS, ("id", "class"), is_main)
