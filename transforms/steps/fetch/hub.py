"""Datasets of Hugging Face's hub: hf://datasets/OWNER/NAME[@REVISION]/PATH as an address, and what lies in a folder."""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import quote, unquote

from schemas.faults import BadInput, reason

SCHEME = "hf://"
# A revision is a branch, tag or commit; of those with slashes in them the hub's own two kinds are known.
DATASET = re.compile(r"hf://datasets/([^/@]+)/([^/@]+)(?:@(refs/(?:convert|pr)/[^/]+|[^/]+))?(?:/(.*))?", re.IGNORECASE)
FORM = "write it as hf://datasets/OWNER/NAME/FILE, with @REVISION behind NAME if needed"


class HubPath(NamedTuple):
    """Where something lies. start: as it was typed, up to the path in the dataset; path: "" for all of it."""

    start: str
    repository: str
    revision: str
    path: str


def is_hub(path: str) -> bool:
    return path.lower().startswith(SCHEME)


def endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def parse_hub(path: str) -> HubPath:
    """Raises BadInput for what names no dataset."""
    match = DATASET.fullmatch(path)
    if match is None:
        raise BadInput(f"input {path}: {FORM}")
    owner, name, revision, inside = match.groups()
    start = path[: len(path) - len(inside)].rstrip("/") if inside else path.rstrip("/")
    return HubPath(start, f"{owner}/{name}", unquote(revision or "main"), inside or "")


def hub_address(path: str) -> str:
    """The https address of a file. Raises BadInput."""
    place = parse_hub(path)
    if not place.path or place.path.endswith("/"):
        raise BadInput(f"input {path}: {FORM}")
    return f"{endpoint()}/datasets/{place.repository}/resolve/{quote(place.revision, safe='')}/{quote(place.path)}"


def list_hub(place: HubPath, folder: str) -> list[str]:
    """Paths in the dataset of all files below a folder of it, sorted; "" is the dataset itself. Raises BadInput."""
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.hf_api import RepoFile
    except ModuleNotFoundError as error:
        remedy = "install it with `pip install huggingface_hub`, or give single files"
        raise BadInput(f"folders and globs of hf:// need the package {error.name}; {remedy}") from error
    what = f"{place.start}/{folder}".rstrip("/")
    api = HfApi(endpoint=endpoint(), token=os.environ.get("HF_TOKEN") or False)
    try:
        tree = api.list_repo_tree(
            place.repository, folder or None, recursive=True, revision=place.revision, repo_type="dataset"
        )
        return sorted(entry.path for entry in tree if isinstance(entry, RepoFile))
    except Exception as error:  # its client is built on requests, httpx or httpx2, by its version
        remedy = f"check name, revision and network ({endpoint()}); a private dataset needs HF_TOKEN"
        raise BadInput(f"input {what} can't be listed ({reason(error)}); {remedy}") from error
