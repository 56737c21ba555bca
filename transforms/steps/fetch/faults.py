"""What ends an attempt to fetch."""

from __future__ import annotations


class NotFetched(OSError):
    """Bytes that could not be had, in spite of all attempts.

    what: the cause in a few words, such as "503 Service Unavailable, 8 times"
    lasting: whether asking again later is idle, as it is for 404
    """

    def __init__(self, url: str, what: str, lasting: bool = False) -> None:
        super().__init__(f"{url} could not be fetched ({what})")
        self.url, self.what, self.lasting = url, what, lasting

    def __reduce__(self) -> tuple[type[NotFetched], tuple[str, str, bool]]:
        return type(self), (self.url, self.what, self.lasting)


class Changed(NotFetched):
    """The file is another than the one that the run began with."""


class HostDown(NotFetched):
    """The last of several files in a row that a host did not give: what is left need not be tried now."""


class Passing(Exception):
    """A fault of one attempt, after which another is made.

    wait_s: what the server asked to wait, or None
    is_slow: whether the whole body took too long, so that what came of it does not count as headway
    """

    def __init__(self, what: str, wait_s: float | None = None, is_slow: bool = False) -> None:
        super().__init__(what)
        self.what, self.wait_s, self.is_slow = what, wait_s, is_slow
