"""PyTorch, where it is installed, stays out of the data stages' processes, and can still be had afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import sys
from transforms.steps.pii_recognisers import Recognisers
from transforms.steps.words import _Splitter
Recognisers(("email",), None), _Splitter("en")
assert "spacy" in sys.modules and "presidio_analyzer" in sys.modules
assert "torch" not in sys.modules
import torch
"""


def test_spacy_and_presidio_do_without() -> None:
    pytest.importorskip("torch", reason="the torch extra is not installed")
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
