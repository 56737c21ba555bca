"""A worker process of the in-process runner: Beam's own, but quiet, ignoring Ctrl-C, and ending with its parent."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from types import TracebackType

from transforms.lean_beam import load_beam

POLL_INTERVAL_S = 0.5
DRIVER = "BATEIA_DRIVER"  # process id of the driver: if that ended before the first look, getppid would be another's


def exit_with_parent() -> None:
    """End this process once its parent is not the driver: a killed driver must leave no worker behind."""
    parent = int(os.environ.get(DRIVER) or os.getppid())

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_INTERVAL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def delay_exception_output() -> None:
    """Delay the printing of exceptions: when the driver ends, connections break first, and this process is about to
    exit anyway."""
    in_thread, at_top = threading.excepthook, sys.excepthook

    def later_in_thread(args: threading.ExceptHookArgs) -> None:
        time.sleep(3 * POLL_INTERVAL_S)
        in_thread(args)

    def later_at_top(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        time.sleep(3 * POLL_INTERVAL_S)
        at_top(kind, error, trace)

    threading.excepthook, sys.excepthook = later_in_thread, later_at_top


def main() -> None:
    exit_with_parent()
    delay_exception_output()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver handles it
    os.environ.pop("LOGGING_API_SERVICE_DESCRIPTOR", None)
    logging.disable()  # Beam's log; what a step raises reaches the driver all the same
    load_beam()
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
