"""Public IP addresses, and what only looks like one: versions, sections, budget codes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache

from transforms.steps.pii import context, words
from transforms.steps.pii.entities import LIKELY, SURE, WEAK, Span

# After a letter and a slash stands a product's version: nginx/1.18.0.99
_IPV4 = re.compile(r"(?<![\w.,-])(?<![A-Za-z]/)(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d|-\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){1,7}(?::|[0-9A-Fa-f]{1,4})(?:[0-9A-Fa-f:]{0,34})(?![\w:])")
_PORT = re.compile(r"[:/]\d")
SMALL_OCTET = 40  # addresses of small numbers only are more often versions and sections
# Brazil's budgets: category, group, way and element of a revenue or an expense, as in 3.3.90.39 or 33.90.39.14
# (Portaria Interministerial STN/SOF 163/2001, annexes I and II), and sections of laws and plans of accounts.
_CODE = re.compile(r"[1-9]\.[0-9]\.\d{1,2}\.\d{1,2}|[34][1-6]\.\d0\.\d{2}\.\d{1,2}")
RESOLVERS = frozenset(
    ["1.0.0.1", "1.1.1.1", "4.2.2.1", "4.2.2.2", "8.8.4.4", "8.8.8.8", "9.9.9.9"]
)  # codes in form alone


def ipv4(window: str, language: str) -> Iterator[Span]:
    """Addresses of the public ranges, by what stands around them.

    A word such as "IP" or a service's port makes one likely; four small numbers may be a version, a section, or a code.
    """
    for match in _IPV4.finditer(window):
        if not is_public(match[0]) or context.follows(window, match.start(), words.NO_IP, 2):
            continue
        small = max(map(int, match[0].split("."))) < SMALL_OCTET
        is_code = _CODE.fullmatch(match[0]) is not None and match[0] not in RESOLVERS
        names = words.IP_ONLY if is_code else words.IP
        has_word = context.near(window, *match.span(), names) or is_service(window, match)
        if is_code and (not has_word or context.near(window, *match.span(), words.BUDGET)):
            continue
        if not has_word and is_version(window, match):
            continue
        if has_word or not small:
            yield Span(*match.span(), "IP_ADDRESS", LIKELY if has_word else WEAK)


def is_version(window: str, match: re.Match[str]) -> bool:
    """Whether it is as small as versions begin and words before are of them: "upgraded from 8.9.5.8 to 18.4.30.90"."""
    first, second, *_ = map(int, match[0].split("."))
    return max(first, second) < SMALL_OCTET and context.follows(window, match.start(), words.VERSION, context.BEFORE)


def ipv6(window: str, language: str) -> Iterator[Span]:
    for match in _IPV6.finditer(window):
        for value in (match[0], match[0].rpartition(":")[0]):  # a colon or a port may follow
            if is_public(value):
                yield Span(match.start(), match.start() + len(value), "IP_ADDRESS", SURE)
                break


@lru_cache(10_000)  # a page's own number stands on each of its pages
def is_public(value: str) -> bool:
    """Whether it is an address that is routed on the public internet; IPv6: of the block in use, 2000::/3."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and (address.version == 4 or int(address) >> 125 == 1)


def is_service(window: str, match: re.Match[str]) -> bool:
    """Whether a port, a network's length or a path follows, or a URL's slashes stand before."""
    return _PORT.match(window, match.end()) is not None or window.endswith(("//", "@"), 0, match.start())
