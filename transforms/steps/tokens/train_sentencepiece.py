"""A SentencePiece BPE tokenizer that gives back every text as it was (Kudo and Richardson 2018, arXiv 1808.06226).

SentencePiece writes a space as U+2581, so a text that has this character comes back with a space. Its trainer needs
that convention; the model it leaves does not: with the pieces written with spaces and the escape switched off, every
text is encoded into the same pieces, and U+2581 falls to its bytes like any rare character.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

from schemas.special_tokens import BEGIN, END, PAD, SPECIAL, UNKNOWN

SPACE = "\u2581"  # SentencePiece's
LONGEST_LINE = 4096  # characters; longer lines are cut, for training takes a line's length squared
COVERAGE = 0.9995  # share of characters that get a piece of their own; SentencePiece's default
SMALLEST = 256 + len(SPECIAL)

_TOO_LARGE = re.compile(r"value <= (\d+)")


def train_sentencepiece(texts: Iterable[str], vocab_size: int, tell: bool = False) -> bytes:
    """The bytes of a `tokenizer.model` with byte fallback, identity normaliser, no dummy prefix, digits by themselves.

    tell: whether the trainer writes on stderr what it has learnt so far

    Raises ValueError if the texts have too few different pieces for the vocabulary, or it can't hold the bytes.
    """
    from sentencepiece import SentencePieceTrainer

    trainer: Any = SentencePieceTrainer  # the stubs know nothing of it
    if vocab_size <= SMALLEST:
        raise ValueError(
            f"a vocabulary of {vocab_size} can't hold {SMALLEST} bytes and special tokens; take a larger one"
        )
    model = io.BytesIO()
    try:
        trainer.train(
            sentence_iterator=split_lines(texts),
            model_writer=model,
            model_type="bpe",
            vocab_size=vocab_size,
            character_coverage=COVERAGE,
            byte_fallback=True,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True,
            split_digits=True,
            max_sentence_length=8 * LONGEST_LINE,
            **special_token_options(),
            minloglevel=0 if tell else 2,
        )
    except RuntimeError as error:
        most = _TOO_LARGE.search(str(error))
        remedy = f"take at most {most[1]}, or a larger sample" if most else str(error)
        raise ValueError(f"the sample is too small for a vocabulary of {vocab_size}: {remedy}") from error
    return without_escape(model.getvalue())


def special_token_options() -> dict[str, object]:
    named = {UNKNOWN: "unk", BEGIN: "bos", END: "eos", PAD: "pad"}
    options: dict[str, object] = {"control_symbols": [name for name in SPECIAL if name not in named]}
    for piece, name in named.items():
        options |= {f"{name}_id": SPECIAL.index(piece), f"{name}_piece": piece}
    return options


def split_lines(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for line in text.replace(SPACE, " ").split("\n"):
            for start in range(0, len(line), LONGEST_LINE):
                yield line[start : start + LONGEST_LINE]


def parse(model: bytes) -> Any:
    """A model's ModelProto. Raises google.protobuf.message.DecodeError if it is none."""
    from sentencepiece import sentencepiece_model_pb2

    messages: Any = sentencepiece_model_pb2
    return messages.ModelProto.FromString(model)


def without_escape(model: bytes) -> bytes:
    """The same model, its spaces written as spaces."""
    proto = parse(model)
    for piece in proto.pieces:
        piece.piece = piece.piece.replace(SPACE, " ")
    proto.normalizer_spec.escape_whitespaces = False
    return proto.SerializeToString(deterministic=True)
