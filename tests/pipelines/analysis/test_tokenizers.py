"""`bateia tokenizer report`: numbers that can be counted by hand, a picture that is safe, and refusals."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipelines.analysis.tokenizers import is_part, measure, to_text
from pipelines.reports.tokenizers import Counts, Entry, named, render_page
from support.pages import Strict
from transforms.steps.tokens.export import to_tokenizer_json
from transforms.steps.tokens.tokenizer import Tokenizer
from transforms.steps.tokens.train_bpe import train_bpe
from transforms.steps.tokens.train_sentencepiece import train_sentencepiece

Call = Callable[..., subprocess.CompletedProcess[str]]
TEXTS = {"en": ["the pan washes gold", "gold and gravel, gravel and gold"], "pt": ["a bateia lava o ouro, não a água"]}


@pytest.fixture(scope="module")
def folder(make_documents: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """documents/ with 3 texts, both/ with a model and its tokenizer.json, bpe/ with a tokenizer.json."""
    found = tmp_path_factory.mktemp("report")
    rows = [
        {"id": f"{language}{at}", "text": text, "language": language}
        for language, texts in TEXTS.items()
        for at, text in enumerate(texts)
    ]
    make_documents(found / "documents", rows)
    texts = [text for texts in TEXTS.values() for text in texts] * 20
    for name in ("both", "bpe", "differ"):
        (found / name).mkdir()
    model = train_sentencepiece(texts, 320)
    (found / "both" / "tokenizer.model").write_bytes(model)
    (found / "both" / "tokenizer.json").write_text(to_tokenizer_json(model))
    (found / "bpe" / "tokenizer.json").write_text(train_bpe(texts, 300))
    (found / "differ" / "tokenizer.model").write_bytes(model)
    (found / "differ" / "tokenizer.json").write_text(train_bpe(texts, 300))
    return found


def bytewise(space_first: bool = False) -> Tokenizer:
    """A token for each byte; 0 is unknown; 256 is " ab", 257 the first two bytes of á and no more."""
    pieces = (b"", *(bytes([byte]) for byte in range(1, 256)), b" ab", "á".encode())

    def encode(text: str) -> np.ndarray:
        data = (" " if space_first else "").encode() + text.encode()
        return np.array([256] if data == b" ab" else list(data), "<u2")

    return Tokenizer(encode, pieces, {"<unk>": 0}, "test", "", b" " if space_first else b"")


def test_counts_by_hand() -> None:
    counts = measure(bytewise(), ["ab á", "x \x00"])
    assert counts == Counts(
        documents=2,
        bytes=8,
        characters=7,
        words=4,  # ab, á, x, NUL
        whole_words=3,  # " ab", "x", NUL
        tokens=8,
        part_tokens=2,
        unknown_tokens=1,
        lost=1,  # NUL becomes nothing
        seconds=counts.seconds,
    )
    assert counts.ratios["tokens_per_word"] == 2
    assert counts.ratios["unknown_tokens"] == 1 / 8
    assert set(Counts().ratios.values()) == {None}
    assert (Counts(tokens=1) + Counts(tokens=2, lost=1)) == Counts(tokens=3, lost=1)


def test_a_space_that_a_model_puts_before_every_text_is_no_loss() -> None:
    assert measure(bytewise(space_first=True), ["ab", " x"]).lost == 0


@pytest.mark.parametrize(
    "piece, part",
    [(b"a", False), (b"", False), (b"\xc3", True), ("á".encode(), False), (b"\xa1x", False), (b"\xf0\x9f\x8c", True)],
)
def test_parts_of_characters(piece: bytes, part: bool) -> None:
    assert is_part(piece) == part


def test_names_are_short_where_they_can_be() -> None:
    assert named(["a/one", "b/one", "c/two", "."]) == {"a/one": "a/one", "b/one": "b/one", "two": "c/two", ".": "."}


def test_the_command(folder: Path, bateia: Call, tmp_path: Path) -> None:
    page, numbers = tmp_path / "new" / "page.html", tmp_path / "numbers.json"
    arguments = ("--input", folder / "documents", "--tokenizer", folder / "both", folder / "bpe")
    ended = bateia("tokenizer", "report", *arguments, "--output", page, "--json", numbers)
    assert ended.returncode == 0, ended.stderr
    head, *rows, parity, last = ended.stdout.splitlines()
    assert last == f"open {page} in a browser; it needs no network"
    assert head.split()[:4] == ["language", "tokenizer", "documents", "bytes/token"]
    assert [row.split()[:2] for row in rows[::2]] == [["en", "both"], ["pt", "both"], ["all", "both"]]
    assert parity == "both: tokenizer.model and tokenizer.json differ on 0 of 3 documents"
    told = json.loads(numbers.read_text())
    assert [entry["differing"] for entry in told["tokenizers"]] == [0, None]
    for entry in told["tokenizers"]:
        whole = entry["languages"]["all"]["counts"]
        assert whole["documents"] == 3 and whole["lost"] == whole["unknown_tokens"] == 0
        assert whole["bytes"] == sum(len(text.encode()) for texts in TEXTS.values() for text in texts)
        assert (
            whole["tokens"]
            == entry["languages"]["en"]["counts"]["tokens"] + entry["languages"]["pt"]["counts"]["tokens"]
        )
    assert "<svg" in page.read_text()


def test_files_that_differ_are_told(folder: Path, bateia: Call, tmp_path: Path) -> None:
    arguments = ("--input", folder / "documents", "--tokenizer", folder / "differ", "--output", tmp_path / "page.html")
    ended = bateia("tokenizer", "report", *arguments)
    assert "differ: tokenizer.model and tokenizer.json differ on 3 of 3 documents" in ended.stdout
    assert "Please note" in (tmp_path / "page.html").read_text()


def test_refusals(folder: Path, bateia: Call, tmp_path: Path, make_documents: Callable[..., Path]) -> None:
    make_documents(tmp_path / "empty", [])
    (tmp_path / "x.json").write_text("{}")
    for given, tokenizers, options, said in (
        ("documents", ["none"], (), "does not exist; give a tokenizer.json"),
        ("documents", ["bpe", "bpe"], (), "names a tokenizer twice"),
        ("documents", [tmp_path / "x.json"], (), "x.json is no tokenizer.json"),
        ("bpe", ["bpe"], (), "has no manifest.json"),
        (tmp_path / "empty", ["bpe"], (), "holds no document"),
        ("documents", ["bpe"], ("--sample-mb", 0), ""),
        ("documents", ["bpe"], ("--output", tmp_path), "can't be written"),
    ):
        paths = [folder / name for name in tokenizers]
        ended = bateia("tokenizer", "report", "--input", folder / given, "--tokenizer", *paths, *options)
        assert ended.returncode == 2, (said, ended.stdout)
        assert said in ended.stderr.splitlines()[-1]


# --- The picture ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 9])
def test_the_page_is_safe(count: int) -> None:
    hostile = "</td><script>alert(1)</script>\"'\u202e{title}"
    counts = Counts(1, 10, 10, 2, 1, 4, 0, 0, 1, 0.1)
    languages = {hostile: counts, "zz": Counts(documents=1)}
    entries = [Entry(f"{hostile}{at}", "test", 10, "ab", languages, at or None) for at in range(count)]
    page = render_page(entries)
    Strict(page)
    assert "\u202e" not in page and "alert(1)" in page
    assert "http" not in page.replace("http-equiv", "")
    assert to_text(entries).splitlines()[0].startswith("language")


def test_fewest_tokens_come_first_in_words() -> None:
    entries = [
        Entry("more", "test", 10, "", {"en": Counts(1, 100, 100, 10, 1, 50)}, None),
        Entry("fewer", "test", 10, "", {"en": Counts(1, 100, 100, 10, 1, 40)}, None),
    ]
    assert "<b>fewer</b> takes the fewest tokens, 40: 20.0\u00a0% fewer than more." in render_page(entries)
