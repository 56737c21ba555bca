"""Memorization: measured on models that know one document, and the positions of prompts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from schemas.faults import BadInput
from schemas.shards.layout import TRAIN, VAL, ShardsInfo, read_shards
from support.decoders import LogitsAlone
from trainer.data.batches import PlanReader
from trainer.probes.documents import Document, DocumentTokens
from trainer.probes.memorization import Memorization, Passage, extract, summarize
from trainer.probes.prompts import ExtractionSettings, Prompt, all_along, anywhere, at_rows, at_rows_of
from trainer.run.job import read_data

VOCABULARY = 260
SETTINGS = ExtractionSettings(prefix=8, tokens=500)


class ByHeart(LogitsAlone):
    """Knows what follows any three tokens of one document, and is sure of token 0 otherwise."""

    context = 1000

    def __init__(self, tokens: np.ndarray) -> None:
        self.after = {tuple(tokens[at - 3 : at].tolist()): int(tokens[at]) for at in range(3, len(tokens))}

    def logits(self, tokens: list[int]) -> np.ndarray:
        sure = [self.after.get(tuple(tokens[max(at - 2, 0) : at + 1]), 0) for at in range(len(tokens))]
        return np.eye(VOCABULARY, dtype=np.float32)[sure]


def document(tokens: np.ndarray) -> Document:
    return Document(0, 0, "https://a.example/", "a.warc.gz", 5, tokens)


@pytest.fixture
def known() -> np.ndarray:
    return np.random.default_rng(2).integers(4, VOCABULARY, 300)


def test_a_document_that_is_known_comes_whole(known: np.ndarray) -> None:
    found = extract(ByHeart(known), Prompt(document(known), 0), SETTINGS)
    assert (found.begin, found.end) == (8, 300)
    assert extract(ByHeart(known), Prompt(document(known), 200), SETTINGS).tokens == 92
    short = ExtractionSettings(prefix=8, tokens=50)
    assert extract(ByHeart(known), Prompt(document(known), 0), short).tokens == 50


@pytest.mark.parametrize("differs", [8, 9, 100, 299])
def test_it_is_measured_up_to_the_first_other_token(known: np.ndarray, differs: int) -> None:
    other = known.copy()
    other[differs] = 1
    assert extract(ByHeart(known), Prompt(document(other), 0), SETTINGS).tokens == differs - 8


def test_what_is_not_known_does_not_come(known: np.ndarray) -> None:
    unknown = np.random.default_rng(9).integers(4, VOCABULARY, 300)
    assert extract(ByHeart(known), Prompt(document(unknown), 0), SETTINGS).tokens == 0


def test_shares_are_of_fifty_tokens(known: np.ndarray) -> None:
    whole = extract(ByHeart(known), Prompt(document(known), 0), SETTINGS)
    short = extract(ByHeart(known), Prompt(document(known[:57]), 0), SETTINGS)
    assert short.tokens == 49
    found = summarize([whole, short, short, short], SETTINGS.extractable)
    assert (found.extracted, found.prompts, found.share, found.longest) == (1, 4, 0.25, 292)
    assert found.share_se == pytest.approx((0.25 * 0.75 / 4) ** 0.5)
    nothing = summarize([], SETTINGS.extractable)
    assert (nothing.prompts, nothing.extracted, nothing.share, nothing.longest) == (0, 0, None, None)


def test_the_json_has_what_was_asked_and_what_came() -> None:
    passage = Passage("rows", "https://a.example/", "a.warc.gz", 5, 8, 2, 7, "given", "came")
    asked = {"rows": summarize([], 50), "held_out": summarize([], 50)}
    told = Memorization("run", 7, "shards", SETTINGS, asked, (passage,)).to_json()
    assert json.loads(json.dumps(told)) == told
    settings = ["documents", "url", "prefix", "tokens", "seed", "extractable"]
    assert list(told) == ["run", "step", "shards", *settings, "asked", "longest"] and told["extractable"] == 50
    numbers = ["prompts", "extracted", "share", "share_se", "mean", "median", "longest"]
    assert list(told["asked"]["held_out"]) == numbers
    assert told["longest"] == [
        {
            **{"asked": "rows", "url": "https://a.example/", "warc_file": "a.warc.gz", "warc_offset": 5},
            **{"begin": 8, "tokens": 2, "bytes": 7, "prompt": "given", "text": "came"},
        }
    ]


@pytest.mark.parametrize("wrong", [{"prefix": 0}, {"tokens": 0}, {"seed": -1}])
def test_settings_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(BadInput):
        ExtractionSettings(**wrong)  # pyright: ignore[reportArgumentType]


def test_prompts_have_room_in_the_context() -> None:
    ExtractionSettings(6, 4).check_context(10)
    with pytest.raises(BadInput, match="a smaller --prefix or fewer --tokens"):
        ExtractionSettings(6, 5).check_context(10)


@pytest.fixture
def info(shards: Path) -> ShardsInfo:
    return read_shards(str(shards))


def test_documents_are_drawn_by_a_seed_among_the_long_ones(info: ShardsInfo) -> None:
    documents = DocumentTokens(info, TRAIN)
    whole = list(documents.all())
    assert len(whole) == 40 and all(one.tokens[0] == 1 and (one.tokens[1:] > 3).all() for one in whole)
    assert [one.url for one in documents.drawn(100, 1, 5)] == [one.url for one in whole]
    least = int(np.median([len(one.tokens) for one in whole]))
    some, same, other = ([one.url for one in documents.drawn(7, least, seed)] for seed in (1, 1, 2))
    assert some == same != other and len(some) == 7
    assert set(some) <= {one.url for one in whole if len(one.tokens) >= least}
    assert len(DocumentTokens(info, VAL).drawn(100, 1, 1)) == 6


def test_documents_are_found_by_url_and_by_position(info: ShardsInfo) -> None:
    documents = DocumentTokens(info, TRAIN)
    for one in documents.all():
        (found,) = documents.of_url(str(one.url))
        assert (found.tokens == one.tokens).all()
        for position in (one.start, one.start + len(one.tokens) - 1):
            held = documents.holding(one.shard, position)
            assert held is not None and held.url == one.url
    assert documents.of_url("https://nowhere.example/") == [] and documents.holding(0, 10**9) is None


def test_rows_are_asked_from_their_beginning(shards: Path) -> None:
    info, plan = read_data(str(shards), "main")
    reader, documents = PlanReader(info, plan), DocumentTokens(info, TRAIN)
    settings = ExtractionSettings(prefix=8, tokens=20, documents=10, seed=1)
    rows = [reader.row(row).tolist() for row in range(reader.rows)]
    found = at_rows(plan, documents, settings)
    assert len(found) == 10
    for one, position in found:
        asked = one.tokens[position : position + 28].tolist()
        assert len(asked) == 28 and any(row[:28] == asked for row in rows)
    url = found[0][0].url
    (whole,) = documents.of_url(str(url))
    assert found[0][1] in [position for _, position in at_rows_of(whole, plan, settings)]


def test_positions_leave_room_for_what_follows(known: np.ndarray) -> None:
    settings = ExtractionSettings(prefix=8, tokens=20, seed=3)
    positions = [position for _, position in anywhere([document(known)] * 400, settings)]
    assert min(positions) >= 0 and max(positions) <= 272 and len(set(positions)) > 150
    assert anywhere([document(known[:20])], settings)[0][1] == 0
    assert [position for _, position in all_along(document(known[:50]), settings)] == [0, 20, 40]
