"""The n-th thing that a run asks of the file system fails: a reading, writing, renaming, flush, listing or removal.

Seen are the calls of Python's own modules, those of Arrow's local file system, and whole files of safetensors. What
Arrow reads of a file that is open is not.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow.fs
import safetensors.numpy

CODES = (errno.EIO, errno.EACCES, errno.ENOSPC)
WRITING = ("write", "rename", "flush", "make")
OPEN = builtins.open


@dataclass
class Faults:
    """What fails below some folders.

    nth: the first one, from 0.
    code: of the error.
    lasting: whether all writing fails from then on, as on a full disk.
    seen: what was asked, by kind; failed: what was the first to fail, and None if nothing was.
    """

    roots: tuple[Path, ...]
    nth: int
    code: int
    lasting: bool = False
    seen: Counter[str] = field(default_factory=Counter)
    failed: str | None = None
    _lock: Any = field(default_factory=threading.Lock)

    def ask(self, kind: str, path: Any, is_open: bool = False) -> None:
        """Raises OSError if this is what fails. is_open: what is asked of open files fails without their names."""
        if not isinstance(path, (str, Path)) or not any(Path(path).is_relative_to(root) for root in self.roots):
            return
        with self._lock:
            number = self.seen.total()
            self.seen[kind] += 1
            if number != self.nth and not (self.lasting and number > self.nth and kind in WRITING):
                return
            self.failed = self.failed or f"{kind} {path}"
        raise OSError(self.code, os.strerror(self.code), *([] if is_open else [str(path)]))


def by_path(faults: Faults, kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """A function of os that is asked for a path first, which may be relative to an open folder's."""

    def asked(path: Any = ".", *args: Any, dir_fd: int | None = None, **options: Any) -> Any:
        if dir_fd is not None:
            faults.ask(kind, path_of(dir_fd) / os.fsdecode(path))
            return real(path, *args, dir_fd=dir_fd, **options)
        faults.ask(kind, path)
        return real(path, *args, **options)

    return asked


def path_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def opener(faults: Faults) -> Callable[..., Any]:
    class Raw(io.FileIO):
        """A file of which each reading and writing is asked for."""

        def readinto(self, buffer: Any) -> Any:
            faults.ask("read", self.name, is_open=True)
            return super().readinto(buffer)

        def readall(self) -> Any:
            faults.ask("read", self.name, is_open=True)
            return super().readall()

        def write(self, data: Any) -> Any:
            faults.ask("write", self.name, is_open=True)
            return super().write(data)

    def asked(
        file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None, newline: Any = None,
        closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        if not isinstance(file, (str, Path)) or not any(Path(file).is_relative_to(root) for root in faults.roots):
            return OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        writes = any(letter in mode for letter in "wax+")
        faults.ask("write" if writes else "read", file)
        raw = Raw(str(file), mode.replace("b", "").replace("t", ""))
        if buffering == 0:
            return raw
        buffered: Any = io.BufferedRandom if "+" in mode else io.BufferedWriter if writes else io.BufferedReader
        buffer = buffered(raw)
        return buffer if "b" in mode else io.TextIOWrapper(buffer, encoding, errors, newline)

    return asked


def arrow(faults: Faults) -> type[pyarrow.fs.LocalFileSystem]:
    class Asked(pyarrow.fs.LocalFileSystem):
        """Arrow's file system, asked by name."""

        def open_input_file(self, path: Any, *args: Any, **options: Any) -> Any:
            faults.ask("read", path)
            return super().open_input_file(path, *args, **options)

        def get_file_info(self, paths_or_selector: Any) -> Any:
            faults.ask("list", getattr(paths_or_selector, "base_dir", paths_or_selector))
            return super().get_file_info(paths_or_selector)

        def delete_file(self, path: Any) -> Any:
            faults.ask("remove", path)
            return super().delete_file(path)

        def delete_dir(self, path: Any) -> Any:
            faults.ask("remove", path)
            return super().delete_dir(path)

    return Asked


@contextmanager
def failing(faults: Faults) -> Iterator[Faults]:
    """Have this process' calls fail as they are to."""

    def flushed(descriptor: int) -> None:
        faults.ask("flush", path_of(descriptor), is_open=True)

    names = {"replace": "rename", "rename": "rename", "mkdir": "make", "unlink": "remove", "remove": "remove"}
    names |= {"rmdir": "remove", "scandir": "list", "listdir": "list"}
    save, load = safetensors.numpy.save_file, safetensors.numpy.load_file

    def saved(tensors: Any, path: Any, metadata: Any = None) -> None:
        faults.ask("write", path)
        save(tensors, path, metadata)

    def loaded(path: Any) -> Any:
        faults.ask("read", path)
        return load(path)

    with ExitStack() as stack:
        for name, kind in names.items():
            stack.enter_context(mock.patch.object(os, name, by_path(faults, kind, getattr(os, name))))
        stack.enter_context(mock.patch.object(os, "fsync", flushed))
        for module in (builtins, io):
            stack.enter_context(mock.patch.object(module, "open", opener(faults)))
        stack.enter_context(mock.patch.object(pyarrow.fs, "LocalFileSystem", arrow(faults)))
        stack.enter_context(mock.patch.object(safetensors.numpy, "save_file", saved))
        stack.enter_context(mock.patch.object(safetensors.numpy, "load_file", loaded))
        yield faults
