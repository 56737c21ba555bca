"""What every training does beside its steps: logs, their views, the guard and evaluations."""

from __future__ import annotations

from trainer.run.evaluation import Evaluate
from trainer.run.guard import WatchLoss
from trainer.run.job import TrainJob
from trainer.run.loop import Hook
from trainer.run.progress import ProgressLine
from trainer.run.step_log import LogSteps
from trainer.run.tensorboard import TensorBoard


def standard_hooks(job: TrainJob) -> list[Hook]:
    """In order: a step is logged before it is judged, and the views of the logs are there before the first line.

    Raises BadInput if what the job evaluates can't be read.
    """
    return [ProgressLine(job.settings.steps, job.quiet), TensorBoard(), LogSteps(), WatchLoss(), Evaluate(job)]
