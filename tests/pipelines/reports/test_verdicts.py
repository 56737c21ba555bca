"""Verdicts as sentences: on which side of its limit a value is, and what it has to be."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.reports.verdicts import check_text, reason_text
from schemas.verdict import Check


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (Check("few", "m", 5, ">=", 5), "✓ few                             5, has to be at least 5"),
        (Check("few", "m", 4, ">=", 5), "✗ few                             4, has to be at least 5"),
        (Check("many", "m", 0.67, "<=", 0.67), "✓ many                         0.67, has to be at most 0.67"),
        (Check("many", "m", 0.68, "<=", 0.67), "✗ many                         0.68, has to be at most 0.67"),
        (Check("x", "m", 1000, "<", 1000), "✗ x                           1,000, has to be below 1,000"),
        (Check("x", "m", 0.65, ">", 0.65), "✗ x                            0.65, has to be above 0.65"),
        (Check("x", "m", 0.65000001, ">", 0.65), "✓ x                      0.65000001, has to be above 0.65"),
    ],
)
def test_a_check(check: Check, text: str) -> None:
    assert check_text(check) == text


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (
            {"reason": "other_language", "value": 0.9259, "threshold": 0.65, "detail": "de"},
            "other_language: it is in de",
        ),
        (
            {"reason": "other_language", "value": 0.9259, "threshold": 0.65, "language": "de", "score": 0.9259},
            "other_language: it is in de, with score 0.9259",
        ),
        ({"reason": "short", "value": 3, "threshold": 5}, "short: measured 3, less than the limit 5"),
        ({"reason": "long", "value": 7.5, "threshold": 5}, "long: measured 7.5, more than the limit 5"),
        ({"reason": "strict", "value": 5, "threshold": 5}, "strict: measured 5, the limit 5"),
        ({"reason": "near", "value": 0.64999999, "threshold": 0.65}, "near: measured 0.64999999, less than the limit"),
        ({"reason": "http_status", "value": 404, "threshold": 200}, "http_status: it is 404, and has to be 200"),
        ({"reason": "domain", "detail": "adult"}, "domain [adult]"),
        ({"reason": "no_main_text"}, "no_main_text"),
        ({"reason": "x", "value": 3.0}, "x: measured 3"),
    ],
)
def test_a_reason(columns: dict[str, Any], text: str) -> None:
    assert reason_text(**columns).startswith(text)
