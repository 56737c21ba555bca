"""The title that a page gives itself, as a browser shows it on a tab."""

from __future__ import annotations

import re
from html import unescape

from transforms.steps.extract.characters import without_invisible

HEAD_CHARS = 200_000  # a title further in is of a picture, or of nothing
MAX_CHARS = 500  # of a title; ours
OPENED = re.compile(r"<title(?:[\s/][^>]{0,1000})?>", re.IGNORECASE)
CLOSED = re.compile("</title", re.IGNORECASE)


def title_of(html: str) -> str | None:
    """The text of the first `<title>`, its spaces as one each, at most MAX_CHARS long; None if there is none."""
    head = html[:HEAD_CHARS]
    if (opened := OPENED.search(head)) is None:
        return None
    closed = CLOSED.search(head, opened.end())
    inner = head[opened.end() : closed.start() if closed else opened.end()]
    return " ".join(without_invisible(unescape(inner)).split())[:MAX_CHARS].rstrip() or None
