"""Commands that the software or a README tells people to type: they parse, and the cheap ones run as printed."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.cli.app import COMMANDS, INTRO
from schemas.wording import command_line, plural
from support.command import Call
from support.paths import ROOT

PACKAGES = ("pipelines", "trainer", "schemas", "transforms", "bateia", "deploy")
NAMES = sorted(COMMANDS, key=len, reverse=True)
GENERAL = {"--help", "--version", "COMMAND --help", ""}
QUOTED = re.compile(r"`bateia ?([^`]*)`|with: bateia ([^`]*)")
SIGNS = re.compile(r"`bateia|with: bateia|command_line\(|^ *asked = ", re.MULTILINE)  # of a file that may print one
VALUE = "1"  # stands for a value that is known when a message is written: a path, a name, a number


def texts(nodes: list[ast.AST]) -> Iterator[str]:
    """Literal strings of a file, f-strings with a value in each gap, without docstrings."""
    parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    docs = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    others = parts | docs
    for node in nodes:
        if isinstance(node, ast.JoinedStr) and id(node) not in docs:
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in others:
            yield node.value


def built(nodes: list[ast.AST]) -> Iterator[str]:
    """Calls of `command_line` in a file, and the tuples called `asked` that are given to it."""
    for node in nodes:
        words: list[ast.expr] = []
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "asked":
            words = getattr(node.value, "elts", [])
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "command_line":
            words = node.args
        if words and not any(isinstance(word, ast.Starred) for word in words):
            yield shlex.join(str(word.value) if isinstance(word, ast.Constant) else VALUE for word in words)


def in_code() -> set[tuple[str, str]]:
    """(file, words after `bateia`) of all that the software prints."""
    calls = set()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        source, name = path.read_text("utf-8"), str(path.relative_to(ROOT))
        if SIGNS.search(source) is None:  # most files, and to parse all of them takes seconds
            continue
        nodes = list(ast.walk(ast.parse(source)))
        for text in texts(nodes):
            calls |= {(name, (one or other).strip()) for one, other in QUOTED.findall(text)}
        calls |= {(name, words) for words in built(nodes)}
    calls |= {("example", command.example.removeprefix("bateia ")) for command in COMMANDS.values()}
    return calls | {("intro", call.removeprefix("bateia ")) for call, _ in INTRO}


def in_documents() -> set[tuple[str, str]]:
    """(file, words after `bateia`) of what READMEs show, in code blocks and in sentences."""
    calls = set()
    for path in sorted(ROOT.rglob("*.md")):
        relative = path.relative_to(ROOT)
        if relative.parts[0].startswith(".") or relative.name == "CHANGELOG.md" or "results" in relative.parts:
            continue
        text = path.read_text("utf-8").replace("\\\n", " ")
        calls |= {(str(relative), match.strip()) for match in re.findall(r"`bateia ?([^`\n]*)`", text)}
        blocks = re.findall(r"^(?:    )?bateia ([^\n]*)", text, re.MULTILINE)
        calls |= {(str(relative), re.sub(r" +# .*|\[[^\]]*\]…?", "", call).strip()) for call in blocks}
    return calls


PRINTED = sorted(in_code() | in_documents())


def without_name(call: str) -> tuple[str, str] | None:
    """The command's name, and what follows it; None if there is no such command."""
    name = next((name for name in NAMES if f"{call} ".startswith(f"{name} ")), None)
    return None if name is None else (name, call[len(name) :].strip())


def test_there_is_much_to_test() -> None:
    assert len(PRINTED) > 100
    assert len({call for _, call in PRINTED if (named := without_name(call)) and named[1]}) > 30


@pytest.mark.parametrize(("source", "call"), PRINTED)
def test_it_is_a_command_that_there_is(source: str, call: str) -> None:
    """A name alone is a mention of the command; with anything behind it, it is a call that has to be whole."""
    if call in GENERAL or call == f"{VALUE}" or call.startswith(f"{VALUE} {VALUE}"):
        return
    named = without_name(call)
    assert named is not None, f"{source}: no command is called so: {call}"
    name, rest = named
    if not rest:
        return
    parser = COMMANDS[name].parser()
    if "…" in rest or (name == "run" and "--input" not in rest):  # a sketch: its options exist
        known = {flag for action in parser._actions for flag in action.option_strings}
        assert {word for word in rest.split() if word.startswith("--")} <= known, f"{source}: {call}"
        return
    ours, _, beam = rest.partition(" -- ")
    parser.parse_args(shlex.split(ours))
    assert not beam or COMMANDS[name].takes_beam_args, f"{source}: {call}"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("sample", "--run", "a b", "--prompt", "It's"), """`bateia sample --run 'a b' --prompt 'It'"'"'s'`"""),
        (("plan", "--name", "$x", 1), "`bateia plan --name '$x' 1`"),
        (("show",), "`bateia show`"),
    ],
)
def test_words_are_quoted_for_a_shell(words: tuple[object, ...], line: str) -> None:
    assert command_line(*words) == line
    assert shlex.split(line.strip("`")) == ["bateia", *map(str, words)]


@pytest.mark.parametrize(
    ("count", "noun", "many", "text"),
    [
        (0, "page", "", "0 pages"),
        (1, "page", "", "1 page"),
        (1994, "page", "", "1,994 pages"),
        (2, "copy", "copies", "2 copies"),
    ],
)
def test_plurals(count: int, noun: str, many: str, text: str) -> None:
    assert plural(count, noun, many) == text


# --- Run as printed ---------------------------------------------------------------------------------------------------

CHEAP = ("show", "try", "explain", "explain-batch", "assets", "demo-crawl", "shards verify", "shards index", "tokens")
# What a reader puts in for the names of the examples.
PAGE, URLS = "page.html", ("https://example.org/page", "https://example.org/pagina")


@pytest.fixture(scope="module")
def newcomer(
    small_shards: Path, documents: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], list[str]]:
    """A folder with blanks in its name where the earlier commands of the READMEs have been run; words of a call in,
    those of the same call with a page that is there out."""
    folder = tmp_path_factory.mktemp("a newcomer's day")
    (folder / "out").mkdir()
    shutil.copytree(small_shards, folder / "out" / "shards")
    (folder / "out" / "documents").symlink_to(documents)
    (folder / "out" / "corpus").symlink_to(corpus)
    for name in (PAGE, "pagina.html"):
        (folder / name).write_text("<html><body><p>The river is low in June.</p></body></html>")
    [table, *_] = sorted((small_shards / "train").glob("docs-*.parquet"))
    url = pq.read_table(table, columns=["url"]).column("url")[0].as_py()

    def words(call: str) -> list[str]:
        import os

        os.chdir(folder)
        return [url if word in URLS else word for word in shlex.split(call)]

    return words


RUN = sorted({call for _, call in PRINTED if (named := without_name(call)) and named[0] in CHEAP and named[1]})
RUN = [call for call in RUN if not set(call.split()) & {VALUE, "DIR", "URL", "NAME", "…"} and "fetch" not in call]


@pytest.mark.parametrize("call", RUN)
def test_a_cheap_one_does_as_it_says(
    bateia: Call, newcomer: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.chdir(Path.cwd())  # so that it is left afterwards
    ended = bateia(*newcomer(call))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout
    for printed in re.findall(r"`bateia ([^`]*)`", ended.stdout):
        named = without_name(printed)
        assert named is not None
        if "NAME" not in printed:
            COMMANDS[named[0]].parser().parse_args(shlex.split(named[1]))
