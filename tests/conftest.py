"""What several tests share: the sample and its curated documents, each made once, and ways to call the command."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pipelines.sample.build import SampleIndex, build_sample
from schemas.document import document_schema
from schemas.manifest import FileEntry, Manifest, hash_dataset, write_manifest
from transforms.part_files import PartFile

ROOT = Path(__file__).parents[1]
Ended = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session", autouse=True)
def assets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An asset folder of the tests' own, for child processes too."""
    folder = tmp_path_factory.mktemp("assets")
    with mock.patch.dict(os.environ, {"BATEIA_ASSETS": str(folder)}):
        yield folder


@pytest.fixture(scope="session")
def model_path() -> str:
    from pipelines.assets import resolve_language_model

    return str(resolve_language_model("lid.176.ftz"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleIndex:
    """The embedded sample as two WARC files."""
    return build_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> SampleIndex:
    """The same pages in twelve files, so in twelve units of work."""
    return build_sample(tmp_path_factory.mktemp("many"), files=12)


@pytest.fixture(scope="session")
def warcs(sample: SampleIndex) -> list[str]:
    return [str(path) for path in sample.warc_files]


@pytest.fixture(scope="session")
def documents(warcs: list[str], bateia: Callable[..., Ended], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, curated by its recipe in this process."""
    output = tmp_path_factory.mktemp("documents") / "tiny"
    ended = bateia("curate", "--recipe", "tiny", "--input", *warcs, "--output", output, "--quiet")
    assert ended.returncode == 0, ended.stderr
    return output


@pytest.fixture(scope="session")
def corpus(documents: Path, bateia: Callable[..., Ended], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's documents, deduplicated and scrubbed in this process."""
    output = tmp_path_factory.mktemp("corpus") / "tiny"
    ended = bateia("dedup", "--input", documents, "--output", output, "--quiet")
    assert ended.returncode == 0, ended.stderr
    return output


@pytest.fixture(scope="session")
def make_documents() -> Callable[..., Path]:
    """Writes a finished directory of documents: a folder and rows with `id` and `text` in, the folder out."""
    return write_documents


def write_documents(folder: Path, rows: list[dict[str, Any]], rows_per_file: int = 50) -> Path:
    common = {"dump": "CC-MAIN-2026-01", "language": "en", "language_score": 0.9, "file_path": "a.warc.gz"}
    entries: list[FileEntry] = []
    for language in sorted({row.get("language", "en") for row in rows}):
        mine = [row for row in rows if row.get("language", "en") == language]
        for start in range(0, len(mine), rows_per_file):
            part = PartFile(str(folder), f"data/{language}/part-{start:05}.parquet", document_schema(()))
            for row in mine[start : start + rows_per_file]:
                part.add({**common, "url": f"https://{row['id']}.example/", "date": "", "warc_offset": 0, **row})
            entries.append(part.commit())
    counts = {"read": len(rows), "kept": len(rows), "dropped": 0, "unreadable": 0}
    settings = {"recipe": {"name": "tiny", "steps": []}}
    write_manifest(str(folder), Manifest("curate", settings, {}, [], counts, tuple(entries), hash_dataset(entries)))
    return folder


@pytest.fixture(scope="session")
def bateia() -> Callable[..., Ended]:
    """Calls the command in this process: its arguments in; exit code, stdout and stderr out."""
    return call_here


@pytest.fixture(scope="session")
def bateia_process() -> Callable[..., subprocess.Popen[str]]:
    """Starts the command as a process of its own. Keywords: variables of its environment."""

    def start(*args: object, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines", *map(str, args)],
            cwd=ROOT,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def call_here(*args: object) -> Ended:
    from pipelines.__main__ import main

    def leave(code: int) -> None:
        raise SystemExit(code)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err), mock.patch("pipelines.runner.leave_now", leave):
            code = main([str(arg) for arg in args])
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess([str(arg) for arg in args], code, out.getvalue(), err.getvalue())
