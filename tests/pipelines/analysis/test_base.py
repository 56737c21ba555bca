"""`bateia base`: what a model recites is told with its page, and what it makes up is not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from pipelines.analysis.base import CONTINUED, PROMPT_TOKENS, BaseSettings, show_base
from pipelines.reports.model.base import BaseReport, Piece, Source, render_page
from schemas.faults import BadInput
from schemas.shards.layout import TRAIN, VAL, read_shards
from support.decoders import LogitsAlone
from support.pages import Strict
from support.runs import uneven_weights, write_run
from trainer.generate.generator import TextGenerator
from trainer.generate.text import Text
from trainer.model.config import ModelConfig
from trainer.probes.documents import Document, DocumentTokens

pytest.importorskip("torch", reason="the torch extra is not installed")

Call = Callable[..., subprocess.CompletedProcess[str]]

NOISE = [399] * 5  # no document has it
KNOWN = 9  # tokens of a held-out page that the parrot knows


class Parrot(LogitsAlone):
    """`Decoder` of a model that knows what follows some prompts, and nothing else. It is only asked to write.

    known: the tokens that follow each prompt; then it ends its text
    """

    def __init__(self, context: int, known: dict[tuple[int, ...], list[int]], bos: int) -> None:
        self.context, self._known, self._bos = context, known, bos
        self._texts: list[list[int]] = []

    def begin(self, prompts: Sequence[Sequence[int]], room: int = 0) -> np.ndarray:
        self._texts = [list(prompt) for prompt in prompts]
        return self._next()

    def append(self, tokens: Sequence[int]) -> np.ndarray:
        for text, token in zip(self._texts, tokens, strict=True):
            text.append(token)
        return self._next()

    def _next(self) -> np.ndarray:
        rows = []
        for whole in self._texts:
            text = tuple(whole[1:])
            prompt = max((one for one in self._known if text[: len(one)] == one), key=len)
            rest = [*self._known[prompt], self._bos][len(text) - len(prompt) :]
            rows.append(50 * np.eye(1, 400, rest[0], dtype=np.float32)[0])
        return np.stack(rows)


@pytest.fixture(scope="module")
def run(small_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the shards whose weights nobody trained."""
    config = ModelConfig(400, 64, dim=16, layers=1, heads=2, kv_heads=1, hidden=24)
    return write_run(tmp_path_factory.mktemp("base") / "run", config, uneven_weights(config), shards=small_shards)


@pytest.fixture(scope="module")
def pages(small_shards: Path) -> dict[str, list[Document]]:
    info = read_shards(str(small_shards))
    return {split: [one for one in DocumentTokens(info, split).all() if len(one.tokens) > 60] for split in (TRAIN, VAL)}


@pytest.fixture(scope="module")
def report(run: Path, small_shards: Path, pages: dict[str, list[Document]]) -> Iterator[BaseReport]:
    info, text = read_shards(str(small_shards)), Text(small_shards / "tokenizer")
    known: dict[tuple[int, ...], list[int]] = {(): [*pages[TRAIN][3].tokens[5:25].tolist(), *NOISE]}
    known[tuple(text.encode("What is gold?"))] = NOISE
    for page in DocumentTokens(info, VAL).all():
        tokens = page.tokens.tolist()
        known[tuple(tokens[1:PROMPT_TOKENS])] = [*tokens[PROMPT_TOKENS : PROMPT_TOKENS + KNOWN], *NOISE]
    generator = TextGenerator(Parrot(64, known, info.bos_id), text, info.bos_id, frozenset({info.bos_id}), 7)
    with mock.patch("pipelines.analysis.base.load_generator", return_value=generator):
        yield show_base(str(run), str(small_shards), BaseSettings(dreams=2, tokens=30, items=4), "torch")


@pytest.mark.slow
def test_what_a_dream_recites_is_told_with_its_page(report: BaseReport, pages: dict[str, list[Document]]) -> None:
    page = pages[TRAIN][3]
    assert len(report.dreams) == 2 and report.dreams[0].ended and report.dreams[0].tokens == 25
    recited, invented = report.dreams[0].pieces
    assert recited.source == Source(20, page.url, page.warc_file, page.warc_offset)
    assert invented.source is None and report.dreams[0].sources == [recited.source]
    assert report.dreamt_share == 20 / 25
    assert report.held_out_share is not None and report.held_out_share < 0.5


@pytest.mark.slow
def test_a_held_out_page_goes_on_otherwise(report: BaseReport) -> None:
    assert len(report.continued) == CONTINUED
    for one in report.continued:
        assert one.same == KNOWN and one.written.prompt == one.prompt
        written = "".join(piece.text for piece in one.written.pieces)
        assert one.page[:9] == written[:9] and one.page != written


@pytest.mark.slow
def test_temperatures_and_questions(report: BaseReport) -> None:
    assert [written.temperature for written in report.temperatures] == [0, 0.5, 1, 1.5]
    assert {written.prompt for written in report.temperatures} == {report.continued[0].prompt}
    assert (report.asked.prompt, report.asked.tokens) == ("What is gold?", 5)
    assert all(isinstance(piece, Piece) and piece.source is None for piece in report.asked.pieces)


@pytest.mark.slow
def test_weights_that_know_nothing_recite_nothing(report: BaseReport) -> None:
    """Memorization and examples are asked of the run itself."""
    assert report.memorization is not None and report.few_shot is not None
    assert report.memorization.asked["rows"].prompts and not report.memorization.asked["rows"].extracted
    assert (report.few_shot.step, report.few_shot.items) == (7, 4)


@pytest.mark.slow
def test_the_page(report: BaseReport, pages: dict[str, list[Document]]) -> None:
    page = render_page(report, {"bateia": "0.1.0"})
    seen = Strict(page).seen
    for told in (pages[TRAIN][3].url, "80.0 %", "20 tokens", "What is gold?", f"{KNOWN} tokens alike", "after 7 steps"):
        assert str(told).replace(" %", "\u00a0%") in seen
    assert page.count("<mark>") > 4


@pytest.mark.slow
def test_the_command(run: Path, small_shards: Path, bateia: Call, tmp_path: Path) -> None:
    page = tmp_path / "base.html"
    given = ("--run", f"{run}@7", "--shards", small_shards, "--html", page, "--backend", "torch")
    ended = bateia("base", *given, "--dreams", 1, "--tokens", 5, "--items", 4, "--prompt", "<b>")
    assert (ended.returncode, ended.stdout) == (0, f"open {page} in a browser; it needs no network\n"), ended.stderr
    assert "&lt;b&gt;" in page.read_text() and "<b><b>" not in page.read_text()
    ended = bateia("base", *given, "--dreams", 0)
    assert ended.returncode == 2 and "dreams and tokens are 1 or more" in ended.stderr


def test_other_shards_are_refused(run: Path, small_shards: Path, tmp_path: Path) -> None:
    config = ModelConfig(400, 64, 8, 1, 1, 1, 8)
    other = write_run(tmp_path / "other", config, uneven_weights(config))
    (other / "run.json").write_text((run / "run.json").read_text().replace('"plan_hash": "', '"plan_hash": "x'))
    with pytest.raises(BadInput, match="trained on other shards"):
        show_base(str(other), str(small_shards), BaseSettings(), "torch")
