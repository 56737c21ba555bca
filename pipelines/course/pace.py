"""How much the course does: sizes, steps, questions. Every number that a section's results depend on stands here."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("en", "pt")  # of the pages


@dataclass(frozen=True)
class Pace:
    """One preset. The defaults are for two cores and less than an hour.

    people, exposures, told_once: of the register of made-up people (`pipelines.sample.people`)
    vocab_size, context, dim, layers, heads, hidden: of tokenizer, rows and model
    batch_size: rows of a step
    base_steps, sft_steps, refusal_steps, tool_steps, habit_steps, think_steps,
    rl_steps: of the trainings
    conversations, examples: made for a fine-tuning, and of a task
    prompts, samples: of a step of reinforcement
    questions: of a measurement
    tokens, dreams, items: of the base model's page
    anyway: whether to reinforce although the gate says that there is nothing to find
    seed: of all that is drawn
    """

    people: int = 60
    exposures: tuple[int, ...] = (0, 48, 192, 768)
    told_once: int = 1440
    vocab_size: int = 1024
    context: int = 128
    dim: int = 96
    layers: int = 3
    heads: int = 4
    hidden: int = 192
    batch_size: int = 32
    base_steps: int = 900
    sft_steps: int = 200
    refusal_steps: int = 200
    tool_steps: int = 450
    habit_steps: int = 100
    think_steps: int = 600
    rl_steps: int = 40
    conversations: int = 2000
    examples: int = 12_800
    prompts: int = 8
    samples: int = 16
    questions: int = 200
    tokens: int = 120
    dreams: int = 4
    items: int = 16
    anyway: bool = False
    seed: int = 1

    @property
    def shape(self) -> dict[str, int]:
        """As `trainer.model.config.find_model` reads it from a file."""
        return {"dim": self.dim, "layers": self.layers, "heads": self.heads, "kv_heads": self.heads} | {
            "hidden": self.hidden
        }


FULL = Pace()
# Some hundred thousand parameters fewer and a few steps: everything runs, and nothing is learned.
QUICK = Pace(
    people=3,
    exposures=(0, 8),
    told_once=3,
    vocab_size=512,
    context=64,
    dim=16,
    layers=1,
    heads=2,
    hidden=24,
    batch_size=4,
    base_steps=4,
    sft_steps=2,
    refusal_steps=2,
    tool_steps=2,
    habit_steps=2,
    think_steps=2,
    rl_steps=1,
    conversations=96,
    examples=40,
    prompts=2,
    samples=2,
    questions=4,
    tokens=8,
    dreams=1,
    items=4,
    anyway=True,
)
DATA = ("people", "exposures", "told_once", "vocab_size", "context", "seed")
MODEL = ("dim", "layers", "heads", "hidden", "batch_size")
