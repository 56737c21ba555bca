"""Units over tasks that know nothing of each other: the same bytes as of one run, whatever their order and number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import pytest

from pipelines.engine.tasks import ArrayTask, parse_task
from pipelines.sample.build import SampleIndex
from schemas.faults import BadInput
from support.command import Call
from support.outputs import digests, strays


@pytest.mark.parametrize(("text", "task"), [("1/1", (1, 1)), ("3/8", (3, 8)), ("8/8", (8, 8))])
def test_a_task_is_one_of_many(text: str, task: tuple[int, int]) -> None:
    assert parse_task(text) == ArrayTask(*task)


@pytest.mark.parametrize("text", ["0/8", "9/8", "1", "1/0", "a/b", "1/8/2", "-1/8", "1/100001", ""])
def test_what_is_no_task(text: str) -> None:
    with pytest.raises(BadInput, match="give I/N, such as 3/8, with I from 1 to N"):
        parse_task(text)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_every_unit_is_one_task_s(count: int) -> None:
    units = list(range(12))
    shares = [ArrayTask(index, count).of(units) for index in range(1, count + 1)]
    assert sorted(unit for share in shares for unit in share) == units
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def run_tasks(bateia: Call, command: Sequence[object], output: Path, steps: Sequence[str]) -> list[str]:
    """Runs the command with one of "I/N", "finish" after the other; returns what each printed."""
    told = []
    for step in steps:
        option = ["--finish"] if step == "finish" else ["--part", step]
        ended = bateia(*command, "--output", output, "--quiet", *option)
        assert ended.returncode == 0, ended.stderr
        told.append(ended.stdout)
    assert strays(output) == []
    return told


def whole(bateia: Call, command: Sequence[object], output: Path) -> dict[str, str]:
    ended = bateia(*command, "--output", output, "--quiet")
    assert ended.returncode == 0, ended.stderr
    return digests(output)


@pytest.mark.slow
def test_curate(many: SampleIndex, bateia: Call, tmp_path: Path) -> None:
    """A task breaks off in the middle, is begun again, and their number is changed."""
    command = ("curate", "--recipe", "tiny", "--input", *many.warc_files)
    with mock.patch("transforms.units.UnitFiles.commit", side_effect=OSError("gone")):
        assert bateia(*command, "--output", tmp_path / "tasks", "--quiet", "--part", "2/3").returncode == 1
    ended = bateia(*command, "--output", tmp_path / "tasks", "--quiet", "--finish")
    assert ended.returncode == 1
    assert "0 of 12 units are curated; unit 1 is the first that is not" in ended.stderr
    told = run_tasks(bateia, command, tmp_path / "tasks", ["2/3", "1/2", "2/2", "finish"])
    assert told[0].startswith(
        f"4 of 12 units are finished in {tmp_path / 'tasks'}; when all are, the same command with"
    )
    assert digests(tmp_path / "tasks") == whole(bateia, command, tmp_path / "whole")


@pytest.mark.slow
def test_dedup(documents: Path, corpus: Path, bateia: Call, tmp_path: Path) -> None:
    command = ("dedup", "--input", documents)
    told = run_tasks(bateia, command, tmp_path / "o", ["2/2", "1/2", "finish", "1/2", "2/2", "finish"])
    assert "matched; run the same tasks again" in told[2]
    assert digests(tmp_path / "o") == digests(corpus)


@pytest.mark.slow
def test_shard(corpus: Path, bateia: Call, tmp_path: Path) -> None:
    command = ("shard", "--input", corpus, "--context", 64, "--vocab-size", 800, "--val-fraction", 0.2)
    early = bateia(*command, "--output", tmp_path / "o", "--quiet", "--part", "1/2")
    assert early.returncode == 2 and "begin with --finish instead of --part" in early.stderr
    run_tasks(bateia, command, tmp_path / "o", ["finish", "2/2", "1/2", "finish"])
    assert digests(tmp_path / "o") == whole(bateia, command, tmp_path / "whole")
    given = (*command[:5], "--tokenizer", tmp_path / "o" / "tokenizer")
    run_tasks(bateia, given, tmp_path / "given", ["finish", "1/1", "finish"])
    assert digests(tmp_path / "given") == whole(bateia, given, tmp_path / "given whole")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--part", "1/2", "--overwrite"), "leave --overwrite out"),
        (("--part", "1/2", "--", "--runner=FnApiRunner"), "leave --runner=FnApiRunner out"),
        (("--part", "3/2"), "is no task of many"),
    ],
)
def test_what_does_not_go_with_a_task(
    bateia: Call, documents: Path, tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    ended = bateia("dedup", "--input", documents, "--output", tmp_path / "o", *options)
    assert ended.returncode == 2 and told in ended.stderr
    assert not (tmp_path / "o").exists()
