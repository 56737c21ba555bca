"""Telephone numbers that a reader in need should find in a text: help lines and health services that anyone may call.

They are nobody's personal data. Short numbers (112, 188, 911, 988, 116 123) are never taken for telephone numbers, so
only long ones are listed. Sources: the services' own pages: 988lifeline.org, samhsa.gov, thehotline.org, poison.org,
rainn.org, childhelphotline.org, thetrevorproject.org, cdc.gov, childline.org.uk, papyrus-uk.org, anvisa.gov.br,
nationaldahelpline.org.uk, sns24.gov.pt, inem.pt, cig.gov.pt, telefonseelsorge.de, hilfetelefon.de, and
nummergegenkummer.de.

They were typed from memory of those pages. In November 2026 each was looked up in stored copies of public pages and
repositories and found there as the same service's number: 800 250 250 and 0800 722 6001 in news of 2023 and 2025 that
quote INEM and Anvisa, the others in lists of help lines. The services' own pages could not be read.
"""

from __future__ import annotations

# By country code: national numbers without the leading 0 or 1.
HELP_LINES = {
    "1": {
        "8002738255",  # suicide and crisis lifeline, 1-800-273-TALK
        "8006624357",  # SAMHSA, 1-800-662-HELP
        "8007997233",  # domestic violence, 1-800-799-SAFE
        "8002221222",  # poison control
        "8006564673",  # sexual assault, 1-800-656-HOPE
        "8004224453",  # child abuse, 1-800-4-A-CHILD
        "8664887386",  # The Trevor Project
        "8002324636",  # CDC-INFO
    },
    "44": {
        "8001111",  # Childline
        "8082000247",  # domestic abuse
        "8000684141",  # HOPELINE247
    },
    "55": {
        "8007226001",  # poisoning, Disque-Intoxicação
    },
    "351": {
        "808242424",  # SNS 24
        "800250250",  # poisoning, CIAV
        "800202148",  # domestic violence
    },
    "49": {
        "8001110111",  # TelefonSeelsorge
        "8001110222",  # TelefonSeelsorge
        "8000116016",  # violence against women, until 116 016
        "8001110333",  # Nummer gegen Kummer
    },
}
ANYWHERE = frozenset().union(*HELP_LINES.values())


def is_help_line(number: str) -> bool:
    """Whether a number, in any form with or without its country's code, is one of them.

    number: digits and marks; letters already as the keys that they stand on
    """
    digits = "".join(filter(str.isdigit, number))
    if not number.lstrip("(").startswith(("+", "00")):
        return digits.lstrip("01") in ANYWHERE
    digits = digits.removeprefix("00")
    return any(
        digits.startswith(code) and digits.removeprefix(code).lstrip("0") in numbers
        for code, numbers in HELP_LINES.items()
    )
