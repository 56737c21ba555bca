"""Text out of a trained run: its newest checkpoint with the tokenizer beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from schemas.faults import BadInput
from trainer.generate.sampling import Sampling, distribution, generate, softmax
from trainer.generate.text import Text
from trainer.model.config import ModelConfig, from_hf, shapes
from trainer.model.decoder import Decoder
from trainer.run.checkpoints import find_checkpoint, run_of

SHOWN_TOKENS = 8

# Backends by name, which is also the name of their package: where each one's Decoder is. The first is preferred.
DECODERS = {"jax": ("trainer.model.decode_jax", "JaxDecoder"), "torch": ("trainer.model.decode_torch", "TorchDecoder")}


@dataclass(frozen=True)
class SampledText:
    """A text that a model wrote.

    tokens: how many it wrote
    ended: whether the model ended it, as documents end, before its length was reached
    """

    text: str
    tokens: int
    ended: bool


@dataclass(frozen=True)
class TextGenerator:
    """A trained model with its tokenizer.

    bos: the token that every prompt begins with
    stops: tokens that end a text
    step: how many steps the model was trained
    """

    decoder: Decoder
    text: Text
    bos: int
    stops: frozenset[int]
    step: int

    def stream(self, prompt: str, sampling: Sampling) -> Iterator[str]:
        """What follows the prompt, piece by piece."""
        yield from self.text.stream(generate(self.decoder, self._encoded(prompt), sampling, self.stops))

    def write(self, prompt: str, sampling: Sampling) -> SampledText:
        """All that follows the prompt."""
        tokens = list(generate(self.decoder, self._encoded(prompt), sampling, self.stops))
        return SampledText(self.text.decode(tokens), len(tokens), len(tokens) < sampling.tokens)

    def choices(self, prompt: str, sampling: Sampling) -> Iterator[tuple[str, list[tuple[str, float, float]]]]:
        """Each token that is drawn, and the likeliest at its position.

        Those as (text, probability by the model, probability by the sampling settings).
        """
        logits: list[np.ndarray] = []
        for token in generate(self.decoder, self._encoded(prompt), sampling, self.stops, logits):
            yield self.piece(token), self._likeliest(logits.pop(), sampling)

    def piece(self, token: int) -> str:
        """A token's text, or its name where it has none."""
        return self.text.decode([token]) or self.text.name(token)

    def _encoded(self, prompt: str) -> list[int]:
        return [self.bos, *self.text.encode(prompt)]

    def _likeliest(self, logits_V: np.ndarray, sampling: Sampling) -> list[tuple[str, float, float]]:
        by_model_V = softmax(logits_V.astype(np.float64))
        by_sampling_V = distribution(logits_V, sampling)
        order = np.argsort(-by_model_V, kind="stable")[:SHOWN_TOKENS]
        return [(self.piece(int(token)), float(by_model_V[token]), float(by_sampling_V[token])) for token in order]


@dataclass(frozen=True)
class TrainedModel:
    """A run's weights, as numpy has them, with what it takes to use them.

    bos: the token that every text begins with
    stops: tokens that end a text
    step: how many steps the model was trained
    backend: that trained it
    """

    config: ModelConfig
    weights: dict[str, np.ndarray]
    bos: int
    stops: frozenset[int]
    step: int
    backend: str | None


def load_model(run: str) -> TrainedModel:
    """The model of a run's newest checkpoint, or of RUN@STEP's; no backend is needed.

    Raises BadInput if the folder holds no run with a checkpoint.
    """
    folder = Path(run_of(run))
    if not folder.is_dir():
        raise BadInput(f"{run} is no folder; give one that `bateia train` has written")
    checkpoint = find_checkpoint(Path(run))
    given = checkpoint.config()
    config, weights = from_hf(given), checkpoint.weights()
    if {name: value.shape for name, value in weights.items()} != shapes(config):
        raise BadInput(f"{checkpoint.folder}: its weights do not fit its config.json; train it anew")
    bos, stops = given["bos_token_id"], frozenset({given["bos_token_id"], given["eos_token_id"]})
    return TrainedModel(config, weights, bos, stops, checkpoint.step, checkpoint.state.get("backend"))


def load_generator(run: str, backend: str | None = None) -> TextGenerator:
    """The model of a run's newest checkpoint.

    backend: by default the one that trained the run, or else one that is installed

    Raises BadInput if the folder holds no run with a checkpoint, or the backend is not installed.
    """
    model = load_model(run)
    decoder = make_decoder(backend or chosen_backend(model.backend), model.weights, model.config)
    return TextGenerator(decoder, Text(Path(run_of(run)) / "tokenizer"), model.bos, model.stops, model.step)


def chosen_backend(trained_by: str | None) -> str:
    """The backend that trained if its package is installed, or else the first one that is."""
    known = sorted(DECODERS, key=lambda name: name != trained_by)
    return next((name for name in known if find_spec(name) is not None), known[0])


def make_decoder(backend: str, weights: dict[str, np.ndarray], config: ModelConfig) -> Decoder:
    """Raises BadInput for a backend that is not known or not installed."""
    if backend not in DECODERS:
        raise BadInput(f"no backend is called '{backend}'; known: {', '.join(DECODERS)}")
    path, name = DECODERS[backend]
    try:
        module = import_module(path)
    except ModuleNotFoundError as error:
        remedy = f"install it with `pip install -e '.[{backend}]'`"
        raise BadInput(f"the backend {backend} needs {error.name}; {remedy}") from error
    return getattr(module, name)(module.on_device(weights), config)
