"""Words that are no UTF-8, and encodings that lack what is to be written: one line, or the page; never a traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli.app import COMMANDS
from pipelines.engine.streams import as_plain, make_streams_safe, not_utf8, writes_unicode
from support.command import Call, Start

LATIN = "caf\udce9"  # what Python makes of the byte E9 in an argument


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_takes_a_word_that_is_no_utf8(bateia: Call, name: str) -> None:
    for words in ([LATIN], ["--output", LATIN], ["--", f"--x={LATIN}"]):
        ended = bateia(*name.split(), *words)
        assert (ended.returncode, ended.stdout) == (2, "")
        [line] = ended.stderr.splitlines()
        assert "caf\\xe9' is no UTF-8" in line


@pytest.mark.parametrize(("words", "shown"), [(["a", "é", "日本"], None), ([], None), (["a", LATIN], "caf\\xe9")])
def test_what_is_no_utf8(words: list[str], shown: str | None) -> None:
    assert not_utf8(words) == shown


@pytest.mark.parametrize(
    ("text", "ascii_text"),
    [("✓ a − b … 1\u00a0MB", "+ a - b ... 1 MB"), ("é", "\\xe9"), ("日", "\\u65e5"), ("\udce9", "\\udce9"), ("a", "a")],
)
def test_what_an_encoding_lacks_is_written_plainly(monkeypatch: pytest.MonkeyPatch, text: str, ascii_text: str) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", errors="strict"))
    make_streams_safe()
    assert not writes_unicode()
    print(text, flush=True)
    assert raw.getvalue().decode() == ascii_text + "\n"


def test_reading_is_as_strict_as_ever() -> None:
    error = UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid")
    with pytest.raises(UnicodeDecodeError):
        as_plain(error)


@pytest.mark.parametrize("words", [("show", "portuguese"), ("--help",), ("try", "--help"), ("show", "nã")])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_every_encoding_gets_the_page(bateia_process: Start, words: tuple[str, ...], encoding: str) -> None:
    process = bateia_process(*words, PYTHONIOENCODING=encoding)
    try:
        out, err = process.communicate(timeout=120)
    except UnicodeDecodeError:  # Latin-1 read as UTF-8
        assert process.wait() in (0, 2)
        return
    assert "Traceback" not in err
    assert process.returncode == (2 if "nã" in words else 0)
    assert bool(out) != bool(err)


@pytest.mark.slow
def test_json_stays_json_in_ascii(small_shards: Path) -> None:
    command = ["explain-batch", "--shards", str(small_shards), "--step", "0", "--batch-size", "1", "--json"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run([sys.executable, "-m", "pipelines", *command], capture_output=True, env=environment)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.decode("ascii"))["batch_size"] == 1
