"""A megabyte of the worst text to every step by itself: none raises, each ends about as soon as on ordinary text."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.sample.build import SampleIndex
from schemas.document import Document
from transforms.steps import words
from transforms.steps.c4 import CleanC4
from transforms.steps.charset import decode_html
from transforms.steps.deduplicate import Deduplicate, Signer
from transforms.steps.fineweb import KeepFineWeb
from transforms.steps.gopher_quality import KeepGopherQuality
from transforms.steps.gopher_repetition import KeepGopherRepetition
from transforms.steps.language import KeepLanguages
from transforms.steps.pii import ScrubPii
from transforms.steps.repeated_lines import DropRepeatedLines
from transforms.steps.urls import DropBlockedUrls

SIZE = 1_000_000
LIMIT_S = 3.0  # of process time; about a second on a quiet machine
# Linear, but dearer by nature: each new run of signs is for spaCy to split (about 20 µs), each valid value is checked.
LIMITS_S = {"new words of signs": 9.0, "values of personal data": 8.0}

Step = Callable[[str], Any]


def filled(piece: str) -> str:
    return (piece * (SIZE // len(piece) + 1))[:SIZE]


def new_words(alphabet: str) -> str:
    draw = random.Random(1)
    return " ".join("".join(draw.choices(alphabet, k=8)) for _ in range(SIZE // 9))


TEXTS: dict[str, Callable[[], str]] = {
    "one endless word": lambda: filled("a"),
    "spaces": lambda: filled(" "),
    "other spaces": lambda: filled("\t\u00a0\u2028\x0c\x85 "),
    "new lines": lambda: filled("\n"),
    "dots": lambda: filled("."),
    "marks": lambda: filled("?!.,;:"),
    "digits and dots": lambda: filled("1."),
    "nested brackets": lambda: "(" * (SIZE // 2) + ")" * (SIZE // 2),
    "citations begun": lambda: filled("[1"),
    "at signs": lambda: filled("@"),
    "addresses begun": lambda: filled("a@a."),
    "one letter with marks": lambda: "a" + "\u0301" * SIZE,
    "combining marks": lambda: filled("\u0301\u0323"),
    "right-to-left marks": lambda: filled("\u200fא\u202e"),
    "surrogates": lambda: filled("\ud800a \udc00"),
    "emoji with joiners": lambda: filled("👩\u200d👩\u200d👧 "),
    "short lines": lambda: filled("a\n"),
    "numbered lines": lambda: "\n".join(map(str, range(145_000))),
    "one line repeated": lambda: filled("The same line stands here again and again.\n"),
    "quotes": lambda: filled("\"'"),
    "one word repeated": lambda: filled("a "),
    "a long URL": lambda: "https://example.org/" + filled("a/b?c=d&"),
    "an abbreviation with a space": lambda: filled("EE. UU."),
    "new words": lambda: new_words("abcdefghijklmnopqrstuvwxyz"),
    "NULs": lambda: filled("\0"),
    "new words of signs": lambda: new_words("abcdefgh.,'-:)(0123456789"),
}
VALUES = {
    "keys that come near": "pix " + "123e4567-e89b-12d3-a456-426614174000 " * (SIZE // 37),
    "keys": filled("pix -123e4567-e89b-12d3-a456-426614174000-"),
    "telephones": filled("call 2125550143 "),
    "tax numbers": filled("529.982.247-25\n"),
    "accounts": filled("IBAN DE89370400440532013000 "),
}


@pytest.fixture(scope="module")
def steps(model_path: str) -> dict[str, Step]:
    judges = (KeepGopherRepetition(), KeepGopherQuality(), CleanC4(), KeepFineWeb())
    languages, lines, pii = KeepLanguages((), model=model_path), DropRepeatedLines(), ScrubPii()
    for step in (*judges, languages, pii):
        step.setup()
    # Every check of a step, also those behind the first that fails: a page may just pass it.
    found: dict[str, Step] = {step.stage: lambda text, step=step: checked(step, text) for step in judges}
    found |= {"language": lambda text: languages(document(text)), "lines": lines}
    found |= {"pii": lambda text: pii(text, "id", "pt"), "dedup": lambda text: Signer(Deduplicate())(text, "es")}
    for step in found.values():  # libraries are loaded by the first text
        step("Some words, to begin with: call 212 555 0143.")
    return found


def document(text: str, language: str | None = None) -> Document:
    return Document(text, "id", "dump", "https://example.org/", "", "a.warc.gz", language=language, warc_offset=0)


def checked(step: Any, text: str) -> None:
    for language in ("es",):  # it has special cases with spaces in them
        list(step.checks(document(text, language)))
        step(document(text, language))


@pytest.fixture(autouse=True, scope="module")
def worst() -> Iterator[dict[str, tuple[float, str]]]:
    """The slowest of each step, printed at the end (pytest -s)."""
    found: dict[str, tuple[float, str]] = {}
    yield found
    for name, (taken_s, kind) in sorted(found.items()):
        print(f"\n{name}: {taken_s:.2f} s ({kind})", end="")


def timed(call: Callable[[], object], name: str, kind: str, worst: dict[str, tuple[float, str]]) -> float:
    started = time.process_time()
    call()
    taken_s = time.process_time() - started
    worst[name] = max(worst.get(name, (0.0, "")), (taken_s, kind))
    return taken_s


@pytest.mark.parametrize("kind", TEXTS)
def test_a_hostile_text_costs_no_more_than_a_long_one(
    steps: dict[str, Step], worst: dict[str, tuple[float, str]], kind: str
) -> None:
    text, limit_s = TEXTS[kind](), LIMITS_S.get(kind, LIMIT_S)
    for name, step in steps.items():
        words.words.cache_clear()
        words._forget()
        taken_s = timed(lambda step=step: step(text), name, kind, worst)
        assert taken_s <= limit_s, f"{name}: {taken_s:.2f} s; the worst so far: {worst}"


@pytest.mark.parametrize("kind", VALUES)
def test_a_text_full_of_personal_data(steps: dict[str, Step], worst: dict[str, tuple[float, str]], kind: str) -> None:
    assert (
        timed(lambda: steps["pii"](VALUES[kind]), "pii, all values", kind, worst) <= LIMITS_S["values of personal data"]
    )


URLS = [
    *("https://" + filled("a."), "https://" + filled("a"), "https://" + filled("é."), filled("a://"), filled("%41")),
    *("https://a.example/" + filled(piece) for piece in ("a/", "?", "#", "&a=b", "%20", "\ud800", "é", "-", "[")),
    *("https://[" + filled(":"), filled("@"), filled(" "), "https://" + filled("xn--é.")),
]


def test_a_hostile_url(sample: SampleIndex, assets: Path, worst: dict[str, tuple[float, str]]) -> None:
    from pipelines.bind import bind
    from pipelines.recipes.tiny import TINY

    [step] = bind(TINY).recipe.pages
    assert isinstance(step, DropBlockedUrls)
    step.setup()
    for url in URLS:
        assert timed(lambda url=url: step.check_url(url), "url", url[:24], worst) <= LIMIT_S


BODIES = (
    *(b"\xff", b"<meta ", b"<meta charset=x ", b"<meta charset=", b"<!--", b" ", b"<?xml ", b"\x1b$", b"\x1b(J\x1b$B!"),
    *(
        b"\0",
        b"a\0",
        b"\xe9 ",
        b"\xe2\x82",
        b"\xc3\xa9\xff",
        b"\xd5\xe2",
        b"\x82\xa0",
        b"~{",
        b"+AGE-",
        b"\xff\xfe\0\xd8",
    ),
)
LABELS = (None, "utf-8", "utf-16", "iso-2022-jp", "hz-gb-2312", "gb18030", "big5", "shift_jis", "euc-kr", "x-no-such")
ODD_LABELS = ("\ud800", "é", "x" * SIZE, " " * SIZE, "idna", "punycode", "base64", "unicode_escape")


@pytest.mark.parametrize("label", [*LABELS, *ODD_LABELS], ids=lambda label: ascii(label)[:16])
def test_hostile_bytes_are_decoded_or_refused(label: str | None, worst: dict[str, tuple[float, str]]) -> None:
    bodies = [(piece * (SIZE // len(piece) + 1))[:SIZE] for piece in BODIES]
    for body in (*bodies, random.Random(3).randbytes(SIZE)):
        assert timed(lambda body=body: decode_html(body, label), "charset", f"{body[:8]!r}", worst) <= LIMIT_S
