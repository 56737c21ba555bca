"""A document as tokens of a shard: BOS and its text's, and whether it trains or validates."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from schemas.shards import TRAIN, VAL
from transforms.steps.tokenizer import Tokenizer

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

    Raises ValueError, naming what there is, if it has none.
    """

    def first(names: tuple[str, ...]) -> int | None:
        return next((tokenizer.specials[name] for name in names if name in tokenizer.specials), None)

    number = first((bos,) if bos is not None else BOS_NAMES)
    if number is None:
        have = ", ".join(list(tokenizer.specials)[:20]) or "none"
        sought = f"no special token {bos}" if bos is not None else "no special token that begins a document"
        raise ValueError(f"the tokenizer has {sought}; name one of its special tokens with --bos-token ({have})")
    return Marks(number, first(EOS_NAMES), first(PAD_NAMES))


@dataclass(frozen=True)
class Split:
    """Which documents validate: a share of all, by a hash of the text, so that exact copies are never on both sides.

    Near copies of one cluster have one survivor in a corpus, whose copies all say the same text. fraction: 0 to 1.
    """

    fraction: float
    seed: int

    def of(self, text: bytes) -> str:
        hashed = blake2b(text, digest_size=8, key=self.seed.to_bytes(8, "little", signed=True)).digest()
        return VAL if int.from_bytes(hashed, "little") < self.fraction * (1 << 64) else TRAIN


def key_of(document_id: str) -> int:
    """A document's own number, uint64, from which every shuffle starts."""
    return int.from_bytes(blake2b(document_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def encode_document(tokenizer: Tokenizer, bos: np.ndarray, text: str) -> np.ndarray:
    """Tokens of the tokenizer's dtype, shape (1 + tokens of the text,). bos: shape (1,)."""
    return np.concatenate((bos, tokenizer.encode(text)))
