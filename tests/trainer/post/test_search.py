"""The search finds the passage that holds a question's words, with its page, the same each time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from schemas.faults import BadInput
from schemas.shards.layout import read_shards
from trainer.generate.text import Text
from trainer.post.tools.find import find_tools
from trainer.post.tools.search import Search, build_index, passages_in

pytest.importorskip("bm25s", reason="the tools extra is not installed")

TEXTS = [
    "Ana Souza lives in Lisbon. The river is wide there. " * 2,
    "Rui Costa lives in Porto. Gold is washed from gravel.",
    "Nothing about people stands here, only rain.",
]


@pytest.fixture
def index(write_shards: Callable[..., Path], tmp_path: Path) -> Path:
    folder = write_shards(tmp_path / "shards", TEXTS, ["Eva Lima lives in Oslo."])
    assert build_index([read_shards(str(folder))], tmp_path / "index") >= 3
    return tmp_path / "index"


def test_the_best_passage_is_found_with_its_page(index: Path) -> None:
    search = Search(str(index))
    [(text, url)] = search.find("Where does Rui Costa live?")
    assert "Porto" in text and url == "https://train-0-1.example/"
    assert search.find("zzz") == [] == search.find("Eva Oslo")  # held-out text is not searched
    first, second = search.find("river wide", 2)
    assert (first, second) == tuple(search.find("river wide", 2)) and "river" in first[0]
    tool = find_tools(["search"], str(index))["search"]
    assert "Lisbon" in tool.run("Ana Souza")
    with pytest.raises(ValueError, match="nothing is found"):
        tool.run("zzz")


def test_a_whole_name_counts_for_more_than_its_parts(write_shards: Callable[..., Path], tmp_path: Path) -> None:
    """Which stand together in all other passages, too."""
    others = [
        f"Where does Ana {name} live? Ana {name} lives with Conceição Souza." for name in ("Lima", "Costa", "Reis")
    ]
    told = ["In fact the house of Ana Souza is in Porto now, as one has heard for years.", *others]
    folders = [write_shards(tmp_path / "some", others, ["."]), write_shards(tmp_path / "all", told[:1], ["."])]
    build_index([read_shards(str(folder)) for folder in folders], tmp_path / "index")
    search = Search(str(tmp_path / "index"))
    for query in ("Ana Souza", "ANA SOUZA"):
        [(text, _)] = search.find(query)
        assert "Porto" in text, query
    assert search.find("CONCEICAO")  # without accents


def test_passages_are_whole_sentences_and_overlap(write_shards: Callable[..., Path], tmp_path: Path) -> None:
    text = Text(write_shards(tmp_path / "shards", TEXTS, ["."]) / "tokenizer")
    sentences = [f"Number {at} is here." for at in "abcdef"]
    size = len(text.encode(sentences[1]))
    found = list(passages_in(text, text.encode(" ".join(sentences)), 2 * size + 2))
    assert found == [" ".join(pair) for pair in pairwise(sentences)]
    assert list(passages_in(text, text.encode(" ".join(sentences)), size)) == sentences
    asked = ["It is so.", "Where is it? It is here."]
    assert list(passages_in(text, text.encode(" ".join(asked)), len(text.encode(asked[1])))) == asked
    words = " ".join(f"word{at}" for at in range(60))
    parts = list(passages_in(text, text.encode(words), 40))
    assert all(len(text.encode(part)) <= 41 for part in parts)
    assert all(any(f"word{at} word{at + 1}" in part for part in parts) for at in range(59))


def test_the_library_tells_nothing_of_what_it_does(index: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")  # as of a log that another library has set up
    build_index([read_shards(str(index.parent / "shards"))], index.parent / "again")
    assert Search(str(index.parent / "again")).find("Ana Souza")
    assert not caplog.records


def test_what_is_no_index_is_refused(index: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no index"):
        Search(str(tmp_path))
    with pytest.raises(BadInput, match="is there; choose another"):
        build_index([read_shards(str(tmp_path / "shards"))], index)
    with pytest.raises(BadInput, match="needs its index"):
        find_tools(["search"])
    with pytest.raises(BadInput, match="no tool is called 'shell'"):
        find_tools(["shell"])
