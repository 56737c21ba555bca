"""PyTorch, where it is installed, stays out of the data stages' processes, and can still be had afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
