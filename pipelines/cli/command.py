"""What a command is: its name and group, a sentence, an example, its options, and what it runs."""

from __future__ import annotations

import argparse
import difflib
import glob
import shutil
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

EXIT_BAD_INPUT = 2
MAX_WIDTH = 100  # columns of a help text
# Options and arguments are paths if one of these stands for their value in the help; all others are not.
PATHS = frozenset({"CORPUS", "DIR", "F.html", "F.json", "FILE", "PAGE.html", "PATH", "SRC", "WARC"})

# What commands are about, in the order of the path.
GROUPS = {
    "data": "web pages to documents, to a corpus",
    "shards": "a corpus to tokens, to training rows",
    "model": "training rows to a model, and what it does",
    "assistant": "a model to an assistant, and what it can do",
    "look": "what became of a page, and why",
    "upkeep": "what recipes need, and what is finished",
}


@dataclass(frozen=True)
class Command:
    """A command of `bateia`.

    name: one word, or two as in "shards verify".
    group: one of GROUPS.
    about: what it does, in one sentence without its full stop.
    example: one call that works once its paths are there.
    options: adds its options to its parser.
    run: from the parsed options to the exit code; heavy imports happen in there.
    reads: names of parsed options that are finished folders to read.
    takes_beam_args: whether what follows `--` goes to Beam.
    at_once: whether it answers at once, so that there is no start to speak of.
    huge_pages: whether it gains from memory in pages of 2 MB.
    """

    name: str
    group: str
    about: str
    example: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    reads: tuple[str, ...] = ()
    takes_beam_args: bool = False
    at_once: bool = False
    huge_pages: bool = False

    def parser(self) -> Parser:
        parser = Parser(
            prog=f"bateia {self.name}",
            description=f"{self.about}.",
            epilog=f"example:\n  {self.example}",
            formatter_class=Formatter,
            allow_abbrev=False,
        )
        self.options(parser)
        return parser

    def check_folders(self, args: argparse.Namespace) -> None:
        """Raises BadInput for a local folder to read that does not exist; other faults are found when it is read."""
        for name in self.reads:
            value = getattr(args, name)
            for path in value if isinstance(value, list) else filter(None, [value]):
                run, _, step = path.rpartition("@")  # a checkpoint of a run
                if step.isdigit() and Path(run).exists():
                    continue
                if "://" not in path and not glob.has_magic(path) and not Path(path).exists():
                    from schemas.faults import BadInput

                    raise BadInput(f"{path} does not exist; check the path")


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal, up to MAX_WIDTH, with the default of every option that has one."""

    def __init__(self, prog: str) -> None:
        width = min(shutil.get_terminal_size((80, 24)).columns, MAX_WIDTH)
        super().__init__(prog, max_help_position=28, width=width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Sentences are wrapped; an example stays as it is to be typed."""
        if text.startswith("example:"):
            return super()._fill_text(text, width, indent)
        return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        shown = action.default
        if shown in (None, False, "", argparse.SUPPRESS) or shown == [] or "default" in text:
            return text
        if isinstance(shown, (list, tuple)):
            shown = " ".join(map(str, shown))
        elif action.nargs == 0 and shown is not True:
            return text
        return f"{text} (default {str(shown).replace('%', '%%')})"


class Parser(argparse.ArgumentParser):
    """Usage errors as one line that names the remedy, exit code 2."""

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """An empty path is refused: it would be the working folder or, with a name behind it, the root."""
        if action.metavar in PATHS and not arg_string.strip():
            raise argparse.ArgumentError(action, f"'{arg_string}' is no path; is a variable unset, such as $OUT?")
        return super()._get_value(action, arg_string)

    def error(self, message: str) -> NoReturn:
        prefix = "unrecognized arguments: "
        if message.startswith(prefix) and (meant := self._meant(message.removeprefix(prefix).split()[0])):
            message += f" (did you mean {meant}?)"
        sys.stderr.write(f"{self.prog}: {' '.join(message.split())}; see `{self.prog} --help`\n")
        raise SystemExit(EXIT_BAD_INPUT)

    def _meant(self, given: str) -> str | None:
        flags = [flag for action in self._actions for flag in action.option_strings]
        return closest(given.partition("=")[0], flags)


def closest(given: str, known: list[str]) -> str | None:
    """The known word that was probably meant."""
    matches = difflib.get_close_matches(given, known, n=1, cutoff=0.6)
    return matches[0] if matches else None


def add_hidden(parser: Any, *flags: str, **options: Any) -> None:
    """An option under an old name: it works and is not listed."""
    parser.add_argument(*flags, help=argparse.SUPPRESS, **options)
