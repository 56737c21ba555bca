"""What a tool is, and how a model's call of it is answered while it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trainer.generate.chat import ChatFormat
from trainer.generate.sampling import Force

MOST_CALLS = 4  # of a text; what is called later gets no answer, and so ends the text
FAILED = "error"


@dataclass(frozen=True)
class Tool:
    """A pure function from text to text.

    name: by which it is called
    about: what it does, for people
    run: the result; raises ValueError for an argument that it has none for
    """

    name: str
    about: str
    run: Callable[[str], str]


def answering(chat: ChatFormat, tools: Mapping[str, Tool]) -> Force:
    """What `generate_many` is to force: after a message that ends with a call, the tool's result and the beginning of
    the assistant's next message. A tool that there is not, or that fails, gives `error`."""

    def force(row: int, tokens: list[int]) -> Sequence[int]:
        if tokens[-1] != chat.end or tokens.count(chat.call) > MOST_CALLS:
            return ()
        ends = [at for at, token in enumerate(tokens[:-1]) if token == chat.end]
        message = tokens[ends[-1] + 1 if ends else 0 : -1]
        called = chat.called(message)
        if called is None:
            return ()
        return chat.result(result_of(tools, *called))

    return force


def result_of(tools: Mapping[str, Tool], name: str, argument: str) -> str:
    tool = tools.get(name)
    if tool is None:
        return FAILED
    try:
        return tool.run(argument)
    except ValueError:
        return FAILED
