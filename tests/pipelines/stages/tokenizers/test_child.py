"""A tokenizer is trained in a process of its own: Ctrl-C is answered at once, and the sample is not drawn again."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.stages.tokenizers.child import follow, read_sample, write_sample
from support.processes import end, wait_for_file

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def many_words(make_documents: Callable[..., Path], tmp_path: Path) -> Path:
    """Documents of so many different words that a tokenizer is learnt for some seconds."""
    words = [f"{a}{b}{c}{d}" for a in LETTERS for b in LETTERS for c in LETTERS[::2] for d in LETTERS[::3]]
    rows = [{"id": str(at), "text": " ".join(words[at::40]), "language": "en"} for at in range(40)]
    make_documents(tmp_path / "documents", rows)
    return tmp_path / "documents"


@pytest.mark.kill
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_training_and_leaves_its_sample(
    many_words: Path, tmp_path: Path, bateia_process: Callable[..., object], number: signal.Signals
) -> None:
    output = tmp_path / "tokenizer"
    options = ("tokenizer", "train", "--input", many_words, "--output", output, "--vocab-size", 20_000, "--quiet")
    process = bateia_process(*options)
    wait_for_file(process, output, "work/sample.json")  # pyright: ignore[reportArgumentType]
    began = time.monotonic()
    _, said = end(process, number)  # pyright: ignore[reportArgumentType]
    assert time.monotonic() - began < 5  # a second on an idle machine
    assert process.returncode == 130  # pyright: ignore[reportAttributeAccessIssue]
    assert "the tokenizer's sample is kept" in said and "The same command goes on from there" in said
    assert not list(output.glob("tokenizer.*"))
    assert (output / "work" / "sample.jsonl").stat().st_size


def test_a_sample_comes_back_as_it_was(tmp_path: Path) -> None:
    texts = ["a\nb\u2028c", "", '"\\', "é\U0001f30d\x00"]
    write_sample(tmp_path / "new" / "sample.jsonl", texts)
    assert list(read_sample(tmp_path / "new" / "sample.jsonl")) == texts


def test_what_is_learnt_is_counted_and_the_last_words_are_kept() -> None:
    lines, learnt = [], [0]
    follow([b"x Added: freq=3 size=40 all=9\n", b"the sample is too small\n"], lines, learnt)
    assert (lines, learnt) == ([b"the sample is too small\n"], [316])
