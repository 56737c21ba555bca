"""How files are fetched over http and https: politely, and with an end to every attempt."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from schemas.faults import BadInput
from schemas.setting import setting


@dataclass(frozen=True)
class Share:
    """Which part of the requests a second processes of this machine may make together.

    of: equal shares there are
    number: of this one, from 1, where tasks with shares of their own may be on one machine; 0 where each share is a
        machine's
    known: whether anybody knows how many machines fetch
    """

    of: int = 1
    number: int = 0
    known: bool = True

    def bucket_of(self, host: str) -> str:
        """The name of the bucket: tasks must not wait for each other's shares."""
        return f"{host} {self.number}/{self.of}" if self.number else host


@dataclass(frozen=True)
class FetchSettings:
    """How fast and how patiently one machine asks a host. Nothing in it changes a byte of an output.

    Raises BadInput for values that can't be.
    """

    requests_per_s: float = setting(
        1.0,
        "requests a second to one host over https, of all processes of a machine together ($BATEIA_REQUESTS_PER_S)",
        "ours; Common Crawl asks for slow downloads and answers 403 and 503 to fast ones",
    )
    contact: str | None = setting(
        None, "an address that servers' owners can write to, in the User-Agent ($BATEIA_CONTACT)", none="none"
    )
    attempts: int = setting(8, "attempts in a row that bring less than 1 MB before a range is given up", "ours")
    backoff_s: float = setting(1.0, "longest wait in s after the first failure; it doubles with each", "ours")
    timeout_s: float = setting(60.0, "seconds in which a connection must bring 64 kB", "ours")
    cache: str | None = setting(
        None, "folder that keeps what was fetched ($BATEIA_CACHE)", none="nothing is kept", metavar="DIR"
    )
    cache_gb: float = setting(20.0, "GB that the folder may hold; what was used least goes first ($BATEIA_CACHE_GB)")
    machines: int | None = setting(
        None,
        "machines that share the requests a second ($BATEIA_MACHINES)",
        none="the tasks of --part, or the workers that an engine is asked for",
    )
    share: Share = Share()

    def __post_init__(self) -> None:
        for name in ("requests_per_s", "backoff_s", "timeout_s", "cache_gb", "attempts"):
            if not getattr(self, name) > 0:
                raise BadInput(f"--{name.replace('_', '-')} {getattr(self, name)}: give a number above 0")
        if self.machines is not None and self.machines < 1:
            raise BadInput(f"--machines {self.machines}: give how many machines fetch, 1 or more")
        if self.contact is not None and not (self.contact.isprintable() and self.contact.isascii()):
            raise BadInput(f"--contact {self.contact!r}: give an e-mail or web address in ASCII")

    @property
    def user_agent(self) -> str:
        return f"bateia ({self.contact})" if self.contact else "bateia"

    @property
    def own_requests_per_s(self) -> float:
        """This machine's or task's share."""
        return self.requests_per_s / self.share.of

    def shared(self, share: Share) -> FetchSettings:
        """The settings of one of those that share, by the number of machines if that was given."""
        return replace(self, share=share if self.machines is None else Share(self.machines))

    @property
    def politeness(self) -> str:
        """How fast one host is asked, in a line; what is given in vain, with its remedy."""
        share = self.share
        who = "this task" if share.number else "each machine"
        parts = f"; {who} takes {self.own_requests_per_s:.3g}, one of {share.of:,} shares" if share.of > 1 else ""
        if not share.known:
            parts = " for each machine; how many fetch is not known, so name their number by --machines"
        agent = "" if self.contact else "; name a --contact that servers' owners can write to"
        return f"requests a second to one host: {self.requests_per_s:g} at most{parts}{agent}"


def fetch_settings(**given: Any) -> FetchSettings:
    """Settings as given; those that are not given, from the environment. Raises BadInput."""
    values: dict[str, Any] = {}
    for name, kind in (
        ("requests_per_s", float),
        ("contact", str),
        ("cache", str),
        ("cache_gb", float),
        ("machines", int),
    ):
        variable = f"BATEIA_{name.upper()}"
        if text := os.environ.get(variable, "").strip():
            try:
                values[name] = kind(text)
            except ValueError as error:
                raise BadInput(f"${variable} is '{text}', which is no number; correct or unset it") from error
    return FetchSettings(**{**values, **given})
