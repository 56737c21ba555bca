"""The sample's recipe: FINEWEB on five languages, with the block list that ships with the sample."""

from dataclasses import replace

from pipelines.recipes.fineweb import FINEWEB
from transforms.steps.language import KeepLanguages
from transforms.steps.urls import DropBlockedUrls

TINY = replace(
    FINEWEB,
    name="tiny",
    about="the embedded sample: FineWeb's rules on English, Portuguese, Spanish, French and German",
    pages=(DropBlockedUrls(blocklist="sample"),),
    documents=(KeepLanguages(("en", "pt", "es", "fr", "de"), 0.65), *FINEWEB.documents[1:]),
)
