"""Folds of pages that share no host."""

from __future__ import annotations

from urllib.parse import urlsplit
from zlib import crc32

FOLDS = 5
# Second labels under which many registrants stand: example.co.uk is one host's domain, co.uk is not.
SHARED = frozenset(["ac", "co", "com", "edu", "gob", "gov", "go", "ne", "net", "or", "org"])


def domain_of(url: str) -> str:
    """The registered domain of a URL, as near as it can be told without a list of suffixes."""
    labels = (urlsplit(url).hostname or "").removeprefix("www.").split(".")
    kept = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SHARED else 2
    return ".".join(labels[-kept:])


def fold_of(domain: str) -> int:
    return crc32(domain.encode()) % FOLDS
