"""Faults of a training that are told to the user in one line."""


class BadRun(ValueError):
    """What the user gave can't be trained on, resumed or read. The message names the thing and the remedy."""


class BrokenRun(RuntimeError):
    """The training can't go on, though its input was fine. What was saved stays good."""
