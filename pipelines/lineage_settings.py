"""A plan's settings out of its manifest, and the command that makes it."""

from __future__ import annotations

from pipelines.plan import PlanSettings
from schemas.manifest import Manifest
from schemas.shards import CONCAT

FIELDS = ("name", "context", "seed", "packing", "epochs", "tokens", "by")


def settings_in(manifest: Manifest) -> PlanSettings:
    """What the plan was asked for. manifest: the plan's."""
    given = manifest.settings
    mixture = tuple((name, weight) for name, weight in given["mixture"]) if given["mixture"] else None
    return PlanSettings(**{name: given[name] for name in FIELDS}, mixture=mixture)


def command_of(shards: str, settings: PlanSettings) -> str:
    """The `bateia plan` that makes the plan anew."""
    words = ["bateia plan --shards", shards, "--name", settings.name]
    words += ["--context", str(settings.context), "--seed", str(settings.seed)]
    words += ["--packing", settings.packing] if settings.packing != CONCAT else []
    words += ["--epochs", str(settings.epochs)] if settings.epochs is not None else []
    words += ["--tokens", str(settings.tokens)] if settings.tokens is not None else []
    if settings.mixture is not None:
        words += ["--mixture", *(f"{name}={share}" for name, share in settings.mixture), "--mixture-by", settings.by]
    return " ".join([*words, "--overwrite"])
