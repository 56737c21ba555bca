"""A sample of documents that depends on their ids and a seed alone, not on files or their order."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b


def sample_key(document_id: str, seed: int) -> float:
    """A number from 0 to below 1, by which documents are drawn: a share s takes those with a number below s."""
    hashed = blake2b(f"{seed}\x00{document_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(hashed, "little") / (1 << 64)


def shares(sizes: Mapping[str, int], weights: Mapping[str, float] | None, budget: int) -> dict[str, float]:
    """The share of each language's documents to take, so that their sizes add up to about `budget`.

    sizes: of all documents, by language
    weights: parts of the sample, by language; None takes languages in proportion to their sizes
    budget: in the unit of the sizes

    A language with less than its part is taken whole. Raises ValueError for a language that is not there, and for
    weights that are not above 0.
    """
    total = sum(sizes.values())
    wanted = weights if weights is not None else {name: size / total for name, size in sizes.items() if total}
    if strange := sorted(set(wanted) - set(sizes)):
        raise ValueError(f"there are no documents in {', '.join(strange)}; there are {', '.join(sorted(sizes))}")
    if any(weight <= 0 for weight in wanted.values()):
        raise ValueError("weights of languages are numbers above 0")
    whole = sum(wanted.values())
    return {name: min(1.0, budget * weight / whole / max(sizes[name], 1)) for name, weight in wanted.items()}
