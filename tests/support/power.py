"""What a power cut may leave of a folder: all that is done in it is logged, then any prefix of the log is cut off.

A disk keeps what was flushed. Of what was not, it may keep any part: some of a file's bytes if the file was not
flushed since, a name or its absence if its folder was not. So from one log follow many folders, of which dice draw one.

The log is what has changed in the folder between two moments, looked at whenever something is flushed or renamed. So it
holds what libraries write, too, whatever language they are written in.
"""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

LEASE = ".lease-"  # after a power cut it is of another boot, so of nobody who lives
Disk = dict[str, "bytes | None"]  # what a folder holds: by path below it a file's bytes, None for a folder


class Name(NamedTuple):
    """A name in a folder. folder: its number."""

    folder: int
    name: str


NOWHERE = Name(0, "")


@dataclass(frozen=True)
class Op:
    """One thing that was done to a file or a folder.

    kind: make (a folder), create (a file), write, rename, remove, flush (a file's bytes), settle (a folder's names).
    node: the file or folder, by a number that it keeps whatever it is called; 0 is the folder that is watched.
    at, to: the name that it gets or loses, and the new one of a renaming.
    data: all bytes of the file, after a writing.
    """

    kind: str
    node: int
    at: Name = NOWHERE
    to: Name = NOWHERE
    data: bytes = b""


@dataclass(frozen=True)
class Seen:
    """What stood under a name when it was last looked at."""

    node: int
    inode: int
    is_folder: bool
    state: tuple[int, int] = (0, 0)


@dataclass
class Log:
    """What was done below a folder, in order."""

    root: Path
    ops: list[Op] = field(default_factory=list)
    _known: dict[str, Seen] = field(default_factory=dict)
    _nodes: int = 0
    _lock: Any = field(default_factory=threading.RLock)

    def look(self) -> None:
        """Log what has changed since the last look."""
        found = dict(scan(self.root))
        for path in sorted(set(self._known) - set(found), reverse=True):
            self.ops.append(Op("remove", self._known.pop(path).node, self._name(path)))
        for path in sorted(found):
            self._notice(path, found[path])

    def _notice(self, path: str, entry: os.stat_result) -> None:
        is_folder, state = entry.st_mode & 0o40000 != 0, (entry.st_mtime_ns, entry.st_size)
        before = self._known.get(path)
        if before is not None and before.inode != entry.st_ino:
            self.ops.append(Op("remove", before.node, self._name(path)))
            before = None
        if before is None:
            self._nodes += 1
            before = Seen(self._nodes, entry.st_ino, is_folder)
            self.ops.append(Op("make" if is_folder else "create", before.node, self._name(path)))
        elif before.state == state or is_folder:
            return
        self._known[path] = Seen(before.node, entry.st_ino, is_folder, state)
        if not is_folder:
            with suppress(FileNotFoundError):  # another thread has removed it
                self.ops.append(Op("write", before.node, data=(self.root / path).read_bytes()))

    def _name(self, path: str) -> Name:
        folder, _, name = path.rpartition("/")
        return Name(self._known[folder].node if folder else 0, name)

    def below(self, path: Any) -> str | None:
        """A path below the watched folder, "" for itself; None for one elsewhere."""
        full = Path(os.path.abspath(path))  # noqa: PTH100 - no link is followed
        if LEASE in full.name or not full.is_relative_to(self.root):
            return None
        return "" if full == self.root else full.relative_to(self.root).as_posix()

    def flushed(self, descriptor: int) -> None:
        path = self.below(Path(f"/proc/self/fd/{descriptor}").readlink())
        with self._lock:
            self.look()
            if path == "":
                self.ops.append(Op("settle", 0))
            elif path is not None and (seen := self._known.get(path)):
                self.ops.append(Op("settle" if seen.is_folder else "flush", seen.node))

    def renaming(self, rename: Any, source: Any, target: Any) -> None:
        old, new = self.below(source), self.below(target)
        with self._lock:
            self.look()
            rename(source, target)
            if old is None or new is None or old not in self._known:
                return
            moved = {path: seen for path, seen in self._known.items() if path == old or path.startswith(f"{old}/")}
            self.ops.append(Op("rename", moved[old].node, self._name(old), self._name(new)))
            for path, seen in moved.items():
                del self._known[path]
                self._known[new + path[len(old) :]] = seen


def scan(root: Path, below: str = "") -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = list(os.scandir(root / below))
    except FileNotFoundError:
        return
    for entry in entries:
        if LEASE in entry.name:
            continue
        path = f"{below}/{entry.name}" if below else entry.name
        try:
            yield path, entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # another thread has removed it
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from scan(root, path)


@contextmanager
def watched(root: Path) -> Iterator[Log]:
    """Log what this process and its children do below a folder. Nothing is really flushed meanwhile."""
    root.mkdir(parents=True, exist_ok=True)
    log, rename, replace = Log(root), os.rename, os.replace
    with (
        mock.patch("os.fsync", log.flushed),
        mock.patch("os.rename", lambda source, target: log.renaming(rename, source, target)),
        mock.patch("os.replace", lambda source, target: log.renaming(replace, source, target)),
    ):
        yield log
    log.look()


def disk_after(ops: list[Op], dice: random.Random, chance: float = 0.5) -> Disk:
    """What a power cut after these operations may leave.

    chance: that of something that was not flushed is kept; with 1 it is as after kill -9, with 0 it is the least.
    """
    settled = surely_kept(ops)
    folders: dict[int, dict[str, int]] = {0: {}}
    for number, op in enumerate(ops):
        if op.kind in ("make", "create", "rename", "remove") and (number in settled or dice.random() < chance):
            names = folders.setdefault(op.at.folder, {})
            if op.kind in ("rename", "remove") and names.get(op.at.name) == op.node:
                del names[op.at.name]
            if op.kind != "remove":
                to = op.to if op.kind == "rename" else op.at
                folders.setdefault(to.folder, {})[to.name] = op.node
    return dict(listed(folders, contents_after(ops, dice, chance), 0, ""))


def surely_kept(ops: list[Op]) -> set[int]:
    """Numbers of the operations on names whose folders were flushed after them."""
    kept, later = set(), set[int]()
    for number in range(len(ops) - 1, -1, -1):
        op = ops[number]
        if op.kind == "settle":
            later.add(op.node)
        elif op.at.folder in later and (op.kind != "rename" or op.to.folder in later):
            kept.add(number)
    return kept


@dataclass
class Bytes:
    """Of a file: as last flushed, and all later ones."""

    flushed: bytes = b""
    later: list[bytes] = field(default_factory=list)

    def after_cut(self, dice: random.Random, chance: float) -> bytes:
        """As flushed, or some later ones, whose end may be missing or nought."""
        if not self.later or chance == 0:
            return self.flushed
        if chance == 1:
            return self.later[-1]
        data = dice.choice([self.flushed, *self.later])
        most = min(len(self.flushed), len(data))
        same = next((at for at in range(most) if self.flushed[at] != data[at]), most)
        end = dice.choice([len(data), dice.randint(same, len(data))])
        return data[:end] + bytes(dice.choice([0, len(data) - end]))


def contents_after(ops: list[Op], dice: random.Random, chance: float) -> dict[int, bytes]:
    """Bytes of all files by their numbers."""
    files: dict[int, Bytes] = {}
    for op in ops:
        if op.kind == "create":
            files[op.node] = Bytes()
        elif op.kind == "write":
            files[op.node].later.append(op.data)
        elif op.kind == "flush" and files[op.node].later:
            files[op.node] = Bytes(files[op.node].later[-1])
    return {node: file.after_cut(dice, chance) for node, file in files.items()}


def listed(
    folders: dict[int, dict[str, int]], contents: dict[int, bytes], node: int, path: str
) -> Iterator[tuple[str, bytes | None]]:
    for name, child in sorted(folders.get(node, {}).items()):
        full = f"{path}/{name}" if path else name
        if child in contents:
            yield full, contents[child]
        else:
            yield full, None
            yield from listed(folders, contents, child, full)


def put(disk: Disk, root: Path) -> None:
    """Make a folder anew that holds this."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for path, data in disk.items():
        if data is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(data)


def disk_of(root: Path) -> Disk:
    """What a folder holds."""
    paths = [path for path in sorted(root.rglob("*")) if LEASE not in path.name]
    return {path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes() for path in paths}


def is_temporary(path: str) -> bool:
    """Whether a path is of what no run ever reads: each removes it, or writes over it."""
    return any(name.endswith(".tmp") or name.startswith(".writing-") for name in path.split("/"))


def kind_of(disk: Disk) -> str:
    """The same for folders that differ in temporary files alone, so in nothing that a run reads."""
    digest = sha256()
    for path, data in sorted(disk.items()):
        if not is_temporary(path):
            digest.update(repr((path, data if data is None else sha256(data).digest())).encode())
    return digest.hexdigest()


def cuts(log: Log, reorderings: int, seed: int) -> Iterable[Disk]:
    """Folders after a power cut: of every prefix of a log the least and the most, then of any what dice draw."""
    for kept in range(len(log.ops) + 1):
        for chance in (0.0, 1.0):
            yield disk_after(log.ops[:kept], random.Random(kept), chance)
    dice = random.Random(seed)
    for number in range(reorderings):
        yield disk_after(log.ops[: dice.randint(0, len(log.ops))], random.Random(seed + number))
