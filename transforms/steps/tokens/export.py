"""A SentencePiece BPE model as a Hugging Face tokenizer.json, and the proof that both give the same numbers.

Conversions are known to differ (transformers issue 25316, tokenizers issue 1682), so none is trusted untested.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from schemas.special_tokens import BEGIN, END, PAD, UNKNOWN
from transforms.steps.tokens.train_sentencepiece import parse

NORMAL, BYTE = 1, 6  # types of pieces in sentencepiece_model.proto


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
    """tokenizer.json of a model without the escape of spaces. Unlike ours, it reads special tokens spelled in text."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, processors

    pieces = read_pieces(model)
    vocabulary = {item.piece: number for number, item in enumerate(pieces)}
    rules = models.BPE(vocab=vocabulary, merges=merges_of(pieces), unk_token=UNKNOWN, byte_fallback=True)
    tokenizer: Any = Tokenizer(rules)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B", special_tokens=[(BEGIN, vocabulary[BEGIN])]
    )
    special = [item.piece for item in pieces if item.type not in (NORMAL, BYTE)]
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in special])
    return tokenizer.to_str()


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
    theirs = Tokenizer.from_str(tokenizer_json)
    theirs.encode_special_tokens = True  # pyright: ignore[reportAttributeAccessIssue] - the stubs lack it
    for text in texts:
        one, other = ours.encode(text), theirs.encode(text, add_special_tokens=False).ids
        if one != other:
            pairs = enumerate(zip(one, other, strict=False))
            index = next((index for index, (left, right) in pairs if left != right), 0)
            yield f"{text[:60]!r}: token {index} is {one[index : index + 3]} and {other[index : index + 3]}"
        elif ours.decode(one) != text or theirs.decode(other, skip_special_tokens=False) != text:
            yield f"{text[:60]!r} does not come back"
