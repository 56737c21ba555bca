"""Read by Python as it starts, where this folder is in PYTHONPATH: a run's processes kill as they are asked to.

The child that extracts is none of them: it writes nothing.
"""

import os
import sys

from support.killing import KILL_AT, Killing, install

if KILL_AT in os.environ and {"pipelines", "pipelines.engine.worker"} & set(sys.orig_argv):
    install(Killing.from_json(os.environ[KILL_AT]))
