"""The C library's heap, of which freed memory goes back to the system.

glibc keeps what was freed: once a large block was, blocks of up to 32 MiB come from the heap, and small ones that live
longer keep the space between them from ever going back. Pages differ a thousandfold in size, so a process that reads
thousands of them comes to hold tens of MiB that nothing uses.
"""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of malloc.h
# What is large goes back as soon as it is freed, and page faults bring it anew: with glibc's own first 128 KiB these
# take a millisecond a web page, with 2 MiB nothing to speak of.
LARGE_BYTES, SPARE_BYTES = 2 << 20, 8 << 20


def keep_little() -> None:
    """Have every large block come from the system and go back to it, from now on; does nothing without glibc.

    Arrow then takes its memory from there too: what its own pool keeps, 10 MiB, is never lent to anybody else.
    """
    c = ctypes.CDLL(None)
    if hasattr(c, "mallopt"):
        c.mallopt(MMAP_THRESHOLD, LARGE_BYTES)
        c.mallopt(TRIM_THRESHOLD, SPARE_BYTES)
        if (pyarrow := sys.modules.get("pyarrow")) is not None:
            pyarrow.set_memory_pool(pyarrow.system_memory_pool())


def give_back() -> None:
    """Give back what is free now, also what lies between blocks in use, and what Arrow keeps. Takes a millisecond."""
    c = ctypes.CDLL(None)
    if hasattr(c, "malloc_trim"):
        c.malloc_trim(0)
    if (pyarrow := sys.modules.get("pyarrow")) is not None:
        pyarrow.default_memory_pool().release_unused()
