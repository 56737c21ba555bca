"""Names that come from input, as hostile as file systems allow, through both stages: nothing is written outside."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.sample.build import SampleIndex
from support.command import Call
from support.outputs import rows_of
from support.warc import member, record
from transforms.curate import language_folder
from transforms.steps.warc.names import stem

NAMES = (
    *("..%2f..%2fescape.warc.gz", "-rf.warc.gz", ".hidden.warc.gz", "....warc.gz", "a\nb.warc.gz", "a b.warc.gz"),
    *(
        "a_b.warc.gz",
        "$(touch escape).warc.gz",
        "..\\..\\escape.warc.gz",
        "\u202e\u0301é.warc.gz",
        "x" * 240 + ".warc.gz",
    ),
)
DUMP = "../../../escape"
RECIPE = """
from dataclasses import dataclass, replace
from typing import ClassVar

from pipelines.recipes.fineweb import FINEWEB
from transforms.steps.step import DocumentStep

LABELS = ("../../../escape", "/tmp/bateia-escape", "..", ".", "", "a/b", "a_b", "nul\\0", "\\u202e", "x" * 300, "en")


@dataclass(frozen=True)
class Label(DocumentStep):
    '''What a model made by strangers may call languages.'''

    stage: ClassVar[str] = "label"
    measures: ClassVar[tuple[str, ...]] = ()

    def checks(self, document):
        return ()

    def __call__(self, document):
        return replace(document, language=LABELS[len(document.text) % len(LABELS)], language_score=1.0)


HOSTILE = FINEWEB.vary(replace(FINEWEB.curate, pages=(), documents=(Label(),)), name="hostile")
"""


def warcinfo(dump: str) -> bytes:
    return member(record(None, f"isPartOf: {dump}\r\nsoftware: x\r\n".encode(), "warcinfo"))


def below(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(bateia: Call, sample: SampleIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """deep/er/in holds the input and deep/er/out what both stages made of it."""
    place = tmp_path_factory.mktemp("paths")
    given = place / "deep" / "er" / "in"
    given.mkdir(parents=True)
    records = sample.warc_files[0].read_bytes()
    for name in NAMES:
        (given / name).write_bytes(warcinfo(DUMP) + records)
    (given / "recipe.py").write_text(RECIPE)
    out = given.parent / "out"
    files = [given / name for name in NAMES]
    recipe = ("--recipe", f"{given}/recipe.py:HOSTILE")
    for arguments in (
        ("curate", *recipe, "--input", *files, "--output", out / "documents"),
        ("dedup", *recipe, "--input", out / "documents", "--output", out / "corpus"),
    ):
        ended = bateia(*arguments, "--quiet")
        assert ended.returncode == 0, ended.stderr
    return place


def test_nothing_is_written_outside_of_the_outputs(place: Path) -> None:
    around = {path for path in below(place) if not path.is_relative_to("deep/er/out")}
    given = {Path("deep/er/in", name) for name in (*NAMES, "recipe.py")}
    around -= {path for path in around if "__pycache__" in path.parts}  # Python's own, of the recipe
    assert around == {Path("deep"), Path("deep/er"), Path("deep/er/in"), *given}
    assert {path.name for path in (place / "deep/er/out").iterdir()} == {"documents", "corpus"}
    assert not Path("/tmp/bateia-escape").exists()


def test_every_file_is_where_its_folder_has_it(place: Path) -> None:
    out = place / "deep" / "er" / "out"
    for path in below(out / "documents") | below(out / "corpus"):
        assert all(part.isascii() and part.isprintable() and "\\" not in part for part in path.parts), path
    folders = {path.name for path in (out / "documents" / "data").iterdir()}
    assert {"_________escape", "__", "_", "und", "a_b", "x" * 64, "en"} <= folders


def test_no_document_is_lost_and_labels_stay_as_they_were(place: Path) -> None:
    out = place / "deep" / "er" / "out" / "documents"
    rows = rows_of(out, "data")
    assert {Path(row["file_path"]).name for row in rows} == set(NAMES)
    assert {row["dump"] for row in rows} == {DUMP}
    assert {"../../../escape", "..", "a/b", "a_b"} <= {row["language"] for row in rows}


def test_names_of_ours_are_plain() -> None:
    assert [stem(name) for name in NAMES[:4]] == ["_2f.._2fescape", "-rf", "hidden", "warc"]
    assert len(stem(NAMES[-1])) == 120
    assert language_folder(None) == language_folder("") == "und"
    assert language_folder("zh-Hans") == "zh-Hans"
    assert language_folder("../../etc") == "______etc"


def test_a_manifest_that_names_other_places_is_no_way_out(bateia: Call, place: Path, tmp_path: Path) -> None:
    """Documents made by strangers: dedup makes its own names of theirs, one folder deep at most."""
    source = tmp_path / "in" / "deep" / "documents"
    shutil.copytree(place / "deep" / "er" / "out" / "documents", source)
    manifest = (source / "manifest.json").read_text()
    assert "data/_________escape/" in manifest
    (source / "data" / "_________escape").rename(source / "escape")
    (source / "manifest.json").write_text(manifest.replace("data/_________escape/", "data/../escape/"))
    before = below(tmp_path / "in")
    recipe = f"{place}/deep/er/in/recipe.py:HOSTILE"
    ended = bateia("dedup", "--recipe", recipe, "--input", source, "--output", tmp_path / "out" / "corpus", "--quiet")
    assert below(tmp_path / "in") == before
    assert {path.name for path in tmp_path.iterdir()} <= {"in", "out"}
    assert {path.name for path in (tmp_path / "out").glob("*")} <= {"corpus"}
    assert ended.returncode in (0, 2), ended.stderr
