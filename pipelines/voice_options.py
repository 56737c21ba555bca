"""What commands that load a trained model have in common: options and faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipelines.faults import BadInput
from pipelines.tokenizer_command import write_file


def add_voice(command: Any) -> None:
    command.add_argument("--run", dest="folder", required=True, metavar="DIR", help="output of `bateia train`")
    add_backend(command)


def add_backend(command: Any) -> None:
    command.add_argument("--backend", metavar="NAME", help="jax or torch (default: what the model was trained by)")


def add_outputs(command: Any) -> None:
    command.add_argument("--output", metavar="F.json", help="write the numbers")
    command.add_argument("--html", metavar="F.html", help="write a page of them")


@contextmanager
def in_one_line() -> Iterator[None]:
    """Turns what the trainer refuses, and packages that are not installed, into BadInput."""
    from trainer.faults import BadRun

    try:
        yield
    except BadRun as fault:
        raise BadInput(str(fault)) from fault
    except ModuleNotFoundError as error:
        remedy = "install it with `pip install -e '.[jax]'` or `'.[torch]'`"
        raise BadInput(f"a model needs the package {error.name}; {remedy}") from error


def write_json(path: str, told: dict[str, Any]) -> None:
    """Raises BadInput if no file can be written there."""
    write_file(path, json.dumps(told, ensure_ascii=False, indent=1) + "\n")


def write_page(path: str, page: str) -> None:
    """Raises BadInput if no file can be written there."""
    write_file(path, page)
    print(f"open {path} in a browser; it needs no network")
