"""Texts of one's own, which somebody has chosen already: nothing is judged, duplicates and personal data still go."""

from pipelines.recipes.fineweb import FINEWEB
from pipelines.recipes.recipe import Recipe
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.recipe import CorpusRecipe, CurateRecipe

AS_IS = Recipe(
    name="as-is",
    about="texts of one's own as they are: no rule drops any, but duplicates and personal data go",
    curate=CurateRecipe(pages=(), extract=ExtractText(), documents=()),
    corpus=CorpusRecipe(dedup=Deduplicate(scope="all", keep="first")),
    train=FINEWEB.train,
)
