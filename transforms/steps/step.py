"""What a step is, what it may need besides code, and how a document step turns its checks into a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import ClassVar, Protocol, Self, TypeVar, runtime_checkable

from schemas.document import Document, Page
from schemas.verdict import Check, Drop

BLOCK_LIST, LANGUAGE_MODEL = "block list", "language model"


@dataclass(frozen=True)
class AssetRef:
    """A file or folder that a step needs besides code, as the step names it.

    role: what it is to the step, such as "blocklist"; a run's manifest records the asset under this name
    kind: BLOCK_LIST, a compiled folder; LANGUAGE_MODEL; or any other words for a single file, used in messages
    name: of an asset that `bateia assets` lists, or a path
    """

    role: str
    kind: str
    name: str


@runtime_checkable
class Step(Protocol):
    """One step of a recipe: a frozen dataclass whose fields are its settings. Equal fields, equal verdicts.

    Derive from PageStep or DocumentStep; what is not written below it is inherited.
    """

    stage: ClassVar[str]

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        """Load what the step needs, once per process and before any page. Raises if it is absent or broken.

        languages: those that the recipe keeps; empty if a document may be in any.
        """

    def assets(self) -> tuple[AssetRef, ...]:
        """What the step needs besides code. A run finds it and records what it is, before anything is written."""
        return ()

    def validate(self) -> None:
        """Raise BadInput for settings that the step's assets rule out. Called once they are bound, before any page."""

    def bound(self, paths: Mapping[str, str]) -> Self:
        """The same step with the paths of its assets, by role, in place of their names."""
        return self


@runtime_checkable
class PageStep(Step, Protocol):
    """A rule on the page before extraction, such as its URL."""

    def __call__(self, page: Page) -> Page | Drop: ...


@runtime_checkable
class DocumentStep(Step, Protocol):
    """A rule on the extracted text, which it may rewrite, but never in place."""

    measures: ClassVar[tuple[str, ...]]  # names of the quality values that it adds to a document it keeps

    def checks(self, document: Document) -> Iterable[Check]:
        """Every rule's measured value, in the order in which they are applied."""
        ...

    def __call__(self, document: Document) -> Document | Drop: ...


AnyStep = TypeVar("AnyStep", bound=Step)


def without_paths(step: AnyStep) -> AnyStep:
    """The step as it may be published: of an asset given by a path, which says much of a machine, the file's name."""
    return step.bound({asset.role: PurePath(asset.name).name for asset in step.assets()})


def judge(document: Document, stage: str, checks: Iterable[Check]) -> Document | Drop:
    """Return the document with the checks' values added to its quality, or a Drop naming the first failing check.

    `checks` may be a generator: what follows a failing check is never computed.
    """
    quality = dict(document.quality)
    for check in checks:
        if not check.passed:
            return Drop(stage, check.rule, check.value, check.threshold)
        quality[check.measure] = check.value
    return replace(document, quality=quality)
