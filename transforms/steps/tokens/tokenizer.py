"""A tokenizer, whichever library reads it: text to numbers, numbers to text, and what each number stands for.

A SentencePiece model is read by sentencepiece and byte-level BPE with GPT-4's split by tiktoken's engine; tokenizers
reads any other tokenizer.json.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from schemas.faults import BadInput, reason
from transforms.steps.tokens.memory import ChunkMemory, Encode, crosses
from transforms.steps.tokens.train_bpe import GPT4_SPLIT

MODEL, JSON = "tokenizer.model", "tokenizer.json"


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer, whichever library encodes.

    encode: a text to numbers of `dtype`, never special ones
    pieces: the bytes that each number stands for; none for special tokens
    specials: numbers of the special tokens, by name
    engine: the library that encodes
    sha256: of the tokenizer's file
    """

    encode: Callable[[str], np.ndarray]
    pieces: tuple[bytes, ...]
    specials: dict[str, int]
    engine: str
    sha256: str

    @property
    def size(self) -> int:
        return len(self.pieces)

    @property
    def dtype(self) -> np.dtype[Any]:
        return dtype_for(self.size)

    @property
    def token_bytes(self) -> np.ndarray:
        """int32 of shape (size,): bytes of text that each number stands for."""
        return np.array([len(piece) for piece in self.pieces], np.int32)

    def decode(self, numbers: Iterable[int]) -> str:
        """The text; bytes that are no UTF-8 as U+FFFD, special tokens as nothing."""
        return b"".join(self.pieces[number] for number in numbers).decode("utf-8", "replace")


def dtype_for(size: int) -> np.dtype[Any]:
    """What a file of numbers below `size` holds: little-endian uint16 up to 65,536 of them, else uint32."""
    return np.dtype("<u2" if size <= 1 << 16 else "<u4")


def load_tokenizer(path: str) -> Tokenizer:
    """From a `*.model`, a `tokenizer.json` or a folder with one of these. Raises BadInput, naming file and remedy."""
    file = Path(path)
    if file.is_dir():
        present = [file / name for name in (MODEL, JSON) if (file / name).is_file()]
        if not present:
            raise BadInput(f"{path} holds neither {MODEL} nor {JSON}; give a tokenizer's folder or file")
        file = present[0]
    if not file.is_file():
        raise BadInput(f"tokenizer {path} does not exist; give a tokenizer.json, a SentencePiece *.model, or a folder")
    data = file.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    read = tokenizer_from_model if file.suffix == ".model" else tokenizer_from_json
    return read(data, str(file), sha256)


def tokenizer_from_model(data: bytes, path: str, sha256: str) -> Tokenizer:
    """Of a SentencePiece model's bytes. path: named in messages. Raises BadInput if it is no such model."""
    from sentencepiece import SentencePieceProcessor

    processor: Any = SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(data)
    except RuntimeError as error:
        raise BadInput(f"tokenizer {path} is no SentencePiece model ({reason(error)}); give one") from error
    pieces, specials = [], {}
    for number in range(processor.get_piece_size()):
        name = processor.id_to_piece(number)
        if processor.is_control(number) or processor.is_unknown(number):
            specials[name] = number
            pieces.append(b"")
        elif processor.is_byte(number):
            pieces.append(bytes([int(name[3:5], 16)]))
        else:
            pieces.append(name.replace("\u2581", " ").encode())
    return Tokenizer(sentencepiece_encoder(processor, data), tuple(pieces), specials, "sentencepiece", sha256)


def sentencepiece_encoder(processor: Any, model: bytes) -> Callable[[str], np.ndarray]:
    """The processor's encoder, with a memory where the model's rules allow one."""
    from transforms.steps.tokens.train_sentencepiece import parse

    proto, size = parse(model), processor.get_piece_size()
    rules, dtype = proto.normalizer_spec, dtype_for(size)
    as_written = rules.name == "identity" and not rules.add_dummy_prefix and not rules.remove_extra_whitespaces
    if as_written and proto.trainer_spec.byte_fallback and not any(crosses(item.piece) for item in proto.pieces):
        return ChunkMemory(processor.encode, dtype)
    return lambda text: np.array(processor.encode(text), dtype)


def tokenizer_from_json(data: bytes, path: str, sha256: str) -> Tokenizer:
    """Of a tokenizer.json's bytes. path: named in messages. Raises BadInput if it is no such file."""
    from tokenizers import Tokenizer as Library

    try:
        text = data.decode()
        library: Any = Library.from_str(text)
    except Exception as error:  # the library raises nothing narrower
        raise BadInput(f"tokenizer {path} is no tokenizer.json ({reason(error)}); give one, or a *.model") from error
    library.no_truncation()
    library.encode_special_tokens = True  # text is text, whatever it spells
    specials = {token.content: number for number, token in library.get_added_tokens_decoder().items() if token.special}
    names = [library.id_to_token(number) for number in range(library.get_vocab_size())]
    bytes_of = bytes_by_decoder(json.loads(text))
    pieces = tuple(b"" if name is None or name in specials else bytes_of(name) for name in names)
    dtype, rules = dtype_for(len(pieces)), json.loads(text)

    def encode(text: str) -> list[int]:
        return library.encode(text, add_special_tokens=False).ids

    if rules.get("pre_tokenizer") == OUR_PRE_TOKENIZER:
        return Tokenizer(tiktoken_encoder(pieces, dtype, encode), pieces, specials, "tiktoken", sha256)
    if merges_only(rules) and not any(crosses(name or "") for name in names):
        return Tokenizer(ChunkMemory(encode, dtype), pieces, specials, "tokenizers", sha256)
    return Tokenizer(lambda text: np.array(encode(text), dtype), pieces, specials, "tokenizers", sha256)


def merges_only(rules: dict[str, Any]) -> bool:
    """Whether a tokenizer.json only merges pieces of the unchanged text, as the ones that we export do."""
    model = rules["model"]
    plain = model["type"] == "BPE" and model.get("byte_fallback") and not model.get("dropout")
    added = all(token["special"] for token in rules.get("added_tokens") or ())
    return plain and added and not model.get("ignore_merges") and not (rules["normalizer"] or rules["pre_tokenizer"])


def bytes_by_decoder(rules: dict[str, Any]) -> Callable[[str], bytes]:
    """How a tokenizer.json's decoder turns a token's name into bytes: byte-level letters, or text with <0x..> bytes."""
    if "ByteLevel" in json.dumps(rules.get("decoder")):
        alphabet = {char: byte for byte, char in byte_letters().items()}
        return lambda name: bytes(alphabet[char] for char in name) if set(name) <= set(alphabet) else name.encode()

    def bytes_of_name(name: str) -> bytes:
        if len(name) == 6 and name.startswith("<0x") and name.endswith(">"):
            return bytes([int(name[3:5], 16)])
        return name.replace("\u2581", " ").encode()

    return bytes_of_name


def byte_letters() -> dict[int, str]:
    """GPT-2's printable letter for each byte: printable Latin-1 stands for itself, the others are 256, 257, …"""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + index) for index, byte in enumerate(others)}


# The pre_tokenizer of a tokenizer.json that `train_bpe` wrote: a file with it can be encoded by tiktoken.
OUR_PRE_TOKENIZER = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": GPT4_SPLIT}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
    ],
}


# tiktoken's expression panics on a million white spaces in a row (0.14; seen from 1,000,000, not at 900,000).
LONG_WHITE_SPACE = re.compile(r"\s{100000}")


def tiktoken_encoder(pieces: tuple[bytes, ...], dtype: np.dtype[Any], fallback: Encode) -> Callable[[str], np.ndarray]:
    """tiktoken's encoder of a byte-level BPE with GPT-4's split.

    pieces: of the tokens, in the order in which their merges were learnt
    fallback: a slower encoder to the same numbers, for text that tiktoken can't take
    """
    import tiktoken

    ranks = {piece: number for number, piece in enumerate(pieces) if piece}
    encoding = tiktoken.Encoding("bateia", pat_str=GPT4_SPLIT, mergeable_ranks=ranks, special_tokens={})

    def encode(text: str) -> np.ndarray:
        return np.array(fallback(text) if LONG_WHITE_SPACE.search(text) else encoding.encode_ordinary(text), dtype)

    return encode
