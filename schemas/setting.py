"""How a setting is declared: a dataclass' field that says what it means, in which unit, and where its value is from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, field
from typing import Any


def setting(
    default: Any = MISSING,
    about: str = "",
    source: str = "",
    *,
    none: str = "",
    metavar: str = "",
    choices: tuple[str, ...] = (),
    factory: Any = MISSING,
) -> Any:
    """A field of a settings dataclass; `bateia show` prints its metadata, and options of commands are made from it.

    default: value where none is given; without it the field is required
    about: what the value means, with its unit, in one sentence
    source: the paper's section or the code that the default is from; empty where that is the code beside it
    none: what is done where the value is None; empty if that switches a rule off
    metavar: what stands for the value in a command's help, such as "N"
    choices: the values there are, if they are names
    factory: makes the default, for one that can't be shared
    """
    texts = {"about": about, "source": source, "none": none, "metavar": metavar, "choices": choices}
    metadata = {name: value for name, value in texts.items() if value}
    if factory is not MISSING:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


def differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(name, value before, value now) of each setting that differs; names of nested ones have dots."""
    for key in sorted({*before, *now}):
        one, other = before.get(key), now.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from differences(one, other, f"{prefix}{key}.")
        elif one != other:
            yield f"{prefix}{key}", one, other


def shown_difference(name: str, before: Any, now: Any) -> str:
    """Such as "plan.context was 256 and is 512"."""
    return f"{name} was {shortened(before)} and is {shortened(now)}"


def shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:20]}…"
