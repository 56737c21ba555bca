"""Variants of a recipe: parts put in by their type, wherever they stand, and types that have no place."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar

import pytest

from pipelines.recipes import RECIPES
from pipelines.recipes.fineweb import FINEWEB
from pipelines.recipes.recipe import Recipe
from pipelines.recipes.tiny import TINY
from schemas.document import Document
from schemas.faults import BadInput
from schemas.verdict import Check, Drop
from trainer.settings import TrainRecipe
from transforms.steps.dedup.repeated_lines import DropRepeatedLines
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.filters.c4 import CleanC4
from transforms.steps.filters.fineweb import KeepFineWeb
from transforms.steps.filters.gopher_quality import KeepGopherQuality
from transforms.steps.filters.gopher_repetition import KeepGopherRepetition
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.pii.scrub import ScrubPii
from transforms.steps.recipe import CorpusRecipe, CurateRecipe
from transforms.steps.step import DocumentStep
from transforms.steps.tokens.settings import PlanSettings, Split, TrainTokenizer
from transforms.steps.urls.drop_blocked import DropBlockedUrls
from transforms.steps.warc.limits import ReadLimits


def parts_of(part: Any) -> Iterator[Any]:
    for field in fields(part):
        value = getattr(part, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if is_dataclass(item):
                yield item
                yield from parts_of(item)


def curated(**changes: Any) -> Recipe:
    return replace(FINEWEB, name="v", about="a", curate=replace(FINEWEB.curate, **changes))


def corpus(**changes: Any) -> Recipe:
    return replace(FINEWEB, name="v", about="a", corpus=replace(FINEWEB.corpus, **changes))


def with_step(at: int, step: Any) -> Recipe:
    documents = FINEWEB.curate.documents
    return curated(documents=(*documents[:at], step, *documents[at + 1 :]))


GATE = LanguageGate(("en", "pt"))
# One row for each place in a recipe: a part, and the recipe with it in its place, written out.
PLACES = [
    (ReadLimits(max_encodings=2), curated(read=ReadLimits(max_encodings=2))),
    (DropBlockedUrls("sample"), curated(pages=(DropBlockedUrls("sample"),))),
    (ExtractText(fast=True), curated(extract=ExtractText(fast=True))),
    (GATE, curated(extract=replace(FINEWEB.curate.extract, gate=GATE))),
    (KeepLanguages(("pt",), 0.5), with_step(0, KeepLanguages(("pt",), 0.5))),
    (KeepGopherRepetition(top_2_gram=None), with_step(1, KeepGopherRepetition(top_2_gram=None))),
    (KeepGopherQuality(min_words=9), with_step(2, KeepGopherQuality(min_words=9))),
    (CleanC4(min_sentences=1), with_step(3, CleanC4(min_sentences=1))),
    (KeepFineWeb(max_char_dup=0.1), with_step(4, KeepFineWeb(max_char_dup=0.1))),
    (DropRepeatedLines(9), corpus(lines=DropRepeatedLines(9))),
    (ScrubPii(style="example"), corpus(pii=ScrubPii(style="example"))),
    (Deduplicate(scope="all", bands=20), corpus(dedup=Deduplicate(scope="all", bands=20))),
    (CorpusRecipe(pii=None), replace(FINEWEB, name="v", about="a", corpus=CorpusRecipe(pii=None))),
    (curated(documents=()).curate, curated(documents=())),
    (TrainTokenizer(vocab_size=512), replace(FINEWEB, name="v", about="a", tokenizer=TrainTokenizer(vocab_size=512))),
    (Split(0.5, 7), replace(FINEWEB, name="v", about="a", split=Split(0.5, 7))),
    (PlanSettings("long", 8192), replace(FINEWEB, name="v", about="a", plan=PlanSettings("long", 8192))),
    (TrainRecipe(steps=3), replace(FINEWEB, name="v", about="a", train=TrainRecipe(steps=3))),
]


@pytest.mark.parametrize(("part", "expected"), PLACES, ids=[type(part).__name__ for part, _ in PLACES])
def test_a_part_takes_its_place_and_nothing_else_changes(part: Any, expected: Recipe) -> None:
    assert FINEWEB.vary(part, name="v", about="a") == expected != FINEWEB


def test_every_place_of_a_recipe_is_tried() -> None:
    there = {type(part) for part in parts_of(FINEWEB)} | {LanguageGate, DropRepeatedLines}  # the two that are off
    assert there == {type(part) for part, _ in PLACES}


def test_several_parts_are_put_in_at_once() -> None:
    """One after the other would not do: a gate for English refuses to stand beside KeepLanguages(("pt",))."""
    gated = FINEWEB.vary(LanguageGate(("en",)), name="gated")
    varied = gated.vary(KeepLanguages(("pt",)), LanguageGate(("pt",)), name="v")
    assert (varied.curate.languages, varied.curate.extract.gate) == (("pt",), LanguageGate(("pt",)))
    with pytest.raises(BadInput, match="LanguageGate lets en pass, but KeepLanguages keeps pt too"):
        gated.vary(KeepLanguages(("pt",)), name="v")


def test_parts_are_put_into_parts_that_are_given_too() -> None:
    varied = FINEWEB.vary(CorpusRecipe(max_removed=0.5), DropRepeatedLines(), Deduplicate(bands=3), name="v")
    assert varied.corpus == CorpusRecipe(DropRepeatedLines(), ScrubPii(), Deduplicate(bands=3), 0.5)
    extract = FINEWEB.vary(ExtractText(fast=True), GATE, name="v").curate.extract
    assert extract == ExtractText(fast=True, gate=GATE)


def test_a_part_that_is_off_can_be_switched_on_again() -> None:
    off = FINEWEB.vary(replace(FINEWEB.corpus, pii=None, dedup=None), name="off")
    assert list(off.corpus.steps()) == []
    assert off.vary(ScrubPii(), Deduplicate(), name="on").corpus == CorpusRecipe()
    untrained = replace(FINEWEB, train=None)
    assert untrained.vary(TrainRecipe(steps=3), name="v").train == TrainRecipe(steps=3)


def test_fineweb_in_numbers_is_what_steps_do_by_themselves() -> None:
    """The recipe's file writes the numbers out; a step's own must not be others."""
    assert (
        Recipe(
            "fineweb",
            FINEWEB.about,
            CurateRecipe(
                (DropBlockedUrls(),),
                ExtractText(),
                (KeepLanguages(), KeepGopherRepetition(), KeepGopherQuality(), CleanC4(), KeepFineWeb()),
            ),
            CorpusRecipe(dedup=Deduplicate(keep="first")),
            train=TrainRecipe(steps=500),
        )
        == FINEWEB
    )


@dataclass(frozen=True)
class Own(DocumentStep):
    stage: ClassVar[str] = "own"
    measures: ClassVar[tuple[str, ...]] = ()
    least: int = 1
    hidden: Nowhere | None = None  # type: ignore[name-defined] # noqa: F821 - as what is imported for type checkers

    def checks(self, document: Document) -> Iterator[Check]:
        yield from ()

    def __call__(self, document: Document) -> Document | Drop:
        return document


def test_a_step_of_ones_own_is_replaced_once_it_is_there() -> None:
    mine = FINEWEB.vary(replace(FINEWEB.curate, documents=(*FINEWEB.curate.documents, Own())), name="mine")
    assert mine.vary(Own(7), name="v").curate.documents == (*FINEWEB.curate.documents, Own(7))
    assert mine.vary(DropRepeatedLines(), name="v").curate.documents[-1] == Own()


TWICE = FINEWEB.vary(replace(FINEWEB.curate, documents=(CleanC4(), Own(), CleanC4())), name="twice")


@pytest.mark.parametrize(
    ("recipe", "parts", "told"),
    [
        (FINEWEB, (Own(),), "recipe 'fineweb' has no place for Own; it has one for each of CurateRecipe, "),
        (FINEWEB, (3,), "recipe 'fineweb' has no place for int; it has "),
        (FINEWEB, (KeepLanguages,), "'v' is given the class KeepLanguages; write KeepLanguages(…)"),
        (FINEWEB, (CleanC4(), Own()), "no place for Own; "),
        (TWICE, (CleanC4(1),), "recipe 'twice' has 2 places for CleanC4; "),
        (TWICE, (KeepFineWeb(),), "recipe 'twice' has no place for KeepFineWeb; "),
        (FINEWEB, (CleanC4(), Own(), CleanC4(1)), "'v' is given CleanC4 twice; give it once"),
    ],
    ids=["no place", "no part", "a class", "one of two", "two places", "not there", "given twice"],
)
def test_what_has_no_place_of_its_own_is_refused(recipe: Recipe, parts: tuple, told: str) -> None:
    with pytest.raises(BadInput) as raised:
        recipe.vary(*parts, name="v")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_refusal_names_all_that_there_is() -> None:
    with pytest.raises(BadInput) as raised:
        FINEWEB.vary(Own(), name="v")
    for part, _ in PLACES:
        assert type(part).__name__ in str(raised.value)


def test_a_variant_tells_what_it_is() -> None:
    assert FINEWEB.vary(CleanC4(1), KeepFineWeb(), name="v").about == "fineweb with CleanC4, KeepFineWeb"
    assert FINEWEB.vary(CleanC4(1), name="v", about="mine").about == "mine"
    assert FINEWEB.vary(name="again") == replace(FINEWEB, name="again")


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_a_recipe_is_a_value(recipe: Recipe) -> None:
    assert pickle.loads(pickle.dumps(recipe)) == recipe  # noqa: S301
    assert hash(recipe) == hash(replace(recipe))
    assert len(set(recipe.curate.measures)) == len(recipe.curate.measures)
    with pytest.raises(FrozenInstanceError):
        recipe.name = "another"  # type: ignore[misc]
    for part in parts_of(recipe):
        assert hash(part) == hash(replace(part))
        with pytest.raises(FrozenInstanceError):
            part.threshold = 1


@pytest.mark.parametrize(
    "part", [FINEWEB, *parts_of(FINEWEB), GATE, DropRepeatedLines()], ids=lambda p: type(p).__name__
)
def test_every_setting_says_what_it_means(part: Any) -> None:
    assert [field.name for field in fields(part) if not field.metadata.get("about")] == []


def test_tiny_is_fineweb_in_five_languages() -> None:
    ours = (KeepLanguages(("en",), 0.65), DropBlockedUrls(), FINEWEB.split, FINEWEB.plan, FINEWEB.train)
    assert TINY.vary(*ours, name="fineweb", about=FINEWEB.about) == FINEWEB
