"""One line of a published block list: which hosts or URLs it means, in whichever of the usual notations.

Understood are plain hosts and URLs, with or without scheme, port, `*.` or a comment behind them; lines of hosts files
(`0.0.0.0 host`), of ad blockers (`||host^`) and of dnsmasq (`address=/host/`). What is left can't match any page.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from transforms.steps.urls.forms import MAX_HOST, canonical_host, split_url, url_forms

PLAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\Z")  # nearly all lines; the rest of the work is for the others
COMMENT = re.compile(r"\s+(?:#|//|!).*|^[#!;].*|^\[.*\]$")  # `[Adblock Plus 2.0]` is a title
HOSTS_LINE = re.compile(
    r"(?:0|0\.0\.0\.0|127(?:\.\d+){3}|255\.255\.255\.255|[0-9a-fA-F]*::[0-9a-fA-F:]*(?:%\w+)?)\s+(.+)"
)
AD_BLOCKER = re.compile(r"\|{1,2}([^|^$*\s]+)(?:\^?|\^?\$[\w,~=.-]*|\^?\|)\Z")
DNSMASQ = re.compile(r"(?:address|server|local)=/(.+)/[^/]*\Z")
IMPOSSIBLE = re.compile(r"[\s*^|/\\,;\"'<>()\[\]{}=@$&!?+%#~]|\.\.")  # in no host that a page can have
UNCLEAR = re.compile(r"\s|#[@?$%]?#|^[\d.:a-f]+/\d{1,3}$")  # what no notation has, rules on looks, ranges of addresses
# What hosts files name for the machine's own sake.
OWN_NAMES = frozenset(
    {"localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0", "ip6-localhost", "ip6-loopback"}
    | {"ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters", "ip6-allhosts"}
)
MARK = "\ufeff"  # a byte order mark, also where files were joined


class Entry(NamedTuple):
    """kind: `domains` or `urls`. form: as it is looked up, of forms.py."""

    kind: str
    form: str


def entries_of(line: str, kind: str) -> list[Entry] | None:
    """What a line of a file of this kind lists; nothing if it can never match, None if it says nothing.

    A URL with a path in a list of hosts is listed as a URL: the host has pages that are not.
    """
    if kind == "domains" and PLAIN.match(line) and len(line) <= MAX_HOST:
        return [Entry(kind, line)]
    line = COMMENT.sub("", line.replace(MARK, "").strip()).strip()
    if not line:
        return None
    if rule := AD_BLOCKER.match(line):
        return listed_as(rule[1], "domains")
    if listed := HOSTS_LINE.match(line):
        names = [name for name in listed[1].split() if name.lower() not in OWN_NAMES]
        return [entry for name in names for entry in listed_as(name, "domains")] if names else None
    if listed := DNSMASQ.match(line):
        return [entry for name in listed[1].split("/") for entry in listed_as(name, "domains")]
    return listed_as(line, kind)


def listed_as(name: str, kind: str) -> list[Entry]:
    if UNCLEAR.search(name):
        return []
    if kind == "domains" and name.count(":") > 1 and "/" not in name:  # IPv6, which split_url knows in brackets only
        name = f"[{name.strip('[]')}]"
    host, rest = split_url(name)
    host = canonical_host(host.removeprefix("*."))
    if not host or len(host) > MAX_HOST or IMPOSSIBLE.search(host):
        return []
    if kind == "urls" or rest.strip("/"):
        return [] if "*" in rest else [Entry("urls", next(url_forms(host, rest)))]
    return [Entry("domains", host)]
