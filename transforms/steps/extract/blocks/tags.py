"""What a tag is, by its text: how it shapes the page, and what its class and id say of its content."""

from __future__ import annotations

import re
from typing import NamedTuple

# How a tag is treated.
INLINE, BLOCK, BLOCK_END, LINK, LINK_END, BREAK, RULE, IMAGE, GHOST, GHOST_END = range(10)

BLOCKS = (
    *("p", "div", "li", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "dd", "dt", "figcaption"),
    *("caption", "section", "article", "main", "header", "footer", "nav", "aside", "figure", "details", "summary"),
    *("table", "tbody", "thead", "tfoot", "tr", "ul", "ol", "dl", "form", "fieldset", "address", "center", "hgroup"),
    *("legend", "label", "menu", "dir", "listing", "search", "dialog"),
)
TAG_CODE = {name: code for code, name in enumerate(BLOCKS)}
# Of these names one closes the other: an end tag ends the innermost element of its group.
GROUPS = (("ul", "ol", "menu", "dir"), ("dt", "dd"), ("td", "th"), ("tbody", "thead", "tfoot"), ("pre", "listing"))
GROUP = {
    name: min(TAG_CODE[other] for group in GROUPS if name in group for other in group)
    if any(name in group for group in GROUPS)
    else code
    for name, code in TAG_CODE.items()
}
# Names in class, id, role and itemprop that tell what a part of a page is for. Found within words, lower case;
# between ^ and $ only whole ones.
HINTS = {
    "comment": "comment|disqus|respond|reply|replies|kommentar",
    "meta": "meta|byline|author|date|time|publi|posted|info|credit|source",
    "nav": "nav|menu|crumb|skip|topbar",
    "foot": "foot|copyright|legal|disclaim|colophon",
    "side": "side|aside|rail|widget|column",
    "related": "relat|recommend|more|also|trend|popular|recent|latest|similar|teaser|suggest|most",
    "share": "share|social|follow|facebook|twitter|like",
    "ad": "advert|sponsor|banner|outbrain|taboola|commerc|promo|adsense|^ad$|^ads$",
    "form": "newsletter|subscri|signup|login|regist|form|search|account|paywall|contact",
    "popup": "cookie|consent|gdpr|popup|modal|overlay|hidden|hide|dialog|alert|notice|tooltip|dropdown",
    "content": "content|artic|artikel|entry|body|text|story|main|detail|desc|copy|prose|markdown|rich|primary",
    "post": "post|thread|messag|msg|topic|discuss|answer|question|forum|review|quote",
    "list": "list|item|card|grid|tile|result|carousel|slide|gallery|archive|feed|loop",
    "tool": "tag|categor|pager|paginat|paging|filter|sort|tab|button|btn|tool|label|badge|rating|vote|action|print",
    "caption": "caption|image|photo|img|media|figure|video|thumb|picture",
    "title": "title|head|hero|intro|lead|summary|excerpt|abstract",
    "product": "product|price|cart|buy|spec|feature|shop|sku|offer",
    "person": "user|profile|avatar|signature|member|poster|bio",
    "code": "code|highlight|snippet|syntax|example|source",
    "contents": "toc|contents|index",
    "faq": "faq|accordion|collapse|toggle",
}
HINT_NAMES = tuple(HINTS)
ANY_HINT = re.compile("|".join(HINTS.values()))
HINT_PATTERNS = tuple(re.compile(pattern) for pattern in HINTS.values())
# Tags that say the same of all that lies in them.
ROOMS = (
    *("article", "main", "nav", "footer", "header", "aside", "section", "li", "table", "form", "blockquote"),
    *("figure", "ul", "ol"),
)
ROOM_BIT = {name: 1 << (len(HINTS) + number) for number, name in enumerate(ROOMS)}
MASK_NAMES = (*HINT_NAMES, *(f"<{name}>" for name in ROOMS))

NAME = re.compile(r"/?[^\s/>]*")
ATTRIBUTE = re.compile(
    r"\b(class|id|role|itemprop|style|hidden)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?", re.I
)
WORDS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+")
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
TEX_IMAGE = re.compile(r"\bmwe-math-fallback-image|\btex\b|\bmath-?(?:image|inline|display)\b|\blatex\b", re.I)
ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.I)
# What a browser's script or style makes of a formula whose TeX stands beside it.
GHOSTS = re.compile(r"\b(?:katex-html|MathJax_Preview|MathJax(?:_SVG|_CHTML|_Display)?|mjx-\w+)\b")

UNSEEN = ("link ", "meta ", "input ")
MOST_REMEMBERED = 20_000  # tags and words; a few megabytes
LONGEST_REMEMBERED = 200  # characters


class Tag(NamedTuple):
    """A tag.

    kind: how it is treated, one of the kinds above.
    name: lower case, without the slash of an end tag.
    code: number of a block's name in BLOCKS.
    group: code of the names that close each other, for a block.
    mask: bits of HINTS, then of ROOMS.
    sign: name and class, which the items of a template's list share.
    """

    kind: int
    name: str
    code: int = 0
    group: int = 0
    mask: int = 0
    sign: str = ""


LINK_TAG = Tag(LINK, "a")
IMAGE_TAG = Tag(IMAGE, "img")
PLAIN_IMAGE = Tag(INLINE, "img")
NO_TAG = Tag(INLINE, "")
_words: dict[str, int] = {}
_values: dict[str, int] = {}
_tags: dict[str, Tag] = {}
remembered = _tags.get
POPUP = 1 << HINT_NAMES.index("popup")
FOOT = 1 << HINT_NAMES.index("foot")


def remember(memory: dict, key: str, value: object) -> None:
    """All that is remembered is a function of its key, so no page's text depends on those before it."""
    if len(key) <= LONGEST_REMEMBERED:
        if len(memory) >= MOST_REMEMBERED:
            memory.clear()
        memory[key] = value


def word_mask(word: str) -> int:
    lower = word.lower()
    if ANY_HINT.search(lower) is None:
        return 0
    return sum(1 << bit for bit, pattern in enumerate(HINT_PATTERNS) if pattern.search(lower))


def value_mask(value: str) -> int:
    """Bits of the hints in the words of an attribute's value. Its parts, a site's classes, are remembered as well."""
    if (mask := _values.get(value)) is not None:
        return mask
    mask = 0
    parts = value[:LONGEST_REMEMBERED].split()
    if len(parts) == 1 and parts[0] == value:
        for word in WORDS.findall(value):
            if (bits := _words.get(word)) is None:
                bits = word_mask(word)
                remember(_words, word, bits)
            mask |= bits
    else:
        for part in parts:
            mask |= value_mask(part)
    remember(_values, value, mask)
    return mask


def attributes(tag: str) -> tuple[str, int]:
    """The class of a start tag, and the bits of all its attributes that are looked at."""
    classes, mask = "", 0
    for match in ATTRIBUTE.finditer(tag):
        key, value = match[1].lower(), match[2] or match[3] or match[4] or ""
        if key == "hidden" or (key == "style" and HIDDEN.search(value)):
            mask |= POPUP
        elif value == "contentinfo":
            mask |= FOOT
        elif key != "style":
            classes = classes or (value if key == "class" else "")
            mask |= value_mask(value)
    return classes, mask


def common_attributes(tag: str) -> tuple[str, int] | None:
    """The same of a tag that is written as most are, in a third of the time; None if it is not."""
    classes, mask = "", 0
    if "role" in tag or "itemprop" in tag or "hidden" in tag or "none" in tag or "A" <= tag[0] <= "Z":
        return None
    if "class" in tag:
        start = tag.find(' class="')
        if start < 0:
            return None
        classes = tag[start + 8 : tag.find('"', start + 8)]
        mask = value_mask(classes)
    if "id" in tag:
        start = tag.find(' id="')
        if start > 0:
            mask |= value_mask(tag[start + 5 : tag.find('"', start + 5)])
        elif " id" in tag or "\tid" in tag or "\nid" in tag:
            return None
    return classes, mask


def block_tag(name: str, tag: str) -> Tag:
    classes, mask = "", 0
    if len(tag) > len(name):
        common = common_attributes(tag)
        classes, mask = attributes(tag) if common is None else common
    mask |= ROOM_BIT.get(name, 0)
    fields = BLOCK, name, TAG_CODE[name], GROUP[name], mask, f"{name} {classes[:LONGEST_REMEMBERED]}"
    return tuple.__new__(Tag, fields)  # Tag(…) in a third of the time


def parsed(tag: str) -> Tag:
    """A tag by its text between < and >."""
    match = NAME.match(tag)
    name = match[0].lower() if match else ""
    if name.startswith("/"):
        name = name[1:]
        if name in TAG_CODE:
            return Tag(BLOCK_END, name, TAG_CODE[name], GROUP[name])
        return Tag(LINK_END if name == "a" else GHOST_END, name)
    if name in TAG_CODE:
        return block_tag(name, tag)
    if name == "a":
        return LINK_TAG
    if name == "img":
        return IMAGE_TAG if TEX_IMAGE.search(tag) else PLAIN_IMAGE
    if name == "br":
        return Tag(BREAK, name)
    if name == "hr":
        return Tag(RULE, name)
    ghost = ("katex" in tag or "ath" in tag or "mjx" in tag) and name in ("span", "mjx-math") and GHOSTS.search(tag)
    return Tag(GHOST if ghost else INLINE, name)


def tex_of_image(tag: str) -> str:
    """The formula that an image's alt says."""
    alt = ALT.search(tag)
    return (alt[1] or alt[2] or "") if alt else ""


def tag_of(tag: str) -> Tag:
    """The same as `parsed`; blocks and short tags are remembered."""
    if (known := _tags.get(tag)) is None:
        if tag.startswith("a "):
            return LINK_TAG
        if tag.startswith(UNSEEN) or (tag.startswith("img ") and "math" not in tag and "tex" not in tag):
            return NO_TAG
        name = tag[: max(tag.find(" "), 0)]
        known = block_tag(name, tag) if name in TAG_CODE else parsed(tag)
        if known.kind == BLOCK or len(tag) <= 30:
            remember(_tags, tag, known)
    return known
