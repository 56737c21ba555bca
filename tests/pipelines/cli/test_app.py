"""The command line: one line for whatever can't be used, and nothing written."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from msgspec.structs import replace

from pipelines.engine.run import error_line
from pipelines.reports.curate import Counts, CurateReport
from pipelines.reports.records import Stage
from pipelines.reports.render import decode
from pipelines.sample.build import SampleIndex
from pipelines.stages.curate.finish import CurateSummary
from support.reports import CURATE

Call = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def refused(bateia: Call, *args: object) -> str:
    """The one line that tells why, from a call that has to end as bad input."""
    ended = bateia(*args)
    assert (ended.returncode, ended.stdout) == (2, ""), ended
    [line] = ended.stderr.splitlines()
    assert line.startswith("bateia")
    return line


@pytest.fixture
def place(tmp_path: Path, sample: SampleIndex) -> Path:
    """A folder with a good file, and with much that is none."""
    shutil.copy(sample.warc_files[0], tmp_path / "good.warc.gz")
    (tmp_path / "empty.warc.gz").touch()
    (tmp_path / "page.warc.gz").write_bytes(gzip.compress(b"<html>no WARC</html>"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.paths").write_text("# nothing\n\n")
    (tmp_path / "wrong.paths").write_text("good.warc.gz\nmissing.warc.gz\n")
    (tmp_path / "broken.paths.gz").write_bytes(b"\x1f\x8b\x08broken")
    (tmp_path / "binary.paths").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "afile").write_text("mine")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text('{"name": "not ours"}')
    (tmp_path / "garbled").mkdir()
    (tmp_path / "garbled" / "run.json").write_text("no JSON")
    return tmp_path


@pytest.mark.parametrize(
    "given, thing, remedy",
    [
        ("missing.warc.gz", "missing.warc.gz does not exist", "check the path"),
        ("folder", "folder is a directory without WARC", "check the path"),
        ("*.nothing", "*.nothing does not exist", "check the path"),
        ("empty.warc.gz", "empty.warc.gz is empty", "Give WARC files"),
        ("page.warc.gz", "page.warc.gz is not a WARC file", "Give WARC files"),
        ("empty.paths", "empty.paths names no file", "one path a line"),
        ("missing.paths", "missing.paths can't be read", "one path a line"),
        ("broken.paths.gz", "broken.paths.gz can't be read", "one path a line"),
        ("binary.paths", "binary.paths can't be read", "one path a line"),
        ("wrong.paths", "missing.warc.gz does not exist", "--paths-root"),
    ],
)
def test_input_that_cannot_be_used(bateia: Call, place: Path, given: str, thing: str, remedy: str) -> None:
    before = snapshot(place)
    line = refused(bateia, "curate", "--recipe", "tiny", "--input", place / given, "--output", place / "out")
    assert thing in line
    assert remedy in line
    assert snapshot(place) == before


def test_input_that_may_not_be_read(bateia: Call, place: Path) -> None:
    """Permissions don't stop root, who may be running this."""
    command = ("curate", "--recipe", "tiny", "--input", place / "good.warc.gz", "--output", place / "out")
    with mock.patch("pipelines.engine.inputs.open_input", side_effect=PermissionError(13, "Permission denied")):
        line = refused(bateia, *command)
    assert "good.warc.gz can't be read (Permission denied)" in line
    assert "check its permissions" in line
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    "given, thing",
    [
        ("afile", "afile can't be written"),
        ("afile/below", "below can't be written"),
        ("foreign", "foreign holds other files, such as"),
        ("other", "other holds a run.json that is not Bateia's"),
        ("garbled", "garbled holds a run.json that is not Bateia's"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--overwrite",)])
def test_output_that_cannot_be_used(bateia: Call, place: Path, given: str, thing: str, options: tuple) -> None:
    before = snapshot(place)
    command = ("curate", "--recipe", "tiny", "--input", place / "good.warc.gz", "--output", place / given)
    line = refused(bateia, *command, *options)
    assert thing in line
    assert "choose another --output" in line
    assert snapshot(place) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_output_that_may_not_be_written(bateia: Call, place: Path) -> None:
    (place / "folder").chmod(0o500)
    output = place / "folder" / "out"
    line = refused(bateia, "curate", "--recipe", "tiny", "--input", place / "good.warc.gz", "--output", output)
    assert f"{output} can't be written" in line


@pytest.mark.slow
def test_output_that_is_finished(bateia: Call, warcs: list[str], documents: Path) -> None:
    before = snapshot(documents)
    line = refused(bateia, "curate", "--recipe", "tiny", "--input", *warcs, "--output", documents)
    assert f"output {documents} is finished" in line
    assert "--overwrite" in line
    assert snapshot(documents) == before


@pytest.mark.parametrize(
    "options, differing",
    [
        (["--recipe", "tiny", "--dump", "OTHER"], "dump"),
        (["--recipe", "tiny", "--unit-mb", "7"], "unit_mb"),
        (["--recipe", "tiny", "--keep-dropped"], "keep_dropped"),
        (["--recipe", "fineweb", "--no-blocklist"], "recipe, assets"),
        (["--recipe", "tiny", "--keep-dropped", "--dump", "OTHER"], "dump, keep_dropped"),
    ],
)
def test_output_that_another_run_began(
    bateia: Call, warcs: list[str], documents: Path, tmp_path: Path, options: list[str], differing: str
) -> None:
    output = shutil.copytree(documents, tmp_path / "out")
    (output / "manifest.json").unlink()
    before = snapshot(output)
    line = refused(bateia, "curate", *options, "--input", *warcs, "--output", output)
    assert f"an unfinished run with another {differing};" in line
    assert "--overwrite" in line
    assert "input" in refused(bateia, "curate", "--recipe", "tiny", "--input", warcs[0], "--output", output)
    assert snapshot(output) == before


@pytest.mark.parametrize("command", [("show", "{}"), ("try", "{}", "a.html"), ("curate", "--recipe", "{}")])
def test_unknown_recipes_list_the_known(bateia: Call, place: Path, command: tuple[str, ...]) -> None:
    words = [word.format("finweb") for word in command]
    files = ["--input", place / "good.warc.gz", "--output", place / "out"] if command[0] == "curate" else []
    line = refused(bateia, *words, *files)
    assert "'finweb'" in line
    assert all(name in line for name in ("fineweb", "tiny", "path/to/file.py:NAME"))
    assert not (place / "out").exists()


def test_a_missing_asset_ends_with_the_command_that_brings_it(
    bateia: Call, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATEIA_ASSETS", str(tmp_path / "no-assets"))
    command = ("curate", "--recipe", "fineweb", "--input", place / "good.warc.gz", "--output", place / "out")
    told = refused(bateia, *command)
    assert "bring it with: bateia assets fetch ut1, with --from FILE" in told and told.endswith("--no-blocklist")
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    "args, thing",
    [
        (["curate", "--recipe", "tiny", "--output", "o"], "--input"),
        (["curate", "--recipe", "tiny", "--input", "a", "--output", "o", "--worker", "2"], "--worker"),
        (["curate", "--recipe", "tiny", "--input", "a", "--output", "o", "--workers", "0"], "'0'"),
        (["curate", "--recipe", "tiny", "--input", "a", "--output", "o", "--workers", "many"], "'many'"),
        (["curate", "--recipe", "tiny", "--input", "a", "--output", "o", "--unit-mb", "x"], "'x'"),
        (["explain", "http://a.example/"], "--in"),
        (["try"], "RECIPE"),
        (["try", "tiny", "--offset", "x"], "--offset"),
    ],
)
def test_usage_errors_are_one_line(bateia: Call, args: list[str], thing: str) -> None:
    line = refused(bateia, *args)
    assert thing in line
    assert "--help" in line


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["curate", "--recipe", "tiny", "--unit-mb", "-1"], "--unit-mb -1: a unit is of 1 MB or more"),
        (["run", "tiny", "--context", "0"], "context is a number above 0, not 0"),
        (["run", "tiny", "--val-fraction", "1.5"], "1.5 of the documents can't validate"),
        (["run", "tiny", "--epochs", "1", "--tokens", "5"], "a plan takes epochs or tokens, not both"),
        (["run", "tiny", "--mixture", "en=-1"], "mixture of en is a number above 0"),
        (["run"], "needs a recipe, such as `bateia run fineweb"),
    ],
)
def test_values_that_cannot_be_are_refused_before_anything_is_written(
    bateia: Call, place: Path, command: list[str], told: str
) -> None:
    before = snapshot(place)
    assert told in refused(bateia, *command, "--input", place / "good.warc.gz", "--output", place / "out")
    assert snapshot(place) == before


@pytest.mark.parametrize(
    "command", [["show", "tiny"], ["explain", "http://a/", "--in", "x"], ["demo-crawl", "--output", "x"]]
)
def test_options_for_beam_where_no_pipeline_runs(bateia: Call, command: list[str]) -> None:
    line = refused(bateia, *command, "--", "--runner=FlinkRunner")
    assert "--runner=FlinkRunner" in line
    assert not Path("x").exists()


@pytest.mark.slow
def test_one_bad_file_among_good_ones_is_told_and_recorded(bateia: Call, place: Path) -> None:
    output = place / "out"
    ended = bateia("curate", "--recipe", "tiny", "--input", place / "*.warc.gz", "--output", output, "--quiet")
    assert ended.returncode == 0
    first, second = ended.stderr.splitlines()
    assert first == f"bateia: warning: {place}/empty.warc.gz is empty; it is left out"
    assert f"warning: {place}/page.warc.gz is not a WARC file (starts with b'<html>no WARC</html>'" in second
    source = json.loads((output / "manifest.json").read_text())["source"]
    assert {Path(file["path"]).name: "problem" in file for file in source} == {
        "empty.warc.gz": True,
        "good.warc.gz": False,
        "page.warc.gz": True,
    }
    bad = json.loads((output / "report.json").read_text())["inputs"]["bad"]
    assert [Path(file["path"]).name for file in bad] == ["empty.warc.gz", "page.warc.gz"]
    assert "empty.warc.gz" in (output / "report.html").read_text()
    assert ended.stdout.startswith("123 pages read")


def test_the_process_gives_the_exit_code(bateia_process: Start) -> None:
    process = bateia_process("show", "finweb")
    out, err = process.communicate()
    assert (process.returncode, out, len(err.splitlines())) == (2, "", 1)


def test_a_closed_pipe_is_no_error(bateia_process: Start) -> None:
    process = bateia_process("show", "fineweb")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert (process.stderr.read(), process.wait()) == ("", 0)


def test_the_demo_crawl_is_the_sample(bateia: Call, sample: SampleIndex, tmp_path: Path) -> None:
    ended = bateia("demo-crawl", "--output", tmp_path / "s")
    assert ended.returncode == 0
    assert snapshot(tmp_path / "s") == snapshot(sample.expected.parent)
    (tmp_path / "file").touch()
    assert "can't be written" in refused(bateia, "demo-crawl", "--output", tmp_path / "file")


def test_the_summary_adds_up() -> None:
    report = decode(CURATE, CurateReport, "the example")
    report = replace(
        report,
        counts=Counts(4000, 1000, 2990, 10, {}),
        throughput=replace(report.throughput, cpu_ms_per_page=12.34, wall_s=59.6),
        funnel=(Stage("read", 4000, 3000),),
    )
    first, stage, *_ = CurateSummary("out", report).lines()
    assert first == "4,000 pages read = 1,000 kept (25.0%) + 2,990 dropped + 10 unreadable; 12.3 CPU ms a page, 60 s"
    assert stage.split() == ["read", "4,000", "−3,000"]
    assert "(0.0%)" in CurateSummary("out", replace(report, counts=Counts(0, 0, 0, 0, {}))).lines()[0]


@pytest.mark.parametrize(
    "fault, line",
    [
        (
            RuntimeError("Traceback (most recent):\n  File x\nValueError: a broken model\n\n"),
            "ValueError: a broken model",
        ),
        (RuntimeError("the runner ended"), "the runner ended"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (KeyError("language"), "KeyError: 'language'"),
        (RuntimeError(), "RuntimeError"),
        (RuntimeError("x: " + "y" * 9999), "x: " + "y" * 497),
    ],
)
def test_a_failure_is_told_in_one_line(fault: BaseException, line: str) -> None:
    assert error_line(fault) == line
