"""FineWeb's recipe for English, steps 1 to 8 (arXiv 2406.17557; datatrove 0.10's code where paper and code differ)."""

from transforms.steps.c4 import CleanC4
from transforms.steps.extraction import ExtractText
from transforms.steps.fineweb import KeepFineWeb
from transforms.steps.gopher_quality import KeepGopherQuality
from transforms.steps.gopher_repetition import KeepGopherRepetition
from transforms.steps.language import KeepLanguages
from transforms.steps.recipe import Recipe
from transforms.steps.urls import DropBlockedUrls

FINEWEB = Recipe(
    name="fineweb",
    about="English web text as FineWeb filters and deduplicates it, by crawl",
    pages=(DropBlockedUrls(),),
    extract=ExtractText(),
    documents=(
        KeepLanguages(("en",), 0.65),
        KeepGopherRepetition(),
        KeepGopherQuality(),
        CleanC4(),
        KeepFineWeb(),
    ),
)
