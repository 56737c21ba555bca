"""Texts that a model in training writes at each evaluation: samples.jsonl."""

from __future__ import annotations

from pathlib import Path

from trainer.generate.generator import TextGenerator
from trainer.generate.sampling import Sampling
from trainer.generate.text import Text
from trainer.run.folder import SAMPLES
from trainer.run.job import TrainJob
from trainer.run.loop import Hook, Training


class SampleTexts(Hook):
    """Samples a new document and a continuation of each prompt, from the same seed each time.

    tokens: length of a text at most
    prompts: what to continue

    Raises BadInput if the shards' tokenizer can't be read, or for a prompt that is no UTF-8.
    """

    def __init__(self, job: TrainJob, tokens: int, prompts: tuple[str, ...] = ()) -> None:
        self._text = Text(Path(job.shards.folder) / "tokenizer")
        self._prompts = ("", *prompts)
        self._sampling = Sampling(tokens, seed=job.settings.seed)
        self._bos, eos = job.shards.bos_id, job.shards.eos_id
        self._stops = frozenset({self._bos} if eos is None else {self._bos, eos})
        for prompt in prompts:
            self._text.encode(prompt)

    def on_eval(self, training: Training) -> None:
        decoder = training.backend.decoder()  # in all processes: sharded weights are gathered
        if not training.is_first:
            return
        generator = TextGenerator(decoder, self._text, self._bos, self._stops, training.steps)
        for prompt in self._prompts:
            sample = generator.write(prompt, self._sampling)
            training.log(SAMPLES, {"step": training.steps, "prompt": prompt, "text": sample.text})
