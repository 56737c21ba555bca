"""`bateia show`: every step of a recipe with its settings, what they mean and where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from transforms.steps.recipe import Recipe


def settings_of(recipe: Recipe) -> list[dict[str, str]]:
    """One row per setting: step, name, value, about, source. Paths of this machine are cut to file names."""
    return [row for step in recipe.steps() for row in settings_of_step(step)]


def settings_of_step(step: Any, prefix: str = "") -> Iterator[dict[str, str]]:
    for field in fields(step):
        value = getattr(step, field.name)
        if is_dataclass(value) and not isinstance(value, type):
            yield from settings_of_step(value, f"{prefix}{field.name}.")
            continue
        if field.name in ("blocklist", "model"):
            value = str(value).rpartition("/")[2]
        yield {
            "step": type(step).__name__ if not prefix else "",
            "name": prefix + field.name,
            "value": show_value(value),
            "about": field.metadata.get("about", ""),
            "source": field.metadata.get("source", ""),
        }


def show_value(value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(show_value(item) for item in value) or "none"
    return str(value)


def show_settings(step: Any) -> list[str]:
    rows = list(settings_of_step(step))
    width = max((len(row["name"]) for row in rows), default=0)
    lines = []
    for row in rows:
        source = f"  [{row['source']}]" if row["source"] else ""
        lines.append(f"     {row['name']:<{width}}  {row['value']}  {row['about']}{source}".rstrip())
    return lines


def show(recipe: Recipe) -> str:
    """The recipe as text for a terminal."""
    lines = [f"{recipe.name}: {recipe.about}", ""]
    for number, step in enumerate(recipe.steps(), 1):
        about = (type(step).__doc__ or "").strip().split("\n")[0]
        lines.append(f"{number}. {type(step).__name__} ({step.stage}): {about}")
        lines += [*show_settings(step), ""]
    lines.append(
        f"A stage other than url and language may drop at most {recipe.max_stage_drop:.0%} of the pages it sees."
    )
    lines.append(
        f"Then, by `bateia dedup` (at most {recipe.corpus.max_removed:.0%} of the documents may be duplicates):"
    )
    for step in recipe.corpus.steps():
        lines += ["", f"{type(step).__name__} ({step.stage}): {(type(step).__doc__ or '').strip().splitlines()[0]}"]
        lines += show_settings(step)
    return "\n".join(lines)
