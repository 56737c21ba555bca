"""A talk with a model: what was said so far, and the next answer piece by piece, tools' results among it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from schemas.faults import BadInput
from trainer.data.chat import SYSTEM, USER, Message
from trainer.generate.chat import ChatFormat
from trainer.generate.generator import TextGenerator
from trainer.generate.sampling import Sampling, Writing, generator_of, write
from trainer.post.tools.tool import Tool, answering


class Talk:
    """Messages in tokens. Where they no longer fit into the context, BOS, the system's message and the newest stay.

    Raises BadInput for a model whose tokenizer has no tokens for a chat.
    """

    def __init__(
        self, generator: TextGenerator, sampling: Sampling, tools: Mapping[str, Tool], system: str | None = None
    ) -> None:
        self._generator, self._sampling, self._tools = generator, sampling, tools
        self._chat = ChatFormat(generator.text, generator.bos)
        if self._chat.end not in generator.stops:
            raise BadInput("the model was not trained on conversations; give a run that `bateia sft` has written")
        self._head = [] if system is None else [Message(SYSTEM, system)]
        self.reset()

    def reset(self) -> None:
        """Forget all but the system's message."""
        self._tokens = self._chat.render(self._head).tokens
        self._kept, self._turn = len(self._tokens), 0

    def answer(self, said: str) -> Iterator[str]:
        """Pieces of the answer to a message; where a tool is called, [name(argument) → result]."""
        asked = self._chat.prompt([Message(USER, said)])[1:]  # without BOS, which stands in front already
        self._tokens += asked
        self._turn += 1
        sampling = replace(self._sampling, seed=self._sampling.seed + self._turn)
        force = answering(self._chat, self._tools) if self._tools else None
        writing = Writing(self._tokens, generator_of(sampling.seed), self._kept)
        steps = write(self._generator.decoder, [writing], sampling, self._generator.stops, force)
        yield from self._generator.text.stream(self._shown(writing, steps))
        self._tokens += writing.tokens
        if not writing.ended:
            self._tokens.append(self._chat.end)

    def _shown(self, writing: Writing, steps: Iterator[object]) -> Iterator[int]:
        """Tokens as they come; a call and its result with signs around them, which have no tokens of their own."""
        encode, told = self._generator.text.encode, 0
        for _ in steps:
            for token, sampled in zip(writing.tokens[told:], writing.sampled[told:], strict=True):
                if token == self._chat.call:
                    yield from encode(" [")
                elif token == self._chat.end and not sampled:
                    yield from encode("] ")
                elif token == self._chat.end and not writing.ended:
                    yield from encode(" = ")
                else:
                    yield token
            told = len(writing.tokens)
