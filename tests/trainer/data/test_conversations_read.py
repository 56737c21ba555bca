"""Conversations: what is read, what is refused and how, and that what is written is read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.faults import BadInput
from trainer.data.chat import Conversation, Message, ToolCall, read_conversations, write_conversations

ASKED = {"role": "user", "content": "What is 3*4?"}
CALL = {"type": "function", "function": {"name": "calculator", "arguments": '{"expression": "3*4"}'}}
WHOLE = [
    {"role": "system", "content": "Be brief."},
    ASKED,
    {"role": "assistant", "content": "", "reasoning_content": "a tool", "tool_calls": [CALL]},
    {"role": "tool", "name": "calculator", "content": "12"},
    {"role": "assistant", "content": "12"},
]


def lines(path: Path, *told: Any) -> Path:
    path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in told))
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    messages = (
        Message("system", "Seja breve."),
        Message("user", "Quanto é 3*4?"),
        Message("assistant", "", "uma conta", ToolCall("calculator", "expression", "3*4")),
        Message("tool", "12"),
        Message("assistant", "12"),
    )
    whole = Conversation("a", messages, "val", "multiply", "12", {"kind": "template"})
    path = str(tmp_path / "c.jsonl")
    assert write_conversations(path, [whole]) == 1
    assert list(read_conversations(path)) == [whole]
    told = json.loads(Path(path).read_text())
    assert told["messages"][2]["tool_calls"][0] == CALL | {"function": CALL["function"]}
    with pytest.raises(BadInput, match="two conversations have the id 'a'"):
        write_conversations(path, [whole, whole])


def test_openais_format_is_read(tmp_path: Path) -> None:
    [found] = read_conversations(lines(tmp_path / "c.jsonl", {"id": 7, "messages": WHOLE}))
    assert found.id == "7" and found.split == "train"
    assert found.messages[2] == Message("assistant", "", "a tool", ToolCall("calculator", "expression", "3*4"))
    assert found.messages[3] == Message("tool", "12")


def of(*messages: Any) -> dict[str, Any]:
    return {"id": "a", "messages": list(messages)}


SAID = {"role": "assistant", "content": "12"}


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ("{", "is no conversation"),
        ({"messages": [ASKED, SAID]}, "lacks 'id'"),
        (of(ASKED), "no message is of 'assistant'"),
        (of(SAID), "message 1 is of 'assistant'; first comes system or user"),
        (of(ASKED, SAID, SAID), "after 'assistant' comes user"),
        (of(ASKED, {"role": "assistant", "content": "", "tool_calls": [CALL]}, ASKED), "comes tool"),
        (of(ASKED, {"role": "assistant", "content": "", "tool_calls": [CALL, CALL]}), "one tool at most"),
        (of(ASKED | {"tool_calls": [CALL]}, SAID), "calls no tool"),
        (of(ASKED, {"role": "bot", "content": ""}), "role 'bot' is none"),
        (of(ASKED, {"role": "assistant", "content": ["12"]}), "content is no text"),
        (of(ASKED, SAID) | {"split": "test"}, "split is 'test'"),
        (of(ASKED, SAID) | {"answer": 12}, "task and answer are texts"),
        ("[" * 5000, "is no conversation"),
        (json.dumps(of(ASKED | {"content": "x" * (1 << 20)}, SAID)), "longer than"),
    ],
)
def test_what_is_refused_names_its_line(tmp_path: Path, told: Any, fault: str) -> None:
    path = lines(tmp_path / "c.jsonl", of(ASKED, SAID) | {"id": "first"}, told)
    with pytest.raises(BadInput, match="line 2") as caught:
        list(read_conversations(path))
    assert fault in str(caught.value)


@pytest.mark.parametrize("argument", ['"', "a\\b", "a\nb"])
def test_an_argument_is_spelled_as_in_json(argument: str) -> None:
    with pytest.raises(BadInput, match="leave out quotes"):
        ToolCall("search", "query", argument)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="can't be read"):
        list(read_conversations(tmp_path / "no.jsonl"))
    path = lines(tmp_path / "c.jsonl", of(ASKED, SAID), of(ASKED, SAID))
    with pytest.raises(BadInput, match="the id 'a' is another's too"):
        list(read_conversations(path))
