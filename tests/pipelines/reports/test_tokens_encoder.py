"""The encoder that the page of tokens carries gives the libraries' numbers, run by node."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.reports.render import encode
from pipelines.reports.tokens import SPLITS, vocabulary_of
from support.pages import in_node
from support.paths import CORPUS, ROOT
from transforms.steps.tokens.export import to_tokenizer_json
from transforms.steps.tokens.graphemes import groups
from transforms.steps.tokens.tokenizer import load_tokenizer
from transforms.steps.tokens.train_bpe import train_bpe
from transforms.steps.tokens.train_sentencepiece import train_sentencepiece

Call = Callable[..., subprocess.CompletedProcess[str]]

GOLD = CORPUS / "public" / "gold.jsonl"
HOSTILE = "</script><script>alert(1)</script><!--'\"&\x00\u202e\u2028"
SCRIPTS = (  # first and last code points
    *((0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x52F), (0x5D0, 0x5EA), (0x620, 0x6FF), (0x904, 0x939)),
    *((0xE01, 0xE3A), (0x1200, 0x1248), (0x3041, 0x3096), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x10A0, 0x10C5)),
    *((0x300, 0x36F), (0x1F300, 0x1F64F), (0, 0x1F), (0x2000, 0x206F), (0x30, 0x39), (0xFF10, 0xFF19)),
)
ODD = (
    *(
        "",
        " ",
        " " * 3000,
        "x" * 9000,
        "ab" * 4000,
        "\n" * 900,
        "\r\n" * 30,
        "👩‍👩‍👧" * 60,
        "e\u0301" * 50,
        "１２３4567",
    ),
    *("<s> <|user|> <0x41> </s>", "\x85a\ufeffb\u180e c", "It'ſ we'LL I'Ve 'Re 'tis", "🏴󠁧󠁢󠁳󠁣󠁴󠁿🇧🇷❤️‍🔥", "\U0010ffff\ue000"),
)


def made_up() -> list[str]:
    draw = random.Random(8)
    found = list(ODD)
    for _ in range(1000):
        ranges = draw.choices(SCRIPTS, k=draw.randint(1, 4))
        found.append("".join(chr(draw.randint(*draw.choice(ranges))) for _ in range(draw.randint(1, 60))))
    signs = " \n\t\r\xa0\x85\ufeff\x1c\u2028\u3000ab.1'ſsSlLvVeErR"
    found += ["".join(draw.choices(signs, k=draw.randint(1, 25))) for _ in range(1000)]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tokenizers by the name of their folder: both kinds of ours, and byte-level ones as other makers write them."""
    texts = [path.read_text() for path in sorted((ROOT / "pipelines" / "sample" / "articles").glob("*.md"))]
    found = tmp_path_factory.mktemp("tokenizers")
    model, bpe = train_sentencepiece(texts, 2000), train_bpe(texts, 2000)
    made: dict[str, dict[str, Any]] = {"ours": json.loads(bpe), "gpt2": json.loads(bpe), "llama3": json.loads(bpe)}
    made["gpt2"]["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    made["gpt2"]["model"]["merges"] = [" ".join(merge) for merge in made["gpt2"]["model"]["merges"]]
    [gpt4] = [pattern for pattern, name in SPLITS.items() if name == "gpt4"]
    made["llama3"]["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = gpt4
    made["llama3"]["model"] |= {"ignore_merges": True, "merges": made["llama3"]["model"]["merges"][:-900]}
    for name, rules in made.items():
        (found / name).mkdir()
        (found / name / "tokenizer.json").write_text(json.dumps(rules))
    (found / "pieces").mkdir()
    (found / "pieces" / "tokenizer.model").write_bytes(model)
    (found / "pieces" / "tokenizer.json").write_text(to_tokenizer_json(model))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pieces", "ours", "gpt2", "llama3"])
def test_the_page_encodes_as_the_library(folder: Path, name: str) -> None:
    path = str(folder / name)
    texts, tokenizer = made_up(), load_tokenizer(path)
    if GOLD.exists():
        pages = [json.loads(line) for line in GOLD.read_text().split("\n") if line]
        texts += [page["gold_text"] or "\n".join(page["with"] or ()) for page in pages]
    job = {"vocabulary": encode(vocabulary_of(path)), "texts": texts}
    encoded = in_node(
        ("bpe.js",), "((t) => job.texts.map((text) => t.encode(text)))(makeTokenizer(job.vocabulary))", job
    )
    assert len(encoded) >= 2000
    for text, numbers in zip(texts, encoded, strict=True):
        assert numbers == tokenizer.encode(text).tolist(), text[:200]


def test_a_model_without_its_json_is_the_same(folder: Path) -> None:
    path = str(folder / "pieces" / "tokenizer.model")
    assert vocabulary_of(path) == vocabulary_of(str(folder / "pieces"))


@pytest.mark.slow
def test_groups_and_bytes_are_as_on_the_terminal(folder: Path) -> None:
    for name in ("pieces", "ours"):
        tokenizer, texts = load_tokenizer(str(folder / name)), [text for text in made_up() if text < "\u0600"][:300]
        texts += ["👩‍👩‍👧!", "🇧🇷🇵🇹", "e\u0301x\r\n\n", "Olá, 🌍", "日本語 한국어 नमस्ते"]
        job = {"vocabulary": encode(vocabulary_of(str(folder / name))), "texts": texts}
        program = """((t) => [t.bytes.map((b) => Array.from(b)),
            job.texts.map((x) => groupsOf(t, t.encode(x), x).map((g) => [g.text, g.numbers]))])(
            makeTokenizer(job.vocabulary))"""
        pieces, grouped = in_node(("bpe.js",), program, job)
        assert [bytes(piece) for piece in pieces] == list(tokenizer.pieces)
        for text, found in zip(texts, grouped, strict=True):
            assert found == [[group.text, list(group.numbers)] for group in groups(tokenizer, text)], text
