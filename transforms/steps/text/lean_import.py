"""Libraries loaded without what they would load for features that nobody here asks for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

FRAMEWORKS = ("torch", "transformers")


@contextmanager
def without_frameworks() -> Iterator[None]:
    """spaCy and Presidio load PyTorch and transformers wherever they are installed, to no use for us: seconds of CPU
    time and hundreds of megabytes in each process. Within this they are not found, unless they are loaded already."""
    hidden = [name for name in FRAMEWORKS if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType] - what the import system takes for absent
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
