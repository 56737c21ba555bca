"""A talk with a model: what was said so far, and the next answer piece by piece, tools' results among it.

In a careful talk it is the talk that decides about a search, by how sure the model is, and not the model itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from schemas.faults import BadInput
from trainer.data.chat import ASSISTANT, SYSTEM, USER, Message
from trainer.generate.chat import ChatFormat
from trainer.generate.generator import TextGenerator
from trainer.generate.sampling import Sampling, Writing, generator_of, write
from trainer.post.tools.careful import Answer, answer_carefully
from trainer.post.tools.tool import Tool, answering


class Talk:
    """Messages in tokens. Where they no longer fit into the context, BOS, the system's message and the newest stay.

    Raises BadInput for a model whose tokenizer has no tokens for a chat.
    """

    def __init__(
        self, generator: TextGenerator, sampling: Sampling, tools: Mapping[str, Tool], system: str | None = None
    ) -> None:
        self._generator, self._sampling, self._tools = generator, sampling, tools
        self._chat = chat_of(generator)
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


class CarefulTalk:
    """Greedy answers that are looked up where the model is unsure (`answer_carefully`). What was said stays, what was
    looked up does not; where it no longer fits into the context, BOS and the newest stay.

    Raises BadInput as `Talk` does.
    """

    def __init__(
        self, generator: TextGenerator, tools: Mapping[str, Tool], tokens: int, least: float, system: str | None = None
    ) -> None:
        self._generator, self._tools, self._tokens, self._least = generator, tools, tokens, least
        self._chat = chat_of(generator)
        self._head = [] if system is None else [Message(SYSTEM, system)]
        self.reset()

    def reset(self) -> None:
        """Forget all but the system's message."""
        self._messages = list(self._head)

    def answer(self, said: str) -> Answer:
        self._messages.append(Message(USER, said))
        given = self._generator.decoder, self._chat, [self._messages], self._tools, self._tokens, self._least
        [answer] = answer_carefully(*given)
        self._messages.append(Message(ASSISTANT, answer.text or answer.draft))
        return answer


def chat_of(generator: TextGenerator) -> ChatFormat:
    """Raises BadInput for a model whose messages have no end."""
    chat = ChatFormat(generator.text, generator.bos)
    if chat.end not in generator.stops:
        raise BadInput("the model was not trained on conversations; give a run that `bateia sft` has written")
    return chat
