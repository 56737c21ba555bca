"""What a stage left on disk: rows, hashes, and which files were written anew."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from schemas.manifest import Manifest, read_manifest

REPORTS = ("report.json", "report.html")  # they tell times


def rows_of(output: Path, folder: str) -> list[dict[str, Any]]:
    """All rows of the Parquet files below a folder of the output, in the order of their paths."""
    # From the list of files: a dataset of a folder would read the language from the folder's name.
    files = [str(path) for path in sorted((output / folder).rglob("*.parquet"))]
    return ds.dataset(files).to_table().to_pylist() if files else []


def manifest_of(output: Path) -> Manifest:
    manifest = read_manifest(str(output))
    assert manifest is not None, f"{output} is not finished"
    return manifest


def hash_of(output: Path) -> str:
    return manifest_of(output).dataset_hash


def digests(output: Path) -> dict[str, str]:
    """sha256 by path of all files, hidden ones too, but those that tell times: reports and records of units."""
    files = [path for path in output.rglob("*") if path.is_file()]
    timeless = [path for path in files if path.name not in REPORTS and path.parent.name != "units"]
    return {str(path.relative_to(output)): sha256(placeless(path)).hexdigest() for path in timeless}


def placeless(path: Path) -> bytes:
    """A file's bytes; of what names the datasets that were read, with their names alone: they are written as they lie
    from the output, beside it or elsewhere."""
    data = path.read_bytes()
    if path.name not in ("manifest.json", "run.json"):
        return data
    told = json.loads(data)
    for source in told.get("source", []):
        if isinstance(source, dict) and "path" in source:
            source["path"] = Path(source["path"]).name
    return json.dumps(told).encode()


def identities(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and modification time by path: they change if a file is written anew, even with the same bytes."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def strays(output: Path) -> list[Path]:
    """Hidden and temporary files: nothing of the kind may stay."""
    return [path for path in output.rglob("*") if path.name.startswith(".") or path.name.endswith(".tmp")]
