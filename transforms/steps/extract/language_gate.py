"""A quick look at the language of a page's source, before anything parses it.

The text between tags is taken by regular expressions from a few places of the source, so that the look costs the same
for any page beyond some size. Every expression is linear in what it reads, also in markup that was made to be hostile:
nothing that it repeats can match what follows the repetition.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from html import unescape

from schemas.setting import setting
from schemas.verdict import Drop
from transforms.steps.text.language_model import probabilities

PARAGRAPH = re.compile(r"<[pP](?:\s[^<>]*+)?>")
PARAGRAPHS, PARAGRAPH_CHARS, PARAGRAPH_SOURCE = 40, 250, 2000  # at most: of a page, of one's text, of one's source
OPEN_PARAGRAPH_SOURCE = 400  # read of a paragraph that has no end tag within PARAGRAPH_SOURCE
ENOUGH_CHARS = 2500  # of text from paragraphs
FEW_CHARS = 300  # with less, windows of the source are read too
WINDOWS, WINDOW_CHARS = 6, 6000
PIECES, PIECE_CHARS = 8, 250  # of the text, for the language model

# Whole elements whose content is no text, comments, and tags. What has no end goes on to the end of the piece.
MARKUP = re.compile(
    r"<(script|style|svg|noscript)\b[^>]*>.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^>]*(?:>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
REFERENCE = re.compile("&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


@dataclass(frozen=True)
class LanguageGate:
    """Drops a page before extraction if a quick look at its source makes every wanted language improbable.

    The quick look takes text from some places of the source (`text_sample`) through the language model, a third of a
    millisecond a page. It saves the extraction of most foreign pages and loses a page only where boilerplate and
    article differ in language.
    """

    languages: tuple[str, ...] = setting(about="languages that a page may be in (codes of the language model)")
    min_probability: float = setting(
        0.1, "least probability of one of them", "Bateia; loses 0 of 1,190 kept pages in nine languages"
    )
    model: str = setting("lid.176.ftz", "fastText language model: an asset's name or a path")

    def __call__(self, html: str) -> Drop | None:
        """Why the page goes no further; None if it may pass, or if no letter tells its language."""
        text = text_sample(html)
        if not any(map(str.isalpha, text)):
            return None
        by_language = probabilities(text, self.model)
        best = max((by_language.get(language, 0.0) for language in self.languages), default=0.0)
        if best >= self.min_probability or not by_language:
            return None
        return Drop(
            "language_gate", "improbable_language", best, self.min_probability, language=next(iter(by_language))
        )


def text_sample(html: str) -> str:
    """Up to 2,007 characters of a page's text: that of paragraphs all over it; with few of them, of any element."""
    text = squeezed(paragraphs(html))
    if len(text) < FEW_CHARS:
        text = squeezed(f"{text} {windows(html)}")
    if len(text) <= PIECES * PIECE_CHARS:
        return text
    step = (len(text) - PIECE_CHARS) // (PIECES - 1)
    return " ".join(text[number * step : number * step + PIECE_CHARS] for number in range(PIECES))


def paragraphs(html: str) -> str:
    """The beginnings of paragraphs that are spread evenly over the page's paragraphs."""
    starts = array("q", (match.end() for match in PARAGRAPH.finditer(html)))
    texts, chars = [], 0
    for start in starts[:: len(starts) // PARAGRAPHS + 1]:
        end = html.find("</p", start, start + PARAGRAPH_SOURCE)
        text = text_of(html[start : end if end >= 0 else start + OPEN_PARAGRAPH_SOURCE])[:PARAGRAPH_CHARS]
        texts.append(text)
        chars += len(text)
        if chars > ENOUGH_CHARS:
            break
    return " ".join(texts)


def windows(html: str) -> str:
    """The text of a few pieces of the body, spread evenly over it."""
    body = max(html.find("<body"), 0)
    if len(html) - body <= WINDOWS * WINDOW_CHARS:
        return text_of(html[body:])
    step = (len(html) - body - WINDOW_CHARS) // (WINDOWS - 1)
    pieces = (html[start : start + WINDOW_CHARS] for start in range(body, body + WINDOWS * step, step))
    return " ".join(text_of(piece[max(piece.find("<"), 0) :]) for piece in pieces)  # what is before may be half a tag


def text_of(source: str) -> str:
    """A piece of HTML without its markup, character references resolved."""
    return REFERENCE.sub(lambda match: unescape(match[0]), MARKUP.sub(" ", source))


def squeezed(text: str) -> str:
    return " ".join(text.split())
