"""Documents made up by a test, as curate would have written them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.document import document_schema
from schemas.manifest import FileEntry, Manifest, hash_dataset, write_manifest
from transforms.part_files import PartFile


def write_documents(folder: Path, rows: list[dict[str, Any]], rows_per_file: int = 50) -> Path:
    """Write a finished directory of documents; returns it. rows: with `id`, `text` and whatever else shall differ."""
    common = {"dump": "CC-MAIN-2026-01", "language": "en", "language_score": 0.9, "file_path": "a.warc.gz"}
    entries: list[FileEntry] = []
    for language in sorted({row.get("language", "en") for row in rows}):
        mine = [row for row in rows if row.get("language", "en") == language]
        for start in range(0, len(mine), rows_per_file):
            part = PartFile(str(folder), f"data/{language}/part-{start:05}.parquet", document_schema(()))
            for row in mine[start : start + rows_per_file]:
                part.add({**common, "url": f"https://{row['id']}.example/", "date": "", "warc_offset": 0, **row})
            entries.append(part.commit())
    counts = {"read": len(rows), "kept": len(rows), "dropped": 0, "unreadable": 0}
    settings = {"recipe": {"name": "tiny", "steps": []}}
    write_manifest(str(folder), Manifest("curate", settings, {}, [], counts, tuple(entries), hash_dataset(entries)))
    return folder
