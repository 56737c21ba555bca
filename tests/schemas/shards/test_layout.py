"""Manifests of shards and plans: what they say is known, and what they lack is told with a remedy."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.faults import BadInput
from schemas.manifest import Manifest, hash_dataset, write_manifest
from schemas.shards.layout import PLAN_STAGE, SHARD_STAGE, open_plan, open_shards, read_plan, shard_number
from schemas.storage import write_json

TOKENS: dict[str, Any] = {
    "dtype": "uint16",
    "vocab_size": 300,
    "bos_id": 1,
    "eos_id": 2,
    "pad_id": None,
    "tokenizer_sha256": "c" * 64,
    "layout_hash": "d" * 64,
}
SHARDS = Manifest(SHARD_STAGE, {"tokens": TOKENS}, {}, [], {"slices": {}}, (), hash_dataset(()))
PLAN = Manifest(
    PLAN_STAGE,
    {"context": 8, "seed": 1, "packing": "concat", "layout_hash": "d" * 64, "tokenizer_sha256": "c" * 64},
    {},
    [],
    {"rows": 2, "tokens": 18, "parts": [{"path": "rows-00000.parquet", "first_row": 0, "rows": 2}], "slices": {}},
    (),
    hash_dataset(()),
)


def test_what_manifests_say(tmp_path: Path) -> None:
    write_manifest(str(tmp_path), SHARDS)
    info, manifest = open_shards(f"{tmp_path}/")
    assert (info.folder, info.dtype, info.pad_id, manifest) == (str(tmp_path), np.dtype("<u2"), None, SHARDS)
    write_manifest(str(tmp_path / "plan" / "main"), PLAN)
    plan, manifest = open_plan(info, "main")
    assert (plan.parts, plan.row_tokens, manifest) == ((("rows-00000.parquet", 0, 2),), 9, PLAN)


def refused(folder: Path, manifest: Manifest) -> str:
    write_manifest(str(folder), manifest)
    with pytest.raises(BadInput) as fault:
        open_shards(str(folder))
    return str(fault.value)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        [],
        None,
        {"tokens": "none"},
        {"tokens": {name: value for name, value in TOKENS.items() if name != "bos_id"}},
        {"tokens": TOKENS | {"dtype": "object"}},
        {"tokens": TOKENS | {"dtype": "float32"}},
        {"tokens": TOKENS | {"dtype": ["uint16"]}},
    ],
)
def test_shards_that_do_not_say_what_they_are(tmp_path: Path, settings: Any) -> None:
    line = refused(tmp_path, replace(SHARDS, settings=settings))
    assert line.startswith(f"{tmp_path}/manifest.json does not describe shards (")
    assert line.endswith("; make the shards anew by `bateia shard` with --overwrite, or bring the file back")


@pytest.mark.parametrize("counts", [{}, {"slices": None}, {"slices": {"../../elsewhere": {}}}, {"slices": [3]}])
def test_slices_that_are_no_names_of_files(tmp_path: Path, counts: Any) -> None:
    assert "does not describe shards (" in refused(tmp_path, replace(SHARDS, counts=counts))


def test_plans_that_do_not_say_what_they_are_or_are_of_others(tmp_path: Path) -> None:
    write_manifest(str(tmp_path), SHARDS)
    info, _ = open_shards(str(tmp_path))
    folder = tmp_path / "plan" / "main"
    cases = [
        (replace(PLAN, settings={}), "does not describe a plan ('context' is missing)"),
        (replace(PLAN, counts=PLAN.counts | {"parts": [3]}), "does not describe a plan ("),
        (replace(PLAN, settings=PLAN.settings | {"tokenizer_sha256": "e" * 64}), "is of tokens of another tokenizer"),
        (replace(PLAN, settings=PLAN.settings | {"layout_hash": "e" * 64}), "is of other shards than lie here"),
        (replace(PLAN, stage="curate"), "was written by stage 'curate'"),
    ]
    for manifest, said in cases:
        write_manifest(str(folder), manifest)
        with pytest.raises(BadInput) as fault:
            read_plan(info, "main")
        assert str(folder) in str(fault.value) and said in str(fault.value)
    write_json(str(folder / "manifest.json"), asdict(PLAN) | {"format_version": 7})
    with pytest.raises(BadInput, match="update Bateia"):
        read_plan(info, "main")
    with pytest.raises(BadInput, match=r"plan/none has no manifest\.json, .*; run `bateia plan` to the end first"):
        read_plan(info, "none")


def test_numbers_of_files() -> None:
    assert shard_number("/a-b/train/docs-00012.parquet") == 12
    for name in ("train/docs-.parquet", "train/tokens-x.bin", "train/tokens-1²3.bin", "docs"):
        with pytest.raises(BadInput, match="is named like no file of a shard; remove it"):
            shard_number(name)
