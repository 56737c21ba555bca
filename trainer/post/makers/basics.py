"""Conversations from templates, in English and Portuguese: six small skills whose answers can be checked.

What is held out is so by its content: no word, sentence or name that an answer needs stands in both splits.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.shards.layout import TRAIN, VAL
from trainer.data.chat import ASSISTANT, USER, Conversation, Message
from trainer.probes.fewshot_tasks import word_pairs

LANGUAGES = ("en", "pt")
HELD_OUT = 0.15  # share of the contents
NAMES = (
    "Ana",
    "Rui",
    "Maria",
    "Tom",
    "Joana",
    "Paul",
    "Clara",
    "Hugo",
    "Alice",
    "Pedro",
    "Emma",
    "Nuno",
    "Rosa",
    "Max",
)
SUBJECTS = {
    "en": ("the river", "a miner", "the pan", "our house", "the old road", "a small bird", "the water", "my friend"),
    "pt": ("o rio", "um mineiro", "a bateia", "a nossa casa", "a estrada velha", "um pássaro", "a água", "o meu amigo"),
}
VERBS = {
    "en": ("carries", "finds", "hides", "leaves", "likes", "washes", "sees"),
    "pt": ("leva", "encontra", "esconde", "deixa", "prefere", "lava", "vê"),
}
OBJECTS = {
    "en": ("the sand", "a stone", "the gold", "cold rain", "green leaves", "the morning", "an old book"),
    "pt": ("a areia", "uma pedra", "o ouro", "a chuva fria", "folhas verdes", "a manhã", "um livro velho"),
}

# By task and language, ways to ask; {} is the content. A task's answer is `Skill.answer`.
ASKED = {
    "repeat": {
        "en": ("Repeat this word: {}", "Say the word {} again.", "Please repeat: {}"),
        "pt": ("Repita esta palavra: {}", "Diga outra vez a palavra {}.", "Por favor repita: {}"),
    },
    "first": {
        "en": ("What is the first word of: {}", "Give the first word: {}"),
        "pt": ("Qual é a primeira palavra de: {}", "Dê a primeira palavra: {}"),
    },
    "language": {
        "en": ("Which language is this: {}", "In which language is: {}"),
        "pt": ("Que língua é esta: {}", "Em que língua está: {}"),
    },
    "count": {
        "en": ("How many words are there in: {}", "Count the words: {}"),
        "pt": ("Quantas palavras há em: {}", "Conte as palavras: {}"),
    },
    "greet": {
        "en": ("Hello, I am {}.", "Hi! My name is {}.", "Good morning, {} here."),
        "pt": ("Olá, eu sou {}.", "Oi! O meu nome é {}.", "Bom dia, aqui é {}."),
    },
    "translate": {
        "en": ("Translate into Portuguese: {}", "What is {} in Portuguese?"),
        "pt": ("Traduza para inglês: {}", "Como se diz {} em inglês?"),
    },
}
GREETING = {"en": "Hello, {}! How can I help you?", "pt": "Olá, {}! Como posso ajudar?"}
NAMED = {"en": {"en": "English", "pt": "Portuguese"}, "pt": {"en": "inglês", "pt": "português"}}

WORD = r"[^\W\d_]+"
FORMATS = {  # what an answer looks like, right or wrong
    "repeat": re.compile(WORD),
    "first": re.compile(WORD),
    "language": re.compile("English|Portuguese|inglês|português"),
    "count": re.compile(r"\d+"),
    "greet": re.compile(rf"(Hello|Olá), {WORD}! .+\?"),
    "translate": re.compile(WORD),
}


@dataclass(frozen=True)
class Question:
    """content: what must not stand in both splits; asked: what the template is filled with"""

    content: str
    asked: str
    answer: str
    language: str


def make_basics(count: int, seed: int = 1, languages: Sequence[str] = LANGUAGES) -> Iterator[Conversation]:
    """`count` conversations of all tasks in turn."""
    generator = np.random.Generator(np.random.PCG64(seed))
    pairs = word_pairs()
    words = {"en": [english for english, _ in pairs], "pt": [portuguese for _, portuguese in pairs]}
    other = {"en": dict(pairs), "pt": {portuguese: english for english, portuguese in pairs}}

    def pick(some: Sequence[str]) -> str:
        return some[int(generator.integers(len(some)))]

    def word(language: str) -> Question:
        chosen = pick(words[language])
        return Question(chosen, chosen, chosen, language)

    def sentence(language: str) -> Question:
        text = " ".join(pick(part[language]) for part in (SUBJECTS, VERBS, OBJECTS))
        return Question(text, text, text.split()[0], language)

    def in_language(language: str) -> Question:
        of = pick(languages)
        text = sentence(of).content
        return Question(text, text, NAMED[language][of], language)

    def counted(language: str) -> Question:
        some = [pick(words[language]) for _ in range(int(generator.integers(1, 7)))]
        return Question(" ".join(some), " ".join(some), str(len(some)), language)

    def greeted(language: str) -> Question:
        name = pick(NAMES)
        return Question(name, name, GREETING[language].format(name), language)

    def translated(language: str) -> Question:
        chosen = pick(words[language])
        content = chosen if language == "en" else other["pt"][chosen]  # a pair is held out in both directions
        return Question(content, chosen, other[language][chosen], language)

    makers: dict[str, Callable[[str], Question]] = {
        **{"repeat": word, "first": sentence, "language": in_language},
        **{"count": counted, "greet": greeted, "translate": translated},
    }
    for number in range(count):
        task = list(makers)[number % len(makers)]
        language = pick(languages)
        question = makers[task](language)
        template = pick(ASKED[task][language])
        yield Conversation(
            f"{task}-{seed}-{number:06}",
            (Message(USER, template.format(question.asked)), Message(ASSISTANT, question.answer)),
            VAL if is_held_out(f"{task} {question.content}") else TRAIN,
            task,
            question.answer,
            {"kind": "template", "template": template, "language": language},
        )


def is_held_out(content: str, share: float = HELD_OUT) -> bool:
    """Whether a content is for evaluation, by its hash: the same in every file that is ever made."""
    return int.from_bytes(hashlib.sha256(content.encode()).digest()[:4], "little") < share * 2**32
