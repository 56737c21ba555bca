"""Flushes that are not waited for.

A dedup of ten documents flushes a hundred files, and waits for the disk half a second and more. No test cuts the power
of its own machine: what was not flushed is asked of a log of flushes (power.py), and a process that is killed leaves to
the system what it has written.
"""

from __future__ import annotations

import os


def flushed(descriptor: int) -> None:
    """Stands where `os.fsync` is called. Raises OSError for what is not open."""
    os.fstat(descriptor)
