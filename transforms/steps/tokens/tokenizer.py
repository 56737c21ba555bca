"""A tokenizer, whichever library reads it: text to numbers, numbers to text, and what each number stands for.

A SentencePiece model is read by sentencepiece and byte-level BPE with GPT-4's split by tiktoken's engine; tokenizers
reads any other tokenizer.json.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from schemas.faults import BadInput, reason
from transforms.steps.tokens.memory import ChunkMemory, Encode, crosses
from transforms.steps.tokens.tokenizer_files import bos_in_rules, roles_in_config, tokenizer_file
from transforms.steps.tokens.train_bpe import GPT4_SPLIT

MOST_TOKENS = 1 << 24  # ours: no vocabulary has so many, so a greater number is a slip in a file
LETTERS = "ae1."  # one of which any tokenizer knows


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer, whichever library encodes.

    encode: a text to numbers of `dtype`, never special ones
    pieces: the bytes that each number stands for; none for special tokens
    specials: numbers of the special tokens, by name
    engine: the library that encodes
    sha256: of the tokenizer's file
    prefix: bytes that it puts before every text, such as a space
    roles: numbers of the special tokens that its makers name "bos", "eos" and "pad"
    """

    encode: Callable[[str], np.ndarray]
    pieces: tuple[bytes, ...]
    specials: dict[str, int]
    engine: str
    sha256: str
    prefix: bytes = b""
    roles: Mapping[str, int] = field(default_factory=dict)

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
        """The text, without the prefix; bytes that are no UTF-8 as U+FFFD, special tokens as nothing."""
        return self.bytes_of(numbers).removeprefix(self.prefix).decode("utf-8", "replace")

    def bytes_of(self, numbers: Iterable[int]) -> bytes:
        return b"".join(self.pieces[number] for number in numbers)


def dtype_for(size: int) -> np.dtype[Any]:
    """What a file of numbers below `size` holds: little-endian uint16 up to 65,536 of them, else uint32."""
    return np.dtype("<u2" if size <= 1 << 16 else "<u4")


def load_tokenizer(path: str) -> Tokenizer:
    """From a `*.model`, a `tokenizer.json` or a folder with one of these. Raises BadInput, naming file and remedy."""
    file = tokenizer_file(path)
    data = file.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    read = tokenizer_from_model if file.suffix == ".model" else tokenizer_from_json
    tokenizer = read(data, str(file), sha256)
    numbers = {role: tokenizer.specials.get(name) for role, name in roles_in_config(file.parent).items()}
    known = {role: number for role, number in numbers.items() if number is not None}
    return replace(tokenizer, roles={**tokenizer.roles, **known})


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
    encode = sentencepiece_encoder(processor, data)
    numbers = {"bos": processor.bos_id(), "eos": processor.eos_id(), "pad": processor.pad_id()}
    roles = {role: number for role, number in numbers.items() if number in specials.values()}
    prefix = prefix_of(encode, pieces)
    return Tokenizer(encode, tuple(pieces), specials, "sentencepiece", sha256, prefix, roles)


def prefix_of(encode: Callable[[str], Iterable[int]], pieces: list[bytes]) -> bytes:
    """What is put before a text: what comes back of a letter before that letter."""
    for letter in LETTERS:
        came_back = b"".join(pieces[number] for number in encode(letter))
        if came_back.endswith(letter.encode()):
            return came_back[:-1]
    return b""


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
    library.no_padding()
    library.encode_special_tokens = True  # text is text, whatever it spells
    rules = json.loads(text)
    names = names_of(library, path)
    added = library.get_added_tokens_decoder()
    specials = {token.content: number for number, token in added.items() if token.special}
    bytes_of = bytes_by_rules(rules)
    pieces = [b"" if name is None or name in specials else bytes_of(name) for name in names]
    for number, token in added.items():
        if not token.special and is_byte_level(rules):  # written as they are, not in letters for bytes
            pieces[number] = token.content.encode()
    dtype = dtype_for(len(pieces))

    def encode(text: str) -> list[int]:
        return library.encode(text, add_special_tokens=False).ids

    if rules.get("pre_tokenizer") == OUR_PRE_TOKENIZER and len(specials) == len(added):
        encoder, engine = tiktoken_encoder(tuple(pieces), dtype, encode), "tiktoken"
    elif merges_only(rules) and not any(crosses(name or "") for name in names):
        encoder, engine = ChunkMemory(encode, dtype), "tokenizers"
    else:
        encoder, engine = lambda text: np.array(encode(text), dtype), "tokenizers"
    bos = specials.get(bos_in_rules(rules) or "")
    roles = {} if bos is None else {"bos": bos}
    return Tokenizer(encoder, tuple(pieces), specials, engine, sha256, prefix_of(encode, pieces), roles)


def names_of(library: Any, path: str) -> list[str | None]:
    """The name of every number up to the largest one; None for a number that no token has. Raises BadInput."""
    numbers = library.get_vocab(with_added_tokens=True)
    largest = max(numbers.values(), default=-1)
    if largest >= MOST_TOKENS:
        raise BadInput(
            f"tokenizer {path} numbers a token {largest:,}, and no vocabulary is so large; mend the number of "
            f"{max(numbers, key=numbers.__getitem__)!r}"
        )
    names: list[str | None] = [None] * (largest + 1)
    for name, number in numbers.items():
        if (other := names[number]) is not None:
            raise BadInput(
                f"tokenizer {path}: {other!r} and {name!r} are both number {number:,}, as the library numbers an added "
                "token that the model's vocabulary lacks; add it to the vocabulary with a number of its own"
            )
        names[number] = name
    return names


def model_kind(rules: dict[str, Any]) -> str:
    """The kind of a tokenizer.json's model. Older files do not name it; the library tells it by the fields."""
    model = rules["model"]
    if model.get("type"):
        return model["type"]
    if "merges" in model:
        return "BPE"
    if isinstance(model.get("vocab"), list):
        return "Unigram"
    return "WordPiece" if "continuing_subword_prefix" in model else "WordLevel"


def merges_only(rules: dict[str, Any]) -> bool:
    """Whether a tokenizer.json only merges pieces of the unchanged text, as the ones that we export do."""
    model = rules["model"]
    plain = model_kind(rules) == "BPE" and model.get("byte_fallback") and not model.get("dropout")
    added = all(token.get("special") for token in rules.get("added_tokens") or ())
    altered = model.get("ignore_merges") or rules.get("normalizer") or rules.get("pre_tokenizer")
    return bool(plain and added and not altered)


def is_byte_level(rules: dict[str, Any]) -> bool:
    """Whether names of tokens are spelled in letters that stand for bytes."""
    return any("ByteLevel" in json.dumps(rules.get(part)) for part in ("decoder", "pre_tokenizer"))


def bytes_by_rules(rules: dict[str, Any]) -> Callable[[str], bytes]:
    """How a tokenizer.json's names of tokens become bytes of text.

    Byte-level letters; WordPiece's words, which stand after a space unless they continue one; or text with <0x..>
    bytes, U+2581 for a space, and perhaps a mark at the end of words.
    """
    if is_byte_level(rules):
        alphabet = {char: byte for byte, char in byte_letters().items()}
        return lambda name: bytes(alphabet[char] for char in name) if set(name) <= set(alphabet) else name.encode()
    model = rules["model"]
    if model_kind(rules) == "WordPiece":
        mark = model.get("continuing_subword_prefix") or "##"
        return lambda name: (name[len(mark) :] if name.startswith(mark) else f" {name}").encode()
    ending = model.get("end_of_word_suffix")

    def bytes_of_name(name: str) -> bytes:
        if len(name) == 6 and name.startswith("<0x") and name.endswith(">"):
            return bytes([int(name[3:5], 16)])
        if ending and name.endswith(ending):
            name = f"{name[: -len(ending)]} "
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
