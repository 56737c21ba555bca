"""The map of robots.txt files that `--robots-txt` gives: built once in the asset folder, and found there again."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from pipelines.assets.registry import store
from pipelines.recipes.recipe import Recipe
from schemas.faults import BadInput, reason
from schemas.storage import absolute
from schemas.wording import plural
from transforms.steps.fetch.files import fault_of, open_input, state_of
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.urls.robots_map import Capture, RobotsBuilder, RobotsHeader, capture_of, read_header
from transforms.steps.urls.robots_txt import ReadRobotsTxt
from transforms.steps.warc.reader import Response, Skipped, Unit, Unreadable, read_unit

FOLDER = "robots-txt"  # of the asset folder; what is in it may be removed at any time between runs
NAME = "robots.sqlite"
FORMAT = 1
Show = Callable[[str], None]


class CaptureFile(Protocol):
    """A WARC file of captures, as `pipelines.engine.inputs` finds it."""

    @property
    def address(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def modified(self) -> int: ...
    @property
    def etag(self) -> str: ...


def reading_robots(recipe: Recipe, agents: tuple[str, ...] = (), drop: tuple[str, ...] = ()) -> Recipe:
    """The recipe with a step that reads robots.txt: its own, or one before all others. Raises BadInput.

    agents, drop: in place of the step's own, where any are given.
    """
    given: dict[str, Any] = ({"agents": agents} if agents else {}) | ({"drop": drop} if drop else {})
    pages = recipe.curate.pages
    if not any(isinstance(step, ReadRobotsTxt) for step in pages):
        pages = (ReadRobotsTxt(), *pages)
    return changed(replace(recipe, curate=replace(recipe.curate, pages=pages)), given)


def with_rules(recipe: Recipe, rules: Path) -> Recipe:
    """The recipe with the map for its step that reads robots.txt."""
    return changed(recipe, {"rules": str(rules)})


def changed(recipe: Recipe, given: dict[str, Any]) -> Recipe:
    pages = (replace(step, **given) if isinstance(step, ReadRobotsTxt) else step for step in recipe.curate.pages)
    return replace(recipe, curate=replace(recipe.curate, pages=tuple(pages)))


def robots_map(files: Iterable[CaptureFile], fetch: FetchSettings, show: Show = lambda _: None) -> Path:
    """Path of the map of these files' captures, built unless it is there.

    An interrupted build goes on with the file that it was at. Raises BadInput for files that can't be read, and for
    some in which nothing is a robots.txt.
    """
    known = {file.address: (absolute(file.address), file.size, file.modified, file.etag) for file in files}
    digest = hashlib.blake2b(repr((FORMAT, sorted(known.values()))).encode("utf-8", "replace"), digest_size=12)
    folder = store() / FOLDER / digest.hexdigest()
    final, work = folder / NAME, folder / "work.sqlite"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder / "lock"):
            if not final.exists():
                builder = RobotsBuilder(work)
                try:
                    header = build(builder, sorted(known), fetch, show)
                finally:
                    builder.close()
                if not header.hosts:
                    work.unlink()
                    raise BadInput(nothing_in(sorted(known), header))
                os.replace(work, final)  # noqa: PTH105 - as elsewhere
    except (OSError, sqlite3.Error) as error:
        raise BadInput(f"--robots-txt: its map can't be written ({reason(error)}); free {folder}") from error
    return final


def build(builder: RobotsBuilder, addresses: list[str], fetch: FetchSettings, show: Show) -> RobotsHeader:
    for number, address in enumerate(addresses, 1):
        if not builder.has(address):
            told = f"robots.txt: file {number:,} of {len(addresses):,}"
            try:
                builder.add(address, captures_of(address, fetch, lambda done, told=told: show(f"{told}, {done:.0%}")))
            except OSError as error:
                raise BadInput(fault_of(address, error)) from error
    return builder.finish()


def captures_of(address: str, fetch: FetchSettings, show: Callable[[float], None]) -> Iterator[Capture | None]:
    """What a WARC file tells of robots.txt files; None for each record that can't be read. Raises OSError."""
    state = state_of(address, fetch)
    if state is None or state.size is None:
        raise FileNotFoundError(2, "there is no such file, or its size is not known", address)
    with open_input(address, fetch, state.etag) as stream:
        if hasattr(stream, "hold"):
            stream.hold(0, state.size)  # type: ignore[attr-defined]
        size = state.size
        for event in read_unit(stream, Unit(address, size, 0, size), on_progress=lambda at: show(at / size)):
            if isinstance(event, Unreadable):
                yield None
            elif isinstance(event, Response):
                capture = capture_of(event.url, event.date, event.status, event.location, event.body)
                if capture is not None:
                    yield capture
            else:
                assert isinstance(event, Skipped)


def nothing_in(addresses: list[str], header: RobotsHeader) -> str:
    damaged = f", {plural(header.damaged, 'record')} can't be read" if header.damaged else ""
    return (
        f"--robots-txt {addresses[0]}: no capture of a robots.txt in it{damaged}; give files of crawl-data/…/robotstxt/"
    )


def robots_line(path: Path) -> str:
    """What a map holds, in a sentence."""
    header = read_header(str(path))
    return (
        f"robots.txt of {plural(header.hosts, 'host')} is known, {plural(header.damaged, 'record')} could not be read"
    )


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Only one process of this machine at a time."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
