"""The files a recipe needs besides code: block lists and language models, in one folder per user or machine.

`$BATEIA_ASSETS`, or `~/.cache/bateia`, holds what was fetched, under the asset's name: a model is a file, a block list
a compiled folder (transforms/steps/urls/blocklist.py). What there is to fetch stands in deploy/assets.json with its
origin, licence and, where it doesn't change daily, its sha256. Nothing is fetched but by `bateia assets fetch`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shlex
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from schemas.faults import BadInput
from schemas.manifest import read_manifest
from schemas.storage import is_local
from transforms.steps.step import BLOCK_LIST, LANGUAGE_MODEL, AssetRef
from transforms.steps.templates.remove import KEYS, SITE_TEMPLATES
from transforms.steps.templates.remove import STAGE as TEMPLATES_STAGE
from transforms.steps.urls.blocklist import HEADER, WORD_FILES, BlocklistError, file_sha256, read_header, verify
from transforms.steps.urls.build import build_blocklist, source_sha256
from transforms.steps.urls.robots_map import read_header as read_robots_header
from transforms.steps.urls.robots_txt import ROBOTS_MAP


class AssetError(BadInput):
    """An asset is unknown, missing or damaged. The message is one line with the remedy."""


class MissingAsset(AssetError):
    """An asset isn't there or can't be trusted. The message ends with the command that brings it."""


@dataclass(frozen=True)
class Asset:
    """One entry of deploy/assets.json.

    sha256: of the file as fetched; None for a file that changes.
    date: of a list whose source lies in this package, where modification times say nothing.
    package, resource: for a model that an installed package carries.
    folder: for a block list whose source lies in this package.
    """

    name: str
    kind: str
    about: str
    origin: str
    licence: str
    url: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    max_bytes: int = 0
    date: str | None = None
    package: str | None = None
    resource: str | None = None
    folder: str | None = None

    @property
    def path(self) -> Path:
        """Where the asset is, or will be once it is fetched."""
        if self.package and self.resource:
            spec = importlib.util.find_spec(self.package)
            if spec is None or not spec.submodule_search_locations:
                package = self.package.replace("_", "-")
                raise MissingAsset(f"{self.name} comes with a package that isn't installed: pip install {package}")
            return Path(spec.submodule_search_locations[0]) / self.resource
        return store() / self.name


def store() -> Path:
    """The asset folder: `$BATEIA_ASSETS`, or `~/.cache/bateia`."""
    return Path(os.environ.get("BATEIA_ASSETS") or "~/.cache/bateia").expanduser().absolute()


@cache
def known_assets() -> dict[str, Asset]:
    """deploy/assets.json by name."""
    text = (Path(__file__).parents[2] / "deploy" / "assets.json").read_text("utf-8")
    return {entry["name"]: Asset(**entry) for entry in json.loads(text)}


# --- From a name in a recipe to a path --------------------------------------------------------------------------------


def resolve(asset: AssetRef) -> Path:
    """Path of what a step names. Raises MissingAsset."""
    if asset.kind == ROBOTS_MAP and not asset.name:
        raise MissingAsset("the recipe reads robots.txt files; give a crawl's with --robots-txt FILE [FILE ...]")
    if asset.kind == SITE_TEMPLATES:
        return resolve_templates(asset.name)
    return resolve_blocklist(asset.name) if asset.kind == BLOCK_LIST else resolve_file(asset.kind, asset.name)


def identity(asset: AssetRef, path: Path) -> dict[str, Any]:
    """What the asset at this path is, for a run's manifest: equal for equal bytes, with no path of this machine."""
    if asset.kind == ROBOTS_MAP:
        return {"name": path.name, **asdict(read_robots_header(str(path)))}
    if asset.kind == SITE_TEMPLATES:
        return file_identity(path / KEYS) | {"name": path.name}
    return blocklist_identity(path) if asset.kind == BLOCK_LIST else file_identity(path)


def resolve_blocklist(name_or_path: str) -> Path:
    """Path of a compiled block list, every byte of it checked (0.1 s for UT1).

    A name is looked up in the asset folder, where `--name` may have put lists of your own; what is no name is a path.
    The sample's list is compiled at first use. Raises MissingAsset.
    """
    asset = known_assets().get(name_or_path)
    if asset and asset.folder:
        return build_packaged(asset)
    named = store() / name_or_path
    path = named if asset or ("/" not in name_or_path and named.is_dir()) else Path(name_or_path).absolute()
    bring = f"bateia assets fetch {name_or_path}" if asset else _build_command(path)
    if not path.exists():
        raise MissingAsset(f"block list {name_or_path} isn't there ({path}); bring it with: {bring}")
    try:
        verify(path)
    except BlocklistError as error:
        raise MissingAsset(f"{error}: {bring}") from error
    return path


def resolve_templates(folder: str) -> Path:
    """Path of what `bateia templates` wrote, every byte of it checked (0.5 s for 100 million lines).

    Raises MissingAsset.
    """
    if not folder:
        raise MissingAsset("the recipe takes out site templates; give those of its input with --templates DIR")
    path = Path(folder).absolute()
    make = "make them with: bateia templates --recipe RECIPE --input WARC … --output DIR"
    if not is_local(folder):
        raise MissingAsset(f"{SITE_TEMPLATES} {folder} are not on this machine; copy them to a local folder")
    if not path.exists():
        raise MissingAsset(f"{SITE_TEMPLATES} {folder} aren't there ({path}); {make}")
    manifest = read_manifest(str(path))
    if manifest is None or manifest.stage != TEMPLATES_STAGE:
        state = "hold no finished run of `bateia templates`" if manifest is None else f"are of stage '{manifest.stage}'"
        raise MissingAsset(f"{SITE_TEMPLATES} {folder} {state}; {make}")
    [entry] = manifest.files
    try:
        is_whole = file_sha256(path / KEYS) == entry.sha256
    except OSError as error:
        raise MissingAsset(f"{SITE_TEMPLATES} {path / KEYS} can't be read ({error.strerror}); {make}") from error
    if not is_whole:
        raise MissingAsset(f"{SITE_TEMPLATES} {path / KEYS} isn't the file that its manifest describes; {make}")
    return path


def resolve_language_model(name_or_path: str) -> Path:
    """Path of a fastText model file. Raises MissingAsset."""
    return resolve_file(LANGUAGE_MODEL, name_or_path)


def resolve_file(kind: str, name_or_path: str) -> Path:
    """Path of an asset that is one file; its size is checked, its sum was when it was fetched. Raises MissingAsset."""
    asset = known_assets().get(name_or_path)
    path = asset.path if asset else Path(name_or_path).absolute()
    if not path.is_file():
        names = " or ".join(name for name, each in known_assets().items() if each.kind == kind)
        give = f"give a {kind.split()[-1]}'s path" + (f", or {names}" if names else "")
        remedy = f"bring it with: bateia assets fetch {name_or_path}" if asset else give
        raise MissingAsset(f"{kind} {name_or_path} isn't there ({path}); {remedy}")
    if asset and asset.bytes not in (None, path.stat().st_size):
        raise MissingAsset(
            f"{kind} {path} has {path.stat().st_size:,} bytes, not {asset.bytes:,}; "
            f"bring it again with: bateia assets fetch {name_or_path}"
        )
    return path


def blocklist_identity(path: Path) -> dict[str, Any]:
    """What a compiled list is, for a run's manifest: name, date, licence, and the sum of all that decides verdicts."""
    header = read_header(path)
    decisive = {key: header[key] for key in ("name", "date", "category_sets", "aliases", "files")}
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    return {"name": header["name"], "date": header["date"], "licence": header["licence"], "sha256": digest}


def file_identity(path: Path) -> dict[str, Any]:
    """What an asset of one file is, for a run's manifest: file name and sha256."""
    return {"name": path.name, "sha256": file_sha256(path)}


def _build_command(path: Path) -> str:
    quoted = shlex.quote(str(path))
    if path.is_dir() and not (path / HEADER).exists():  # a source, not yet compiled
        return f"bateia assets build-blocklist --from {quoted} --name {shlex.quote(path.name)}"
    return f"bateia assets build-blocklist --from SOURCE --output {quoted}{' --replace' if path.exists() else ''}"


def build_packaged(asset: Asset) -> Path:
    """Compile a list whose source lies in this package, unless this very source is compiled already."""
    source = Path(__file__).parents[1] / str(asset.folder)
    if not source.is_dir():
        raise MissingAsset(
            f"the source of block list {asset.name} isn't in {source}; install Bateia again: pip install ."
        )
    try:
        if verify(asset.path)["source"]["sha256"] == source_sha256(source):
            return asset.path
    except BlocklistError:
        pass  # absent or broken: built below
    words = source if any((source / name).is_file() for name in WORD_FILES.values()) else None
    build_blocklist(source, asset.path, asset.name, words, asset.date, asset.licence, replace=True)
    return asset.path
