"""A search over the documents of shards: passages ranked by BM25 (bm25s), each with its page's URL.

out/index/  passages.jsonl   text and url of each
            bm25/            the index, as bm25s writes it, without pickle
            index.json       what it was made of
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from schemas.faults import BadInput
from schemas.shards.layout import TRAIN, ShardsInfo
from schemas.storage import write_json
from trainer.generate.text import Text
from trainer.post.tools.tool import Tool
from trainer.probes.documents import DocumentTokens
from trainer.run.folder import write_folder

WORD = re.compile(r"\w+")
PASSAGES, INDEX, MADE_OF = "passages.jsonl", "bm25", "index.json"
MOST_TOKENS = 64  # of a passage
SENTENCE = re.compile(r"(?<=[.!?])\s+")


def library() -> Any:
    """bm25s, which by itself tells every log that there is what it does."""
    import bm25s

    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return bm25s


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def build_index(shards: ShardsInfo, output: Path, most_tokens: int = MOST_TOKENS) -> int:
    """Write an index of all training documents; the folder appears whole or not at all. Returns how many passages.

    Raises BadInput if the folder is there, or there is no text.
    """
    if output.exists():
        raise BadInput(f"output {output} is there; choose another --output, or remove it")
    passages = list(passages_of(shards, most_tokens))
    if not passages:
        raise BadInput(f"{shards.folder} holds no text to search")
    index = library().BM25()
    index.index([words(text) for text, _ in passages], show_progress=False)
    output.parent.mkdir(parents=True, exist_ok=True)
    with write_folder(output) as folder:
        index.save(str(folder / INDEX), allow_pickle=False)
        lines = (json.dumps({"text": text, "url": url}, ensure_ascii=False) + "\n" for text, url in passages)
        (folder / PASSAGES).write_text("".join(lines), encoding="utf-8")
        made = {"shards": shards.folder, "dataset_hash": shards.dataset_hash, "passages": len(passages)}
        write_json(str(folder / MADE_OF), made)
    return len(passages)


def passages_of(shards: ShardsInfo, most_tokens: int) -> Iterator[tuple[str, str | None]]:
    """Whole sentences, as many as have room in so many tokens; a longer sentence is cut."""
    text = Text(Path(shards.folder) / "tokenizer")
    for document in DocumentTokens(shards, TRAIN).all():
        held, size = [], 0
        for sentence in SENTENCE.split(text.decode(document.tokens.tolist())):
            tokens = text.encode(sentence)
            if held and size + len(tokens) > most_tokens:
                yield " ".join(held), document.url
                held, size = [], 0
            if len(tokens) > most_tokens:
                sentence = text.decode(tokens[:most_tokens])
            if words(sentence):
                held.append(sentence.strip())
                size += len(tokens)
        if held:
            yield " ".join(held), document.url


class Search:
    """An index to ask. Raises BadInput for a folder that is none."""

    def __init__(self, folder: str) -> None:
        path = Path(folder)
        try:
            self._passages = [json.loads(line) for line in (path / PASSAGES).read_text(encoding="utf-8").splitlines()]
            self._index: Any = library().BM25.load(str(path / INDEX), mmap=True, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise BadInput(f"{folder} is no index ({error}); make one with `bateia search index`") from error

    def find(self, query: str, count: int = 1) -> list[tuple[str, str | None]]:
        """The best passages with their URLs, of equal ones the first; none if no word of the query is in any."""
        known = [word for word in words(query) if word in self._index.vocab_dict]
        if not known:
            return []
        scores_P = np.asarray(self._index.get_scores(known))
        order = np.lexsort((np.arange(len(scores_P)), -scores_P))[:count]
        found = [self._passages[number] for number in order.tolist() if scores_P[number] > 0]
        return [(one["text"], one["url"]) for one in found]


def open_search(folder: str) -> Tool:
    """Raises BadInput for a folder that is no index."""
    search = Search(folder)

    def run(query: str) -> str:
        found = search.find(query)
        if not found:
            raise ValueError("nothing is found")
        return found[0][0]

    return Tool("search", "the passage of the corpus that fits best", run)
