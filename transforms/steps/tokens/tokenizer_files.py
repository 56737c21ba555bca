"""Which file a tokenizer's path means, in which format it is, and which special tokens its makers name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from schemas.faults import BadInput, reason

MODEL, JSON, CONFIG = "tokenizer.model", "tokenizer.json", "tokenizer_config.json"
ROLES = ("bos", "eos", "pad")

# A line of a tiktoken file is a token's bytes in base64 and its number (tiktoken/load.py).
TIKTOKEN_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} [0-9]+\r?\n")


def tokenizer_file(path: str) -> Path:
    """The one file to read of a path that is a `*.model`, a `tokenizer.json` or a folder with one of these.

    A file in tiktoken's format has only ranks of byte strings; the rule that cuts text before merging is in a program.
    So the tokenizer.json beside it is taken. Raises BadInput, naming file and remedy, if there is none.
    """
    file = Path(path)
    if file.is_dir():
        present = [file / name for name in (MODEL, JSON) if (file / name).is_file()]
        if not present:
            raise BadInput(f"{path} holds neither {MODEL} nor {JSON}; give a tokenizer's folder or file")
        file = present[0]
    if not file.is_file():
        raise BadInput(f"tokenizer {path} does not exist; give a tokenizer.json, a SentencePiece *.model, or a folder")
    if not is_tiktoken(file):
        return file
    if (file.parent / JSON).is_file():
        return file.parent / JSON
    raise BadInput(
        f"tokenizer {file} is in tiktoken's format, as Llama 3's is, which does not say how text is cut; "
        f"put the {JSON} of the same tokenizer beside it, or give that file"
    )


def is_tiktoken(file: Path) -> bool:
    with file.open("rb") as opened:
        return TIKTOKEN_LINE.match(opened.read(4096)) is not None


def roles_in_config(folder: Path) -> dict[str, str]:
    """Names of the tokens that begin, end and pad, by tokenizer_config.json. Raises BadInput if it can't be read."""
    path = folder / CONFIG
    if not path.is_file():
        return {}
    try:
        config = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"{path} is no {CONFIG} ({reason(error)}); mend or remove it") from error
    return {role: name for role in ROLES if (name := content_of(config.get(f"{role}_token")))}


def content_of(token: Any) -> str | None:
    """The name of a token that is written as a string or as an object."""
    name = token.get("content") if isinstance(token, dict) else token
    return name if isinstance(name, str) else None


def bos_in_rules(rules: dict[str, Any]) -> str | None:
    """The special token that a tokenizer.json's post-processor puts before a text."""
    processor = rules.get("post_processor") or {}
    for part in [processor, *(processor.get("processors") or ())]:
        if part.get("type") in ("BertProcessing", "RobertaProcessing"):
            return part["cls"][0]
        if part.get("type") == "TemplateProcessing" and part.get("single"):
            return (part["single"][0].get("SpecialToken") or {}).get("id")
    return None
