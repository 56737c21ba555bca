"""Tokens that no text contains: their names and numbers are fixed before there is anything to use them for.

Text that spells one of these names is encoded letter by letter.
"""

UNKNOWN, BEGIN, END, PAD = "<unk>", "<s>", "</s>", "<pad>"  # 0, 1, 2, 3; unknown is never used: bytes stand in
CHAT = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
TOOLS = ("<|tool_call|>", "<|tool_result|>", "<|think|>", "<|/think|>")
RESERVED = tuple(f"<|reserved_{number}|>" for number in range(8))

SPECIAL = (UNKNOWN, BEGIN, END, PAD, *CHAT, *TOOLS, *RESERVED)
