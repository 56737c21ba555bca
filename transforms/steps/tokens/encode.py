"""A document as tokens of a shard: BOS and its text's."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from schemas.faults import BadInput
from transforms.steps.tokens.tokenizer import Tokenizer

# The names that begin, end and pad a document in tokenizers in use, ours first.
BOS_NAMES = ("<s>", "<|bos|>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "[CLS]", "<|endoftext|>")
EOS_NAMES = ("</s>", "<|eos|>", "<eos>", "<|end_of_text|>", "[SEP]", "<|endoftext|>")
PAD_NAMES = ("<pad>", "<|pad|>", "<|padding|>", "[PAD]")


@dataclass(frozen=True)
class Marks:
    """Numbers of the special tokens that shards need. None where the tokenizer has no such token."""

    bos: int
    eos: int | None
    pad: int | None


def marks_of(tokenizer: Tokenizer, bos: str | None = None) -> Marks:
    """bos: name of the token that is to begin documents; default: the first known name that the tokenizer has.

    Raises BadInput, naming what there is, if it has none.
    """

    def first(names: tuple[str, ...]) -> int | None:
        return next((tokenizer.specials[name] for name in names if name in tokenizer.specials), None)

    number = first((bos,) if bos is not None else BOS_NAMES)
    if number is None:
        have = ", ".join(list(tokenizer.specials)[:20]) or "none"
        sought = f"no special token {bos}" if bos is not None else "no special token that begins a document"
        raise BadInput(f"the tokenizer has {sought}; name one of its special tokens with --bos-token ({have})")
    return Marks(number, first(EOS_NAMES), first(PAD_NAMES))


def key_of(document_id: str) -> int:
    """A document's own number, uint64, from which every shuffle starts."""
    return int.from_bytes(blake2b(document_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def encode_document(tokenizer: Tokenizer, bos: np.ndarray, text: str) -> np.ndarray:
    """Tokens of the tokenizer's dtype, shape (1 + tokens of the text,). bos: shape (1,)."""
    return np.concatenate((bos, tokenizer.encode(text)))
