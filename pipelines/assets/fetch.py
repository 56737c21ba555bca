"""Bringing an asset to the asset folder: downloaded with resume and retry, or taken from a file, checked by sha256."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pipelines.assets.registry import (
    BLOCK_LIST,
    AssetError,
    build_packaged,
    known_assets,
    resolve_language_model,
    store,
)
from transforms.steps.urls.blocklist import file_sha256
from transforms.steps.urls.build import build_blocklist

if TYPE_CHECKING:
    from http.client import HTTPResponse

RETRY_WAITS_S = (1.0, 5.0)  # seconds before the second and the third attempt at a download
TIMEOUT_S = 60.0  # seconds without a byte
CHUNK = 1 << 20  # bytes read at a time

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
            _transfer(url, part, max_bytes, label, show)
        except HTTPError as error:
            if error.code == 416:  # the part on disk is not a beginning of the file on the server
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


def _transfer(url: str, part: Path, max_bytes: int, label: str, show: Show) -> None:
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
            done = _receive(response, file, done, total, max_bytes, label, show)
    if total is not None and done != total:
        raise ConnectionError(f"the transfer ended at {done:,} of {total:,} bytes")


def _receive(
    response: HTTPResponse, file: BinaryIO, done: int, total: int | None, max_bytes: int, label: str, show: Show
) -> int:
    of = f" of {total / 1e6:,.1f}" if total else ""
    while chunk := response.read(CHUNK):
        done += len(chunk)
        if done > max_bytes:
            raise AssetError(f"{label}: over the cap of {max_bytes:,} bytes; is it the right file?")
        file.write(chunk)
        show(f"{label}: {done / 1e6:,.1f}{of} MB")
    return done


def _resume_point(url: str, part: Path) -> tuple[int, str]:
    """(bytes already downloaded, validator of the file they belong to); (0, "") to start from the beginning."""
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
