"""What Beam looks up again for every transform that is wired, looked up once: most of what a small pipeline costs."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from types import CodeType, FunctionType, MethodType
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import apache_beam.transforms.core as core
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms import userstate

View = TypeVar("View", bound=PipelineOptions)
Arguments = tuple[list[str], list[Any]]
Specs = tuple[set[Any], set[Any]]


@lru_cache(maxsize=256)
def parsed(kind: type[PipelineOptions], flags: tuple[str, ...]) -> PipelineOptions:
    """What a view reads out of flags: the same for every pipeline. Not to be changed."""
    return kind(list(flags))


class Options(PipelineOptions):
    """Options for Beam of which each view is made once.

    Beam asks for three views with every transform, and makes each by building a parser of some hundred options anew.
    A view has no values of its own, so one serves as well as many.
    """

    def view_as(self, cls: type[View]) -> View:
        views = self.__dict__.setdefault("_views", {})
        if cls not in views:
            views[cls] = self._view(cls)
        return views[cls]

    def _view(self, kind: type[View]) -> View:
        """As Beam's own, but for the parser."""
        made = parsed(kind, tuple(self._flags or ()))
        for name, value in vars(made._visible_options).items():
            if name not in self._all_options:
                self._all_options[name] = deepcopy(value)
        view = kind.__new__(kind)
        vars(view).update(vars(made), _all_options=self._all_options)
        return view

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


def remembering_stateless(specs_of: Callable[[Any], Specs]) -> Callable[[Any], Specs]:
    """Beam's search of a step's methods for states and timers, which remembers classes of steps that have none.

    Beam searches eight times for each step. What a step holds itself counts where it hides a method of its class.
    """
    stateless: WeakKeyDictionary[type, set[tuple[str, ...]]] = WeakKeyDictionary()

    def remembered(step: Any) -> Specs:
        kind, own = type(step), vars(step)
        if any(isinstance(value, MethodType) for value in own.values()):
            return specs_of(step)
        known, hides = stateless.setdefault(kind, set()), tuple(name for name in own if hasattr(kind, name))
        if hides in known:
            return set(), set()
        states, timers = specs_of(step)
        if not states and not timers:
            known.add(hides)
        return states, timers

    return remembered


def remembering_sound(mixes: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Beam's look into a function's source, whether it both yields and returns values, which remembers what it saw."""
    known: WeakKeyDictionary[CodeType, bool] = WeakKeyDictionary()

    def remembered(function: Any) -> bool:
        code = getattr(function, "__code__", None)
        if not isinstance(code, CodeType):
            return mixes(function)
        if (found := known.get(code)) is None:
            found = known[code] = mixes(function)
        return found

    return remembered


BEAMS_LOOK, BEAMS_SEARCH = core.get_function_args_defaults, userstate.get_dofn_specs
BEAMS_READING = cast(Any, core)._check_fn_use_yield_and_return
core.get_function_args_defaults = remembering(BEAMS_LOOK)
userstate.get_dofn_specs = remembering_stateless(BEAMS_SEARCH)
cast(Any, core)._check_fn_use_yield_and_return = remembering_sound(BEAMS_READING)
