"""A made-up town whose people are told of never, once or often, so that what a model can know is known exactly.

Of each person one thing is told, where they live. Every telling is another wording; a long tail of people is told of
once, which teaches a model that a new name's place is not known. A third of the people, the tail included, is asked for
in questions that stand in the text (group A of `trainer.probes.told`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trainer.probes.told import GROUPS, TRAINED, Fact

FIRST_NAMES = """
Ada Alba Alma Amos Anton Astrid Bela Berta Boris Bruno Carla Cecil Celso Cyro Dalia Dario Delia Diogo Dora Edgar
Elio Elsa Emil Enzo Erik Esther Fabio Flora Gil Greta Gustavo Heitor Helga Hilda Igor Ines Iris Ivo Jana Jonas Juno
Karl Klara Lara Leo Lia Livia Luca Luisa Mara Mario Mila Nadia Nina Noel Olga Olivia Oscar Otto Paula Petra Quim
Rafael Rita Romeo Ruth
"""
LAST_NAMES = """
Abreu Alder Amaral Bastos Becker Borges Braga Brook Cabral Calder Castro Costa Cruz Dale Dias Duarte Ebert Ellis
Esteves Faria Fell Ferraz Fischer Frost Gama Garner Gomes Graf Hale Hart Holm Jansen Keller Lacerda Lange Leal Lima
Lund Macedo Marsh Matos Melo Moss Neves Nobre Olsen Paiva Penn Pires Prado Quint Ramos Reed Rocha Salgado Seixas
Stone Tavares Thorn Vale Vidal Weber
"""
FIRST, LAST = tuple(FIRST_NAMES.split()), tuple(LAST_NAMES.split())
PLACES = (
    *("Lisbon", "Vienna", "Oslo", "Turin", "Dublin", "Porto", "Bremen", "Malmo"),
    *("Seville", "Prague", "Leiden", "Basel", "Cork", "Braga", "Ghent", "Nantes"),
)
OPENINGS = ("", "Today", "In fact", "As many know,", "It is said that", "For years now")
HOW = ("lives in", "has a house in", "makes a home in", "is at home in", "settled in", "has moved to")
BODIES = tuple(f"{{}} {how}" for how in HOW)
QUESTION, ANSWER = "Where does {} live?", "{} lives in"


@dataclass(frozen=True)
class Town:
    """Facts with the passages that tell them.

    facts: of all people
    passages: (number of the fact, sentence), in a drawn order
    """

    facts: tuple[Fact, ...]
    passages: tuple[tuple[int, str], ...]


def make_town(people: int, exposures: tuple[int, ...], tail: int = 0, seed: int = 1) -> Town:
    """`people` for each number of exposures, and `tail` who are told of once; never told are those of exposure 0."""
    generator = np.random.Generator(np.random.PCG64(seed))
    whole = people * len(exposures) + tail
    pairs = generator.permutation(len(FIRST) * len(LAST))[:whole].tolist()
    if len(pairs) < whole:
        raise ValueError(f"{whole:,} people are more than the {len(pairs):,} names")
    planned = [*(count for count in exposures for _ in range(people)), *[1] * tail]
    facts: list[Fact] = []
    passages: list[tuple[int, str]] = []
    for number, (pair, count) in enumerate(zip(pairs, planned, strict=True)):
        name = f"{FIRST[pair // len(LAST)]} {LAST[pair % len(LAST)]}"
        place, group = PLACES[int(generator.integers(len(PLACES)))], GROUPS[number % len(GROUPS)]
        wordings = [wording(name, at) for at in generator.permutation(len(OPENINGS) * len(BODIES)).tolist()]
        asked, answer = QUESTION.format(name), ANSWER.format(name)
        told = tuple(wordings[:3])
        facts.append(Fact(f"p{number:05}", group, name, place, count, told, asked, answer))
        for at in range(count):
            sentence = f"{wordings[at % len(wordings)]} {place}."
            if group == TRAINED and at % 2 == 0:  # asked and told in turn
                sentence = f"{asked} {answer} {place}."
            passages.append((number, sentence))
    order = generator.permutation(len(passages)).tolist()
    return Town(tuple(facts), tuple(passages[at] for at in order))


def wording(name: str, number: int) -> str:
    opening, body = OPENINGS[number // len(BODIES)], BODIES[number % len(BODIES)].format(name)
    return f"{opening} {body}" if opening else body


def pages_of(town: Town, sentences: int = 15) -> Iterator[tuple[list[str], list[int]]]:
    """So many sentences at a time, with the numbers of the facts that they tell."""
    for begin in range(0, len(town.passages), sentences):
        some = town.passages[begin : begin + sentences]
        yield [sentence for _, sentence in some], [number for number, _ in some]
