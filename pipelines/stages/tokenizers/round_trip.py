"""Proof on documents that a tokenizer gives back the text that it encodes, and that its formats encode alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from schemas.faults import BadInput
from transforms.steps.tokens.export import encoded_otherwise
from transforms.steps.tokens.tokenizer import Tokenizer

MAX_LOST = 0.1  # ours: a rare character that is not known is bearable, a rule that alters every text is not
AROUND = 12  # characters shown before and behind the first that differs
REMEDY = "give a tokenizer that keeps every text: byte-level BPE, or SentencePiece BPE with byte fallback"


@dataclass(frozen=True)
class RoundTrip:
    """What became of texts.

    texts: how many were encoded and decoded
    lost: of these, how many came back as another text
    recomposed: how many came back canonically equivalent, as by Unicode's NFC: the same text, in other code points
    unlike: how many the two formats encode differently
    example: of what was lost or recomposed, "" if nothing was
    difference: of what is encoded differently, "" if nothing is
    """

    texts: int = 0
    lost: int = 0
    recomposed: int = 0
    unlike: int = 0
    example: str = ""
    difference: str = ""


def round_trip(tokenizer: Tokenizer, tokenizer_json: str, texts: Iterable[str]) -> RoundTrip:
    """Encode and decode every text, by the tokenizer as it is read here and by its tokenizer.json, which writes."""
    from tokenizers import Tokenizer as Library

    library: Any = Library.from_str(tokenizer_json)
    library.no_truncation()
    library.no_padding()
    library.encode_special_tokens = True
    count, lost, recomposed, unlike, examples, differences = 0, 0, 0, 0, [], []
    for text in texts:
        count += 1
        numbers = tokenizer.encode(text).tolist()
        if fault := encoded_otherwise(text, numbers, library.encode(text, add_special_tokens=False).ids):
            unlike += 1
            differences.append(fault)
            continue
        written = library.decode(numbers, skip_special_tokens=False).removeprefix(tokenizer.prefix.decode())
        other = next(
            (back for back in (tokenizer.decode(numbers), written) if not is_same(text, back, tokenizer)), None
        )
        if other is None:
            continue
        equivalent = unicodedata.normalize("NFC", text) == unicodedata.normalize("NFC", other)
        lost, recomposed = lost + (not equivalent), recomposed + equivalent
        examples.append(first_difference(text, other))
    return RoundTrip(count, lost, recomposed, unlike, *(next(iter(some), "") for some in (examples, differences)))


def is_same(text: str, came_back: str, tokenizer: Tokenizer) -> bool:
    """Some libraries' decoders leave a tokenizer's prefix out and others do not, so a text may begin with it or not."""
    return came_back in (text, text.removeprefix(tokenizer.prefix.decode()) if tokenizer.prefix else text)


def first_difference(text: str, came_back: str) -> str:
    pairs = enumerate(zip(text, came_back, strict=False))
    first = next((index for index, (one, other) in pairs if one != other), min(len(text), len(came_back)))
    part = slice(max(first - AROUND, 0), first + AROUND)
    return f"{text[part]!r} comes back as {came_back[part]!r}"


def require_texts_back(path: str, proof: RoundTrip) -> str | None:
    """A warning if some texts don't come back, None if all do.

    path: of the tokenizer, for messages
    Raises BadInput if formats encode differently, or more than MAX_LOST of the texts don't come back.
    """
    if proof.unlike:
        raise BadInput(
            f"tokenizer {path}: tokenizer.json and tokenizer.model differ on {proof.unlike:,} of {proof.texts:,} "
            f"documents ({proof.difference}); give the one to use by itself, as a file in a folder of its own"
        )
    if proof.lost > MAX_LOST * proof.texts:
        raise BadInput(
            f"tokenizer {path} does not give back {proof.lost:,} of {proof.texts:,} documents ({proof.example}), so a "
            f"model could never write them; {REMEDY}"
        )
    if proof.lost or proof.recomposed:
        kind = "in other code points (Unicode's canonical equivalents)" if not proof.lost else "as another text"
        return (
            f"tokenizer {path} gives {proof.lost + proof.recomposed:,} of {proof.texts:,} documents back {kind}: "
            f"{proof.example}"
        )
    return None
