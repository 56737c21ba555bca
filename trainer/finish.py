"""The end of a run: what it came to, as report.json, and manifest.json, which says that it is finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.manifest import FileEntry, Manifest, hash_dataset, write_manifest
from trainer.checkpoints import find_checkpoint, sha256
from trainer.job import TrainJob, code_hash, versions
from trainer.model_config import flops_per_token, parameters
from trainer.run_folder import EVALS, FAULTS, LOG, REPORT, SAMPLES, RunFolder, write_json

TRAIN_STAGE = "train"
DRAWN = 600  # points of a curve; more are not told apart on a page


def make_report(job: TrainJob, device_kind: str, devices: int) -> dict[str, Any]:
    """Write and return report.json."""
    folder = RunFolder(job.output)
    log = list(folder.lines(LOG))
    config = job.settings.model
    report = {
        "title": "Training",
        "settings": job.settings.as_dict(),
        "data": {**job.data, "dataset_hash": job.shards.dataset_hash},
        "parameters": parameters(config),
        "flops_per_token": flops_per_token(config),
        "backend": job.backend,
        "device": device_kind,
        "devices": devices,
        "totals": totals(log),
        "curve": thinned(log),
        "evals": list(folder.lines(EVALS)),
        "samples": list(folder.lines(SAMPLES)),
        "faults": list(folder.lines(FAULTS)),
        "code_hash": code_hash(),
        "versions": versions(),
    }
    write_json(folder.path / REPORT, report)
    return report


def totals(log: list[dict[str, Any]]) -> dict[str, Any]:
    """Of all steps; throughput without each process' first step, which is its compilation."""
    usual = sorted(line["tokens_per_s"] for line in log)
    mfus = sorted(line["mfu"] for line in log if line["mfu"] is not None)
    seconds = sum(line["seconds"] for line in log)
    return {
        "steps": len(log),
        "tokens": sum(line["tokens"] for line in log),
        "seconds": seconds,
        "tokens_per_s": usual[len(usual) // 2] if usual else None,
        "mfu": mfus[len(mfus) // 2] if mfus else None,
        "waited_share": waited_share(log),
        "loss": next((line["loss"] for line in reversed(log) if line["loss"] is not None), None),
    }


def thinned(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over equal stretches of the log, so that curves are drawn from a bounded number of points."""
    size = max(-(-len(log) // DRAWN), 1)
    return [mean_of(log[at : at + size]) for at in range(0, len(log), size)]


def mean_of(lines: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"step": lines[-1]["step"], "waited_share": waited_share(lines)}
    for key in ("loss", "lr", "grad_norm", "tokens_per_s", "mfu"):
        values = [line[key] for line in lines if line[key] is not None]
        found[key] = sum(values) / len(values) if values else None
    return found


def waited_share(lines: list[dict[str, Any]]) -> float | None:
    """Of the time, what went by waiting for data."""
    seconds = sum(line["seconds"] for line in lines)
    return sum(line["waited_s"] for line in lines) / seconds if seconds else None


def declare_finished(job: TrainJob, report: dict[str, Any]) -> Manifest:
    """Write manifest.json: the run is finished then. Its files are the last checkpoint's and the tokenizer's."""
    folder = RunFolder(job.output)
    last = find_checkpoint(folder.path).folder
    paths = sorted(path for place in (last, folder.tokenizer) for path in place.rglob("*") if path.is_file())
    files = tuple(entry(path, folder.path) for path in paths)
    settings = {**report["settings"], "data": report["data"]}
    counts = {**report["totals"], "evaluation": report["evals"][-1]["slices"] if report["evals"] else {}}
    source = [{"path": job.shards.folder, "dataset_hash": job.shards.dataset_hash}]
    manifest = Manifest(TRAIN_STAGE, settings, report["versions"], source, counts, files, hash_dataset(files))
    write_manifest(str(folder.path), manifest)
    return manifest


def entry(path: Path, folder: Path) -> FileEntry:
    return FileEntry(path.relative_to(folder).as_posix(), 0, path.stat().st_size, sha256(path))
