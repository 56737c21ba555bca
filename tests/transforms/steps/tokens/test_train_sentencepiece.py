"""A tokenizer that gives back every text, and its tokenizer.json, which gives the same numbers."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer

from schemas.special_tokens import BEGIN, PAD, SPECIAL
from support.paths import ARTICLES, CORPUS
from transforms.steps.tokens.export import (
    merges_of,
    mismatches,
    read_pieces,
    to_tokenizer_json,
    token_bytes,
    tokenizer_config,
)
from transforms.steps.tokens.train_sentencepiece import SMALLEST, SPACE, split_lines, train_sentencepiece

# First and last letters of scripts: what a text in none of the training's languages is made of.
SCRIPTS = {
    "Greek": "αω",
    "Cyrillic": "ая",
    "Hebrew": "את",
    "Arabic": "بي",
    "Devanagari": "अह",
    "Thai": "กฮ",
    "Han": "一龥",
    "Hangul": "가힣",
    "Kana": "あん",
    "emoji": "🌀🙏",
}
ODD = (
    "Hello  world",
    "  lead and tail  ",
    f"{SPACE}x {SPACE} {SPACE}{SPACE}",
    "\x00 \x01 a\x01 \x1c \x85 \u2028 \ufeff",
    "a\nb\n\n\r\n\t\t x",
    "<s> </s> <|user|> <0x41> <unk> <pad>",
    "Olá, 🌍 tokens 👩‍👩‍👧 e\u0301 １２３",
    "2024 12345 3.14 0x1F",
    "",
    " ",
)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """The sample's articles, in five languages."""
    return [path.read_text() for path in sorted(ARTICLES.glob("*.md"))]


@pytest.fixture(scope="module")
def model(texts: list[str]) -> bytes:
    return train_sentencepiece(texts, 2000)


@pytest.fixture(scope="module")
def processor(model: bytes) -> Any:
    found = SentencePieceProcessor()
    found.LoadFromSerializedProto(model)
    return found


def made_up(draw: random.Random, count: int) -> list[str]:
    """Texts in ten scripts with spaces, new lines, digits and pieces of other scripts among them."""
    found = []
    for number in range(count):
        first, last = map(ord, list(SCRIPTS.values())[number % len(SCRIPTS)])
        letters = [chr(draw.randint(first, last)) for _ in range(draw.randint(1, 60))]
        found.append(
            "".join(
                draw.choice([letter, letter, f" {letter}", f"{letter}7", f"\n{letter}e ", SPACE]) for letter in letters
            )
        )
    return found


def test_equal_texts_give_equal_bytes(texts: list[str], model: bytes) -> None:
    assert train_sentencepiece(iter(texts), 2000) == model


def test_the_vocabulary_is_laid_out(model: bytes, processor: Any) -> None:
    assert processor.get_piece_size() == 2000
    assert tuple(processor.id_to_piece(number) for number in range(len(SPECIAL))) == SPECIAL
    assert (processor.bos_id(), processor.eos_id(), processor.pad_id()) == (1, 2, 3)
    pieces = [item.piece for item in read_pieces(model)]
    assert pieces[len(SPECIAL) : SMALLEST] == [f"<0x{byte:02X}>" for byte in range(256)]
    learnt = pieces[SMALLEST:]
    assert " the" in learnt
    assert not any(SPACE in piece or "\n" in piece for piece in learnt)
    assert not any(len(piece) > 1 and any(char.isdigit() for char in piece) for piece in learnt)


@pytest.mark.parametrize("text", ODD)
def test_every_text_comes_back(processor: Any, text: str) -> None:
    numbers = processor.encode(text)
    assert processor.decode(numbers) == text
    assert not {number for number in numbers if number < len(SPECIAL)}


def test_random_text_comes_back(processor: Any) -> None:
    draw = random.Random(1)
    ranges = ((0, 0x7F), (0x80, 0x3000), (0x3000, 0xD7FF), (0xE000, 0x10FFFF), (0x2581, 0x2581), (32, 32))
    for _ in range(3000):
        text = "".join(chr(draw.randint(*draw.choice(ranges))) for _ in range(draw.randint(0, 20)))
        assert processor.decode(processor.encode(text)) == text


def test_tokenizer_json_gives_the_same_numbers(model: bytes, texts: list[str]) -> None:
    stories = [story for text in texts for story in text.split("\n# ")]
    tried = [*stories, *ODD, *made_up(random.Random(2), 1000)]
    assert len(tried) > 1100
    assert list(mismatches(model, to_tokenizer_json(model), tried)) == []


@pytest.mark.slow
def test_tokenizer_json_gives_the_same_numbers_on_the_web(model: bytes) -> None:
    gold = CORPUS / "public" / "gold.jsonl"
    if not gold.exists():
        pytest.skip(f"needs {gold}, texts of real pages")
    rows = [json.loads(line) for line in gold.read_text().split("\n") if line]
    pages = [value for row in rows for value in row.values() if isinstance(value, str) and len(value) > 200]
    assert len(pages) > 1000
    assert list(mismatches(model, to_tokenizer_json(model), pages)) == []


def test_a_difference_is_told(model: bytes) -> None:
    wrong = json.loads(to_tokenizer_json(model))
    wrong["model"]["merges"] = wrong["model"]["merges"][50:]
    [told] = mismatches(model, json.dumps(wrong), ["and the other"])
    assert told.startswith("'and the other': token 0 is [")


def test_merges_prefer_what_was_learnt_first(model: bytes) -> None:
    merges = merges_of(read_pieces(model))
    assert len(merges[0][0] + merges[0][1]) == 2
    made = {left + right for left, right in merges}
    assert {item.piece for item in read_pieces(model) if item.type == 1 and len(item.piece) > 1} <= made


def test_bytes_of_tokens_add_up(model: bytes, processor: Any) -> None:
    lengths = token_bytes(model)
    assert lengths[: len(SPECIAL)].tolist() == [0] * len(SPECIAL)
    for text in (*ODD, *made_up(random.Random(3), 50)):
        assert lengths[processor.encode(text)].sum() == len(text.encode())


def test_transformers_reads_what_lies_beside(model: bytes) -> None:
    tokenizer = Tokenizer.from_str(to_tokenizer_json(model))
    assert tokenizer.encode("a").ids[0] == tokenizer.token_to_id(BEGIN) == 1
    assert tokenizer_config(1024)["model_max_length"] == 1024
    assert tokenizer_config()["pad_token"] == PAD


@pytest.mark.parametrize("size, said", [(SMALLEST, "can't hold"), (30_000, r"take at most \d+, or a larger sample")])
def test_an_impossible_vocabulary_is_refused(texts: list[str], size: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        train_sentencepiece(texts[:1], size)


def test_long_lines_are_cut_and_spaces_of_others_replaced() -> None:
    assert list(split_lines(["a\n" + "b" * 5000, f"c{SPACE}d"])) == ["a", "b" * 4096, "b" * 904, "c d"]
