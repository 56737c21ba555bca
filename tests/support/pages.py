"""A checker of the HTML pages that reports are: whatever their texts say, nothing in them acts or loads."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "link", "br", "wbr", "input"}
FORBIDDEN = {"script", "img", "a", "iframe", "object", "embed", "form", "base", "image", "use", "video", "audio"}
LOADING = {"src", "srcset", "action", "formaction", "xlink:href", "background"}


class Strict(HTMLParser):
    """Parses a page and fails the test unless every element is harmless and closed in order.

    text: what a reader sees, without style sheets.
    seen: the same and what attributes say, as tooltips and labels for screen readers.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.seen = ""
        self.feed(page)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in FORBIDDEN, f"<{tag}>"
        for name, value in attrs:
            assert name not in LOADING and not name.startswith("on"), f"<{tag} {name}>"
            assert name != "href" or (value or "").startswith("data:"), f"<{tag} href={value!r}>"
            assert name != "style" or "url(" not in (value or ""), f"<{tag} style={value!r}>"
        self.seen += "".join(f"\n{value}\n" for _, value in attrs if value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}>"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data
            self.seen += data


def replaced(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """The same nesting of dicts and lists with every leaf changed."""
    if isinstance(value, dict):
        return {key: replaced(part, leaf) for key, part in value.items()}
    return [replaced(part, leaf) for part in value] if isinstance(value, list) else leaf(value)
