"""What sections_c.pyx gives, for type checkers."""

from collections.abc import Callable, Iterable
from typing import Any

from transforms.steps.extract.trafilatura_231.rules import Rule
from transforms.steps.extract.trafilatura_231.walk_c import Finder

class Removal:
    def __init__(
        self,
        rules: Iterable[Rule | Finder] = (),
        names: Iterable[str] = (),
        suspected: Rule | Finder | None = None,
        convicts: Callable[[Any], bool] | None = None,
    ) -> None: ...
    def __call__(self, top: Any) -> None: ...
    def copy_without(self, top: Any) -> Any: ...

class GuardedRemoval(Removal): ...

class Sections:
    def __init__(self, guarded: Removal, unguarded: Removal) -> None: ...
    def __call__(
        self, top: Any, potential_tags: Any = None, options: Any = None, keep_teasers: bool = False
    ) -> Any: ...
