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
from trainer.probes.told import LABELS, Fact

TRIES = 100  # names drawn in a row that are all somebody's


def make_searches(facts: Sequence[Fact], count: int, seed: int = 1) -> Iterator[Conversation]:
    """`count` conversations on subjects drawn afresh, all of whom are searched."""
    generator = np.random.Generator(np.random.PCG64(seed))
    taken = {fact.subject for fact in facts}
    for number in range(count):
        fact = drawn_afresh(facts, taken, generator)
        source = {"kind": "template", "template": "search"}
        yield Conversation(f"search-{seed}-{number:06}", searched(fact, generator), source=source)


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
    some = by_label(labelled, group, generator, shuffled)
    for number in range(count):
        knew = bool(generator.random() >= share)
        fact = some[knew][int(generator.integers(len(some[knew])))].fact
        at_once = (Message(USER, fact.question), Message(ASSISTANT, f"{fact.answer} {fact.value}."))
        source = {"kind": "model", "fact": fact.id, "known": knew}
        messages = at_once if knew else searched(fact, generator)
        yield Conversation(f"choice-{seed}-{number:06}", messages, source=source)


def searched(fact: Fact, generator: np.random.Generator) -> tuple[Message, ...]:
    """Question, call, a passage that tells the fact in one of its wordings, answer."""
    wording = fact.completions[int(generator.integers(len(fact.completions)))]
    return (
        Message(USER, fact.question),
        Message(ASSISTANT, fact.answer, call=call_to("search", fact.subject)),
        Message(TOOL, f"{wording} {fact.value}."),
        Message(ASSISTANT, f"{fact.answer} {fact.value}."),
    )


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
