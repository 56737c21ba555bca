"""A search over the documents of shards: passages ranked by BM25 (bm25s), each with its page's URL.

What is ranked are words and pairs of neighbours, so that a whole name counts for more than its parts here and there, as
in sequential dependence (Metzler and Croft 2005). A passage is of whole sentences and begins with the last one of the
passage before, so that neighbours stand together somewhere; a question is never parted from the sentence behind it.

out/index/  passages.jsonl   text and url of each
            bm25/            the index, as bm25s writes it, without pickle
            index.json       what it was made of
"""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
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
SENTENCE = re.compile(r"(?<=[.!])\s+|(?<=[^?\s])\s*\n\s*")  # ends one; a question stays with its answer


def library() -> Any:
    """bm25s, which by itself tells every log that there is what it does."""
    import bm25s

    logging.getLogger("bm25s").setLevel(logging.WARNING)
    return bm25s


def terms(text: str) -> list[str]:
    """Words without case and accents, and all pairs of neighbours."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
    words = WORD.findall(plain)
    return [*words, *map(" ".join, pairwise(words))]


def build_index(shards: Sequence[ShardsInfo], output: Path, most_tokens: int = MOST_TOKENS) -> int:
    """Write an index of all training documents; the folder appears whole or not at all. Returns how many passages.

    Raises BadInput if the folder is there, or there is no text.
    """
    if output.exists():
        raise BadInput(f"output {output} is there; choose another --output, or remove it")
    passages = [passage for some in shards for passage in passages_of(some, most_tokens)]
    if not passages:
        raise BadInput(f"{' '.join(some.folder for some in shards)}: there is no text to search")
    index = library().BM25()
    index.index([terms(text) for text, _ in passages], show_progress=False)
    output.parent.mkdir(parents=True, exist_ok=True)
    with write_folder(output) as folder:
        index.save(str(folder / INDEX), allow_pickle=False)
        lines = (json.dumps({"text": text, "url": url}, ensure_ascii=False) + "\n" for text, url in passages)
        (folder / PASSAGES).write_text("".join(lines), encoding="utf-8")
        made_of = [{"shards": some.folder, "dataset_hash": some.dataset_hash} for some in shards]
        write_json(str(folder / MADE_OF), {"made_of": made_of, "passages": len(passages)})
    return len(passages)


def passages_of(shards: ShardsInfo, most_tokens: int) -> Iterator[tuple[str, str | None]]:
    """Of all training documents, with their URLs."""
    text = Text(Path(shards.folder) / "tokenizer")
    for document in DocumentTokens(shards, TRAIN).all():
        for passage in passages_in(text, document.tokens.tolist(), most_tokens):
            yield passage, document.url


def passages_in(text: Text, document: list[int], most_tokens: int) -> Iterator[str]:
    """Whole sentences, as many as have room in so many tokens; of a longer sentence, parts that overlap by half."""
    held: list[tuple[str, int]] = []
    for sentence, size in sentences_in(text, document, most_tokens):
        if held and sum(size for _, size in held) + size > most_tokens:
            yield " ".join(sentence for sentence, _ in held)
            *before, (_, last) = held
            held = held[-1:] if before and last + size <= most_tokens else []
        held.append((sentence, size))
    if held:
        yield " ".join(sentence for sentence, _ in held)


def sentences_in(text: Text, document: list[int], most_tokens: int) -> Iterator[tuple[str, int]]:
    """Each with how many tokens it has, which are `most_tokens` at most."""
    for sentence in SENTENCE.split(text.decode(document)):
        tokens = text.encode(sentence)
        if not WORD.search(sentence):
            continue
        if len(tokens) <= most_tokens:
            yield sentence.strip(), len(tokens)
            continue
        step = (most_tokens + 1) // 2
        for begin in range(0, len(tokens) - most_tokens + step, step):
            part = tokens[begin : begin + most_tokens]
            yield text.decode(part).strip(), len(part)


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
        known = [term for term in terms(query) if term in self._index.vocab_dict]
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
