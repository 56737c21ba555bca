"""The page of `bateia tokens --html`: one types a text and sees its tokens, by one tokenizer or two.

It needs no network: it carries the vocabularies, as small as they get, and encodes by itself (web/bpe.js, exactly as
the libraries do). It is the only page with a script, which its policy knows by its hash.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from pipelines.reports.render import encode, render, script_hash
from pipelines.reports.tokenizers import named
from schemas.faults import BadInput
from transforms.steps.tokens.export import to_tokenizer_json
from transforms.steps.tokens.tokenizer import byte_letters, load_tokenizer, model_kind
from transforms.steps.tokens.tokenizer_files import JSON, tokenizer_file
from transforms.steps.tokens.train_bpe import GPT4_SPLIT
from transforms.steps.tokens.train_sentencepiece import parse

SCRIPTS = ("bpe.js", "shown.js", "tokens.js")  # as the page includes them
KINDS = {"pieces": "BPE over the text, bytes for rare characters", "bytes": "byte-level BPE"}
SUPPORTED = "byte-level BPE with the split of GPT-2 or GPT-4, and BPE with byte fallback and no normalizer, are"
_REST = r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_GPT4 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
# Expressions that bpe.js has a rewritten form of, by its name.
SPLITS = {
    GPT4_SPLIT: "bateia",
    _GPT4 + _REST: "gpt4",  # as Llama 3 and others write cl100k_base's
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+": "gpt2",
}


def render_page(paths: Sequence[str], text: str) -> str:
    """The page for one tokenizer or two. Raises BadInput for more, for the same twice and for what bpe.js can't do."""
    if len(paths) > 2:
        raise BadInput("the page has room for two tokenizers; give --tokenizer once or twice")
    if len(set(paths)) < len(paths):
        raise BadInput("--tokenizer names a tokenizer twice; give another one beside it")
    names = named(paths)
    vocabularies = [vocabulary_of(path) for path in names.values()]
    return render(
        "tokens.html",
        panels=[
            (name, len(vocabulary.names), KINDS[vocabulary.kind])
            for name, vocabulary in zip(names, vocabularies, strict=True)
        ],
        data={"vocabularies": [encode(vocabulary) for vocabulary in vocabularies], "text": text},
        scripts=SCRIPTS,
        script_sha256=script_hash(SCRIPTS),
    )


# --- Vocabularies -----------------------------------------------------------------------------------------------------


class Encoding(Struct, frozen=True, omit_defaults=True):
    """How bpe.js encodes.

    kind: a key of KINDS.
    merges: as `compact_merges` makes them.
    split: name of the expression that cuts texts before they are merged; for bytes.
    whole: whether a part that is a token is not merged; for bytes.
    """

    kind: str
    merges: list[list[int]]
    split: str | None = None
    whole: bool | None = None


class Vocabulary(Encoding, frozen=True, kw_only=True, omit_defaults=True):
    """A tokenizer as bpe.js's makeTokenizer takes it.

    names: of every number.
    special: numbers of special tokens.
    """

    names: list[str]
    special: list[int]


def vocabulary_of(path: str) -> Vocabulary:
    """A tokenizer.json as the page carries it. Raises BadInput for what bpe.js can't encode exactly."""
    try:
        tokenizer = load_tokenizer(path)
        rules = json.loads(rules_of(path))
        names, special = names_of(rules), set(tokenizer.specials.values())
        return Vocabulary(*astuple(encoding_of(rules, names)), names=names, special=sorted(special))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        reason = str(error) if isinstance(error, ValueError) else f"tokenizer {path} is not understood ({error!r})"
        raise BadInput(reason) from error


def rules_of(path: str) -> str:
    """The text of a tokenizer.json: the file, the one in the folder, or a SentencePiece model's."""
    file = Path(path)
    file = file / JSON if (file / JSON).is_file() else tokenizer_file(path)
    return model_rules(file) if file.suffix == ".model" else file.read_text(encoding="utf-8")


def model_rules(path: Path) -> str:
    model = path.read_bytes()
    proto = parse(model)
    rules, trained = proto.normalizer_spec, proto.trainer_spec
    escaped = rules.escape_whitespaces or rules.add_dummy_prefix or rules.remove_extra_whitespaces
    if trained.model_type != trained.BPE or not trained.byte_fallback or rules.name != "identity" or escaped:
        raise ValueError(f"{path} is a SentencePiece model of another kind; {SUPPORTED} supported")
    return to_tokenizer_json(model)


def names_of(rules: dict[str, Any]) -> list[str]:
    """The name of every number; a number without one is an empty name."""
    known = dict(rules["model"]["vocab"]) if isinstance(rules["model"].get("vocab"), dict) else {}
    known |= {token["content"]: token["id"] for token in rules.get("added_tokens") or ()}
    names = [""] * (max(known.values(), default=-1) + 1)
    for name, number in known.items():
        names[number] = name
    return names


def encoding_of(rules: dict[str, Any], names: list[str]) -> Encoding:
    """How a tokenizer.json encodes. Raises ValueError for what bpe.js can't do."""
    model = rules["model"]
    kind = model_kind(rules)
    if kind != "BPE":
        raise ValueError(f"the page can't encode by a {kind} model; {SUPPORTED} supported")
    odd = [name for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix") if model.get(name)]
    odd += ["normalizer"] if rules.get("normalizer") else []
    odd += [f"added token {token['content']}" for token in rules.get("added_tokens") or () if not token["special"]]
    if odd:
        raise ValueError(f"the page can't encode by a BPE model with {odd[0]}; {SUPPORTED} supported")
    merges = compact_merges(model["merges"], names)
    if rules.get("pre_tokenizer") is None:
        missing = {f"<0x{byte:02X}>" for byte in range(256)} - set(names)
        if missing or not model.get("byte_fallback") or model.get("ignore_merges"):
            raise ValueError(f"the page can't encode by a BPE model without byte fallback; {SUPPORTED} supported")
        return Encoding("pieces", merges)
    if set(byte_letters().values()) - set(names):
        raise ValueError(f"the page can't encode by a BPE model without all bytes; {SUPPORTED} supported")
    whole = bool(model.get("ignore_merges"))
    return Encoding("bytes", merges, split_of(rules["pre_tokenizer"]), whole)


def compact_merges(merges: list[Any], names: list[str]) -> list[list[int]]:
    """For each merge, how far the number it makes is from the one before, and where that name is cut."""
    numbers = {name: number for number, name in enumerate(names)}
    cuts, before = [], 0
    for merge in merges:
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        made = numbers[left + right]
        cuts.append([made - before, utf16(left)])
        before = made
    return cuts


def utf16(text: str) -> int:
    """JavaScript's length of a text."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split_of(rules: dict[str, Any]) -> str:
    """The name of the split in bpe.js."""
    parts = rules["pretokenizers"] if rules["type"] == "Sequence" else [rules]
    *splits, level = parts
    known = level["type"] == "ByteLevel" and not level["add_prefix_space"]
    splits_itself = level.get("use_regex", True)  # older files do not say
    if known and splits_itself and not splits:
        return "gpt2"
    if known and not splits_itself and len(splits) == 1 and splits[0]["type"] == "Split":
        [split] = splits
        pattern = split["pattern"].get("Regex")
        if split["behavior"] == "Isolated" and not split["invert"] and pattern in SPLITS:
            return SPLITS[pattern]
    raise ValueError(f"the page does not know this tokenizer's split of texts; {SUPPORTED} supported")
