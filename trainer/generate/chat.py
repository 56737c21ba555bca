"""Conversations as tokens, message by message, so that a user who types `<|end|>` types text; and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.faults import BadInput
from schemas.special_tokens import CHAT, RESERVED, TOOLS
from trainer.data.chat import ASSISTANT, TOOL, Message, ToolCall
from trainer.generate.text import Text

REFUSAL, REFUSAL_TOKEN = "I don't know.", RESERVED[0]  # one token, so that refusing is one decision; shown in words
SYSTEM_ROLE, USER_ROLE, ASSISTANT_ROLE, END = CHAT
CALL, RESULT, THINK, THOUGHT = TOOLS
ROLE_TOKENS = {"system": SYSTEM_ROLE, "user": USER_ROLE, ASSISTANT: ASSISTANT_ROLE, TOOL: RESULT}


@dataclass(frozen=True)
class Rendered:
    """A conversation in tokens.

    tokens: BOS first
    mask: of each token whether the assistant writes it, its end included; no role token and no tool's result is
    """

    tokens: list[int]
    mask: list[int]


class ChatFormat:
    """`trainer.data.chat.CHAT_TEMPLATE` by token numbers. Raises BadInput for a tokenizer without the tokens of a chat.

    end: ends each message; think, thought: begin and end reasoning; call: begins a tool's call
    """

    def __init__(self, text: Text, bos: int) -> None:
        self.text, self.bos = text, bos
        numbers = {name: text.number(name) for name in (*CHAT, *TOOLS, REFUSAL_TOKEN)}
        if missing := [name for name, number in numbers.items() if number is None]:
            raise BadInput(f"the tokenizer has no token {missing[0]}; `bateia shard` trains one that has")
        self._numbers = {name: number for name, number in numbers.items() if number is not None}
        self.end, self.think, self.thought = (self._numbers[name] for name in (END, THINK, THOUGHT))
        self.call, self.refusal = self._numbers[CALL], self._numbers[REFUSAL_TOKEN]

    def render(self, messages: Iterable[Message]) -> Rendered:
        tokens, mask = [self.bos], [0]
        for message in messages:
            role, body = self._numbers[ROLE_TOKENS[message.role]], [*self.body(message), self.end]
            tokens += [role, *body]
            mask += [0, *[int(message.role == ASSISTANT)] * len(body)]
        return Rendered(tokens, mask)

    def prompt(self, messages: Iterable[Message]) -> list[int]:
        """What an assistant's answer to these follows."""
        return [*self.render(messages).tokens, self._numbers[ASSISTANT_ROLE]]

    def body(self, message: Message) -> list[int]:
        """A message without its role and its end."""
        tokens: list[int] = []
        if message.reasoning:
            tokens += [self.think, *self.text.encode(message.reasoning), self.thought]
        tokens += self.content(message)
        if message.call is not None:
            tokens += [self.call, *self.text.encode(f"{message.call.name}({message.call.argument})")]
        return tokens

    def content(self, message: Message) -> list[int]:
        """A message's text. An assistant's refusal is one token, with the space before it."""
        if message.role != ASSISTANT:
            return self.text.encode(message.content)
        first, *others = message.content.replace(f" {REFUSAL}", REFUSAL).split(REFUSAL)
        tokens = self.text.encode(first)
        for other in others:
            tokens += [self.refusal, *self.text.encode(other)]
        return tokens

    def plain(self, messages: Iterable[Message]) -> Rendered:
        """Messages as one running text, as a web page has questions and answers, for models that know no roles."""
        tokens, mask = [self.bos], [0]
        for number, message in enumerate(messages):
            spoken = Message(message.role, f"{' ' if number else ''}{message.content}")
            own = self.content(spoken)
            tokens += own
            mask += [int(message.role == ASSISTANT)] * len(own)
        return Rendered(tokens, mask)

    def result(self, content: str) -> list[int]:
        """A tool's result, and the beginning of the assistant's next message."""
        return [self._numbers[RESULT], *self.text.encode(content), self.end, self._numbers[ASSISTANT_ROLE]]

    def called(self, tokens: Sequence[int]) -> tuple[str, str] | None:
        """Name and argument of the tool that a message's tokens, its end left out, call at their end; or None."""
        if self.call not in tokens:
            return None
        at = len(tokens) - 1 - list(reversed(tokens)).index(self.call)
        name, bracket, argument = self.text.decode(list(tokens[at + 1 :])).partition("(")
        return (name, argument[:-1]) if bracket and argument.endswith(")") else None

    def answer(self, tokens: Sequence[int]) -> str:
        """The text of the last message that an assistant wrote, without reasoning and calls."""
        spoken = list(tokens)
        if spoken and spoken[-1] == self.end:
            spoken.pop()
        if self._numbers[ASSISTANT_ROLE] in spoken:
            spoken = spoken[len(spoken) - list(reversed(spoken)).index(self._numbers[ASSISTANT_ROLE]) :]
        if self.thought in spoken:
            spoken = spoken[len(spoken) - list(reversed(spoken)).index(self.thought) :]
        if self.call in spoken:
            spoken = spoken[: spoken.index(self.call)]
        parts, rest = [], spoken
        while self.refusal in rest:
            at = rest.index(self.refusal)
            parts += [self.text.decode(rest[:at]), f" {REFUSAL}"]
            rest = rest[at + 1 :]
        return "".join([*parts, self.text.decode(rest)]).strip()


def parameter_of(tool: str) -> str:
    """Name of a tool's one argument."""
    return {"calculator": "expression", "search": "query"}.get(tool, "input")


def call_to(tool: str, argument: str) -> ToolCall:
    """Raises BadInput for an argument with quotes, backslashes or line ends."""
    return ToolCall(tool, parameter_of(tool), argument)
