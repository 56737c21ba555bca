"""JAX's options for a time: in this process, and by the environment in those that it starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


@contextmanager
def configured(options: dict[str, Any]) -> Iterator[None]:
    """options: by their names in jax.config."""
    with mock.patch.dict(os.environ, {name.upper(): str(value) for name, value in options.items()}):
        jax: Any = sys.modules.get("jax")  # imported later, it reads the environment
        before = {name: jax.config.values[name] for name in options} if jax else {}
        for name, value in options.items() if jax else ():
            jax.config.update(name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                jax.config.update(name, value)
