"""A quarter of a megabyte of the worst text to every step by itself: none raises, each ends as soon as on any text."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from benchmarks.curate import hostile_text
from benchmarks.curate.hostile_text import TEXTS, VALUES, Step, filled, make_steps
from pipelines.sample.build import SampleIndex
from transforms.steps.text.words import forget_words
from transforms.steps.urls.drop_blocked import DropBlockedUrls
from transforms.steps.warc.charset import decode_html

# CPU seconds of this process, so that other work on the machine costs little; a second is what steps take at most on
# the machine of benchmarks/results, where benchmarks/curate/hostile_text.py measures them.
SIZE = 250_000  # characters of a text; a quarter of what is measured there, in a quarter of the time
SLACK = 8.0
LIMIT_S = 0.25 * SLACK
VALUES_LIMIT_S = 0.5 * SLACK  # of a text that is nothing but telephones, ever other ones: each is checked


@pytest.fixture(autouse=True, scope="module")
def smaller() -> Iterator[None]:
    with mock.patch.object(hostile_text, "SIZE", SIZE):
        yield


@pytest.fixture(scope="module")
def steps(model_path: str) -> dict[str, Step]:
    return make_steps(model_path)


@pytest.fixture(autouse=True, scope="module")
def worst() -> Iterator[dict[str, tuple[float, str]]]:
    """The slowest of each step, printed at the end (pytest -s)."""
    found: dict[str, tuple[float, str]] = {}
    yield found
    for name, (taken_s, kind) in sorted(found.items()):
        print(f"\n{name}: {taken_s:.2f} s ({kind})", end="")


def timed(call: Callable[[], object], name: str, kind: str, worst: dict[str, tuple[float, str]]) -> float:
    forget_words()
    started = time.process_time()
    call()
    taken_s = time.process_time() - started
    worst[name] = max(worst.get(name, (0.0, "")), (taken_s, kind))
    return taken_s


@pytest.mark.slow
@pytest.mark.parametrize("kind", TEXTS)
def test_a_hostile_text_costs_no_more_than_a_long_one(
    steps: dict[str, Step], worst: dict[str, tuple[float, str]], kind: str
) -> None:
    text = TEXTS[kind]()
    for name, step in steps.items():
        taken_s = timed(lambda step=step: step(text), name, kind, worst)
        assert taken_s <= LIMIT_S, f"{name}: {taken_s:.2f} s; the worst so far: {worst}"


@pytest.mark.slow
@pytest.mark.parametrize("kind", VALUES)
def test_a_text_full_of_personal_data(steps: dict[str, Step], worst: dict[str, tuple[float, str]], kind: str) -> None:
    assert timed(lambda: steps["pii"](VALUES[kind]()), "pii, all values", kind, worst) <= VALUES_LIMIT_S


URLS = [
    *("https://" + filled("a."), "https://" + filled("a"), "https://" + filled("é."), filled("a://"), filled("%41")),
    *("https://a.example/" + filled(piece) for piece in ("a/", "?", "#", "&a=b", "%20", "\ud800", "é", "-", "[")),
    *("https://[" + filled(":"), filled("@"), filled(" "), "https://" + filled("xn--é.")),
]


def test_a_hostile_url(sample: SampleIndex, assets: Path, worst: dict[str, tuple[float, str]]) -> None:
    from pipelines.assets.bind import bind
    from pipelines.recipes.tiny import TINY

    [step] = bind(TINY).recipe.curate.pages
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


@pytest.mark.slow
@pytest.mark.parametrize("label", [*LABELS, *ODD_LABELS], ids=lambda label: ascii(label)[:16])
def test_hostile_bytes_are_decoded_or_refused(label: str | None, worst: dict[str, tuple[float, str]]) -> None:
    bodies = [(piece * (SIZE // len(piece) + 1))[:SIZE] for piece in BODIES]
    for body in (*bodies, random.Random(3).randbytes(SIZE)):
        assert timed(lambda body=body: decode_html(body, label), "charset", f"{body[:8]!r}", worst) <= LIMIT_S
