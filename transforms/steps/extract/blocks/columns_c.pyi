"""What columns_c.pyx gives, for type checkers."""

import numpy as np

from transforms.steps.extract.blocks.sheet_c import Sheet

def features_of(sheet: Sheet, rows: np.ndarray, start: int) -> None: ...
def context_of(sheet: Sheet, rows: np.ndarray, start: int) -> None: ...
