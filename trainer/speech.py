"""A run that speaks: its newest checkpoint, loaded, with the tokenizer that lies beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from trainer.checkpoints import find_checkpoint
from trainer.faults import BadRun
from trainer.model_config import ModelConfig, from_hf, shapes
from trainer.sampling import Sampling, Speaker, distribution, generate, softmax
from trainer.text import Text

SHOWN_RIVALS = 8
# Backends by name, which is also the name of their package: where each one's Speaker is. The first is preferred.
SPEAKERS = {"jax": ("trainer.generate_jax", "JaxSpeaker"), "torch": ("trainer.generate_torch", "TorchSpeaker")}


@dataclass(frozen=True)
class Writing:
    """A text that a model wrote. tokens: how many. ended: by itself, as documents end, and not for its length."""

    text: str
    tokens: int
    ended: bool


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

    def write(self, prompt: str, sampling: Sampling) -> Writing:
        """All of what `say` says, at its end."""
        tokens = list(generate(self.speaker, [self.bos, *self.text.encode(prompt)], sampling, self.stops))
        return Writing(self.text.decode(tokens), len(tokens), len(tokens) < sampling.tokens)

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


def load_voice(run: str, backend: str | None = None) -> Voice:
    """backend: by default the one that trained the run, or else one that is installed.

    Raises BadRun if the folder holds no run that can speak, or the backend is not to be had.
    """
    folder = Path(run)
    if not folder.is_dir():
        raise BadRun(f"{run} is no folder; give one that `bateia train` has written")
    checkpoint = find_checkpoint(folder)
    given = checkpoint.config()
    config, weights = from_hf(given), checkpoint.weights()
    if {name: value.shape for name, value in weights.items()} != shapes(config):
        raise BadRun(f"{checkpoint.folder}: its weights do not fit its config.json; train it anew")
    speaker = make_speaker(backend or chosen_backend(checkpoint.state.get("backend")), weights, config)
    bos = given["bos_token_id"]
    return Voice(speaker, Text(folder / "tokenizer"), bos, frozenset({bos, given["eos_token_id"]}), checkpoint.step)


def chosen_backend(trained_by: str | None) -> str:
    """The one that trained if its package is here, or else the first that is here."""
    known = sorted(SPEAKERS, key=lambda name: name != trained_by)
    return next((name for name in known if find_spec(name) is not None), known[0])


def make_speaker(backend: str, weights: dict[str, np.ndarray], config: ModelConfig) -> Speaker:
    """Raises BadRun for a backend that is not known or not installed."""
    if backend not in SPEAKERS:
        raise BadRun(f"no backend is called '{backend}'; known: {', '.join(SPEAKERS)}")
    module, name = SPEAKERS[backend]
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        remedy = f"install it with `pip install -e '.[{backend}]'`"
        raise BadRun(f"the backend {backend} needs {error.name}; {remedy}") from error
    return getattr(found, name)(found.placed(weights), config)
