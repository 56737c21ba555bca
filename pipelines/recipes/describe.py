"""`bateia show`: a whole recipe, every step with its settings, what they mean and where they come from."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import Field, fields, is_dataclass
from typing import Any, NamedTuple

from pipelines.recipes.recipe import Recipe
from trainer.model.config import SIZES
from trainer.settings import TrainRecipe
from transforms.steps.dedup.settings import Deduplicate
from transforms.steps.filters.by_language import ByLanguage
from transforms.steps.step import Step, without_paths
from transforms.steps.tokens.settings import TrainTokenizer

SIMILARITIES = (0.7, 0.75, 0.8, 0.85)  # Jaccard, of two documents
PIPED_COLUMNS = 100  # where there is no terminal
INDENT = "     "
UNITS = {"_s": " s", "_mb": " MB"}  # by how a setting's name ends; bytes have units of their own
MAX_VALUE_WIDTH = 14  # characters of a value that has what it means beside it
MIN_TEXT_WIDTH = 24  # columns that what it means needs beside a value


# --- Settings as rows, for reports ------------------------------------------------------------------------------------


def settings_of(steps: Iterable[Step]) -> list[dict[str, str]]:
    """One row per setting: step, name, value, about, source. Paths of this machine are cut to file names."""
    return [row for step in steps for row in settings_of_step(without_paths(step))]


def settings_of_step(step: Any, prefix: str = "") -> Iterator[dict[str, str]]:
    for path, field, value in settings_in(step, prefix):
        yield {
            "step": type(step).__name__ if path == field.name else "",
            "name": path,
            "value": show_value(value),
            "about": field.metadata.get("about", ""),
            "source": field.metadata.get("source", ""),
        }


def settings_in(step: Any, prefix: str = "") -> Iterator[tuple[str, Field[Any], Any]]:
    """(name with its path, field, value) of every setting of a step, those of settings within settings too."""
    if isinstance(step, ByLanguage):
        yield from ((f"{prefix}{field.name}", field, value) for field, value in step.merged())
        return
    for field in fields(step):
        value = getattr(step, field.name)
        if is_dataclass(value) and not isinstance(value, type):
            yield from settings_in(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", field, value


def show_value(value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            return "; ".join(f"{name}: {show_value(item)}" for name, item in value)
        return ", ".join(show_value(item) for item in value) or "none"
    return str(value)


# --- A recipe for a terminal ------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A setting as it is printed, or a number that follows from settings."""

    name: str
    value: str
    about: str


def show(recipe: Recipe, columns: int | None = None) -> str:
    """The whole recipe as text. columns: width of the text; by default the terminal's."""
    width = max(columns or shutil.get_terminal_size((PIPED_COLUMNS, 24)).columns, 40)
    lines = textwrap.wrap(f"{recipe.name}: {recipe.about}", width)
    number = 0
    for title, steps, note in sections(recipe):
        lines += ["", title, "-" * len(title)]
        for step in steps:
            number += 1
            about = (type(step).__doc__ or "").strip().split("\n")[0]
            lines += ["", *wrapped(f"{number}. {type(step).__name__} ({step.stage}): {about}", "", INDENT, width)]
            lines += table([*rows_of(step), *derived_rows(step, recipe)], width)
        if not steps:
            lines += ["", "off"]
        if note:
            lines += ["", *wrapped(note, "", "", width)]
    return "\n".join(lines)


def list_recipes(recipes: Iterable[Recipe], columns: int | None = None) -> str:
    """Name of each recipe and what it is about. columns: width of the text; by default the terminal's."""
    width = max(columns or shutil.get_terminal_size((PIPED_COLUMNS, 24)).columns, 40)
    known = list(recipes)
    names = max(len(recipe.name) for recipe in known) + 2
    lines = [line for recipe in known for line in wrapped(recipe.about, f"{recipe.name:<{names}}", " " * names, width)]
    return "\n".join([*lines, "", *wrapped("`bateia show NAME` shows one of them.", "", "", width)])


def sections(recipe: Recipe) -> Iterator[tuple[str, tuple[Any, ...], str]]:
    """(title, steps, note) of each part of the run, in its order."""
    curate, corpus = recipe.curate, recipe.corpus
    yield "Pages (bateia curate)", (curate.read, *curate.pages), ""
    yield "Extraction", (curate.extract,), ""
    guard = f"A stage other than url and language may drop at most {curate.max_stage_drop:.0%} of the pages it sees."
    yield "Filters", curate.documents, guard
    yield "Personal data (bateia dedup)", tuple(step for step in (corpus.lines, corpus.pii) if step is not None), ""
    guard = f"At most {corpus.max_removed:.0%} of the documents may be duplicates."
    yield "Duplicates", () if corpus.dedup is None else (corpus.dedup,), guard if corpus.dedup is not None else ""
    yield "Tokenizer (bateia shard)", (recipe.tokenizer,), ""
    yield "Plan", (recipe.split, recipe.plan), ""
    yield "Training (bateia train)", () if recipe.train is None else (recipe.train,), ""


def rows_of(step: Any) -> Iterator[Row]:
    published = without_paths(step) if isinstance(step, Step) else step
    for name, field, value in settings_in(published):
        source = field.metadata.get("source", "")
        about = f"{field.metadata.get('about', '')}{f' [{source}]' if source else ''}"
        yield Row(name, readable(field, value), about.strip())


def derived_rows(step: Any, recipe: Recipe) -> Iterator[Row]:
    """Numbers that one would otherwise work out by hand."""
    if isinstance(step, Deduplicate):
        yield Row("= hashes", f"{step.hashes:,}", "bands × rows")
        for similarity in SIMILARITIES:
            share = f"{step.share_linked(similarity):.1%}"
            yield Row("= linked", share, f"of pairs of documents of Jaccard similarity {similarity:g}, by a band")
    if isinstance(step, TrainTokenizer) and recipe.train is not None and (model := recipe.train.model) in SIZES:
        most = recipe.suited_tokenizer().max_vocab_size
        if most is not None:
            yield Row("= max_vocab_size", f"{most:,}", f"of a whole run: a larger table outweighs the rest of {model}")
    if isinstance(step, TrainRecipe):
        tokens = step.batch_size * recipe.plan.context
        yield Row("= tokens", f"{tokens:,}", "of a step: batch_size × the plan's context")
        yield Row("= all tokens", f"{tokens * step.steps:,}", "steps × tokens of a step")
        yield Row("= warmup", f"{step.warmup_steps:,}", "steps up to the highest learning rate")
        if step.model in SIZES:
            peak = step.settings_for(vocab_size=1, context=recipe.plan.context).schedule.peak
            yield Row("= lr", f"{peak:g}", "highest learning rate of this model")


def readable(field: Field[Any], value: Any) -> str:
    """A value as one reads it: with thousands separated, sizes in MiB, and what is done where there is none."""
    if value is None:
        return field.metadata.get("none", "off")
    if isinstance(value, bool) or not isinstance(value, (int, float, tuple)):
        return show_value(value)
    if isinstance(value, int) and field.name.endswith("_bytes"):
        return in_bytes(value)
    if isinstance(value, (int, float)):
        unit = next((unit for ending, unit in UNITS.items() if field.name.endswith(ending)), "")
        return f"{value:,}{unit}" if isinstance(value, int) else f"{value:g}{unit}"
    if all(isinstance(item, tuple) and len(item) == 2 for item in value) and value:
        return "; ".join(f"{name}: {readable(field, item)}" for name, item in value)
    return ", ".join(readable(field, item) for item in value) or "none"


def in_bytes(count: int) -> str:
    """Bytes in the largest unit of which they are a whole number."""
    for bits, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if count >= 1 << bits and not count % (1 << bits):
            return f"{count >> bits:,} {unit}"
    return f"{count:,} B"


def table(rows: list[Row], width: int) -> list[str]:
    """Names, values and what they mean in columns; a long value has what it means below it."""
    names = max((len(row.name) for row in rows), default=0)
    values = max((len(row.value) for row in rows if len(row.value) <= MAX_VALUE_WIDTH), default=0)
    lines: list[str] = []
    for row in rows:
        name = f"{INDENT}{row.name:<{names}}  "
        beside = f"{name}{row.value:<{values}}  "
        blank = " " * len(name)
        if len(row.value) <= MAX_VALUE_WIDTH and width - len(beside) >= MIN_TEXT_WIDTH:
            lines += wrapped(row.about, beside, " " * len(beside), width)
        else:
            lines += [*wrapped(row.value, name, blank, width), *(wrapped(row.about, blank, blank, width))]
    return lines


def wrapped(text: str, first: str, others: str, width: int) -> list[str]:
    """Words are never cut, so that they can be searched for. An empty text still has its first line."""
    lines = textwrap.wrap(
        text,
        max(width, len(first) + 1),
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or ([first.rstrip()] if first.strip() else [])
