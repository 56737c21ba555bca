"""Options made from the fields of settings: their names, meanings, units and defaults are written down once."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields, replace
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

S = TypeVar("S")


def add_settings(
    parser: Any,
    settings: type,
    names: Iterable[str] | None = None,
    flags: Mapping[str, str] | None = None,
    of_recipe: bool = False,
) -> None:
    """An option for each of the fields called `names`, or for all.

    flags: an option's name where it is another than the field's.
    of_recipe: the options change single values of a recipe, so they have no default of their own.
    """
    hints = get_type_hints(settings)
    for field in fields(settings):
        if names is None or field.name in names:
            flag = (flags or {}).get(field.name, f"--{field.name.replace('_', '-')}")
            add_setting(parser, flag, destination(settings, field.name), field, hints[field.name], of_recipe)


def add_setting(parser: Any, flag: str, dest: str, field: Field[Any], hint: Any, of_recipe: bool) -> None:
    about, kind = field.metadata.get("about", ""), plain_type(hint)
    default = "the recipe's" if of_recipe else shown_default(field)
    options: dict[str, Any] = {"dest": dest, "default": argparse.SUPPRESS}
    options["help"] = f"{about} (default {default})".replace("%", "%%") if default else about.replace("%", "%%")
    if kind is bool:
        action = "store_true" if not of_recipe and field.default is False else argparse.BooleanOptionalAction
        parser.add_argument(flag, action=action, **options)
        return
    if get_origin(kind) is tuple:
        options["nargs"] = "+"
        kind = weight if get_origin(get_args(kind)[0]) is tuple else get_args(kind)[0]
    if choices := field.metadata.get("choices"):
        options["choices"] = choices
    else:
        options["metavar"] = field.metadata.get("metavar") or ("N" if kind in (int, float) else "NAME")
    if field.default is MISSING and field.default_factory is MISSING and not of_recipe:
        options["required"] = True
    parser.add_argument(flag, type=READERS.get(kind, kind), **options)


def destination(settings: type, name: str) -> str:
    """Under which name the parsed options hold a field's value: several settings have fields called alike."""
    return f"{settings.__name__}.{name}"


def plain_type(hint: Any) -> Any:
    """The type of a field's value where it is not None."""
    if get_origin(hint) in (Union, UnionType):
        [hint] = [kind for kind in get_args(hint) if kind is not NoneType]
    return hint


def shown_default(field: Field[Any]) -> str:
    if field.default in (None, MISSING, False) or isinstance(field.default, bool):
        return field.metadata.get("none", "")
    return " ".join(map(str, field.default)) if isinstance(field.default, tuple) else str(field.default)


def given(args: argparse.Namespace, settings: type) -> dict[str, Any]:
    """The fields that options were given for, with their values."""
    values = vars(args)
    options = {field.name: values.get(destination(settings, field.name), MISSING) for field in fields(settings)}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in options.items() if v is not MISSING}


def changed(args: argparse.Namespace, settings: S) -> S:
    """The settings with the fields that options were given for. Raises BadInput for values that can't be."""
    return replace(settings, **given(args, type(settings)))  # type: ignore[type-var] - settings are dataclasses


# --- Values -----------------------------------------------------------------------------------------------------------


def whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number") from None


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number above 0")
    return int(text)


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no number") from None


def weight(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no name and number, such as pt=1") from None


READERS: dict[Any, Callable[[str], Any]] = {int: whole, float: number}
