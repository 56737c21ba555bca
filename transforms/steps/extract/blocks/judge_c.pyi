"""What judge_c.pyx gives, for type checkers."""

import numpy as np

from transforms.steps.extract.blocks.layout import Layout
from transforms.steps.extract.blocks.lexicon import ClassNames, Lexicon
from transforms.steps.extract.blocks.measures_c import Measures
from transforms.steps.extract.blocks.sheet_c import Sheet

Arguments = tuple[np.ndarray, np.ndarray, np.ndarray, int, np.ndarray]

class Judge:
    measures: Measures
    firsts: int
    def __init__(
        self, words: Lexicon, names: ClassNames, columns: int, firsts: int, first: Arguments, second: Arguments
    ) -> None: ...
    def verdicts(self, page: Layout, at_once: int = ...) -> np.ndarray: ...
    def rows(self, sheet: Sheet, start: int, width: int) -> np.ndarray: ...

def add_chances(
    rows: np.ndarray,
    asked: np.ndarray,
    thresholds: np.ndarray,
    leaves: np.ndarray,
    bias: int,
    table: np.ndarray,
    chance: np.ndarray,
) -> None: ...
def least_kept(chance: np.ndarray, words: np.ndarray) -> int: ...
