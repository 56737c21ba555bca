"""A base model, made to show what it is: its dreams, what of them it recites and from where, and what it makes up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipelines.lineage.passages import LEAST, Passage, find_passages
from pipelines.reports.model.base import BaseReport, Continuation, Piece, Source, Written
from pipelines.reports.model.fewshot import FewShotReport
from pipelines.reports.model.memorization import MemorizationReport
from pipelines.reports.render import decode
from schemas.faults import BadInput
from schemas.setting import setting
from schemas.shards.layout import TRAIN, VAL, ShardsInfo
from trainer.generate.generator import TextGenerator, load_generator
from trainer.generate.sampling import Sampling, generate
from trainer.probes.documents import Document, DocumentTokens, trained_on
from trainer.probes.fewshot import FewShotSettings, measure_few_shot
from trainer.probes.memorization import measure_memorization
from trainer.probes.prompts import ExtractionSettings
from trainer.run.checkpoints import run_of
from transforms.steps.tokens.tokenizer import Tokenizer, load_tokenizer

TEMPERATURES = (0.0, 0.5, 1.0, 1.5)
PROMPT_TOKENS = 12  # of a held-out page, where none is given
CONTINUED = 3  # held-out pages
PREFIX, CONTINUATION = (
    32,
    64,
)  # tokens of a prompt from training text and of what follows, as `bateia memorize` has them


@dataclass(frozen=True)
class BaseSettings:
    """What the page is made of. Raises BadInput for numbers that can't be."""

    prompt: str | None = setting(
        None, "what is continued at four temperatures", none="the first words of a held-out page", metavar="TEXT"
    )
    question: str = setting("What is gold?", "asked as if the model could answer", metavar="TEXT")
    dreams: int = setting(6, "documents from their beginning", metavar="N")
    tokens: int = setting(120, "of a text, at most", metavar="N")
    items: int = setting(16, "questions of a task with examples, at most", metavar="N")
    seed: int = setting(1, "of everything that is drawn", metavar="N")

    def __post_init__(self) -> None:
        if self.dreams < 1 or self.tokens < 1 or self.items < 4 or self.seed < 0:
            raise BadInput("dreams and tokens are 1 or more, items 4 or more, a seed 0 or more")


@dataclass(frozen=True)
class Draft:
    """A text before it is known what of it stands elsewhere. numbers: its tokens."""

    prompt: str
    numbers: list[int]
    sampling: Sampling

    @property
    def ended(self) -> bool:
        return len(self.numbers) < self.sampling.tokens


def show_base(
    run: str,
    shards: str,
    settings: BaseSettings,
    backend: str | None = None,
    progress: Callable[[str], None] = lambda what: None,
) -> BaseReport:
    """Let a run's model write, and look for what it wrote in the shards that it was trained on.

    backend: by default the one that trained the run
    progress: is told what is being done

    Raises BadInput if these can't be read or do not fit.
    """
    generator = load_generator(run, backend)
    info, _ = trained_on(run, shards)
    tokenizer = load_tokenizer(f"{run_of(run)}/tokenizer")
    least = PROMPT_TOKENS + min(settings.tokens, generator.decoder.context // 2)
    pages = DocumentTokens(info, VAL).drawn(CONTINUED, least, settings.seed)
    writer = Writer(generator, tokenizer, settings)
    progress("dreaming")
    dreams = [writer.write("", replace(writer.sampling, seed=settings.seed + at)) for at in range(settings.dreams)]
    prompt = settings.prompt or (writer.text(pages[0].tokens[1:PROMPT_TOKENS]) if pages else "")
    temperatures = [writer.write(prompt, replace(writer.sampling, temperature=value)) for value in TEMPERATURES]
    asked = writer.write(settings.question, writer.sampling)
    continued = [writer.go_on(page) for page in pages]
    drafts = [*dreams, *temperatures, asked, *continued]
    held_out = [page.tokens[1:] for page in pages]
    passages = find_passages(
        info,
        [*(np.array(draft.numbers, np.int64) for draft in drafts), *held_out],
        LEAST,
        lambda done, of: progress(f"looking for what is recited in shard {done + 1} of {of}"),
    )
    written = [writer.finished(draft, found) for draft, found in zip(drafts, passages, strict=False)]
    last = len(dreams) + len(TEMPERATURES)
    return BaseReport(
        run=run,
        step=generator.step,
        least=LEAST,
        dreams=tuple(written[: len(dreams)]),
        dreamt_share=recited_share([draft.numbers for draft in dreams], passages),
        held_out_share=recited_share(held_out, passages[len(drafts) :]),
        temperatures=tuple(written[len(dreams) : last]),
        asked=written[last],
        continued=tuple(map(writer.beside, pages, continued, written[last + 1 :])),
        memorization=memorized(run, info, settings, generator, backend, progress),
        few_shot=few_shot(run, info, settings, backend, progress),
    )


class Writer:
    """Writes texts with a model and tells them in pieces."""

    def __init__(self, generator: TextGenerator, tokenizer: Tokenizer, settings: BaseSettings) -> None:
        self._generator, self._tokenizer = generator, tokenizer
        self.sampling = Sampling(settings.tokens, seed=settings.seed)

    def text(self, numbers: Sequence[int] | np.ndarray) -> str:
        return b"".join(self._tokenizer.pieces[int(number)] for number in numbers).decode("utf-8", "replace")

    def write(self, prompt: str, sampling: Sampling) -> Draft:
        return self._drawn(prompt, self._generator.text.encode(prompt), sampling)

    def go_on(self, page: Document) -> Draft:
        """What follows the first words of a page, greedily."""
        numbers = page.tokens[1:PROMPT_TOKENS].tolist()
        return self._drawn(self.text(numbers), numbers, replace(self.sampling, temperature=0))

    def _drawn(self, prompt: str, numbers: list[int], sampling: Sampling) -> Draft:
        given = [self._generator.bos, *numbers]
        return Draft(prompt, list(generate(self._generator.decoder, given, sampling, self._generator.stops)), sampling)

    def finished(self, draft: Draft, passages: list[Passage]) -> Written:
        return Written(
            prompt=draft.prompt,
            seed=draft.sampling.seed,
            temperature=draft.sampling.temperature,
            pieces=tuple(self._pieces(draft.numbers, passages)),
            tokens=len(draft.numbers),
            ended=draft.ended,
        )

    def _pieces(self, numbers: list[int], passages: list[Passage]) -> list[Piece]:
        pieces, reached = [], 0
        for passage in passages:
            if passage.begin > reached:
                pieces.append(Piece(self.text(numbers[reached : passage.begin]), None))
            source = Source(passage.tokens, passage.url, passage.warc_file, passage.warc_offset)
            pieces.append(Piece(self.text(numbers[passage.begin : passage.end]), source))
            reached = passage.end
        if reached < len(numbers):
            pieces.append(Piece(self.text(numbers[reached:]), None))
        return pieces

    def beside(self, page: Document, draft: Draft, written: Written) -> Continuation:
        own = page.tokens[PROMPT_TOKENS : PROMPT_TOKENS + self.sampling.tokens].tolist()
        differs = [one != other for one, other in zip(own, draft.numbers, strict=False)]
        same = differs.index(True) if True in differs else len(differs)
        return Continuation(page.url, written.prompt, self.text(own), written, same)


def recited_share(texts: Sequence[Sequence[int] | np.ndarray], passages: list[list[Passage]]) -> float | None:
    """Of the texts' tokens, those in passages. passages: of each text, and maybe more."""
    whole = sum(len(text) for text in texts)
    told = sum(passage.tokens for found in passages[: len(texts)] for passage in found)
    return told / whole if whole else None


def memorized(
    run: str,
    shards: ShardsInfo,
    settings: BaseSettings,
    generator: TextGenerator,
    backend: str | None,
    progress: Callable[[str], None],
) -> MemorizationReport | None:
    """As `bateia memorize` measures it. None where no document is long enough."""
    prefix = min(PREFIX, generator.decoder.context // 3)
    asked = ExtractionSettings(prefix, min(CONTINUATION, generator.decoder.context - prefix), seed=settings.seed)
    if not DocumentTokens(shards, TRAIN).drawn(1, asked.least_tokens, settings.seed):
        return None
    progress("asking for training text")
    found = measure_memorization(run, shards.folder, asked, backend)
    return decode(found.to_json(), MemorizationReport, "the measurement")


def few_shot(
    run: str, shards: ShardsInfo, settings: BaseSettings, backend: str | None, progress: Callable[[str], None]
) -> FewShotReport | None:
    """As `bateia few-shot` measures it, of fewer questions. None where nothing is held out, or too little."""
    if not DocumentTokens(shards, VAL).drawn(1, 1, settings.seed):
        return None
    asked = FewShotSettings((0, 1, 4, 16), settings.items, seed=settings.seed)

    def tell(task: str) -> None:
        progress(f"examples of {task}")

    found = measure_few_shot(run, shards.folder, asked, backend, tell)
    return decode(found.to_json(), FewShotReport, "the evaluation") if found.tasks else None
