"""A user's own modules named like our packages do not break the command, nor its worker processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.sample.build import SampleIndex

NAMES = ("schemas", "transforms", "pipelines", "trainer", "deploy")
COMMAND = Path(sys.executable).with_name("bateia")


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A project whose folder holds a module of each of our packages' names; importing one ends the process."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('the project\\'s own {name}.py was imported')\n")
    return tmp_path


def run(folder: Path, *args: object) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([".", *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [*map(str, args)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_importing_bateia_first_gives_ours(crowded: Path) -> None:
    script = "import bateia, schemas.faults, pipelines.recipes; print(pipelines.recipes.find_recipe('tiny').name)"
    ended = run(crowded, sys.executable, "-c", script)
    assert (ended.returncode, ended.stdout.strip()) == (0, "tiny"), ended.stderr


@pytest.mark.engine
def test_the_command_and_its_workers_run(crowded: Path, many: SampleIndex) -> None:
    if not COMMAND.exists():
        pytest.skip("the command is not installed beside this Python")
    some = many.warc_files[:2]
    arguments = ("curate", "--recipe", "tiny", "--input", *some, "--output", "documents", "--workers", 2, "--quiet")
    ended = run(crowded, COMMAND, *arguments)
    assert ended.returncode == 0, ended.stderr
    assert (crowded / "documents" / "manifest.json").exists()
