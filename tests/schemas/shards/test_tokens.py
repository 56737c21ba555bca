"""Files of tokens: mapped into memory or as a stream, the same numbers; what is cut short is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from schemas import storage
from schemas.faults import BadInput
from schemas.shards.layout import ShardsInfo
from schemas.shards.tokens import TokenFiles, stream_tokens

INFO = ShardsInfo("", np.dtype("<u2"), 1 << 16, 1, 2, 3, "", {}, {}, "", "")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "train").mkdir()
    path = tmp_path / "train" / "tokens-00004.bin"
    path.write_bytes(np.arange(1000, dtype="<u2").tobytes())
    return path


def test_views_and_streams_give_the_same_numbers(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = TokenFiles(replace(INFO, folder=str(tmp_path)), "train")
    assert files.span(4, 10, 5).tolist() == [10, 11, 12, 13, 14]
    assert files.span(4, 1000, 0).tolist() == []
    monkeypatch.setattr(storage, "CHUNK_BYTES", 64)
    parts = list(stream_tokens(str(path), INFO.dtype))
    assert len(parts) == -(-2000 // 64) and np.array_equal(np.concatenate(parts), files.tokens(4))


def test_what_is_cut_short_is_told(path: Path, tmp_path: Path) -> None:
    files = TokenFiles(replace(INFO, folder=str(tmp_path)), "train")
    with pytest.raises(BadInput, match="has 1,000 tokens and the plan asks for 1,001: it is cut short"):
        files.span(4, 990, 11)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadInput, match="ends within a token"):
        TokenFiles(replace(INFO, folder=str(tmp_path)), "train").span(4, 0, 1)
    with pytest.raises(BadInput, match="ends within a token"):
        list(stream_tokens(str(path), INFO.dtype))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"tokens-00009\.bin can't be read \(No such file"):
        TokenFiles(replace(INFO, folder=str(tmp_path)), "train").span(9, 0, 1)
    with pytest.raises(BadInput, match=r"absent can't be read .*; make the shards anew with `bateia shard`"):
        list(stream_tokens(str(tmp_path / "absent"), INFO.dtype))
