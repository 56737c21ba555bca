"""A tokenizer is proved on documents: what does not come back is refused from a share on, and else said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.stages.tokenizers.round_trip import RoundTrip, require_texts_back, round_trip
from schemas.faults import BadInput
from transforms.steps.tokens.tokenizer import byte_letters, tokenizer_from_json

LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
BYTES = {
    "type": "BPE",
    "vocab": {letter: number for number, letter in enumerate(byte_letters().values())},
    "merges": [],
}
KNOWN = {"[UNK]": 0, "the": 1, "pan": 2, "##s": 3}
WORDS = {
    **{"type": "WordPiece", "vocab": KNOWN, "unk_token": "[UNK]"},
    **{"continuing_subword_prefix": "##", "max_input_chars_per_word": 100},
}


def rules(normalizer: Any = None, **changes: Any) -> str:
    parts = {"normalizer": normalizer, "pre_tokenizer": LEVEL, "decoder": LEVEL, "post_processor": None}
    return json.dumps({"version": "1.0", "added_tokens": [], **parts, "model": BYTES, **changes})


def proof(text: str, texts: list[str]) -> RoundTrip:
    return round_trip(tokenizer_from_json(text.encode(), "t", ""), text, texts)


@pytest.mark.parametrize(
    ("text", "lost", "recomposed"),
    [
        (rules(), 0, 0),
        (rules({"type": "Lowercase"}), 1, 0),
        (rules({"type": "NFC"}), 0, 1),
        (rules({"type": "NFKC"}), 1, 1),
        (rules({"type": "StripAccents"}), 1, 0),
        (rules(pre_tokenizer={**LEVEL, "add_prefix_space": True}, decoder=LEVEL), 0, 0),
        (rules(decoder=None), 4, 0),
        (
            rules(
                model=WORDS,
                pre_tokenizer={"type": "BertPreTokenizer"},
                decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
            ),
            4,
            0,
        ),
    ],
)
def test_what_does_not_come_back_is_counted(text: str, lost: int, recomposed: int) -> None:
    found = proof(text, ["the pans", "The pan", "e\u0301", "ﬁ \n x"])
    assert (found.texts, found.lost, found.recomposed, found.unlike) == (4, lost, recomposed, 0)
    assert bool(found.example) == bool(lost + recomposed)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (RoundTrip(texts=10), None),
        (RoundTrip(texts=10, lost=1, example="'A' comes back as 'a'"), "1 of 10 documents back as another text: 'A'"),
        (RoundTrip(texts=10, recomposed=10, example="x"), "10 of 10 documents back in other code points"),
    ],
)
def test_a_few_are_a_warning(found: RoundTrip, verdict: str | None) -> None:
    warning = require_texts_back("T", found)
    assert warning is None if verdict is None else verdict in (warning or "")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (RoundTrip(texts=10, lost=2, example="'A' comes back as 'a'"), "T does not give back 2 of 10 .*byte-level BPE"),
        (RoundTrip(texts=10, unlike=1, difference="d"), "tokenizer.model differ on 1 of 10 documents"),
    ],
)
def test_more_are_refused(found: RoundTrip, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        require_texts_back("T", found)
