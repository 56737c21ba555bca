"""A run that speaks: its newest checkpoint, loaded, with the tokenizer that lies beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.checkpoints import find_checkpoint
from trainer.faults import BadRun
from trainer.model_config import from_hf, shapes
from trainer.sampling import Sampling, Speaker, distribution, generate, softmax
from trainer.text import Text

SHOWN_RIVALS = 8


@dataclass(frozen=True)
class Voice:
    """step: steps of training. bos: the token that every prompt is led by. stops: tokens that end a text."""

    speaker: Speaker
    text: Text
    bos: int
    stops: frozenset[int]
    step: int

    def say(self, prompt: str, sampling: Sampling) -> Iterator[str]:
        """Pieces of what follows the prompt, as they come."""
        tokens = [self.bos, *self.text.encode(prompt)]
        yield from self.text.stream(generate(self.speaker, tokens, sampling, self.stops))

    def choices(self, prompt: str, sampling: Sampling) -> Iterator[tuple[str, list[tuple[str, float, float]]]]:
        """Each token, and the likeliest that might have stood there: (text, the model's probability, the drawing's)."""
        rivals: list[np.ndarray] = []
        tokens = [self.bos, *self.text.encode(prompt)]
        for token in generate(self.speaker, tokens, sampling, self.stops, rivals):
            yield self.piece(token), self.likeliest(rivals.pop(), sampling)

    def likeliest(self, logits_V: np.ndarray, sampling: Sampling) -> list[tuple[str, float, float]]:
        by_model_V = softmax(logits_V.astype(np.float64))
        drawn_V = distribution(logits_V, sampling)
        order = np.argsort(-by_model_V, kind="stable")[:SHOWN_RIVALS]
        return [(self.piece(int(token)), float(by_model_V[token]), float(drawn_V[token])) for token in order]

    def piece(self, token: int) -> str:
        """A token's text, or its name where it has none."""
        return self.text.decode([token]) or self.text.name(token)


def load_voice(run: str, backend: str = "jax") -> Voice:
    """Raises BadRun if the folder holds no run that can speak."""
    folder = Path(run)
    if not folder.is_dir():
        raise BadRun(f"{run} is no folder; give one that `bateia train` has written")
    checkpoint = find_checkpoint(folder)
    given = checkpoint.config()
    config, weights = from_hf(given), checkpoint.weights()
    if {name: value.shape for name, value in weights.items()} != shapes(config):
        raise BadRun(f"{checkpoint.folder}: its weights do not fit its config.json; train it anew")
    if backend != "jax":
        raise BadRun(f"no backend is called '{backend}'; known: jax")
    from trainer.generate_jax import JaxSpeaker, placed

    bos = given["bos_token_id"]
    speaker = JaxSpeaker(placed(weights), config)
    return Voice(speaker, Text(folder / "tokenizer"), bos, frozenset({bos, given["eos_token_id"]}), checkpoint.step)
