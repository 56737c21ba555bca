"""A trained model as a folder that Hugging Face transformers loads unchanged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from schemas.faults import BadInput
from schemas.lease import PREFIX, release, take
from schemas.special_tokens import CHAT, END
from schemas.storage import make_folder, write_json
from trainer.data.chat import CHAT_TEMPLATE
from trainer.run.checkpoints import CONFIG, MODEL, Checkpoint, find_checkpoint, run_of
from trainer.run.folder import write_folder

FORMATS = ("hf",)
TOKENIZER, TOKENIZER_CONFIG, GENERATION = "tokenizer.json", "tokenizer_config.json", "generation_config.json"
CARD = "README.md"
END_OF_TURN = CHAT[-1]
FILES = (MODEL, CONFIG, TOKENIZER, TOKENIZER_CONFIG, GENERATION, CARD)


def export_hf(run: Path, output: Path, overwrite: bool = False) -> list[str]:
    """Write the newest checkpoint's model; returns the files' names. The folder appears whole or not at all.

    Raises BadInput if the run has no checkpoint, the output holds other files or, without `overwrite`, an export, or
    another one is being written there.
    """
    checkpoint = find_checkpoint(run)
    refuse_foreign(output, overwrite)
    make_folder(str(output))
    take(str(output))
    try:
        write_export(checkpoint, Path(run_of(str(run))), output)
    finally:
        release(str(output))
        if not any(output.iterdir()):  # nothing was written
            output.rmdir()
    return list(FILES)


def write_export(checkpoint: Checkpoint, run: Path, output: Path) -> None:
    """run: folder of the checkpoint's run."""
    with write_folder(output) as temporary:
        for name in (MODEL, CONFIG):
            shutil.copyfile(checkpoint.folder / name, temporary / name)
        rules = json.loads((run / "tokenizer" / TOKENIZER).read_text(encoding="utf-8"))
        write_json(str(temporary / TOKENIZER), with_bos(rules, checkpoint.config()["bos_token_id"]))
        write_json(str(temporary / TOKENIZER_CONFIG), tokenizer_config(run, checkpoint))
        write_json(str(temporary / GENERATION), generation_config(checkpoint.config(), ends_of(run, checkpoint)))
        (temporary / CARD).write_text(model_card(checkpoint), encoding="utf-8")


def refuse_foreign(output: Path, overwrite: bool) -> None:
    """Raises BadInput if the output holds anything else than an export that is to be replaced."""
    if not output.exists():
        return
    held = [path.name for path in output.iterdir()] if output.is_dir() else [output.name]
    held = [name for name in held if not name.startswith(PREFIX)]
    if foreign := sorted(set(held) - set(FILES)):
        raise BadInput(f"output {output} holds other files, such as {foreign[0]}; choose another --output")
    if held and not overwrite:
        raise BadInput(f"output {output} holds an export; choose another --output, or --overwrite to replace it")


def tokenizer_config(run: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    """The tokenizer's own if it has one, else by its special tokens; with the length that the model was trained on."""
    own, config = run / "tokenizer" / TOKENIZER_CONFIG, checkpoint.config()
    if own.is_file():
        settings = json.loads(own.read_text(encoding="utf-8"))
        # A class of its own would build the tokenizer anew by its own rules, BOS among them.
        settings = {key: value for key, value in settings.items() if key not in ("add_bos_token", "add_eos_token")}
        # Of the model's tokens only the one that ends a text: it is learned, and another than the tokenizer's makers'.
        settings |= {"tokenizer_class": "PreTrainedTokenizerFast", **named_tokens(run, config, ("eos",))}
    else:
        settings = named_tokens(run, config, ("bos", "eos", "pad"))
        settings |= {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    if is_chat(checkpoint):
        settings |= {"chat_template": CHAT_TEMPLATE, "eos_token": END_OF_TURN}
    return settings | {"model_max_length": config["max_position_embeddings"]}


def named_tokens(run: Path, config: dict[str, Any], kinds: tuple[str, ...]) -> dict[str, Any]:
    """The names, as tokenizer_config.json has them, of special tokens that the model's config.json has the numbers of.

    kinds: of bos, eos, pad
    """
    names = special_tokens(run / "tokenizer" / TOKENIZER)
    named = {f"{kind}_token": names.get(config[f"{kind}_token_id"]) for kind in kinds}
    return {key: name for key, name in named.items() if name is not None}


def is_chat(checkpoint: Checkpoint) -> bool:
    """Whether the model was trained on conversations."""
    return bool(checkpoint.state.get("data", {}).get("chat", False))


def with_bos(rules: dict[str, Any], bos: int) -> dict[str, Any]:
    """A tokenizer.json that puts BOS, and nothing else, around a text: the tokens that `bateia sample` begins with."""
    from tokenizers import Tokenizer

    library: Any = Tokenizer.from_str(json.dumps(rules | {"truncation": None, "padding": None}))
    plain = library.encode("a", add_special_tokens=False).ids
    if library.encode("a").ids == [bos, *plain]:
        return rules | {"truncation": None, "padding": None}
    name = library.id_to_token(bos)
    first, text = {"SpecialToken": {"id": name, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
    second = {"Sequence": {"id": "B", "type_id": 0}}
    template = {
        **{"type": "TemplateProcessing", "single": [first, text], "pair": [first, text, first, second]},
        "special_tokens": {name: {"id": name, "ids": [bos], "tokens": [name]}},
    }
    return rules | {"post_processor": template, "truncation": None, "padding": None}


def special_tokens(path: Path) -> dict[int, str]:
    """Names of special tokens by their numbers."""
    added = json.loads(path.read_text(encoding="utf-8")).get("added_tokens", [])
    return {token["id"]: token["content"] for token in added if token["special"]}


def ends_of(run: Path, checkpoint: Checkpoint) -> set[int]:
    """Tokens that end what the model writes."""
    config = checkpoint.config()
    ends = {config["bos_token_id"], config["eos_token_id"]}
    names = special_tokens(run / "tokenizer" / TOKENIZER)
    return ends | {number for number, name in names.items() if name == END and is_chat(checkpoint)}


def generation_config(config: dict[str, Any], ends: set[int]) -> dict[str, Any]:
    """How to sample by default: as `bateia sample` does. ends: tokens that end a text."""
    stops = sorted(ends)
    return {
        "bos_token_id": config["bos_token_id"],
        "eos_token_id": stops if len(stops) > 1 else stops[0],
        "pad_token_id": config["pad_token_id"],
        "do_sample": True,
        "temperature": 0.8,
        "top_k": 50,
        "top_p": 0.95,
    }


def model_card(checkpoint: Checkpoint) -> str:
    """README.md as Hugging Face shows it: what the files themselves say of the model, and nothing of this machine."""
    config, state = checkpoint.config(), checkpoint.state
    rows = {
        "Architecture": (config.get("architectures") or ["Llama"])[0],
        "Layers": config["num_hidden_layers"],
        "Width": config["hidden_size"],
        "Heads": config["num_attention_heads"],
        "Vocabulary": config["vocab_size"],
        "Context in tokens": config["max_position_embeddings"],
        "Steps of training": checkpoint.step,
        "Training rows (hash of the plan)": state.get("data", {}).get("plan_hash"),
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items() if value is not None)
    does = (
        "It answers messages: its tokenizer has a chat template. transformers reads special tokens in what a user "
        "types, such as `<|end|>`; pass `split_special_tokens=True` when you encode a user's text by itself to have it "
        "read as text."
        if is_chat(checkpoint)
        else "It continues text like that of the web pages that it was trained on, with their errors, and follows no "
        "instructions."
    )
    front = "library_name: transformers\npipeline_tag: text-generation\ntags:\n- bateia\n"
    return f"---\n{front}---\n# A language model trained with Bateia\n\n| | |\n| --- | --- |\n{table}\n\n{does}\n"
