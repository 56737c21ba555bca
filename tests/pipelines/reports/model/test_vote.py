"""The page of blind votes: what it writes is what `bateia arena` reads, names stay hidden, texts do nothing."""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.reports.model.vote import SCRIPTS, Pair, VoteReport, render_page
from support.pages import Elements, in_browser, in_node
from trainer.post.arena import read_votes

HOSTILE = "</script><script>alert(1)</script><!--'\"&\u202e{{ 1234*4321 }}"
PAIRS = (
    Pair("p é", "base", "sft", HOSTILE, "12"),
    Pair("q", "sft", "base", "x", "y"),
    Pair("r", "sft", "base", "", "z"),
)
PROGRAM = """((ballot) => (job.winners.map((winner) => ballot.vote(winner)), ballot.takeBack(), ballot.vote("tie"),
  { lines: ballot.lines, left: ballot.pair === undefined }))(new Ballot(job.pairs))"""


def page_of() -> str:
    return render_page(VoteReport(PAIRS), {"bateia": "0"})


def test_what_is_voted_is_what_the_arena_reads(tmp_path: Path) -> None:
    carried = json.loads(Elements(page_of()).texts["data"][0])
    told = in_node(SCRIPTS, PROGRAM, carried | {"winners": ["a", "b", "b"]})
    assert told["left"] is True
    votes = [json.loads(line) for line in told["lines"].splitlines()]
    assert votes[0] == {"prompt": "p é", "a": "base", "b": "sft", "winner": "a"}
    (tmp_path / "votes.jsonl").write_text(told["lines"])
    models, wins_QxPxP = read_votes(str(tmp_path / "votes.jsonl"))
    assert models == ["base", "sft"] and wins_QxPxP.sum(0).tolist() == [[0, 2.5], [0.5, 0]]


def test_names_are_not_to_be_read_and_texts_do_nothing() -> None:
    page = page_of()
    elements = Elements(page)
    elements.assert_self_contained(scripts=2)
    assert "sft" not in page and "5332114" not in page
    assert json.loads(elements.texts["data"][0])["pairs"][0]["left"] == HOSTILE


def test_a_browser_shows_the_first_pair(tmp_path: Path) -> None:
    (tmp_path / "vote.html").write_text(page_of())
    shown = Elements(in_browser(tmp_path / "vote.html", "--dump-dom"))
    assert shown.texts["count"] == ["1 of 3"] and shown.texts["left"] == [HOSTILE] and shown.texts["right"] == ["12"]
