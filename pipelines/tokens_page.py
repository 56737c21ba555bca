"""The page of `bateia tokens --html`: one types a text and sees its tokens, by one tokenizer or two, without a network.

The page carries the vocabularies and encodes by itself (web/bpe.js, exactly as the libraries do).
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.faults import BadInput
from pipelines.report_charts import Html, fill
from pipelines.report_style import PAN, STYLE
from pipelines.tokenizer_report import named
from pipelines.tokens_page_vocabulary import vocabulary_of

WEB = Path(__file__).parent / "web"
KINDS = {"pieces": "BPE over the text, bytes for rare characters", "bytes": "byte-level BPE"}

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>Tokens · Bateia</title>
<style>{style}</style>
</head>
<body>
<header>
<p class="brand">{pan}<span>Bateia · tokens</span></p>
<h1>What a tokenizer sees</h1>
<p class="about">Each colour is a token. Point at one for its number and bytes, or walk through them with the arrow
keys. Tokens that share a character are shown together, with how many they are.</p>
<noscript><p>The tokenizer of this page runs in JavaScript, which is switched off here.</p></noscript>
</header>
<main>
<section class="field">
<label for="text">Text</label>
<textarea id="text" spellcheck="false" autocomplete="off" autocapitalize="off" dir="auto"></textarea>
<div class="row"><span><b id="characters">0</b> characters · <b id="bytes">0</b> bytes</span>
<label class="switch"><input type="checkbox" id="spaces"> Show white space</label></div>
<div id="examples" role="group" aria-label="Examples"></div>
</section>
<div class="panels {many}">
{panels}
</div>
</main>
<footer><p>Names of special tokens are text here, like any other. Nothing that is typed leaves this page.</p></footer>
<div id="tip" role="status" hidden></div>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""

PANEL = """<section class="panel" id="panel{at}" aria-labelledby="name{at}">
<h2 id="name{at}">{name}</h2>
<p class="note">{size} tokens · {kind}</p>
<dl class="stats"><div><dt>Tokens</dt><dd class="count">0</dd></div>
<div><dt>Bytes a token</dt><dd class="ratio">–</dd></div></dl>
{compared}
<div class="painted" dir="auto" tabindex="0" role="listbox" aria-label="Tokens by {name}"></div>
<p class="note rest"></p>
<details open><summary>Numbers</summary>
<div class="ids" tabindex="0" aria-label="Numbers of the tokens"></div></details>
</section>
"""


def render(paths: Sequence[str], text: str) -> str:
    """The page for one tokenizer or two. Raises BadInput for more, for the same twice and for what bpe.js can't do."""
    if len(paths) > 2:
        raise BadInput("the page has room for two tokenizers; give --tokenizer once or twice")
    if len(set(paths)) < len(paths):
        raise BadInput("--tokenizer names a tokenizer twice; give another one beside it")
    names = named(paths)
    vocabularies = [vocabulary_of(path) for path in names.values()]
    script = (WEB / "bpe.js").read_text(encoding="utf-8") + (WEB / "tokens.js").read_text(encoding="utf-8")
    panels = [panel(at, name, found) for at, (name, found) in enumerate(zip(names, vocabularies, strict=True))]
    return fill(
        PAGE,
        policy=policy(script),
        style=Html(STYLE + (WEB / "tokens.css").read_text(encoding="utf-8")),
        pan=PAN,
        many="two" if len(names) > 1 else "",
        panels=panels,
        data=data(vocabularies, text),
        script=Html(script),
    )


def panel(at: int, name: str, vocabulary: dict[str, Any]) -> Html:
    return fill(
        PANEL,
        at=at,
        name=name,
        size=len(vocabulary["names"]),
        kind=KINDS[vocabulary["kind"]],
        compared=Html('<p class="compared" aria-live="polite"></p>'),
    )


def policy(script: str) -> Html:
    """Nothing from outside, and no script but the page's own, which is known by its hash."""
    known = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Html(
        f"default-src 'none'; script-src 'sha256-{known}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def data(vocabularies: list[dict[str, Any]], text: str) -> Html:
    """JSON that no markup can end: `<` only ever comes in strings, and is written as \\u003c there."""
    carried = json.dumps(vocabularies, ensure_ascii=False, separators=(",", ":"))
    whole = f'{{"vocabularies":{carried},"text":{json.dumps(text)}}}'
    return Html(whole.replace("<", "\\u003c"))
