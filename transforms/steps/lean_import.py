"""Libraries loaded without what they would load for features that nobody here asks for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_torch() -> Iterator[None]:
    """spaCy and Presidio load PyTorch wherever it is installed, to no use for us: 2 s of CPU time in each process.
    Within this it is not found, unless it is loaded already."""
    hidden = "torch" not in sys.modules
    if hidden:
        sys.modules["torch"] = None  # pyright: ignore[reportArgumentType] - what the import system takes for absent
    try:
        yield
    finally:
        if hidden:
            del sys.modules["torch"]
