"""A run of drawn weights with a tokenizer of bytes, to begin trainings with; and trainings in this process."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from schemas.lease import release_all
from schemas.special_tokens import SPECIAL
from trainer.backend.protocol import Snapshot
from trainer.model.config import ModelConfig, parameters, to_hf
from trainer.model.initial import initial_weights
from trainer.run.checkpoints import PREFIX, write
from trainer.run.folder import RUN
from trainer.run.loop import Training
from trainer.run.stopping import Stopper
from trainer.settings import Schedule, TrainSettings

SHAPE: dict[str, Any] = {"dim": 80, "layers": 3, "heads": 5, "kv_heads": 5, "hidden": 192}


def drawn_run(folder: Path, context: int, seed: int, shape: dict[str, Any] | None = None) -> int:
    """Write it. Returns how many parameters it has."""
    text = byte_tokenizer()
    config = ModelConfig(len(SPECIAL) + 256, context, **(shape or SHAPE))
    (folder / "tokenizer").mkdir(parents=True)
    (folder / "tokenizer" / "tokenizer.json").write_text(text)
    np.save(folder / "tokenizer" / "token_bytes.npy", np.array([0] * len(SPECIAL) + [1] * 256, np.int32))
    settings = TrainSettings(config, Schedule("constant", 0.01, 1, 0), 1, seed=seed).as_dict()
    data = {"tokenizer_sha256": hashlib.sha256(text.encode()).hexdigest(), "plan": "main"}
    (folder / RUN).write_text(json.dumps({"settings": settings, "data": data}))
    (folder / "checkpoints").mkdir()
    state = {"settings": settings, "data": data, "backend": "jax"}
    snapshot = Snapshot(initial_weights(config, seed), {})
    write(folder / "checkpoints" / f"{PREFIX}{0:08}", 0, snapshot, to_hf(config, 1, 2, 3), state)
    return parameters(config)


def run_here(training: Training) -> None:
    """To its end, in this process; then its output may be moved or removed."""
    try:
        with Stopper() as stopper:
            training.run(stopper)
    finally:
        release_all()


def byte_tokenizer() -> str:
    """tokenizer.json with a token for each byte, in SentencePiece's way."""
    from tokenizers import AddedToken, Tokenizer, decoders, models

    vocabulary = {name: number for number, name in enumerate(SPECIAL)}
    vocabulary |= {f"<0x{byte:02X}>": byte + len(SPECIAL) for byte in range(256)}
    tokenizer: Any = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", byte_fallback=True))
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIAL])
    return tokenizer.to_str()
