"""From a base model to an assistant: conversations, their training, tools, tasks with rewards, and comparisons."""
