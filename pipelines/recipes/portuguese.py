"""FINEWEB's filters on Portuguese; duplicates over all crawls of the language, as FineWeb2 has them (arXiv 2506.20920).

Thresholds are FineWeb's own: FineWeb2's for single languages come from statistics that are not part of this repository.
"""

from dataclasses import replace

from pipelines.recipes.fineweb import FINEWEB
from transforms.steps.c4 import CleanC4
from transforms.steps.deduplicate import Deduplicate
from transforms.steps.fineweb import KeepFineWeb
from transforms.steps.gopher_quality import KeepGopherQuality
from transforms.steps.gopher_repetition import KeepGopherRepetition
from transforms.steps.language import KeepLanguages

_ONLY = ("pt",)

PORTUGUESE = replace(
    FINEWEB,
    name="portuguese",
    about="Portuguese web text by FineWeb's rules, deduplicated over all crawls, with FineWeb2's rehydration weights",
    documents=(
        KeepLanguages(_ONLY, 0.65),
        KeepGopherRepetition(languages=_ONLY),
        KeepGopherQuality(languages=_ONLY),
        CleanC4(languages=_ONLY),
        KeepFineWeb(languages=_ONLY),
    ),
    corpus=replace(FINEWEB.corpus, dedup=Deduplicate(scope="language", rehydrate=True)),
)
