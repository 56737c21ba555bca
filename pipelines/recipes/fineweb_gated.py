"""FINEWEB with the language gate: pages that are improbably English are dropped before anything parses them.

The gate is no part of FineWeb. What it saves and loses is measured by benchmarks/curate/language_gate.py.
"""

from pipelines.recipes.fineweb import FINEWEB
from transforms.steps.extract.language_gate import LanguageGate

FINEWEB_GATED = FINEWEB.vary(
    LanguageGate(("en",)),
    name="fineweb-gated",
    about="fineweb with a language gate before extraction: less than half the cost on a multilingual crawl",
)
