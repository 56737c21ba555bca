"""The embedded crawl's recipe: FINEWEB on five languages, with the block list that ships with the crawl, and a model
that is trained in half a minute."""

from pipelines.recipes.fineweb import FINEWEB
from trainer.settings import TrainRecipe
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.tokens.settings import PlanSettings, Split
from transforms.steps.urls.drop_blocked import DropBlockedUrls

TINY = FINEWEB.vary(
    DropBlockedUrls(blocklist="sample"),
    KeepLanguages(("en", "pt", "es", "fr", "de"), 0.65),
    Split(fraction=0.1),  # a hundredth of 141 documents would be one
    PlanSettings(context=256),
    TrainRecipe(model="nano", steps=60),
    name="tiny",
    about="the embedded crawl: FineWeb's rules on English, Portuguese, Spanish, French and German, and a first model",
)
