"""Causal attention in PyTorch.

B rows, T positions, N heads, K heads of keys and values, H width of a head, S positions looked at.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def causal_attention(q_BxTxNxH: Tensor, k_BxTxKxH: Tensor, v_BxTxKxH: Tensor, segment_ids_BxT: Tensor | None) -> Tensor:
    """Shape (B, T, N, H). segment_ids_BxT: if given, positions of another number are not looked at."""
    if segment_ids_BxT is None:
        return attend(q_BxTxNxH, k_BxTxKxH, v_BxTxKxH, None)
    same_BxTxT = segment_ids_BxT[:, :, None] == segment_ids_BxT[:, None, :]
    return attend(q_BxTxNxH, k_BxTxKxH, v_BxTxKxH, same_BxTxT.tril()[:, None])


def attend(q_BxTxNxH: Tensor, k_BxSxKxH: Tensor, v_BxSxKxH: Tensor, seen: Tensor | None) -> Tensor:
    """seen: what is looked at, bool, broadcast to (B, N, T, S); None for causal attention over T = S positions."""
    group = q_BxTxNxH.shape[2] // k_BxSxKxH.shape[2]
    q, k, v = (part.transpose(1, 2) for part in (q_BxTxNxH, k_BxSxKxH, v_BxSxKxH))
    if group > 1 and q.device.type == "cpu":  # whose kernel has no groups
        k, v = (part.repeat_interleave(group, dim=1) for part in (k, v))
        group = 1
    out = F.scaled_dot_product_attention(q, k, v, seen, is_causal=seen is None, enable_gqa=group > 1)
    return out.transpose(1, 2)
