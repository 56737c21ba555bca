"""FINEWEB's filters on Portuguese; duplicates over all crawls of the language, as FineWeb2 has them (arXiv 2506.20920).

Thresholds are FineWeb's own: FineWeb2's for single languages come from statistics that are not part of this repository.
The language gate is ours: few pages of a crawl are Portuguese, and no other is worth its extraction.
"""

from pipelines.recipes.fineweb import FINEWEB
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.pii.entities import ALL_TYPES
from transforms.steps.pii.scrub import ScrubPii

PORTUGUESE = FINEWEB.vary(
    KeepLanguages(("pt",), 0.65),
    LanguageGate(("pt",)),
    ScrubPii(types=ALL_TYPES, spelled_emails=True),  # PIS, título de eleitor, CNH, RG and NIF too
    Deduplicate(scope="language", rehydrate=True),
    name="portuguese",
    about="Portuguese web text by FineWeb's rules, deduplicated over all crawls, with FineWeb2's rehydration weights",
)
