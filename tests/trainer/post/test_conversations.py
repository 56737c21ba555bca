"""Conversations in shards: none is cut, each is in one row, what is learned is the assistant's; their makers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipelines.lineage.batch import explain_batch
from schemas.faults import BadInput
from schemas.shards.layout import TRAIN, VAL, mask_path, read_plan, read_shards, tokens_path
from support.shards import ShardWriter, encode
from trainer.data.batches import PlanReader
from trainer.data.chat import Conversation, Message
from trainer.generate.text import Text
from trainer.post.conversations import plan_rows
from trainer.post.makers.basics import FORMATS, is_held_out, make_basics
from trainer.post.makers.corpus import make_from_pages, pairs_of
from trainer.post.sft import Base
from trainer.run.job import read_data

from .conftest import echoes


def test_no_document_is_cut_and_each_is_in_one_row() -> None:
    lengths = np.random.default_rng(1).integers(2, 34, 500).tolist()
    rows = plan_rows(lengths, 32, seed=3)
    starts = np.cumsum([0, *lengths]).tolist()
    assert sorted(span for row in rows for span in row) == list(zip(starts, lengths, strict=False))
    assert max(sum(length for _, length in row) for row in rows) <= 33
    assert len(rows) * 33 < 1.12 * sum(lengths)  # little padding
    assert rows == plan_rows(lengths, 32, seed=3) != plan_rows(lengths, 32, seed=4)


def test_rows_teach_what_the_assistant_writes(base: Base, shard: Callable[..., Path]) -> None:
    conversations = echoes()
    folder = shard(conversations)
    info, plan = read_data(str(folder), "main")
    assert info.masked and plan.context == 32 and plan.slices["all"] > 0
    reader, chat = PlanReader(info, plan), base.chat()
    batch = reader.batch_of(range(reader.rows))
    rendered = [chat.render(one.messages) for one in conversations if one.split == TRAIN]
    assert batch.mask_BxT.sum() == sum(sum(one.mask) for one in rendered)
    answers = {chat.text.decode([token]) for token in batch.y_BxT[batch.mask_BxT == 1].tolist() if token != chat.end}
    assert answers == {one.answer for one in conversations if one.split == TRAIN}
    assert reader.learned(0, reader.rows) == batch.mask_BxT.sum()
    first = batch.segment_ids_BxT[0]
    assert (np.bincount(first)[1:] >= 6).all()  # whole conversations
    assert not batch.mask_BxT[batch.segment_ids_BxT == 0].any()


def test_a_batch_is_explained_as_any_other(shard: Callable[..., Path]) -> None:
    folder = shard(echoes())
    told = explain_batch(str(folder), "main", 0, 2)
    [first, *_] = told["rows"][0]["spans"]
    assert first["doc_id"].startswith("echo-") and first["url"].startswith("https://letters.example/")


def test_what_can_not_be_written(shard: Callable[..., Path], base: Base, tmp_path: Path) -> None:
    long = Conversation("long", (Message("user", "x" * 99), Message("assistant", "y")))
    with pytest.raises(BadInput, match="1 are longer than 32 tokens"):
        shard([long])
    assert not (tmp_path / "conversations").exists()
    folder = shard([long, *echoes()])
    assert read_shards(str(folder)).counts["too_long"] == 1
    with pytest.raises(BadInput, match="is there; choose another"):
        shard(echoes())
    path = Path(mask_path(str(folder), TRAIN, 0))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadInput, match=r"mask-00000\.bin has .* bytes"):
        read_data(str(folder), "main")
    info = read_shards(str(folder))
    with pytest.raises(BadInput, match="make the conversations' shards anew"):
        PlanReader(info, read_plan(info, "main")).batch(0, 2)
    size = Path(tokens_path(str(folder), VAL, 0)).stat().st_size
    assert size == 2 * Path(mask_path(str(folder), VAL, 0)).stat().st_size


def test_basics_are_held_out_by_their_content() -> None:
    made = list(make_basics(1200, seed=2))
    assert made == list(make_basics(1200, seed=2))
    assert len({one.id for one in made}) == 1200 and {one.task for one in made} == set(FORMATS)
    for one in made:
        assert one.answer is not None and FORMATS[one.task or ""].fullmatch(one.answer), one
        assert one.messages[-1].content == one.answer
    for task in ("repeat", "translate", "greet"):
        contents: dict[str, set[object]] = {TRAIN: set(), VAL: set()}
        for one in made:
            if one.task == task:
                contents[one.split].add(frozenset(said(one)) if task == "translate" else one.answer)
        assert contents[VAL] and not contents[VAL] & contents[TRAIN]
    assert 0.1 < np.mean([is_held_out(str(number)) for number in range(2000)]) < 0.2


def said(one: Conversation) -> tuple[str, str]:
    """A word to translate, and its translation."""
    template, asked = one.source["template"], one.messages[0].content
    left, right = template.split("{}")
    return asked[len(left) : len(asked) - len(right)], one.answer or ""


PAGE = """Gold washing

The bateia is a wide pan in which gravel is turned in water until gold is left.

How deep is the river here?
About a metre in summer; in spring nobody should wade through it at all, as many have found.
What then?
Why?
"""


def test_pages_ask_and_answer(tmp_path: Path) -> None:
    asked = list(pairs_of(PAGE))
    assert [question for question, _ in asked] == ["Write about: Gold washing", "How deep is the river here?"]
    assert asked[1][1].startswith("About a metre")
    folder = ShardWriter(tmp_path / "shards", train=[[encode(PAGE)]], val=[encode(PAGE)], context=32).write()
    made = list(make_from_pages(read_shards(str(folder)), Text(folder / "tokenizer"), 3))
    assert [one.split for one in made] == [TRAIN, TRAIN, VAL] and len({one.id for one in made}) == 3
    assert made[1].messages == (Message("user", asked[1][0]), Message("assistant", asked[1][1]))
    assert made[0].source == {
        **{"kind": "corpus", "url": "https://train-0-0.example/", "warc_file": "a.warc.gz", "warc_offset": 0}
    }
