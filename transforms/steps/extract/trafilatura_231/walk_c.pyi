"""What walk_c.pyx gives, for type checkers."""

from typing import Any

from transforms.steps.extract.trafilatura_231.rules import Rule

class Finder:
    rule: Rule
    def __init__(self, rule: Rule) -> None: ...

class FindAll(Finder):
    def __call__(self, top: Any) -> list[Any]: ...

class FindFirst(Finder):
    def __call__(self, top: Any) -> list[Any]: ...

class MostChars:
    def __init__(self, *left_out: Rule | Finder) -> None: ...
    def __call__(self, top: Any, enough: int = ...) -> int | None: ...

def finder_of(rule: Rule | Finder) -> Finder: ...
