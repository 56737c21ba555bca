"""Tasks by their names."""

from __future__ import annotations

from schemas.faults import BadInput
from trainer.post.tasks.arithmetic import MULTIPLY, MULTIPLY_3, SUM_LIST
from trainer.post.tasks.task import Task

TASKS = {task.name: task for task in (MULTIPLY, MULTIPLY_3, SUM_LIST)}


def find_task(name: str) -> Task:
    """Raises BadInput for a task that there is not."""
    if name not in TASKS:
        raise BadInput(f"no task is called '{name}'; known: {', '.join(TASKS)}")
    return TASKS[name]
