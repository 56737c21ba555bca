"""What Beam looks up again for every transform that is wired, looked up once: half of what a small pipeline costs."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import apache_beam.transforms.core as core
from apache_beam.options.pipeline_options import PipelineOptions

View = TypeVar("View", bound=PipelineOptions)
Arguments = tuple[list[str], list[Any]]


class Options(PipelineOptions):
    """Options for Beam of which each view is made once.

    Beam asks for three views with every transform, and makes each by building a parser of some hundred options anew.
    A view has no values of its own, so one serves as well as many.
    """

    def view_as(self, cls: type[View]) -> View:
        views = self.__dict__.setdefault("_views", {})
        if cls not in views:
            views[cls] = super().view_as(cls)
        return views[cls]

    def __getstate__(self) -> dict[str, Any]:
        """Without the views: a copy has values of its own, of which these would know nothing."""
        return {name: value for name, value in super().__getstate__().items() if name != "_views"}


def remembering(arguments_of: Callable[[Any], Arguments]) -> Callable[[Any], Arguments]:
    """Beam's look at a function's arguments, which for methods remembers what it saw.

    With every step Beam asks so for all methods of its class, most of them its own, two times over.
    """
    known: WeakKeyDictionary[FunctionType, Arguments] = WeakKeyDictionary()

    def remembered(function: Any) -> Arguments:
        if not isinstance(function, MethodType) or not isinstance(function.__func__, FunctionType):
            return arguments_of(function)
        if (found := known.get(function.__func__)) is None:
            found = known[function.__func__] = arguments_of(function)
        names, defaults = found
        return list(names), list(defaults)

    return remembered


BEAMS_LOOK = core.get_function_args_defaults
core.get_function_args_defaults = remembering(BEAMS_LOOK)
