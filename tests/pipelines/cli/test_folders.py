"""Folders to read: one that does not exist is named as such, one without a finished output names the command for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cli.app import COMMANDS
from support.command import Call

DOCUMENTS, SHARDS, MODEL = "run `bateia curate` or `bateia dedup` to the end", "run `bateia shard` to the end", "train`"
ANY_STAGE = "run `bateia curate`, `dedup` or `shard` to the end"
FOLDER = "FOLDER"  # stands for the folder that is asked about

# A call with a folder to read, and what is said of a folder that exists and holds no finished output.
CALLS = [
    ("dedup --input FOLDER --output o", DOCUMENTS),
    ("dedup --recipe fineweb --input FOLDER --output o", DOCUMENTS),
    ("shard --input FOLDER --output o", DOCUMENTS),
    ("tokenizer train --input FOLDER --output o", DOCUMENTS),
    ("plan --shards FOLDER --name n", SHARDS),
    ("train --shards FOLDER --steps 1 --output o", SHARDS),
    ("explain https://a.example/ --in FOLDER", ANY_STAGE),
    ("languages --in FOLDER", DOCUMENTS),
    ("explain-batch --shards FOLDER --step 0 --batch-size 1", SHARDS),
    ("shards verify --shards FOLDER", SHARDS),
    ("shards index --shards FOLDER --format megatron", SHARDS),
    ("forget --shards FOLDER --url-list urls.txt", SHARDS),
    ("sample --run FOLDER", MODEL),
    ("export --run FOLDER", MODEL),
    ("surprisal --run FOLDER --text a", MODEL),
    ("few-shot --run FOLDER --shards FOLDER", MODEL),
    ("memorize --run FOLDER --shards FOLDER", MODEL),
    ("converse shard --input urls.txt --run FOLDER --output o", MODEL),
    ("converse make --kind corpus --shards FOLDER --output o", SHARDS),
    ("sft --run FOLDER --conversations FOLDER --steps 1 --output o", MODEL),
    ("rl --run FOLDER --task multiply --dry-run", MODEL),
    ("think --run FOLDER", MODEL),
    ("bench --run FOLDER --tasks multiply --output o", MODEL),
    ("search index --shards FOLDER --output o", SHARDS),
]


def refusal(bateia: Call, call: str, folder: Path) -> str:
    """The line that a call is refused with."""
    ended = bateia(*(str(folder) if word == FOLDER else word for word in call.split()))
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = [line for line in ended.stderr.splitlines() if line.startswith("bateia")]
    return line


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("urls.txt").write_text("https://a.example/\n")


@pytest.mark.parametrize(("call", "remedy"), CALLS, ids=[call for call, _ in CALLS])
def test_a_folder_that_is_absent_and_one_without_an_output(
    call: str, remedy: str, bateia: Call, tmp_path: Path
) -> None:
    absent, empty = tmp_path / "nowhere", tmp_path / "empty"
    empty.mkdir()
    assert refusal(bateia, call, absent) == f"bateia: {absent} does not exist; check the path"
    line = refusal(bateia, call, empty)
    assert str(empty) in line and remedy in line and "does not exist" not in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "urls.txt"]  # nothing was written


def test_an_earlier_corpus_and_the_second_of_two_inputs(bateia: Call, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for call in (
        "dedup --input empty --against FOLDER --output o",
        "shard --input empty FOLDER --output o",
        "run tiny --input x.warc.gz --against FOLDER --output o",
    ):
        assert "nowhere does not exist; check the path" in refusal(bateia, call, tmp_path / "nowhere")


def test_a_folder_elsewhere_is_not_looked_up_on_this_disk() -> None:
    command = COMMANDS["shards verify"]
    command.check_folders(command.parser().parse_args(["--shards", "s3://bucket/shards"]))


def test_every_option_for_a_folder_to_read_is_checked() -> None:
    for command in COMMANDS.values():
        options = {action.dest for action in command.parser()._actions if action.metavar in ("DIR", "CORPUS")}
        read = options & {"input", "shards", "folder", "against", "conversations", "runs"}
        assert read == set(command.reads), command.name
