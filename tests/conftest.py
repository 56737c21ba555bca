"""What several tests share: the sample and its curated documents, each made once, and ways to call the command."""

from __future__ import annotations

import gc
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from pipelines.sample.build import SampleIndex, build_sample
from schemas.lease import release_all
from support.baselines import made_once
from support.command import Call, Start, call_here, start
from support.disk import flushed
from support.documents import write_documents
from support.jax_options import configured
from support.processes import MARK, free_port, mark_of
from support.services import serving


def pytest_configure() -> None:
    """A shell that starts pytest with `&` has SIGINT ignored, for children too; tests send it to theirs.

    PyTorch has one thread, and several of one process don't wait in loops: on cores that others use too, 40 steps of a
    tiny model take 11 s of CPU time otherwise, and not 0.4.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    threads = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    os.environ.update(threads)


def pytest_collection() -> None:
    """What is imported and collected lives to the end: to look through it for garbage takes a quarter of collecting."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def assets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An asset folder of the tests' own, for child processes too."""
    folder = made_once(tmp_path_factory, "assets", lambda _: None)
    with mock.patch.dict(os.environ, {"BATEIA_ASSETS": str(folder)}):
        yield folder


@pytest.fixture(scope="session", autouse=True)
def no_flushes() -> Iterator[None]:
    """What this process writes is not waited for until the disk has it; processes that tests start do as ever."""
    with mock.patch("os.fsync", flushed):
        yield


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What JAX has compiled for one test is there for the next, in processes of their own too.

    It is compiled without most optimizations, which takes less than half the time, of which small models need little
    else. tests/trainer/conftest.py has the fixture `optimized`.
    """
    folder = str(made_once(tmp_path_factory, "compiled", lambda _: None))
    kept = {"jax_compilation_cache_dir": folder, "jax_persistent_cache_min_compile_time_secs": 0.0}
    with configured(kept | {"jax_disable_most_optimizations": True}):
        yield


@pytest.fixture(autouse=True)
def no_leases() -> Iterator[None]:
    """What a test made ready and did not run is nobody's afterwards."""
    yield
    release_all()


@pytest.fixture(scope="session")
def model_path() -> str:
    from pipelines.assets.registry import resolve_language_model

    return str(resolve_language_model("lid.176.ftz"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleIndex:
    """The embedded sample as two WARC files."""
    return sample_of(tmp_path_factory, "sample", 2)


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> SampleIndex:
    """The same pages in twelve files, so in twelve units of work."""
    return sample_of(tmp_path_factory, "many", 12)


def sample_of(factory: pytest.TempPathFactory, name: str, files: int) -> SampleIndex:
    folder = made_once(factory, name, lambda folder: build_sample(folder, files))
    index = json.loads((folder / "expected.json").read_text("utf-8"))
    paths = tuple(folder / file for file in index["files"])
    return SampleIndex(index["dump"], paths, folder / "blocklist", folder / "expected.json", tuple(index["pages"]))


@pytest.fixture(scope="session")
def warcs(sample: SampleIndex) -> list[str]:
    return [str(path) for path in sample.warc_files]


@pytest.fixture(scope="session")
def documents(warcs: list[str], bateia: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, curated by its recipe in this process."""

    def curate(folder: Path) -> None:
        ended = bateia("curate", "--recipe", "tiny", "--input", *warcs, "--output", folder / "tiny", "--quiet")
        assert ended.returncode == 0, ended.stderr

    return made_once(tmp_path_factory, "documents", curate) / "tiny"


@pytest.fixture(scope="session")
def corpus(documents: Path, bateia: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's documents, deduplicated and scrubbed in this process."""

    def dedup(folder: Path) -> None:
        ended = bateia("dedup", "--input", documents, "--output", folder / "tiny", "--quiet")
        assert ended.returncode == 0, ended.stderr

    return made_once(tmp_path_factory, "corpus", dedup) / "tiny"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """Options for a job server and a pool of external worker processes: the contract of every portable runner."""
    logs, jobs, pool = tmp_path_factory.mktemp("logs"), free_port(), free_port()
    server = "apache_beam.runners.portability.local_job_service_main"
    with (
        serving(jobs, logs / "server", server, "-p", str(jobs)),
        serving(pool, logs / "pool", "support.worker_pool", f"--service_port={pool}", **{MARK: mark_of("cluster")}),
    ):
        yield (
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{jobs}",
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{pool}",
        )


@pytest.fixture(scope="session")
def make_documents() -> Callable[..., Path]:
    """Writes a finished directory of documents: a folder and rows with `id` and `text` in, the folder out."""
    return write_documents


@pytest.fixture(scope="session")
def bateia() -> Call:
    """Calls the command in this process: its arguments in; exit code, stdout and stderr out."""
    return call_here


@pytest.fixture(scope="session")
def bateia_process() -> Start:
    """Starts the command as a process of its own. Keywords: variables of its environment."""
    return start
