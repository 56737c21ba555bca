"""Question: how fast is text encoded, beside sentencepiece, tiktoken and tokenizers with the same vocabulary?

    python -m benchmarks.encode_speed --documents DIR [--vocab-size 32768] [--repeat 3] [--out FILE]

DIR is an output of `bateia curate` or `dedup`. A vocabulary of each algorithm is learnt from its texts; each encoder
then goes through all texts, one thread, the encoders taking turns, and the best round is told. Ours starts every round
with an empty memory, so a round has its cost of learning in it; texts are looped to 20 MB, each copy with other words.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from benchmarks.dedup_vs_datatrove import changed
from benchmarks.process_cost import machine
from transforms.steps.bpe_training import GPT4_SPLIT, train_bpe
from transforms.steps.sentencepiece_training import train_sentencepiece
from transforms.steps.tokenizer import load_tokenizer
from transforms.steps.tokenizer_export import to_tokenizer_json

BYTES = 20_000_000
CHANGED = 0.02  # share of words that are others in each copy
Encoder = Callable[[str], Any]


def looped(texts: list[str]) -> list[str]:
    draw, size, found = random.Random(1), 0, []
    words = sorted({word for text in texts for word in text.split()})
    while size < BYTES:
        for text in texts:
            found.append(changed(text, CHANGED, words, draw))
            size += len(text.encode())
    return found


def encoders(folder: Path) -> dict[str, dict[str, Callable[[], Encoder]]]:
    """For each algorithm, what makes each library's encoder of its vocabulary anew."""
    from sentencepiece import SentencePieceProcessor
    from tokenizers import Tokenizer

    processor: Any = SentencePieceProcessor
    library: Any = Tokenizer

    def of_tokenizers(name: str) -> Encoder:
        found = library.from_file(str(folder / name / "tokenizer.json"))
        return lambda text: found.encode(text, add_special_tokens=False).ids

    def of_tiktoken() -> Encoder:
        import tiktoken

        pieces = load_tokenizer(str(folder / "bpe-gpt4")).pieces
        ranks = {piece: number for number, piece in enumerate(pieces) if piece}
        return tiktoken.Encoding("x", pat_str=GPT4_SPLIT, mergeable_ranks=ranks, special_tokens={}).encode_ordinary

    return {
        "sentencepiece": {
            "ours": lambda: load_tokenizer(str(folder / "sentencepiece")).encode,
            "sentencepiece": lambda: processor(model_file=str(folder / "sentencepiece" / "tokenizer.model")).encode,
            "tokenizers": lambda: of_tokenizers("sentencepiece"),
        },
        "bpe-gpt4": {
            "ours": lambda: load_tokenizer(str(folder / "bpe-gpt4")).encode,
            "tiktoken": of_tiktoken,
            "tokenizers": lambda: of_tokenizers("bpe-gpt4"),
        },
    }


def train(folder: Path, texts: list[str], size: int) -> None:
    for name in ("sentencepiece", "bpe-gpt4"):
        (folder / name).mkdir()
    model = train_sentencepiece(texts, size)
    (folder / "sentencepiece" / "tokenizer.model").write_bytes(model)
    (folder / "sentencepiece" / "tokenizer.json").write_text(to_tokenizer_json(model))
    (folder / "bpe-gpt4" / "tokenizer.json").write_text(train_bpe(texts, size))


def measure(made: dict[str, Callable[[], Encoder]], texts: list[str], rounds: int) -> dict[str, tuple[int, float]]:
    """Tokens, and the least CPU seconds, of each encoder."""
    best: dict[str, tuple[int, float]] = {}
    for _ in range(rounds):
        for name, make in made.items():
            encode, started = make(), time.process_time()
            tokens = sum(len(encode(text)) for text in texts)
            spent = time.process_time() - started
            best[name] = min(best.get(name, (tokens, spent)), (tokens, spent), key=lambda pair: pair[1])
    return best


def report(found: dict[str, dict[str, tuple[int, float]]], texts: list[str], size: int) -> Iterator[str]:
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    told = ", ".join(f"{name} {version(name)}" for name in ("sentencepiece", "tiktoken", "tokenizers"))
    yield f"# Encoding, {date.today()}\n\n{machine()}; {told}."
    yield f"{len(texts):,} texts, {megabytes:.0f} MB; vocabularies of {size:,}.\n"
    yield "| vocabulary | encoder | tokens | M tokens/s a core | ours / this |"
    yield "|---|---|---|---|---|"
    for algorithm, encoders_ in found.items():
        tokens, spent = encoders_["ours"]
        for name, (count, seconds) in encoders_.items():
            ratio = (tokens / spent) / (count / seconds)
            yield f"| {algorithm} | {name} | {count:,} | {count / seconds / 1e6:.2f} | {ratio:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", required=True, type=Path, help="an output of `bateia curate` or `dedup`")
    parser.add_argument("--vocab-size", type=int, default=32768)
    parser.add_argument("--repeat", type=int, default=3, help="rounds")
    parser.add_argument("--out", type=Path, help="Markdown file to write; default: standard output")
    args = parser.parse_args()
    files = sorted(str(path) for path in args.documents.glob("data/*/*.parquet"))
    texts = ds.dataset(files).to_table(columns=["text"])["text"].to_pylist()
    with tempfile.TemporaryDirectory() as name:
        train(Path(name), texts, args.vocab_size)
        tried = looped(texts)
        found = {key: measure(made, tried, args.repeat) for key, made in encoders(Path(name)).items()}
    text = "\n".join(report(found, tried, args.vocab_size)) + "\n"
    if args.out:
        args.out.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
