"""Runs of tiny models without training: a checkpoint with its tokenizer, in which all tokens of a chat are reserved."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from schemas.special_tokens import SPECIAL
from trainer.backend.protocol import Snapshot
from trainer.model.config import ModelConfig, to_hf
from trainer.model.initial import initial_weights
from trainer.run.checkpoints import PREFIX, write
from trainer.run.folder import RUN
from trainer.settings import Schedule, TrainSettings

VOCABULARY = len(SPECIAL) + 256
TINY = {"dim": 32, "layers": 2, "heads": 4, "kv_heads": 2, "hidden": 48}


def byte_tokenizer() -> str:
    """tokenizer.json with a token for each byte, in SentencePiece's way."""
    from tokenizers import AddedToken, Tokenizer, decoders, models

    vocabulary = {name: number for number, name in enumerate(SPECIAL)}
    vocabulary |= {f"<0x{byte:02X}>": byte + len(SPECIAL) for byte in range(256)}
    tokenizer: Any = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", byte_fallback=True))
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return with_special(tokenizer, AddedToken)


def word_tokenizer(words: list[str]) -> str:
    """tokenizer.json with a token for each of these words, which stand between single spaces."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {name: number for number, name in enumerate((*SPECIAL, *dict.fromkeys(words)))}
    tokenizer: Any = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.WordPiece(prefix="", cleanup=False)
    return with_special(tokenizer, AddedToken)


def with_special(tokenizer: Any, added: Any) -> str:
    tokenizer.add_special_tokens([added(name, special=True, normalized=False) for name in SPECIAL])
    return tokenizer.to_str()


def write_run(
    folder: Path,
    tokenizer: str | None = None,
    context: int = 64,
    weights: dict[str, np.ndarray] | None = None,
    step: int = 5,
    seed: int = 1,
    **shape: Any,
) -> Path:
    """A run with one checkpoint, of drawn weights unless they are given."""
    text = tokenizer or byte_tokenizer()
    vocabulary = json.loads(text)["model"]["vocab"]
    config = ModelConfig(len(vocabulary), context, **{**TINY, **shape})
    (folder / "tokenizer").mkdir(parents=True)
    (folder / "tokenizer" / "tokenizer.json").write_text(text)
    sizes = [0 if name in SPECIAL else 1 if name.startswith("<0x") else len(name) + 1 for name in vocabulary]
    np.save(folder / "tokenizer" / "token_bytes.npy", np.array(sizes, np.int32))
    settings = TrainSettings(config, Schedule("constant", 0.01, step, 0), 4).as_dict()
    data = {"tokenizer_sha256": hashlib.sha256(text.encode()).hexdigest(), "plan": "main"}
    (folder / RUN).write_text(json.dumps({"settings": settings, "data": data}))
    snapshot = Snapshot(weights or initial_weights(config, seed), {})
    state = {"settings": settings, "data": data, "backend": "jax"}
    (folder / "checkpoints").mkdir()
    write(folder / "checkpoints" / f"{PREFIX}{step:08}", step, snapshot, to_hf(config, 1, 2, 3), state)
    return folder
