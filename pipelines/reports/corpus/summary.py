"""What a run knows of a corpus when it is written: its report and its card are made of this alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct

from pipelines.reports.formats import file_name
from pipelines.reports.records import Setting, Stage
from pipelines.reports.render import REPORT, decode
from schemas.corpus_tally import CorpusTally
from schemas.faults import BadInput
from schemas.manifest import Manifest
from schemas.storage import join, read_json, size_of
from schemas.wording import plural

EMPTIED_TOLD = 5  # hosts
UNKNOWN_STAGES = "curate"  # one stage for all losses of an input whose report is missing


class Tokenizer(Struct, frozen=True):
    """The tokenizer that counted, by its file's name without its folder."""

    name: str
    sha256: str


class Input(Struct, frozen=True):
    """A directory that documents were read from or compared with.

    name: its own, without the folders above.
    documents: None if nobody knows how many.
    recipe: what it was curated with.
    warc_files, warc_bytes: behind it, as far as its manifest is known.
    responses: in these files.
    """

    name: str
    role: Literal["input", "against"]
    dataset_hash: str
    documents: int | None
    recipe: str | None
    warc_files: int
    warc_bytes: int
    responses: int | None


class Language(Struct, frozen=True):
    """Documents of one language.

    chars, tokens: of those in the corpus.
    """

    language: str
    read: int
    kept: int
    chars: int
    tokens: int


@dataclass(frozen=True)
class Origin:
    """An input directory.

    funnel: the stages of its own report, None if it has no report that can be read.
    """

    path: str
    manifest: Manifest
    funnel: tuple[Stage, ...] | None


class _Funnel(Struct, frozen=True):
    funnel: tuple[Stage, ...]


def read_origin(path: str, manifest: Manifest) -> Origin:
    """An input directory with the numbers of its report; a report that is damaged or of another form counts as none."""
    report = join(path, REPORT)
    try:
        funnel = decode(read_json(report), _Funnel, report).funnel if size_of(report) is not None else None
    except (ValueError, BadInput):  # the corpus is no worse for it, and its own report says so
        funnel = None
    return Origin(path, manifest, funnel)


@dataclass(frozen=True)
class CorpusSummary:
    """What a run knows of a corpus when it is written: its report and its card are made of nothing else.

    manifest: the corpus' own, before it is written.
    tally: of all documents read.
    origins: the directories it was read from and compared with.
    measures: names of the documents' quality values.
    columns: names of the documents' optional columns.
    """

    manifest: Manifest
    tally: CorpusTally
    origins: Sequence[Origin]
    measures: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def recipe(self) -> dict[str, Any]:
        return self.manifest.settings["recipe"]

    def step(self, name: str) -> dict[str, Any] | None:
        """The settings of a step; None if it is off."""
        return next((step for step in self.recipe["steps"] if step["step"] == name), None)

    @cached_property
    def read(self) -> list[Origin]:
        """The directories that documents were read from, without those they were compared with."""
        against = {source["path"] for source in self.manifest.source if source.get("role") == "against"}
        return [origin for origin in self.origins if origin.path not in against]

    @property
    def recipes(self) -> dict[str, dict[str, Any]]:
        """The recipes that the documents were curated with, by name; equal ones once."""
        recipes: dict[str, dict[str, Any]] = {}
        for origin in self.read:
            recipe = origin.manifest.settings.get("recipe")
            if recipe and recipe not in recipes.values():
                name = recipe["name"]
                recipes[name if name not in recipes else f"{name} ({len(recipes) + 1})"] = recipe
        return recipes

    @property
    def tokenizer(self) -> Tokenizer | None:
        given = self.manifest.settings.get("tokenizer")
        return Tokenizer(public(given["name"]), given["sha256"]) if given else None

    @property
    def inputs(self) -> list[Input]:
        """The directories that the corpus came from or was compared with, and the WARC files behind them."""
        known = {origin.path: origin.manifest for origin in self.origins}
        return [input_of(source, known.get(source["path"])) for source in self.manifest.source]

    @property
    def funnel(self) -> list[Stage]:
        """Stage by stage from WARC responses to the corpus, all inputs together."""
        stages, tally = merged_funnel([stages_of(origin) for origin in self.read]), self.tally
        if self.step("Deduplicate"):
            stages.append(Stage("exact_duplicates", tally.read, tally.exact))
            stages.append(Stage("near_duplicates", tally.read - tally.exact, tally.near))
        return stages

    @property
    def languages(self) -> list[Language]:
        """Every language, the largest in the corpus first."""
        rows = [Language(name, *counts) for name, counts in self.tally.languages.items()]
        return sorted(rows, key=lambda row: (-row.kept, -row.read, row.language))

    @property
    def faults(self) -> list[str]:
        """What a reader has to know before trusting the numbers."""
        tally, counts = self.tally, self.manifest.counts
        lines = []
        if not tally.adds_up() or counts["read"] != tally.read or counts["kept"] != tally.kept:
            lines.append("The numbers do not add up: read is not kept + exact + near copies.")
        kept = sum(origin.manifest.counts["kept"] for origin in self.read)
        if self.read and kept != tally.read:
            lines.append(f"The inputs' manifests say that {kept:,} documents were kept, but {tally.read:,} were read.")
        for origin in self.read:
            if origin.funnel is None:
                lines.append(
                    f"{file_name(origin.path)} has no report.json that can be read; its stages are shown as one."
                )
        return lines + self.emptied_hosts

    @property
    def emptied_hosts(self) -> list[str]:
        """What is said of hosts of which duplicates are nearly all: the largest by name, the others by number."""
        emptied = self.tally.emptied_hosts
        lines = [
            f"Of {read:,} documents of {host} {read - kept:,} went as duplicates; look at them in clusters/."
            for host, read, kept in emptied[:EMPTIED_TOLD]
        ]
        if len(emptied) > EMPTIED_TOLD:
            lines.append(f"The same holds for {plural(len(emptied) - EMPTIED_TOLD, 'other host')}.")
        return lines


def input_of(source: dict[str, Any], manifest: Manifest | None) -> Input:
    """An input as the corpus' manifest names it, with what its own manifest knows of it."""
    counts: dict[str, Any] = manifest.counts if manifest is not None else {}
    recipe = manifest.settings.get("recipe", {}).get("name") if manifest is not None else None
    sizes = [file["bytes"] for file in manifest.source if "bytes" in file] if manifest is not None else []
    return Input(
        name=file_name(source["path"]),
        role=source.get("role", "input"),
        dataset_hash=source["dataset_hash"],
        documents=source.get("documents", counts.get("kept")),
        recipe=recipe,
        warc_files=len(sizes),
        warc_bytes=sum(sizes),
        responses=counts.get("read") if sizes else None,
    )


def stages_of(origin: Origin) -> Sequence[Stage]:
    """The stages of one input: as its report has them, else one, from its manifest's counts."""
    if origin.funnel is not None:
        return origin.funnel
    counts = origin.manifest.counts
    return [Stage(UNKNOWN_STAGES, counts["read"], counts["read"] - counts["kept"])]


def merged_funnel(funnels: Sequence[Sequence[Stage]]) -> list[Stage]:
    """Several inputs as one. A stage that an input does not have loses nothing of it."""
    order: list[str] = []
    for stages in funnels:
        position = 0
        for stage in stages:
            if stage.stage not in order:
                order.insert(position, stage.stage)
            position = order.index(stage.stage) + 1
    reached = sum(stages[0].reached for stages in funnels if stages)
    merged = []
    for name in order:
        dropped = sum(stage.dropped for stages in funnels for stage in stages if stage.stage == name)
        merged.append(Stage(name, reached, dropped))
        reached -= dropped
    return merged


def settings_of(recipe: dict[str, Any]) -> tuple[Setting, ...]:
    """The settings of a recipe as a manifest holds it."""
    known = explanations()
    return tuple(
        Setting(step["step"], name, show_setting(value), *known.get((step["step"], name), ("", "")))
        for step in recipe.get("steps", ())
        for name, value in settings_in(step)
    )


def settings_in(step: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """(name, value) of each setting of a step as a manifest holds it; of rules by language, each with its languages."""
    for name, value in step.items():
        if name == "rules" and value and all(isinstance(pair[-1], dict) for pair in value):
            for setting in value[0][-1]:
                values = {language: rules[setting] for language, rules in value}
                same = all(each == value[0][-1][setting] for each in values.values())
                yield setting, value[0][-1][setting] if same else values
        elif name != "step":
            yield name, value


def explanations() -> dict[tuple[str, str], tuple[str, str]]:
    """What our own steps' settings mean and where they come from; a manifest does not repeat it."""
    from pipelines.recipes import RECIPES
    from transforms.steps.filters.by_language import ByLanguage
    from transforms.steps.recipe import Deduplicate, DropRepeatedLines, ScrubPii

    steps: list[Any] = [step for recipe in RECIPES.values() for step in recipe.curate.steps()]
    known = [
        *((type(step), field) for step in steps if isinstance(step, ByLanguage) for field, _ in step.merged()),
        *(
            (kind, field)
            for kind in (*map(type, steps), DropRepeatedLines, ScrubPii, Deduplicate)
            for field in fields(kind)
        ),
    ]
    return {
        (kind.__name__, field.name): (field.metadata.get("about", ""), field.metadata.get("source", ""))
        for kind, field in known
    }


def show_setting(value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {show_setting(part)}" for name, part in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(show_setting(part) for part in value) or "none"
    return str(public(value))


def public(value: Any) -> Any:
    """A setting as others may read it: of a path or an address only the file's name, for the rest is this machine's."""
    if isinstance(value, str) and (value.startswith(("/", "./", "../", "~", "\\")) or "://" in value or ":\\" in value):
        return file_name(value)
    return value
