"""PyTorch, where it is installed, stays out of the data stages' processes, and can still be had afterwards."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from typing import Any
from unittest import mock

import pytest

from transforms.steps.text.lean_import import sets_optimized_once

WORDS = 'from transforms.steps.text.words import words; words("A line of text, and no more.", "en")'
RECOGNISERS = 'from transforms.steps.pii.recognisers import Recognisers; Recognisers(("EMAIL",), None)'
CODE = """
import sys
{first}
assert not {{"torch", "transformers"}} & set(sys.modules)
{second}
assert "spacy" in sys.modules and "presidio_analyzer" in sys.modules
assert not {{"torch", "transformers"}} & set(sys.modules)
import torch
"""


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [(WORDS, RECOGNISERS), (RECOGNISERS, WORDS)])
def test_spacy_and_presidio_do_without(first: str, second: str) -> None:
    pytest.importorskip("torch", reason="the torch extra is not installed")
    code = CODE.format(first=first, second=second)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


WORD = "[A-Za-zÀ-ÖØ-öø-ÿĀ-ſƁ-ƿͰ-ϿА-я]"
PATTERN = rf"{WORD}+-{WORD}+|(?i:{WORD}+'{WORD}+)|[^{WORD[1:]}+!|[\\d.]+%|[\\d.]+€"


def test_a_set_of_characters_is_optimized_once_and_matches_the_same() -> None:
    compiler: Any = import_module("re._compiler")
    plain, optimize = compiler.compile(PATTERN, re.IGNORECASE), compiler._optimize_charset
    with mock.patch.object(compiler, "_optimize_charset", side_effect=optimize) as asked:
        compiler.compile(PATTERN, re.IGNORECASE)
        often = asked.call_count
        with sets_optimized_once():
            remembered = compiler.compile(PATTERN, re.IGNORECASE)
        assert asked.call_count - often == 3 < often
        assert compiler._optimize_charset is asked
    code = [compiler._code(import_module("re._parser").parse(PATTERN, re.I), re.I | re.U)]
    with sets_optimized_once():
        code.append(compiler._code(import_module("re._parser").parse(PATTERN, re.I), re.I | re.U))
    assert code[0] == code[1], "the very program"
    for text in ("Grâce-à", "L'EAU", "½¿!", "3.5%", "3.5€", "а-Я", "x"):
        assert bool(plain.fullmatch(text)) == bool(remembered.fullmatch(text))
