"""Text to tokens and back by a run's tokenizer.json, also piece by piece; and text made safe for a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from schemas.faults import BadInput

KEPT_CONTROLS = "\n\t"
NOT_PLAIN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # categories of Unicode
JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji are spelled with them
UNFINISHED = "\ufffd"  # what a character whose bytes have not all come yet decodes to
MAX_CHAR_BYTES = 4  # of a character in UTF-8
BYTE = re.compile("<0x[0-9A-F]{2}>")


class Text:
    """The tokenizer in a folder. A prompt that spells special tokens is read as text.

    Raises BadInput if the folder's tokenizer.json can't be read.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        path = folder / "tokenizer.json"
        try:
            self._tokenizer: Any = Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as error:  # the library raises nothing narrower
            raise BadInput(f"{path} can't be read ({error}); give a finished run or shards") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True

    def encode(self, text: str) -> list[int]:
        """Tokens without BOS. Raises BadInput for text that is no UTF-8, as an argument of the command line may be."""
        try:
            return self._tokenizer.encode(text, add_special_tokens=False).ids
        except (UnicodeEncodeError, TypeError) as error:
            raise BadInput("the prompt is no UTF-8; convert it first") from error

    def decode(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(tokens, skip_special_tokens=True)

    def name(self, token: int) -> str:
        return self._tokenizer.id_to_token(token) or f"token {token}"

    @property
    def vocabulary(self) -> int:
        """Tokens that there are, special ones included."""
        return self._tokenizer.get_vocab_size(with_added_tokens=True)

    def number(self, name: str) -> int | None:
        """The token of this name, None if there is none."""
        return self._tokenizer.token_to_id(name)

    def stream(self, tokens: Iterable[int]) -> Iterator[str]:
        """Pieces of text as soon as no later token can change them; together they are `decode` of all tokens.

        Of what is yielded only the last token is kept, as what comes after it is decoded another way than what begins.
        """
        held: list[int] = []
        yielded = ""
        for token in tokens:
            held.append(token)
            alone = self.decode([token])
            # Bytes are a character, or none, together with those that follow, also behind a token without a text.
            if self._is_byte(token) or not alone.strip():
                continue
            text = self.decode(held)
            final = text.rstrip(UNFINISHED)
            if len(text) - len(final) < MAX_CHAR_BYTES and len(final) > len(yielded):
                yield final[len(yielded) :]
                yielded = final
                if final == text:
                    held, yielded = [token], alone
        text = self.decode(held)
        if len(text) > len(yielded):
            yield text[len(yielded) :]

    def _is_byte(self, token: int) -> bool:
        """Whether it is one of SentencePiece's tokens for single bytes."""
        return BYTE.fullmatch(self.name(token)) is not None


def harmless(text: str) -> str:
    """The text for a terminal: what steers one (controls, changes of direction) is shown by its code point."""
    return "".join(char if is_plain(char) else f"<U+{ord(char):04X}>" for char in text)


def is_plain(char: str) -> bool:
    return char in KEPT_CONTROLS + JOINERS or unicodedata.category(char) not in NOT_PLAIN
