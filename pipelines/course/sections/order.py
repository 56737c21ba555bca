"""The sections in their order."""

from __future__ import annotations

from pipelines.course.sections import (
    arena,
    base,
    conversations,
    crawl,
    inside,
    knowledge,
    pretraining,
    reinforcement,
    thinking,
    tokens,
)

SECTIONS = (
    crawl.SECTION,
    tokens.SECTION,
    pretraining.SECTION,
    base.SECTION,
    conversations.SECTION,
    knowledge.SECTION,
    thinking.SECTION,
    reinforcement.SECTION,
    arena.SECTION,
    inside.SECTION,
)
