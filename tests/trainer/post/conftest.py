"""What tests of the later stages share: a run to begin with, and conversations in its tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.baselines import made_once
from support.chat_runs import write_run
from trainer.data.chat import Conversation, Message
from trainer.post.conversations import tokenize, write_shards
from trainer.post.sft import Base, open_base


@pytest.fixture(scope="session")
def base_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of drawn weights with a tokenizer of bytes."""
    return made_once(tmp_path_factory, "base-run", lambda folder: write_run(folder / "run")) / "run"


@pytest.fixture
def base(base_run: Path) -> Base:
    return open_base(str(base_run))


def echoes(count: int = 60) -> list[Conversation]:
    """To each letter the next one; every sixth is held out."""
    letters, made = "abcdefghijklmnopqrstuvwxyz", []
    for number in range(count):
        asked, answer = letters[number % 26] * (1 + number % 5), letters[(number + 1) % 26]
        page = {"url": f"https://letters.example/{number}", "warc_file": "a.warc.gz", "warc_offset": number}
        messages, split = (Message("user", asked), Message("assistant", answer)), "val" if number % 6 == 5 else "train"
        made.append(Conversation(f"echo-{number}", messages, split, "echo", answer, {"kind": "template", **page}))
    return made


@pytest.fixture
def shard(base: Base, tmp_path: Path) -> Callable[..., Path]:
    """Writes shards of conversations in the run's tokenizer."""

    def write(made: list[Conversation], name: str = "conversations", context: int = 32, **options: Any) -> Path:
        tokenized = tokenize(made, base.chat())
        write_shards(tokenized, base.tokenizer, base.ids, tmp_path / name, context, **options)
        return tmp_path / name

    return write
