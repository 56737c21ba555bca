"""The forms under which hosts and URLs are listed and looked up, and the stable hash of each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

MAX_URL = 8192  # chars of a URL that are looked at; crawlers keep URLs under 2,083
MAX_HOST = 253  # chars; DNS allows no longer name, so none can be listed

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*://|//")
_NOT_WORD = re.compile(r"[^a-zA-Z0-9]+")
_EDGES = " \t\r\n\0."


def canonical_host(host: str) -> str:
    """A host as it is listed: lower case, no edge dots, international labels in punycode. Never raises.

    The punycode is made without IDNA's mapping tables; NFKC and lower case stand in for them. That is no exact IDNA,
    but listed hosts and pages' hosts both go through this function, so they meet.
    """
    host = host.strip(_EDGES).lower()
    if host.isascii() or len(host) > MAX_HOST:
        return host
    import unicodedata

    host = unicodedata.normalize("NFKC", host).lower().replace("。", ".").strip(_EDGES)
    labels = (
        label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii") for label in host.split(".")
    )
    return ".".join(labels)


def split_url(url: str) -> tuple[str, str]:
    """Canonical host and the rest (path and query, no fragment) of any text that is meant as a URL. Never raises.

    urllib's parser is no help with pages from the wild: it raises on broken IPv6, bad ports and some Unicode.
    """
    url = url[:MAX_URL].strip()
    if scheme := _SCHEME.match(url):
        url = url[scheme.end() :]
    url = url.partition("#")[0]
    end = min((index for mark in "/?\\" if (index := url.find(mark)) >= 0), default=len(url))
    authority, rest = url[:end].rpartition("@")[2], url[end:]
    host = authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    if "%" in host:  # browsers decode it, so it must not hide a listed host
        from urllib.parse import unquote

        host = unquote(host)
    return canonical_host(host), rest


def host_and_parents(host: str) -> Iterator[str]:
    """`a.b.example.com`, `b.example.com`, `example.com`, `com`; an IP address has no parents.

    Top-level domains are looked up too: UT1 lists `xxx` and `porn` whole.
    """
    if not host:
        return
    if len(host) <= MAX_HOST:
        yield host
    if ":" in host or host.replace(".", "").isdigit():
        return
    dot = host.find(".", max(0, len(host) - MAX_HOST - 1))
    while dot >= 0:
        yield host[dot + 1 :]
        dot = host.find(".", dot + 1)


def url_forms(host: str, rest: str) -> Iterator[str]:
    """How a URL may be listed: without scheme, `www.` and closing slashes; with the query and without.

    The path keeps its case: UT1 lists paths as they are served.
    """
    host = host.removeprefix("www.")
    path, mark, query = rest.partition("?")
    path = path.rstrip("/")
    if query:
        yield f"{host}{path}{mark}{query}"
    yield f"{host}{path}"


def listed_url(entry: str) -> str:
    """The one spelling under which an entry of a `urls` file is stored: the first of `url_forms`."""
    return next(url_forms(*split_url(entry)))


def words_of(text: str) -> list[str]:
    """Lower-cased runs of ASCII letters and digits. Split first: `K` (Kelvin) must not become a letter."""
    return [word.lower() for word in _NOT_WORD.split(text) if word]


def hash_key(text: str) -> int:
    """Stable 64-bit hash: 8 bytes of BLAKE2b, little-endian; the same on any machine, version and process."""
    return int.from_bytes(digest_of(text), "little")


def digest_of(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
