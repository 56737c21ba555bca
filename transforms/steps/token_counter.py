"""How many tokens a text has, by a tokenizer that the user brings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


class TokenCounter:
    """Counts tokens by a Hugging Face `tokenizer.json` or a SentencePiece `*.model`, without special tokens.

    Raises ValueError, naming the file and the remedy, if it is neither.
    """

    def __init__(self, path: str) -> None:
        if not Path(path).is_file():
            raise ValueError(f"tokenizer {path} does not exist; give a tokenizer.json or a SentencePiece *.model")
        self._count = sentencepiece_counter(path) if path.endswith(".model") else json_counter(path)

    def __call__(self, text: str) -> int:
        return self._count(text)


def json_counter(path: str) -> Callable[[str], int]:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(path)
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(f"tokenizer {path} is no tokenizer.json ({error}); give one, or a *.model") from error
    tokenizer.no_truncation()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def sentencepiece_counter(path: str) -> Callable[[str], int]:
    from sentencepiece import SentencePieceProcessor

    try:
        processor = SentencePieceProcessor(model_file=path)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"tokenizer {path} is no SentencePiece model ({error}); give one") from error
    return lambda text: len(processor.encode(text))
