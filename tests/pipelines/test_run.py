"""`bateia run`: stage after stage, passing over what is finished."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from schemas.manifest import read_manifest

Call = Callable[..., subprocess.CompletedProcess[str]]


def hash_of(output: Path) -> str:
    manifest = read_manifest(str(output))
    assert manifest is not None
    return manifest.dataset_hash


def test_it_runs_every_stage_and_then_passes_over_them(
    warcs: list[str], documents: Path, corpus: Path, bateia: Call, tmp_path: Path
) -> None:
    command = ("run", "--recipe", "tiny", "--input", *warcs, "--output", tmp_path / "o", "--quiet")
    ended = bateia(*command)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "pages read" in ended.stdout
    assert "documents read" in ended.stdout
    assert "bytes a token" in ended.stdout
    for stage, alone in (("documents", documents), ("corpus", corpus)):
        assert hash_of(tmp_path / "o" / stage) == hash_of(alone)
    again = bateia(*command)
    assert again.returncode == 0
    assert again.stdout.splitlines() == [
        f"[1/3 curate] {tmp_path}/o/documents is finished",
        f"[2/3 dedup] {tmp_path}/o/corpus is finished",
        f"[3/3 shard] {tmp_path}/o/shards is finished",
    ]


def test_it_goes_on_where_it_stopped(warcs: list[str], corpus: Path, bateia: Call, tmp_path: Path) -> None:
    command = ("run", "--recipe", "tiny", "--input", *warcs, "--output", tmp_path / "o", "--quiet")
    with mock.patch("pipelines.dedup.rewrite", side_effect=OSError(28, "No space left on device")):
        ended = bateia(*command)
    assert ended.returncode == 1
    assert "The same command goes on from there." in ended.stderr
    ended = bateia(*command)
    assert ended.returncode == 0
    assert ended.stdout.startswith(f"[1/3 curate] {tmp_path}/o/documents is finished\n")
    assert hash_of(tmp_path / "o" / "corpus") == hash_of(corpus)


def test_a_stage_that_fails_is_the_last(warcs: list[str], bateia: Call, tmp_path: Path) -> None:
    with mock.patch("pipelines.curate.execute", side_effect=OSError("broken")):
        ended = bateia("run", "--recipe", "tiny", "--input", *warcs, "--output", tmp_path / "o", "--quiet")
    assert ended.returncode == 1
    assert not (tmp_path / "o" / "corpus").exists()


def test_other_options_do_not_pass_for_a_finished_run(warcs: list[str], bateia: Call, tmp_path: Path) -> None:
    command = ("run", "--input", *warcs, "--output", tmp_path / "o", "--quiet", "--recipe")
    assert bateia(*command, "tiny").returncode == 0
    ended = bateia(*command, "tiny", "--keep-dropped")
    assert ended.returncode == 2
    assert "is finished; choose another --output" in ended.stderr
    assert bateia(*command, "tiny", "--overwrite").returncode == 0


def test_until_says_where_to_stop(warcs: list[str], bateia: Call, tmp_path: Path) -> None:
    command = ("run", "--recipe", "tiny", "--input", *warcs, "--output", tmp_path / "o", "--quiet", "--until")
    assert bateia(*command, "documents").returncode == 0
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["documents"]
    assert bateia(*command, "corpus").returncode == 0
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["corpus", "documents"]
