"""A worker process of the in-process runner: Beam's own, but quiet, deaf to Ctrl-C, and gone when its parent is."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time

LOOK_EVERY_S = 0.5


def leave_with_parent() -> None:
    """End this process once it has another parent: a killed driver must leave no worker behind."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    leave_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver handles it
    logging.disable(logging.WARNING)  # Beam's running commentary; errors still come out
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
