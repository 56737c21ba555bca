"""Conversations: what is read, what is refused and how, and that what is written is read again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from schemas.faults import BadInput
from trainer.data.chat import (
    Conversation,
    Message,
    ToolCall,
    message_of,
    read_conversations,
    write_conversations,
)
from trainer.post.makers.basics import make_basics

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


def test_conversations_without_ids_and_with_content_in_parts_are_read(tmp_path: Path) -> None:
    """As OpenAI's files for fine-tuning have them."""
    parts = [{"type": "text", "text": "What is "}, {"type": "text", "text": "3*4?"}]
    told = {"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "12"}]}
    found = list(read_conversations(lines(tmp_path / "c.jsonl", told, {"messages": WHOLE})))
    assert [one.id for one in found] == ["line-000001", "line-000002"]
    assert found[0].messages == (Message("user", "What is 3*4?"), Message("assistant", "12"))


@pytest.mark.parametrize(
    "told",
    [
        {"prompt": "What is 3*4?", "completion": "12"},
        {"prompt": [ASKED], "completion": [{"role": "assistant", "content": "12"}]},
    ],
)
def test_trls_prompts_and_completions_are_read(tmp_path: Path, told: Any) -> None:
    [found] = read_conversations(lines(tmp_path / "c.jsonl", told))
    assert found.messages == (Message("user", "What is 3*4?"), Message("assistant", "12"))


@pytest.mark.slow
def test_hugging_faces_datasets_reads_what_is_written(tmp_path: Path) -> None:
    """With calls and without, in one table: arguments are text, so that Arrow has one type for all tools."""
    if find_spec("datasets") is None:
        pytest.skip("the package datasets is not installed: what it reads can't be compared")
    call = ToolCall("calculator", "expression", "3*4")
    said = (
        Message("user", "3*4"),
        Message("assistant", "", "", call),
        Message("tool", "12"),
        Message("assistant", "12"),
    )
    made = [Conversation("a", said, task="multiply", answer="12"), *make_basics(30)]
    path = tmp_path / "c.jsonl"
    write_conversations(str(path), made)
    script = (
        "import sys, json; from datasets import load_dataset\n"
        "print(json.dumps(list(load_dataset('json', data_files=sys.argv[1], split='train')['messages'])))"
    )
    env = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    ended = subprocess.run([sys.executable, "-c", script, str(path)], env=env, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    loaded = [tuple(map(message_of, messages)) for messages in json.loads(ended.stdout.splitlines()[-1])]
    assert loaded == [one.messages for one in made]


def of(*messages: Any) -> dict[str, Any]:
    return {"id": "a", "messages": list(messages)}


SAID = {"role": "assistant", "content": "12"}


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ("{", "is no conversation"),
        ({"id": "b"}, "lacks 'messages'"),
        ({"prompt": "3*4"}, "lacks 'messages'"),
        ({"prompt": "3*4", "completion": 12}, "is no conversation"),
        (of(ASKED, {"role": "assistant", "content": [{"type": "image_url"}]}), "content is no text"),
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
