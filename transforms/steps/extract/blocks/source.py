"""HTML source to a list of tags and texts, in time linear in its length.

No tree is built by a library here, for three reasons: libxml2 stops at 2,048 nested elements and loses what follows,
lexbor and libxml2 take quadratic time on some pages of a megabyte, and another version of either gives another tree
of the same page, so another dataset. Tags are found as the HTML standard's tokenizer finds them; what is not closed,
or closed in the wrong order, is put right by layout.py.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

from transforms.steps.extract.mathml import tex_of

try:
    from transforms.steps.extract import source_c
except ImportError:  # not built: there was no compiler
    source_c = None

# Elements whose content is no text of the page. The first three are closed by their own end tag alone; the others, if
# they are not closed, are read as if their start tag were not there.
TO_THE_END = ("script", "style", "textarea")
NO_TEXT = (
    *TO_THE_END,
    *("title", "noscript", "noframes", "iframe", "xmp", "svg", "template", "select", "object", "video", "audio"),
    *("canvas", "button", "datalist", "math"),
)
# The first look at a letter passes most tags by: of the names above none begins with p, l, u or h.
OPENING = re.compile(rf"<(?![/pluhPLUH]|[aA][\s>])(?:!--|((?ai:{'|'.join(NO_TEXT)}))(?=[\s/>]))")
CLOSING = {name: re.compile(rf"</(?ai:{name})(?=[\s/>])") for name in NO_TEXT}
ATTRIBUTES = r"[^>=]*+(?:=\s*+(?:\"[^\"]*\"|'[^']*')?+[^>=]*+)*+"
TAG = re.compile(f"<(/?[a-zA-Z]{ATTRIBUTES})>|<[!?/][^>]*>")
TAG_END = re.compile(f"{ATTRIBUTES}>")
TEX_SCRIPT = re.compile(r"type\s*=\s*[\"']?math/tex", re.I)
MATHML_SCRIPT = re.compile(r"type\s*=\s*[\"']?math/mml", re.I)
ANNOTATION = re.compile(
    r"<annotation\b[^>]*\bencoding\s*=\s*[\"']?application/x-tex[^>]*>(.*?)</annotation", re.I | re.S
)
ALTTEXT = re.compile(r"\balttext\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.I)
LONGEST_TITLE = 500  # characters; it is looked for in every block
FIRST_PART = 200_000  # characters of a page in which its own address stands
LINE_BREAK, TEX = "\x1e", "\x1f"  # stand for <br> and around a formula within a block's text, until it is written


def find_opening(page: str, at: int) -> tuple[int, int, str] | None:
    """Where an element of NO_TEXT or a comment starts, where its name ends, its name; "" for a comment."""
    opening = OPENING.search(page, at)
    return None if opening is None else (*opening.span(), opening[1] or "")


def find_closing(page: str, name: str, at: int) -> tuple[int, int] | None:
    """Where an element's end tag starts, and where its name ends."""
    closing = CLOSING[name].search(page, at)
    return None if closing is None else closing.span()


def formula(name: str, attributes: str, content: str) -> str:
    """TeX of a <math> element or of a MathJax script, between two marks; empty if it is neither."""
    if name == "script":
        tex = html.escape(content, quote=False) if TEX_SCRIPT.search(attributes) else ""
        if MATHML_SCRIPT.search(attributes):
            return formula("math", "", content)
    elif (annotation := ANNOTATION.search(content)) is not None:
        tex = annotation[1]
    elif (alttext := ALTTEXT.search(attributes)) is not None:
        tex = alttext[1] or alttext[2] or ""
    else:
        tex = tex_of(content)
    return f"{TEX}{tex}{TEX}" if tex.strip() else ""


@dataclass
class Source:
    """A page's source.

    html: without what is no text, and with a > at its end, which closes a tag that the end of the page cuts.
    title: the text of <title>.
    """

    html: str
    title: str
    kinds: dict[str, int]

    def parts(self) -> list[str | None]:
        """Text, tag, text, tag, … text; a tag without its angle brackets, or None where there was none."""
        parts: list[str | None] = list(split_tags(self.html))
        parts[-1] = (parts[-1] or "").removesuffix(">")
        return parts


# What the source says of the kind of page, as its writers put it for search engines; "Article" also ends NewsArticle.
KINDS = {
    "product": ('"Product"', "og:price:amount", "product:price"),
    "forum": ('"DiscussionForumPosting"', '"QAPage"', "phpbb", "vbulletin", "enForo", "Discourse "),
    "news": ('Article"', '"BlogPosting"', "article:published_time"),
    "collection": ('"CollectionPage"', '"ItemList"', '"OfferCatalog"'),
    "website": ('og:type" content="website',),
    "shop": ("Shopify", "WooCommerce", "Magento", "BigCommerce"),
    "frequent": ('"FAQPage"',),
    "manual": ('"TechArticle"', "Docusaurus", "Sphinx", "MkDocs"),
    "place": ('LocalBusiness"', '"Service"', '"PostalAddress"'),
    "reviews": ('"AggregateRating"', '"Review"'),
}

KIND_WORDS = tuple((name, word) for name, words in KINDS.items() for word in words)


# The page's own address as it gives it to search engines: how deep it lies, and whether its name is one of words.
CANONICAL = re.compile(r"<(?ai:link)\b[^>]*\brel=[\"']?canonical\b[^>]*>")
ADDRESS = re.compile(r"\bhref=[\"']?(?:https?:)?//[^/\"'\s>?#]*([^\"'\s>?#]*)")
NO_ADDRESS, MOST_PARTS = -1, 9


def address_of(page: str) -> dict[str, int]:
    """depth: parts of the path of the page's address, -1 if it gives none; slug: hyphens in the last of them."""
    at = page.find("canonical", 0, FIRST_PART)
    while at >= 0:
        start = page.rfind("<", max(0, at - LONGEST_TITLE), at)
        end = page.find(">", at, at + 2 * LONGEST_TITLE)
        if start >= 0 and end >= 0 and CANONICAL.match(page, start, end + 1) is not None:
            address = ADDRESS.search(page, start, end)
            parts = [part for part in address[1].split("/") if part] if address is not None else []
            if address is not None:
                return {"depth": min(len(parts), MOST_PARTS), "slug": parts[-1].count("-") if parts else 0}
        at = page.find("canonical", at + 1, FIRST_PART)
    return {"depth": NO_ADDRESS, "slug": 0}


def kinds_of(page: str) -> dict[str, bool]:
    """What the page's source says of its kind."""
    return {name: any(word in page for word in words) for name, words in KINDS.items()}


def compiled_kinds() -> Callable[[str], dict[str, bool]]:
    """The same by one look at the page instead of one for each word."""
    assert source_c is not None
    found = source_c.Words(word for _, word in KIND_WORDS).found

    def kinds(page: str) -> dict[str, bool]:
        names = {KIND_WORDS[number][0] for number in found(page)}
        return {name: name in names for name in KINDS}

    return kinds


page_kinds = kinds_of if source_c is None else compiled_kinds()


def without_silent(page: str, noscript: bool) -> tuple[str, str]:
    """A page's source without what is no text, and with formulas as TeX; and its title, as it stands there."""
    kept, title, position = [], "", 0
    unclosed: set[str] = set()
    while (opening := find_opening(page, position)) is not None:
        start, end, name = opening
        kept.append(page[position:start])
        if not name:
            close = page.find("-->", end - 2)
            position = len(page) if close < 0 else close + 3
            continue
        name = name.lower()
        tag_end = TAG_END.match(page, end)
        if tag_end is None:
            position = len(page)
        elif (name == "noscript" and noscript) or (name == "svg" and page[tag_end.end() - 2] == "/"):
            position = tag_end.end()
        elif name in unclosed or (closing := find_closing(page, name, tag_end.end())) is None:
            unclosed.add(name)
            position = len(page) if name in TO_THE_END else tag_end.end()
        else:
            content = page[tag_end.end() : closing[0]]
            if name == "title":
                title = title or html.unescape(content)
            elif name in ("math", "script"):
                kept.append(formula(name, page[end : tag_end.end()], content))
            position = page.find(">", closing[1]) + 1 or len(page)
    return "".join([*kept, page[position:], ">"]), title


# The same in C, where it was built.
split_tags = TAG.split if source_c is None else source_c.split_tags
audible = (
    without_silent if source_c is None else source_c.Silent(NO_TEXT, TO_THE_END, formula, html.unescape).without_silent
)


def read_source(page: str, noscript: bool = False) -> Source:
    """Take a page's source apart. Comments, scripts and other content that is not text go; formulas become TeX.

    noscript: read what <noscript> holds, as a browser without scripts does.
    """
    for mark in (LINE_BREAK, TEX):
        if mark in page:
            page = page.replace(mark, "")
    rest, title = audible(page, noscript)
    kinds = {**page_kinds(page), **address_of(page)}
    return Source(rest, " ".join(title[:LONGEST_TITLE].split()), kinds)
