"""How many characters of a kind a text has: sentence ends, commas, capitals, digits, signs of money, …"""

from __future__ import annotations

import numpy as np

KINDS = ("wide", "blanks", "ends", "commas", "uppers", "signs", "digits", "money")
WIDE_ROW, BLANKS_ROW = 0, 1
WIDE, BLANK, END, COMMA, UPPER, SIGN, DIGIT, MONEY = (1 << bit for bit in range(8))


def character_kinds() -> np.ndarray:
    """Bits for each code point of the first plane; those above share one entry."""
    table = np.zeros(0x10001, np.uint8)
    table[0x2E80:0xD7FF] |= WIDE  # Han, kana, Hangul
    table[0xF900:0xFAFF] |= WIDE
    table[0x10000] |= WIDE
    for bit, characters in (
        (END, ".!?。！？;:،؟۔।…։॥။၊"),
        (COMMA, ",，、،;؛"),
        (SIGN, "|©®•·»«›‹→←▶▼@#$€£¥/_+=<>*~^{}[]\\"),
        (BLANK, " \n"),
        (DIGIT, "0123456789"),
        (MONEY, "$€£¥₹₽₴₺₩₫฿"),
    ):
        table[[ord(character) for character in characters]] |= bit
    for code in range(0x3000):
        if chr(code).isupper():
            table[code] |= UPPER
    return table


TABLE = character_kinds()


def counts(texts: list[str], lengths: np.ndarray) -> np.ndarray:
    """Characters of each kind in each text, which is not empty: kinds × texts."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    bits = TABLE[np.minimum(codes, 0x10000)]
    starts = np.zeros(len(texts), np.int64)
    np.cumsum(lengths[:-1], out=starts[1:])
    rows = [np.add.reduceat(bits >> row & 1, starts, dtype=np.int64) for row in range(len(KINDS))]
    return np.stack(rows)
