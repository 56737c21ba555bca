"""A trained model asked, and made an assistant: probes, conversations, training on them, and what came of it."""

from pipelines.cli.post import chat, compare, converse, course, probe, questions, stages

COMMANDS = (
    *questions.COMMANDS,
    *converse.COMMANDS,
    *stages.COMMANDS,
    *chat.COMMANDS,
    *probe.COMMANDS,
    *compare.COMMANDS,
    *course.COMMANDS,
)
