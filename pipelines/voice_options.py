"""What commands that load a trained model have in common: options and faults."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
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


def write_outputs(args: argparse.Namespace, told: dict[str, Any], render: Callable[[dict[str, Any]], str]) -> None:
    """What `add_outputs` was asked for: the numbers, and the page that `render` makes of them. Raises BadInput."""
    if args.output:
        write_file(args.output, json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    if args.html:
        write_page(args.html, render(told))


def write_page(path: str, page: str) -> None:
    """Raises BadInput if no file can be written there."""
    write_file(path, page)
    print(f"open {path} in a browser; it needs no network")
