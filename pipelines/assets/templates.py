"""The site templates that `--templates` gives, or a recipe names: put before all rules, of the very extraction."""

from __future__ import annotations

from dataclasses import replace

from pipelines.assets.bind import described
from pipelines.assets.registry import resolve_templates
from pipelines.recipes.recipe import Recipe
from schemas.faults import BadInput
from schemas.manifest import read_manifest
from schemas.setting import differences, shown_difference
from transforms.steps.templates.remove import SITE_TEMPLATES, RemoveTemplateLines

DECISIVE = ("step", "extractor", "format", "favor", "fast", "deduplicate")  # settings of extraction that make lines


def without_templates(recipe: Recipe, templates: str) -> Recipe:
    """The recipe with these templates for its step that takes them out: its own, or one before all others."""
    steps = recipe.curate.documents
    if not any(isinstance(step, RemoveTemplateLines) for step in steps):
        steps = (RemoveTemplateLines(), *steps)
    given = (replace(step, templates=templates) if isinstance(step, RemoveTemplateLines) else step for step in steps)
    return replace(recipe, curate=replace(recipe.curate, documents=tuple(given)))


def require_same_extraction(recipe: Recipe) -> None:
    """Raise BadInput for templates whose lines another extraction gave: hardly one would be met again."""
    for step in recipe.curate.documents:
        if not isinstance(step, RemoveTemplateLines):
            continue
        manifest = read_manifest(str(resolve_templates(step.templates)))
        assert manifest is not None
        steps = manifest.settings["recipe"]["steps"]
        now = described(recipe.curate.extract)
        before = next(each for each in steps if each["step"] == now["step"])
        before, now = ({name: each.get(name) for name in DECISIVE} for each in (before, now))
        if changed := [shown_difference(*difference) for difference in differences(before, now)]:
            raise BadInput(
                f"{SITE_TEMPLATES} {step.templates} are lines of another extraction ({', '.join(changed)}); make them "
                f"with: bateia templates --recipe {recipe.name} --input WARC … --output DIR"
            )
