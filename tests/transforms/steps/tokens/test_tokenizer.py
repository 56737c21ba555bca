"""Tokenizers by whichever library: the same numbers as the library alone, every text back, hostile names no special."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from tokenizers import Tokenizer as Library

from schemas.special_tokens import SPECIAL
from support.paths import ARTICLES
from transforms.steps.tokens import memory as chunk_memory
from transforms.steps.tokens.export import to_tokenizer_json
from transforms.steps.tokens.memory import LONGEST_CHUNK, ChunkMemory, crosses
from transforms.steps.tokens.tokenizer import Tokenizer, dtype_for, load_tokenizer
from transforms.steps.tokens.tokenizer_files import JSON, MODEL
from transforms.steps.tokens.train_bpe import SMALLEST, train_bpe
from transforms.steps.tokens.train_sentencepiece import train_sentencepiece

ODD = (
    "Hello  world",
    "  lead and tail  ",
    "▁x ▁ ▁▁",
    "\x00 \x01 a\x01 \x1c \x85 \u2028 \ufeff",
    "a\nb\n\n\r\n\t\t x\n \n  y",
    "<s> </s> <|user|> <0x41> <unk> <pad>",
    "Olá, 🌍 tokens 👩‍👩‍👧 e\u0301 １２３ 日本語 الله",
    "It's we'LL 2024 12345 3.14 0x1F --- !!!\n\n",
    "",
    " ",
    "x" * 300,
)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [path.read_text() for path in sorted(ARTICLES.glob("*.md"))]


@pytest.fixture(scope="module")
def folder(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SentencePiece model in a/, its tokenizer.json in b/, byte-level BPE in c/."""
    found = tmp_path_factory.mktemp("tokenizers")
    for name in "abc":
        (found / name).mkdir()
    model = train_sentencepiece(texts, 2000)
    (found / "a" / MODEL).write_bytes(model)
    (found / "b" / JSON).write_text(to_tokenizer_json(model))
    (found / "c" / JSON).write_text(train_bpe(texts, 2000))
    return found


def read_model(path: Path) -> Any:
    library: Any = SentencePieceProcessor  # the stubs know nothing of its arguments
    return library(model_file=str(path))


def tried(texts: list[str]) -> list[str]:
    draw = random.Random(4)
    ranges = ((0, 0x7F), (0x80, 0x3000), (0xE000, 0x10FFFF), (32, 32), (10, 10))
    made = ["".join(chr(draw.randint(*draw.choice(ranges))) for _ in range(draw.randint(0, 30))) for _ in range(1500)]
    gaps = [
        "".join(draw.choice(" \n\t\r\xa0\x1c\u2028ab.1'\x00") for _ in range(draw.randint(0, 25))) for _ in range(3000)
    ]
    words = ["".join(draw.choices("abe.!1'é\n ", k=draw.randint(1, 40))) for _ in range(3000)]  # few spaces together
    return [*ODD, *made, *gaps, *words, *(story for text in texts for story in text.split("\n# "))]


@pytest.mark.slow
@pytest.mark.parametrize("name, engine", [("a", "sentencepiece"), ("b", "tokenizers"), ("c", "tiktoken")])
def test_every_text_comes_back(folder: Path, texts: list[str], name: str, engine: str) -> None:
    tokenizer = load_tokenizer(str(folder / name))
    assert (tokenizer.engine, tokenizer.size, tokenizer.dtype) == (engine, 2000, np.dtype("<u2"))
    assert tokenizer.specials == {piece: number for number, piece in enumerate(SPECIAL)}
    for text in tried(texts):
        numbers = tokenizer.encode(text)
        assert tokenizer.decode(numbers) == text
        assert numbers.dtype == tokenizer.dtype
        assert not len(numbers) or numbers.min() >= len(SPECIAL), text
        assert tokenizer.token_bytes[numbers].sum() == len(text.encode())


@pytest.mark.slow
def test_the_numbers_are_the_librarys(folder: Path, texts: list[str]) -> None:
    processor = read_model(folder / "a" / MODEL)
    library: Any = Library.from_file(str(folder / "c" / JSON))
    library.encode_special_tokens = True
    by_name = {name: load_tokenizer(str(folder / name)) for name in "abc"}
    for _ in range(2):  # the second time from memory
        for text in tried(texts):
            assert by_name["a"].encode(text).tolist() == processor.encode(text), text
            assert by_name["b"].encode(text).tolist() == processor.encode(text), text
            assert by_name["c"].encode(text).tolist() == library.encode(text, add_special_tokens=False).ids, text


def test_any_numbers_are_decoded(folder: Path) -> None:
    draw = random.Random(5)
    for name in "abc":
        tokenizer = load_tokenizer(str(folder / name))
        for _ in range(200):
            numbers = [draw.randrange(tokenizer.size) for _ in range(20)]
            raw = b"".join(tokenizer.pieces[number] for number in numbers)
            assert tokenizer.decode(numbers) == raw.decode("utf-8", "replace")


def test_equal_texts_give_equal_tokenizers(folder: Path, texts: list[str]) -> None:
    assert train_bpe(iter(texts), 2000) == (folder / "c" / JSON).read_text()


# --- Memory -----------------------------------------------------------------------------------------------------------


def test_forgetting_changes_nothing(folder: Path, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    before = [load_tokenizer(str(folder / "a")).encode(text).tolist() for text in texts]
    monkeypatch.setattr(chunk_memory, "MEMORY_BYTES", 10_000)
    tokenizer = load_tokenizer(str(folder / "a"))
    assert isinstance(tokenizer.encode, ChunkMemory)
    assert [tokenizer.encode(text).tolist() for text in texts] == before
    for memory in (tokenizer.encode._by_key, tokenizer.encode._by_chunk):
        assert memory._size <= 10_000
    seen = {key for text in texts for key in text.split()}
    assert len(tokenizer.encode._by_key) + len(tokenizer.encode._by_key._last) < len(seen)


@pytest.mark.slow
def test_endless_white_space_is_encoded_as_the_split_says(folder: Path) -> None:
    tokenizer = load_tokenizer(str(folder / "c"))
    library: Any = Library.from_file(str(folder / "c" / JSON))
    for run in (" " * 120_000, "\t" * 110_000, " \n" * 60_000, "\n" * 99_999 + "  ", "\u00a0" * 100_001):
        for text in (run, f"{run}x", f"a.{run}b", f"1{run}é"):
            assert tokenizer.encode(text).tolist() == library.encode(text, add_special_tokens=False).ids
    for run in (" " * 1_200_000, "\n" * 1_100_000):  # tiktoken panics
        assert tokenizer.decode(tokenizer.encode(f"a{run}b")) == f"a{run}b"


@pytest.mark.parametrize(
    "text, chunks",
    [
        ("a b\nc", ["a", " b", "\n", "c"]),
        ("a b\nc  d", ["a", " b", "\n", "c", "  d"]),
        ("a\n b \x00", ["a", "\n", " b", " \x00"]),
        ("x" * (LONGEST_CHUNK - 1) + " y", ["x" * (LONGEST_CHUNK - 1), " y"]),  # its key has BARE before it
        ("x" * (LONGEST_CHUNK + 1) + " y", ["x" * (LONGEST_CHUNK + 1), " y"]),
    ],
)
def test_chunks_are_remembered(text: str, chunks: list[str]) -> None:
    asked: list[str] = []

    def encode(chunk: str) -> list[int]:
        asked.append(chunk)
        return [70_000 + len(chunk)] if chunk else []

    memory = ChunkMemory(encode, np.dtype("<u4"))
    assert memory(text).tolist() == [70_000 + len(chunk) for chunk in chunks]
    asked.clear()
    assert memory(text).tolist() == [70_000 + len(chunk) for chunk in chunks]
    assert asked == [chunk for chunk in chunks if len(chunk) > LONGEST_CHUNK]


@pytest.mark.parametrize(
    "piece, does",
    [(" the", False), ("  ", False), ("the", False), ("a b", True), ("the ", True), (".\n", True), ("▁a▁", True)],
)
def test_pieces_that_cross(piece: str, does: bool) -> None:
    assert crosses(piece) == does


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"split_by_whitespace": False},  # pieces of several words
        {"add_dummy_prefix": True},  # as Llama 2 has it
        {"normalization_rule_name": "nmt_nfkc"},
        {"treat_whitespace_as_suffix": True},
        {"byte_fallback": False},  # unknown characters beside each other are one token
    ],
)
def test_models_of_other_rules_are_asked_about_whole_texts(texts: list[str], tmp_path: Path, options: dict) -> None:
    model = io.BytesIO()
    lines = iter([line for text in texts for line in text.split("\n")])
    settings: Any = {"add_dummy_prefix": False, "remove_extra_whitespaces": False, "byte_fallback": True}
    settings |= {"normalization_rule_name": "identity", "model_type": "bpe", "vocab_size": 1500, "minloglevel": 2}
    trainer: Any = SentencePieceTrainer
    trainer.train(sentence_iterator=lines, model_writer=model, **settings | options)
    (tmp_path / "other.model").write_bytes(model.getvalue())
    tokenizer = load_tokenizer(str(tmp_path / "other.model"))
    processor = read_model(tmp_path / "other.model")
    assert not isinstance(tokenizer.encode, ChunkMemory)
    for text in [*ODD, *texts]:
        assert tokenizer.encode(text).tolist() == processor.encode(text)


# --- Refusals ---------------------------------------------------------------------------------------------------------


def test_what_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.model").write_bytes(b"no model")
    (tmp_path / "x.json").write_bytes(b"\xff{")
    (tmp_path / "empty").mkdir()
    for name, said in (
        ("none.json", "does not exist; give a tokenizer.json"),
        ("x.model", "is no SentencePiece model"),
        ("x.json", "is no tokenizer.json"),
        ("empty", f"holds neither {MODEL} nor {JSON}"),
    ):
        with pytest.raises(ValueError, match=said) as caught:
            load_tokenizer(str(tmp_path / name))
        assert name in str(caught.value)


@pytest.mark.parametrize("size, said", [(SMALLEST, "can't hold"), (90_000, r"take at most \d+")])
def test_an_impossible_vocabulary_is_refused(texts: list[str], size: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        train_bpe(texts[:1], size)


@pytest.mark.parametrize("size, dtype", [(65_536, "<u2"), (65_537, "<u4")])
def test_width_of_numbers(size: int, dtype: str) -> None:
    assert dtype_for(size) == np.dtype(dtype)
    assert Tokenizer(lambda text: np.zeros(0), (b"",) * size, {}, "", "").dtype == np.dtype(dtype)
