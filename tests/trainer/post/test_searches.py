"""Conversations with a search: nobody in them is real where reading is learned, and labels decide where calling is."""

from __future__ import annotations

import pytest

from pipelines.sample.people import make_town
from schemas.faults import BadInput
from trainer.data.chat import ASSISTANT, TOOL
from trainer.post.conversations import tokenize
from trainer.post.makers.refusals import Label
from trainer.post.makers.searches import choose_searches, make_searches
from trainer.post.sft import Base

TOWN = make_town(9, (0, 3), seed=2)


def test_only_the_passage_can_tell_what_is_read() -> None:
    real = {fact.subject for fact in TOWN.facts}
    subjects, pairs = set(), set()
    for made in make_searches(TOWN.facts, 300):
        if len(made.messages) == 2:  # what the training text asks and answers itself
            continue
        asked, calling, found, answer = made.messages
        assert calling.call is not None and (calling.call.name, found.role) == ("search", TOOL)
        subject = calling.call.argument
        place = answer.content.removeprefix(f"{calling.content} ").removesuffix(".")
        assert subject not in real and subject in asked.content and calling.content == f"{subject} lives in"
        assert any(subject in one and f"{one}.".endswith(f" {place}.") for one in found.content.split("."))
        subjects.add(subject)
        pairs.add((subject, place))
    assert len(subjects) > 100 and len(pairs) > 1.2 * len(subjects)  # of a name met again another place is told
    assert list(make_searches(TOWN.facts, 5, 1)) == list(make_searches(TOWN.facts, 5, 1))
    with pytest.raises(BadInput, match="all of somebody"):
        list(make_searches(TOWN.facts[:1], 1))


def test_who_is_answered_at_once_is_told_of_often_and_once() -> None:
    """And asked for in the training text, so that nothing new is told."""
    town = make_town(30, (0, 100), tail=300, seed=4)
    by_question = {fact.question: fact for fact in town.facts}
    said = [one.messages for one in make_searches(town.facts, 2000) if len(one.messages) == 2]
    facts = [by_question[asked.content] for asked, _ in said]
    assert all(answer.content == f"{fact.answer} {fact.value}." for fact, (_, answer) in zip(facts, said, strict=True))
    assert {fact.group for fact in facts} == {"A"} and {fact.planned for fact in facts} == {1, 100}
    assert 0.4 < sum(fact.planned == 100 for fact in facts) / len(facts) < 0.6  # 10 people × √100, and 100 told once


def test_what_is_known_is_answered_at_once_and_all_else_is_searched() -> None:
    labelled = [Label(fact, fact.planned > 0) for fact in TOWN.facts]
    known = {label.fact.id: label.known for label in labelled}
    made = list(choose_searches(labelled, 200, share=0.7))
    facts = {fact.id: fact for fact in TOWN.facts}
    for one in made:
        fact = facts[one.source["fact"]]
        assert fact.group == "B" and one.source["known"] == known[fact.id] == (len(one.messages) == 2)
        assert one.messages[-1].content == f"{fact.answer} {fact.value}."
    assert 0.6 < sum(len(one.messages) == 4 for one in made) / len(made) < 0.8
    dealt = choose_searches(labelled, 100, shuffled=True, seed=3)
    assert any(known[one.source["fact"]] != one.source["known"] for one in dealt)
    with pytest.raises(BadInput, match="6 facts are known and 0 not"):
        list(choose_searches([Label(fact, True) for fact in TOWN.facts], 1))


def test_how_a_tool_is_called_is_learned_without_when(base: Base) -> None:
    """Else a model learns to search for all that it isn't trained to answer."""
    chat, made = base.chat(), [one for one in make_searches(TOWN.facts, 9) if len(one.messages) == 4]
    assert made
    for whole, given in zip(tokenize(made, chat), tokenize(made, chat, given_calls=True), strict=True):
        assert whole.tokens == given.tokens
        [(token, learned, not_learned)] = [
            three for three in zip(whole.tokens, whole.mask, given.mask, strict=True) if three[1] != three[2]
        ]
        assert (token, learned, not_learned) == (chat.call, 1, 0)
        learned_text = chat.text.decode([token for token, bit in zip(given.tokens, given.mask, strict=True) if bit])
        spoken = [m for m in whole.conversation.messages if m.role == ASSISTANT]
        assert spoken[0].call is not None
        assert learned_text == f"{spoken[0].content}search({spoken[0].call.argument}){spoken[1].content}"
