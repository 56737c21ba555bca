"""The process that parses hostile HTML: pages in on standard input, text out on standard output, killed by the kernel.

Run as `python -m transforms.steps.extract.child SETTINGS_JSON` by extract_text.Extractor. Frames: a page is a uint32
length and UTF-8; a reply is a uint32 length, a float64 of CPU seconds, a bool and a text in UTF-8, or JSON if the bool
is false. An exception that is not expected ends the process; the parent then drops the page, names the exception in the
ledger and starts another child.
"""

import gc
import json
import logging
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from transforms.steps.extract.characters import without_impossible
from transforms.steps.extract.heap import give_back, keep_little
from transforms.steps.extract.trafilatura_231.studied import load_barely
from transforms.steps.extract.trafilatura_text import HIDDEN, NestedTooDeep, trafilatura_extractor

GIVE_BACK_EVERY = 250  # pages
STATUS = Path("/proc/self/status")  # Linux; elsewhere there is no memory limit
SELF_TEST = (
    "<html><body><article><h1>Gold in the gravel</h1>"
    + "<p>The pan turns slowly, and the light sand leaves it with the water while the heavy grains stay behind.</p>" * 4
    + "</article></body></html>"
)


def resiliparse_extractor(_: dict[str, Any]) -> Callable[[str], str]:
    from resiliparse.extract.html2text import extract_plain_text

    return lambda html: extract_plain_text(
        html, main_content=True, alt_texts=False, comments=False, skip_elements=HIDDEN
    )


def blocks_extractor(settings: dict[str, Any]) -> Callable[[str], str]:
    from transforms.steps.extract.blocks.main_text import main_text

    return lambda html: main_text(html, settings["format"])


EXTRACTORS = {
    "trafilatura": trafilatura_extractor,
    "resiliparse": resiliparse_extractor,
    "blocks": blocks_extractor,
}


def answer(html: str, main_text: Callable[[str], str]) -> str | dict[str, Any]:
    try:
        return main_text(without_impossible(html)).strip()
    except MemoryError:
        return {"fault": "out_of_memory"}
    except (NestedTooDeep, RecursionError):
        return {"fault": "nested_too_deep"}


def peak_mb() -> float:
    """Peak resident memory of this process in MiB; 0 where the system does not report it."""
    if not STATUS.exists():
        return 0.0
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def is_beyond(max_mb: float) -> bool:
    """Whether the peak is. getrusage takes a microsecond and says no less, but it counts what ran before exec too."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > max_mb * 1024 and peak_mb() > max_mb


def cap_memory(added_mb: int) -> None:
    """Make allocations fail at twice what a page may add.

    A parser that is refused memory may give half a page without an error. So the real limit is on the peak, which is
    looked at after each page; this cap only stops a page that would go far beyond it.
    """
    if STATUS.exists():
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + (2 * added_mb << 20), resource.RLIM_INFINITY))


def reply_to(out: BinaryIO, message: str | dict[str, Any], cpu_s: float) -> None:
    is_text = isinstance(message, str)
    body = (message if is_text else json.dumps(message)).encode("utf-8", "replace")
    out.write(struct.pack("<Id?", len(body), cpu_s, is_text) + body)
    out.flush()


def serve(settings: dict[str, Any], pages: BinaryIO, out: BinaryIO) -> None:
    main_text = EXTRACTORS[settings["extractor"]](settings)
    if not main_text(SELF_TEST):
        raise RuntimeError(f"{settings['extractor']} finds no text in a simple page")
    gc.freeze()  # what was imported never needs collecting
    max_mb = peak_mb() + settings["memory_limit_mb"]
    cap_memory(settings["memory_limit_mb"])
    reply_to(out, {"ready": True}, time.thread_time())
    for number in count():
        if len(head := pages.read(4)) < 4:
            return
        if number % GIVE_BACK_EVERY == 0:
            give_back()
        html = pages.read(struct.unpack("<I", head)[0]).decode("utf-8", "replace")
        # Not process_time: with ITIMER_PROF armed it moves by kernel ticks, and half a tick a page would be lost.
        started = time.thread_time()
        # At zero the kernel sends SIGPROF, whose default action ends the process, inside C code too.
        signal.setitimer(signal.ITIMER_PROF, settings["cpu_limit_s"])
        reply = answer(html, main_text)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if is_beyond(max_mb):
            reply = {"fault": "out_of_memory"}
        reply_to(out, reply, time.thread_time() - started)


def main() -> None:
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not break the frames
    logging.disable(logging.CRITICAL)
    keep_little()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    settings = json.loads(sys.argv[1])
    if settings["extractor"] == "trafilatura":
        load_barely()
    serve(settings, sys.stdin.buffer, out)


if __name__ == "__main__":
    main()
