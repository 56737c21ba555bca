#!/usr/bin/env python3
"""Beam's runner `prism`, which ends with the process that began it: that may be killed, and leaves without a word when
it is stopped. Beam gives it options alone, so the program is looked for on the path, as `--engine` did.

Ctrl-C comes here too, and is the driver's, which cancels its job first; what the driver itself sends is heeded.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

POLL_S = 0.2
ENDING = {signal.SIGINT, signal.SIGTERM}


def main() -> int:
    driver = os.getppid()
    if hasattr(signal, "sigtimedwait"):
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    child = subprocess.Popen([shutil.which("prism") or "prism", *sys.argv[1:]], start_new_session=True)
    if not hasattr(signal, "sigtimedwait"):  # macOS: nothing tells whose a signal was
        for number in ENDING:
            signal.signal(number, lambda *_: child.kill())
    while child.poll() is None and os.getppid() == driver and not is_told_to_end(driver):
        pass
    child.kill()
    return child.wait()


def is_told_to_end(driver: int) -> bool:
    """Wait a moment for a signal that is meant for this process."""
    if not hasattr(signal, "sigtimedwait"):
        time.sleep(POLL_S)
        return False
    signalled = signal.sigtimedwait(ENDING, POLL_S)
    return signalled is not None and (signalled.si_pid == driver or signalled.si_signo == signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
