"""From a recipe, files and options to the run of a curation."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from pipelines.assets.bind import BoundRecipe, bind
from pipelines.assets.robots import reading_robots, robots_line, robots_map, with_rules
from pipelines.assets.templates import require_same_extraction, without_templates
from pipelines.engine.inputs import InputFile, find_inputs, kept_of, plan_units
from pipelines.engine.terminal import StatusLine
from pipelines.recipes.recipe import Recipe
from pipelines.stages.curate.run import CurateRun
from pipelines.stages.curate.totals import UNIT_MB, WHOLE_FILES_FROM, unit_bytes
from schemas.faults import BadInput
from schemas.setting import setting
from transforms.steps.fetch.settings import FetchSettings
from transforms.steps.sources.columns import Columns
from transforms.steps.text.words import require_installed
from transforms.steps.urls.excluded import DropExcludedHosts


@dataclass(frozen=True)
class CurateOptions:
    """How files are read, besides the recipe."""

    dump: str | None = setting(
        None, "name of the crawl", none="from each file's path or its warcinfo record", metavar="NAME"
    )
    keep_dropped: bool = setting(False, "keep dropped documents' text in the ledger")
    no_blocklist: bool = setting(False, "run without the recipe's URL block list")
    exclude_hosts: str | None = setting(
        None, "drop pages of the hosts in this file, one a line, and of those below them", none="none", metavar="FILE"
    )
    templates: str | None = setting(
        None,
        "take out the lines that sites repeat on their pages, as `bateia templates` has counted them",
        none="no line",
        metavar="DIR",
    )
    robots_txt: tuple[str, ...] = setting(
        (),
        "a crawl's captures of robots.txt, such as CC-MAIN-2024-33/robotstxt: what they say of a page to crawlers "
        "becomes the column robots_txt",
        none="no such column",
        metavar="WARC",
    )
    robots_agents: tuple[str, ...] = setting((), "these crawlers", none="CCBot and others, or the recipe's")
    robots_drop: tuple[str, ...] = setting((), "drop pages that one of these crawlers is barred from", none="none")
    paths_root: str | None = setting(
        None, "what paths in a list are relative to", none="the list's folder", metavar="DIR"
    )
    estimate: str | None = setting(
        None, "what `bateia estimate` wrote with --save: the report compares", none="no comparison", metavar="FILE"
    )
    unit_mb: int | None = setting(
        None,
        "size of a unit of work",
        none=f"{UNIT_MB}; of {WHOLE_FILES_FROM:,} files or more a whole one",
        metavar="MB",
    )

    def __post_init__(self) -> None:
        if self.unit_mb is not None and self.unit_mb < 1:
            raise BadInput(f"--unit-mb {self.unit_mb}: a unit is of 1 MB or more")
        if (self.robots_agents or self.robots_drop) and not self.robots_txt:
            raise BadInput(
                "--robots-agents and --robots-drop are asked of --robots-txt; give a crawl's robots.txt files"
            )


def plan_curate(
    recipe: Recipe,
    inputs: list[str],
    output: str,
    options: CurateOptions,
    columns: Columns = Columns(),  # noqa: B008  frozen
    fetch: FetchSettings = FetchSettings(),  # noqa: B008  frozen
) -> CurateRun:
    """A run of a recipe on files, crawls and lists of them. Raises BadInput; warns of files that are left out."""
    if recipe.curate.counts_words:
        require_installed(recipe.curate.languages)
    files = inputs_of(inputs, options, columns, fetch)
    if options.robots_txt:
        recipe = with_robots(recipe, options, fetch)
    if options.exclude_hosts is not None:
        recipe = excluding(recipe, options.exclude_hosts)
    if options.templates is not None:
        recipe = without_templates(recipe, options.templates)
    require_same_extraction(recipe)
    run = curate_run(output, bind(recipe, options.no_blocklist), files, options, columns, fetch)
    if options.estimate is None:
        return run
    from pipelines.reports.curate import read_estimate

    return replace(run, estimate=read_estimate(options.estimate, recipe.name, len(run.units), run.size))


def inputs_of(inputs: list[str], options: CurateOptions, columns: Columns, fetch: FetchSettings) -> list[InputFile]:
    """The files of an input. Raises BadInput; warns of files that are left out."""
    files = find_inputs(inputs, options.paths_root, columns, fetch)
    for file in files:
        if file.problem:
            sys.stderr.write(f"bateia: warning: {file.path} {file.problem}; it is left out\n")
    return files


def excluding(recipe: Recipe, hosts: str) -> Recipe:
    """The recipe with a step before all others that drops the pages of these hosts. hosts: path of their list."""
    return replace(recipe, curate=replace(recipe.curate, pages=(DropExcludedHosts(hosts), *recipe.curate.pages)))


def with_robots(recipe: Recipe, options: CurateOptions, fetch: FetchSettings) -> Recipe:
    """The recipe with a step that reads the map of the robots.txt files, which is built unless it is there."""
    recipe = reading_robots(recipe, options.robots_agents, options.robots_drop)
    files = find_inputs(list(options.robots_txt), options.paths_root, fetch=fetch)
    if bad := next((file for file in files if file.problem), None):
        raise BadInput(f"--robots-txt {bad.path} {bad.problem}; leave it out")
    line = StatusLine()
    try:
        rules = robots_map(files, fetch, line.write if line.replaces else lambda _: None)
    finally:
        line.clear()
    sys.stderr.write(f"bateia: note: {robots_line(rules)}\n")
    return with_rules(recipe, rules)


def curate_run(
    output: str,
    bound: BoundRecipe,
    files: list[InputFile],
    options: CurateOptions,
    columns: Columns = Columns(),  # noqa: B008  frozen
    fetch: FetchSettings = FetchSettings(),  # noqa: B008  frozen
) -> CurateRun:
    """A run on files that were looked at: its settings, and the units that it is cut into."""
    kept = kept_of(files, columns)
    settings = {
        "recipe": bound.description,
        "assets": bound.assets,
        "unit_mb": options.unit_mb or (UNIT_MB if len(files) < WHOLE_FILES_FROM else None),
        "dump": options.dump,
        "keep_dropped": options.keep_dropped,
        **columns.given,
        **({"keep_columns": {field.name: str(field.type) for field in kept}} if kept else {}),
    }
    sizes = [file.size for file in files]
    units = tuple(plan_units(files, unit_bytes(options.unit_mb, sizes)))
    return CurateRun(output, bound, tuple(files), units, settings, columns, fetch, kept=tuple(kept))
