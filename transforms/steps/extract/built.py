"""Compiled loops are those of the source that lies beside them: of another one they might give other bytes."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def digest(source: bytes) -> str:
    """What a compiled module is known by: setup.py gives it to the compiler."""
    return hashlib.sha256(source).hexdigest()[:16]


def built_of(source: Path) -> bytes:
    """What a module is compiled of: its source, and the declarations of its folder and the one around it."""
    folder = source.parent
    return b"".join(map(Path.read_bytes, [source, *sorted([*folder.glob("*.pxd"), *folder.parent.glob("*.pxd")])]))


def require_current(module: str, built: str, root: Path = ROOT) -> None:
    """Raise ImportError, so that Python takes its place, if a compiled module was built of another source.

    module: its name. built: digest of what it was built of. An installation without sources has one build.
    """
    source = root.joinpath(*module.split(".")).with_suffix(".pyx")
    if source.exists() and digest(built_of(source)) != built:
        remedy = "plain Python does its work; build it anew with: python setup.py build_ext --inplace"
        sys.stderr.write(f"bateia: note: {module} was compiled of another source than {source.name} is now; {remedy}\n")
        raise ImportError(f"{module} was built of another source")
