"""Telephone numbers that a reader in need should find in a text: help lines and health services that anyone may call.

They are nobody's personal data. Short numbers (112, 188, 911, 988, 116 123) are never taken for telephone numbers, so
only long ones are listed. Sources: the services' own pages: 988lifeline.org, samhsa.gov, thehotline.org, poison.org,
rainn.org, childhelphotline.org, thetrevorproject.org, nhs.uk, childline.org.uk, nationaldahelpline.org.uk, anvisa.gov.br,
sns24.gov.pt, inem.pt, cig.gov.pt, telefonseelsorge.de, hilfetelefon.de.
"""

from __future__ import annotations

# National numbers, without the leading 0 or 1; those of two countries never meet in one form.
HELP_LINES = frozenset(
    {
        "8002738255",  # US: suicide and crisis lifeline, 1-800-273-TALK
        "8006624357",  # US: SAMHSA, 1-800-662-HELP
        "8007997233",  # US: domestic violence, 1-800-799-SAFE
        "8002221222",  # US: poison control
        "8006564673",  # US: sexual assault, 1-800-656-HOPE
        "8004224453",  # US: child abuse, 1-800-4-A-CHILD
        "8664887386",  # US: The Trevor Project
        "8002324636",  # US: CDC-INFO
        "8001111",  # GB: Childline
        "8082000247",  # GB: domestic abuse
        "8000684141",  # GB: HOPELINE247
        "8007226001",  # BR: poisoning, Disque-Intoxicação
        "808242424",  # PT: SNS 24
        "800250250",  # PT: poisoning, CIAV
        "800202148",  # PT: domestic violence
        "8001110111",  # DE: TelefonSeelsorge
        "8001110222",  # DE: TelefonSeelsorge
        "8000116016",  # DE: violence against women, until 116 016
        "8001110333",  # DE: Nummer gegen Kummer
    }
)
COUNTRIES = ("1", "44", "55", "351", "49")


def is_help_line(number: str) -> bool:
    """Whether a number, in any form with or without its country's code, is one of them.

    number: digits and marks; letters already as the keys that they stand on
    """
    digits = "".join(filter(str.isdigit, number))
    if digits.lstrip("01") in HELP_LINES:
        return True
    if not number.lstrip("(").startswith(("+", "00")):
        return False
    digits = digits.removeprefix("00")
    return any(digits.startswith(code) and digits[len(code) :].lstrip("0") in HELP_LINES for code in COUNTRIES)
