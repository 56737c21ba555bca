"""spaCy's tokenizer rules of a language, and the splitting of a chunk by them, without spaCy in the process.

spaCy with what it imports is 40 MiB of memory and 0.6 s of CPU time in every process that splits, for some regular
expressions and a table of special cases. So a process of its own loads spaCy and writes them down once; a file keeps
them for the processes after it. Splitting follows spaCy's documented algorithm (https://spacy.io/usage/
linguistic-features#how-tokenizer-works) and, where that is silent, its 3.8.

    python -m transforms.steps.text.spacy_rules LANGUAGE    writes the rules to standard output, as JSON
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transforms.steps.text.lean_import import bare_spacy, sets_optimized_once

PATTERNS = {  # spaCy's name of what searches with it
    "prefix": "prefix_search",
    "suffix": "suffix_search",
    "infix": "infix_finditer",
    "token": "token_match",
    "url": "url_match",
}
ROOT = str(Path(__file__).parents[3])
Pattern = tuple[str, int]  # a regular expression and its flags


@dataclass(frozen=True)
class Rules:
    """What spaCy's tokenizer of a language goes by.

    special: the words of chunks that no other rule splits.
    prefix, suffix: what is split off a chunk's ends.
    infix: what splits the rest.
    token, url: what is never split; None for none.
    enders: words that end a sentence, by spaCy's sentencizer.
    """

    special: dict[str, list[str]]
    prefix: Pattern | None
    suffix: Pattern | None
    infix: Pattern | None
    token: Pattern | None
    url: Pattern | None
    enders: list[str]


def spacy_folder() -> Path:
    """Where spaCy lies. Raises ModuleNotFoundError if it is not installed. Loads nothing."""
    spec = find_spec("spacy")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("spaCy, whose rules words are split by, is not installed", name="spacy")
    return Path(spec.origin).parent


def has_rules(language: str) -> bool:
    """Whether spaCy knows the language. Raises ModuleNotFoundError if spaCy is not installed."""
    # A label may be anything: it is looked for among names, and never made a path.
    return language in {file.parent.name for file in (spacy_folder() / "lang").glob("*/__init__.py")}


@cache
def rules_of(language: str) -> Rules:
    """The rules of one of spaCy's languages, from the file that keeps them or from spaCy, in a process of its own.

    Raises ModuleNotFoundError if spaCy is not installed, RuntimeError if it fails.
    """
    kept = kept_at(language)
    with suppress(OSError, ValueError, TypeError):
        return Rules(**json.loads(kept.read_bytes()))
    command = [sys.executable, "-P", "-m", __name__, language]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([ROOT, *filter(None, sys.path)])}
    # In a session of its own: Ctrl-C is for this process to handle, which then ends that one.
    done = subprocess.run(command, capture_output=True, env=environment, start_new_session=True)
    if done.returncode:
        raise RuntimeError(f"spaCy's rules for {language!r}: {done.stderr.decode('utf-8', 'replace')[-2000:]}")
    with suppress(OSError):  # a home that can't be written costs the next process the same again
        kept.parent.mkdir(parents=True, exist_ok=True)
        pending = kept.with_suffix(f".{os.getpid()}")
        pending.write_bytes(done.stdout)
        pending.replace(kept)
    return Rules(**json.loads(done.stdout))


def kept_at(language: str) -> Path:
    """The file that keeps a language's rules. Its name changes with spaCy, with its files and with this one."""
    folder = spacy_folder() / "lang"
    seen = sha256(f"{version('spacy')} {sys.version_info[:2]} {Path(__file__).read_text('utf-8')}".encode())
    for file in sorted([*folder.glob("*.py"), *(folder / language).glob("*.py")]):
        state = file.stat()
        seen.update(f"{file.name} {state.st_size} {state.st_mtime_ns}\n".encode())
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return home / "bateia" / "word-rules" / f"{language}-{seen.hexdigest()[:16]}.json"


def read_rules(language: str) -> Rules:
    """The rules, by spaCy in this process. Raises TypeError for a language whose tokenizer has other ones."""
    with bare_spacy():
        import spacy
        from spacy.tokenizer import Tokenizer

        tokenizer: Any = spacy.blank(language).tokenizer
        enders: Any = spacy.blank("xx").add_pipe("sentencizer")
    if type(tokenizer) is not Tokenizer or not tokenizer.faster_heuristics:
        raise TypeError(f"spaCy splits {language!r} by {type(tokenizer).__name__}, not by its rules")
    return Rules(
        special={chunk: [part["ORTH"] for part in named(parts)] for chunk, parts in sorted(tokenizer.rules.items())},
        enders=sorted(enders.punct_chars),
        **{name: pattern_of(getattr(tokenizer, by), by) for name, by in PATTERNS.items()},
    )


def named(parts: list[dict[Any, str]]) -> list[dict[str, str]]:
    """A special case's words; spaCy names their attributes by numbers or words."""
    from spacy.attrs import IDS

    names = {number: name for name, number in IDS.items()}
    return [{names.get(name, name): value for name, value in part.items()} for part in parts]


def pattern_of(search: Any, name: str) -> Pattern | None:
    """The regular expression that a method belongs to. Raises TypeError for anything but a method of one."""
    if search is None:
        return None
    owner = getattr(search, "__self__", None)
    if not isinstance(owner, re.Pattern) or search.__name__ != name.rpartition("_")[2]:
        raise TypeError(f"spaCy's {name} is {search!r}, not a method of a regular expression")
    return owner.pattern, owner.flags


class RuleTokenizer:
    """Splits chunks as spaCy's tokenizer does, given the same rules. Remembers nothing."""

    def __init__(self, rules: Rules) -> None:
        self.special = {chunk: tuple(words) for chunk, words in rules.special.items()}
        with sets_optimized_once():
            self.prefix = searching(rules.prefix, "search")
            self.suffix = searching(rules.suffix, "search")
            self.infix: Callable[[str], Iterator[re.Match[str]]] = searching(rules.infix, "finditer")
            self.token, self.url = searching(rules.token, "match"), searching(rules.url, "match")
        # Special cases that affix rules would split, by the words that these make of them: they are found anew in
        # what was split. By first word, then all words.
        self.phrases: dict[str, set[tuple[str, ...]]] = {}
        for chunk in self.special:
            if " " in chunk or self.prefix(chunk) or self.suffix(chunk) or any(True for _ in self.infix(chunk)):
                words, _ = self.by_affixes(chunk, {})
                self.phrases.setdefault(words[0], set()).add(tuple(words))

    def split(self, chunk: str) -> list[str]:
        """The words of a chunk, which may have blanks within, as spaCy's tokens of it alone are."""
        words, spaced = self.by_affixes(chunk, self.special)
        if not self.phrases.keys().isdisjoint(words):
            return self.with_phrases(words, spaced)
        return words

    def by_affixes(self, text: str, special: dict[str, tuple[str, ...]]) -> tuple[list[str], set[int]]:
        """The words of a text before phrases are looked for, and the numbers of those that a blank follows."""
        words: list[str] = []
        spaced: set[int] = set()
        for run in re.findall(r"\s+|\S+", text):
            if run[0].isspace():
                if run[0] == " " and words:  # of a run of white space only the first blank makes no token
                    spaced.add(len(words) - 1)
                    run = run[1:]
                if run:
                    words.append(run)
            elif run in special:
                words.extend(special[run])
            else:
                self.split_run(run, special, words)
        return words, spaced

    def split_run(self, run: str, special: dict[str, tuple[str, ...]], words: list[str]) -> None:
        """Add a run's words. Affixes are taken off both ends until none is left or the rest is a special case."""
        suffixes: list[str] = []
        size = 0
        while run and len(run) != size:
            if self.token(run) or run in special:
                break
            size = len(run)
            if before := length(self.prefix(run)):
                rest = run[before:]
                if rest in special:
                    words.append(run[:before])
                    run = rest
                    break
            if after := length(self.suffix(run[before:])):
                rest = run[:-after]
                if rest in special:
                    suffixes.append(run[-after:])
                    run = rest
                    break
            if before:
                words.append(run[:before])
                if after and before + after <= size:
                    suffixes.append(run[-after:])
                    run = run[before:-after]
                else:
                    run = run[before:]
            elif after:
                suffixes.append(run[-after:])
                run = run[:-after]
        if run in special:
            words.extend(special[run])
        elif run and (self.token(run) or self.url(run)):
            words.append(run)
        elif run:
            self.split_at_infixes(run, words)
        words.extend(reversed(suffixes))

    def split_at_infixes(self, run: str, words: list[str]) -> None:
        start = 0
        for match in self.infix(run):
            first, last = match.span()
            if first == 0:
                continue
            if first != start:
                words.append(run[start:first])
            if first != last:
                words.append(run[first:last])
            start = last
        if start < len(run):
            words.append(run[start:])

    def with_phrases(self, words: list[str], spaced: set[int]) -> list[str]:
        """Words in which each special case that was split is whole again; of those that overlap, the longest."""
        found: list[tuple[int, int]] = []  # (minus its words, first)
        for first, word in enumerate(words):
            for phrase in self.phrases.get(word, ()):
                if tuple(words[first : first + len(phrase)]) == phrase:
                    found.append((-len(phrase), first))
        seen: set[int] = set()
        put: dict[int, tuple[int, list[str]]] = {}
        for size, first in sorted(found):
            last = first - size
            if first not in seen and last - 1 not in seen:
                text = "".join(words[at] + " " * (at in spaced) for at in range(first, last - 1)) + words[last - 1]
                put[first] = last, list(self.special.get(text, words[first:last]))
            seen.update(range(first, last))
        made: list[str] = []
        at = 0
        while at < len(words):
            if at in put:
                at, parts = put[at]
                made.extend(parts)
            else:
                made.append(words[at])
                at += 1
        return made


def nothing(_: str) -> None:
    """A search that finds nothing."""


def searching(pattern: Pattern | None, by: str) -> Callable[[str], Any]:
    if pattern is None:
        return (lambda _: iter(())) if by == "finditer" else nothing
    return getattr(re.compile(pattern[0], pattern[1]), by)


def length(match: re.Match[str] | None) -> int:
    return match.end() - match.start() if match is not None else 0


if __name__ == "__main__":
    json.dump(asdict(read_rules(sys.argv[1])), sys.stdout, ensure_ascii=True)
