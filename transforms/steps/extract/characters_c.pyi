"""What characters_c.pyx gives, for type checkers."""

import re
from collections.abc import Callable

def has_impossible(html: str) -> bool: ...
def without_references(
    html: str, match: Callable[[str, int], re.Match[str] | None], replace: Callable[[re.Match[str]], str]
) -> str: ...
