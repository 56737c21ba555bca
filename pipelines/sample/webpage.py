"""A web page of the sample as a crawler met it: what was asked for, what came back, and what we know about it."""

import json
from dataclasses import dataclass
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

# How the body lies in the WARC file. Common Crawl stores it decoded and renames the headers ("crawl"); other crawlers
# keep it as it went over the wire.
Delivery = Literal["crawl", "plain", "gzip", "chunked", "gzip chunked"]


@dataclass(frozen=True, slots=True)
class WebPage:
    """One response.

    declares: value of the Content-Type header.
    status: empty for a record that isn't HTTP.
    identified: WARC-Identified-Payload-Type, or None for a crawler that doesn't look.
    charset, declared: the encoding of the bytes, and where the page names it (header, meta, bom, none, wrong).
    about: further facts for `expected.json`.
    """

    url: str
    kind: str
    body: bytes
    language: str = ""
    charset: str = "utf-8"
    declared: str = "header"
    declares: str = "text/html; charset=utf-8"
    identified: str | None = "text/html"
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = ()
    delivery: Delivery = "plain"
    about: tuple[tuple[str, Any], ...] = ()

    @property
    def record_id(self) -> str:
        return record_id("response", self.url)

    def facts(self) -> dict[str, Any]:
        """This page's entry in `expected.json`."""
        status = int(self.status.split()[0]) if self.status else None
        facts = {"url": self.url, "record_id": self.record_id, "kind": self.kind, "language": self.language}
        coding = {"charset": self.charset, "declared": self.declared, "delivery": self.delivery}
        return facts | coding | {"status": status} | dict(self.about)


def record_id(record_type: str, url: str) -> str:
    """A record's name. It follows from what it names, so that it's the same in every build."""
    return f"<urn:uuid:{uuid5(NAMESPACE_URL, f'{record_type} {url}')}>"


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
