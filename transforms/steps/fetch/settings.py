"""How files are fetched over http and https: politely, and with an end to every attempt."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from schemas.faults import BadInput
from schemas.setting import setting


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
    machines: int = setting(1, "machines that share the requests a second")

    def __post_init__(self) -> None:
        for name in ("requests_per_s", "backoff_s", "timeout_s", "cache_gb", "attempts"):
            if not getattr(self, name) > 0:
                raise BadInput(f"--{name.replace('_', '-')} {getattr(self, name)}: give a number above 0")
        if self.contact is not None and not (self.contact.isprintable() and self.contact.isascii()):
            raise BadInput(f"--contact {self.contact!r}: give an e-mail or web address in ASCII")

    @property
    def user_agent(self) -> str:
        return f"bateia ({self.contact})" if self.contact else "bateia"

    @property
    def own_requests_per_s(self) -> float:
        """This machine's share."""
        return self.requests_per_s / max(1, self.machines)

    def shared_by(self, machines: int) -> FetchSettings:
        return replace(self, machines=machines)


def fetch_settings(**given: Any) -> FetchSettings:
    """Settings as given; those that are not given, from the environment. Raises BadInput."""
    values: dict[str, Any] = {}
    for name, kind in (("requests_per_s", float), ("contact", str), ("cache", str), ("cache_gb", float)):
        variable = f"BATEIA_{name.upper()}"
        if text := os.environ.get(variable, "").strip():
            try:
                values[name] = kind(text)
            except ValueError as error:
                raise BadInput(f"${variable} is '{text}', which is no number; correct or unset it") from error
    return FetchSettings(**{**values, **given})
