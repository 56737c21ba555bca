"""Claim: no text of a megabyte, however hostile, takes a step longer than a second, but for those shown in bold.

    python -m benchmarks.curate.hostile_text --out

Every text goes through every step by itself, with nothing remembered from the texts before; a step makes all of its
checks, also those behind the first that fails. Measured are CPU seconds of this process. Texts full of personal data go
through that step alone. Needs nothing but the installation.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import Benchmark, note, table
from pipelines.assets.registry import resolve_language_model
from schemas.document import Document
from transforms.steps.dedup.repeated_lines import DropRepeatedLines
from transforms.steps.dedup.settings import Deduplicate, Signer
from transforms.steps.filters.c4 import CleanC4
from transforms.steps.filters.fineweb import KeepFineWeb
from transforms.steps.filters.gopher_quality import KeepGopherQuality
from transforms.steps.filters.gopher_repetition import KeepGopherRepetition
from transforms.steps.filters.languages import KeepLanguages
from transforms.steps.pii.scrub import ScrubPii
from transforms.steps.text.words import forget_words
from transforms.steps.tokens.tokenizer import load_tokenizer
from transforms.steps.tokens.train_bpe import train_bpe
from transforms.steps.tokens.train_sentencepiece import train_sentencepiece
from transforms.steps.urls.build import build_blocklist
from transforms.steps.urls.drop_blocked import DropBlockedUrls
from transforms.steps.warc.charset import decode_html

SIZE = 1_000_000  # characters
LIMIT_S = 1.0
AGAIN_S = 0.5
LANGUAGE = "es"  # it has special cases with spaces in them
SAMPLE = Path(__file__).parents[2] / "pipelines" / "sample"
ARTICLES, BLOCKLIST = SAMPLE / "articles", SAMPLE / "blocklist"

SIGNS = ".,'-:)(!?\"“”…;"

Step = Callable[[str], Any]


def filled(piece: str) -> str:
    return (piece * (SIZE // len(piece) + 1))[:SIZE]


def new_words(alphabet: str, length: int = 8) -> str:
    """Words that hardly repeat."""
    draw = random.Random(1)
    return " ".join("".join(draw.choices(alphabet, k=length)) for _ in range(SIZE // (length + 1)))


TEXTS: dict[str, Callable[[], str]] = {
    "one endless word": lambda: filled("a"),
    "spaces": lambda: filled(" "),
    "other spaces": lambda: filled("\t\u00a0\u2028\x0c\x85 "),
    "new lines": lambda: filled("\n"),
    "dots": lambda: filled("."),
    "marks": lambda: filled("?!.,;:"),
    "digits and dots": lambda: filled("1."),
    "nested brackets": lambda: "(" * (SIZE // 2) + ")" * (SIZE // 2),
    "citations begun": lambda: filled("[1"),
    "at signs": lambda: filled("@"),
    "addresses begun": lambda: filled("a@a."),
    "one letter with marks": lambda: "a" + "\u0301" * SIZE,
    "combining marks": lambda: filled("\u0301\u0323"),
    "right-to-left marks": lambda: filled("\u200fא\u202e"),
    "surrogates": lambda: filled("\ud800a \udc00"),
    "emoji with joiners": lambda: filled("👩\u200d👩\u200d👧 "),
    "short lines": lambda: filled("a\n"),
    "numbered lines": lambda: "\n".join(map(str, range(SIZE // 7))),
    "one line repeated": lambda: filled("The same line stands here again and again.\n"),
    "quotes": lambda: filled("\"'"),
    "one word repeated": lambda: filled("a "),
    "a long URL": lambda: "https://example.org/" + filled("a/b?c=d&"),
    "an abbreviation with a space": lambda: filled("EE. UU."),
    "NULs": lambda: filled("\0"),
    "new words": lambda: new_words("abcdefghijklmnopqrstuvwxyz"),
    "new words of signs": lambda: new_words("abcdefgh.,'-:)(0123456789"),
    "new words, Cyrillic": lambda: new_words("абвгдежзиклмнопрстуфхцчшщ"),
    "new runs of signs": lambda: new_words(SIGNS),
    "new long runs of signs": lambda: new_words(SIGNS, 999),
    "one endless new run of signs": lambda: new_words(SIGNS, SIZE - 1),
    "new runs of symbols": lambda: new_words("€°§+=|~^×÷©1", 30),
    "new URLs": lambda: new_words("abcdefghijklmnop./-_?=&1234", 60),
}
VALUES: dict[str, Callable[[], str]] = {
    "PIX keys": lambda: filled("pix 123e4567-e89b-12d3-a456-426614174000 "),
    "PIX keys that come near": lambda: "pix " + "123e4567-e89b-12d3-a456-426614174000 " * (SIZE // 37),
    "keys in dashes": lambda: filled("pix -123e4567-e89b-12d3-a456-426614174000-"),
    "telephones": lambda: filled("call 2125550143 "),
    "new telephones": lambda: numbered("call 212555{:04} or +55 11 9{:04}-1234 "),
    "tax numbers": lambda: filled("529.982.247-25\n"),
    "bare tax numbers": lambda: filled("cpf 52998224725 "),
    "companies": lambda: filled("cnpj 11.222.333/0001-81 "),
    "accounts": lambda: filled("IBAN DE89370400440532013000 "),
    "cards": lambda: filled("card 4111 1111 1111 1111, "),
    "social security": lambda: filled("ssn 219-09-9999 "),
    "post codes": lambda: filled("cep 01310-100 "),
    "e-mail": lambda: numbered("x{}@example.org "),
    "IPv4": lambda: filled("ip 8.8.8.8 "),
    "IPv6": lambda: filled("2a00:1450:4001:81b::200e "),
}


def numbered(form: str) -> str:
    """A form again and again, with another number in it each time."""
    parts, size, number = [], 0, 1000
    while size < SIZE:
        parts.append(form.format(number % 10_000, number // 7 % 10_000) if form.count("{") > 1 else form.format(number))
        size += len(parts[-1])
        number += 1
    return "".join(parts)[:SIZE]


def document(text: str, language: str | None = None) -> Document:
    return Document(text, "id", "dump", "https://example.org/", "", "a.warc.gz", language=language, warc_offset=0)


def make_steps(model: str) -> dict[str, Step]:
    """Every step that sees text, by its name. model: path of fastText's."""
    filters = (KeepGopherRepetition(), KeepGopherQuality(), CleanC4(), KeepFineWeb())
    languages, lines, pii = KeepLanguages((), model=model), DropRepeatedLines(), ScrubPii()
    for step in (*filters, languages, pii):
        step.setup()
    steps: dict[str, Step] = {
        step.stage: lambda text, step=step: list(step.checks(document(text, LANGUAGE))) for step in filters
    }
    steps |= {"language": lambda text: languages(document(text)), "lines": lines}
    steps |= {"pii": lambda text: pii(text, "id", "pt"), "dedup": lambda text: Signer(Deduplicate())(text, LANGUAGE)}
    steps["charset"] = lambda text: decode_html(text.encode("utf-16", "surrogatepass"), None)
    steps["url"] = url_step()
    steps |= dict(tokenizers())
    for step in steps.values():  # libraries are loaded by the first text
        step("Some words, to begin with: call 212 555 0143.")
    return steps


def url_step() -> Step:
    """A URL with the text as its path, against the sample's block list."""
    folder = Path(tempfile.mkdtemp())  # mapped into memory until the process ends
    build_blocklist(BLOCKLIST, folder / "compiled", "sample")
    step = DropBlockedUrls(str(folder / "compiled"))
    step.setup()
    shutil.rmtree(folder)  # what is mapped stays
    return lambda text: step.check_url("https://example.org/" + text)


def tokenizers() -> Iterator[tuple[str, Step]]:
    """Each of our two kinds, learnt from the sample's articles."""
    texts = [path.read_text() for path in sorted(ARTICLES.glob("*.md"))]
    with tempfile.TemporaryDirectory() as folder:
        model, json = Path(folder, "tokenizer.model"), Path(folder, "tokenizer.json")
        model.write_bytes(train_sentencepiece(texts, 2000))
        json.write_text(train_bpe(texts, 2000))
        for name, path in (("sentencepiece", model), ("bpe", json)):
            encode = load_tokenizer(str(path)).encode
            yield name, lambda text, encode=encode: encode(as_utf8(text))


def as_utf8(text: str) -> str:
    """What comes out of a Parquet file: halves of characters never do."""
    return text.encode("utf-8", "replace").decode()


def cpu_s(step: Step, text: str) -> float:
    """CPU seconds of one call, all threads, with no words remembered."""
    forget_words()
    started = time.process_time()
    step(text)
    return time.process_time() - started


def measured(step: Step, text: str) -> float:
    """The smaller of two runs where the first took long: other work on the machine only adds."""
    first = cpu_s(step, text)
    return first if first <= AGAIN_S else min(first, cpu_s(step, text))


def measure_all(args: argparse.Namespace, scratch: Path) -> Iterator[str]:
    steps = make_steps(str(resolve_language_model("lid.176.ftz")))
    slowest, rows = dict.fromkeys(steps, 0.0), []
    for kind, make in {**TEXTS, **VALUES}.items():
        if args.kind and kind not in args.kind:
            continue
        text, cells = make(), [kind]
        for name, step in steps.items():
            if kind in VALUES and name != "pii":
                cells.append("")
                continue
            taken_s = measured(step, text)
            slowest[name] = max(slowest[name], taken_s)
            cells.append(f"{taken_s:.2f}" if taken_s <= LIMIT_S else f"**{taken_s:.2f}**")
        rows.append(cells)
        note(" ".join(cells))
    rows.append(["slowest", *(f"{slowest[name]:.2f}" for name in steps)])
    yield f"{SIZE:,} characters of each text; CPU seconds, more than {LIMIT_S:.0f} in bold.\n"
    yield table(["text", *steps], rows)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", nargs="+", metavar="NAME", help="only these kinds of text")


BENCHMARK = Benchmark(
    __file__,
    "Hostile texts of a megabyte",
    __doc__,
    measure_all,
    add_options,
    quick={"kind": ["one endless word", "new words", "IPv4"]},
    packages=("spacy", "presidio-analyzer", "tokenizers", "sentencepiece", "tiktoken"),
)

if __name__ == "__main__":
    BENCHMARK.main()
