"""A runner that loses data fails the run, by a trial before it or by what every phase counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pipelines.engine.beam.probe import EXPECTED, MEANING, probe_faults
from schemas.storage import write_json
from support.command import Call, Ended
from support.outputs import hash_of, strays
from transforms import run_units
from transforms.dedup.survivors import ChooseInPartition, DescribeMembers
from transforms.packed import Pack, lost_rows


@pytest.mark.parametrize(
    ("runner", "written", "told"),
    [
        ("LosesBundleEnds", True, "loses data: what a bundle gives at its end (finish_bundle) is lost (0 where 500 "),
        ("Honest", False, "its workers did not write to"),
    ],
)
def test_a_runner_that_lies_is_refused_before_the_first_phase(
    bateia: Call, documents: Path, tmp_path: Path, runner: str, written: bool, told: str
) -> None:
    write = write_json if written else lambda path, value: None
    command = ("dedup", "--input", documents, "--output", tmp_path / "o", "--quiet")
    with mock.patch("pipelines.engine.beam.probe.write_json", write), mock.patch("pipelines.engine.run.TRIED", set()):
        ended = bateia(*command, "--", f"--runner=support.lying.{runner}")
    assert ended.returncode == 2, ended.stderr
    assert told in ended.stderr.strip().splitlines()[-1]
    assert not (tmp_path / "o" / "work" / "signed").exists()
    assert strays(tmp_path / "o") == []


@pytest.mark.slow
def test_an_honest_runner_passes_the_trial(bateia: Call, documents: Path, corpus: Path, tmp_path: Path) -> None:
    ended = bateia(
        *("dedup", "--input", documents, "--output", tmp_path / "o", "--quiet"), "--", "--runner=support.lying.Honest"
    )
    assert ended.returncode == 0, ended.stderr
    assert hash_of(tmp_path / "o") == hash_of(corpus)
    assert strays(tmp_path / "o") == []


@pytest.mark.parametrize("name", EXPECTED)
def test_every_count_of_a_trial_is_looked_at(name: str) -> None:
    assert probe_faults(EXPECTED) == []
    for wrong in ({**EXPECTED, name: EXPECTED[name] - 1}, {key: EXPECTED[key] for key in EXPECTED if key != name}):
        [fault] = probe_faults(wrong)
        assert fault.startswith(MEANING[name])


# --- What phases count ------------------------------------------------------------------------------------------------


def loses(label: str) -> Any:
    """Pack, which loses the rows of one shuffle's bundles."""
    finish = Pack.finish_bundle

    def finish_bundle(self: Pack) -> Iterator[Any]:
        if self._label == label:
            return iter(())
        return finish(self)

    return mock.patch.object(Pack, "finish_bundle", finish_bundle)


def loses_outputs(work: type) -> Any:
    """A DoFn that loses its main outputs, not what it counts."""
    process = work.process

    def lost(self: Any, element: Any) -> Iterator[Any]:
        return (output for output in process(self, element) if not isinstance(output, tuple))

    return mock.patch.object(work, "process", lost)


def skips_units() -> Any:
    return mock.patch.object(run_units, "run_unit", lambda work, records, unit: None)


@pytest.fixture
def dedup(bateia: Call, documents: Path, tmp_path: Path) -> Callable[[], Ended]:
    return lambda: bateia("dedup", "--input", documents, "--output", tmp_path / "o", "--quiet")


LOSSES = {
    "sign": (skips_units, "phase sign: the runner ended with 5 units of 5 undone"),
    "match": (lambda: loses("Keys"), "phase match: the runner lost data (Keys: "),
    "a round": (lambda: loses("LargeStars1"), "phase match: the runner lost data (LargeStars1: "),
    "members": (lambda: loses("Stars"), "phase clusters: the runner lost data (Stars: "),
    "described": (lambda: loses_outputs(DescribeMembers), "phase clusters: the runner lost data (Members: "),
    "decisions": (lambda: loses_outputs(ChooseInPartition), "phase clusters: the runner lost data (Decisions: "),
    "kept": (lambda: loses("Kept"), "phase audit: the runner lost data (Kept: "),
    "claims": (lambda: loses("Claims"), "phase audit: the runner lost data (Claims: 17 rows were sent and 0 received)"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", LOSSES)
def test_what_a_phase_loses_fails_a_deduplication(
    dedup: Callable[[], Ended], corpus: Path, tmp_path: Path, what: str
) -> None:
    patch, told = LOSSES[what]
    with patch():
        ended = dedup()
    assert ended.returncode == 1, ended.stderr
    assert told in ended.stderr
    assert not (tmp_path / "o" / "manifest.json").exists()
    if what == "members":
        assert dedup().returncode == 0
        assert hash_of(tmp_path / "o") == hash_of(corpus)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patch", "told"),
    [
        (lambda: loses("Copies"), "phase shuffle: the runner lost data (Copies: "),
        (skips_units, "phase encode: the runner ended with 5 units of 5 undone"),
    ],
)
def test_what_a_phase_loses_fails_a_sharding(
    bateia: Call, corpus: Path, tmp_path: Path, patch: Callable[[], Any], told: str
) -> None:
    with patch():
        ended = bateia(
            *("shard", "--input", corpus, "--output", tmp_path / "o", "--context", 64, "--vocab-size", 800, "--quiet")
        )
    assert ended.returncode == 1, ended.stderr
    assert told in ended.stderr
    assert not (tmp_path / "o" / "manifest.json").exists()


def test_a_shuffle_s_counts_show_every_loss() -> None:
    whole = {"Keys.elements": 2, "Keys.sent": 10, "Keys.received": 10}
    assert lost_rows(whole, {"Keys": 2}) == lost_rows(whole, {}) == lost_rows({}, {}) == []
    assert lost_rows(whole, {"Keys": 3}) == ["Keys: 2 of 3 inputs were read"]
    assert lost_rows({**whole, "Keys.received": 9}, {"Keys": 2}) == ["Keys: 10 rows were sent and 9 received"]
    assert lost_rows({**whole, "Keys.received": 11}, {}) == ["Keys: 10 rows were sent and 11 received"]
    assert lost_rows({}, {"Keys": 2}) == ["Keys: 0 of 2 inputs were read"]
