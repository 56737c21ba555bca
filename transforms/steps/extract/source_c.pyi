"""What source_c.pyx gives, for type checkers."""

from collections.abc import Callable, Iterable, Sequence

def split_tags(page: str) -> list[str | None]: ...

class Words:
    def __init__(self, words: Iterable[str]) -> None: ...
    def found(self, text: str) -> set[int]: ...

class Silent:
    def __init__(
        self,
        names: Sequence[str],
        to_the_end: Sequence[str],
        formula: Callable[[str, str, str], str],
        unescape: Callable[[str], str],
    ) -> None: ...
    def without_silent(self, page: str, noscript: bool) -> tuple[str, str]: ...
