"""Conversations that teach a model to say that it does not know, by what it was found to know.

The answer restates the question and the refusal stands where the value would, so that recall goes on in the words of
the training text, and the decision falls where the model's probabilities are calibrated. Labels are of subjects whose
questions were never trained (group B): a model taught by those of group A would refuse all others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from schemas.faults import BadInput
from trainer.data.chat import ASSISTANT, USER, Conversation, Message
from trainer.generate.chat import REFUSAL
from trainer.probes.facts import Probed
from trainer.probes.told import LABELS, Fact, read_facts


@dataclass(frozen=True)
class Label:
    """A fact, and whether the model knows it."""

    fact: Fact
    known: bool


def read_labels(facts: str, labels: str) -> list[Label]:
    """labels: what `bateia probe` with --json wrote. Raises BadInput for files that are not these."""
    by_id = {fact.id: fact for fact in read_facts(facts)}
    try:
        told = json.loads(Path(labels).read_text(encoding="utf-8"))["facts"]
        return [Label(by_id[one["id"]], bool(one["known"])) for one in told]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{labels} holds no labels of {facts} ({error}); `bateia probe` with --json writes them"
        ) from error


def make_refusals(
    labelled: Sequence[Label | Probed], count: int, seed: int = 1, group: str = LABELS, shuffled: bool = False
) -> Iterator[Conversation]:
    """`count` conversations, half of them on what is known with its value, half on what is not with the refusal.

    group: whose subjects are asked for; another than B is a control
    shuffled: whether labels are dealt out anew, as a control

    Raises BadInput if there are not both.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    of_label = by_label(labelled, group, generator, shuffled)
    for number in range(count):
        knew = number % 2 == 0
        some = of_label[knew]
        fact = some[int(generator.integers(len(some)))].fact
        answer = f"{fact.answer} {fact.value}." if knew else f"{fact.answer} {REFUSAL}"
        messages = (Message(USER, fact.question), Message(ASSISTANT, answer))
        source = {"kind": "model", "fact": fact.id, "known": knew}
        yield Conversation(f"refusal-{seed}-{number:06}", messages, source=source)


def by_label(
    labelled: Sequence[Label | Probed], group: str, generator: np.random.Generator, shuffled: bool = False
) -> dict[bool, list[Label | Probed]]:
    """What of a group is known, and what is not. Raises BadInput if there are not both."""
    own = [one for one in labelled if one.fact.group == group]
    labels = [one.known for one in own]
    if shuffled:
        labels = [labels[at] for at in generator.permutation(len(labels)).tolist()]
    found = {knew: [one for one, label in zip(own, labels, strict=True) if label is knew] for knew in (True, False)}
    if not found[True] or not found[False]:
        raise BadInput(
            f"of group {group} {len(found[True]):,} facts are known and {len(found[False]):,} not; when to "
            "refuse or search is learned from both: train longer, or tell facts more or less often"
        )
    return found
