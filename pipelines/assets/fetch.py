"""Bringing an asset to the asset folder: downloaded with resume and retry, or taken from a file, checked by sha256."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pipelines.assets.registry import (
    BLOCK_LIST,
    AssetError,
    build_packaged,
    known_assets,
    resolve_language_model,
    store,
)
from transforms.steps.fetch.faults import Changed, NotFetched
from transforms.steps.fetch.fetcher import Remote, fetcher_of, is_http
from transforms.steps.fetch.settings import fetch_settings
from transforms.steps.urls.blocklist import file_sha256
from transforms.steps.urls.build import build_blocklist

ATTEMPTS = 3  # in a row without 1 MB: somebody waits before a terminal, and the next call goes on

Show = Callable[[str], None]


# --- Fetch ------------------------------------------------------------------------------------------------------------


def unseen(line: str) -> None:
    """Shows no progress."""


def fetch(
    name: str, local: Path | None = None, url: str | None = None, words: Path | None = None, show: Show = unseen
) -> Path:
    """Bring one asset to the asset folder and return its path.

    local: take this file instead of downloading; its sha256 is checked all the same.
    url: download from here, a mirror for instance.
    words: for a block list, the folder of word files.
    show: is given a line of progress now and then.
    Raises AssetError and BlocklistError.
    """
    asset = known_assets().get(name)
    if asset is None:
        raise AssetError(f"no asset is called {name}; there are {', '.join(known_assets())}")
    if asset.package:
        return resolve_language_model(name)
    if asset.folder:
        return build_packaged(asset)
    if local is None:
        file = store() / "downloads" / Path(asset.url or name).name
        download(url or str(asset.url), file, asset.max_bytes, name, show)
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
    if (actual := file_sha256(file)) != expected:
        if ours:
            file.unlink()  # so that the next attempt starts afresh
        raise AssetError(f"{file} isn't the file expected: sha256 {actual}, not {expected}; try again, or --from FILE")


def _copy_whole(file: Path, target: Path) -> None:
    """Copy under a temporary name, then rename: a reader sees the whole file or none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(file, temporary)
    temporary.replace(target)


def download(url: str, target: Path, max_bytes: int, label: str, show: Show = unseen) -> None:
    """Download to `target` through the one fetcher: what broke off goes on where it broke, and so does the next call.

    What has come so far lies in `<target>.part`, with the server's ETag in `<target>.part.json`: a file that changed
    meanwhile is begun anew. Raises AssetError: address, status, size, or what broke.
    """
    if not is_http(url):
        raise AssetError(f"{url} is no http address; for a file on this machine use --from")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        if not _transfer(url, part, max_bytes, label, show):  # it is another file than the one that was begun
            _validator_path(part).unlink(missing_ok=True)
            _transfer(url, part, max_bytes, label, show)
    except NotFetched as fault:
        if fault.lasting:
            raise AssetError(f"{url} answers {fault.what}; try --url MIRROR or --from FILE") from fault
        got = part.stat().st_size if part.exists() else 0
        again = "run it again to go on, or --from FILE"
        raise AssetError(f"{url} broke off at {got:,} bytes ({fault.what}); {again}") from fault
    except AssetError:  # over the cap: nothing to go on with
        part.unlink(missing_ok=True)
        raise
    part.replace(target)
    _validator_path(part).unlink(missing_ok=True)


def _transfer(url: str, part: Path, max_bytes: int, label: str, show: Show) -> bool:
    """What is left of the file to its part; whether the whole is one file now. Raises NotFetched and AssetError."""
    done, etag = _resume_point(url, part)
    settings = replace(fetch_settings(), attempts=ATTEMPTS)
    with part.open("r+b" if done else "wb") as file:
        file.seek(done)
        of = ""

        def note(remote: Remote) -> None:
            nonlocal of
            if remote.size is not None and remote.size > max_bytes:
                raise AssetError(
                    f"{url} has {remote.size:,} bytes, over the cap of {max_bytes:,}; is it the right file?"
                )
            of = f" of {remote.size / 1e6:,.1f}" if remote.size else ""
            _validator_path(part).write_text(json.dumps({"url": url, "validator": remote.etag}), "utf-8")

        def write(piece: bytes) -> None:
            file.write(piece)
            if file.tell() > max_bytes:
                raise AssetError(f"{label}: over the cap of {max_bytes:,} bytes; is it the right file?")
            show(f"{label}: {file.tell() / 1e6:,.1f}{of} MB")

        def restart() -> None:
            file.seek(done)
            file.truncate()

        try:
            remote = fetcher_of(settings).fetch(url, done, None, write, etag, restart, note)
        except Changed:
            return False
        return remote.size == file.tell()


def _resume_point(url: str, part: Path) -> tuple[int, str]:
    """(bytes already downloaded, ETag of the file they belong to); (0, "") to start from the beginning."""
    try:
        note = json.loads(_validator_path(part).read_text("utf-8"))
        if note["url"] == url and note["validator"]:
            return part.stat().st_size, note["validator"]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing there, or nothing to trust
    return 0, ""


def _validator_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")
