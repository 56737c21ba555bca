"""A recipe that is run again: what differs is named with the cheapest way on, and stages before it stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.stages.run import STAGES, RunOptions, first_of, refuse_other
from schemas.faults import BadInput


class Finished:
    """A stage's run whose output is finished with other settings."""

    output = "out/shards"

    def __init__(self, *differing: tuple[str, Any, Any]) -> None:
        self.finished_differences = lambda: list(differing)


@pytest.mark.parametrize(
    ("differing", "told"),
    [
        (
            [("plan.context", 256, 512)],
            r"context was 256 and is 512. `bateia plan --shards out/shards .*--context 512`",
        ),
        ([("split.seed", 1, 2)], r"split.seed was 1 and is 2. --overwrite makes shards .*\(documents, corpus stay\)"),
    ],
)
def test_what_differs_is_named(differing: list[tuple[str, Any, Any]], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        refuse_other(STAGES[2], Finished(*differing), RunOptions((), "out"))  # type: ignore[arg-type]
    refuse_other(STAGES[2], Finished(), RunOptions((), "out"))  # type: ignore[arg-type]


def test_stages_before_from_must_be_finished(tmp_path: Path) -> None:
    options = RunOptions((), str(tmp_path), begin="corpus")
    with pytest.raises(BadInput, match="documents is not finished, and --from corpus needs it"):
        first_of(STAGES, options)
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "manifest.json").write_text("{}")
    assert first_of(STAGES, options) == 1
    with pytest.raises(BadInput, match="comes after --until documents"):
        first_of(STAGES[:1], options)
