"""Decoding in PyTorch, with a cache of keys and values."""

from __future__ import annotations

import numpy as np
import torch

from trainer.model.config import ModelConfig
from trainer.model.llama_torch import Weights, empty_cache, extend


class TorchDecoder:
    """`Decoder` of one text, on the device where the weights are."""

    def __init__(self, weights: Weights, config: ModelConfig) -> None:
        self.context = config.context
        self._weights, self._config = weights, config
        self._device = next(iter(weights.values())).device
        self.reset()

    def reset(self) -> None:
        self._cache = empty_cache(self._config, 1, self.context, self._device)
        self._read = 0

    @torch.inference_mode()
    def read(self, tokens: list[int]) -> np.ndarray:
        logits_TxV = self._extend(tokens, self._read)
        self._read += len(tokens)
        return logits_TxV[-1].cpu().numpy()

    @torch.inference_mode()
    def logits(self, tokens: list[int]) -> np.ndarray:
        cache_of_read = self._cache
        self._cache = empty_cache(self._config, 1, len(tokens), self._device)
        try:
            return self._extend(tokens, 0).cpu().numpy()
        finally:
            self._cache = cache_of_read

    def _extend(self, tokens: list[int], start: int) -> torch.Tensor:
        x_1xT = torch.tensor([tokens], device=self._device)
        return extend(self._weights, self._config, x_1xT, self._cache, start)[0]


def on_device(weights: dict[str, np.ndarray]) -> Weights:
    """Weights on a GPU if there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return {name: torch.tensor(value, device=device) for name, value in weights.items()}
