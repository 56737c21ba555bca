"""Models rated against each other, by their scores or by people's votes, as the arena's page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pipelines.reports.model.arena import ArenaReport
from pipelines.reports.render import decode
from trainer.post.arena import Rating, rate, read_scores, read_tasks, read_votes


def rate_scores(paths: Sequence[str], baseline: str | None = None, seed: int = 1) -> ArenaReport:
    """paths: outputs of `bateia bench`, named as their models. Raises BadInput."""
    models, wins_QxPxP, accuracies = read_scores(paths)
    table = rate(wins_QxPxP, models, baseline, accuracies, seed=seed)
    names = [one.model for one in table]
    tasks = [
        asdict(one) | {"right": [{"model": name, "right": one.right[name]} for name in names]}
        for one in read_tasks(paths)
    ]
    return report_of(table, baseline, tasks)


def rate_votes(path: str, baseline: str | None = None, seed: int = 1) -> ArenaReport:
    """path: output of `bateia arena vote`. Raises BadInput."""
    models, wins_QxPxP = read_votes(path)
    return report_of(rate(wins_QxPxP, models, baseline, seed=seed), baseline, None)


def report_of(table: list[Rating], baseline: str | None, tasks: list[dict[str, Any]] | None) -> ArenaReport:
    """tasks: None where people voted."""
    ratings = [one.to_json() for one in table]
    told = {"baseline": baseline, "voted": tasks is None, "ratings": ratings, "tasks": tasks or []}
    return decode(told, ArenaReport, "the arena")
