"""Import libraries without the large frameworks that they would load for features that are not used here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

FRAMEWORKS = ("torch", "transformers")


@contextmanager
def without_frameworks() -> Iterator[None]:
    """Within this context, importing PyTorch or transformers raises ImportError, unless they are imported already.

    spaCy and Presidio import them wherever they are installed, which costs every process seconds of CPU time and
    hundreds of megabytes, and our steps use neither.
    """
    hidden = [name for name in FRAMEWORKS if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType] - None means "absent" to import
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
