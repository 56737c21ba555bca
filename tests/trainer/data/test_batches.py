"""Batches are pure functions of plan and step; what is over, or forgotten, is not learned; bad files are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from schemas.faults import BadInput
from schemas.shards.documents import documents_of_spans
from schemas.shards.layout import BESTFIT, TRAIN, read_plan, read_shards, tokens_path
from trainer.data.batches import Batch, PlanReader
from trainer.data.feed import Feed
from trainer.run.job import read_data

BOS, PAD = 1, 3  # of the shards that conftest.py writes


def reader_of(shards: Path) -> PlanReader:
    return PlanReader(*read_data(str(shards), "main"))


def equal(one: Batch, other: Batch) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in Batch.__dataclass_fields__)


def stream_of(shards: Path) -> np.ndarray:
    """All training tokens in the order of the made-up plan, which does not shuffle."""
    return np.concatenate([np.fromfile(path, "<u2") for path in sorted((shards / "train").glob("*.bin"))])


def test_rows_are_the_plans_tokens_and_targets_follow(shards: Path) -> None:
    reader, stream = reader_of(shards), stream_of(shards)
    batch = reader.batch(1, 4)
    for at in range(4):
        first = (4 + at) * (reader.context + 1)
        expected = stream[first : first + reader.context + 1]
        assert batch.x_BxT[at].tolist() == expected[:-1].tolist()
        assert batch.y_BxT[at].tolist() == expected[1:].tolist()
    assert batch.x_BxT.dtype == np.int32
    assert batch.mask_BxT.all()


def test_a_batch_depends_on_its_step_alone(shards: Path) -> None:
    one, other = reader_of(shards), reader_of(shards)
    for step in (9, 0, 100, 3):
        one.batch(step, 4)
    assert equal(one.batch(5, 4), other.batch(5, 4))


def test_after_the_last_row_comes_the_first(shards: Path) -> None:
    reader = reader_of(shards)
    batch = reader.batch_of([0, reader.rows, 2 * reader.rows])
    assert np.array_equal(batch.x_BxT[0], batch.x_BxT[1])
    assert np.array_equal(batch.x_BxT[0], batch.x_BxT[2])
    assert equal(reader.batch(reader.rows, 4), reader.batch(0, 4))  # rows · 4 is four whole epochs


@pytest.mark.parametrize("world", [1, 2, 4])
def test_hosts_together_have_the_batch(shards: Path, world: int) -> None:
    reader = reader_of(shards)
    whole = reader.batch(3, 8)
    for rank in range(world):
        part = reader.batch(3, 8, rank, world)
        assert np.array_equal(part.x_BxT, whole.x_BxT[rank::world])
        assert np.array_equal(part.mask_BxT, whole.mask_BxT[rank::world])


@pytest.mark.parametrize(("size", "rank", "world"), [(0, 0, 1), (-1, 0, 1), (5, 0, 2), (4, 2, 2), (4, -1, 2)])
def test_a_batch_that_cannot_be_shared(shards: Path, size: int, rank: int, world: int) -> None:
    with pytest.raises(BadInput):
        reader_of(shards).batch(0, size, rank, world)


def test_segments_and_positions_start_with_each_document(shards: Path) -> None:
    reader = reader_of(shards)
    batch = reader.batch(0, reader.rows)
    begins = batch.x_BxT == BOS
    assert begins.any()
    assert (batch.positions_BxT[begins] == 0).all()
    assert (batch.positions_BxT[:, 0] == 0).all()
    grows = np.diff(batch.segment_ids_BxT, axis=1) == 1
    assert np.array_equal(grows, begins[:, 1:] & (batch.segment_ids_BxT[:, 1:] > 0))
    assert (np.diff(batch.positions_BxT, axis=1)[~grows & (batch.segment_ids_BxT[:, 1:] > 0)] == 1).all()


def test_what_a_row_lacks_is_not_learned(own_shards: Callable[..., Path]) -> None:
    reader = reader_of(own_shards(packing=BESTFIT))
    batch = reader.batch(0, reader.rows)
    lengths = [sum(length for *_, length in reader.spans(row)) for row in range(reader.rows)]
    assert min(lengths) < reader.context
    assert batch.mask_BxT.sum(axis=1).tolist() == [length - 1 for length in lengths]
    over = np.arange(reader.context)[None] >= np.array(lengths)[:, None]
    assert (batch.x_BxT[over] == PAD).all()
    assert (batch.segment_ids_BxT[over] == 0).all()


def test_forgotten_tokens_are_not_learned(own_shards: Callable[..., Path]) -> None:
    shards = own_shards()
    path = shards / "train" / "tokens-00000.bin"
    tokens = np.fromfile(path, "<u2")
    tokens[1:20] = PAD
    path.write_bytes(tokens.tobytes())
    batch = reader_of(shards).batch(0, 1)
    assert batch.mask_BxT[0].tolist() == [0] * 19 + [1] * (batch.mask_BxT.shape[1] - 19)


def test_threads_that_read_ahead_keep_the_order(shards: Path) -> None:
    reader = reader_of(shards)
    feed = Feed(lambda step: reader.batch(step, 4), range(5, 12), threads=2)
    for step in range(5, 12):
        assert equal(feed.next(), reader.batch(step, 4))
    with pytest.raises(StopIteration):
        feed.next()
    with pytest.raises(StopIteration):
        Feed(lambda step: reader.batch(step, 4), range(12, 12)).next()


def test_few_batches_are_read_ahead_and_none_after_the_end(shards: Path) -> None:
    reader, read = reader_of(shards), []

    def batch(step: int) -> Batch:
        read.append(step)
        return reader.batch(step, 4)

    feed = Feed(batch, range(1000), ahead=3)
    for _ in range(2):
        feed.next()
    feed.close()
    assert read == list(range(len(read))) and 2 <= len(read) <= 5
    assert feed.waited_s > 0


def test_a_fault_of_reading_comes_with_its_batch(shards: Path) -> None:
    """Not before, though it is read ahead; the batches behind it are there still."""
    reader = reader_of(shards)

    def batch(step: int) -> Batch:
        if step == 2:
            raise BadInput("rows-00000.parquet can't be read")
        return reader.batch(step, 4)

    feed = Feed(batch, range(4))
    assert equal(feed.next(), reader.batch(0, 4)) and equal(feed.next(), reader.batch(1, 4))
    with pytest.raises(BadInput, match="rows-00000"):
        feed.next()
    assert equal(feed.next(), reader.batch(3, 4))
    feed.close()


def test_rows_lead_to_their_documents(shards: Path) -> None:
    reader = reader_of(shards)
    named = documents_of_spans(str(shards), TRAIN, reader.spans(0))
    assert [document["url"] for document in named] == ["https://train-0-0.example/"]
    everything = [(1, 0, len(np.fromfile(shards / "train" / "tokens-00001.bin", "<u2")))]
    ids = [document["doc_id"] for document in documents_of_spans(str(shards), TRAIN, everything)]
    assert ids == [f"train-1-{at}" for at in range(20)]
    assert [document["doc_id"] for document in documents_of_spans(str(shards), TRAIN, [(0, 0, 1)])] == ["train-0-0"]


def test_a_file_cut_short_is_told(own_shards: Callable[..., Path]) -> None:
    shards = own_shards()
    info = read_shards(str(shards))
    path = Path(tokens_path(str(shards), TRAIN, 0))
    whole = path.read_bytes()
    path.write_bytes(whole[:-2000])
    with pytest.raises(BadInput, match=r"tokens-00000\.bin has .* bytes and should have"):
        read_data(str(shards), "main")
    reader = PlanReader(info, read_plan(info, "main"))
    with pytest.raises(BadInput, match="cut short"):
        reader.batch(0, reader.rows)
    path.write_bytes(whole[:-1])
    with pytest.raises(BadInput, match="within a token"):
        PlanReader(info, read_plan(info, "main")).batch(0, 1)
    path.unlink()
    with pytest.raises(BadInput, match="is missing"):
        read_data(str(shards), "main")


def test_shards_and_plans_that_do_not_fit(own_shards: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not finished"):
        read_data(str(tmp_path / "nowhere"), "main")
    shards = own_shards()
    with pytest.raises(BadInput, match="bateia plan"):
        read_data(str(shards), "other")
    manifest = shards / "plan" / "main" / "manifest.json"
    text = manifest.read_text()
    tokenizer = read_shards(str(shards)).tokenizer_sha256
    manifest.write_text(text.replace(tokenizer, "0" * 64))
    with pytest.raises(BadInput, match="another tokenizer"):
        read_data(str(shards), "main")
    manifest.unlink()
    with pytest.raises(BadInput, match="not finished"):
        read_data(str(shards), "main")


def test_a_plan_that_lacks_rows(own_shards: Callable[..., Path]) -> None:
    shards = own_shards()
    path = shards / "plan" / "main" / "rows-00000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, len(table) - 3), path)
    with pytest.raises(BadInput, match="lacks some of its"):
        reader_of(shards).batch(0, 1)
    path.write_bytes(b"no parquet")
    with pytest.raises(BadInput, match="can't be read"):
        reader_of(shards).batch(0, 1)


def test_a_plan_without_padding_token(shards: Path) -> None:
    """Every token is learned, the BOS of each document too."""
    info, plan = read_data(str(shards), "main")
    reader = PlanReader(replace(info, pad_id=None), plan)
    batch = reader.batch(0, reader.rows - 1)  # without the last row, which is short
    assert (batch.y_BxT == BOS).sum() > 20
    assert batch.mask_BxT.all()


def test_tokens_forgotten_as_bos_are_not_learned(own_shards: Callable[..., Path]) -> None:
    """Of a document that BOS stands for only the first is learned: that the one before it ends."""
    shards = own_shards()
    info, plan = read_data(str(shards), "main")
    path = shards / "train" / "tokens-00000.bin"
    tokens = np.fromfile(path, "<u2")
    first, second, third = np.flatnonzero(tokens == BOS)[:3].tolist()
    tokens[second:third] = BOS
    path.write_bytes(tokens.tobytes())
    reader = PlanReader(replace(info, pad_id=None), plan)
    batch = reader.batch(0, reader.rows - 1)
    at = np.arange(batch.mask_BxT.size).reshape(batch.mask_BxT.shape) + 1 + np.arange(len(batch.mask_BxT))[:, None]
    assert first == 0 and third < at.max()
    assert np.array_equal(batch.mask_BxT == 0, (at > second) & (at < third))


@pytest.mark.parametrize(("token", "fine"), [(259, True), (260, False), (65_535, False)])
def test_a_token_beyond_the_vocabulary_is_named(own_shards: Callable[..., Path], token: int, fine: bool) -> None:
    """With its file and document: a backend would read another token's weights, or crash."""
    shards = own_shards()
    path = Path(tokens_path(str(shards), TRAIN, 1))
    tokens = np.fromfile(path, "<u2")
    tokens[5] = token
    tokens.tofile(path)
    reader = reader_of(shards)
    batches = (reader.batch(step, 4) for step in range(-(-reader.rows // 4)))
    if fine:
        assert all(batch.x_BxT.max() < 260 for batch in batches)
        return
    with pytest.raises(BadInput, match=rf"tokens-00001.bin: token {token:,} at 5 .* 260 .document https://train-1-0"):
        list(batches)


def test_padding_is_not_learned(own_shards: Callable[..., Path]) -> None:
    reader = reader_of(own_shards(packing="bos_bestfit"))
    for step in range(5):
        assert reader.learned(step, 4) == int(reader.batch(step, 4).mask_BxT.sum())
