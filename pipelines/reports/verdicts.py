"""Verdicts as sentences: what a rule measured, what it has to be, and on which side of the limit that is."""

from __future__ import annotations

from schemas.verdict import Check

LIMITS = {"<=": "at most", "<": "below", ">=": "at least", ">": "above"}


def check_text(check: Check) -> str:
    """A rule with its value and what that has to be, in columns; the mark says whether it is."""
    mark = "✓" if check.passed else "✗"
    value, threshold = numbers(check.value, check.threshold)
    return f"{mark} {check.rule:<22} {value:>10}, has to be {LIMITS[check.keep]} {threshold}"


def reason_text(
    reason: str,
    value: float | None = None,
    threshold: float | None = None,
    detail: str | None = None,
    language: str | None = None,
    score: float | None = None,
) -> str:
    """Why a page goes no further; the arguments are columns of the ledger."""
    if reason == "other_language":  # its value and threshold are those of the score, which may be high enough
        of_score = "" if score is None else f", with score {number(score)}"
        return f"{reason}: it is in {language or detail or 'another one'}{of_score}"
    more = f" [{detail}]" if detail else ""
    if value is None:
        return f"{reason}{more}"
    if threshold is None:
        return f"{reason}: measured {number(value)}{more}"
    shown, limit = numbers(value, threshold)
    if reason == "http_status":
        return f"{reason}: it is {shown}, and has to be {limit}{more}"
    side = "more than the limit" if value > threshold else "less than the limit" if value < threshold else "the limit"
    return f"{reason}: measured {shown}, {side} {limit}{more}"


def numbers(value: float, limit: float) -> tuple[str, str]:
    """Both as they are shown: with all their digits where they would look alike and are not."""
    shown = number(value), number(limit)
    return (repr(value), repr(limit)) if value != limit and shown[0] == shown[1] else shown


def number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:.4g}"
