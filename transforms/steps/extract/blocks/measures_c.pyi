"""What measures_c.pyx gives, for type checkers."""

import numpy as np

from transforms.steps.extract.blocks.layout import Layout
from transforms.steps.extract.blocks.lexicon import ClassNames, Lexicon

class Measures:
    def __init__(self, words: Lexicon, names: ClassNames) -> None: ...
    def of(self, page: Layout) -> tuple[np.ndarray, np.ndarray, int]: ...
