"""The page of `bateia arena vote --html`: blind votes on answers that are in the page, written as votes.jsonl."""

from __future__ import annotations

import json
from base64 import b64encode

from msgspec import Struct

from pipelines.reports.render import render, script_hash

SCRIPTS = ("vote.js",)  # as the page includes them


class Pair(Struct, frozen=True):
    """Two answers to a prompt. a, b: the models that gave the left and the right one."""

    prompt: str
    a: str
    b: str
    left: str
    right: str


class VoteReport(Struct, frozen=True):
    """What is voted on, in this order."""

    pairs: tuple[Pair, ...]


def render_page(report: VoteReport, versions: dict[str, str]) -> str:
    """Names are in Base64, so that whoever looks into the page for something else does not read them."""
    pairs = [
        {"prompt": pair.prompt, "left": pair.left, "right": pair.right}
        | {"names": b64encode(json.dumps([pair.a, pair.b]).encode()).decode()}
        for pair in report.pairs
    ]
    return render(
        "vote.html",
        data={"pairs": pairs},
        versions=versions,
        scripts=SCRIPTS,
        script_sha256=script_hash(SCRIPTS),
    )
