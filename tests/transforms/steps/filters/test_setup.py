"""What filters load before the first page: the word splitters of the languages that a recipe keeps."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.paths import ROOT

# Once spaCy can't be imported any more, only what was loaded before can split words.
CODE = """
import sys

import pytest
from transforms.steps.filters.c4 import CleanC4
from transforms.steps.filters.fineweb import KeepFineWeb
from transforms.steps.filters.gopher_quality import KeepGopherQuality
from transforms.steps.filters.gopher_repetition import KeepGopherRepetition
from transforms.steps.text.words import words

steps = (CleanC4(), KeepFineWeb(), KeepGopherQuality(), KeepGopherRepetition())
for step, language in zip(steps, ("pt", "es", "fr", "de"), strict=True):
    step.setup((language, "it"))
sys.modules["spacy"] = None
for language in ("pt", "es", "fr", "de", "it"):
    assert words("ab cd", language) == ("ab", "cd")
for language in ("en", "nl"):
    try:
        words("ab cd", language)
    except ImportError:
        continue
    raise AssertionError(language)
"""
WITHOUT_LANGUAGES = """
import sys

import pytest
from transforms.steps.filters.c4 import CleanC4
sys.modules["spacy"] = None
try:
    CleanC4().setup()
except ImportError:
    print("refused")
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.slow
def test_each_filter_loads_the_languages_that_are_kept_and_no_other() -> None:
    ended = run(CODE)
    assert ended.returncode == 0, ended.stderr


def test_a_missing_library_is_noticed_before_any_page_even_if_all_languages_are_kept() -> None:
    ended = run(WITHOUT_LANGUAGES)
    assert ended.stdout == "refused\n", ended.stderr
