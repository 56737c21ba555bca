"""What a power cut may leave of a folder: every write, flush and renaming in it is logged, then any prefix is cut off.

A disk keeps what was flushed. Of what was not, it may keep any part: a file's bytes if the file was not flushed since,
a name if its folder was not. So from one log follow many possible folders, of which a seed draws one.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from schemas import storage


@dataclass(frozen=True)
class Op:
    """One thing that was asked of the file system.

    kind: make (a folder), write (all bytes of a file), rename, remove, flush (a file or a folder's names).
    path: below the folder that is watched; `to` of a renaming.
    """

    kind: str
    path: str
    to: str = ""
    data: bytes = b""


@dataclass
class Log:
    """Operations below a folder, in order."""

    root: Path
    ops: list[Op] = field(default_factory=list)

    def add(self, kind: str, path: Any, to: Any = "", data: bytes = b"") -> None:
        full = Path(os.path.abspath(path))  # noqa: PTH100 - no link is followed
        if ".lease-" in full.name:  # after a power cut it is of another boot, so of nobody who lives
            return
        if full == self.root or self.root in full.parents:
            target = str(Path(to).relative_to(self.root)) if to else ""
            self.ops.append(Op(kind, str(full.relative_to(self.root)), target, data))


@contextmanager
def watched(root: Path) -> Iterator[Log]:
    """Log what this process does below a folder by schemas.storage, by which alone stages write."""
    log = Log(root)
    fsync, replace, mkdir, remove, remove_folder = (
        os.fsync,
        os.replace,
        Path.mkdir,
        storage.remove,
        storage.remove_folder,
    )

    def logged_fsync(descriptor: int) -> None:
        fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_file():  # flushed are the bytes that are there now
            log.add("write", path, data=path.read_bytes())
        log.add("flush", path)

    def logged_replace(source: Any, target: Any) -> None:
        if not any(op.kind == "write" and op.path == str(Path(source).relative_to(root)) for op in log.ops):
            log.add("write", source, data=Path(source).read_bytes())
        replace(source, target)
        log.add("rename", source, target)

    def logged_mkdir(self: Path, *args: Any, **options: Any) -> None:
        mkdir(self, *args, **options)
        log.add("make", self)

    def logged_remove(path: str) -> None:
        remove(path)
        log.add("remove", path)

    def logged_remove_folder(path: str) -> None:
        remove_folder(path)
        log.add("remove", path)

    modules = [module for module in storage_users() if getattr(module, "remove", None) is remove]
    folders = [module for module in storage_users() if getattr(module, "remove_folder", None) is remove_folder]
    patches = [
        mock.patch("os.fsync", logged_fsync),
        mock.patch("os.replace", logged_replace),
        mock.patch.object(Path, "mkdir", logged_mkdir),
        *(mock.patch.object(module, "remove", logged_remove) for module in modules),
        *(mock.patch.object(module, "remove_folder", logged_remove_folder) for module in folders),
    ]
    for patch in patches:
        patch.start()
    try:
        yield log
    finally:
        for patch in patches:
            patch.stop()


def storage_users() -> list[Any]:
    import sys

    ours = ("schemas", "transforms", "pipelines", "trainer")
    return [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in ours and module]


def folder_after(ops: list[Op], dice: random.Random, root: Path) -> None:
    """Make a folder as a power cut after these operations may leave it."""
    durable = flushed_names(ops)
    names: dict[str, bytes | None] = {}  # path -> bytes, None for a folder
    for number, op in enumerate(ops):
        if op.kind == "flush" or (number not in durable and dice.random() < 0.5):
            continue
        parent = str(Path(op.to or op.path).parent)
        if op.kind in ("make", "write", "rename") and parent != "." and names.get(parent, b"") is not None:
            continue  # the folder itself is lost
        if op.kind == "make":
            names[op.path] = None
        elif op.kind == "write":
            is_flushed = any(later.kind == "flush" and later.path == op.path for later in ops[number:])
            names[op.path] = op.data if is_flushed else op.data[: dice.randint(0, len(op.data))]
        elif op.kind == "rename" and op.path in names:
            names[op.to] = names.pop(op.path)
        elif op.kind == "remove":
            names = {
                path: data for path, data in names.items() if path != op.path and not path.startswith(f"{op.path}/")
            }
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for path, data in sorted(names.items()):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.mkdir(exist_ok=True) if data is None else target.write_bytes(data)


def flushed_names(ops: list[Op]) -> set[int]:
    """Numbers of the operations on names that are sure to be kept, as their folder was flushed after them.

    A file's first writing makes its name, and counts as one. What happened to a temporary name before its renaming
    belongs to the renaming.
    """
    durable: set[int] = set()
    for number, op in enumerate(ops):
        if op.kind != "flush":
            continue
        for earlier in range(number):
            past = ops[earlier]
            if past.kind != "flush" and op.path == str(Path(past.to or past.path).parent):
                durable.add(earlier)
                if past.kind == "rename":
                    durable |= {n for n in range(earlier) if ops[n].kind == "write" and ops[n].path == past.path}
    return durable
