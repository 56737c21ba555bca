"""`bateia surprise`: its options, and which text it reads."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pipelines.faults import BadInput
from pipelines.voice_options import add_voice, in_one_line, write_page


def add_surprise(commands: Any) -> None:
    command = commands.add_parser(
        "surprise", help="how much each token of a text surprises a model", allow_abbrev=False
    )
    add_voice(command)
    given = command.add_mutually_exclusive_group(required=True)
    given.add_argument("--text", metavar="TEXT", help="the text itself")
    given.add_argument("--file", metavar="FILE", help="a file in UTF-8; - reads standard input")
    command.add_argument("--html", metavar="F.html", help="write a page with what was expected at each token")
    command.set_defaults(run=run_surprise)


def run_surprise(args: argparse.Namespace) -> int:
    text = args.text if args.file is None else text_of(args.file)
    with in_one_line():
        from pipelines.surprise_text import read_text
        from pipelines.surprise_view import view
        from trainer.speech import load_voice

        reading = read_text(load_voice(args.folder, args.backend), args.folder, text)
    if args.html:
        from pipelines.surprise_page import render

        write_page(args.html, render(reading, args.folder))
    else:
        print(view(reading, colour=sys.stdout.isatty()))
    return 0


def text_of(path: str) -> str:
    """Raises BadInput if it can't be read or is no UTF-8."""
    try:
        return (sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()).decode()
    except OSError as error:
        raise BadInput(f"file {path} can't be read ({error.strerror}); give a text file") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"file {path} is no UTF-8 (byte {error.start}); convert it first") from error
