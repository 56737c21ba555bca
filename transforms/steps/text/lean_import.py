"""Import libraries without the large frameworks that they would load for features that are not used here."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

FRAMEWORKS = ("torch", "transformers")
COMMAND_LINE = ("spacy.cli", "spacy.cli.info")  # with typer, weasel and httpx; spaCy's package takes `info` from it


@contextmanager
def without(names: Iterable[str]) -> Iterator[None]:
    """Within this context, importing these packages raises ImportError, unless they are imported already."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType] - None means "absent" to import
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def stand_in(name: str, **attributes: Any) -> Iterator[None]:
    """Within this context, a module that is not imported yet has these attributes alone; whoever imports it later gets
    the true one."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = module = ModuleType(name)
    vars(module).update(attributes)
    try:
        yield
    finally:
        del sys.modules[name]


@contextmanager
def without_frameworks() -> Iterator[None]:
    """Within this context, importing PyTorch or transformers raises ImportError, unless they are imported already.

    spaCy and Presidio import them wherever they are installed, which costs every process seconds of CPU time and
    hundreds of megabytes, and our steps use neither.
    """
    with without(FRAMEWORKS):
        yield


@contextmanager
def bare_spacy() -> Iterator[None]:
    """Within this context, spaCy is imported and makes blank pipelines without its command line and its plug-ins.

    At its first use spaCy imports all packages that have registered as plug-ins, such as Presidio. A blank pipeline of
    one of spaCy's own languages uses none.
    """
    with ExitStack() as stack:
        stack.enter_context(without_frameworks())
        for name in COMMAND_LINE if "spacy" not in sys.modules else ():
            stack.enter_context(stand_in(name, __path__=[], info=None))
        from catalogue import Registry

        stack.enter_context(sets_optimized_once())
        stack.enter_context(replaced(Registry, "get_entry_points", lambda _: {}))
        stack.enter_context(replaced(Registry, "get_entry_point", lambda _, name, default=None: default))
        yield


@contextmanager
def sets_optimized_once() -> Iterator[None]:
    """Within this context, a set of characters that stands in regular expressions many times is optimized once.

    French's rule for tokens has 836 sets, 33 of them different, most of a thousand ranges: 2 s of CPU time otherwise.
    """
    compiler: Any = import_module("re._compiler")
    optimize, known = getattr(compiler, "_optimize_charset", None), {}
    if optimize is None:  # another Python's
        yield
        return

    def remembered(charset: list[Any], *options: Any) -> Any:
        key = tuple(charset), *map(id, options)  # options: functions of C, and a table, that live as long as the module
        if key not in known:
            known[key] = optimize(charset, *options)
        return known[key]

    with replaced(compiler, "_optimize_charset", remembered):
        yield


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Within this context, an attribute of a class or a module has another value."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
