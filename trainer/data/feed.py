"""Batches made ahead in a thread while the model computes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from trainer.data.batches import Batch


class Feed:
    """Batches of steps in their order, some of them made before they are asked for.

    read: the batch of a step, a pure function
    steps: those to read, in this order
    threads: that read; one keeps up with any model, as reading is a copy from memory-mapped files
    ahead: batches that are made before they are asked for; 0 makes each when it is asked for
    waited_s: seconds that `next` has waited so far
    """

    def __init__(self, read: Callable[[int], Batch], steps: range, threads: int = 1, ahead: int = 4) -> None:
        self.waited_s = 0.0
        self._pool = ThreadPoolExecutor(threads, "feed")
        submitted = (self._pool.submit(read, step) for step in steps)
        self._coming = deque(islice(submitted, ahead))
        self._submitted, self._ahead = submitted, ahead

    def next(self) -> Batch:
        """The next step's batch. Raises what reading it raised, and StopIteration after the last one."""
        began = time.perf_counter()
        if not self._coming:
            self._coming.extend(islice(self._submitted, 1))
        if not self._coming:
            raise StopIteration
        batch = self._coming.popleft().result()
        self.waited_s += time.perf_counter() - began
        if self._ahead:
            self._coming.extend(islice(self._submitted, 1))
        return batch

    def close(self) -> None:
        """Make no more batches."""
        self._pool.shutdown(cancel_futures=True)
