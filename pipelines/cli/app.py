"""`bateia`: every command by name, help by group, and the answer to an unknown command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pipelines.cli import assets, crawl, data, look, post, sample, shards, tokenizer, train, upkeep
from pipelines.cli.command import EXIT_BAD_INPUT, GROUPS, Command, closest

ROOMS = (crawl, data, shards, tokenizer, train, sample, post, look, upkeep, assets)
COMMANDS = {command.name: command for room in ROOMS for command in room.COMMANDS}

# The five that matter: from pages to a model that writes, and why a page is in it or not.
INTRO = (
    ("bateia run tiny --input 'out/warc/*.warc.gz' --output out", "pages to documents, corpus, shards, model"),
    ('bateia sample --run out/model --prompt "The history of"', "let the model write"),
    ("bateia explain URL --in out/shards", "what became of a page, and why"),
    ("bateia try web page.html --no-blocklist", "one page, every rule's measured value"),
    ("bateia show web", "a recipe: the whole run with its sources"),
)

# Former names of commands. They work, with a note on stderr.
OLD_NAMES = {
    "surprise": "surprisal",
    "kshot": "few-shot",
    "shards sidecars": "shards index",
    "assets list": "assets",
}


def find_command(words: Sequence[str]) -> tuple[Command, list[str]]:
    """The command that the words begin with, and the words after its name. Exits with a line for an unknown one."""
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in OLD_NAMES or is_old_crawl(name, words):
            now = OLD_NAMES.get(name, "demo-crawl")
            sys.stderr.write(f"bateia: note: `bateia {name}` is now called `bateia {now}`\n")
            name = now
        if name in COMMANDS:
            return COMMANDS[name], list(words[length:])
    raise SystemExit(unknown_command(words))


def is_old_crawl(name: str, words: Sequence[str]) -> bool:
    """`bateia sample --output DIR` wrote the embedded crawl."""
    options = {word.partition("=")[0] for word in words}
    return name == "sample" and "--output" in options and "--run" not in options


def unknown_command(words: Sequence[str]) -> int:
    given = words[0]
    parts = [name for name in COMMANDS if name.partition(" ")[0] == given]
    if parts:
        remedy = f"there are {', '.join(f'`bateia {name}`' for name in parts)}"
        what = f"'{given}' needs a second word" if len(words) == 1 else f"no command is called '{' '.join(words[:2])}'"
    else:
        meant = closest(given, [*COMMANDS, *OLD_NAMES])
        remedy = f"did you mean `bateia {meant}`?" if meant else "`bateia --help` lists them"
        what = f"no command is called '{given}'"
    sys.stderr.write(f"bateia: {what}; {remedy}\n")
    return EXIT_BAD_INPUT


def intro_text() -> str:
    """What `bateia` alone prints."""
    width = max(len(call) for call, _ in INTRO)
    first = "\n".join(f"  {call:<{width}}  # {about}" for call, about in INTRO)
    hint = "`bateia demo-crawl --output out/warc` writes pages to begin with; `bateia --help` lists all commands."
    return f"bateia: from the raw web to a language model\n\n{first}\n\n{hint}"


def help_text() -> str:
    """All commands, by group."""
    width = max(map(len, COMMANDS))
    lines = ["usage: bateia COMMAND [options] [-- options for Beam]", "", "From the raw web to a language model."]
    for group, about in GROUPS.items():
        lines += ["", f"{group}: {about}"]
        for command in COMMANDS.values():
            if command.group == group:
                lines.append(f"  {command.name:<{width}}  {command.about}")
    hint = "`bateia COMMAND --help` says what a command takes, with an example; `--version` what is installed."
    return "\n".join([*lines, "", hint])


def version_text() -> str:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    names = ("bateia", "apache-beam", "pyarrow", "jax", "torch")
    installed = []
    for name in names:
        try:
            installed.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join([*installed, f"Python {platform.python_version()}"])
