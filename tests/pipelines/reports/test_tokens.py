"""`bateia tokens --html`: one file that shows any text safely, looked at in a browser."""

from __future__ import annotations

import json
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.reports.tokens import render_page
from schemas.faults import BadInput
from support.pages import Elements, in_browser
from support.paths import ROOT
from transforms.steps.tokens.export import to_tokenizer_json
from transforms.steps.tokens.graphemes import groups
from transforms.steps.tokens.tokenizer import load_tokenizer
from transforms.steps.tokens.train_bpe import train_bpe
from transforms.steps.tokens.train_sentencepiece import train_sentencepiece

Call = Callable[..., subprocess.CompletedProcess[str]]

HOSTILE = "</script><script>alert(1)</script><!--'\"&\x00\u202e\u2028{{ 1234*4321 }}{% raw %}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both kinds of ours: pieces/ with a model and its tokenizer.json, ours/ with byte-level BPE."""
    texts = [path.read_text() for path in sorted((ROOT / "pipelines" / "sample" / "articles").glob("*.md"))]
    found = tmp_path_factory.mktemp("tokenizers")
    for name in ("pieces", "ours"):
        (found / name).mkdir()
    model = train_sentencepiece(texts, 2000)
    (found / "pieces" / "tokenizer.model").write_bytes(model)
    (found / "pieces" / "tokenizer.json").write_text(to_tokenizer_json(model))
    (found / "ours" / "tokenizer.json").write_text(train_bpe(texts, 2000))
    return found


# --- The page ---------------------------------------------------------------------------------------------------------


def test_the_page_is_self_contained(folder: Path, tmp_path: Path) -> None:
    rules = json.loads((folder / "ours" / "tokenizer.json").read_text())
    rules["added_tokens"].append({**rules["added_tokens"][0], "id": 2000, "content": HOSTILE})
    hostile = tmp_path / "<img src=x onerror=alert(1)>"
    hostile.mkdir()
    (hostile / "tokenizer.json").write_text(json.dumps(rules))
    text = render_page([str(hostile), str(folder / "pieces")], f"{HOSTILE}\ud800")
    page = Elements(text)
    page.assert_self_contained(scripts=2)
    carried = json.loads(page.texts["data"][0])
    assert (carried["text"], carried["vocabularies"][0]["names"][2000]) == (f"{HOSTILE}\ud800", HOSTILE)
    assert "5332114" not in text
    assert 2000 in carried["vocabularies"][0]["special"]
    assert len(text.encode()) < 400_000


def changed(folder: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> str:
    rules = json.loads((folder / "ours" / "tokenizer.json").read_text())
    change(rules)
    (tmp_path / "tokenizer.json").write_text(json.dumps(rules))
    return str(tmp_path)


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda rules: rules.update(normalizer={"type": "NFC"}), "a BPE model with normalizer; byte-level BPE with"),
        (lambda rules: rules.update(pre_tokenizer=None), "without byte fallback"),
        (lambda rules: rules.update(pre_tokenizer={"type": "WhitespaceSplit"}), "does not know this tokenizer's split"),
        (lambda rules: rules["model"].update(dropout=0.1), "with dropout"),
        (lambda rules: rules["added_tokens"][4].update(special=False), "with added token <|system|>"),
        (
            lambda rules: rules.update(
                model={"type": "WordPiece", "unk_token": "a", "continuing_subword_prefix": "#", "vocab": {"a": 0}}
                | {"max_input_chars_per_word": 9}
            ),
            "can't encode by a WordPiece model; byte-level BPE with the split of GPT-2 or GPT-4, and BPE with byte",
        ),
        (
            lambda rules: rules.update(model={"type": "Unigram", "unk_id": 0, "vocab": [["a", 0.0]]}),
            "can't encode by a Unigram model",
        ),
    ],
)
def test_other_kinds_are_refused(
    folder: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    with pytest.raises(BadInput) as caught:
        render_page([changed(folder, tmp_path, change)], "")
    assert said in str(caught.value)


def test_a_model_of_other_rules_is_refused(tmp_path: Path) -> None:
    from sentencepiece import SentencePieceTrainer

    trainer: Any = SentencePieceTrainer
    lines = ["one two three four"] * 50
    options = {"vocab_size": 20, "hard_vocab_limit": False, "minloglevel": 2}
    trainer.train(sentence_iterator=iter(lines), model_prefix=str(tmp_path / "tokenizer"), **options)
    with pytest.raises(BadInput, match="is a SentencePiece model of another kind; byte-level BPE"):
        render_page([str(tmp_path / "tokenizer.model")], "")


def test_the_command(folder: Path, bateia: Call, tmp_path: Path) -> None:
    one, two = folder / "pieces", folder / "ours"
    page = tmp_path / "new" / "page.html"
    ended = bateia("tokens", "--tokenizer", one, "--tokenizer", two, "--html", page)
    assert (ended.returncode, ended.stdout) == (0, f"open {page} in a browser; it needs no network\n"), ended.stderr
    assert page.read_text().startswith("<!doctype html>")
    for arguments, said in (
        (("--tokenizer", one), "there is no TEXT; give one"),
        (("x", "--tokenizer", one, "--tokenizer", two), "a terminal shows one --tokenizer"),
        (("--html", page, *("--tokenizer", one) * 3), "room for two"),
        (("--html", page, *("--tokenizer", one) * 2), "names a tokenizer twice"),
        (("--html", tmp_path, "--tokenizer", one), "can't be written"),
        (("--html", page, "--tokenizer", tmp_path / "none"), "does not exist; give a tokenizer.json"),
    ):
        ended = bateia("tokens", *arguments)
        assert ended.returncode == 2, arguments
        [line] = ended.stderr.splitlines()
        assert said in line


# --- A browser --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_browser_shows_the_tokens(folder: Path, tmp_path: Path) -> None:
    text = "Olá, gravel!\r\n<b>e\u0301</b> <s> \u202e"
    paths = [str(folder / "pieces"), str(folder / "ours")]
    page = tmp_path / "page.html"
    page.write_text(render_page(paths, text))
    shown = Elements(in_browser(page, "--dump-dom"))
    assert (shown.texts["characters"], shown.texts["bytes"]) == ([str(len(text))], [str(len(text.encode()))])
    tokenizers = [load_tokenizer(path) for path in paths]
    numbers = [tokenizer.encode(text).tolist() for tokenizer in tokenizers]
    assert shown.texts["count"] == [str(len(found)) for found in numbers]
    assert shown.texts["ratio"] == [f"{len(text.encode()) / len(found):.2f}" for found in numbers]
    assert [list(map(int, ids.split())) for ids in shown.texts["ids"]] == numbers
    drawn = [group.text for tokenizer in tokenizers for group in groups(tokenizer, text)]
    signs = {"\r\n": "␍⏎\n", "\r": "␍", "\n": "⏎\n", "\u202e": "U+202E"}
    assert shown.texts["t"] == [signs.get(group, group) for group in drawn]
    assert "b" not in shown.texts["painted"][0].split()  # <b> is text
    less = 1 - min(map(len, numbers)) / max(map(len, numbers))
    said = "as many as the other" if not less else f"{round(100 * less, 1):g} % fewer than the other"
    assert said in shown.texts["compared"]


@pytest.mark.slow
def test_a_browser_paints_something(folder: Path, tmp_path: Path) -> None:
    page, picture = tmp_path / "page.html", tmp_path / "picture.png"
    page.write_text(render_page([str(folder / "pieces")], "The pan washes gold out of river gravel."))
    in_browser(page, f"--screenshot={picture}", "--window-size=1200,900")
    colours = pixels(picture.read_bytes())
    light = {"fbe3ae", "cfe3f7", "d3ecc9", "f9d3cd", "e2d8f5", "c6ebe6"}
    assert len(light & colours) >= 4


def pixels(png: bytes) -> set[str]:
    """The colours of an 8-bit PNG of three or four channels, by their hexadecimal names."""
    at, packed, width, channels = 8, b"", 0, 3
    while at < len(png):
        size, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, channels = int.from_bytes(body[:4], "big"), {2: 3, 6: 4}[body[9]]
        packed += body if kind == b"IDAT" else b""
        at += 12 + size
    data, stride, found = zlib.decompress(packed), width * channels, set()
    before = bytearray(stride)
    for start in range(0, len(data), stride + 1):
        before = unfiltered(data[start], bytearray(data[start + 1 : start + 1 + stride]), before, channels)
        found |= {before[x : x + 3].hex() for x in range(0, stride, channels)}
    return found


def unfiltered(kind: int, line: bytearray, above: bytearray, channels: int) -> bytearray:
    """A line of a PNG as it was before it was filtered (PNG specification, section 9)."""
    for x in range(len(line)):
        left = line[x - channels] if x >= channels else 0
        corner = above[x - channels] if x >= channels else 0
        if kind == 4:
            near = min((left, above[x], corner), key=lambda value: abs(left + above[x] - corner - value))
        else:
            near = (0, left, above[x], (left + above[x]) // 2)[kind]
        line[x] = (line[x] + near) & 255
    return line
