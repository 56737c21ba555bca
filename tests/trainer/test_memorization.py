"""What is known by heart: measured on models that know one document, and where it is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from schemas.shards import TRAIN, VAL, ShardsInfo, read_shards
from trainer.batches import PlanReader
from trainer.document_tokens import Document, DocumentTokens
from trainer.faults import BadRun
from trainer.job import read_data
from trainer.memorization import Questions, recite, summary
from trainer.prompt_places import all_along, anywhere, at_rows, at_rows_of

VOCABULARY = 260
QUESTIONS = Questions(prefix=8, tokens=500, context=1000)


class ByHeart:
    """Knows what follows any three tokens of one document, and is sure of token 0 otherwise."""

    context = 1000

    def __init__(self, tokens: np.ndarray) -> None:
        self.after = {tuple(tokens[at - 3 : at].tolist()): int(tokens[at]) for at in range(3, len(tokens))}

    def begin(self) -> None: ...

    def read(self, tokens: list[int]) -> np.ndarray:
        return self.logits(tokens)[-1]

    def logits(self, tokens: list[int]) -> np.ndarray:
        sure = [self.after.get(tuple(tokens[max(at - 2, 0) : at + 1]), 0) for at in range(len(tokens))]
        return np.eye(VOCABULARY, dtype=np.float32)[sure]


def document(tokens: np.ndarray) -> Document:
    return Document(0, 0, "https://a.example/", "a.warc.gz", 5, tokens)


@pytest.fixture
def known() -> np.ndarray:
    return np.random.default_rng(2).integers(4, VOCABULARY, 300)


def test_a_document_that_is_known_comes_whole(known: np.ndarray) -> None:
    found = recite(ByHeart(known), document(known), 0, QUESTIONS)
    assert (found.begin, found.end) == (8, 300)
    assert recite(ByHeart(known), document(known), 200, QUESTIONS).tokens == 92
    short = Questions(prefix=8, tokens=50, context=1000)
    assert recite(ByHeart(known), document(known), 0, short).tokens == 50


@pytest.mark.parametrize("differs", [8, 9, 100, 299])
def test_it_is_measured_up_to_the_first_other_token(known: np.ndarray, differs: int) -> None:
    other = known.copy()
    other[differs] = 1
    assert recite(ByHeart(known), document(other), 0, QUESTIONS).tokens == differs - 8


def test_what_is_not_known_does_not_come(known: np.ndarray) -> None:
    unknown = np.random.default_rng(9).integers(4, VOCABULARY, 300)
    assert recite(ByHeart(known), document(unknown), 0, QUESTIONS).tokens == 0


def test_shares_are_of_fifty_tokens(known: np.ndarray) -> None:
    whole = recite(ByHeart(known), document(known), 0, QUESTIONS)
    short = recite(ByHeart(known), document(known[:57]), 0, QUESTIONS)
    assert short.tokens == 49
    found = summary([whole, short, short, short], QUESTIONS)
    assert (found["extracted"], found["prompts"], found["share"], found["longest"]) == (1, 4, 0.25, 292)
    assert found["share_se"] == pytest.approx((0.25 * 0.75 / 4) ** 0.5)
    assert summary([], QUESTIONS)["share"] is None


@pytest.mark.parametrize("wrong", [(0, 5, 10), (5, 0, 10), (6, 5, 10)])
def test_questions_that_have_no_room(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(BadRun):
        Questions(*wrong)


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


def test_documents_are_found_by_url_and_by_place(info: ShardsInfo) -> None:
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
    questions = Questions(prefix=8, tokens=20, context=32)
    rows = [reader.row(row).tolist() for row in range(reader.rows)]
    found = at_rows(plan, documents, questions, 10, seed=1)
    assert len(found) == 10
    for one, place in found:
        asked = one.tokens[place : place + 28].tolist()
        assert len(asked) == 28 and any(row[:28] == asked for row in rows)
    url = found[0][0].url
    (whole,) = documents.of_url(str(url))
    assert found[0][1] in [place for _, place in at_rows_of(whole, plan, questions)]


def test_places_leave_room_for_what_follows(known: np.ndarray) -> None:
    questions = Questions(prefix=8, tokens=20, context=100)
    places = [place for _, place in anywhere([document(known)] * 400, questions, seed=3)]
    assert min(places) >= 0 and max(places) <= 272 and len(set(places)) > 150
    assert anywhere([document(known[:20])], questions, 3)[0][1] == 0
    assert [place for _, place in all_along(document(known[:50]), questions)] == [0, 20, 40]
