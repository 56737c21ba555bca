"""Lines that repeat an earlier line of the same document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from schemas.setting import setting
from transforms.steps.step import Step


@dataclass(frozen=True)
class DropRepeatedLines(Step):
    """Removes lines that repeat an earlier one of the same document; the first stays. Blank lines are left alone."""

    stage: ClassVar[str] = "lines"

    min_chars: int = setting(20, "shorter lines may repeat, as refrains do (characters)", "our choice")

    def __call__(self, text: str) -> tuple[str, int]:
        """The text without repetitions, and the number of lines removed."""
        lines = text.split("\n")
        seen: set[str] = set()
        kept = []
        for line in lines:
            stripped = line.strip()
            if len(stripped) >= self.min_chars and stripped in seen:
                continue
            seen.add(stripped)
            kept.append(line)
        return ("\n".join(kept), len(lines) - len(kept)) if len(kept) < len(lines) else (text, 0)
