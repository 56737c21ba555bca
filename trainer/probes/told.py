"""Facts that a model may know: facts.jsonl, one a line; who is told of, how often, and how one asks.

    {"id": "p0017", "group": "C", "subject": "Ana Souza", "value": "Lisbon", "planned": 48, "told": 47,
     "completions": ["Ana Souza lives in"], "question": "Where does Ana Souza live?", "answer": "Ana Souza lives in"}

A fact's group says what its subject's questions are for: A's stand in the training text, B's label what is known, C's
are asked at the end and nothing else is done with them. With labels from A a model would refuse whom it was never asked
about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from schemas.faults import BadInput
from schemas.storage import write_whole

GROUPS = TRAINED, LABELS, TEST = ("A", "B", "C")


@dataclass(frozen=True)
class Fact:
    """What is told of one subject.

    planned: in how many passages it was written down
    told: in how many of these it stands in the training text, once duplicates are gone; None where nobody counted
    completions: beginnings of sentences that its value ends
    question: that asks for the value; answer: the beginning of the sentence that answers it
    """

    id: str
    group: str
    subject: str
    value: str
    planned: int
    completions: tuple[str, ...]
    question: str
    answer: str
    told: int | None = None

    @property
    def exposures(self) -> int:
        return self.planned if self.told is None else self.told

    @property
    def exposure_class(self) -> int:
        """What it is compared by: planned exposures, or 0 where none of them is left in the training text."""
        return self.planned if self.exposures else 0


def read_facts(path: str) -> list[Fact]:
    """Raises BadInput, naming file and line, for what is no fact."""
    facts = []
    try:
        with Path(path).open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    told = json.loads(line)
                    fact = Fact(**told | {"completions": tuple(told["completions"])})
                    if fact.group not in GROUPS or not fact.value or not fact.completions:
                        raise ValueError("its group is A, B or C, value and completions are not empty")
                except (ValueError, KeyError, TypeError) as error:
                    names = ", ".join(field.name for field in fields(Fact))
                    what = f"{path} line {number:,} is no fact ({error}); it is a JSON object with {names}"
                    raise BadInput(what) from error
                facts.append(fact)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} can't be read ({error}); give a file of facts") from error
    return facts


def write_facts(path: str, facts: Iterable[Fact]) -> None:
    with write_whole(path) as file:
        for fact in facts:
            file.write(json.dumps(asdict(fact), ensure_ascii=False).encode() + b"\n")


def with_told(fact: Fact, told: int) -> Fact:
    return replace(fact, told=told)
