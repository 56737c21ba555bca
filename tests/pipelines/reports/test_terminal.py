"""`bateia tokens` on a terminal: whole characters in their tokens, and nothing of a text that moves the cursor."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from pipelines.reports.terminal import tokens_view
from transforms.steps.tokens.graphemes import groups
from transforms.steps.tokens.tokenizer import Tokenizer

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def bytewise() -> Tokenizer:
    """A token for each byte, and two tokens of more: 256 is "ab", 257 the first two bytes of an emoji."""
    pieces = (*(bytes([byte]) for byte in range(256)), b"ab", "🌍".encode()[:2])

    def encode(text: str) -> np.ndarray:
        data = text.encode("utf-8", "surrogatepass")
        numbers, at = [], 0
        while at < len(data):
            pair = next((number for number in (256, 257) if data[at : at + 2] == pieces[number]), None)
            numbers.append(data[at] if pair is None else pair)
            at += len(pieces[numbers[-1]])
        return np.array(numbers, "<u2")

    return Tokenizer(encode, pieces, {}, "test", "")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", []),
        ("abc", ["ab", "c"]),
        ("á", ["á"]),  # two bytes, two tokens
        ("e\u0301x", ["e\u0301", "x"]),  # two code points
        ("🌍a", ["🌍", "a"]),
        ("👩‍👩‍👧!", ["👩‍👩‍👧", "!"]),
        ("\r\n\n", ["\r\n", "\n"]),
        ("🇧🇷🇵🇹", ["🇧🇷", "🇵🇹"]),
        ("\ud800", ["\ufffd\ufffd\ufffd"]),  # no character at all
    ],
)
def test_groups_are_whole_characters(bytewise: Tokenizer, text: str, expected: list[str]) -> None:
    found = list(groups(bytewise, text))
    assert [group.text for group in found] == expected
    assert [number for group in found for number in group.numbers] == bytewise.encode(text).tolist()
    assert sum(size for group in found for size in group.sizes) == len(text.encode("utf-8", "surrogatepass"))


def test_a_token_over_several_characters_is_one_group(bytewise: Tokenizer) -> None:
    assert [group.numbers for group in groups(bytewise, "abab")] == [(256,), (256,)]


def test_the_tokens_view(bytewise: Tokenizer) -> None:
    assert tokens_view(bytewise, "ab🌍", colour=False).splitlines() == [
        "ab|🌍",
        "",
        "4 tokens, 3 characters, 6 bytes, 1.50 bytes a token",
        "          256      2  ab",
        "  257 140 141  2 1 1  🌍",
    ]
    painted = tokens_view(bytewise, "ab\nc", colour=True).split("\n\n")[0]
    assert painted.count("\x1b[48;5;") == painted.count("\x1b[0m") == 3
    assert painted.count("\n") == 1
    assert tokens_view(bytewise, "", colour=True).splitlines()[2] == "0 tokens, 0 characters, 0 bytes"


def test_the_command(bateia: Call, tmp_path: Path) -> None:
    from transforms.steps.tokens.train_bpe import train_bpe

    (tmp_path / "tokenizer.json").write_text(train_bpe(["one two three " * 50], 280))
    ended = bateia("tokens", "one two", "--tokenizer", tmp_path)
    assert (ended.returncode, ended.stdout.splitlines()[0].replace("|", "")) == (0, "one·two")
    for stdin, code in ((b"one", 0), (b"\xff", 2)):
        with mock.patch.object(sys, "stdin", mock.Mock(buffer=io.BytesIO(stdin))):
            assert bateia("tokens", "-", "--tokenizer", tmp_path).returncode == code
    ended = bateia("tokens", "one", "--tokenizer", tmp_path / "none")
    assert ended.returncode == 2
    assert "does not exist; give a tokenizer.json" in ended.stderr
