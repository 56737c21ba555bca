"""A token bucket that all processes of a machine share, one for each host: a small file with the next free moment."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

LONGEST_S = 300.0  # a moment further away than this is a clock that was set back, and means nothing
MOMENT = struct.Struct("<d")


class Bucket:
    """Requests to one host: `take` waits for the next one's turn."""

    def __init__(self, host: str, per_s: float, folder: Path | None = None) -> None:
        """folder: of the files that processes share; by default one of this user in the folder of temporary files."""
        self._every_s = 1.0 / per_s
        name = hashlib.blake2b(host.encode("utf-8", "replace"), digest_size=12).hexdigest()
        home = folder if folder is not None else shared_folder()
        self._path = None if home is None else home / name
        self._next = 0.0  # where no file can be had
        self._lock = threading.Lock()

    def take(self) -> None:
        """Wait until a request may be made."""
        now = time.time()
        turn = self._move(lambda free: max(now, free), self._every_s)
        if turn > now:
            time.sleep(turn - now)

    def hold(self, seconds: float) -> None:
        """No request of any process for so long: the host said so."""
        until = time.time() + min(seconds, LONGEST_S)
        self._move(lambda free: max(until, free), 0.0)

    def _move(self, turn_of: Callable[[float], float], every_s: float) -> float:
        with self._lock:
            if self._path is None:
                turn = turn_of(self._next)
                self._next = turn + every_s
                return turn
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            handle = os.open(self._path, flags, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                held = os.pread(handle, MOMENT.size, 0)
                free = MOMENT.unpack(held)[0] if len(held) == MOMENT.size else 0.0
                if not free < time.time() + 2 * LONGEST_S:
                    free = 0.0
                turn = turn_of(free)
                os.pwrite(handle, MOMENT.pack(turn + every_s), 0)
                return turn
            finally:
                os.close(handle)


def shared_folder() -> Path | None:
    """This user's folder for such files; None if another user has taken the name."""
    folder = Path(tempfile.gettempdir()) / f"bateia-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
    except OSError:
        return None
    return folder if stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() else None
