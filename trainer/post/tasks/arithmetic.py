"""Multiplication with a calculator, and sums that need steps."""

from __future__ import annotations

from functools import partial

import numpy as np

from trainer.data.chat import ASSISTANT, TOOL, Message
from trainer.generate.chat import call_to
from trainer.post.tasks.task import Question, Task, said

CLOCK = 5  # hours: sums begin anew at 0
FEWEST, MOST = 2, 8  # numbers of a list


def multiplication(generator: np.random.Generator, digits: int) -> Question:
    """Two numbers of so many digits. The better way asks the calculator and says its result."""
    left, right = generator.integers(10 ** (digits - 1), 10**digits, 2).tolist()
    expression, answer = f"{left}*{right}", str(left * right)
    calling = Message(ASSISTANT, "", call=call_to("calculator", expression))
    return Question(expression, expression, answer, said(answer), (calling, Message(TOOL, answer), *said(answer)))


def listed_sum(generator: np.random.Generator) -> Question:
    """Numbers added on a clock of five hours. The better way writes each number beside the sum up to it: copying and
    adding two neighbours, each of which is easy; the sums alone were not learned at this size."""
    numbers = generator.integers(0, CLOCK, int(generator.integers(FEWEST, MOST + 1))).tolist()
    steps, total = [], 0
    for number in numbers:
        total = (total + number) % CLOCK
        steps.append(f"{number}{total}")
    asked, answer = "".join(map(str, numbers)), str(total)
    thinking = Message(ASSISTANT, answer, " ".join(steps))
    return Question(asked, asked, answer, said(answer), (thinking,))


MULTIPLY = Task(
    "multiply", "two numbers of two digits, with a calculator", partial(multiplication, digits=2), "calculator"
)
MULTIPLY_3 = Task(
    "multiply_3", "two numbers of three digits, with a calculator", partial(multiplication, digits=3), "calculator"
)
SUM_LIST = Task("sum_list", "2 to 8 numbers added on a clock of five hours, step by step", listed_sum)
