"""A recipe is the whole run, from pages to a trained model, as data; a variant is a difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from operator import is_
from typing import Any, get_args, get_type_hints

from schemas.faults import BadInput
from schemas.setting import setting
from trainer.model.config import find_model, suited_vocabulary
from trainer.settings import TrainRecipe
from transforms.steps.recipe import CorpusRecipe, CurateRecipe
from transforms.steps.tokens.settings import PlanSettings, Split, TrainTokenizer


@dataclass(frozen=True)
class Recipe:
    """A whole run: what each stage of it does. A part that is None is off."""

    name: str = setting(about="name, by which commands find the recipe and manifests record it")
    about: str = setting(about="what comes of it, in one sentence")
    curate: CurateRecipe = setting(about="WARC files to documents")
    corpus: CorpusRecipe = setting(about="documents to a corpus", factory=CorpusRecipe)
    tokenizer: TrainTokenizer = setting(about="a tokenizer from the corpus", factory=TrainTokenizer)
    split: Split = setting(about="which documents validate", factory=Split)
    plan: PlanSettings = setting(about="which documents make which training rows", factory=PlanSettings)
    train: TrainRecipe | None = setting(None, "the model and its training")

    def vary(self, *parts: Any, name: str, about: str | None = None) -> Recipe:
        """The same recipe but for `parts`, each of which replaces the part of exactly its type, wherever that is.

        A part that is off is put in its place: DropRepeatedLines() into `corpus`, LanguageGate(("en",)) into
        `curate.extract`. A step that `curate.documents` does not have yet is added by giving another CurateRecipe.

        name: of the variant
        about: what comes of it; by default the recipe's name and the parts' types
        Raises BadInput for a type that has no place in the recipe, or more than one, or is given twice.
        """
        if classes := [part.__name__ for part in parts if isinstance(part, type)]:
            raise BadInput(f"'{name}' is given the class {classes[0]}; write {classes[0]}(…)")
        given = {type(part): part for part in parts}
        if len(given) < len(parts):
            [(kind, _)] = Counter(map(type, parts)).most_common(1)
            raise BadInput(f"'{name}' is given {kind.__name__} twice; give it once")
        counts: Counter[type] = Counter()
        varied = put(self, given, counts)
        for kind in given:
            if counts[kind] != 1:
                places = "no place" if not counts[kind] else f"{counts[kind]} places"
                known = ", ".join(dict.fromkeys(each.__name__ for each in kinds_in(self)))
                raise BadInput(
                    f"recipe '{self.name}' has {places} for {kind.__name__}; it has one for each of {known}; "
                    "put other steps into a CurateRecipe of your own and give that"
                )
        if about is None:
            about = f"{self.name} with {', '.join(kind.__name__ for kind in given)}" if given else self.about
        return replace(varied, name=name, about=about)

    def suited_tokenizer(self) -> TrainTokenizer:
        """How the tokenizer is trained in this run: where no vocabulary is named, none that is too large for the model.

        Raises BadInput for a model that can't be found.
        """
        if self.tokenizer.vocab_size is not None or self.train is None:
            return self.tokenizer
        model = find_model(self.train.model, 512, self.plan.context)  # of any vocabulary
        return replace(self.tokenizer, max_vocab_size=suited_vocabulary(model))


def put(part: Any, given: dict[type, Any], counts: Counter[type]) -> Any:
    """The part, or the one given of its type, with the parts in it treated so. counts: places met, by type.

    A part is made anew once all in it is, for it may refuse what does not fit together.
    """
    if type(part) in given:
        counts[type(part)] += 1
        part = given[type(part)]
    changes: dict[str, Any] = {}
    for field in fields(part):
        value = new = getattr(part, field.name)
        if value is None:
            new = next((given[kind] for kind in kinds_of(part, field.name) if kind in given), None)
        if is_part(new):
            new = put(new, given, counts)
        elif isinstance(new, tuple):
            items = [put(item, given, counts) if is_part(item) else item for item in new]
            new = new if all(map(is_, items, new)) else tuple(items)
        if new is not value:
            changes[field.name] = new
    return replace(part, **changes) if changes else part


def is_part(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def kinds_in(part: Any) -> Iterator[type]:
    """The types of a part's fields, and those that a field that is None may take."""
    for field in fields(part):
        value = getattr(part, field.name)
        if value is None:
            yield from kinds_of(part, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if is_part(item):
                yield type(item)
                yield from kinds_in(item)


def kinds_of(part: Any, name: str) -> Iterator[type]:
    """The types that a field that is None may take."""
    try:
        kinds = get_args(get_type_hints(type(part))[name])
    except NameError:  # a step of one's own, whose types are imported for type checkers only
        return
    yield from (kind for kind in kinds if isinstance(kind, type) and is_dataclass(kind))
