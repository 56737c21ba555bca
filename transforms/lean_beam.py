"""Beam, and pyarrow, loaded without what they would load for features that are not used here."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from threading import get_ident
from types import ModuleType
from typing import Any

from transforms.steps.text.lean_import import stand_in, without

CLIENTS = ("pymongo", "bson", "boto3")  # of MongoDB and S3, where they are installed


def load_beam() -> None:
    """Import Beam if it isn't yet, without what it has for other sources and secrets: half of its memory.

    Beam does without pandas and the clients where they are not installed. Paths of S3 are for pyarrow here, not for
    Beam. A step of one's own may still import them later, `--gbek` has its library when a worker encrypts, Google's
    storage its HTTP libraries at the first request, and types that Beam can't compare itself are compared as ever.
    """
    if "apache_beam" in sys.modules:
        return
    logging.getLogger("apache_beam.io.mongodbio").setLevel(logging.ERROR)  # it warns that there is no client
    with (
        without_pandas(),
        without(CLIENTS),
        stand_in("httplib2", __getattr__=from_true("httplib2")),
        stand_in("requests", __getattr__=from_true("requests")),
        stand_in("cryptography.fernet", Fernet=FernetLater),
        stand_in("beartype", __path__=[]),
        stand_in("beartype.door", is_subhint=is_subhint),
        stand_in("beartype.roar", BeartypeDoorException=NoSubhint),
    ):
        import apache_beam  # noqa: F401 - for those who import it next


def leave_pandas_out() -> None:
    """Have pyarrow look for pandas now and find none, which saves who makes arrays half a second of CPU time."""
    with without_pandas():
        pass


@contextmanager
def without_pandas() -> Iterator[None]:
    """Within this context pandas is hidden from this thread, unless it is imported already, and from pyarrow for good,
    until somebody imports it."""
    pandas = PandasLater(get_ident())
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, pandas)
    try:
        yield
        import pyarrow

        pyarrow.array([None])
    finally:
        pandas.hidden_from = None


def from_true(name: str) -> Callable[[str], Any]:
    """What a stand-in for a module finds its attributes by, once the true one may be loaded."""
    return lambda attribute: getattr(import_module(name), attribute)


class NoSubhint(Exception):
    """beartype can't compare two types. Beam catches it."""


def is_subhint(subhint: Any, superhint: Any) -> bool:
    """beartype's, loaded with its 300 modules by who compares types that Beam doesn't know."""
    from beartype import door, roar

    try:
        return door.is_subhint(subhint, superhint)
    except roar.BeartypeDoorException as fault:
        raise NoSubhint from fault


class FernetLater:
    """Beam's encryption of what is grouped, loaded by who encrypts."""

    def __new__(cls, key: bytes) -> Any:
        from cryptography.fernet import Fernet  # pyright: ignore[reportMissingImports]

        return Fernet(key)


class PandasLater(MetaPathFinder):
    """Hides pandas from a thread, while Beam is loaded; later it is found as ever.

    pyarrow looks for pandas too, at the first array that it makes of Python objects, and only once. So it is made to
    look while pandas is hidden, and to look again if pandas is imported after all: else it would take a column of
    pandas for any sequence.
    """

    def __init__(self, hidden_from: int | None) -> None:
        self.hidden_from = hidden_from

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != "pandas":
            return None
        if self.hidden_from == get_ident():
            raise ModuleNotFoundError("pandas is not loaded for Beam", name="pandas")
        if self.hidden_from is not None:
            return None
        sys.meta_path.remove(self)
        spec = find_spec("pandas")
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_tell(module: ModuleType) -> None:
                run(module)
                import_module("pyarrow.lib")._pandas_api.pd  # noqa: B018 - to ask for it is to look for it

            spec.loader.exec_module = run_and_tell
        return spec
