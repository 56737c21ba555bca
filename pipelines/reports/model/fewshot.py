"""In-context learning, as `bateia few-shot` measures it: how well a model does a task after some examples of it."""

from __future__ import annotations

from msgspec import Struct

from pipelines.reports.render import render
from schemas.wording import plural


class FewShotPoint(Struct, frozen=True):
    """Means over the questions of a task after so many examples, with their standard errors (_se).

    bits_per_byte: of the right answer.
    accuracy: how often it was the likeliest of the candidates.
    exact: how often greedy decoding gave all of it.
    """

    shots: int
    bits_per_byte: float
    accuracy: float
    exact: float
    bits_per_byte_se: float
    accuracy_se: float
    exact_se: float


class FewShotTask(Struct, frozen=True):
    """A task, and how well the model does it.

    about: what the task is, in words.
    items: its questions.
    points: one for each number of shots that the context has room for.
    """

    about: str
    items: int
    points: tuple[FewShotPoint, ...]


class FewShotReport(Struct, frozen=True):
    """What `bateia few-shot` measures.

    run: folder of the model, trained for `step` steps.
    shots: numbers of examples, rising.
    items: questions of a task, at most.
    candidates: answers to choose from.
    chance: of choosing the right one blindly.
    left_out: tasks for which the held-out text has too little.
    """

    run: str
    step: int
    shots: tuple[int, ...]
    items: int
    candidates: int
    chance: float
    tasks: dict[str, FewShotTask]
    left_out: tuple[str, ...]

    @property
    def notes(self) -> list[str]:
        """What could not be measured, and why."""
        notes = [f"{name}: not measured, the text has too little for it" for name in self.left_out]
        for name, task in self.tasks.items():
            missing = self.shots[len(task.points) :]
            if missing:
                shots = ", ".join(map(str, missing))
                notes.append(f"{name}: the context has no room for {shots} shot{'s' if missing != (1,) else ''}")
        return notes


def render_page(report: FewShotReport, versions: dict[str, str]) -> str:
    """Few-shot curves as HTML. versions: of Bateia and its libraries, for the foot."""

    def series(measure: str, scale: int = 1) -> list[tuple[str, list[tuple[float, float]]]]:
        return [
            (name, [(point.shots, getattr(point, measure) * scale) for point in task.points])
            for name, task in report.tasks.items()
        ]

    tasks = list(report.tasks.items())
    return render(
        "fewshot.html",
        report=report,
        versions=versions,
        bits_per_byte=series("bits_per_byte"),
        accuracy=series("accuracy", 100),
        columns=(tasks[::2], tasks[1::2]),
        shots_name=lambda shots: plural(round(shots), "shot"),
    )
