"""Main text out of HTML, in a child process that can be killed.

Web pages are hostile: a parser can loop, eat memory or crash, and Python can't interrupt C code. So HTML is parsed in
a child that the kernel stops at a CPU time and a memory limit per page. Both limits count the child's own use, not the
wall clock, so a loaded machine drops no page that an idle one keeps.
"""

from __future__ import annotations

import json
import os
import select
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, ClassVar, Literal, Self

from schemas.document import Page
from schemas.setting import setting
from schemas.verdict import Drop
from transforms.steps.extract.language_gate import LanguageGate
from transforms.steps.step import LANGUAGE_MODEL, AssetRef, Step
from transforms.steps.text.language_model import load_model, require_labels

ROOT = str(Path(__file__).parents[3])
OUT_OF_MEMORY = "out_of_memory"
MAX_DEATHS_IN_A_ROW = 25  # that many pages in a row that kill the child are a broken installation, not hostile pages


@dataclass(frozen=True)
class ExtractText(Step):
    """HTML to main text, by trafilatura, resiliparse or Bateia's own choice of blocks (blocks/README.md).

    trafilatura runs as FineWeb runs it: precision favoured, no comments, repeated segments within the page removed. Its
    cache of segments is a new one for each page: with one cache for all pages, as in datatrove, a page's text would
    depend on the pages before it.
    """

    stage: ClassVar[str] = "extract"

    extractor: Literal["trafilatura", "resiliparse", "blocks"] = setting(
        "trafilatura", "library, or blocks: our own", "FineWeb, arXiv 2406.17557 section 3.2"
    )
    format: Literal["text", "markdown"] = setting("text", "form of the text that blocks gives")
    favor: Literal["precision", "recall", "balance"] = setting(
        "precision", "trafilatura's preference", "datatrove examples/fineweb.py"
    )
    fast: bool = setting(False, "trafilatura without its fallback algorithms")
    deduplicate: bool = setting(True, "remove segments repeated within the page", "datatrove Trafilatura")
    gate: LanguageGate | None = setting(None, "language gate before extraction")
    max_html_chars: int = setting(5_000_000, "longest page parsed", "Common Crawl cuts bodies at 5 MiB")
    max_tags: int = setting(100_000, "most '<' in a page parsed", "Bateia; cost grows with elements")
    cpu_limit_s: float = setting(5.0, "CPU seconds per page", "Bateia; the slowest of 1,994 real pages took 0.27")
    memory_limit_mb: int = setting(1024, "MiB that parsing may add", "Bateia")
    pages_per_child: int = setting(2000, "pages before the child is recycled")

    def assets(self) -> tuple[AssetRef, ...]:
        return () if self.gate is None else (AssetRef("gate_model", LANGUAGE_MODEL, self.gate.model),)

    def setup(self, languages: tuple[str, ...] = ()) -> None:
        """Load the gate's model. Raises ValueError if its file is gone or no model."""
        if self.gate is not None:
            load_model(self.gate.model)

    def validate(self) -> None:
        """Raises BadInput for a language of the gate that its model doesn't have."""
        if self.gate is not None:
            require_labels(self.gate.languages, self.gate.model)

    def bound(self, paths: Mapping[str, str]) -> Self:
        return self if self.gate is None else replace(self, gate=replace(self.gate, model=paths["gate_model"]))


class ExtractorDied(RuntimeError):
    """The extraction child can't start, or dies on every page: the installation is broken."""


class Extractor:
    """Runs one extraction child. Use as a context manager; `extract` is called page by page, in order."""

    def __init__(self, settings: ExtractText) -> None:
        self.settings = settings
        self.cpu_s = 0.0  # CPU seconds used by children, start-up included
        self._child: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._pages = 0
        self._deaths = 0

    def __enter__(self) -> Extractor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def extract(self, page: Page) -> str | Drop:
        """Return the main text of `page`, never empty, or why there is none.

        Raises ExtractorDied if the child can't start or dies on many pages in a row.
        """
        if (fault := self._too_large(page.html)) is not None:
            return fault
        gate = self.settings.gate
        if gate is not None and (drop := gate(page.html)) is not None:
            return drop
        if self._child is None:
            self._start()
        reply = self._ask(page.html)
        if reply is None:
            return self._drop_for_dead_child()
        self._deaths = 0
        self._pages += 1
        if self._pages >= self.settings.pages_per_child or reply.get("fault") == OUT_OF_MEMORY:
            self.close()
        return self._verdict(reply)

    def close(self) -> None:
        """Stop the child, if one runs."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    def _too_large(self, html: str) -> Drop | None:
        if len(html) > self.settings.max_html_chars:
            return Drop(ExtractText.stage, "html_too_long", len(html), self.settings.max_html_chars)
        if (tags := html.count("<")) > self.settings.max_tags:
            return Drop(ExtractText.stage, "too_many_tags", tags, self.settings.max_tags)
        return None

    def _verdict(self, reply: dict) -> str | Drop:
        match reply:
            case {"text": str(text)} if text:
                return text
            case {"text": _}:
                return Drop(ExtractText.stage, "no_main_text")
        return Drop(ExtractText.stage, str(reply["fault"]))

    def _start(self) -> None:
        # The child's messages go to a file: the worker's stderr may be a pipe that nobody reads, and would block it.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "transforms.steps.extract.child", json.dumps(asdict(self.settings))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,  # Ctrl-C is for the parent to handle
            env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join([ROOT, *filter(None, sys.path)])},
        )
        self._pages = 0
        ready = self._read_reply(timeout_s=120)
        if ready != {"ready": True}:
            message = self._child_error()
            self.close()
            raise ExtractorDied(f"the extraction child can't start ({message}); reinstall with `pip install -e .`")

    def _ask(self, html: str) -> dict | None:
        assert self._child is not None and self._child.stdin is not None
        body = html.encode("utf-8", "replace")
        try:
            self._child.stdin.write(struct.pack("<I", len(body)))
            self._child.stdin.write(body)
            self._child.stdin.flush()
        except BrokenPipeError:
            return None
        del body  # megabytes, while the child takes its own
        # The CPU limit ends every loop; the wall clock is for a child that sleeps, which no page should bring about.
        return self._read_reply(timeout_s=60 * self.settings.cpu_limit_s)

    def _read_reply(self, timeout_s: float) -> dict | None:
        assert self._child is not None and self._child.stdout is not None
        if not select.select([self._child.stdout], [], [], timeout_s)[0]:
            return None
        head = self._child.stdout.read(13)
        if len(head) < 13:
            return None
        length, cpu_s, is_text = struct.unpack("<Id?", head)
        body = self._child.stdout.read(length)
        if len(body) < length:
            return None
        self.cpu_s += cpu_s
        return {"text": body.decode()} if is_text else json.loads(body)

    def _drop_for_dead_child(self) -> Drop:
        """Drop the page that killed the child, for the cause of its end. The next page starts a new child."""
        assert self._child is not None
        self._child.kill()
        self._child.wait()
        code, message = self._child.returncode, self._child_error()
        self.close()
        self._deaths += 1
        if self._deaths >= MAX_DEATHS_IN_A_ROW:
            raise ExtractorDied(
                f"the extraction child died on {self._deaths} pages in a row; its last message: {message}"
            )
        if code == -SIGPROF:
            self.cpu_s += self.settings.cpu_limit_s
            return Drop(ExtractText.stage, "cpu_limit", self.settings.cpu_limit_s, self.settings.cpu_limit_s)
        if code > 0:
            return Drop(ExtractText.stage, "extractor_error", detail=message)
        return Drop(ExtractText.stage, "extractor_crash", detail=f"signal {-code}")

    def _child_error(self) -> str:
        """The last line that the child wrote to standard error, 200 characters at most."""
        if self._stderr is None:
            return ""
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - 4096))
        lines = self._stderr.read().decode("utf-8", "replace").split("\n")
        return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")


SIGPROF = 27  # what the kernel sends at the end of ITIMER_PROF; its number is the same on Linux and macOS
