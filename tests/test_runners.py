"""One dataset on every runner: the output is a function of the input, so its hash is too."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.manifest import read_manifest

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]

BEAMS_OWN = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")

OWN_STEP = '''
"""A recipe with a step, a constant and a function of its own, none of which a worker can import."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from pipelines.recipes.tiny import TINY
from schemas.document import Document
from schemas.verdict import Check, Drop
from transforms.steps.judge import judge

LEAST = 3


def vowels(text: str) -> int:
    return sum(text.count(vowel) for vowel in "aeiou")


@dataclass(frozen=True)
class KeepVowels:
    """Keeps documents with vowels."""

    stage: ClassVar[str] = "vowels"
    measures: ClassVar[tuple[str, ...]] = ("vowels",)
    least: int = LEAST

    def setup(self) -> None: ...

    def checks(self, document: Document) -> Iterator[Check]:
        yield Check("few_vowels", "vowels", float(vowels(document.text)), ">=", self.least)

    def __call__(self, document: Document) -> Document | Drop:
        return judge(document, self.stage, self.checks(document))


OWN = replace(TINY, name="own", documents=(*TINY.documents, KeepVowels()))
'''


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("localhost", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"{process.args} does not listen on port {port}")


@contextmanager
def serving(port: int, log: Path, module: str, *args: str) -> Iterator[None]:
    """A service of Beam's as a process of its own, stopped and waited for at the end."""
    # Workers start as bare `python`, so ours has to come first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *args], env={**os.environ, "PATH": path}, stdout=out, stderr=out
        )
        try:
            wait_for_port(port, process)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """Options for a job server and a pool of external worker processes: the contract of every portable runner."""
    logs, jobs, pool = tmp_path_factory.mktemp("logs"), free_port(), free_port()
    server = "apache_beam.runners.portability.local_job_service_main"
    workers = "apache_beam.runners.worker.worker_pool_main"
    with (
        serving(jobs, logs / "server", server, "-p", str(jobs)),
        serving(pool, logs / "pool", workers, f"--service_port={pool}"),
    ):
        yield (
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{jobs}",
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{pool}",
        )


def hash_of(output: Path) -> str:
    manifest = read_manifest(str(output))
    assert manifest is not None
    return manifest.dataset_hash


@pytest.fixture(scope="module")
def curated(
    bateia: Call, warcs: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., tuple[str, bytes]]:
    """Curates files of the sample with a recipe and options; gives the dataset's hash and the manifest's bytes."""

    def run(recipe: str, *options: object, files: int = 2) -> tuple[str, bytes]:
        output = tmp_path_factory.mktemp("runner") / "o"
        ended = bateia("curate", "--recipe", recipe, "--input", *warcs[:files], "--output", output, "--quiet", *options)
        assert ended.returncode == 0, ended.stderr
        return hash_of(output), (output / "manifest.json").read_bytes()

    return run


def in_process(documents: Path) -> tuple[str, bytes]:
    return hash_of(documents), (documents / "manifest.json").read_bytes()


@pytest.mark.parametrize("options", [("--workers", 2), ("--", *BEAMS_OWN)], ids=["ours", "beams"])
def test_worker_processes_give_the_same_dataset(curated: Callable, documents: Path, options: tuple) -> None:
    assert curated("tiny", *options) == in_process(documents)


def test_a_portable_runner_gives_the_same_dataset(curated: Callable, documents: Path, cluster: tuple) -> None:
    assert curated("tiny", "--", *cluster) == in_process(documents)


def test_a_recipe_files_own_step_reaches_every_worker(curated: Callable, cluster: tuple, tmp_path: Path) -> None:
    recipe = tmp_path / "own_step.py"
    recipe.write_text(OWN_STEP)
    here = curated(f"{recipe}:OWN", files=1)
    assert curated(f"{recipe}:OWN", "--workers", 2, files=1) == here
    assert curated(f"{recipe}:OWN", "--", *cluster, files=1) == here


@pytest.mark.parametrize("options", [("--", *BEAMS_OWN), None], ids=["beams", "portable"])
def test_every_runner_gives_the_same_corpus(
    bateia: Call, documents: Path, corpus: Path, cluster: tuple, tmp_path: Path, options: tuple | None
) -> None:
    asked = options or ("--", *cluster)
    ended = bateia("dedup", "--input", documents, "--output", tmp_path / "o", "--quiet", *asked)
    assert ended.returncode == 0, ended.stderr
    assert in_process(tmp_path / "o") == in_process(corpus)


@pytest.mark.parametrize("options", [("--", *BEAMS_OWN), None], ids=["beams", "portable"])
def test_every_runner_gives_the_same_shards(
    bateia: Call, corpus: Path, cluster: tuple, tmp_path: Path, options: tuple | None
) -> None:
    command = ("shard", "--input", corpus, "--context", 64, "--quiet", "--output")
    assert bateia(*command, tmp_path / "here").returncode == 0
    ended = bateia(*command, tmp_path / "there", *(options or ("--", *cluster)))
    assert ended.returncode == 0, ended.stderr
    for folder in ("", "plan/main"):
        assert in_process(tmp_path / "there" / folder) == in_process(tmp_path / "here" / folder)
