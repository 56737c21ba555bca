"""A SentencePiece BPE model as a Hugging Face tokenizer.json, and the proof that both give the same numbers.

Conversions are known to differ (transformers issue 25316, tokenizers issue 1682), so none is trusted untested.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from schemas.special_tokens import BEGIN, END, PAD, UNKNOWN
from transforms.steps.tokens.train_sentencepiece import SPACE, parse

NORMAL, UNKNOWN_TYPE, IN_TEXT, BYTE = 1, 2, 4, 6  # types of pieces in sentencepiece_model.proto; 4: user-defined


def read_pieces(model: bytes) -> list[Any]:
    """piece, score and type of each token, by its number."""
    return list(parse(model).pieces)


def merges_of(pieces: list[Any]) -> list[tuple[str, str]]:
    """Every pair of pieces that makes a piece, the ones that SentencePiece prefers first."""
    numbers = {item.piece: number for number, item in enumerate(pieces) if item.type == NORMAL}
    merges = []
    for text, number in numbers.items():
        for cut in range(1, len(text)):
            left, right = numbers.get(text[:cut]), numbers.get(text[cut:])
            if left is not None and right is not None:
                merges.append((-pieces[number].score, left, right))
    return [(pieces[left].piece, pieces[right].piece) for _, left, right in sorted(merges)]


def to_tokenizer_json(model: bytes) -> str:
    """The tokenizer.json of a model: its prefix, its escape of spaces and its BOS as the model says.

    Unlike the model, it reads special tokens spelled in text. Raises ValueError, with the reason, for a kind of model
    that can't be written so.
    """
    from tokenizers import AddedToken, Tokenizer, models, processors

    proto, pieces = parse(model), read_pieces(model)
    if fault := unwritable(proto):
        raise ValueError(fault)
    vocabulary = {item.piece: number for number, item in enumerate(pieces)}
    unknown = next((item.piece for item in pieces if item.type == UNKNOWN_TYPE), None)
    rules = models.BPE(vocab=vocabulary, merges=merges_of(pieces), unk_token=unknown, byte_fallback=True)
    tokenizer: Any = Tokenizer(rules)
    put_spaces(tokenizer, proto.normalizer_spec)
    begin = proto.trainer_spec.bos_piece
    if vocabulary.get(begin, -1) == proto.trainer_spec.bos_id:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", pair=f"{begin} $A {begin} $B", special_tokens=[(begin, vocabulary[begin])]
        )
    special = [item.piece for item in pieces if item.type not in (NORMAL, BYTE, IN_TEXT)]
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in special])
    spelled = [item.piece for item in pieces if item.type == IN_TEXT]
    normalized = not proto.normalizer_spec.add_dummy_prefix  # else the prefix would become a part of their names
    tokenizer.add_tokens([AddedToken(name, special=False, normalized=normalized) for name in spelled])
    return tokenizer.to_str()


def unwritable(proto: Any) -> str | None:
    """Why a model can't be written as a tokenizer.json that gives back every text; None if it can."""
    rules, trained = proto.normalizer_spec, proto.trainer_spec
    if trained.model_type != trained.BPE:
        kind = {trained.UNIGRAM: "Unigram", trained.WORD: "word", trained.CHAR: "character"}[trained.model_type]
        return f"a {kind} model, not a BPE"
    if rules.precompiled_charsmap or rules.remove_extra_whitespaces:
        return f"one that alters text (normaliser {rules.name}, extra spaces removed)"
    if not trained.byte_fallback:
        return "one without byte fallback, which loses the characters that it has not learnt"
    return "one that puts spaces behind words" if trained.treat_whitespace_as_suffix else None


def put_spaces(tokenizer: Any, rules: Any) -> None:
    """How spaces are written, and what stands before a text, in and out. rules: a model's normalizer_spec."""
    from tokenizers import decoders, normalizers

    space = SPACE if rules.escape_whitespaces else " "
    steps: list[Any] = [normalizers.Prepend(space)] if rules.add_dummy_prefix else []
    steps += [normalizers.Replace(" ", SPACE)] if rules.escape_whitespaces else []
    if steps:
        tokenizer.normalizer = normalizers.Sequence(steps)
    back: list[Any] = [decoders.Replace(SPACE, " ")] if rules.escape_whitespaces else []
    back += [decoders.ByteFallback(), decoders.Fuse()]
    back += [decoders.Strip(" ", 1, 0)] if rules.add_dummy_prefix else []
    tokenizer.decoder = decoders.Sequence(back)


def tokenizer_config(context: int | None = None) -> dict[str, Any]:
    """What transformers' AutoTokenizer reads beside tokenizer.json."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BEGIN,
        "eos_token": END,
        "pad_token": PAD,
        "unk_token": UNKNOWN,
        "clean_up_tokenization_spaces": False,
        "model_max_length": context or 1 << 30,
    }


def token_bytes(model: bytes) -> np.ndarray:
    """Bytes of text that each token stands for, 0 for special ones: int32 of shape (vocabulary,)."""
    lengths = {NORMAL: lambda piece: len(piece.encode()), BYTE: lambda piece: 1}
    return np.array([lengths.get(item.type, lambda piece: 0)(item.piece) for item in read_pieces(model)], np.int32)


def mismatches(model: bytes, tokenizer_json: str, texts: Iterable[str]) -> Iterator[str]:
    """For each text that the two encode differently, or that does not come back: what differs."""
    from sentencepiece import SentencePieceProcessor
    from tokenizers import Tokenizer

    ours: Any = SentencePieceProcessor()
    ours.LoadFromSerializedProto(model)
    theirs: Any = Tokenizer.from_str(tokenizer_json)
    theirs.encode_special_tokens = True
    for text in texts:
        one, other = ours.encode(text), theirs.encode(text, add_special_tokens=False).ids
        if fault := encoded_otherwise(text, one, other):
            yield fault
        elif ours.decode(one) != text or theirs.decode(other, skip_special_tokens=False) != text:
            yield f"{text[:60]!r} does not come back"


def encoded_otherwise(text: str, one: list[int], other: list[int]) -> str | None:
    """Where two lists of a text's tokens begin to differ; None if they are the same."""
    if one == other:
        return None
    pairs = enumerate(zip(one, other, strict=False))
    first = next((index for index, (left, right) in pairs if left != right), min(len(one), len(other)))
    return f"{text[:60]!r}: token {first} is {one[first : first + 3]} and {other[first : first + 3]}"
