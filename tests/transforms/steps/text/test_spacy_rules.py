"""spaCy's rules without spaCy: split as it splits, asked of it once, kept in a file."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from unittest import mock

import pytest
import spacy

from transforms.steps.text import spacy_rules
from transforms.steps.text.spacy_rules import RuleTokenizer, has_rules, kept_at, read_rules, rules_of

SIGNS = "()[]{}.,:;!?'’\"-–—/\\*&%$€#@^_=+|<>…«»“”°©09aAbéñßяЖ中अ😀\u200d\u0301"
WORDS = ("can't", "U.S.", "10km", "x@y.z", "http://a.b/c?d=1", "d'un", "z.B.", "e-mail", "well-known", "3,5", "№", ":)")
LANGUAGES = ("en", "es", "fr", "hu", "tr", "fa", "ru", "gd", "xx")  # with token rules, with blanks in special cases


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own for what is kept, and nothing remembered of the process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rules_of.cache_clear()
    yield tmp_path
    rules_of.cache_clear()


def chunks(language: str, special: list[str], number: int) -> Iterator[str]:
    rng = random.Random(language)
    spaced = [chunk for chunk in special if len(chunk.split()) > 1] or special
    for _ in range(number):
        kind = rng.random()
        if kind < 0.4:
            yield "".join(rng.choices(SIGNS, k=rng.randint(1, 8)))
        elif kind < 0.6:
            yield rng.choice(SIGNS) * rng.randint(0, 2) + rng.choice(spaced).strip() + rng.choice(SIGNS)
        else:
            parts = (rng.choice(rng.choice(([*SIGNS], special, WORDS))) for _ in range(rng.randint(1, 4)))
            yield "".join(parts).strip()


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_chunks_are_split_as_spacy_splits_them(language: str) -> None:
    nlp, ours = spacy.blank(language), RuleTokenizer(rules_of(language))
    nlp.vocab.lex_attr_getters = {}  # type: ignore[attr-defined]
    split = 0
    for chunk in chunks(language, sorted(ours.special), 1500):
        found = ours.split(chunk)
        assert found == [token.text for token in nlp.tokenizer(chunk)], chunk
        split += len(found) > 1
    assert split > 800


def test_a_special_case_that_affixes_split_is_whole_again() -> None:
    ours = RuleTokenizer(rules_of("en"))
    assert ours.split("(:(") == [token.text for token in spacy.blank("en").tokenizer("(:(")]
    assert ours.split("*(>_<)*") == [token.text for token in spacy.blank("en").tokenizer("*(>_<)*")]


def test_spacy_is_asked_once(home: Path) -> None:
    asked = rules_of("xx")
    (kept,) = home.rglob("*.json")
    assert kept == kept_at("xx") and len(list(home.rglob("*"))) == 3, "nothing pending is left"
    rules_of.cache_clear()
    with mock.patch.object(subprocess, "run", side_effect=AssertionError("spaCy is asked again")):
        assert rules_of("xx") == asked
    assert asdict(asked)["special"] == read_rules("xx").special


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"special": ', b"[1]", b'{"special": {}, "more": 1}', b"\xff"])
def test_a_damaged_file_is_made_anew(home: Path, damage: bytes) -> None:
    kept = kept_at("xx")
    kept.parent.mkdir(parents=True)
    kept.write_bytes(damage)
    made = subprocess.CompletedProcess([], 0, b'{"special": {}, "prefix": null, "suffix": null, "infix": null, '
                                       b'"token": null, "url": null, "enders": ["."]}', b"")  # fmt: skip
    with mock.patch.object(subprocess, "run", return_value=made):
        assert rules_of("xx").enders == ["."]
    assert kept.read_bytes() == made.stdout


def test_a_home_that_cannot_be_written_costs_time_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "file"))
    assert rules_of("xx").enders and not list(home.rglob("*.json"))


def test_another_spacy_has_a_file_of_its_own(home: Path) -> None:
    before = kept_at("xx")
    with mock.patch.object(spacy_rules, "version", return_value="3.8.99"):
        assert kept_at("xx") != before
    folder = home / "spacy"
    (folder / "lang" / "xx").mkdir(parents=True)
    rules = folder / "lang" / "xx" / "__init__.py"
    rules.write_text("")
    with mock.patch.object(spacy_rules, "spacy_folder", return_value=folder):
        seen = {kept_at("xx")}
        os.utime(rules, ns=(0, 0))
        seen.add(kept_at("xx"))
        rules.write_text("a")
        seen.add(kept_at("xx"))
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("language", "known"),
    [
        ("pt", True),
        ("nb", True),
        ("klingon", False),
        ("punctuation", False),
        ("x" * 9999, False),
        ("../lang/en", False),
    ],
)
def test_which_languages_have_rules(language: str, known: bool) -> None:
    assert has_rules(language) == known


def test_a_tokenizer_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="'th' by ThaiTokenizer, not by its rules"):
        read_rules("th")


def test_what_spacy_says_when_it_fails_is_told(home: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)spaCy's rules for 'klingon': .*Can't import language") as failed:
        rules_of("klingon")
    assert "klingon" in str(failed.value) and not list(home.rglob("*.json"))


def test_without_spacy_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    monkeypatch.setattr(spacy_rules, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="spaCy, whose rules words are split by, is not installed"):
        has_rules("en")
