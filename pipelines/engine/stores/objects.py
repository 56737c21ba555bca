"""Objects that are written only if nobody else has meanwhile, whatever the store's own words for that are."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

ATTEMPTS, REST_S = 6, 0.05


class Objects(ABC):
    """A store's objects. A version is what it calls an etag or a generation."""

    def create(self, path: str, data: bytes) -> str | None:
        """Write an object that is not there yet. Returns its version, None if there is one."""
        return self._write(path, data, None)

    def replace(self, path: str, data: bytes, version: str) -> str | None:
        """Write an object anew. Returns its new version, None if it is no longer the one of `version`, or gone."""
        return self._write(path, data, version)

    @abstractmethod
    def read(self, path: str) -> tuple[bytes, str] | None:
        """An object's bytes and its version; None if there is none."""

    @abstractmethod
    def remove(self, path: str, version: str) -> None:
        """Remove an object, unless it is no longer the one of `version`."""

    @abstractmethod
    def put(self, path: str, data: bytes, version: str | None) -> str | None:
        """Ask the store once to write an object if it is the one of `version`, or if there is none.

        Returns its new version, None if the store refuses. Raises OSError.
        """

    def _write(self, path: str, data: bytes, version: str | None) -> str | None:
        for _ in range(ATTEMPTS):
            if (written := self.put(path, data, version)) is not None:
                return written
            there = self.read(path)
            # A request whose answer was lost is sent again, and refused for what it has done itself.
            if there is not None and there[0] == data:
                return there[1]
            if there is None or there[1] != version:
                return None
            time.sleep(REST_S)  # the store writes one request after the other, and refuses those that meet
        raise OSError(f"{path}: the store refuses to write it, though nobody else has")
