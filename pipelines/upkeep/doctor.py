"""`bateia doctor`: what this machine has for a run, line by line, and what to do about what it lacks."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pipelines.assets.registry import BLOCK_LIST, MissingAsset, known_assets, resolve, store
from pipelines.crawls.names import ROOT_VARIABLE, crawl_root, read_crawls
from schemas.faults import BadInput, reason
from schemas.storage import is_local, locate
from schemas.wording import plural
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.step import AssetRef

FREE_GB = 10  # on disks: a WARC file's documents take a twentieth of it, its shards as much again
MEMORY_GB = 2.0  # a worker with its extraction child takes 1 to 1.5
SHORT_S = 10.0  # a line's patience with a network that swallows everything
CREDENTIALS = (
    "check its name and the credentials: AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, for s3://; "
    "`gcloud auth application-default login` for gs://"
)
OK, LACKS, NOTE = "ok", "LACKS", "note"


@dataclass(frozen=True)
class Finding:
    """A line. state: OK, LACKS for what a run needs, NOTE for what it may do without."""

    state: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.state:<6}{self.what}" + (f"; {self.remedy}" if self.remedy else "")


def examine(output: str, fetch: FetchSettings, java: bool = False, gpu: bool = False) -> Iterator[Finding]:
    """What there is. output: folder that a run would write to. java, gpu: whether they are asked about."""
    checks: list[Callable[[], Finding]] = [
        cores_and_memory,
        lambda: disk(output),
        lambda: disk(tempfile.gettempdir()),
        lambda: crawls(fetch),
        lambda: contact(fetch),
    ]
    for check in checks:
        yield check()
    yield from assets()
    yield package("jax", "trains models")
    if java:
        yield program("java", ["java", "-version"], "install a Java runtime of version 17 or newer")
    if gpu:
        yield program("GPU", ["nvidia-smi", "-L"], "install NVIDIA's driver, or train on CPUs")


def cores_and_memory() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    what = f"{plural(cores, 'core')}, {memory:.1f} GB of memory"
    if memory < MEMORY_GB:
        return Finding(LACKS, what, f"a worker takes up to {MEMORY_GB:g} GB; use a machine with more")
    return Finding(OK, what, f"--workers {max(1, min(cores, int(memory / MEMORY_GB)))} is right for it")


def disk(folder: str) -> Finding:
    """Whether an output can be written there, and how much room there is."""
    if not is_local(folder):
        return bucket(folder)
    there = os.path.realpath(folder)
    if os.path.isfile(there):  # noqa: PTH113 - any string that a person typed
        return Finding(LACKS, f"{folder} is a file", "choose a folder, or a name that is free")
    while not os.path.isdir(there):  # noqa: PTH112 - any string that a person typed
        there = os.path.dirname(there)  # noqa: PTH120
    free = shutil.disk_usage(there).free / 1e9
    if not os.access(there, os.W_OK):
        return Finding(LACKS, f"{there} can't be written", "choose another folder, or change its permissions")
    what = f"{free:,.0f} GB free in {there}"
    return Finding(OK, what) if free >= FREE_GB else Finding(LACKS, what, f"{FREE_GB} GB is the least; free some")


def bucket(uri: str) -> Finding:
    """Whether a bucket can be reached with the credentials that are there."""
    try:
        filesystem, name = locate(uri)
        filesystem.get_file_info(name)
    except (BadInput, OSError) as error:
        return Finding(LACKS, f"{uri} can't be reached: {reason(error)}", CREDENTIALS)
    return Finding(OK, f"{uri} is reached with the credentials that are set")


def crawls(fetch: FetchSettings) -> Finding:
    try:
        rows = read_crawls(replace(fetch, attempts=2, timeout_s=min(fetch.timeout_s, SHORT_S)))
    except (BadInput, OSError) as error:
        what = f"the crawls of {crawl_root()} can't be listed: {reason(error)}"
        return Finding(NOTE, what, f"for local files nothing is needed; a mirror's folder is set by {ROOT_VARIABLE}")
    return Finding(
        OK, f"{plural(len(rows), 'crawl')} at {crawl_root()}, the newest {rows[0]['id'] if rows else 'none'}"
    )


def contact(fetch: FetchSettings) -> Finding:
    if fetch.contact:
        return Finding(OK, f"servers see '{fetch.user_agent}'")
    return Finding(NOTE, "servers see no address to write to", "set BATEIA_CONTACT to an e-mail address")


def assets() -> Iterator[Finding]:
    """Which models and block lists are there, and what a run does without the others."""
    for asset in known_assets().values():
        try:
            resolve(AssetRef("", asset.kind, asset.name))
        except MissingAsset as error:
            least = (
                "or leave it out with --no-blocklist"
                if asset.kind == BLOCK_LIST
                else "only recipes that name it need it"
            )
            yield Finding(NOTE, str(error), least)
        else:
            yield Finding(OK, f"{asset.kind} {asset.name} in {store()}")


def package(name: str, what_for: str) -> Finding:
    if importlib.util.find_spec(name) is not None:
        return Finding(OK, f"{name} is installed")
    return Finding(NOTE, f"{name}, which {what_for}, is not installed", f"pip install -e '.[{name}]'")


def program(name: str, command: list[str], remedy: str) -> Finding:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return Finding(LACKS, f"no {name}", remedy)
    told = next(iter((ended.stdout or ended.stderr).splitlines()), "")
    shown = "".join(char if char.isprintable() else "\ufffd" for char in told)[:100]
    return Finding(OK, f"{name}: {shown}") if ended.returncode == 0 else Finding(LACKS, f"no {name}", remedy)
