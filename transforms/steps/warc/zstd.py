"""Zstandard under a WARC file's records: a frame for each record, and a dictionary for all of them in the first frame.

The layout is IIPC's "Zstandard compression of WARC files": frames as gzip has members, skippable frames between them,
and a first frame of the magic number 0x184D2A5D with a dictionary, which may be compressed itself.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import partial

import zstandard

from transforms.steps.warc.bytes import Codec, FileBlocks, Member, MemberFault

ZSTD_MAGIC = re.compile(rb"\x28\xb5\x2f\xfd")
SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")  # RFC 8878, 3.1.2
DICTIONARY_MAGIC = b"\x5d\x2a\x4d\x18"
# A compressed block inflates to 128 KiB at most and has 3 bytes or more, with a fourth if it says one byte many times.
MAX_RATIO = 1 << 15
SLICE_BYTES = 1 << 10  # handed to the inflater at once, which gives back all that comes of it: up to 32 MiB
MAX_WINDOW_BYTES = 128 << 20  # what `zstd --long` asks for; a frame that wants more is not inflated
MAX_DICTIONARY_BYTES = 16 << 20


class ZstdFrame(Member):
    def __init__(self, file: FileBlocks, offset: int, inflater: zstandard.ZstdDecompressor) -> None:
        super().__init__(file, offset, MAX_RATIO)
        self._inflater = inflater

    def pieces(self) -> Iterator[bytes]:
        frame, position = self._inflater.decompressobj(), self.offset
        while not frame.eof:
            compressed = bytes(self.file.at(position, SLICE_BYTES))
            if not compressed:
                raise MemberFault("zstd_truncated", "the file ends inside a zstd frame")
            try:
                piece = frame.decompress(compressed)
            except zstandard.ZstdError as error:
                raise MemberFault("zstd_damaged", str(error)) from None
            position += len(compressed)
            if piece:
                yield piece
        self.end = position - len(frame.unused_data)


def is_zstd(file: FileBlocks) -> bool:
    """Whether the file begins like one of zstd frames."""
    head = bytes(file.at(0, 4))
    return bool(ZSTD_MAGIC.match(head)) or head == DICTIONARY_MAGIC


def zstd_codec(file: FileBlocks) -> Codec:
    """How the file's frames are read, with its dictionary if it begins with one that is sound."""
    dictionary = read_dictionary(file)
    inflater = zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=MAX_WINDOW_BYTES)
    return Codec("zstd", ZSTD_MAGIC, partial(ZstdFrame, inflater=inflater), pass_skippable)


def read_dictionary(file: FileBlocks) -> zstandard.ZstdCompressionDict | None:
    """The dictionary in a file's first frame (WARC with Zstandard, section 3); None if absent or too large."""
    head = bytes(file.at(0, 8))
    if len(head) < 8 or not head.startswith(DICTIONARY_MAGIC):
        return None
    [size] = struct.unpack("<I", head[4:])
    if size > MAX_DICTIONARY_BYTES:
        return None
    data = bytes(file.at(8, size))
    if ZSTD_MAGIC.match(data):
        inflater = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
        try:
            with inflater.stream_reader(data) as reader:
                data = reader.read(MAX_DICTIONARY_BYTES + 1)
        except zstandard.ZstdError:
            return None
    return zstandard.ZstdCompressionDict(data) if data and len(data) <= MAX_DICTIONARY_BYTES else None


def pass_skippable(file: FileBlocks, offset: int) -> int:
    """What follows the skippable frames at `offset`."""
    while SKIPPABLE.match(head := bytes(file.at(offset, 8))) and len(head) == 8:
        offset += 8 + struct.unpack("<I", head[4:])[0]
    return offset
