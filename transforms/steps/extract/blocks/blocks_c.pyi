"""What blocks_c.pyx gives, for type checkers."""

import numpy as np

def count_kinds(texts: list[str], table: np.ndarray, counts: np.ndarray) -> None: ...
def count_words(
    texts: list[str],
    few: np.ndarray,
    heading: np.ndarray,
    fold: np.ndarray,
    keys: np.ndarray,
    rows: np.ndarray,
    votes: np.ndarray,
    found: np.ndarray,
) -> None: ...
def add_votes(
    rows: np.ndarray, asked: np.ndarray, thresholds: np.ndarray, leaves: np.ndarray, votes: np.ndarray
) -> None: ...
