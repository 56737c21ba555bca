"""Memory in pages of 2 MB for what allocates and frees hundreds of megabytes many times a second."""

from __future__ import annotations

import os
import sys

VARIABLE, ASKED = "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"


def use_huge_pages() -> None:
    """Begin this process anew, under the same number, with the variable set that glibc looks at when one begins.

    A step of training on CPUs takes fresh memory for its activations each time. To enter it in pages of 4 KB costs JAX
    a quarter of the step and PyTorch an eighth. Elsewhere than on Linux, or where somebody has chosen, nothing is done.
    """
    chosen = os.environ.get(VARIABLE, "")
    if sys.platform != "linux" or "glibc.malloc.hugetlb" in chosen:
        return
    told = {**os.environ, VARIABLE: f"{chosen}:{ASKED}" if chosen else ASKED}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], told)
