"""Index files byte by byte, against what the loaders' own documentation says they hold."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from transforms.steps.tokens.indexes import datatrove_index, megatron_index


def test_datatroves_index_is_where_documents_end() -> None:
    assert datatrove_index(np.array([3, 8, 1 << 33])) == struct.pack("<3Q", 3, 8, 1 << 33)
    assert datatrove_index(np.zeros(0, np.int64)) == b""


@pytest.mark.parametrize(("token_bytes", "code"), [(2, 8), (4, 4)])
def test_megatrons_index_to_the_byte(token_bytes: int, code: int) -> None:
    index = megatron_index(np.array([0, 10]), np.array([4, 5]), token_bytes)
    assert index == b"".join(
        [
            b"MMIDIDX\x00\x00",
            struct.pack("<Q", 1),
            struct.pack("<B", code),
            struct.pack("<QQ", 2, 3),
            struct.pack("<2i", 4, 5),
            struct.pack("<2q", 0, 10 * token_bytes),
            struct.pack("<3q", 0, 1, 2),
        ]
    )


def test_an_index_of_nothing_is_whole() -> None:
    empty = np.zeros(0, np.int64)
    assert megatron_index(empty, empty, 2)[-8:] == bytes(8) and len(megatron_index(empty, empty, 2)) == 34 + 8


def test_a_document_that_its_numbers_cannot_tell_is_refused() -> None:
    with pytest.raises(ValueError, match="too long for Megatron's index"):
        megatron_index(np.array([0]), np.array([1 << 31]), 2)
