"""Checkers of HTML pages: what stands in them, what a browser makes of them, and that nothing in them acts or loads."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pipelines.reports.render import source_of

VOID = {"meta", "link", "br", "wbr", "input"}
LINK = re.compile(r"[a-z0-9@_/-]+\.html|https://[A-Za-z0-9./_:()-]+")  # to pages of ours beside it, and papers
FORBIDDEN = {"script", "img", "a", "iframe", "object", "embed", "form", "base", "image", "use", "video", "audio"}
LOADING = {"src", "srcset", "action", "formaction", "xlink:href", "background"}


class Strict(HTMLParser):
    """Parses a page and fails the test unless every element is harmless and closed in order.

    text: what a reader sees, without style sheets.
    seen: the same and what attributes say, as tooltips and labels for screen readers.
    """

    def __init__(self, page: str, links: bool = False) -> None:
        """links: whether it may have links, all of which have to be LINKs."""
        super().__init__()
        self._links = links
        self.open: list[str] = []
        self.text = ""
        self.seen = ""
        self.feed(page)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in FORBIDDEN or (tag == "a" and self._links), f"<{tag}>"
        for name, value in attrs:
            assert name not in LOADING and not name.startswith("on"), f"<{tag} {name}>"
            if tag == "a" and name == "href":
                assert LINK.fullmatch(value or ""), f"<a href={value!r}>"
                continue
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


class Elements(HTMLParser):
    """Elements with their attributes, and the text of scripts and of elements with an id or a class."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[tuple[str, list[str]]] = []
        self.feed(page)

    def assert_self_contained(self, scripts: int) -> None:
        """Nothing acts but the page's own script, the last of these, and nothing loads."""
        tags = [tag for tag, _ in self.elements]
        assert tags.count("script") == scripts
        assert not {"img", "iframe", "a", "form", "base", "object"} & set(tags)
        for tag, values in self.elements:
            assert not {"src", "onerror", "onclick", "action"} & set(values)
            assert "href" not in values or (tag, values["href"]) == ("link", "data:,")
        [policy] = [values["content"] for _, values in self.elements if values.get("http-equiv")]
        script = self.texts["script"][-1]
        known = b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert policy is not None and policy.startswith(f"default-src 'none'; script-src 'sha256-{known}'; style-src")
        assert "http" not in script

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.elements.append((tag, values))
        if tag in {"meta", "link", "input", "br", "wbr"}:
            return
        names = [name for name in (tag, values.get("id"), *(values.get("class") or "").split()) if name]
        for name in names:
            self.texts.setdefault(name, []).append("")
        self._open.append((tag, names))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, names in self._open:
            for name in names:
                self.texts[name][-1] += data


def in_browser(page: Path, *options: str) -> str:
    """What Chromium says of a page, such as its elements for --dump-dom. Skips the test where there is none."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium is installed: the page can't be looked at")
    common = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000"]
    common += [f"--user-data-dir={page.parent / 'profile'}", *options, page.as_uri()]
    return subprocess.run([browser, *common], capture_output=True, timeout=120, check=True).stdout.decode()


def in_node(scripts: Sequence[str], program: str, job: Any) -> Any:
    """What the program, after these files of web/, makes of `job`. Skips the test where there is no node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the page's scripts can't be run outside a browser")
    sources = "".join(source_of(name) for name in scripts)
    source = f'{sources}const job = JSON.parse(require("fs").readFileSync(0, "utf8"));'
    command = [node, "-e", f"{source}\nprocess.stdout.write(JSON.stringify({program}));"]
    ended = subprocess.run(command, input=json.dumps(job).encode(), capture_output=True, timeout=300)
    assert ended.returncode == 0, ended.stderr.decode()[-2000:]
    return json.loads(ended.stdout)
