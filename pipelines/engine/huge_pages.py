"""Memory in pages of 2 MB for what allocates and frees hundreds of megabytes many times a second."""

from __future__ import annotations

import os
import sys

VARIABLE, ASKED = "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"


def use_huge_pages() -> None:
    """Re-exec this process (same PID) with GLIBC_TUNABLES set, which glibc reads only at the start of a process.

    A step of training on CPUs takes fresh memory for its activations each time. Page faults of 4 KB cost JAX a
    quarter of the step and PyTorch an eighth. Does nothing on systems other than Linux, or if the variable already
    sets malloc.hugetlb.
    """
    chosen = os.environ.get(VARIABLE, "")
    if sys.platform != "linux" or "glibc.malloc.hugetlb" in chosen:
        return
    environment = {**os.environ, VARIABLE: f"{chosen}:{ASKED}" if chosen else ASKED}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
