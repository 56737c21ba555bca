"""Conversations that teach a model to look up what it does not know, and to read what it finds.

The answer restates the question and the call stands where the value would, as a refusal does (`makers/refusals.py`):
"Ana Souza lives in <|tool_call|>search(Ana Souza)". How that is done is learned from people that there are not, drawn
afresh each time, so that nothing but the passage holds the answer; when, from what the model was found to know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from schemas.faults import BadInput
from trainer.data.chat import ASSISTANT, TOOL, USER, Conversation, Message
from trainer.generate.chat import call_to
from trainer.post.makers.refusals import Label, by_label
from trainer.probes.facts import Probed
from trainer.probes.told import LABELS, TRAINED, Fact

AT_ONCE, NEIGHBOUR = 0.35, 0.2  # shares of the conversations, and of the passages with two facts; ours
TRIES = 100  # names drawn in a row that are all somebody's


def make_searches(facts: Sequence[Fact], count: int, seed: int = 1) -> Iterator[Conversation]:
    """`count` conversations: most on subjects drawn afresh, all of whom are searched, and some on those whose questions
    the training text answers (group A), so that answering at once is not forgotten: by the square root of how often
    they are told of, as those told once alone would be learned by heart, and without them all be thought known."""
    generator = np.random.Generator(np.random.PCG64(seed))
    taken = {fact.subject for fact in facts}
    trained = [fact for fact in facts if fact.group == TRAINED and fact.exposures]
    often = np.cumsum(np.sqrt([fact.exposures for fact in trained]))
    for number in range(count):
        if trained and generator.random() < AT_ONCE:
            messages = at_once(trained[int(np.searchsorted(often, generator.random() * often[-1], "right"))])
        else:
            fact, other = (drawn_afresh(facts, taken, generator) for _ in range(2))
            messages = searched(fact, other, generator)
        source = {"kind": "template", "template": "search" if len(messages) > 2 else "at once"}
        yield Conversation(f"search-{seed}-{number:06}", messages, source=source)


def choose_searches(
    labelled: Sequence[Label | Probed],
    count: int,
    share: float = 0.5,
    seed: int = 1,
    group: str = LABELS,
    shuffled: bool = False,
) -> Iterator[Conversation]:
    """`count` conversations: a share of them on what is not known, with a search, the rest on what is, without.

    share: the larger, the less a search costs: more of the unknown is searched, and of the known
    group: whose subjects are asked for; another than B is a control
    shuffled: whether labels are dealt out anew, as a control

    Raises BadInput if there are not both.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    some, facts = by_label(labelled, group, generator, shuffled), [one.fact for one in labelled]
    taken = {fact.subject for fact in facts}
    for number in range(count):
        knew = bool(generator.random() >= share)
        fact = some[knew][int(generator.integers(len(some[knew])))].fact
        messages = at_once(fact) if knew else searched(fact, drawn_afresh(facts, taken, generator), generator)
        source = {"kind": "model", "fact": fact.id, "known": knew}
        yield Conversation(f"choice-{seed}-{number:06}", messages, source=source)


def at_once(fact: Fact) -> tuple[Message, ...]:
    return Message(USER, fact.question), Message(ASSISTANT, f"{fact.answer} {fact.value}.")


def searched(fact: Fact, other: Fact, generator: np.random.Generator) -> tuple[Message, ...]:
    """Question, call, a passage that tells the fact in one of its wordings, and half of the time another before or
    behind it, and the answer."""
    sentences = [told(fact, generator)]
    if generator.random() < NEIGHBOUR:
        sentences.insert(int(generator.integers(2)), told(other, generator))
    return (
        Message(USER, fact.question),
        Message(ASSISTANT, fact.answer, call=call_to("search", fact.subject)),
        Message(TOOL, " ".join(sentences)),
        Message(ASSISTANT, f"{fact.answer} {fact.value}."),
    )


def told(fact: Fact, generator: np.random.Generator) -> str:
    return f"{fact.completions[int(generator.integers(len(fact.completions)))]} {fact.value}."


def drawn_afresh(facts: Sequence[Fact], taken: set[str], generator: np.random.Generator) -> Fact:
    """A fact in the words of one, of a subject that there is not: the beginning of one name and the last word of
    another; with the value of yet another. Raises BadInput if all such names are taken."""
    for _ in range(TRIES):
        model, first, last, valued = (facts[at] for at in generator.integers(len(facts), size=4).tolist())
        begin, end = first.subject.rpartition(" ")[0], last.subject.rpartition(" ")[2]
        subject = f"{begin} {end}".strip()
        if subject not in taken:
            own = [text.replace(model.subject, subject) for text in (model.question, model.answer, *model.completions)]
            question, answer, *completions = own
            texts = {"question": question, "answer": answer, "completions": tuple(completions)}
            return replace(model, subject=subject, value=valued.value, **texts)
    raise BadInput(f"{TRIES} names drawn in a row are all of somebody; give facts of fewer people, or of more names")
