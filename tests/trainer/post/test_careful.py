"""A draft whose least sure token is below the threshold ends there and is searched; one that is sure stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pipelines.cli.post.chat import told
from support.decoders import LogitsAlone
from trainer.data.chat import ASSISTANT, USER, Message
from trainer.generate.chat import ChatFormat
from trainer.generate.generator import TextGenerator
from trainer.post.sft import Base
from trainer.post.talk import CarefulTalk
from trainer.post.tools.careful import Answer, Draft, answer_carefully, in_other_words, write_drafts
from trainer.post.tools.tool import Tool

ASKED = ("Ana", "Rui")
TALKS = [[Message(USER, name)] for name in ASKED]
PLAIN = "In Faro."
DRAFTS = {"Ana": "lives in Oslo.", "Rui": "lives in Porto."}
DOUBT = len("lives in ")  # Rui's place is said with a probability of .4


class Scripted(LogitsAlone):
    """Drafts as above; after a call the name, and what the tool has said."""

    def __init__(self, chat: ChatFormat) -> None:
        self.chat, self.rows = chat, [[0]]
        self.said: list[Message] = []  # before the question

    def begin(self, prompts: Sequence[Sequence[int]], room: int = 0) -> np.ndarray:
        self.rows = [list(prompt) for prompt in prompts]
        return np.stack([self.next(row) for row in self.rows])

    def append(self, tokens: Sequence[int]) -> np.ndarray:
        self.rows = [[*row, token] for row, token in zip(self.rows, tokens, strict=True)]
        return np.stack([self.next(row) for row in self.rows])

    def next(self, tokens: list[int]) -> np.ndarray:
        name, prompt = next((one, head) for one in ASKED for head in self.prompts(one) if head == tokens[: len(head)])
        plain, written, encode = prompt == self.prompts(name)[1], tokens[len(prompt) :], self.chat.text.encode
        script = [*encode(f" {PLAIN} More."), self.chat.bos] if plain else [*encode(DRAFTS[name]), self.chat.end]
        if self.chat.call in written:
            call = written[: written.index(self.chat.call) + 1]
            result = self.chat.result(f"{name} lives in Cork.")
            script = [*call, *encode(f"search({name})"), self.chat.end, *result, *encode("It is Cork."), self.chat.end]
        shares_V = np.full(self.chat.text.vocabulary, 1e-9, np.float32)
        if len(written) < len(script):  # what has ended is read on
            doubted = name == "Rui" and len(written) == (2 if plain else DOUBT)
            shares_V[:2], shares_V[script[len(written)]] = 0.3 * doubted, 0.4 if doubted else 1.0
        return np.log(shares_V + 1e-9)

    def prompts(self, name: str) -> tuple[list[int], list[int]]:
        """In a chat, and as running text."""
        asked = Message(USER, name)
        return self.chat.prompt([*self.said, asked]), self.chat.plain([asked]).tokens


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("least", "searched"), [(0.0, ""), (0.3, ""), (0.5, "Rui"), (2.0, "Ana Rui")])
def test_what_is_doubted_is_searched(base: Base, least: float, searched: str, plain: bool) -> None:
    chat = base.chat()
    queries: list[str] = []

    def find(query: str) -> str:
        queries.append(query)
        return f"{query} lives in Cork."

    tools = {"search": Tool("search", "", find)}
    answers = answer_carefully(Scripted(chat), chat, TALKS, tools, 60, least, plain)
    assert " ".join(queries) == searched
    at_once = dict.fromkeys(ASKED, PLAIN) if plain else DRAFTS
    assert [answer.draft for answer in answers] == list(at_once.values())
    assert [answer.text for answer in answers] == [
        "It is Cork." if name in searched else at_once[name] for name in ASKED
    ]
    assert [answer.query for answer in answers] == [name if name in searched else None for name in ASKED]
    assert [round(answer.sure, 1) for answer in answers] == [1.0, 0.4]


def test_a_call_stands_where_the_draft_was_doubted(base: Base) -> None:
    chat = base.chat()
    assert [draft.before for draft in write_drafts(Scripted(chat), chat, TALKS[1:], 60)] == ["lives in"]


class Heard(LogitsAlone):
    """What costs a nat a token behind "settled in", and nothing elsewhere; each first token costs much."""

    def __init__(self, chat: ChatFormat) -> None:
        self.chat = chat

    def score(self, texts: Sequence[Sequence[int]]) -> list[tuple[np.ndarray, np.ndarray]]:
        scored = []
        for text in texts:
            head = [self.chat.bos, *self.chat.text.encode("Ana settled in")]
            known = list(text[: len(head)]) == head
            nats_T = np.full(len(text) - 1, float(known), np.float32)
            nats_T[0] = 9.0
            scored.append((nats_T, nats_T < 1))
        return scored


def test_a_draft_is_as_sure_as_all_wordings_together(base: Base) -> None:
    chat = base.chat()
    drafts = [Draft("Ana lives in Faro.", 0.64, ""), Draft("Nobody does.", 0.64, "")]
    wordings = [["Ana lives in", "Ana settled in", "Ana is at home in"]] * 2
    nats = len(chat.text.encode(" Faro.")) / 2
    sure = [draft.sure for draft in in_other_words(Heard(chat), chat, drafts, wordings)]
    assert sure == [pytest.approx((0.64 * np.exp(-nats)) ** 0.5), pytest.approx(0.64)]


def test_a_careful_talk_tells_what_it_looked_up_and_how_sure_it_was(base: Base) -> None:
    """The second question stands behind the first and its answer, which the scripted model would else not know."""
    decoder = Scripted(base.chat())
    decoder.context = 256
    generator = TextGenerator(decoder, base.chat().text, base.chat().bos, frozenset({base.chat().end}), 0)
    talk = CarefulTalk(generator, {"search": Tool("search", "", lambda query: f"{query} lives in Cork.")}, 60, 0.5)
    assert list(told(talk.answer("Ana"))) == ["lives in Oslo.\n[not looked up: 1.00 sure]"]
    decoder.said = [Message(USER, "Ana"), Message(ASSISTANT, "lives in Oslo.")]
    assert list(told(talk.answer("Rui"))) == ['It is Cork.\n[looked up: Rui; 0.40 sure of "lives in Porto."]']
    talk.reset()
    decoder.said = []
    assert talk.answer("Rui").query == "Rui"
    silent = Answer("", "lives in Porto.", 0.4, "")
    assert list(told(silent)) == ["lives in Porto.\n[0.40 sure, and no answer came of looking up: ]"]
