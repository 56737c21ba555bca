"""datatrove's PIIFormatter on texts, run by the interpreter that datatrove is installed in.

    VENV/bin/python benchmarks/peers/datatrove_pii.py < TEXTS > FINDS

Reads texts as JSON lines and answers each with [[start, end, type, score], ...]: the places that the formatter's own
expressions and check would replace, e-mail addresses first, as it does.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import sys

from datatrove.pipeline.formatters import PIIFormatter


def main() -> None:
    formatter = PIIFormatter()
    for line in sys.stdin:
        text, finds = json.loads(line), []
        replacers = (("EMAIL_ADDRESS", formatter.emails_replacer), ("IP_ADDRESS", formatter.ip_replacer))
        for kind, replacer in replacers:
            for match in replacer.regex.finditer(text):
                if not replacer.validator or replacer.validator(match[0]):
                    finds.append([*match.span(), kind, 1.0])
                    text = text[: match.start()] + "x" * len(match[0]) + text[match.end() :]
        print(json.dumps(finds))


if __name__ == "__main__":
    main()
