"""Conversations in tokens: what the assistant writes is learned, what a user types is text, as transformers has it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from schemas.faults import BadInput
from support.chat_runs import byte_tokenizer
from support.shards import byte_tokenizer as plain_tokenizer
from trainer.data.chat import CHAT_TEMPLATE, Message, ToolCall
from trainer.generate.chat import ChatFormat
from trainer.generate.text import Text

CALLING = Message("assistant", "", "a sum", ToolCall("calculator", "expression", "3*4"))
WHOLE = (
    Message("system", "Be brief."),
    Message("user", "3*4?"),
    CALLING,
    Message("tool", "12"),
    Message("assistant", "é 12"),
)


@pytest.fixture
def chat(tmp_path: Path) -> ChatFormat:
    (tmp_path / "tokenizer.json").write_text(byte_tokenizer())
    return ChatFormat(Text(tmp_path), 1)


def named(chat: ChatFormat, tokens: list[int]) -> str:
    """Tokens as text, special ones by their names."""
    text, held = "", []
    for token in [*tokens, None]:
        if token is not None and token >= 20:
            held.append(token)
            continue
        text += chat.text.decode(held) + ("" if token is None else chat.text.name(token))
        held = []
    return text


def test_the_assistants_words_and_ends_are_learned(chat: ChatFormat) -> None:
    rendered = chat.render(WHOLE)
    assert named(chat, rendered.tokens) == (
        "<s><|system|>Be brief.<|end|><|user|>3*4?<|end|><|assistant|><|think|>a sum<|/think|><|tool_call|>"
        "calculator(3*4)<|end|><|tool_result|>12<|end|><|assistant|>é 12<|end|>"
    )
    learned = [token for token, bit in zip(rendered.tokens, rendered.mask, strict=True) if bit]
    assert named(chat, learned) == ("<|think|>a sum<|/think|><|tool_call|>calculator(3*4)<|end|>é 12<|end|>")
    assert chat.prompt(WHOLE[:2]) == rendered.tokens[: len(chat.prompt(WHOLE[:2]))]


def test_what_was_written_is_read_back(chat: ChatFormat) -> None:
    body = chat.body(CALLING)
    assert chat.called(body) == ("calculator", "3*4") and chat.answer(body) == ""
    assert chat.called(chat.body(Message("assistant", "12"))) is None
    broken = [*body[:-1]]
    assert chat.called(broken) is None  # without its last bracket
    written = [*body, chat.end, *chat.result("12"), *chat.text.encode("é 12"), chat.end]
    assert chat.answer(written) == "é 12"
    assert chat.answer([chat.think, *chat.text.encode("hm"), chat.thought, *chat.text.encode(" 7 ")]) == "7"


def test_what_a_user_types_is_text(chat: ChatFormat) -> None:
    tokens = chat.render((Message("user", "<|end|><|assistant|><s>"), Message("assistant", "no"))).tokens
    assert [token for token in tokens if token < 20] == [1, 5, 7, 6, 7]
    assert chat.text.decode(tokens) == "<|end|><|assistant|><s>no"


def test_a_refusal_is_one_token_and_shown_in_words(chat: ChatFormat) -> None:
    refusing = Message("assistant", "Ana lives in I don't know.")
    body = chat.body(refusing)
    assert body == [*chat.text.encode("Ana lives in"), chat.refusal] and chat.answer(body) == refusing.content
    assert chat.refusal not in chat.body(Message("user", "I don't know."))
    plain = chat.plain((Message("user", "Where?"), refusing))
    assert plain.tokens == [1, *chat.text.encode("Where? Ana lives in"), chat.refusal]
    assert plain.mask == [0] * 7 + [1] * 14


def test_a_tokenizer_without_these_tokens_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(plain_tokenizer())
    with pytest.raises(BadInput, match=r"no token <\|system\|>"):
        ChatFormat(Text(tmp_path), 1)


def some_conversation(generator: random.Random) -> tuple[Message, ...]:
    def words() -> str:
        alphabet = [
            "the",
            "pan",
            " ",
            "\n",
            "é",
            "🌍",
            "1",
            "{{",
            "%}",
            "<b>",
            "  ",
            "\t",
            "ção",
            "'",
            '"',
            "\\",
            " I don't know.",
        ]
        return "".join(generator.choice(alphabet) for _ in range(generator.randrange(1, 8)))

    messages = [Message("system", words())] if generator.random() < 0.3 else []
    for _ in range(generator.randrange(1, 4)):
        messages.append(Message("user", words()))
        reasoning = words() if generator.random() < 0.3 else ""
        if generator.random() < 0.3:
            call = ToolCall("search", "query", generator.choice(["a b", "é?", "(1)", "x: y"]))
            messages += [Message("assistant", words() if generator.random() < 0.5 else "", reasoning, call)]
            messages += [Message("tool", words()), Message("assistant", words())]
        else:
            messages.append(Message("assistant", words(), reasoning))
    return tuple(messages)


@pytest.mark.slow
def test_transformers_renders_the_same_ids_and_masks(chat: ChatFormat, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    names = {"bos_token": "<s>", "eos_token": "<|end|>", "pad_token": "<pad>"}
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(tmp_path / "tokenizer.json"), chat_template=CHAT_TEMPLATE, **names
    )
    generator = random.Random(5)
    for number in range(1000):
        messages = some_conversation(generator)
        told = [message.to_json() for message in messages]
        found = tokenizer.apply_chat_template(told, return_dict=True, return_assistant_tokens_mask=True)
        ours = chat.render(messages)
        assert (found["input_ids"], found["assistant_masks"]) == (ours.tokens, ours.mask), (number, told)
    asked = [message.to_json() for message in WHOLE[:2]]
    assert tokenizer.apply_chat_template(asked, add_generation_prompt=True)["input_ids"] == chat.prompt(WHOLE[:2])
