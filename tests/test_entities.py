"""Entities and addresses in a page: none is expanded beyond HTML's own, no file is read, nothing is asked of a network.

Pages are given to the extraction child as the pipeline gives them, so whatever its libraries do happens here.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.document import Page
from support.warc import response
from transforms.steps.extract.extract_text import Extractor, ExtractText
from transforms.steps.warc.html_pages import HTML_TYPES, page_of

SECRET = "moonlit-harbour-4711"
PROSE = "The pan turns slowly, and the light sand leaves it with the water while the heavy grains stay behind. " * 4
XHTML = '<?xml version="1.0" encoding="utf-8"?>\n'
LAUGHS = "".join(f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 10))
LOUD = 10_000  # characters that no page here has in its text unless it was made to


def doctype(subset: str, outside: str = "") -> str:
    return f"<!DOCTYPE html {outside} [{subset}]>\n"


def body(inside: str) -> str:
    head = "<head><title>A page</title></head>"
    return f'<html xmlns="http://www.w3.org/1999/xhtml">{head}<body><article><p>{PROSE}</p>{inside}</article></body></html>'


def pages(secret: str, address: str) -> dict[str, str]:
    external = f'<!ENTITY xxe SYSTEM "{secret}">'
    parameter = f'<!ENTITY % ext SYSTEM "{secret}"> %ext; <!ENTITY % over SYSTEM "{address}/x.dtd"> %over;'
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret}" parse="text"/>'
    tags = (
        f'<base href="{address}/"/>',
        f'<link rel="stylesheet" href="{address}/a.css"/>',
        f'<script src="{address}/a.js"></script>',
        f'<img src="{address}/a.png"/>',
        f'<iframe src="{address}/"></iframe>',
        f'<object data="{address}/"></object>',
        f'<meta http-equiv="refresh" content="0; url={address}/"/>',
        f'<style>@import "{address}/b.css";</style>',
        f'<iframe src="{secret}"></iframe>',
        f'<link rel="import" href="{secret}"/>',
    )
    loads = "".join(tags)
    return {
        "billion laughs": XHTML + doctype('<!ENTITY lol0 "lol">' + LAUGHS) + body("<p>&lol9;</p>"),
        "billion laughs, no XML declaration": doctype('<!ENTITY lol0 "lol">' + LAUGHS) + body("<p>&lol9;</p>"),
        "quadratic": XHTML + doctype(f'<!ENTITY a "{"a" * 50_000}">') + body("<p>" + "&a;" * 5_000 + "</p>"),
        "a file as an entity": XHTML + doctype(external) + body("<p>Before &xxe; after.</p>"),
        "a file, in HTML": doctype(external) + body("<p>Before &xxe; after.</p>"),
        "parameter entities": XHTML + doctype(parameter) + body("<p>&xxe;</p>"),
        "a DTD elsewhere": XHTML + doctype("", f'SYSTEM "{address}/x.dtd"') + body("<p>&xxe;</p>"),
        "a public DTD elsewhere": XHTML + doctype("", f'PUBLIC "-//W3C//DTD XHTML 1.0//EN" "{address}/x"') + body(""),
        "a style sheet": XHTML + f'<?xml-stylesheet type="text/xsl" href="{address}/x.xsl"?>' + body(""),
        "inclusion": XHTML + body(f"<p>{include}</p>"),
        "all that loads": body(loads),
        "all that loads, as XHTML": XHTML + doctype(external) + body(loads + "<p>&xxe;</p>"),
    }


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """A socket that is open for anyone, and that nobody should come to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture(scope="module", params=["trafilatura", "resiliparse"])
def child(request: pytest.FixtureRequest) -> Iterator[Extractor]:
    with Extractor(ExtractText(extractor=request.param, cpu_limit_s=5.0)) as child:
        yield child


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secret") / "passwd"
    path.write_text(SECRET)
    return path


KINDS = tuple(pages("", ""))


@pytest.mark.parametrize("media_type", sorted(HTML_TYPES))
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_its_own_text_only(
    listener: socket.socket, secret: Path, child: Extractor, kind: str, media_type: str
) -> None:
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for named in (secret.as_uri(), str(secret)):
        page = page_of(
            response(pages(named, address)[kind], content_type=media_type, declared_type=media_type), "a.warc.gz"
        )
        assert isinstance(page, Page)
        text = child.extract(page)
        assert isinstance(text, str), text
        assert "heavy grains stay behind" in text
        assert SECRET not in text
        assert "lollol" not in text
        assert len(text) < LOUD + (len(page.html) if kind == "quadratic" else 0)
    with pytest.raises(BlockingIOError):  # nobody came
        listener.accept()


def test_the_listener_hears(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()) as caller:
        heard, address = listener.accept()
        with heard:
            assert address == caller.getsockname()
