"""An export's tokenizer begins a text as `bateia sample` does, whatever its makers had it put around one."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from schemas.faults import BadInput
from schemas.lease import Claim, claims, process_space, process_start
from schemas.storage import write_json
from support.shards import BOS, byte_tokenizer
from trainer.export import with_bos, written_alone

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


def test_an_export_has_a_lease_of_its_own(tmp_path: Path) -> None:
    """Beside its folder, which appears whole: another export into the same folder is refused, one beside it is not."""
    with written_alone(tmp_path / "hf"):
        [mine] = claims(str(tmp_path))
    assert claims(str(tmp_path)) == []
    pid = os.getppid()
    other = Claim(mine.part, "here", process_space(), pid, process_start(pid), time.time(), "other", held=True)
    write_json(other.file(str(tmp_path)), asdict(other))
    with pytest.raises(BadInput, match="is being written by another run"), written_alone(tmp_path / "hf"):
        raise AssertionError("both write")
    with written_alone(tmp_path / "hf2"):
        assert len(claims(str(tmp_path))) == 2
