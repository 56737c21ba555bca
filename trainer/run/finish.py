"""The end of a run: report.json, its numbers in one file, and manifest.json, which says that it is finished."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.faults import BrokenRun
from schemas.manifest import FileEntry, Manifest, hash_dataset, write_manifest
from schemas.storage import local_names, remove_temporary, write_json
from trainer.model.config import flops_per_token, parameters
from trainer.run.checkpoints import find_checkpoint, sha256
from trainer.run.folder import EVALS, FAULTS, LOG, REPORT, SAMPLES, RunFolder
from trainer.run.job import TrainJob, code_hash, versions

TRAIN_STAGE = "train"
CURVE_POINTS = 600  # more can't be distinguished on a page


def make_report(job: TrainJob, device_kind: str, devices: int) -> dict[str, Any]:
    """Write and return report.json.

    device_kind, devices: what the training ran on
    """
    folder = RunFolder(job.output)
    log = list(folder.lines(LOG))
    config = job.settings.model
    report = {
        "title": "Training",
        "settings": job.settings.as_dict(),
        "data": {**dict(flat(job.data)), "dataset_hash": job.shards.dataset_hash},
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
    remove_temporary(str(folder.path))  # what a run that was killed here was writing
    write_json(str(folder.path / REPORT), report)
    return report


def flat(told: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Names and values of nested settings as text, a nested name behind a dot."""
    for name, value in told.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)


def totals(log: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums over all steps; throughput and MFU are medians, which compilation at a process' start does not move."""
    paces = sorted(line["tokens_per_s"] for line in log)
    mfus = sorted(line["mfu"] for line in log if line["mfu"] is not None)
    seconds = sum(line["seconds"] for line in log)
    return {
        "steps": len(log),
        "tokens": sum(line["tokens"] for line in log),
        "seconds": seconds,
        "tokens_per_s": paces[len(paces) // 2] if paces else None,
        "mfu": mfus[len(mfus) // 2] if mfus else None,
        "waited_share": waited_share(log),
        "loss": next((line["loss"] for line in reversed(log) if line["loss"] is not None), None),
    }


def thinned(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over equal parts of the log, so that curves are drawn from a bounded number of points."""
    size = max(-(-len(log) // CURVE_POINTS), 1)
    return [mean_of(log[first : first + size]) for first in range(0, len(log), size)]


def mean_of(lines: list[dict[str, Any]]) -> dict[str, Any]:
    mean: dict[str, Any] = {"step": lines[-1]["step"], "waited_share": waited_share(lines)}
    for key in ("loss", "lr", "grad_norm", "tokens_per_s", "mfu"):
        values = [line[key] for line in lines if line[key] is not None]
        mean[key] = sum(values) / len(values) if values else None
    return mean


def waited_share(lines: list[dict[str, Any]]) -> float | None:
    """Share of the time spent waiting for data."""
    seconds = sum(line["seconds"] for line in lines)
    return sum(line["waited_s"] for line in lines) / seconds if seconds else None


def declare_finished(job: TrainJob, report: dict[str, Any]) -> Manifest:
    """Write manifest.json: the run is finished then. Its files are the last checkpoint's and the tokenizer's.

    Raises BrokenRun if the last checkpoint can't be read again, and OSError.
    """
    folder = RunFolder(job.output)
    last = find_checkpoint(folder.path)
    if last.step != job.settings.steps:  # an earlier one is no end, whatever is wrong with this one
        raise BrokenRun(
            f"the checkpoint of step {job.settings.steps:,} in {folder.path} can't be read again; see to the disk and "
            "repeat the command"
        )
    parents = (last.folder, folder.tokenizer)
    paths = sorted(parent / name for parent in parents for name in local_names(str(parent)))
    files = tuple(entry(path, folder.path) for path in paths)
    settings = {**report["settings"], "data": report["data"]}
    counts = {**report["totals"], "evaluation": report["evals"][-1]["slices"] if report["evals"] else {}}
    source: list[dict[str, Any]] = [{"path": job.shards.folder, "dataset_hash": job.shards.dataset_hash}]
    if job.parent is not None:
        source.append({"path": job.parent.run, "step": job.parent.step, "weights_sha256": job.parent.weights_sha256})
    manifest = Manifest(TRAIN_STAGE, settings, report["versions"], source, counts, files, hash_dataset(files))
    write_manifest(str(folder.path), manifest)
    return manifest


def entry(path: Path, folder: Path) -> FileEntry:
    return FileEntry(path.relative_to(folder).as_posix(), 0, path.stat().st_size, sha256(path))
