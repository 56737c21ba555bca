"""Question: how fast is text encoded, beside sentencepiece, tiktoken and tokenizers with the same vocabulary?

    python -m benchmarks.tokens.encode_speed --documents DIR --out

DIR is an output of `bateia curate` or `dedup`. A vocabulary of each algorithm is learnt from its texts; each encoder
then goes through all of them, varied until they are 20 MB (2 % of the words of each copy are other ones). Measured are
millions of tokens per CPU second, one thread, the encoders taking turns; the best round counts. Ours begins every
round without any chunk remembered, so a round has its cost of learning in it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from benchmarks.generated.documents import varied
from benchmarks.harness import Benchmark, positive, ratio, table, take_turns
from benchmarks.inputs import add_documents_option, documents_folder, texts
from transforms.steps.tokens.export import to_tokenizer_json
from transforms.steps.tokens.tokenizer import load_tokenizer
from transforms.steps.tokens.train_bpe import GPT4_SPLIT, train_bpe
from transforms.steps.tokens.train_sentencepiece import train_sentencepiece

REPLACED = 0.02  # share of words that are others in each copy
SENTENCEPIECE, BPE = "sentencepiece", "bpe-gpt4"

Encoder = Callable[[str], Any]
NewEncoder = Callable[[], Encoder]


@dataclass(frozen=True)
class Speed:
    """One encoder's way through all texts."""

    tokens: int
    cpu_s: float

    def __str__(self) -> str:
        return f"{self.tokens / self.cpu_s / 1e6:.2f} M tokens/s"


def up_to(texts: Iterator[str], size: int) -> list[str]:
    """Texts until they have so many bytes."""
    total = 0

    def fits(text: str) -> bool:
        nonlocal total
        total += len(text.encode())
        return total <= size

    return list(takewhile(fits, texts))


def train(folder: Path, texts: list[str], size: int) -> None:
    """A vocabulary of each algorithm, in a folder of its name."""
    for name in (SENTENCEPIECE, BPE):
        (folder / name).mkdir()
    model = train_sentencepiece(texts, size)
    (folder / SENTENCEPIECE / "tokenizer.model").write_bytes(model)
    (folder / SENTENCEPIECE / "tokenizer.json").write_text(to_tokenizer_json(model))
    (folder / BPE / "tokenizer.json").write_text(train_bpe(texts, size))


def encoders(folder: Path) -> dict[str, dict[str, NewEncoder]]:
    """For each algorithm, what makes each library's encoder of its vocabulary anew; ours first."""
    from sentencepiece import SentencePieceProcessor
    from tokenizers import Tokenizer

    processor: Any = SentencePieceProcessor
    library: Any = Tokenizer

    def by_tokenizers(name: str) -> Encoder:
        tokenizer = library.from_file(str(folder / name / "tokenizer.json"))
        return lambda text: tokenizer.encode(text, add_special_tokens=False).ids

    def by_tiktoken() -> Encoder:
        import tiktoken

        pieces = load_tokenizer(str(folder / BPE)).pieces
        ranks = {piece: number for number, piece in enumerate(pieces) if piece}
        return tiktoken.Encoding("x", pat_str=GPT4_SPLIT, mergeable_ranks=ranks, special_tokens={}).encode_ordinary

    return {
        SENTENCEPIECE: {
            "Bateia": lambda: load_tokenizer(str(folder / SENTENCEPIECE)).encode,
            "sentencepiece": lambda: processor(model_file=str(folder / SENTENCEPIECE / "tokenizer.model")).encode,
            "tokenizers": lambda: by_tokenizers(SENTENCEPIECE),
        },
        BPE: {
            "Bateia": lambda: load_tokenizer(str(folder / BPE)).encode,
            "tiktoken": by_tiktoken,
            "tokenizers": lambda: by_tokenizers(BPE),
        },
    }


def encode_all(new_encoder: NewEncoder, texts: list[str]) -> Speed:
    encode, started = new_encoder(), time.process_time()
    tokens = sum(len(encode(text)) for text in texts)
    return Speed(tokens, time.process_time() - started)


def compare(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The report: tokens a CPU second of each encoder with the same vocabulary on the same texts."""
    sources = texts(documents_folder(args, scratch))
    train(scratch, sources, args.vocab_size)
    size = args.megabytes * 1_000_000
    copies = size // sum(len(text.encode()) for text in sources) + 2
    copied = up_to(varied(sources, copies, REPLACED), size)
    megabytes = sum(len(text.encode()) for text in copied) / 1e6
    sizes = f"{len(copied):,} texts of {len(sources):,} sources, {megabytes:.0f} MB"
    yield f"{sizes}; vocabularies of {args.vocab_size:,}.\n"
    rows = []
    for algorithm, sides in encoders(scratch).items():
        speeds = take_turns({name: lambda new=new: encode_all(new, copied) for name, new in sides.items()}, args.rounds)
        ours = [speed.cpu_s / speed.tokens for speed in speeds["Bateia"]]
        for name, of_rounds in speeds.items():
            best = min(of_rounds, key=lambda speed: speed.cpu_s)
            relation = ratio(ours, [speed.cpu_s / speed.tokens for speed in of_rounds])
            speed = f"{best.tokens / best.cpu_s / 1e6:.2f}"
            rows.append([algorithm, name, f"{best.tokens:,}", speed, relation, relation.by_round])
    yield table(
        ["vocabulary", "encoder", "tokens", "M tokens/s", "time a token ÷ ours", "round by round"], rows, texts=2
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    add_documents_option(parser)
    parser.add_argument("--vocab-size", type=positive, default=32768, metavar="N", help="tokens (32,768)")
    parser.add_argument("--megabytes", type=positive, default=20, metavar="N", help="of text to encode (20)")


BENCHMARK = Benchmark(
    __file__,
    "Encoding text",
    __doc__,
    compare,
    add_options,
    rounds=3,
    quick={"vocab_size": 2000, "megabytes": 1},
    packages=("sentencepiece", "tiktoken", "tokenizers"),
)

if __name__ == "__main__":
    BENCHMARK.main()
