"""Where the peers are installed. Each has an environment or a checkout of its own, as its requirements clash with ours.

A path is given by an option or an environment variable. If one is absent, the error says how to install it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

VERSIONS = (
    "import importlib.metadata as m, json, sys; print(json.dumps({name: m.version(name) for name in sys.argv[1:]}))"
)


class PeerAbsent(Exception):
    """A peer that is needed and not found; the message says how to install it."""


@dataclass(frozen=True)
class Peer:
    """Another project that a benchmark runs.

    name: as people know it.
    option: name of the option with its path, without dashes.
    variable: environment variable that stands in for the option.
    install: shell commands that install it.
    packages: distributions whose versions a result names, the peer's own first; none for a checkout.
    """

    name: str
    option: str
    variable: str
    install: tuple[str, ...]
    packages: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return "PYTHON" if self.packages else "DIR"

    def add_option(self, parser: argparse.ArgumentParser) -> None:
        what = "interpreter that has" if self.packages else "checkout of"
        parser.add_argument(
            f"--{self.option}", type=Path, metavar=self.kind, help=f"{what} {self.name}; default: ${self.variable}"
        )

    def find(self, given: Path | None, required: bool = True) -> Path | None:
        """Path of the interpreter or checkout, None for one that is neither given nor required.

        Raises PeerAbsent if a required one is not given, or if it is not where it is said to be.
        """
        path = given or (Path(os.environ[self.variable]) if os.environ.get(self.variable) else None)
        if path is None:
            if not required:
                return None
            raise PeerAbsent(
                f"{self.name} is needed: give --{self.option} {self.kind} or set {self.variable}.{self._how_to_install}"
            )
        if not path.exists():
            raise PeerAbsent(f"{self.name} is not at {path}.{self._how_to_install}")
        path = path.absolute()  # not resolve(): a virtual environment's python is a link
        self.versions(path)
        return path

    def versions(self, path: Path) -> str:
        """Its version and those of its packages, or its commit. Raises PeerAbsent if it is not installed there."""
        versions = _packages(path, self.packages) if self.packages else _commit(path)
        if versions is None:
            raise PeerAbsent(f"{path} has no {self.name}.{self._how_to_install}")
        return versions if self.packages else f"{self.name} {versions}"

    @property
    def _how_to_install(self) -> str:
        return "\nInstall it, for instance:\n" + "".join(f"    {line}\n" for line in self.install)


@cache
def _packages(python: Path, names: tuple[str, ...]) -> str | None:
    ended = subprocess.run([python, "-c", VERSIONS, *names], capture_output=True, text=True)
    if ended.returncode:
        return None
    return ", ".join(f"{name} {version}" for name, version in json.loads(ended.stdout).items())


@cache
def _commit(checkout: Path) -> str | None:
    command = ["git", "-C", checkout, "rev-parse", "--short", "HEAD"]
    ended = subprocess.run(command, capture_output=True, text=True)
    return None if ended.returncode else ended.stdout.strip()


# python-magic wants the system's libmagic. Without lxml_html_clean datatrove's extraction child can't start, and every
# page counts as a timeout after a second.
DATATROVE = Peer(
    "datatrove",
    "datatrove",
    "DATATROVE_PYTHON",
    (
        "python3 -m venv datatrove",
        "datatrove/bin/pip install 'datatrove[processing,io]==0.10.1' warcio faust-cchardet python-magic orjson \\",
        "    spacy lxml_html_clean",
        "export DATATROVE_PYTHON=datatrove/bin/python",
    ),
    ("datatrove", "trafilatura", "lxml", "spacy", "numpy"),
)
TRL = Peer(
    "TRL",
    "trl",
    "TRL_PYTHON",
    (
        "python3 -m venv trl",
        "trl/bin/pip install 'trl==1.16.0'",
        "export TRL_PYTHON=trl/bin/python",
    ),
    ("trl", "transformers", "torch", "datasets", "accelerate"),
)
DOLMA = Peer(
    "Dolma",
    "dolma",
    "DOLMA_PYTHON",
    ("python3 -m venv dolma", "dolma/bin/pip install dolma==1.2.1", "export DOLMA_PYTHON=dolma/bin/python"),
    ("dolma", "tokenizers"),
)
FSSPEC = Peer(
    "fsspec",
    "fsspec",
    "FSSPEC_PYTHON",
    (
        "python3 -m venv fsspec",
        "fsspec/bin/pip install 'fsspec[http]==2026.9.0'",
        "export FSSPEC_PYTHON=fsspec/bin/python",
    ),
    ("fsspec", "aiohttp"),
)
NANOCHAT = Peer(
    "nanochat",
    "nanochat",
    "NANOCHAT_DIR",
    (
        "git clone https://github.com/karpathy/nanochat && git -C nanochat checkout 92d63d4",
        "pip install filelock",
        "export NANOCHAT_DIR=nanochat",
    ),
)
NANOGPT = Peer(
    "nanoGPT",
    "nanogpt",
    "NANOGPT_DIR",
    (
        "git clone https://github.com/karpathy/nanoGPT && git -C nanoGPT checkout 3adf61e",
        "export NANOGPT_DIR=nanoGPT",
    ),
)
