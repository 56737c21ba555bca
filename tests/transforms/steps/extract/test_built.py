"""A compiled module of another source than the one beside it does not take Python's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.paths import ROOT
from transforms.steps.extract.built import built_of, digest, require_current


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "room").mkdir()
    path = tmp_path / "room" / "loops_c.pyx"
    path.write_text("def f(): return 1\n")
    return path


def test_one_of_this_source_is_taken(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require_current("room.loops_c", digest(built_of(source)), source.parents[1])
    source.unlink()  # an installation without sources
    require_current("room.loops_c", "of its build", source.parents[1])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("changed", ["room/loops_c.pyx", "room/sums_c.pxd", "words_c.pxd"])
def test_one_of_another_source_is_refused_with_the_remedy(
    changed: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built = digest(built_of(source))
    (source.parents[1] / changed).write_text("def f(): return 2\n")
    with pytest.raises(ImportError, match="another source"):
        require_current("room.loops_c", built, source.parents[1])
    assert "room.loops_c was compiled of another source than loops_c.pyx is now" in capsys.readouterr().err


def test_every_compiled_module_asks() -> None:
    sources = sorted((ROOT / "transforms").rglob("*.pyx"))
    assert len(sources) > 3
    for source in sources:
        assert "require_current(__name__, BUILT_OF.decode())" in source.read_text("utf-8"), source
