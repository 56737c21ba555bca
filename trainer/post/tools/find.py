"""Tools by their names."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.faults import BadInput
from trainer.post.tools.calculator import CALCULATOR
from trainer.post.tools.tool import Tool

NAMES = ("calculator", "search")


def find_tools(names: Sequence[str], index: str | None = None) -> dict[str, Tool]:
    """Raises BadInput for a tool that there is not, or a search without its index."""
    tools: dict[str, Tool] = {}
    for name in names:
        if name == "calculator":
            tools[name] = CALCULATOR
        elif name == "search":
            from trainer.post.tools.search import open_search

            if index is None:
                raise BadInput("the search needs its index; make one with `bateia search index` and give --index")
            tools[name] = open_search(index)
        else:
            raise BadInput(f"no tool is called '{name}'; known: {', '.join(NAMES)}")
    return tools
