"""`--engine dataflow --check`: each stage's graphs as they would be sent, and what is said of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from unittest import mock

import pytest

from pipelines.analysis import graphs
from support.command import Call

ELSEWHERE = ("--project=P", "--region=R", "--temp_location=gs://b/tmp", "--sdk_container_image=I")
ALL = ("--engine", "dataflow", "--check", "--", *ELSEWHERE)


@pytest.fixture
def known_documents(documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded crawl's documents as another test has made them."""

    def make_inputs(args: object, place: Path) -> tuple[list[str], str]:
        folder = place / "documents"
        shutil.copytree(documents, folder)
        return [str(folder)], str(folder)

    monkeypatch.setattr(graphs, "make_inputs", make_inputs)


@pytest.mark.slow
def test_curate(bateia: Call) -> None:
    ended = bateia("curate", "--recipe", "tiny", "--input", "gs://b/*.warc.gz", "--output", "gs://b/o", *ALL)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "RunUnits/SpreadUnits → RunUnits/RunUnit" in ended.stdout
    assert "1 graph looked at: nothing in them is of this machine, and no text shuffles" in ended.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("known_documents")
@pytest.mark.parametrize(
    ("command", "phases"),
    [
        (("dedup", "--recipe", "tiny"), ["sign", "match", "clusters", "rewrite", "audit"]),
        (("shard", "--context", 64), ["encode", "shuffle", "pack"]),
    ],
)
def test_the_later_stages(bateia: Call, command: tuple[object, ...], phases: list[str]) -> None:
    ended = bateia(*command, "--input", "gs://b/o", "--output", "gs://b/c", *ALL)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [line.partition(":")[0] for line in ended.stdout.splitlines()][:-1] == phases


def test_what_is_of_this_machine_is_told(bateia: Call, tmp_path: Path) -> None:
    with (
        mock.patch("pipelines.analysis.graphs.texts_of", return_value=[]),
        mock.patch("pipelines.analysis.graphs.make_inputs", return_value=([], None)),
        mock.patch("pipelines.stages.curate.plan.plan_curate"),
        mock.patch("pipelines.engine.run.run_stage", return_value=0),
    ):
        given = ("--recipe", "tiny", "--input", tmp_path, "gs://b/x", "--output", tmp_path / "o")
        ended = bateia("curate", *given, "--engine", "dataflow", "--check", "--", *ELSEWHERE[1:])
    assert ended.returncode == 2
    told = ended.stderr.splitlines()
    assert f"bateia: --input {tmp_path} is of this machine; workers elsewhere need gs:// or s3://" in told
    assert f"bateia: --output {tmp_path / 'o'} is of this machine; workers elsewhere need gs:// or s3://" in told
    assert "bateia: --engine dataflow needs --project=NAME behind `--`" in told


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (("curate", "--recipe", "tiny", "--check"), "--check looks at what goes to machines elsewhere; give --engine"),
        (("dedup", "--engine", "dataflow", "--check"), "name one with --recipe"),
    ],
)
def test_what_can_not_be_checked(bateia: Call, command: tuple[str, ...], line: str) -> None:
    ended = bateia(*command, "--input", "gs://b/x", "--output", "gs://b/o")
    assert ended.returncode == 2 and line in ended.stderr
