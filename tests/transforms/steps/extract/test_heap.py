"""What a page needed goes back to the system: pages of ever other sizes leave no holes behind."""

from __future__ import annotations

import platform
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from support.paths import ROOT
from support.warc import http, record
from transforms import curate
from transforms.steps.extract.extract_text import ExtractText
from transforms.steps.recipe import CurateRecipe
from transforms.units import run_here

glibc_only = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such settings")

HOLES = """
import sys
from pathlib import Path
from transforms.steps.extract.heap import give_back, keep_little

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) >> 8

def survivors(size, count):  # of pages that are freed, each with something small behind it
    pages = [(b"x" * size, bytearray(2000)) for _ in range(count)]
    return [small for _, small in pages]

if {kept_little}:
    keep_little()
once = b"x" * (30 << 20)
del once  # from here on glibc would take blocks of that size from the heap
before = resident()
kept = survivors(3 << 20, 20), survivors(300_000, 100)
grown = resident() - before
if {given_back}:
    give_back()
print(grown, resident() - before)
"""


def held_mib(kept_little: bool, given_back: bool) -> list[int]:
    """MiB that a fresh process holds of 60 MiB of large and 29 MiB of small blocks that it freed: at once, at last."""
    code = HOLES.format(kept_little=kept_little, given_back=given_back)
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    return [int(number) for number in told.stdout.split()]


@glibc_only
def test_large_blocks_go_back_at_once_and_small_ones_when_asked() -> None:
    at_once, at_last = held_mib(kept_little=True, given_back=True)
    assert 20 < at_once < 40 and at_last < 5


@glibc_only
def test_without_it_they_would_stay() -> None:
    at_once, at_last = held_mib(kept_little=False, given_back=False)
    assert at_once > 50 and at_last > 50


CHILD = """
import sys
import transforms.steps.extract.child as child

calls = []
child.GIVE_BACK_EVERY = 2
child.keep_little, child.give_back = (lambda: calls.append("keep")), (lambda: calls.append("give"))
sys.argv = ["child", '{"extractor": "resiliparse", "memory_limit_mb": 1024, "cpu_limit_s": 5}']
child.main()
sys.stderr.write(" ".join(calls))
"""


def test_the_extraction_child_gives_back_every_few_pages() -> None:
    page = b"<html><body><p>Gold.</p></body></html>"
    pages = (struct.pack("<I", len(page)) + page) * 3
    told = subprocess.run([sys.executable, "-c", CHILD], cwd=ROOT, input=pages, capture_output=True)
    assert told.stderr.decode() == "keep give give"


def test_a_curating_worker_gives_back_every_few_pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[str] = []
    monkeypatch.setattr(curate, "keep_little", lambda: calls.append("keep"))
    monkeypatch.setattr(curate, "give_back", lambda: calls.append("give"))
    monkeypatch.setattr(curate, "GIVE_BACK_EVERY", 2)
    warc = tmp_path / "a.warc"
    warc.write_bytes(record(block=http("", "HTTP/1.1 404 Not Found")) * 3)
    work = curate.CuratePages(CurateRecipe((), ExtractText(), ()))
    size = warc.stat().st_size
    units = [curate.CurateUnit(name, str(warc), size, 0, size) for name in ("one", "two")]
    run_here(work, str(tmp_path / "out"), units, lambda unit: None)
    assert calls == ["keep", *["give"] * 4]
