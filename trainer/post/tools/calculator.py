"""A calculator: + − * / // % and powers over exact fractions, of bounded size. Never `eval`.

The text is parsed as a Python expression and only numbers and these operators are computed, so nothing else that
Python could do can be asked for; sizes are bounded before anything is computed, as 9**9**9 would fill the memory.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from fractions import Fraction

from trainer.post.tools.tool import Tool

MOST_CHARS, MOST_DEPTH = 200, 30
MOST_BITS = 512  # of a numerator or denominator
DECIMALS = 6  # of a result that is no whole number

OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda left, right: Fraction(left // right),
    ast.Mod: operator.mod,
}


def calculate(expression: str) -> str:
    """The value, whole or with up to six decimals. Raises ValueError for what is no bounded arithmetic."""
    if len(expression) > MOST_CHARS:
        raise ValueError(f"longer than {MOST_CHARS} characters")
    text = expression.replace("×", "*").replace("÷", "/").replace("^", "**").replace("−", "-").strip()
    try:
        tree = ast.parse(text, mode="eval")
        value = value_of(tree.body, MOST_DEPTH)
    except (SyntaxError, ZeroDivisionError, RecursionError, MemoryError, OverflowError) as error:
        raise ValueError(f"no arithmetic: {error}") from error
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(round(value, DECIMALS)):.{DECIMALS}f}".rstrip("0").rstrip(".")


def value_of(node: ast.expr, depth: int) -> Fraction:
    """An expression's exact value. depth: of brackets and signs that it may still have.

    Raises ValueError for what is no arithmetic, and for numbers that grow too large.
    """
    if depth == 0:
        raise ValueError("too many brackets")
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            value = Fraction(str(number)) if isinstance(number, float) else Fraction(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = -value_of(operand, depth - 1)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            value = value_of(operand, depth - 1)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            value = power(value_of(left, depth - 1), value_of(right, depth - 1))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            value = OPERATORS[type(op)](value_of(left, depth - 1), value_of(right, depth - 1))
        case _:
            raise ValueError("only numbers, + - * / // % ** and brackets")
    return bounded(value)


def power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise ValueError("only whole powers")
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(exponent.numerator) * size > MOST_BITS:
        raise ValueError(f"more than {MOST_BITS} bits")
    return base**exponent.numerator


def bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise ValueError(f"more than {MOST_BITS} bits")
    return value


CALCULATOR = Tool("calculator", "exact arithmetic over + - * / // % ** and brackets", calculate)
