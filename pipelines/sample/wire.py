"""Responses that aren't readable pages: errors, redirects, other formats, empty bodies, records of other types."""

from dataclasses import replace
from html import escape

from pipelines.sample.articles import Article, seeded
from pipelines.sample.sites import publish, sites_in
from pipelines.sample.webpage import WebPage, to_json

HOST = "https://riverpost.example"

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x00\x00\x00\x01\x00\x08\x02\x00\x00\x00"
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"

APP_SHELL = b"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>App</title></head>
<body><div id="root"></div><noscript>Please enable JavaScript to run this app.</noscript>
<script>window.__STATE__ = {"user": null, "items": []};</script>
<script src="/static/main.8f2c.js"></script></body></html>
"""


def wire_pages() -> list[WebPage]:
    return [*errors(), *redirects(), *other_formats(), *without_text(), *other_records()]


def errors() -> list[WebPage]:
    pages = []
    for status, kind, count in (("404 Not Found", "not_found", 4), ("500 Internal Server Error", "server_error", 2)):
        html = f"<html><head><title>{status}</title></head><body><h1>{status}</h1><hr>nginx</body></html>".encode()
        pages += [
            WebPage(f"{HOST}/{kind}/{n}", kind, html, declared="none", declares="text/html", status=status)
            for n in range(count)
        ]
    return pages


def redirects() -> list[WebPage]:
    pages = []
    for n, status in enumerate(
        ("301 Moved Permanently", "302 Found", "301 Moved Permanently", "308 Permanent Redirect")
    ):
        target = f"{HOST}/news/{n}.html"
        html = f'<html><body>Moved <a href="{escape(target)}">here</a>.</body></html>'.encode()
        headers = (("Location", target),)
        url = f"http://riverpost.example/{n}"
        pages.append(WebPage(url, "redirect", html, declares="text/html", status=status, headers=headers))
    return pages


def other_formats() -> list[WebPage]:
    """A picture and a document that call themselves HTML, once with and once without the crawler's second opinion."""
    noise = seeded("noise")
    picture, document = PNG + noise.randbytes(3000), PDF + noise.randbytes(3000) + b"\n%%EOF\n"
    data = to_json({"station": "orchard", "celsius": [11.5, 12.0, 12.25]}).encode()
    pages = [
        mislabelled("img/map", picture, identified="image/png"),
        mislabelled("img/plan", picture[::-1]),
        mislabelled("menu", document),
    ]
    for name, body, mime, identified in (
        ("menu.pdf", document, "application/pdf", "application/pdf"),
        ("api/weather", data, "application/json", "application/json"),
        ("api/silent", data, "application/json", None),
        ("notes.txt", b"Milk\nBread\nString\n", "text/plain", "text/plain"),
    ):
        kind = {"application/pdf": "pdf", "application/json": "json", "text/plain": "plain_text"}[mime]
        page = WebPage(f"{HOST}/{name}", kind, body, declared="none", declares=mime, identified=identified)
        pages.append(replace(page, charset="") if kind == "pdf" else page)
    return pages


def mislabelled(name: str, body: bytes, identified: str | None = None) -> WebPage:
    """Bytes that the server calls HTML."""
    return WebPage(
        f"{HOST}/{name}", "binary", body, charset="", declared="wrong", declares="text/html", identified=identified
    )


def without_text() -> list[WebPage]:
    return [
        *(WebPage(f"https://app{n}.example/", "app_shell", APP_SHELL, language="en") for n in range(3)),
        *(WebPage(f"{HOST}/empty/{n}", "empty", b"", identified=None) for n in range(2)),
    ]


def other_records() -> list[WebPage]:
    """A look-up and a visit that found nothing new; `records.py` writes them as what they are."""
    answer = b"20240614000000\nriverpost.example.\t300\tIN\tA\t192.0.2.10\n"
    return [
        WebPage(
            "dns:riverpost.example", "dns", answer, status="", declared="none", declares="text/dns", identified=None
        ),
        WebPage(f"{HOST}/about", "revisit", b"", status="304 Not Modified", declared="none", declares="text/html"),
    ]


def damaged_pages(articles: list[Article]) -> tuple[WebPage, WebPage]:
    """Two pages that come to harm on disk, with an article that is sound elsewhere."""
    article = next(article for article in articles if article.language == "en")
    first, second = (replace(sites_in("en")[0], host=f"{name}.invalid") for name in ("broken", "truncated"))
    return publish(article, first, 0, kind="broken_record"), publish(article, second, 0, kind="truncated_record")
