"""Ratings: the order of accuracies, ties, intervals, and the maximum of the likelihood that they should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipelines.analysis.arena import rate_scores
from pipelines.reports.model.arena import render_page
from schemas.faults import BadInput
from schemas.shards.layout import read_shards
from support.pages import Strict
from support.shards import encode
from trainer.post.arena import SCALE, rate, ratings, read_scores, read_tasks, read_votes, strengths, wins_of
from trainer.post.contamination import pages_with


def answers(accuracies: tuple[float, ...], questions: int, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).random((questions, len(accuracies))) < accuracies).astype(np.float64)


def test_better_players_are_rated_higher_and_equals_overlap() -> None:
    models = ["worst", "poor", "middle", "same", "best"]
    right_QxP = answers((0.05, 0.2, 0.5, 0.52, 0.9), 400)
    table = rate(wins_of(right_QxP), models, "middle", dict(zip(models, right_QxP.mean(0).tolist(), strict=True)))
    order = [one.model for one in table]
    assert order[0] == "best" and order[-2:] == ["poor", "worst"]
    by_name = {one.model: one for one in table}
    assert by_name["middle"].rating == 1000 and by_name["middle"].low == by_name["middle"].high == 1000
    assert by_name["same"].low < 1000 < by_name["same"].high and by_name["best"].low > 1000 > by_name["poor"].high
    assert all(one.battles == 4 * 400 for one in table) and by_name["best"].accuracy == right_QxP.mean(0)[4]


def test_ratings_are_the_likelihoods_maximum() -> None:
    """Against Newton's method on the same likelihood, pseudo-games included."""
    wins_PxP = np.random.default_rng(3).integers(0, 9, (4, 4)).astype(np.float64)
    np.fill_diagonal(wins_PxP, 0)
    p_P = strengths(wins_PxP)
    logs = np.zeros(4)
    for _ in range(200):
        share = 1 / (1 + np.exp(logs[None] - logs[:, None]))  # of a win of the row over the column
        slope = (wins_PxP * (1 - share) - wins_PxP.T * share).sum(1)
        logs += 0.05 * slope
        logs -= logs.mean()
    free = strengths(wins_PxP, pseudo=1e-9)
    np.testing.assert_allclose(np.log(free), logs, atol=1e-3)
    assert np.abs(np.log(p_P)).max() < np.abs(np.log(free)).max()  # half a game against the mean draws towards it


def test_ratings_are_arena_ranks() -> None:
    """Of these votes; arena-rank 0.1.1 (BradleyTerry, defaults), whose pins keep it out of this environment, gave the
    numbers. Bateia's half a game against the mean is left out, as arena-rank has none."""
    models = ["base", "replay", "rl", "sft"]
    votes = {
        ("base", "sft"): (11, 34, 5),
        ("base", "rl"): (6, 41, 3),
        ("base", "replay"): (17, 28, 10),
        ("sft", "rl"): (15, 29, 6),
        ("sft", "replay"): (27, 20, 13),
        ("rl", "replay"): (33, 12, 5),
    }
    wins_PxP = np.zeros((4, 4))
    for (left, right), (won, lost, ties) in votes.items():
        pair = models.index(left), models.index(right)
        wins_PxP[pair] += won + ties / 2
        wins_PxP[pair[::-1]] += lost + ties / 2
    found = 1000 + SCALE * np.log(strengths(wins_PxP, pseudo=1e-9))
    np.testing.assert_allclose(found, [868.705488, 968.476697, 1136.127942, 1026.689873], atol=1e-3)


def test_two_players_have_the_textbooks_difference() -> None:
    """Three wins of four: 400 · log₁₀ 3."""
    wins = np.array([[0, 3000.0], [1000.0, 0]])
    first, second = ratings(wins)
    assert first - second == pytest.approx(400 * np.log10(3), abs=0.5) and first + second == pytest.approx(2000)
    assert SCALE * np.log(10) == pytest.approx(400)
    always = ratings(np.array([[0, 50.0], [0, 0]]))
    assert np.isfinite(always).all() and always[0] > always[1] + 400


def test_scores_and_votes_are_read(tmp_path: Path) -> None:
    for name, right in (("base", [0, 0, 1, 0]), ("sft", [1, 0, 1, 1])):
        lines = [{"task": "t", "item": str(at), "seed": 0, "right": bool(bit)} for at, bit in enumerate(right)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    paths = [str(tmp_path / f"{name}.jsonl") for name in ("base", "sft")]
    models, wins_QxPxP, accuracies = read_scores(paths)
    assert models == ["base", "sft"] and accuracies == {"base": 0.25, "sft": 0.75}
    assert wins_QxPxP.sum(0).tolist() == [[0, 1], [3, 0]]
    (tmp_path / "votes.jsonl").write_text(
        '{"prompt": "p", "a": "y", "b": "x", "winner": "a"}\n{"prompt": "q", "a": "x", "b": "y", "winner": "tie"}\n'
    )
    models, wins_QxPxP = read_votes(str(tmp_path / "votes.jsonl"))
    assert models == ["x", "y"] and wins_QxPxP.sum(0).tolist() == [[0, 0.5], [1.5, 0]]


def test_tasks_are_told_with_the_questions_that_stand_in_training_pages(tmp_path: Path) -> None:
    base = [("t", "1", False, None), ("t", "2", True, "https://a.example/"), ("u", "1", True, None)]
    sft = [("t", "2", True, None), ("t", "1", True, None), ("u", "2", True, None)]
    for name, told in (("base", base), ("sft", sft)):
        lines = [{"task": task, "item": item, "seed": 0, "right": right, "seen": at} for task, item, right, at in told]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    [found] = read_tasks([str(tmp_path / f"{name}.jsonl") for name in ("base", "sft")])  # u has no common question
    assert (found.task, found.questions, found.looked) == ("t", 2, True)
    assert found.right == {"base": 0.5, "sft": 1.0} and found.seen == {"2": "https://a.example/"}


def test_the_page_has_ratings_and_what_they_hide(tmp_path: Path) -> None:
    for name, right in (("base", [0, 0, 1, 0]), ("sft", [1, 0, 1, 1])):
        lines = [{"task": "t", "item": str(at), "seed": 0, "right": bool(bit)} for at, bit in enumerate(right)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = rate_scores([str(tmp_path / f"{name}.jsonl") for name in ("base", "sft")], "base")
    assert [one.model for one in report.ratings] == ["sft", "base"] and report.ratings[1].rating == 1000
    page = Strict(render_page(report, {"bateia": "0"})).text
    assert "75.0" in page and "25.0" in page and "not looked for" in page


def test_what_is_no_score_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    (tmp_path / "b.jsonl").write_text('{"task": "t", "item": "1", "seed": 0, "right": true}\n')
    (tmp_path / "c.jsonl").write_text('{"task": "t", "item": "2", "seed": 0, "right": true}\n')
    a, b, c = (str(tmp_path / f"{name}.jsonl") for name in "abc")
    with pytest.raises(BadInput, match="holds no scores"):
        read_scores([a, b])
    with pytest.raises(BadInput, match="no question is answered in all"):
        read_scores([b, c])
    with pytest.raises(BadInput, match="another file is called b"):
        read_scores([b, b])
    with pytest.raises(BadInput, match="compared with none"):
        rate(np.zeros((1, 1, 1)), ["x"])
    with pytest.raises(BadInput, match="'z' did not play"):
        rate(np.zeros((1, 2, 2)), ["x", "y"], "z")
    with pytest.raises(BadInput, match="holds no votes"):
        read_votes(a)


def test_questions_are_found_in_the_pages_that_hold_them(write_shards: Callable[..., Path], tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "s", ["the river hides gold in its sand", "rain and wind"], ["held-out page text"])
    texts = ["hides gold", "hides silver", "held-out page", "wind", "no", ""]
    found = pages_with(read_shards(str(folder)), [encode(text)[1:] for text in texts])
    assert found == ["https://train-0-0.example/", None, None, "https://train-0-1.example/", None, None]
