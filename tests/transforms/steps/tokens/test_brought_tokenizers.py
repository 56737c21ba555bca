"""Tokenizers of other makers count as their libraries do, and a file that is none is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from transforms.steps.tokens.tokenizer import load_tokenizer

WORDS = ("one", "two", "three")


@pytest.fixture(scope="module")
def tokenizer_json(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Words between spaces, with a special token put in front, and cut after two tokens."""
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {word: place for place, word in enumerate(("<unk>", "<s>", *WORDS))}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["<s>"])
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.enable_truncation(2)
    path = tmp_path_factory.mktemp("json") / "tokenizer.json"
    tokenizer.save(str(path))
    return str(path)


@pytest.fixture(scope="module")
def sentencepiece_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One token for each word that it knows."""
    sentencepiece = pytest.importorskip("sentencepiece")
    prefix = tmp_path_factory.mktemp("model") / "tiny"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["one two three"] * 50),
        model_prefix=str(prefix),
        model_type="word",
        vocab_size=6,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return f"{prefix}.model"


TEXTS = [("", 0), (" \n", 0), ("one", 1), ("one two  three", 3), ("one two three " * 1_000, 3_000), ("one unheard", 2)]


@pytest.mark.parametrize(("text", "count"), TEXTS)
def test_a_tokenizer_json_counts(tokenizer_json: str, text: str, count: int) -> None:
    """Without special tokens, and though the file says to cut."""
    assert len(load_tokenizer(tokenizer_json).encode(text)) == count


@pytest.mark.parametrize(("text", "count"), TEXTS)
def test_a_sentencepiece_model_counts(sentencepiece_model: str, text: str, count: int) -> None:
    assert len(load_tokenizer(sentencepiece_model).encode(text)) == count


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("absent.json", None, "does not exist; give a tokenizer.json, a SentencePiece"),
        ("absent.model", None, "does not exist; give a tokenizer.json, a SentencePiece"),
        ("folder.json", "folder", "holds neither tokenizer.model nor tokenizer.json"),
        ("empty.json", b"", "is no tokenizer.json"),
        ("other.json", json.dumps({"version": "1.0"}).encode(), "is no tokenizer.json"),
        ("binary.json", b"\x00\xff\xfe", "is no tokenizer.json"),
        ("no_ending", b"\x00", "is no tokenizer.json"),
        ("empty.model", b"", "is no SentencePiece model"),
        ("text.model", b"no protocol buffer at all", "is no SentencePiece model"),
    ],
)
def test_what_is_no_tokenizer_is_named(tmp_path: Path, name: str, content: bytes | str | None, remedy: str) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.mkdir()
    with pytest.raises(ValueError) as raised:
        load_tokenizer(str(path))
    assert str(path) in str(raised.value)
    assert remedy in str(raised.value)
    assert "give" in str(raised.value)
