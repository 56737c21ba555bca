"""Conversations out of the pages of shards: their own questions with what they answer, titles with paragraphs.

Each names the page that it is from, so that `bateia explain` goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from schemas.shards.layout import SPLITS, ShardsInfo
from trainer.data.chat import ASSISTANT, USER, Conversation, Message
from trainer.generate.text import Text
from trainer.probes.documents import Document, DocumentTokens

LONGEST_HEADING, SHORTEST_ANSWER, LONGEST_ANSWER = 120, 40, 600  # characters; ours
WRITE = {"pt": "Escreva sobre: {}", "en": "Write about: {}"}


def make_from_pages(shards: ShardsInfo, text: Text, count: int) -> Iterator[Conversation]:
    """Up to `count` conversations, in the order of the pages; those of held-out pages are held out."""
    left = count
    for split in SPLITS:
        for document in DocumentTokens(shards, split).all():
            for number, (asked, answer) in enumerate(pairs_of(text.decode(document.tokens.tolist()))):
                if not left:
                    return
                left -= 1
                yield Conversation(
                    f"page-{split}-{document.shard}-{document.start}-{number}",
                    (Message(USER, asked), Message(ASSISTANT, answer)),
                    split,
                    source=source_of(document),
                )


def source_of(document: Document) -> dict[str, object]:
    told = {"url": document.url, "warc_file": document.warc_file, "warc_offset": document.warc_offset}
    return {"kind": "corpus", **told}


def pairs_of(text: str) -> Iterator[tuple[str, str]]:
    """What a page asks and answers: lines that end in a question mark, with the paragraph below; and, of a page whose
    first line is a title, that title with the first paragraph."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    for number, (line, below) in enumerate(pairwise(lines)):
        if not len(below) >= SHORTEST_ANSWER or len(line) > LONGEST_HEADING:
            continue
        if line.endswith("?") and not below.endswith("?"):
            yield line.lstrip("#•-–* "), shortened(below)
        elif number == 0 and line[-1] not in ".!?:;,…":
            yield WRITE["pt" if is_portuguese(below) else "en"].format(line), shortened(below)


def shortened(paragraph: str) -> str:
    """Up to its last whole sentence within LONGEST_ANSWER characters."""
    if len(paragraph) <= LONGEST_ANSWER:
        return paragraph
    cut = paragraph[:LONGEST_ANSWER]
    end = max(cut.rfind(sign) for sign in (". ", "! ", "? "))
    return cut[: end + 1] if end >= SHORTEST_ANSWER else f"{cut.rpartition(' ')[0]} …"


def is_portuguese(text: str) -> bool:
    """By words that only one of the two languages has, and often."""
    words = text.lower().split()
    return sum(word in ("de", "que", "não", "uma", "para", "do", "da") for word in words) > sum(
        word in ("the", "of", "and", "to", "is", "in") for word in words
    )
