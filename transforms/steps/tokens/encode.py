"""A document as tokens of a shard: BOS and the tokens of its text."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from schemas.faults import BadInput
from transforms.steps.tokens.tokenizer import Tokenizer

# Names of the tokens that begin, end and pad a document in the tokenizers that are in use, ours first.
BOS_NAMES = ("<s>", "<|bos|>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "[CLS]", "<|endoftext|>")
EOS_NAMES = ("</s>", "<|eos|>", "<eos>", "<|end_of_text|>", "[SEP]", "<|endoftext|>")
PAD_NAMES = ("<pad>", "<|pad|>", "<|padding|>", "[PAD]")


@dataclass(frozen=True)
class SpecialTokenIds:
    """Numbers of the special tokens that shards need.

    bos: begins every document
    eos: ends a document; None if the tokenizer has no such token
    pad: fills a row; None if the tokenizer has no such token
    """

    bos: int
    eos: int | None
    pad: int | None


def special_token_ids(tokenizer: Tokenizer, bos: str | None = None) -> SpecialTokenIds:
    """The tokenizer's special tokens.

    bos: name of the token that is to begin documents; None takes the one that the tokenizer's makers name, else the
        first of BOS_NAMES that it has

    A padding token that is BOS or EOS too counts as none: padding is never learned, and these are.

    Raises BadInput, with the names that there are, if it has no such token.
    """

    def first(role: str, names: tuple[str, ...]) -> int | None:
        known = (tokenizer.specials[name] for name in names if name in tokenizer.specials)
        return tokenizer.roles[role] if role in tokenizer.roles else next(known, None)

    number = first("bos", BOS_NAMES) if bos is None else tokenizer.specials.get(bos)
    if number is None:
        have = ", ".join(list(tokenizer.specials)[:20]) or "none"
        sought = f"no special token {bos}" if bos is not None else "no special token that begins a document"
        raise BadInput(f"the tokenizer has {sought}; name one of its special tokens with --bos-token ({have})")
    eos, pad = first("eos", EOS_NAMES), first("pad", PAD_NAMES)
    return SpecialTokenIds(number, eos, None if pad in (number, eos) else pad)


def document_key(document_id: str) -> int:
    """A hash of the document's id, uint64: every shuffle orders documents by a function of it.

    A document whose id is not its own is given what tells it apart instead: `transforms.encode.key_of`.
    """
    return int.from_bytes(blake2b(document_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def encode_document(tokenizer: Tokenizer, bos: np.ndarray, text: str) -> np.ndarray:
    """Tokens of the tokenizer's dtype, shape (1 + tokens of the text,). bos: shape (1,)."""
    return np.concatenate((bos, tokenizer.encode(text)))
