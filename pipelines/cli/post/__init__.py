"""From a base model to an assistant: conversations, the stages that train on them, and what came of it."""

from pipelines.cli.post import chat, compare, converse, probe, stages

COMMANDS = (*converse.COMMANDS, *stages.COMMANDS, *chat.COMMANDS, *probe.COMMANDS, *compare.COMMANDS)
