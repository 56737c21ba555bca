"""A verdict is a value: what a rule measured (Check) and why a page goes no further (Drop)."""

from dataclasses import dataclass
from typing import Literal

Fate = Literal["kept", "dropped", "unreadable"]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule measured on one document. It passes if `value <keep> threshold` holds.

    rule: name of the rule; it becomes the ledger's `reason` when the check fails.
    measure: name of the quality column that stores the value (several rules may bound one measure).
    value: what was measured
    keep: the comparison that must hold
    threshold: what the value is compared with
    """

    rule: str
    measure: str
    value: float
    keep: Literal["<=", ">=", "<", ">"]
    threshold: float

    @property
    def passed(self) -> bool:
        match self.keep:
            case "<=":
                return self.value <= self.threshold
            case ">=":
                return self.value >= self.threshold
            case "<":
                return self.value < self.threshold
            case ">":
                return self.value > self.threshold


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a page goes no further; each field is a column of the ledger.

    stage: of the step that dropped it
    reason: name of the rule
    value: what the rule measured, or None if it measures nothing
    threshold: the limit that the value broke
    detail: free text for people, e.g. the category and date of the block list that was hit.
    language: of the document, or None if it is not known yet
    language_score: its probability, 0 to 1
    fate: "dropped" by a rule, or "unreadable" where the bytes could not be made into a page.
    """

    stage: str
    reason: str
    value: float | None = None
    threshold: float | None = None
    detail: str | None = None
    language: str | None = None
    language_score: float | None = None
    fate: Fate = "dropped"
