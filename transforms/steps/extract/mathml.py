"""Presentation MathML (MathML Core, W3C) as TeX, for formulas that say their TeX nowhere."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence

TAG = re.compile(r"<(/?)(?:[a-zA-Z]+:)?([a-zA-Z-]+)([^<>]*)>")
COMMAND = re.compile(r"\\[a-zA-Z]+$")
MARKUP = re.compile(r"<[^<>]*>")
LONGEST, DEEPEST = 50_000, 64  # characters and elements within each other, beyond which markup is taken away alone
FUNCTIONS = {
    *(
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "sinh",
        "cosh",
        "tanh",
        "arcsin",
        "arccos",
        "arctan",
        "log",
        "ln",
        "lg",
    ),
    *(
        "exp",
        "lim",
        "limsup",
        "liminf",
        "max",
        "min",
        "sup",
        "inf",
        "det",
        "dim",
        "ker",
        "gcd",
        "deg",
        "arg",
        "hom",
        "Pr",
    ),
}
ACCENTS = {
    **dict.fromkeys("¯‾ˉ̄―", "bar"),
    **dict.fromkeys("^ˆ̂", "hat"),
    **dict.fromkeys("~˜̃∼", "tilde"),
    **dict.fromkeys("→⃗", "vec"),
    **dict.fromkeys("˙̇", "dot"),
    "¨": "ddot",
}
INVISIBLE = str.maketrans("", "", "\u2061\u2062\u2063\u2064\u200b")  # function application, times, separator, plus
SIGNS = frozenset("=≠<>≤≥+−-±×·∈⊂⊆→⇒↦≈≡∼∝∪∩∧∨")
FENCE = re.compile(r"\b(open|close|separators)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def tex_of(content: str) -> str:
    """TeX of what stands within <math>, as HTML's source: `<`, `>` and `&` are references.

    Time is linear in the content's length. Markup that is not closed, or closed in the wrong order, ends where what it
    stands in does; an element with other than its number of parts is these parts, one after the other.
    """
    return html.escape(written_out(content).strip(), quote=False)


def written_out(content: str) -> str:
    if len(content) > LONGEST:
        return plain(content)
    names, attributes = ["math"], [""]
    parts: list[list[str]] = [[]]
    position = 0
    for tag in TAG.finditer(content):
        parts[-1].append(leaf(names[-1], content[position : tag.start()]))
        position = tag.end()
        name = tag[2].lower()
        if not tag[1]:
            if tag[3].endswith("/"):
                parts[-1].append(" " if name == "mspace" else "")
                continue
            names.append(name)
            attributes.append(tag[3])
            parts.append([])
            if len(names) > DEEPEST:
                return plain(content)
        elif name in names[1:]:  # what is open within it ends with it
            is_last = False
            while not is_last:
                is_last = names[-1] == name
                done = written(names.pop(), attributes.pop(), parts.pop())
                parts[-1].append(done)
    parts[-1].append(leaf(names[-1], content[position:]))
    while len(names) > 1:
        done = written(names.pop(), attributes.pop(), parts.pop())
        parts[-1].append(done)
    return joined(parts[0])


def plain(content: str) -> str:
    return " ".join(html.unescape(MARKUP.sub(" ", content)).split())


def leaf(name: str, text: str) -> str:
    """Text that stands in an element: a token's is a part of the formula, between others it is white space."""
    text = " ".join(html.unescape(text).split()).translate(INVISIBLE)
    if name == "mi" and text in FUNCTIONS:
        return f"\\{text}"
    if name in ("mtext", "ms"):
        return f"\\text{{{text}}}" if text else ""
    return text


def joined(parts: Sequence[str]) -> str:
    """Parts one after the other, with blanks around signs and between what would else run together."""
    kept: list[str] = []
    for part in filter(None, parts):
        last = kept[-1] if kept else ""
        runs_on = last[-1:].isalnum() and part[0].isalnum()
        if last and (runs_on or part in SIGNS or last in SIGNS or (part[0].isalpha() and COMMAND.search(last[-20:]))):
            kept.append(" ")
        kept.append(part)
    return "".join(kept)


def group(part: str) -> str:
    return part if len(part) == 1 else f"{{{part}}}"


def scripts(below: int | None, above: int | None) -> Callable[[Sequence[str]], str]:
    """A base with what stands below and above it, which are its second and third parts as numbered."""

    def write(parts: Sequence[str]) -> str:
        base = parts[0] if len(parts[0]) <= 1 or parts[0].startswith("\\") else f"{{{parts[0]}}}"
        low = f"_{group(parts[below])}" if below is not None and parts[below] else ""
        high = f"^{group(parts[above])}" if above is not None and parts[above] else ""
        return f"{base}{low}{high}"

    return write


def accented(parts: Sequence[str]) -> str:
    accent = ACCENTS.get(parts[1])
    return scripts(None, 1)(parts) if accent is None else f"\\{accent}{{{parts[0]}}}"


# How many parts an element has, and what it writes of them.
SHAPES: dict[str, tuple[int, Callable[[Sequence[str]], str]]] = {
    "msup": (2, scripts(None, 1)),
    "msub": (2, scripts(1, None)),
    "msubsup": (3, scripts(1, 2)),
    "munder": (2, scripts(1, None)),
    "mover": (2, accented),
    "munderover": (3, scripts(1, 2)),
    "mfrac": (2, lambda parts: f"\\frac{{{parts[0]}}}{{{parts[1]}}}"),
    "mroot": (2, lambda parts: f"\\sqrt[{parts[1]}]{{{parts[0]}}}"),
}


def written(name: str, attributes: str, parts: list[str]) -> str:
    """An element that has ended. parts: texts and elements in it, in turns"""
    if name.startswith("annotation"):
        return ""
    if name in SHAPES:
        count, write = SHAPES[name]
        operands = parts[1::2]
        return write(operands) if len(operands) == count else joined(parts)
    if name == "msqrt":
        return f"\\sqrt{{{joined(parts)}}}"
    if name == "mtd":
        return joined(parts)
    if name in ("mtr", "mlabeledtr"):
        return " & ".join(parts[1::2])
    if name == "mtable":
        return "\\begin{matrix} " + " \\\\ ".join(parts[1::2]) + " \\end{matrix}"
    if name == "mfenced":
        given = {match[1]: match[2] or match[3] or "" for match in FENCE.finditer(attributes)}
        comma = given.get("separators", ",")[:1]
        return given.get("open", "(") + f"{comma} ".join(parts[1::2]) + given.get("close", ")")
    return joined(parts)
