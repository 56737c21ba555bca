"""Decoding in PyTorch, with a cache of keys and values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from trainer.model.config import ModelConfig
from trainer.model.decoder import cache_size, matrix
from trainer.model.llama_torch import Weights, all_logits, branches, extend, last_logits, prefill
from trainer.model.scoring import Packed, score


class TorchDecoder:
    """`Decoder` on the device where the weights are."""

    def __init__(self, weights: Weights, config: ModelConfig) -> None:
        self.context = config.context
        self._weights, self._config = weights, config
        self._device = next(iter(weights.values())).device

    @torch.inference_mode()
    def begin(self, prompts: Sequence[Sequence[int]], room: int = 0) -> np.ndarray:
        lengths = [len(prompt) for prompt in prompts]
        size = cache_size(prompts, room, self.context)
        x_BxT = self._tensor(matrix(prompts, len(prompts), max(lengths)))
        self._position_B = torch.tensor(lengths, device=self._device)
        logits_BxV, self._cache = prefill(self._weights, self._config, x_BxT, self._position_B - 1, size)
        return logits_BxV.cpu().numpy()

    @torch.inference_mode()
    def append(self, tokens: Sequence[int]) -> np.ndarray:
        position_B = self._position_B.clamp(max=self._cache[0][0].shape[2] - 1)
        token_B = torch.tensor(list(tokens), device=self._device)
        self._position_B += 1
        return extend(self._weights, self._config, token_B, position_B, self._cache).cpu().numpy()

    @torch.inference_mode()
    def logits(self, tokens: list[int]) -> np.ndarray:
        return all_logits(self._weights, self._config, torch.tensor([tokens], device=self._device))[0].cpu().numpy()

    @torch.inference_mode()
    def score(self, texts: Sequence[Sequence[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        return score(texts, self._config.vocab_size, self._scores)

    def _scores(self, packed: Packed) -> tuple[np.ndarray, np.ndarray]:
        """Of each target: −log p, and whether no token was likelier; both of shape (B, T)."""
        x_BxT, position_BxT, until_BxT, target_BxT, before_BxT = map(self._tensor, packed)
        x_BxTxD = branches(self._weights, self._config, x_BxT, position_BxT, until_BxT)
        x_BxTxD = x_BxTxD.take_along_dim(before_BxT[..., None], dim=1)
        logits_BxTxV = last_logits(self._weights, self._config, x_BxTxD)
        nats_BxT = logits_BxTxV.logsumexp(-1) - logits_BxTxV.gather(-1, target_BxT[..., None])[..., 0]
        return nats_BxT.cpu().numpy(), (logits_BxTxV.argmax(-1) == target_BxT).cpu().numpy()

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).long().to(self._device)


def on_device(weights: dict[str, np.ndarray]) -> Weights:
    """Weights on a GPU if there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return {name: torch.tensor(value, device=device) for name, value in weights.items()}
