"""Tokenizers as other makers write them: their formats, prefixes, gaps in the numbers, names of special tokens."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.faults import BadInput
from transforms.steps.tokens.encode import special_token_ids
from transforms.steps.tokens.export import mismatches, to_tokenizer_json
from transforms.steps.tokens.graphemes import groups
from transforms.steps.tokens.tokenizer import MOST_TOKENS, byte_letters, load_tokenizer, model_kind

LINES = ["the pan washes gold out of the river", "the river carries sand and gold to the pan", "Ouro no rio, olá!"] * 30
TEXTS = ["the gold", " the  gold ", "\n\nnew\nlines\n", "é 🌍 e\u0301", "x", " "]


def byte_level(**changes: Any) -> dict[str, Any]:
    """A byte-level BPE of the bytes, "th" and "the", as GPT-2's tokenizer.json has it."""
    vocabulary = {letter: number for number, letter in enumerate(byte_letters().values())} | {"th": 256, "the": 257}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {"type": "BPE", "vocab": vocabulary, "merges": ["t h", "th e"]}
    parts = {"pre_tokenizer": level, "decoder": level, "post_processor": None, "normalizer": None}
    return {"version": "1.0", "added_tokens": [special(258, "<|endoftext|>")], **parts, "model": model, **changes}


def special(number: int, name: str, **changes: Any) -> dict[str, Any]:
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": name, "special": True, **plain, **changes}


def write(folder: Path, rules: dict[str, Any], **files: Any) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(rules))
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return str(folder)


def sentencepiece(**options: Any) -> bytes:
    from sentencepiece import SentencePieceTrainer

    model, trainer = io.BytesIO(), SentencePieceTrainer
    given: Any = {
        **{"model_type": "bpe", "vocab_size": 320, "byte_fallback": True, "normalization_rule_name": "identity"},
        **{"remove_extra_whitespaces": False, "add_dummy_prefix": False, "minloglevel": 2, **options},
    }
    trainer.train(sentence_iterator=iter(LINES), model_writer=model, **given)  # pyright: ignore
    return model.getvalue()


GEMMA = {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3, "bos_piece": "<bos>", "eos_piece": "<eos>"}
OWN_NAMES = {"bos_piece": "[START]", "eos_piece": "[STOP]", "unk_piece": "[WHAT]"}
KINDS = [{}, GEMMA, {"add_dummy_prefix": True}, OWN_NAMES, {"user_defined_symbols": ["\n\n", "<turn>"]}]


@pytest.mark.parametrize("options", KINDS)
def test_a_sentencepiece_model_is_used_as_it_says(tmp_path: Path, options: dict[str, Any]) -> None:
    """Its prefix, its escape, its names: the tokenizer.json made of it encodes alike, and every text comes back."""
    model = sentencepiece(**options)
    (tmp_path / "tokenizer.model").write_bytes(model)
    tokenizer = load_tokenizer(str(tmp_path))
    exported = to_tokenizer_json(model)
    assert not list(mismatches(model, exported, [*LINES[:3], *TEXTS]))
    assert [tokenizer.decode(tokenizer.encode(text)) for text in TEXTS] == TEXTS
    begin, end = options.get("bos_piece", "<s>"), options.get("eos_piece", "</s>")
    numbers = special_token_ids(tokenizer)
    assert (numbers.bos, numbers.eos) == (tokenizer.specials[begin], tokenizer.specials[end])
    other = write(tmp_path / "json", json.loads(exported))
    assert special_token_ids(load_tokenizer(other)).bos == numbers.bos
    for text in TEXTS:
        shown = list(groups(tokenizer, text))
        assert "".join(group.text for group in shown) == text
        assert sum(sum(group.sizes) for group in shown) == len(text.encode())


def test_borders_of_tokens_are_not_moved_by_a_prefix(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(sentencepiece(add_dummy_prefix=True))
    shown = [group.text for group in groups(load_tokenizer(str(tmp_path)), "the gold")]
    assert shown == ["the", " gold"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"model_type": "unigram", "vocab_size": 286}, "Unigram"),
        ({"normalization_rule_name": "nmt_nfkc"}, "alters text"),
        ({"remove_extra_whitespaces": True}, "alters text"),
        ({"byte_fallback": False, "vocab_size": 60}, "byte fallback"),
    ],
)
def test_a_model_that_loses_text_is_not_written_as_one_that_keeps_it(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        to_tokenizer_json(sentencepiece(**options))


def older(rules: dict[str, Any]) -> dict[str, Any]:
    """Without the type of the model and the fields that tokenizers 0.9 did not write."""
    model = {key: value for key, value in rules["model"].items() if key != "type"}
    level = {key: value for key, value in rules["pre_tokenizer"].items() if key != "use_regex"}
    return {**rules, "model": model, "pre_tokenizer": level, "decoder": level}


@pytest.mark.parametrize("change", [older, lambda rules: {key: rules[key] for key in rules if rules[key] is not None}])
def test_an_older_file_reads_as_the_library_reads_it(tmp_path: Path, change: Any) -> None:
    now, before = (
        load_tokenizer(write(tmp_path / name, rules))
        for name, rules in (("now", byte_level()), ("before", change(byte_level())))
    )
    assert now.encode("the pan é").tolist() == before.encode("the pan é").tolist()
    assert before.decode(before.encode("the pan é")) == "the pan é"


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ({"type": "BPE"}, "BPE"),
        ({"vocab": {}, "merges": []}, "BPE"),
        ({"vocab": [["a", 0.0]]}, "Unigram"),
        ({"vocab": {}, "continuing_subword_prefix": "##"}, "WordPiece"),
        ({"vocab": {}, "unk_token": "?"}, "WordLevel"),
    ],
)
def test_the_kind_of_a_model(model: dict[str, Any], kind: str) -> None:
    assert model_kind({"model": model}) == kind


def test_the_vocabulary_reaches_to_its_largest_number(tmp_path: Path) -> None:
    rules = byte_level()
    rules["model"]["vocab"]["the"] = 270  # 257 to 269 are nobody's, and <|endoftext|> comes behind
    rules["model"]["vocab"]["<|endoftext|>"] = 300
    rules["added_tokens"] = [special(300, "<|endoftext|>")]
    tokenizer = load_tokenizer(write(tmp_path, rules))
    assert tokenizer.size == 301 == len(tokenizer.token_bytes)
    assert tokenizer.encode("the").tolist() == [270]
    assert special_token_ids(tokenizer).bos == 300


def test_two_tokens_of_one_number_are_named(tmp_path: Path) -> None:
    """The library gives an added token the number behind so many tokens, which a gap has left to another."""
    rules = byte_level()
    rules["model"]["vocab"]["the"] = 258
    with pytest.raises(BadInput, match="are both number 258"):
        load_tokenizer(write(tmp_path, rules))


@pytest.mark.parametrize(("number", "fine"), [(MOST_TOKENS - 1, True), (MOST_TOKENS, False)])
def test_a_number_that_no_vocabulary_has_is_named(tmp_path: Path, number: int, fine: bool) -> None:
    rules = byte_level()
    rules["model"]["vocab"]["the"] = number
    path = write(tmp_path, rules)
    if fine:
        assert load_tokenizer(path).size == number + 1
        return
    with pytest.raises(BadInput, match=f"'the'|{number:,}"):
        load_tokenizer(path)


def test_an_added_token_in_text_is_its_own_bytes(tmp_path: Path) -> None:
    """Byte-level letters do not spell it: "éé" would else be two single bytes."""
    rules = byte_level(added_tokens=[special(258, "<|endoftext|>"), special(259, "éé", special=False)])
    tokenizer = load_tokenizer(write(tmp_path, rules))
    assert tokenizer.encode("éé").tolist() == [259]
    assert tokenizer.decode([259]) == "éé"


RANKS = b"".join(base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256))


@pytest.mark.parametrize("name", ["tokenizer.model", "cl100k_base.tiktoken"])
def test_tiktoken_s_format_is_named_and_the_json_beside_it_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(RANKS)
    with pytest.raises(BadInput, match=r"tiktoken's format.*put the tokenizer.json"):
        load_tokenizer(str(tmp_path / name))
    write(tmp_path, byte_level())
    for path in (tmp_path, tmp_path / name):
        assert load_tokenizer(str(path)).encode("the").tolist() == [257]


@pytest.mark.parametrize(
    ("files", "rules", "names"),
    [
        ({}, {}, ("<|endoftext|>", "<|endoftext|>", None)),
        ({"tokenizer_config": {"bos_token": "<go>"}}, {}, ("<go>", "<|endoftext|>", None)),
        ({"tokenizer_config": {"bos_token": {"content": "<go>"}, "eos_token": "<go>"}}, {}, ("<go>", "<go>", None)),
        ({"tokenizer_config": {"pad_token": "<|endoftext|>"}}, {}, ("<|endoftext|>", "<|endoftext|>", None)),
        ({"tokenizer_config": {"pad_token": "<go>"}}, {}, ("<|endoftext|>", "<|endoftext|>", "<go>")),
        ({"tokenizer_config": {"bos_token": "<absent>"}}, {}, ("<|endoftext|>", "<|endoftext|>", None)),
        (
            {},
            {"post_processor": {"type": "BertProcessing", "cls": ["<go>", 259], "sep": ["<|endoftext|>", 258]}},
            ("<go>", "<|endoftext|>", None),
        ),
    ],
)
def test_special_tokens_are_those_that_the_makers_name(
    tmp_path: Path, files: dict[str, Any], rules: dict[str, Any], names: tuple[str, str, str | None]
) -> None:
    added = [special(258, "<|endoftext|>"), special(259, "<go>")]
    tokenizer = load_tokenizer(write(tmp_path, byte_level(added_tokens=added, **rules), **files))
    numbers = special_token_ids(tokenizer)
    assert (numbers.bos, numbers.eos, numbers.pad) == tuple(tokenizer.specials.get(name or "") for name in names)


def test_a_config_that_is_none_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, byte_level())
    (tmp_path / "tokenizer_config.json").write_text("[1]")
    with pytest.raises(BadInput, match=r"tokenizer_config\.json"):
        load_tokenizer(path)
