"""Folders that a stage won't write into: another's output, inside one, the root, and what is no file system's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.engine.output import StageOutput, refuse_foreign, refuse_inside_dataset, stage_in
from schemas.faults import BadInput, BrokenRun
from schemas.lease import release_all
from schemas.manifest import FileEntry, Manifest, write_manifest
from support.command import Call
from transforms.units import Records


def output(folder: Path, stage: str = "curate", **settings: object) -> StageOutput:
    return StageOutput(str(folder), stage, ("data",), (), settings, [])


def finished(folder: Path, stage: str) -> Path:
    output(folder, stage).prepare(overwrite=False)
    release_all()
    write_manifest(str(folder), Manifest(stage, {}, {}, [], {}, (), ""))
    return folder


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_output_of_another_stage_is_left_alone(tmp_path: Path, overwrite: bool) -> None:
    finished(tmp_path / "done", "dedup")
    output(tmp_path / "begun", "dedup").prepare(overwrite=False)
    for name in ("done", "begun"):
        before = sorted(path.read_bytes() for path in (tmp_path / name).iterdir())
        with pytest.raises(BadInput, match=f"output .*{name} holds what stage 'dedup' wrote; choose another"):
            output(tmp_path / name, "curate").prepare(overwrite)
        assert sorted(path.read_bytes() for path in (tmp_path / name).iterdir()) == before
    output(tmp_path / "done", "dedup").prepare(overwrite=True)


def test_a_training_is_known_by_its_data(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"settings": {}, "data": {}}')
    assert stage_in(str(tmp_path)) == "train"
    with pytest.raises(BadInput, match="holds what stage 'train' wrote"):
        output(tmp_path).prepare(overwrite=True)


def test_nothing_is_written_inside_of_an_output(tmp_path: Path) -> None:
    finished(tmp_path / "done", "dedup")
    output(tmp_path / "begun", "shard").prepare(overwrite=False)
    for below in ("done/new", "done/data/deep/er", "begun/new"):
        with pytest.raises(BadInput, match=r"lies in .*, which holds what stage '(dedup|shard)' wrote"):
            output(tmp_path / below).prepare(overwrite=False)
        assert not (tmp_path / below).exists()
    refuse_inside_dataset(str(tmp_path / "done" / "hf"), but=str(tmp_path / "done"))


def test_foreign_files_called_manifest_don_t_matter(tmp_path: Path) -> None:
    """A browser's extension has a manifest.json too."""
    (tmp_path / "manifest.json").write_text('{"name": "app"}')
    output(tmp_path / "out").prepare(overwrite=False)
    assert (tmp_path / "out" / "run.json").exists()


@pytest.mark.skipif(not os.access("/tmp", os.W_OK), reason="needs a folder in the root")
def test_the_root_gets_no_new_folder() -> None:
    for folder in ("/", "/no-such-folder-of-a-test", "/tmp/../no-such-folder-of-a-test"):
        with pytest.raises(BadInput, match="in the file system's root, as if a variable"):
            refuse_inside_dataset(folder)
    refuse_inside_dataset("/tmp")


def test_a_folder_with_other_names_is_foreign(tmp_path: Path) -> None:
    names = frozenset({"a"})
    for there in ((), ("a",)):
        for name in there:
            (tmp_path / name).touch()
        refuse_foreign(str(tmp_path), names)
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(BadInput, match=r"holds other files, such as thesis.txt"):
        refuse_foreign(str(tmp_path), names)


WRITERS = [
    "run tiny --input {crawl} --until documents --output {output}",
    "curate --recipe tiny --input {crawl} --output {output}",
    "dedup --input {documents} --output {output}",
    "shard --input {corpus} --output {output}",
    "tokenizer train --input {corpus} --output {output}",
    "demo-crawl --output {output}",
    "train --shards {shards} --steps 1 --model nano --output {output}",
]


@pytest.mark.parametrize("command", WRITERS, ids=lambda command: command.split(" --")[0])
@pytest.mark.parametrize("case", ["scheme", "file", "below a file", "another's", "inside"])
def test_every_command_that_writes_a_folder(
    bateia: Call,
    warcs: list[str],
    documents: Path,
    corpus: Path,
    small_shards: Path,
    tmp_path: Path,
    command: str,
    case: str,
) -> None:
    (tmp_path / "file").write_text("mine")
    other = finished(tmp_path / "other", "of another")
    folder = {
        "scheme": "foo://x/y",
        "file": tmp_path / "file",
        "below a file": tmp_path / "file" / "x",
        "another's": other,
        "inside": other / "x",
    }[case]
    places = {"crawl": warcs[0], "documents": documents, "corpus": corpus, "shards": small_shards, "output": folder}
    before = sorted(path for path in tmp_path.rglob("*"))
    ended = bateia(*(word.format(**places) for word in command.split()))
    assert (ended.returncode, ended.stdout) == (2, ""), ended
    line = ended.stderr.splitlines()[-1]  # before it, what a training would be, and a stage's number in a run
    assert line.startswith("bateia: ") and str(folder) in line and "Traceback" not in ended.stderr
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_a_dataset_that_was_moved_is_the_same_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(path: str, digest: str = "a") -> StageOutput:
        source = [{"path": path, "stage": "curate", "dataset_hash": digest}]
        return StageOutput(str(tmp_path / "corpus"), "dedup", ("data",), (), {}, source)

    monkeypatch.chdir(tmp_path)
    run("documents").prepare(overwrite=False)
    release_all()
    run("/elsewhere/documents").prepare(overwrite=False)
    release_all()
    write_manifest(str(tmp_path / "corpus"), Manifest("dedup", {}, {}, [], {}, (), ""))
    assert run("../documents").is_finished() and run("../documents").finished_differences() == []
    assert not run("documents", "b").is_finished()
    assert run("documents", "b").finished_differences() == [("input", "documents a", "documents b")]


def test_a_unit_whose_file_was_changed_is_unfinished(tmp_path: Path) -> None:
    records = Records(str(tmp_path), "work/done")
    (tmp_path / "data").mkdir()
    files = [FileEntry(f"data/{name}.parquet", 0, 3, "") for name in "abc"]
    for file in files:
        (tmp_path / file.path).write_bytes(b"abc")
        records.write({"name": file.path[5], "files": [{"path": file.path}]})
    folder = output(tmp_path)
    folder.refuse_damaged(records, files, folder.sizes(("data",)))
    (tmp_path / "data" / "b.parquet").write_bytes(b"ab")
    with pytest.raises(BrokenRun, match=r"data/b\.parquet is gone or was changed .*; the same command writes it again"):
        folder.refuse_damaged(records, files, folder.sizes(("data",)))
    assert records.listed() == ["a", "c"]


def test_strays_of_every_kind_are_removed(tmp_path: Path) -> None:
    """Also what a runner's own retry has left: a unit that was begun twice."""
    names = ("a.parquet", "b.parquet", ".a.parquet.12-abcd.tmp", "notes.txt", "deep/.c.parquet.3-ef.tmp", ".keep")
    for name in names:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / ".run.json.1-ab.tmp").write_bytes(b"")
    folder = output(tmp_path)
    folder.remove_strays(("data",), {"data/a.parquet"})
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"data/a.parquet", "data/notes.txt", "data/.keep"}
