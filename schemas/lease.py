"""A lease on an output: while one run writes there, a second one is refused; a dead one's lease is taken over.

Each run puts a claim of its own beside the output's files and then lists all claims. Whoever sees a living claim of
another one takes its own away. Listings that follow writes are all that this asks of a file system, so it is the same
on a local disk, NFS, S3 and GCS (both consistent so since 2020): of two runs the one that writes later sees the other.
Of those that begin in one moment each may see the others, and none goes on. Where a store has conditional writes, runs
put their claim under one name, and exactly one goes on; it lists claims of other parts and of other ways all the same.

A claim lives while its process does, which is known on its own machine; elsewhere, while its file is renewed.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from pyarrow import fs

from schemas.faults import BadInput
from schemas.storage import absolute, join, locate, read_json, remove, write_json

PREFIX = ".lease-"  # of the names of claims, in the output's folder; removed when the run ends
WHOLE = "whole"  # the run writes all of the output
BEAT_S = 10.0
STALE_S = 120.0  # a claim of another machine that was not renewed for so long is looked at again
ATTEMPTS = 6  # of two runs that begin in the same moment, before both are refused
CHANGES = 50  # of a claim under one name while a run wants to put its own there
AGAIN = "other runs begin and end there; try again when they have ended"

StillRuns = Callable[[dict[str, str]], bool]


@dataclass(frozen=True)
class Claim:
    """Who writes an output.

    part: which part of it, or WHOLE.
    host: name of the machine.
    space: what process numbers are unique in: a boot of a machine, and a container.
    pid, started: the process, and when it began in the kernel's ticks, since numbers are used again.
    since: when the run began, in seconds since 1970.
    token: of this claim alone.
    held: whether it is known that nobody else is there.
    beats: how often it was renewed.
    job: of an engine, that works for this run: its id, and where it runs.
    alone: whether all runs of this part put their claim under one name, by conditional writes.
    """

    part: str
    host: str
    space: str
    pid: int
    started: str
    since: float
    token: str
    held: bool = False
    beats: int = 0
    job: dict[str, str] = field(default_factory=dict)
    alone: bool = False

    def file(self, folder: str) -> str:
        return join(folder, f"{PREFIX}{self.part}" if self.alone else f"{PREFIX}{self.part}-{self.token}")

    @property
    def encoded(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @property
    def shown(self) -> str:
        since = time.strftime("%d %b %H:%M", time.localtime(self.since))
        return f"process {self.pid} on {self.host}, since {since}"


class NoAnswer(Exception):
    """It can't be told whether a job still runs. Its text says why."""


class Conditional(Protocol):
    """A store whose objects are written under conditions. A version is its word for what an object holds."""

    def create(self, path: str, data: bytes) -> str | None:
        """Write an object that is not there yet. Returns its version, None if there is one."""

    def replace(self, path: str, data: bytes, version: str) -> str | None:
        """Write an object anew. Returns its new version, None if it is no longer the one of `version`, or gone."""

    def read(self, path: str) -> tuple[bytes, str] | None:
        """An object's bytes and its version; None if there is none."""

    def remove(self, path: str, version: str) -> None:
        """Remove an object, unless it is no longer the one of `version`."""


@dataclass
class Put:
    """A claim as it stands in a folder. store: by whose conditional writes; None for a file of its own name."""

    folder: str
    claim: Claim
    store: Conditional | None = None
    version: str = ""

    @property
    def path(self) -> str:
        return self.claim.file(self.folder)

    def write(self, **values: Any) -> bool:
        """Write the claim anew with other values. False if it is gone, or another run's now."""
        claim = replace(self.claim, **values)
        if self.store is not None:
            version = self.store.replace(self.path, claim.encoded, self.version)
            if version is None:
                return False
            self.version = version
        elif read_claim(self.path) is None:
            return False
        else:
            write_json(self.path, asdict(claim), durable=False)
        self.claim = claim
        return True

    def withdraw(self) -> None:
        """Take the claim away, and no other one."""
        if self.store is None:
            remove(self.path)
        else:
            self.store.remove(self.path, self.version)


class Lease:
    """A claim that is held and renewed until it is released."""

    def __init__(self, put: Put) -> None:
        self._put, self.path = put, put.path
        self._over, self._lock = threading.Event(), threading.RLock()  # a signal may come while it is held
        threading.Thread(target=self._renew, name="lease", daemon=True).start()

    @property
    def claim(self) -> Claim:
        return self._put.claim

    def note_job(self, job: dict[str, str]) -> None:
        """Write down which job of an engine works for this run; an empty one when it has ended."""
        with self._lock:
            if not self._put.write(job=job):
                self._end()

    def release(self) -> None:
        """Take the claim away; a forked process leaves it to the one that it is of."""
        self._over.set()
        if self.claim.pid == os.getpid():
            with self._lock:
                self._put.withdraw()

    def _renew(self) -> None:
        while not self._over.wait(BEAT_S):
            with self._lock, suppress(OSError):  # a file system that is away for a moment; others look twice
                if not self._over.is_set() and not self._put.write(beats=self.claim.beats + 1):
                    self._end()

    def _end(self) -> None:
        """Another run has taken this one for dead, or somebody has removed the folder: to go on writing would hurt."""
        what = f"another run has taken over {self._put.folder}, or its files were removed; this one ends"
        sys.stderr.write(f"\nbateia: {what}\n")
        sys.stderr.flush()
        os._exit(1)


_held: dict[str, Lease] = {}  # by the output's folder, of this process


def take(folder: str, part: str = WHOLE, still_runs: StillRuns | None = None, store: Conditional | None = None) -> None:
    """Make this process the one that writes an output, or one part of it, until `release_all`.

    Nothing happens if this process holds the folder already, or one that it lies in.

    still_runs: says whether a job that `Lease.note_job` was given still runs, though its run is gone. Raises NoAnswer
        where that can't be told.
    store: where the folder is, if that has conditional writes.

    Raises BadInput if another run writes there, and OSError if nothing can be written.
    """
    if holding(folder) is not None:
        return
    claim = Claim(part, socket.gethostname(), process_space(), os.getpid(), process_start(os.getpid()), time.time(), "")
    for attempt in range(ATTEMPTS):
        claim = replace(claim, token=secrets.token_hex(6), alone=store is not None)
        if contend(folder, claim, attempt == ATTEMPTS - 1, still_runs, store):
            return
        time.sleep(random.uniform(0.05, 0.3) * (attempt + 1))  # both began in one moment: one comes first now
    raise BadInput(f"output {folder}: this run's lease was taken away {ATTEMPTS} times; {AGAIN}")


def contend(folder: str, claim: Claim, is_last: bool, still_runs: StillRuns | None, store: Conditional | None) -> bool:
    """Put a claim and see whether it is the only one that lives. Raises BadInput if another one holds the output.

    is_last: refuse also where another one but begins.
    """
    put = Put(folder, claim) if store is None else put_alone(folder, claim, still_runs, store)
    if isinstance(put, Claim):
        refuse_if(folder, [put], is_last)
        return False
    try:
        if store is None:
            write_json(put.path, asdict(claim), durable=False)
        others = [other for other in claims(folder) if other.token != claim.token and conflict(claim.part, other.part)]
        living = [other for other in others if lives(folder, other)]
        if not living:
            if still_runs is not None:
                refuse_running_jobs(others, folder, still_runs)
            for other in others:
                remove(other.file(folder))
            if put.write(held=True):
                _held[folder] = Lease(put)
                return True
    except BaseException:
        put.withdraw()
        raise
    put.withdraw()
    refuse_if(folder, living, is_last)
    return False


def put_alone(folder: str, claim: Claim, still_runs: StillRuns | None, store: Conditional) -> Put | Claim:
    """Put a claim as the only one of its part, also in a dead one's place; else the one that lives there."""
    path, data = claim.file(folder), claim.encoded
    for _ in range(CHANGES):
        if (version := store.create(path, data)) is not None:
            return Put(folder, claim, store, version)
        if (there := store.read(path)) is None:
            continue
        other = decoded(there[0])
        if other is not None and lives(folder, other):
            return other
        if other is not None and still_runs is not None:
            refuse_running_jobs([other], folder, still_runs)
        if (version := store.replace(path, data, there[1])) is not None:
            return Put(folder, claim, store, version)
    raise BadInput(f"{path} changes whenever it is looked at; {AGAIN}")


def refuse_if(folder: str, living: list[Claim], is_last: bool) -> None:
    """Raise BadInput if one of other runs' claims is held, or this was the last attempt."""
    holder = next((other for other in living if other.held), None)
    if holder is not None or (is_last and living):
        raise BadInput(
            f"output {folder} is being written by another run ({(holder or living[0]).shown}); wait for it, stop "
            "it, or choose another --output"
        )


def refuse_running_jobs(dead: list[Claim], folder: str, still_runs: StillRuns) -> None:
    """Raise BadInput if a job of a run that is gone still works on the output, or may; its claim stays, to be asked
    again."""
    for claim in dead:
        if not claim.job:
            continue
        which = f"output {folder}: job {claim.job.get('id')} of an earlier run"
        where = claim.job.get("where")
        try:
            if still_runs(claim.job):
                raise BadInput(f"{which} still works on it, at {where}; end it there, or wait for its end")
        except NoAnswer as error:
            raise BadInput(
                f"{which} may still work on it: {where} does not say ({error}); repeat this command when it "
                f"does, or see that the job has ended and remove {claim.file(folder)}"
            ) from error


def claims(folder: str) -> list[Claim]:
    """All claims on an output, by one listing of its folder. No folder, no claims."""
    filesystem, name = locate(folder)
    infos = filesystem.get_file_info(fs.FileSelector(name, allow_not_found=True))
    found = (read_claim(join(folder, info.base_name)) for info in infos if info.base_name.startswith(PREFIX))
    return [claim for claim in found if claim is not None]


def read_claim(path: str) -> Claim | None:
    """None if it is gone meanwhile, or is no claim. Raises OSError if it can't be read.

    A store is asked twice for a file, for its size and for its bytes; what another run removes or renews in between
    ends in an error that doesn't say so or in a part of it, and is asked for anew.
    """
    for attempt in range(ATTEMPTS):
        try:
            return Claim(**read_json(path))
        except (FileNotFoundError, TypeError):
            return None
        except ValueError:
            if attempt == 2:
                return None
        except OSError:
            if attempt == ATTEMPTS - 1:
                raise
        time.sleep(0.05 * 2**attempt)


def decoded(data: bytes) -> Claim | None:
    """None if it is no claim."""
    try:
        return Claim(**json.loads(data))
    except (ValueError, TypeError):
        return None


def conflict(one: str, other: str) -> bool:
    """Whether two runs can't write at once: parts of one output can, unless it is the same part."""
    return WHOLE in (one, other) or one == other


def lives(folder: str, claim: Claim) -> bool:
    """Whether the run of a claim goes on. Waits for a while where that can only be seen by its claim's renewal."""
    if claim.space == process_space():
        return process_start(claim.pid) == claim.started
    if age_s(claim.file(folder)) < STALE_S:
        return True
    sys.stderr.write(f"bateia: {folder} has a lease of {claim.shown}; waiting whether it is renewed …\n")
    time.sleep(2 * BEAT_S)
    now = read_claim(claim.file(folder))
    return now is not None and now.beats != claim.beats


def age_s(path: str) -> float:
    """Seconds since a file was written, by this machine's clock; none if it is not there."""
    filesystem, name = locate(path)
    changed = filesystem.get_file_info(name).mtime_ns
    return time.time() - changed / 1e9 if changed else 0.0


def holding(path: str) -> Lease | None:
    """The lease of this process on a folder, or on one that it lies in."""
    for folder, lease in _held.items():
        if path == folder or absolute(path).startswith(f"{absolute(folder).rstrip('/')}/"):
            return lease
    return None


def refuse_written(folder: str) -> None:
    """Raise BadInput if another run writes a folder that is to be read."""
    for claim in claims(folder):
        if claim.held and lives(folder, claim) and holding(folder) is None:
            raise BadInput(f"{folder} is being written by another run ({claim.shown}); wait for it, or stop it")


def release_all() -> None:
    """Give up all leases of this process."""
    for folder in list(_held):
        release(folder)


def release(folder: str) -> None:
    """Give up this process' lease on a folder, if it has it."""
    if (lease := _held.pop(folder, None)) is not None:
        with suppress(OSError):  # a full disk, a folder that is gone: the claim dies with this process
            lease.release()


def process_space() -> str:
    """What process numbers of this process are unique in: this boot of this machine, and this container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def process_start(pid: int) -> str:
    """When a process began, as the kernel counts; "" if there is none, or but a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return ""
        return started_by_signal(pid)
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def started_by_signal(pid: int) -> str:
    """Of a system without /proc: whether there is such a process."""
    try:
        with suppress(PermissionError):
            os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    return "running"
