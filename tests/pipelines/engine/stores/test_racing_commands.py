"""Whole commands on one output in an object store: of two that begin in one moment one writes, the other is refused in
a line, and what is there in the end is what an undisturbed run writes.

Here one round for each store. As many as one likes:

    BATEIA_RACES=10 python -m pytest -s -n 0 tests/pipelines/engine/stores/test_racing_commands.py
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.sample.build import SampleIndex
from schemas.lease import claims
from schemas.storage import join, open_read, sizes_below
from support.forked import run_forked, run_together
from support.gcs import google_storage
from support.killing import Killing
from support.object_store import object_store, uploads_in_bucket
from support.outputs import REPORTS

pytestmark = [pytest.mark.slow, pytest.mark.engine]

ROUNDS = int(os.environ.get("BATEIA_RACES", "1"))
WRITTEN = re.compile(
    r"bateia: output \S+ is being written by another run \(process \d+ on \S+, since .+\); wait for it, .+"
)
FINISHED = re.compile(r"bateia: output \S+ is finished; .+")  # where the machine was slow to begin the second one


@pytest.fixture(scope="module", params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "gs":
        with google_storage(tmp_path_factory.mktemp("empty")):
            yield "gs://anonymous@bucket"
    else:
        pytest.importorskip("moto", reason="the object store of these tests is moto's")
        with object_store():
            yield "s3://bucket"


class Command:
    """A curate of two WARC files."""

    def __init__(self, many: SampleIndex, folder: Path) -> None:
        self._words = ("curate", "--recipe", "tiny", "--input", *many.warc_files[:2], "--quiet", "--output")
        self._log = folder / "log"

    def run(self, output: str, killing: Killing | None = None) -> int:
        return run_forked(*self._words, output, log=self._log, killing=killing).returncode

    def race(self, output: str) -> str:
        """Run it twice from one moment on. Returns what the loser said, in short."""
        lost, won = sorted(run_together([(*self._words, output)] * 2, self._log), key=lambda ended: -ended.returncode)
        assert (won.returncode, lost.returncode) == (0, 2), (won.stderr, lost.stderr)
        told = lost.stderr.splitlines()
        assert len(told) == 1 and (WRITTEN.fullmatch(told[0]) or FINISHED.fullmatch(told[0])), told
        assert "bateia:" not in won.stderr
        return "written" if WRITTEN.fullmatch(told[0]) else "finished"


@pytest.fixture(scope="module")
def command(many: SampleIndex, tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command(many, tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="module")
def calm(bucket: str, command: Command) -> dict[str, str]:
    """What an undisturbed run writes: sha256 by name, but of what tells times."""
    assert command.run(f"{bucket}/calm") == 0
    return contents(f"{bucket}/calm")


def contents(folder: str) -> dict[str, str]:
    names = sizes_below(folder)
    timed = {name for name in names if name in REPORTS or name.startswith("units/")}
    found = dict.fromkeys(timed, "")
    for name in set(names) - timed:
        with open_read(join(folder, name)) as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


def test_of_two_commands_at_once_one_writes(bucket: str, command: Command, calm: dict[str, str]) -> None:
    losers = Counter[str]()
    for number in range(ROUNDS):
        output = f"{bucket}/together-{number}"
        losers[command.race(output)] += 1
        assert contents(output) == calm, number
        assert claims(output) == []
    print(f"\n{bucket}: {ROUNDS} rounds, the losers' outputs: {dict(losers)}")


@pytest.mark.kill
def test_after_a_kill_one_of_two_goes_on(bucket: str, command: Command, calm: dict[str, str]) -> None:
    losers = Counter[str]()
    for number in range(ROUNDS):
        output = f"{bucket}/killed-{number}"
        assert command.run(output, Killing("*/units/*.json", "committed")) == -9
        assert [claim.held for claim in claims(output)] == [True]
        done = [name for name in sizes_below(output) if name.startswith("units/")]
        assert len(done) == 1 and "manifest.json" not in sizes_below(output)
        losers[command.race(output)] += 1
        assert contents(output) == calm, number
        assert claims(output) == []
    assert bucket.startswith("gs:") or uploads_in_bucket() == []
    print(f"\n{bucket}: {ROUNDS} rounds, the losers' outputs: {dict(losers)}")
