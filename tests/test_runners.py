"""One dataset on every runner: the output is a function of the input, so its hash is too."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command import Call
from support.forked import forked_workers
from support.outputs import hash_of

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
from transforms.steps.step import DocumentStep, judge

LEAST = 3


def vowels(text: str) -> int:
    return sum(text.count(vowel) for vowel in "aeiou")


@dataclass(frozen=True)
class KeepVowels(DocumentStep):
    """Keeps documents with vowels."""

    stage: ClassVar[str] = "vowels"
    measures: ClassVar[tuple[str, ...]] = ("vowels",)
    least: int = LEAST

    def checks(self, document: Document) -> Iterator[Check]:
        yield Check("few_vowels", "vowels", float(vowels(document.text)), ">=", self.least)

    def __call__(self, document: Document) -> Document | Drop:
        return judge(document, self.stage, self.checks(document))


CURATE = replace(TINY.curate, documents=(*TINY.curate.documents, KeepVowels()))
OWN = TINY.vary(CURATE, name="own")
'''


Identity = tuple[str, bytes]


def identity(output: Path) -> Identity:
    """A dataset's hash and its manifest's bytes."""
    return hash_of(output), (output / "manifest.json").read_bytes()


RUNNERS = ["ours", "beams", "portable", "prism"]


@pytest.fixture
def options(request: pytest.FixtureRequest) -> tuple[object, ...]:
    """What follows a command for it to run on one of RUNNERS, with two worker processes each."""
    if request.param == "ours":
        return ("--workers", 2)
    if request.param == "prism":
        if shutil.which("prism") is None:
            pytest.skip("no program `prism` is on the path: `make prism` builds it where Go is")
        return ("--engine", "prism")
    return ("--", *(BEAMS_OWN if request.param == "beams" else request.getfixturevalue("cluster")))


@pytest.fixture(scope="module")
def curate(bateia: Call, warcs: list[str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Identity]:
    """Curates the sample by OWN_STEP's recipe with options."""
    recipe = tmp_path_factory.mktemp("recipe") / "own_step.py"
    recipe.write_text(OWN_STEP)

    def run(*options: object) -> Identity:
        output = tmp_path_factory.mktemp("curated") / "o"
        given = ("--recipe", f"{recipe}:OWN", "--input", *warcs, "--output", output, "--quiet")
        ended = bateia("curate", *given, *options)
        assert ended.returncode == 0, ended.stderr
        return identity(output)

    return run


@pytest.fixture(scope="module")
def curated(curate: Callable[..., Identity]) -> Identity:
    return curate()


@pytest.mark.engine
@pytest.mark.parametrize("options", RUNNERS, indirect=True)
def test_every_runner_gives_the_same_documents(
    curate: Callable[..., Identity], curated: Identity, options: tuple[object, ...]
) -> None:
    """With a recipe file's own step, constant and function, none of which a worker can import."""
    assert curate(*options) == curated


@pytest.mark.engine
@pytest.mark.parametrize("options", RUNNERS[1:], indirect=True)
def test_every_runner_gives_the_same_corpus(
    bateia: Call, documents: Path, corpus: Path, tmp_path: Path, options: tuple[object, ...]
) -> None:
    with forked_workers():  # how Beam's own start is tried with documents
        ended = bateia("dedup", "--input", documents, "--output", tmp_path / "o", "--quiet", *options)
    assert ended.returncode == 0, ended.stderr
    assert identity(tmp_path / "o") == identity(corpus)


@pytest.mark.engine
@pytest.mark.parametrize("options", RUNNERS[1:], indirect=True)
def test_every_runner_gives_the_same_shards(
    bateia: Call, corpus: Path, tmp_path: Path, options: tuple[object, ...]
) -> None:
    command = ("shard", "--input", corpus, "--context", 64, "--quiet", "--output")
    assert bateia(*command, tmp_path / "here").returncode == 0
    with forked_workers():
        ended = bateia(*command, tmp_path / "there", *options)
    assert ended.returncode == 0, ended.stderr
    for folder in ("", "plan/main"):
        assert identity(tmp_path / "there" / folder) == identity(tmp_path / "here" / folder)
