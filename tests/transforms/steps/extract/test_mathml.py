"""Presentation MathML as TeX: what a reader would type, whatever its markup is like."""

from __future__ import annotations

import time

import pytest

from transforms.steps.extract.mathml import DEEPEST, LONGEST, tex_of


def m(name: str, *parts: str, **attributes: str) -> str:
    given = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{given}>{''.join(parts)}</{name}>"


A, B, X, TWO = m("mi", "a"), m("mi", "b"), m("mi", " x\n "), m("mn", "2")
TABLE = r"\begin{matrix} a &amp; b \\ x \end{matrix}"
ROOT = m("msqrt", m("msup", B, TWO), m("mo", "−"), m("mn", "4"), A)


@pytest.mark.parametrize(
    ("content", "tex"),
    [
        (A + m("mo", "≠") + m("mn", "0"), "a ≠ 0"),
        (A + m("msup", X, TWO) + m("mo", "+") + B + X, "a x^2 + b x"),
        (m("msup", m("mrow", m("mo", "("), A, m("mo", ")")), m("mrow", TWO, A)), "{(a)}^{2 a}"),
        (
            m("mfrac", m("mrow", m("mo", "−"), B, m("mo", "±"), ROOT), m("mrow", TWO, A)),
            r"\frac{− b ± \sqrt{b^2 − 4 a}}{2 a}",
        ),
        (m("munderover", m("mo", "∑"), m("mrow", A, m("mo", "="), TWO), m("mi", "∞")) + X, "∑_{a = 2}^∞x"),
        (m("msubsup", X, A, TWO), "x_a^2"),
        (m("msub", m("mi", "log"), TWO) + X, r"\log_2 x"),
        (m("mi", "sin") + m("mo", "&#x2061;") + X, r"\sin x"),
        (m("mroot", X, m("mn", "3")), r"\sqrt[3]{x}"),
        (m("mover", X, m("mo", "→"), accent="true"), r"\vec{x}"),
        (m("mover", X, m("mo", "def")), "x^{def}"),
        (
            m("mtable", m("mtr", m("mtd", A), m("mtd", B)), m("mtr", m("mtd", X))),
            r"\begin{matrix} a &amp; b \\ x \end{matrix}",
        ),
        (m("mfenced", A, B), "(a, b)"),
        (m("mfenced", A, B, open="[", close="[", separators=";"), "[a; b["),
        (X + m("mtext", "if  odd") + m("mspace") + "<mspace/>", r"x\text{if odd}"),
        (m("mml:mi", "a") + m("mml:mo", "&lt;") + m("mml:mn", "1.5"), "a &lt; 1.5"),
        (m("semantics", m("mrow", A), m("annotation", "a in words")), "a"),
        ("<mi>a", "a"),
        ("<mrow><mi>a</mrow><mo>=</mo>2", "a = 2"),
        (m("msup", A), "a"),
        ("</mrow></mi>" + A, "a"),
        ("", ""),
    ],
)
def test_formulas_are_written_as_tex(content: str, tex: str) -> None:
    assert tex_of(content) == tex


@pytest.mark.parametrize(
    "content",
    [
        *("<msqrt>" * 6_000, "<" * 40_000, "<a " * 16_000, "<mi>a</mi>" * 4_900, "<msup><mi>" * 4_000),
        *("<mrow>" * (DEEPEST - 2) + "<mi>x</mi>" * 4_000, "&lt;" * 12_000, "<mi>a</mi>" * 100_000),
    ],
)
def test_hostile_markup_takes_no_time(content: str) -> None:
    began = time.process_time()
    tex_of(content)
    assert time.process_time() - began < 2


def test_what_is_too_long_or_too_deep_loses_its_markup_alone() -> None:
    assert tex_of("<mrow>" * DEEPEST + A + m("mo", "+") + B) == "a + b"
    assert tex_of(m("msup", X, TWO) + " " * LONGEST) == "x 2"
