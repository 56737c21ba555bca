"""Prompts to tokens and tokens to text, by the tokenizer.json of a run, as it comes out of a model."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from trainer.faults import BadRun

KEPT_CONTROLS = "\n\t"
JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji are spelled with them
UNFINISHED = "\ufffd"  # what a character whose bytes have not all come yet decodes to
LONGEST = 4  # bytes of a character in UTF-8
BYTE = re.compile("<0x[0-9A-F]{2}>")


class Text:
    """Special tokens are never read from a prompt: text is text, whatever it spells."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        path = folder / "tokenizer.json"
        try:
            self._tokenizer: Any = Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as error:  # the library raises nothing narrower
            raise BadRun(f"{path} can't be read ({error}); give a finished run or shards") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True

    def encode(self, text: str) -> list[int]:
        """Raises BadRun for text that is no UTF-8, as an argument of the command line may be."""
        try:
            return self._tokenizer.encode(text, add_special_tokens=False).ids
        except (UnicodeEncodeError, TypeError) as error:
            raise BadRun("the prompt is no UTF-8; convert it first") from error

    def decode(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(tokens, skip_special_tokens=True)

    def name(self, token: int) -> str:
        return self._tokenizer.id_to_token(token) or f"token {token}"

    def stream(self, tokens: Iterable[int]) -> Iterator[str]:
        """Pieces of text as soon as they are sure; together they are what `decode` makes of all tokens."""
        held: list[int] = []
        told = ""
        for token in tokens:
            held.append(token)
            if self._is_byte(token):  # bytes are a character, or none, together with those that follow
                continue
            text = self.decode(held)
            sure = text.rstrip(UNFINISHED)
            if len(text) - len(sure) < LONGEST and len(sure) > len(told):
                yield sure[len(told) :]
                told = sure
        text = self.decode(held)
        if len(text) > len(told):
            yield text[len(told) :]

    def _is_byte(self, token: int) -> bool:
        """Whether it is one of SentencePiece's tokens for single bytes."""
        return BYTE.fullmatch(self.name(token)) is not None


def harmless(text: str) -> str:
    """The text for a terminal: what steers one (controls, changes of direction) is shown by its code point."""
    return "".join(char if is_plain(char) else f"<U+{ord(char):04X}>" for char in text)


def is_plain(char: str) -> bool:
    return char in KEPT_CONTROLS + JOINERS or unicodedata.category(char) not in {
        "Cc",
        "Cf",
        "Cs",
        "Co",
        "Cn",
        "Zl",
        "Zp",
    }
