"""An export's tokenizer begins a text as `bateia sample` does, whatever its makers had it put around one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.runs import write_run
from support.shards import BOS, EOS, PAD, byte_tokenizer
from trainer.backend.protocol import Snapshot
from trainer.export import export_hf, with_bos
from trainer.model.config import ModelConfig, to_hf
from trainer.model.initial import initial_weights
from trainer.run.checkpoints import write

tokenizers = pytest.importorskip("tokenizers")


def template(*names: str) -> dict[str, Any]:
    text = {"Sequence": {"id": "A", "type_id": 0}}
    parts = [text if name == "A" else {"SpecialToken": {"id": name, "type_id": 0}} for name in names]
    numbers = {"<s>": 1, "</s>": 2}
    known = {name: {"id": name, "ids": [number], "tokens": [name]} for name, number in numbers.items()}
    return {"type": "TemplateProcessing", "single": parts, "pair": parts, "special_tokens": known}


LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


@pytest.mark.parametrize("processor", [None, LEVEL, template("<s>", "A"), template("<s>", "A", "</s>"), template("A")])
def test_bos_and_nothing_else_is_put_before_a_text(processor: dict[str, Any] | None) -> None:
    cut = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
    rules = json.loads(byte_tokenizer()) | {"post_processor": processor, "truncation": cut}
    library = tokenizers.Tokenizer.from_str(json.dumps(with_bos(rules, BOS) | {"truncation": None}))
    assert library.encode("gold").ids == [BOS, *(byte + 4 for byte in b"gold")]


@pytest.mark.parametrize(("ends_with", "name"), [(None, "<s>"), (EOS, "</s>")])
def test_all_files_name_one_token_that_ends_a_text(tmp_path: Path, ends_with: int | None, name: str) -> None:
    """Some programs read config.json alone and others tokenizer_config.json, in which a tokenizer has a token that no
    document of the shards ends with."""
    config = ModelConfig(260, 32, 16, 1, 2, 2, 24)
    run = write_run(tmp_path / "run", config, initial_weights(config, 1))
    own = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "add_eos_token": True}
    (run / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(own))
    last = run / "checkpoints" / "step-00000009"
    write(last, 9, Snapshot(initial_weights(config, 1), {}), to_hf(config, BOS, ends_with, PAD), {})
    export_hf(run, tmp_path / "hf")
    told = [json.loads((tmp_path / "hf" / file).read_text()) for file in ("config.json", "tokenizer_config.json")]
    number = BOS if ends_with is None else ends_with
    assert (told[0]["eos_token_id"], told[1]["eos_token"]) == (number, name)
    kept = {key: value for key, value in own.items() if key in ("bos_token", "pad_token", "unk_token")}
    assert kept.items() <= told[1].items() and "add_eos_token" not in told[1]
