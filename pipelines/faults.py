"""Faults that are told to the user in one line."""


class BadInput(ValueError):
    """What the user gave can't be used. The message names the thing and the remedy; the exit code is 2."""
