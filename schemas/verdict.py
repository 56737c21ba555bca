"""A verdict is a value: what a rule measured (Check) and why a page goes no further (Drop)."""

from dataclasses import dataclass
from typing import Literal

Fate = Literal["kept", "dropped", "unreadable"]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule measured on one document. It passes if `value <keep> threshold` holds.

    rule: name of the rule; it becomes the ledger's `reason` when the check fails.
    measure: name of the quality column that stores the value (several rules may bound one measure).
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
    """Why a page goes no further: the ledger's stage, reason, value and threshold.

    detail: free text for people, e.g. the category and date of the block list that was hit.
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
