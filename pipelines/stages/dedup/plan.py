"""What a deduplication is to do, before anything is written: its inputs, its settings, and how its work is cut.

How the work is cut is a function of the inputs' manifests alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pipelines.assets.bind import described
from pipelines.recipes import RECIPES
from pipelines.recipes.recipe import Recipe
from pipelines.stages.datasets import READABLE, Input, in_order, open_input, overlap, read_inputs
from pipelines.stages.dedup.run import DedupRun
from schemas.faults import BadInput
from schemas.manifest import FileEntry, Manifest
from schemas.storage import absolute, join, sizes_below
from transforms.curate import language_folder
from transforms.dedup.signatures import DedupWorkdir, SignatureFile
from transforms.documents import Part
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.recipe import CorpusRecipe
from transforms.steps.text.dictionaries import NO_SPLITTER
from transforms.steps.text.words import require_installed

MIN_PART_BYTES, MAX_PART_BYTES = 8 << 20, 256 << 20
PARTS_WANTED = 16  # so that a small corpus still keeps some workers busy


def plan_dedup(
    output: str, name: str, recipe: CorpusRecipe, inputs: list[str], against: list[str], tokenizer: str | None
) -> DedupRun:
    """Raises BadInput for inputs that are unfinished, changed, or not comparable, and for absent word splitters."""
    if against and recipe.dedup is None:
        raise BadInput(f"recipe '{name}' does not deduplicate, so --against means nothing; leave it out")
    for given in (*inputs, *against):
        if overlap(given, output):
            raise BadInput(
                f"output {output} overlaps the input {given}, which it would replace; choose another --output"
            )
    asked = recipe
    if against:
        recipe = compare_all_dumps(asked)
    documents = read_inputs(inputs)
    earlier = read_earlier(against, recipe.dedup) if recipe.dedup is not None else []
    old = plan_signature_files(earlier)
    parts = plan_parts(documents, len(old))
    if recipe.dedup is not None:
        require_installed(sorted({part.language for part in parts} - NO_SPLITTER))
    settings = {
        "recipe": {
            "name": name,
            "max_removed": recipe.max_removed,
            "steps": [described(step) for step in recipe.steps()],
        },
        "signature": recipe.dedup.signature if recipe.dedup is not None else None,
        "tokenizer": tokenizer_identity(tokenizer),
    }
    signed = [
        SignatureFile(p.ordinal, DedupWorkdir(absolute(output)).signatures(p.name), p.language, False, p.rows)
        for p in parts
    ]
    files = (*old, *signed)
    if recipe != asked:
        note = f"recipe '{name}' compares documents of one dump; with --against all are compared"
        sys.stderr.write(f"bateia: note: {note}\n")
    texts = plan_earlier_texts(earlier) if recipe.dedup is not None and recipe.dedup.verified else ()
    return DedupRun(
        output, name, recipe, tuple(documents), tuple(earlier), tuple(parts), files, texts, tokenizer, settings
    )


def recipe_of_inputs(inputs: list[str]) -> Recipe:
    """The recipe that the inputs were made by. Raises BadInput if it is not one of RECIPES, or not the same for all."""
    names = sorted({open_input(path, READABLE).settings["recipe"]["name"] for path in inputs})
    if len(names) > 1 or names[0] not in RECIPES:
        raise BadInput(f"the documents were made by {' and '.join(names)}; say what to do with --recipe")
    return RECIPES[names[0]]


def compare_all_dumps(recipe: CorpusRecipe) -> CorpusRecipe:
    """The recipe with scope "all" instead of "dump": the documents of an earlier corpus are of other dumps."""
    if recipe.dedup is None or recipe.dedup.scope != "dump":
        return recipe
    return replace(recipe, dedup=replace(recipe.dedup, scope="all"))


def tokenizer_identity(path: str | None) -> dict[str, str] | None:
    if path is None:
        return None
    from transforms.steps.tokens.tokenizer import load_tokenizer

    return {"name": path.rstrip("/").rpartition("/")[2], "sha256": load_tokenizer(path).sha256}


def read_earlier(paths: list[str], dedup: Deduplicate) -> list[Input]:
    """Earlier corpora to match with. Raises BadInput if they can't be compared by these settings."""
    earlier = in_order([Input(path.rstrip("/"), open_input(path, ("dedup",))) for path in paths])
    given = {item.manifest.dataset_hash for item in earlier}
    for item in earlier:
        if (theirs := item.manifest.settings.get("signature")) != dedup.signature:
            raise BadInput(
                f"--against {item.path} has signatures of other settings ({theirs}, not {dedup.signature}); "
                "use the recipe it was made by, or deduplicate it anew"
            )
        if dedup.scope not in ("all", scope := scope_of(item.manifest)):
            raise BadInput(
                f"--against {item.path} was deduplicated by {scope} and can't be matched by {dedup.scope}; "
                f"use a recipe whose scope is {scope} or all"
            )
        for source in item.manifest.source:
            if source.get("role") == "against" and source["dataset_hash"] not in given:
                raise BadInput(f"{item.path} was made --against {source['path']}; give --against that corpus too")
    return earlier


def scope_of(manifest: Manifest) -> str:
    steps = manifest.settings["recipe"]["steps"]
    return next(step["scope"] for step in steps if step["step"] == Deduplicate.__name__)


def plan_signature_files(earlier: list[Input]) -> list[SignatureFile]:
    return [
        SignatureFile(ordinal, join(absolute(item.path), file.path), file.path.split("/")[1], True, file.rows)
        for ordinal, (item, file) in enumerate(signed_files(earlier))
    ]


def plan_earlier_texts(earlier: list[Input]) -> tuple[Part, ...]:
    """The texts that earlier corpora kept, by the number of their signature files.

    Raises BadInput if they are gone: signatures alone can't show that a document contains another.
    """
    parts: list[Part] = []
    texts = {join(item.path, file.path): file for item in earlier for file in item.data}
    sizes = {item.path: sizes_below(join(item.path, "data")) for item in earlier}
    for ordinal, (item, file) in enumerate(signed_files(earlier)):
        name = file.path.partition("/")[2]
        path = join(item.path, "data", name)
        if (data := texts.get(path)) is None:
            continue
        if sizes[item.path].get(name) != data.bytes:
            raise BadInput(
                f"{path} is missing or was changed, and a recipe that verifies duplicates reads the texts of "
                "earlier corpora; bring it back, or vary the recipe by Deduplicate(verify='none')"
            )
        language = name.partition("/")[0]
        parts.append(Part(ordinal, f"{language}/earlier-{ordinal:06}", (absolute(path),), data.rows))
    return tuple(parts)


def signed_files(earlier: list[Input]) -> list[tuple[Input, FileEntry]]:
    return [(item, file) for item in earlier for file in item.manifest.below("signatures/")]


def plan_parts(inputs: list[Input], first_ordinal: int) -> list[Part]:
    """Neighbouring files of one language, together up to MAX_PART_BYTES of the input, as one part each."""
    files = sorted(
        (language_folder(file.path.split("/")[1]), number, file.path, item.path, file)  # a stranger's manifest, too
        for number, item in enumerate(inputs)
        for file in item.data
    )
    target = min(max(sum(file.bytes for *_, file in files) // PARTS_WANTED, MIN_PART_BYTES), MAX_PART_BYTES)
    parts: list[Part] = []
    for language, group in groups(files, target):
        number = sum(part.language == language for part in parts)
        paths = tuple(join(absolute(folder), file.path) for folder, file in group)
        rows = sum(file.rows for _, file in group)
        parts.append(Part(first_ordinal + len(parts), f"{language}/part-{number:05}", paths, rows))
    return parts


def groups(files: list[Any], target: int) -> Iterator[tuple[str, list[tuple[str, FileEntry]]]]:
    language, held, size = "", [], 0
    for label, _, _, folder, file in files:
        if held and (label != language or size + file.bytes > target):
            yield language, held
            held, size = [], 0
        language = label
        held.append((folder, file))
        size += file.bytes
    if held:
        yield language, held
