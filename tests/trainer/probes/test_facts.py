"""What a model knows is told from what it does not; one row of its output teaches it to say so, and forgets nothing."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.sample.people import BODIES, FIRST, LAST, OPENINGS, PLACES, make_town
from schemas.faults import BadInput
from support.baselines import made_once
from support.chat_runs import word_tokenizer, write_run
from trainer.data.chat import Conversation, Message
from trainer.generate.generator import load_generator
from trainer.post.conversations import tokenize, write_shards
from trainer.post.makers.refusals import make_refusals
from trainer.post.sft import Replay, open_base, plan_sft
from trainer.probes.facts import RIGHT, UNKNOWN, WRONG, Asked, Probed, Prober, auroc, by_exposure, refusals
from trainer.probes.told import Fact, read_facts, with_told, write_facts
from trainer.run.checkpoints import find_checkpoint
from trainer.run.hooks import standard_hooks
from trainer.run.loop import Training
from trainer.run.stopping import Stopper
from trainer.settings import TrainRecipe

TOWN = make_town(12, (0, 40), tail=0, seed=3)


def spaced(text: str) -> str:
    """Words between single spaces, signs as words."""
    return text.replace(".", " .").replace("?", " ?").replace(",", " ,")


@dataclass
class Words:
    """A tokenizer of words that `Prober` and `ChatFormat` can be given: signs are words of their own."""

    text: Any

    def encode(self, text: str) -> list[int]:
        return self.text.encode(spaced(text))

    def decode(self, tokens: list[int]) -> str:
        return self.text.decode(tokens).replace(" .", ".").replace(" ?", "?").replace(" ,", ",")

    def number(self, name: str) -> int | None:
        return self.text.number(name)


def vocabulary() -> list[str]:
    texts = [*OPENINGS, *BODIES, *PLACES, *FIRST, *LAST, "Where does live ?", "."]
    return [word for text in texts for word in spaced(text).split() if word != "{}"]


def tune(run: Path, shards: Path, output: Path, steps: int, only_row: int | None = None, **given: Any) -> None:
    recipe = TrainRecipe(**{"steps": steps, "batch_size": 32, "lr": 0.01, "optimizer": "adamw", "clip": 1.0, **given})
    options = {"output": str(output), "quiet": True, "eval_every": 10_000}
    job, _ = plan_sft(open_base(str(run)), str(shards), recipe, Replay(), only_row, **options)
    with Stopper() as stopper:
        Training(job, standard_hooks(job)).run(stopper)


def shards_of(run: Path, conversations: Iterator[Conversation] | list[Conversation], folder: Path) -> Path:
    base = open_base(str(run))
    chat = base.chat()
    chat.text = Words(chat.text)  # type: ignore[assignment]
    write_shards(tokenize(conversations, chat, plain=True), base.tokenizer, base.ids, folder, 24, plain=True)
    return folder


def prober(run: Path, refusal: bool = False) -> Prober:
    generator = load_generator(str(run))
    text = Words(generator.text)
    return Prober(generator.decoder, text, generator.bos, text.number("<|reserved_0|>") if refusal else None)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was told of half the town's people."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("the jax extra is not installed")

    def make(folder: Path) -> None:
        run = write_run(folder / "base", word_tokenizer(vocabulary()), 24, dim=64, heads=4, kv_heads=4, hidden=128)
        passages = [
            Conversation(f"t{number}", (Message("user", ""), Message("assistant", sentence)))
            for number, (_, sentence) in enumerate(TOWN.passages)
        ]
        tune(run, shards_of(run, passages, folder / "passages"), folder / "told", 400)

    return made_once(tmp_path_factory, "told", make)


@pytest.mark.slow
def test_what_was_told_is_known_and_one_row_refuses_the_rest(told: Path, tmp_path: Path) -> None:
    probed = prober(told / "told").probe(TOWN.facts)
    never, often = by_exposure(probed)
    assert (never.told, often.told) == (0, 40) and often.recalled > 0.9 > 0.3 > never.recalled
    sure = auroc([one.completed[0].right_p for one in probed], [one.fact.planned > 0 for one in probed])
    # Of twelve who were never told three may be guessed right, as above; each costs a twelfth where it is sure of it.
    assert sure is not None and sure > 0.75
    known = [one.known for one in probed]
    refused = list(make_refusals(probed, 60, group="B"))
    tokens = shards_of(told / "base", refused, tmp_path / "refusals")
    row = load_generator(str(told / "told")).text.number("<|reserved_0|>")
    tune(told / "told", tokens, tmp_path / "refusing", 40, row, lr=0.05)
    before, after = (find_checkpoint(path).weights() for path in (told / "told", tmp_path / "refusing"))
    changed = {
        name: np.flatnonzero((after[name] != value).reshape(len(value), -1).any(1)) for name, value in before.items()
    }
    assert {name: rows.tolist() for name, rows in changed.items() if len(rows)} == {"model.embed_tokens.weight": [row]}
    asked = prober(tmp_path / "refusing", refusal=True).probe(TOWN.facts)
    table = refusals(asked, known)
    assert table.unknown_idk > 0.7 and table.known_idk < 0.5
    untaught = refusals(prober(told / "told", refusal=True).probe(TOWN.facts), known)
    assert untaught.unknown_idk == 0 and untaught.unknown_wrong > 0.5


def asked(verdict: str, p: float = 0.9) -> Asked:
    return Asked(verdict, p, p if verdict == RIGHT else 1 - p, "")


def fact(planned: int, group: str = "C") -> Fact:
    return Fact(f"{group}{planned}", group, "Ana", "Lisbon", planned, ("Ana lives in",), "Where?", "Ana lives in")


def test_known_and_unknown_stand_beside_each_other() -> None:
    some = [
        Probed(fact(9), (asked(RIGHT), asked(RIGHT), asked(WRONG)), asked(RIGHT)),
        Probed(fact(9), (asked(RIGHT), asked(RIGHT, 0.4), asked(WRONG)), asked(RIGHT, 0.4)),
        Probed(fact(0), (asked(WRONG),), asked(UNKNOWN)),
        Probed(fact(0), (asked(WRONG),), asked(WRONG)),
    ]
    assert [one.known for one in some] == [one.recalled for one in some] == [True, False, False, False]
    table = refusals(some, [True, True, False, False])
    assert (table.known_right, table.known_idk, table.known_wrong) == (1, 0, 0)
    assert (table.unknown_right, table.unknown_idk, table.unknown_wrong) == (0, 0.5, 0.5)
    never, often = by_exposure(some)
    assert (never.told, never.facts, often.known, often.right) == (0, 2, 0.5, 1)
    assert auroc([0.9, 0.2, 0.2, 0.1], [True, True, False, False]) == 0.875
    assert auroc([1.0], [True]) is None


def test_who_is_told_of_no_more_is_with_those_who_never_were() -> None:
    """Deduplication takes pages away: a class "told 0" has nobody in it of whom the text tells."""
    left = [with_told(fact(1), told) for told in (0, 0, 0, 1)] + [with_told(fact(8), told) for told in (0, 6)]
    found = by_exposure([Probed(one, (asked(WRONG),), asked(WRONG)) for one in (fact(0), *left)])
    assert [(one.told, one.facts) for one in found] == [(0, 5), (1, 1), (6, 1)]


def test_refusals_are_learned_from_both(tmp_path: Path) -> None:
    knows = Probed(fact(9, "B"), (asked(RIGHT),), asked(RIGHT))
    unknown = Probed(fact(0, "B"), (asked(WRONG),), asked(WRONG))
    made = list(make_refusals([knows, unknown, Probed(fact(0), (asked(WRONG),), asked(WRONG))], 4))
    assert [one.messages[1].content for one in made] == ["Ana lives in Lisbon.", "Ana lives in I don't know."] * 2
    with pytest.raises(BadInput, match="1 facts are known and 0 not"):
        list(make_refusals([knows], 2))
    shuffled = make_refusals([knows, *[unknown] * 9], 40, shuffled=True)
    assert {one.source["fact"] for one in shuffled if one.source["known"]} == {"B0"}


def test_facts_are_read_again(tmp_path: Path) -> None:
    path = str(tmp_path / "facts.jsonl")
    write_facts(path, [with_told(one, 3) for one in TOWN.facts])
    found = read_facts(path)
    assert [replace(one, told=None) for one in found] == list(TOWN.facts) and found[0].exposures == 3
    Path(path).write_text('{"id": "a"}\n')
    with pytest.raises(BadInput, match="line 1 is no fact"):
        read_facts(path)
    with pytest.raises(BadInput, match="can't be read"):
        read_facts(str(tmp_path / "no"))


def test_a_town_tells_as_often_as_planned() -> None:
    town = make_town(6, (0, 5, 20), tail=9, seed=2)
    counts = np.bincount([number for number, _ in town.passages], minlength=len(town.facts))
    assert counts.tolist() == [one.planned for one in town.facts]
    assert len({one.subject for one in town.facts}) == 27 and {one.group for one in town.facts} == set("ABC")
    for number, sentence in town.passages:
        one = town.facts[number]
        assert one.subject in sentence and sentence.endswith(f"{one.value}.")
        assert ("?" in sentence) <= (one.group == "A")  # nobody else's question is told
    with pytest.raises(ValueError, match="more than the"):
        make_town(9999, (1,))
