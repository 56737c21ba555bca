"""Made-up personal data and what only looks like it: numbers with check digits, addresses, telephone numbers, noise."""

from __future__ import annotations

import ipaddress
import random
import uuid
from collections.abc import Callable, Iterable
from typing import Any

Dice = random.Random  # the source of all chance


def words(text: str) -> list[str]:
    return text.split()


# Numbers with check digits


def digits(dice: Dice, count: int) -> str:
    return "".join(dice.choices("0123456789", k=count))


def weighted(values: Iterable[int], weights: Iterable[int]) -> int:
    """A check digit modulo 11, as CPF and CNPJ have it."""
    rest = sum(value * weight for value, weight in zip(values, weights, strict=True)) % 11
    return 0 if rest < 2 else 11 - rest


def cpf(dice: Dice) -> str:
    body = [int(char) for char in digits(dice, 9)]
    body.append(weighted(body, range(10, 1, -1)))
    body.append(weighted(body, range(11, 1, -1)))
    return "".join(map(str, body))


def cnpj(dice: Dice, letters: bool = False) -> str:
    root = "".join(dice.choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=8)) if letters else digits(dice, 8)
    text = root + "000" + dice.choice("12345")
    for weights in ([5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]):
        text += str(weighted((ord(char) - 48 for char in text), weights))
    return text


def luhn(body: str) -> str:
    """The check digit of a card number."""
    doubled = (int(char) * (2 - index % 2) for index, char in enumerate(reversed(body)))
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def card(dice: Dice) -> str:
    brand = dice.choices(("visa", "master", "amex", "discover", "elo"), (5, 4, 2, 1, 1))[0]
    prefix = {
        "visa": "4",
        "master": dice.choice([*map(str, range(51, 56)), str(dice.randint(2221, 2720))]),
        "amex": dice.choice(["34", "37"]),
        "discover": dice.choice(["6011", "65"]),
        "elo": dice.choice(["636368", "506699", "650031"]),
    }[brand]
    body = prefix + digits(dice, (14 if brand == "amex" else 15) - len(prefix))
    return body + luhn(body)


IBANS = {  # country: what follows its check digits; A a letter, 0 a digit, X either
    "GB": "AAAA00000000000000",
    "DE": "000000000000000000",
    "FR": "0000000000XXXXXXXXXXX00",
    "PT": "000000000000000000000",
    "ES": "00000000000000000000",
    "IT": "A0000000000XXXXXXXXXXXX",
    "NL": "AAAA0000000000",
    "BR": "00000000000000000000000AX",
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def iban(dice: Dice) -> str:
    country = dice.choice(sorted(IBANS))
    kinds = {"A": LETTERS, "0": "0123456789", "X": "0123456789" * 2 + LETTERS}
    body = "".join(dice.choice(kinds[char]) for char in IBANS[country])
    number = int("".join(str(int(char, 36)) for char in f"{body}{country}00"))
    return f"{country}{98 - number % 97:02}{body}"


# How people write them. `named`: the sentence says what the value is, so that bare digits can be recognised as one.


def grouped(text: str, sizes: Iterable[int], mark: str) -> str:
    pieces, start = [], 0
    for size in sizes:
        pieces.append(text[start : start + size])
        start += size
    return mark.join(piece for piece in [*pieces, text[start:]] if piece)


FIRST = words("ana bruno carla diego elena james laura marta nora oliver paulo rita sam tom vera wesley")
LAST = words("almeida barros castro costa evans green hughes lima lopes moore nunes reis silva turner ward young")
ROLES = words("contact info sales office press hello support editor contato vendas atendimento imprensa secretaria")
NAMES = words("acme norte bluehill casaverde riverstone lumen papelaria oakfield solnascente wavelet mercadinho")
ENDINGS = words("com com.br org net co.uk org.br edu io pt gov.br info ac.uk")


def email(dice: Dice, language: str, named: bool) -> str:
    first, last = dice.choice(FIRST), dice.choice(LAST)
    local = dice.choice(
        [
            *(f"{first}.{last}", f"{first[0]}{last}", f"{first}_{last}{dice.randint(1, 99)}", f"{first}{last}"),
            *(dice.choice(ROLES), f"{first}+{dice.choice(NAMES)}", f"{first[0]}.{last}-{dice.choice(LAST)}"),
            f"{first.title()}.{last.title()}",
        ]
    )
    host = dice.choice(NAMES) + dice.choice(["", "", "-" + dice.choice(NAMES), str(dice.randint(1, 99))])
    value = f"{local}@{dice.choice(['', '', '', 'mail.', 'dept.'])}{host}.{dice.choice(ENDINGS)}"
    return value.upper() if dice.random() < 0.05 else value


def ip(dice: Dice, language: str, named: bool) -> str:
    while dice.random() < 0.65:
        address = ipaddress.ip_address(dice.randrange(1 << 24, 224 << 24))
        if address.is_global:
            return str(address)
    block = dice.choice(["2001:4860", "2a00:1450", "2600:1f18", "2804:14c", "2606:4700", "2001:8b0"])
    groups = [f"{dice.randrange(1 << 16):x}" for _ in range(6)]
    if dice.random() < 0.5:
        return f"{block}:{':'.join(groups[:2])}::{groups[2]}"
    return f"{block}:{':'.join(groups)}"


def phone(dice: Dice, language: str, named: bool) -> str:
    """A number that exists by Google's metadata, in a way of writing of its region."""
    import phonenumbers

    regions = {"en": (("US", 5), ("GB", 3), ("DE", 1), ("AU", 1), ("IN", 1)), "pt": (("BR", 7), ("PT", 2), ("US", 1))}
    names, weights = zip(*regions[language], strict=True)
    while True:
        region = dice.choices(names, weights)[0]
        length = dice.choice({"US": (10,), "BR": (10, 11), "PT": (9,), "AU": (9,)}.get(region, (10,)))
        country = phonenumbers.country_code_for_region(region)
        number = phonenumbers.PhoneNumber(country_code=country, national_number=int(digits(dice, length)))
        if phonenumbers.is_valid_number_for_region(number, region):
            return written(dice, region, number, named, language)


def written(dice: Dice, region: str, number: Any, named: bool, language: str) -> str:
    from phonenumbers import PhoneNumberFormat, format_number

    plain = str(number.national_number)
    international = format_number(number, PhoneNumberFormat.INTERNATIONAL)
    national = format_number(number, PhoneNumberFormat.NATIONAL)
    code, local = international.split(" ", 1)
    if region == "US":
        a, b, c = plain[:3], plain[3:6], plain[6:]
        ways = [f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"{a}.{b}.{c}", f"+1 {a} {b} {c}", f"+1-{a}-{b}-{c}", f"+1{plain}"]
        ways += [f"1-{a}-{b}-{c}", f"+1 ({a}) {b}-{c}", f"({a}){b}-{c}"]
        known = [f"{a} {b} {c}", plain]
    elif region == "BR":
        a, b, c = plain[:2], plain[2:-4], plain[-4:]
        ways = [f"({a}) {b}-{c}", f"({a}){b}-{c}", f"{a} {b}-{c}", f"+55 {a} {b}-{c}", f"+55 ({a}) {b}-{c}"]
        ways += [f"+55{plain}", f"(0{a}) {b}-{c}", f"({a}) {b[0]} {b[1:]}-{c}" if len(b) == 5 else f"({a}) {b} {c}"]
        known = [plain, f"{a} {b} {c}", f"{a}-{b}-{c}", f"55 {a} {b}-{c}"]
    else:
        ways = [international, f"{code}{plain}"]
        ways += [f"{code} (0){local}"] if region in ("GB", "DE") else []
        home = region == ("GB" if language == "en" else "PT")
        known = [national] if home else []
    if region == "US" and language == "pt":
        ways, known = [way for way in ways if way.startswith("+")], []
    return dice.choice([*ways, *known] if named else ways)


def credit_card(dice: Dice, language: str, named: bool) -> str:
    number = card(dice)
    sizes = (4, 6) if len(number) == 15 else (4, 4, 4)
    return dice.choice([grouped(number, sizes, " "), grouped(number, sizes, "-"), number])


def bank_account(dice: Dice, language: str, named: bool) -> str:
    number = iban(dice)
    return dice.choice([number, grouped(number, [4] * 9, " "), grouped(number, [4] * 9, " ")])


def ssn(dice: Dice, language: str, named: bool) -> str:
    area = dice.choice([number for number in range(1, 900) if number != 666])
    number = f"{area:03}{dice.randint(1, 99):02}{dice.randint(1, 9999):04}"
    dashed = grouped(number, (3, 2), "-")
    return dice.choice([dashed, dashed, dashed, grouped(number, (3, 2), " "), number]) if named else dashed


def br_cpf(dice: Dice, language: str, named: bool) -> str:
    number = cpf(dice)
    marked = f"{number[:3]}.{number[3:6]}.{number[6:9]}-{number[9:]}"
    return dice.choice([marked, marked, number, f"{number[:9]}-{number[9:]}"]) if named else marked


def br_cnpj(dice: Dice, language: str, named: bool) -> str:
    number = cnpj(dice, letters=dice.random() < 0.2)
    marked = f"{number[:2]}.{number[2:5]}.{number[5:8]}/{number[8:12]}-{number[12:]}"
    return dice.choice([marked, marked, number]) if named else marked


def br_cep(dice: Dice, language: str, named: bool) -> str:
    number = str(dice.randint(1000, 99999)).zfill(5) + digits(dice, 3)
    marked = f"{number[:5]}-{number[5:]}"
    dotted = f"{number[:2]}.{number[2:5]}-{number[5:]}"
    return dice.choice([marked, marked, dotted, number]) if named else marked


def br_pix_key(dice: Dice, language: str, named: bool) -> str:
    key = str(uuid.UUID(int=dice.getrandbits(128), version=4))
    return key.upper() if dice.random() < 0.1 else key


VALUES: dict[str, Callable[[Dice, str, bool], str]] = {
    "EMAIL_ADDRESS": email,
    "IP_ADDRESS": ip,
    "PHONE_NUMBER": phone,
    "CREDIT_CARD": credit_card,
    "IBAN_CODE": bank_account,
    "US_SSN": ssn,
    "BR_CPF": br_cpf,
    "BR_CNPJ": br_cnpj,
    "BR_CEP": br_cep,
    "BR_PIX_KEY": br_pix_key,
}


# Numbers that are nobody's


def wrong(text: str, index: int) -> str:
    """The text with another digit there."""
    return text[:index] + str((int(text[index]) + 1) % 10) + text[index + 1 :]


def inner_ip(dice: Dice) -> str:
    a, b = dice.randrange(256), dice.randrange(1, 255)
    private = [f"192.168.{a}.{b}", f"10.{a}.{b}.1", f"172.{16 + a % 16}.{b}.{a}", "127.0.0.1", "255.255.255.0"]
    documentation = [f"192.0.2.{b}", f"198.51.100.{b}", f"203.0.113.{b}", f"2001:db8::{a:x}", f"fe80::{a:x}:{b:x}"]
    return dice.choice([*private, *documentation, "::1", "0.0.0.0", "169.254.1.7"])


def court_case(dice: Dice) -> str:
    return f"{digits(dice, 7)}-{digits(dice, 2)}.20{dice.randint(10, 25)}.8.{dice.randint(10, 26)}.{digits(dice, 4)}"


def isbn(dice: Dice) -> str:
    ending = dice.choice(["0", "3", "9", "X"])
    ten = f"{dice.randint(0, 9)}-{digits(dice, 3)}-{digits(dice, 5)}-{ending}"
    body = digits(dice, 9)
    thirteen = f"978-{body[0]}-{body[1:4]}-{body[4:]}-{ending.replace('X', '1')}"
    return dice.choice([ten, thirteen, thirteen.replace("-", ""), ten.replace("-", "")])


def bad_check(dice: Dice) -> str:
    number, company, account = cpf(dice), cnpj(dice), iban(dice)
    person = f"{number[:3]}.{number[3:6]}.{number[6:9]}-{wrong(number, 10)[9:]}"
    firm = f"{company[:2]}.{company[2:5]}.{company[5:8]}/{company[8:12]}-{wrong(company, 13)[12:]}"
    return dice.choice([person, firm, grouped(wrong(card(dice), 8), (4, 4, 4), " "), wrong(account, 3)])


def ranged(low: int, high: int) -> Callable[[Dice], str]:
    return lambda dice: str(dice.randint(low, high))


def tracking(dice: Dice) -> str:
    post = f"{dice.choice('LRSJ')}{dice.choice(LETTERS)}{digits(dice, 9)}{dice.choice(['BR', 'US', 'CN', 'GB'])}"
    return dice.choice([post, f"1Z{''.join(dice.choices(LETTERS, k=3))}{digits(dice, 13)}", "9400" + digits(dice, 18)])


def like_phone(dice: Dice) -> str:
    a, b, c = digits(dice, 3), digits(dice, 3), digits(dice, 4)
    return dice.choice([f"{a}-{b}-{c}", f"{a}{b}{c}", f"{b}-{c}-{a}", f"{c}-{a}{b}"])


NOISE: dict[str, Callable[[Dice], str]] = {
    "name": lambda dice: f"{dice.choice(FIRST).title()} {dice.choice(LAST).title()}",
    "company": lambda dice: dice.choice(NAMES).title(),
    "uf": lambda dice: dice.choice(words("SP RJ MG RS PR BA PE CE SC GO")),
    "city": lambda dice: dice.choice(["São Paulo", "Recife", "Curitiba", "Belo Horizonte", "Porto Alegre", "Santos"]),
    "street": lambda dice: dice.choice(["Rua das Flores", "Av. Brasil", "Rua XV de Novembro", "Alameda Santos"]),
    "n": ranged(2, 999),
    "hour": lambda dice: f"{dice.randint(0, 23):02}:{dice.randint(0, 59):02}",
    "time": lambda dice: f"{dice.randint(0, 23):02}:{dice.randint(0, 59):02}:{dice.randint(0, 59):02}",
    "year": ranged(1950, 2025),
    "date": lambda dice: dice.choice(
        [
            f"{dice.randint(1, 28):02}/{dice.randint(1, 12):02}/{dice.randint(1990, 2025)}",
            f"{dice.randint(1990, 2025)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}",
            f"{dice.randint(1, 28)}.{dice.randint(1, 12)}.{dice.randint(1990, 2025)}",
        ]
    ),
    "version": lambda dice: ".".join(str(dice.randint(0, top)) for top in (20, 9, 40, dice.choice([9, 250, 9000]))),
    "order": lambda dice: digits(dice, dice.choice([8, 9, 10, 11, 12, 16])),
    "place": lambda dice: f"{dice.uniform(-60, 60):.{dice.choice([4, 6])}f}, {dice.uniform(-120, 120):.6f}",
    "isbn": isbn,
    "inner": inner_ip,
    "dollars": lambda dice: f"{dice.randint(1, 99)},{digits(dice, 3)},{digits(dice, 3)}.{digits(dice, 2)}",
    "reais": lambda dice: f"{dice.randint(1, 99)}.{digits(dice, 3)}.{digits(dice, 3)},{digits(dice, 2)}",
    "section": lambda dice: ".".join(str(dice.randint(1, 19)) for _ in range(4)),
    "uuid": lambda dice: str(uuid.UUID(int=dice.getrandbits(128), version=4)),
    "bad": bad_check,
    "score": lambda dice: ", ".join(f"{dice.randint(0, 25)}-{dice.randint(0, 25)}" for _ in range(dice.randint(1, 5))),
    "file": lambda dice: dice.choice(["icon", "logo", "hero-bg"]) + dice.choice(["@2x.png", "@3x.jpg", "@2x.webp"]),
    "cnj": court_case,
    "tracking": tracking,
    "like_phone": like_phone,
    "handle": lambda dice: f"@{dice.choice(FIRST)}{dice.choice(['_', '.', '', '77'])}{dice.choice(LAST)}",
    "thousands": lambda dice: dice.choice(".,").join([ranged(1, 999)(dice), digits(dice, 3), digits(dice, 3)]),
    "mac": lambda dice: ":".join(f"{dice.randrange(256):02X}" for _ in range(6)),
    "hash": lambda dice: f"{dice.getrandbits(160):040x}",
    "barcode": lambda dice: dice.choice(["789", "400", "501"]) + digits(dice, 10),
    "zip4": lambda dice: f"{digits(dice, 5)}-{digits(dice, 4)}",
}
