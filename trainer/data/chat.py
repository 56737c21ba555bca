"""Conversations: JSON lines that `datasets`, TRL and OpenAI's format read as they are; checked here, and rendered by
one template.

    {"id": "…", "split": "train", "messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}],
     "task": "multiply", "answer": "201954", "source": {"kind": "template"}}

An assistant's message may have `reasoning_content`, and end with one of `tool_calls`, whose `arguments` are a JSON
string as in OpenAI's format: a dict would give Arrow another struct for each tool. A message of the role `tool`
follows it. What others write is read too: OpenAI's files, without `id` and with content in parts, and TRL's `prompt`
and `completion`, which are texts or messages. In tokens, of which those in <| |> are reserved ones
(`schemas.special_tokens`):

    <s> <|system|>…<|end|> <|user|>…<|end|> <|assistant|> <|think|>…<|/think|> text <|tool_call|> name(argument) <|end|>
    <|tool_result|>…<|end|> <|assistant|>…<|end|>
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any

from schemas.faults import BadInput
from schemas.shards.layout import SPLITS, TRAIN
from schemas.storage import write_whole

SYSTEM, USER, ASSISTANT, TOOL = "system", "user", "assistant", "tool"
ROLES = (SYSTEM, USER, ASSISTANT, TOOL)
MOST_BYTES = 1 << 20  # of a conversation's line

# What transformers renders by, with a tokenizer's special tokens read from it. A tool's argument is cut out of its JSON
# by its quotes, as Jinja has no reader of JSON; `ToolCall` admits no argument that JSON spells in another way.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message.role == 'assistant' %}<|assistant|>{% generation %}"
    "{% if message.reasoning_content %}<|think|>{{ message.reasoning_content }}<|/think|>{% endif %}"
    "{% if message.content %}"
    """{{ message.content.replace(" I don't know.", "I don't know.").replace("I don't know.", "<|reserved_0|>") }}"""
    "{% endif %}"
    "{% for call in message.tool_calls or [] %}<|tool_call|>{{ call.function.name }}("
    """{{ call.function.arguments.split('": "', 1)[1][:-2] }}){% endfor %}"""
    "<|end|>{% endgeneration %}"
    "{% elif message.role == 'tool' %}<|tool_result|>{{ message.content }}<|end|>"
    "{% else %}{{ '<|' + message.role + '|>' }}{{ message.content }}<|end|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@dataclass(frozen=True)
class ToolCall:
    """A tool that the assistant asks for. Raises BadInput for an argument that holds what JSON would have to escape.

    name: of the tool
    parameter: the name of its one argument
    argument: text without quotes, backslashes and line ends
    """

    name: str
    parameter: str
    argument: str

    def __post_init__(self) -> None:
        for text in (self.name, self.parameter, self.argument):
            if json.dumps(text, ensure_ascii=False) != f'"{text}"':
                raise BadInput(f"a tool call holds {text!r}; leave out quotes, backslashes and line ends")

    def to_json(self) -> dict[str, Any]:
        arguments = json.dumps({self.parameter: self.argument}, ensure_ascii=False)
        return {"type": "function", "function": {"name": self.name, "arguments": arguments}}


@dataclass(frozen=True)
class Message:
    """What one of the parties says.

    role: one of ROLES
    reasoning: of an assistant: what it thinks before it answers
    call: of an assistant: the tool that it asks for at the end
    """

    role: str
    content: str
    reasoning: str = ""
    call: ToolCall | None = None

    def to_json(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if self.call is not None:
            message["tool_calls"] = [self.call.to_json()]
        return message


@dataclass(frozen=True)
class Conversation:
    """Messages with where they come from. Raises BadInput for roles in an order that can't be.

    id: unique in its file
    split: train or val
    task, answer: where an answer can be verified, by which task and what is right
    source: kind (template, corpus, human or model), and of pages doc_id, url, warc_file and warc_offset
    """

    id: str
    messages: tuple[Message, ...]
    split: str = TRAIN
    task: str | None = None
    answer: str | None = None
    source: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise BadInput(f"split is '{self.split}'; it is one of {', '.join(SPLITS)}")
        check_order(self.messages)

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"id": self.id, "split": self.split, "messages": [m.to_json() for m in self.messages]}
        if self.task is not None:
            told |= {"task": self.task, "answer": self.answer}
        return told | {"source": self.source}


def check_order(messages: tuple[Message, ...]) -> None:
    """A system's message first if at all, then the user and the assistant in turn, the tool after a call for it."""
    before = ""
    for number, message in enumerate(messages):
        call = messages[number - 1].call if number else None
        allowed = {"": (SYSTEM, USER), SYSTEM: (USER,), USER: (ASSISTANT,), TOOL: (ASSISTANT,)}
        following = (TOOL,) if call is not None else allowed.get(before, (USER,))
        if message.role not in following:
            after = f"after '{before}'" if before else "first"
            raise BadInput(f"message {number + 1} is of '{message.role}'; {after} comes {' or '.join(following)}")
        before = message.role
    if not any(message.role == ASSISTANT for message in messages):
        raise BadInput("no message is of 'assistant', so nothing is to be learned from it")


def read_conversations(path: str | Path) -> Iterator[Conversation]:
    """All of a file, in order. Raises BadInput, naming file and line, for one that can't be read or learned from."""
    seen: set[str] = set()
    try:
        with Path(path).open("rb") as file:
            number = 0
            while line := file.readline(MOST_BYTES + 1):
                number += 1
                conversation = parsed(line, f"{path} line {number:,}", f"line-{number:06}")
                if conversation.id in seen:
                    raise BadInput(f"{path} line {number:,}: the id '{conversation.id}' is another's too; rename one")
                seen.add(conversation.id)
                yield conversation
    except OSError as error:
        raise BadInput(f"{path} can't be read ({error.strerror}); give a file of conversations") from error


def parsed(line: bytes, where: str, unnamed: str) -> Conversation:
    """where: what a fault names; unnamed: the id of a conversation without one"""
    if len(line) > MOST_BYTES:
        raise BadInput(f"{where} is longer than {MOST_BYTES:,} bytes; leave the conversation out")
    try:
        told = json.loads(line)
        messages = tuple(message_of(message) for message in messages_in(told))
        texts = {name: told.get(name) for name in ("task", "answer")}
        if any(value is not None and not isinstance(value, str) for value in texts.values()):
            raise ValueError("task and answer are texts")
        name, split, source = str(told.get("id", unnamed)), told.get("split", TRAIN), told.get("source", {})
        return Conversation(name, messages, split, **texts, source=source)
    except BadInput as fault:
        raise BadInput(f"{where}: {fault}") from fault
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise BadInput(f"{where} is no conversation ({what}); it is a JSON object with messages") from error


def messages_in(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Of `messages`, or of TRL's `prompt` and `completion`. Raises KeyError for neither."""
    if "messages" in told or not {"prompt", "completion"} <= set(told):
        return told["messages"]
    found = []
    for said, role in ((told["prompt"], USER), (told["completion"], ASSISTANT)):
        found += [{"role": role, "content": said}] if isinstance(said, str) else said
    return found


def text_of(content: Any) -> str:
    """Content, which OpenAI has as a text, as null or in parts. Raises TypeError for what is no text."""
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        content = "".join(part["text"] for part in content)
    if not isinstance(content, str | NoneType):
        raise TypeError("content is no text")
    return content or ""


def message_of(told: dict[str, Any]) -> Message:
    """Raises BadInput, KeyError, TypeError or ValueError for what is no message."""
    role, content, reasoning = told["role"], text_of(told.get("content")), told.get("reasoning_content") or ""
    if role not in ROLES:
        raise BadInput(f"role '{role}' is none; there are {', '.join(ROLES)}")
    if not isinstance(reasoning, str):
        raise TypeError("reasoning_content is no text")
    calls = told.get("tool_calls") or []
    if role != ASSISTANT and (calls or reasoning):
        raise BadInput(f"a message of '{role}' calls no tool and thinks nothing aloud")
    if len(calls) > 1:
        raise BadInput("a message calls one tool at most; make a message of each")
    return Message(role, content, reasoning, call_of(calls[0]["function"]) if calls else None)


def call_of(function: dict[str, Any]) -> ToolCall:
    arguments = function["arguments"]
    given = json.loads(arguments) if isinstance(arguments, str) else arguments
    if len(given) != 1:
        raise BadInput(f"tool '{function['name']}' is given {len(given)} arguments; it takes one")
    [(parameter, argument)] = given.items()
    return ToolCall(function["name"], parameter, argument)


def write_conversations(path: str, conversations: Iterable[Conversation]) -> int:
    """A whole file, or none. Returns how many it holds. Raises BadInput for an id that comes twice."""
    seen: set[str] = set()
    with write_whole(path) as file:
        for conversation in conversations:
            if conversation.id in seen:
                raise BadInput(f"two conversations have the id '{conversation.id}'; rename one")
            seen.add(conversation.id)
            file.write(json.dumps(conversation.to_json(), ensure_ascii=False).encode() + b"\n")
    return len(seen)
