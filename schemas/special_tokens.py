"""Special tokens: no text contains them. Those for chat and tools are reserved in every tokenizer, used or not.

Text that spells one of these names is encoded like any other text.
"""

# Numbers 0, 1, 2, 3. <unk> is never used: what has no token of its own is encoded byte by byte.
UNKNOWN, BEGIN, END, PAD = "<unk>", "<s>", "</s>", "<pad>"
CHAT = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
TOOLS = ("<|tool_call|>", "<|tool_result|>", "<|think|>", "<|/think|>")
RESERVED = tuple(f"<|reserved_{number}|>" for number in range(8))

SPECIAL = (UNKNOWN, BEGIN, END, PAD, *CHAT, *TOOLS, *RESERVED)
