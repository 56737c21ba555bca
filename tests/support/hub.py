"""Hugging Face's hub on loopback: datasets that are folders, by the paths that its library and ours ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from support.crawl_server import CrawlServer, Handler
from support.web_server import serve_web

TREE = re.compile(r"/api/datasets/([^/]+/[^/]+)/tree/([^/]+)/?(.*)")
FILE = re.compile(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


class HubHandler(Handler):
    """A dataset's revision is the folder OWNER/NAME/REVISION, with slashes of the revision encoded."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if (file := FILE.fullmatch(path)) is not None:
            self.path = "/" + "/".join((file[1], file[2].replace("%", "%25"), file[3]))
            super().do_GET()
            return
        tree = TREE.fullmatch(path)
        top = self.crawl.root / "/".join(tree.groups()[:2]) if tree is not None else None
        if tree is None or top is None or not (top / unquote(tree[3])).is_dir():
            self.answer(404, {"X-Error-Code": "EntryNotFound" if top and top.is_dir() else "RepoNotFound"}, b"{}")
            return
        found = [
            {"type": "file", "path": path.relative_to(top).as_posix(), "size": path.stat().st_size, "oid": "0" * 40}
            for path in (top / unquote(tree[3])).rglob("*")
            if path.is_file()
        ]
        self.answer(200, {"Content-Type": "application/json"}, json.dumps(found).encode())


@contextmanager
def hub(root: Path) -> Iterator[str]:
    """Its address, for HF_ENDPOINT."""
    with serve_web(type("OneHandler", (HubHandler,), {"crawl": CrawlServer(root)})) as address:
        yield address
