"""How a document step turns its checks into a verdict: the first failing check drops the document."""

from collections.abc import Iterable
from dataclasses import replace

from schemas.document import Document
from schemas.verdict import Check, Drop


def judge(document: Document, stage: str, checks: Iterable[Check]) -> Document | Drop:
    """Return the document with the checks' values added to its quality, or a Drop naming the first failing check.

    `checks` may be a generator: what follows a failing check is never computed.
    """
    quality = dict(document.quality)
    for check in checks:
        if not check.passed:
            return Drop(stage, check.rule, check.value, check.threshold)
        quality[check.measure] = check.value
    return replace(document, quality=quality)
