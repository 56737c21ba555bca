"""The lock files name every package that setup.py asks for, in a version that it allows, with hashes."""

from __future__ import annotations

import re
import runpy
from typing import Any
from unittest import mock

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.paths import ROOT

LOCKS = {"demo": ["demo"], "test": ["dev", "peers"]}


def asked_for(extras: list[str]) -> list[Requirement]:
    """What setup.py asks for, with these extras."""
    with mock.patch("setuptools.setup") as setup:
        runpy.run_path(str(ROOT / "setup.py"))
    given: Any = setup.call_args.kwargs
    names = [*given["install_requires"], *(name for extra in extras for name in given["extras_require"][extra])]
    return [Requirement(name) for name in names]


def locked(name: str) -> dict[str, list[str]]:
    """Versions by package; several where systems or versions of Python differ."""
    versions: dict[str, list[str]] = {}
    for line in (ROOT / "requirements" / f"{name}.txt").read_text().splitlines():
        if found := re.match(r"([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)", line):
            versions.setdefault(canonicalize_name(found[1]), []).append(found[2])
    return versions


@pytest.mark.parametrize("lock", LOCKS)
def test_what_setup_asks_for_is_locked(lock: str) -> None:
    versions = locked(lock)
    for requirement in asked_for(LOCKS[lock]):
        found = versions.get(canonicalize_name(requirement.name), [])
        assert found, f"{requirement.name} is not in requirements/{lock}.txt; run make lock"
        assert all(version in requirement.specifier for version in found), f"{requirement}: {found}; run make lock"


def test_both_locks_agree() -> None:
    demo, test = locked("demo"), locked("test")
    assert {name: versions for name, versions in demo.items() if test.get(name, versions) != versions} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_a_hash_and_torch_is_for_tests_alone(lock: str) -> None:
    entries = re.split(
        r"^(?=[\w.-]+(?:\[[\w,-]+\])?==)", (ROOT / "requirements" / f"{lock}.txt").read_text(), flags=re.MULTILINE
    )
    assert len(entries) > 100
    assert [entry.split()[0] for entry in entries[1:] if "--hash=sha256:" not in entry] == []
    assert ("torch" in locked(lock)) == (lock == "test")
