"""Plans of shards: their names, settings, and the command that makes each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.faults import BadInput, reason
from schemas.manifest import MANIFEST, Manifest
from schemas.shards.layout import CONCAT, RERUN_PLAN, PlanInfo, ShardsInfo, open_plan
from schemas.storage import join, list_files
from schemas.wording import command_line, typed

if TYPE_CHECKING:
    from pipelines.stages.plan import PlanSettings

FIELDS = ("name", "context", "seed", "packing", "epochs", "tokens", "by")


def plan_names(shards: str) -> list[str]:
    """Plans that are finished."""
    paths = [path.rsplit("/", 2) for path in list_files(join(shards, "plan"), MANIFEST)]
    return sorted(parts[1] for parts in paths if parts[0] == join(shards, "plan"))


def find_plan(shards: ShardsInfo, name: str) -> tuple[PlanInfo, Manifest]:
    """A plan with its manifest. Raises BadInput, naming those there are, if there is no such plan or it is of other
    shards."""
    if name not in (names := plan_names(shards.folder)):
        known = f"there is {', '.join(names)}" if names else "there is none"
        command = command_line("plan", "--shards", shards.folder, "--name", name)
        raise BadInput(f"{shards.folder} has no plan '{name}'; {known}; make one with {command}")
    return open_plan(shards, name)


def usable_plans(shards: ShardsInfo) -> tuple[list[PlanInfo], list[str]]:
    """Plans of these shards, and what is wrong with the others."""
    plans, faults = [], []
    for name in plan_names(shards.folder):
        try:
            plans.append(open_plan(shards, name)[0])
        except BadInput as fault:
            faults.append(str(fault))
    return plans, faults


def plan_settings(manifest: Manifest) -> PlanSettings:
    """The settings that a plan was made with, from its manifest. Raises BadInput if they are not there."""
    from pipelines.stages.plan import PlanSettings  # brings Beam, which asking about a page does without

    given = manifest.settings
    try:
        mixture = tuple((name, weight) for name, weight in given["mixture"]) if given["mixture"] else None
        return PlanSettings(**{name: given[name] for name in FIELDS}, mixture=mixture)
    except (KeyError, TypeError, ValueError) as error:
        whose = f"the manifest of plan {given.get('name')!r}"
        raise BadInput(f"{whose} does not say what was asked for ({reason(error)}); {RERUN_PLAN}") from error


def plan_command(shards: str, settings: PlanSettings) -> str:
    """The `bateia plan` command that makes the plan again."""
    words: list[object] = ["plan", "--shards", shards, "--name", settings.name]
    words += ["--context", settings.context, "--seed", settings.seed]
    words += ["--packing", settings.packing] if settings.packing != CONCAT else []
    words += ["--epochs", settings.epochs] if settings.epochs is not None else []
    words += ["--tokens", settings.tokens] if settings.tokens is not None else []
    if settings.mixture is not None:
        words += ["--mixture", *(f"{name}={share}" for name, share in settings.mixture), "--mixture-by", settings.by]
    return typed(*words, "--overwrite")
