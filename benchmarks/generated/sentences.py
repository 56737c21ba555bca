"""Sentences in English and Portuguese with made-up personal data, labels that say where it stands, and hard negatives.

Values are of random digits, with right check digits where a type has them. A seed gives the same sentences always,
another seed another set.
"""

from __future__ import annotations

import ipaddress
import random
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

TYPES = (
    *("EMAIL_ADDRESS", "IP_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN"),
    *("BR_CPF", "BR_CNPJ", "BR_CEP", "BR_PIX_KEY"),
)
PER_TYPE, PER_KIND = 110, 32  # sentences of each language


class Label(NamedTuple):
    """Where a value of a type stands in a text: characters from start to end."""

    start: int
    end: int
    type: str


class Sentence(NamedTuple):
    """A text and what there is to find in it.

    language: en or pt.
    kind: the type that the template is about, or what kind of hard negative it is.
    labels: every value; empty for a hard negative.
    """

    text: str
    language: str
    kind: str
    labels: tuple[Label, ...]


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


# {TYPE} stands where the words say what comes, {TYPE!} where only its form does; small names are NOISE.

TEMPLATES: dict[str, dict[str, str]] = {
    "en": {
        "EMAIL_ADDRESS": """
Questions? Drop us a line at {EMAIL_ADDRESS} and we will get back within {n} hours.
E-mail: {EMAIL_ADDRESS}
Send your CV to <{EMAIL_ADDRESS}> before {date}.
For press enquiries contact {name} ({EMAIL_ADDRESS}).
Copyright {year} {company}. {EMAIL_ADDRESS}
You can reach the author, {name}, at {EMAIL_ADDRESS}.
Mail {EMAIL_ADDRESS}; {EMAIL_ADDRESS} is for refunds only.
mailto:{EMAIL_ADDRESS}?subject=hello
{name} <{EMAIL_ADDRESS}> wrote:
To unsubscribe, write to "{EMAIL_ADDRESS}".
{EMAIL_ADDRESS} | {PHONE_NUMBER!}
Contact:{EMAIL_ADDRESS}
Reported-by: {name} <{EMAIL_ADDRESS}>
Tickets are $12 from {EMAIL_ADDRESS}, or at the door on {date}.
""",
        "IP_ADDRESS": """
The request came from {IP_ADDRESS} at {time}.
Our name servers are {IP_ADDRESS} and {IP_ADDRESS}.
I can ping {IP_ADDRESS} but not the gateway.
{IP_ADDRESS} - - [12/Mar/2021:{time} +0000] "GET / HTTP/1.1" 200 5316
Failed password for root from {IP_ADDRESS} port 52144 ssh2
Anonymous user {IP_ADDRESS} edited this page {n} times.
Posted by guest ({IP_ADDRESS}) on {date}
The server sits at {IP_ADDRESS}, behind a load balancer.
Set your DNS to {IP_ADDRESS}.
Blocked hosts: {IP_ADDRESS}; {IP_ADDRESS}
He was banned because his IP address {IP_ADDRESS} matched an old account.
Reply from {IP_ADDRESS}: bytes=32 time=14ms TTL=54
inet {IP_ADDRESS} scope global
This talk page belongs to {IP_ADDRESS!}, who never registered.
""",
        "PHONE_NUMBER": """
Call {PHONE_NUMBER} now for a free quote.
Phone: {PHONE_NUMBER}
Tel {PHONE_NUMBER} Fax {PHONE_NUMBER}
My cell is {PHONE_NUMBER}, text me any time after {hour}.
{company} Plumbing, {n} Main Street, {PHONE_NUMBER!}
Ring {name} on {PHONE_NUMBER} to book a table.
To RSVP, contact {name} at {PHONE_NUMBER} by {date}.
WhatsApp {PHONE_NUMBER}
Office hours are 9 to 5; the hotline ({PHONE_NUMBER}) is open all night.
{name} | {PHONE_NUMBER!} | {EMAIL_ADDRESS}
Please telephone the surgery: {PHONE_NUMBER}.
Reservations {PHONE_NUMBER!}.
For more information, please call our customer service at {PHONE_NUMBER} or visit the shop.
Mobile:{PHONE_NUMBER}
""",
        "CREDIT_CARD": """
Use the test card {CREDIT_CARD} at the checkout.
My credit card number is {CREDIT_CARD} and it expires in 09/27.
Visa {CREDIT_CARD}, cvv {n}
He read {CREDIT_CARD} aloud to the clerk and hung up.
Payment was taken from {CREDIT_CARD} on {date}.
Card no.: {CREDIT_CARD}
The leaked line was "{name};{CREDIT_CARD};11/26".
Please charge {CREDIT_CARD}, {name}, for both rooms.
Mastercard ending is fine, you don't have to send all of {CREDIT_CARD}.
The dump starts with {CREDIT_CARD!} and a name.
Paid by debit card ({CREDIT_CARD}).
""",
        "IBAN_CODE": """
Please transfer the deposit to {IBAN_CODE} within {n} days.
IBAN: {IBAN_CODE}
IBAN {IBAN_CODE}, BIC on request
Bank details: {company} Ltd, {IBAN_CODE}.
Donations are welcome ({IBAN_CODE}).
Account holder {name}; account {IBAN_CODE}
Wire the money to {IBAN_CODE} and send us the receipt.
The invoice says "{IBAN_CODE}" is the account.
Our account number, {IBAN_CODE}, has not changed since {year}.
Sort code no longer needed, use {IBAN_CODE}
""",
        "US_SSN": """
SSN: {US_SSN}
Her social security number is {US_SSN}.
The form asked for my SSN, so I typed {US_SSN} and went on.
Applicant {name}, social security no. {US_SSN}, born {date}
The victim's SSN ({US_SSN}) was sold for two dollars.
{name}, {US_SSN!}, was admitted on {date}.
Name: {name}; SSN {US_SSN}; state: TX
Don't ever post something like {US_SSN!} in a forum.
SS# {US_SSN!}
Tax ID / SSN: {US_SSN}
The record lists {name} and {US_SSN!} on the same line.
""",
        "BR_CPF": """
The Brazilian tax number (CPF) {BR_CPF} belongs to a student.
CPF {BR_CPF}
{name}, CPF no. {BR_CPF}, hereinafter the lessor
Tourists can use {BR_CPF!} to buy the SIM card in Brazil.
You need a CPF such as {BR_CPF} to order online.
Signed by {name} ({BR_CPF!}) in Recife.
CPF: {BR_CPF} / passport on file
She gave her CPF, {BR_CPF}, at the pharmacy.
The ID printed below the name was {BR_CPF!}.
Taxpayer {name}, {BR_CPF!}, resident in Curitiba
""",
        "BR_CNPJ": """
{company} do Brasil Ltda, CNPJ {BR_CNPJ}
The company is registered in Brazil under CNPJ {BR_CNPJ}.
CNPJ: {BR_CNPJ}
{company} S.A. ({BR_CNPJ!}) is the importer of record.
Invoices must be issued to {company}, {BR_CNPJ!}, São Paulo.
The Brazilian company number (CNPJ) is {BR_CNPJ}; keep it at hand.
Distributed by {company} - {BR_CNPJ!}
CNPJ/MF no. {BR_CNPJ}
Our Brazilian subsidiary has the CNPJ number {BR_CNPJ}.
Registered as {BR_CNPJ!} since {year}.
""",
        "BR_CEP": """
{street}, {n}, {city} - {uf}, {BR_CEP!}, Brazil
The postal code (CEP) is {BR_CEP}.
Ship it to {street} {n}, CEP {BR_CEP}, {city}.
CEP: {BR_CEP}
Office: {street} {n}, {city}/{uf} {BR_CEP!}
Our postal code is {BR_CEP}, in case the courier asks.
{city}, {uf} {BR_CEP!}
Visit us: {street}, {n}. {city} - {uf} - CEP {BR_CEP}
Type the CEP {BR_CEP} to see the freight.
{name}, {street} {n}, {city}, {uf}, {BR_CEP!}
""",
        "BR_PIX_KEY": """
Pay by Pix, key {BR_PIX_KEY}.
PIX key: {BR_PIX_KEY}
Donate with PIX ({BR_PIX_KEY}) or PayPal.
Readers in Brazil can send a tip to my Pix: {BR_PIX_KEY}
Our random Pix key is {BR_PIX_KEY}
Use {BR_PIX_KEY} as the Pix key.
Pix (random key): {BR_PIX_KEY}
Copy {BR_PIX_KEY} into your bank's Pix screen.
""",
    },
    "pt": {
        "EMAIL_ADDRESS": """
Dúvidas? Escreva para {EMAIL_ADDRESS} que respondemos em até {n} horas.
E-mail: {EMAIL_ADDRESS}
Envie seu currículo para <{EMAIL_ADDRESS}> até {date}.
Assessoria de imprensa: {name} ({EMAIL_ADDRESS}).
{company}, todos os direitos reservados. {EMAIL_ADDRESS}
Fale com a autora, {name}, pelo {EMAIL_ADDRESS}.
Inscrições pelo {EMAIL_ADDRESS}; reclamações em {EMAIL_ADDRESS}.
mailto:{EMAIL_ADDRESS}?subject=contato
{name} <{EMAIL_ADDRESS}> escreveu:
Para sair da lista, mande "sair" a {EMAIL_ADDRESS}.
{EMAIL_ADDRESS} / {PHONE_NUMBER!}
Contato:{EMAIL_ADDRESS}
Correio eletrónico - {EMAIL_ADDRESS}
Ingressos a R$ 12 em {EMAIL_ADDRESS}, ou na porta no dia {date}.
""",
        "IP_ADDRESS": """
O acesso partiu do IP {IP_ADDRESS} às {time}.
Nossos servidores DNS são {IP_ADDRESS} e {IP_ADDRESS}.
Consigo pingar {IP_ADDRESS} mas não o roteador.
{IP_ADDRESS} - - [12/Mar/2021:{time} -0300] "GET /blog HTTP/1.1" 404 312
O endereço {IP_ADDRESS} tentou entrar {n} vezes.
O usuário anônimo {IP_ADDRESS} desfez a edição.
Enviado por visitante ({IP_ADDRESS}) em {date}
O servidor fica em {IP_ADDRESS}, atrás de um balanceador.
Configure o DNS como {IP_ADDRESS}.
Hosts bloqueados: {IP_ADDRESS}; {IP_ADDRESS}
A operadora identificou o IP {IP_ADDRESS} como sendo do réu.
Resposta de {IP_ADDRESS}: bytes=32 tempo=14ms TTL=54
conexão recusada por {IP_ADDRESS} na porta 443
Esta página de discussão é de {IP_ADDRESS!}, que nunca se registrou.
""",
        "PHONE_NUMBER": """
Ligue {PHONE_NUMBER} e peça um orçamento sem compromisso.
Telefone: {PHONE_NUMBER}
Tel.: {PHONE_NUMBER} Fax: {PHONE_NUMBER}
Meu celular é {PHONE_NUMBER}, pode chamar depois das {hour}.
{company} Encanamentos, {street}, {n}, {PHONE_NUMBER!}
Reservas com {name} pelo {PHONE_NUMBER!}.
Confirme presença com {name}, telefone {PHONE_NUMBER}, até {date}.
WhatsApp {PHONE_NUMBER}
Atendimento das 9h às 18h; o plantão ({PHONE_NUMBER!}) não fecha.
{name} | {PHONE_NUMBER!} | {EMAIL_ADDRESS}
Favor telefonar para a clínica: {PHONE_NUMBER}.
Agende sua visita: {PHONE_NUMBER!}
Mais informações pelos telefones {PHONE_NUMBER} ou {PHONE_NUMBER}.
Zap:{PHONE_NUMBER}
Fone/Fax {PHONE_NUMBER}
""",
        "CREDIT_CARD": """
Use o cartão de teste {CREDIT_CARD} na hora de pagar.
O número do meu cartão de crédito é {CREDIT_CARD}, validade 09/27.
Visa {CREDIT_CARD}, cvv {n}
Ele leu {CREDIT_CARD} em voz alta e desligou.
A compra foi debitada em {CREDIT_CARD} no dia {date}.
Cartão nº {CREDIT_CARD}
A linha vazada era "{name};{CREDIT_CARD};11/26".
Pode cobrar em {CREDIT_CARD}, em nome de {name}, os dois quartos.
Mastercard: {CREDIT_CARD}
A lista começa com {CREDIT_CARD!} e um nome.
Pago no débito ({CREDIT_CARD}).
""",
        "IBAN_CODE": """
Transfira o sinal para {IBAN_CODE} em {n} dias.
IBAN: {IBAN_CODE}
IBAN {IBAN_CODE}, BIC a pedido
Dados bancários: {company} Lda, {IBAN_CODE}.
Aceitamos donativos ({IBAN_CODE}).
Titular {name}; conta {IBAN_CODE}
Faça a transferência para {IBAN_CODE} e envie o comprovativo.
Na fatura consta "{IBAN_CODE}" como conta.
A nossa conta, {IBAN_CODE}, é a mesma desde {year}.
Já não é preciso NIB, use {IBAN_CODE}
""",
        "US_SSN": """
SSN: {US_SSN}
O número de social security dela é {US_SSN}.
O formulário americano pedia o SSN, digitei {US_SSN} e segui.
{name}, social security {US_SSN}, nascido em {date}
O SSN da vítima ({US_SSN}) foi vendido por dois dólares.
{name}, {US_SSN!}, deu entrada em {date}.
Nome: {name}; SSN {US_SSN}; estado: TX
Nunca publique algo como {US_SSN!} num fórum.
Seguro social dos EUA (SSN): {US_SSN}
A ficha traz {name} e {US_SSN!} na mesma linha.
""",
        "BR_CPF": """
{name}, brasileira, solteira, inscrita no CPF sob o nº {BR_CPF}, doravante contratante
CPF {BR_CPF}
CPF: {BR_CPF}
O portador do CPF {BR_CPF} deve comparecer até {date}.
Assinado por {name} ({BR_CPF!}) em Recife.
Informe seu CPF, por exemplo {BR_CPF}, para emitir a nota.
{name} - {BR_CPF!} - aprovado
CPF/MF nº {BR_CPF}
Responsável: {name}, {BR_CPF!}
Contribuinte {name}, CPF n.º {BR_CPF}, residente em Santos
Chave Pix (CPF): {BR_CPF}
Foi sorteado o bilhete de {name}, documento {BR_CPF!}.
""",
        "BR_CNPJ": """
{company} Comércio Ltda, CNPJ {BR_CNPJ}
Empresa inscrita no CNPJ sob o nº {BR_CNPJ}, com sede em {city}.
CNPJ: {BR_CNPJ}
{company} S.A. ({BR_CNPJ!}) venceu o pregão nº {n}/2021.
Emitir nota para {company}, {BR_CNPJ!}, {city}.
CNPJ/MF nº {BR_CNPJ}
Razão social: {company} ME - {BR_CNPJ!}
Todos os direitos reservados. {company} | {BR_CNPJ!} | {street}, {n}
Doe para a associação, cnpj {BR_CNPJ}
Fornecedor {BR_CNPJ!}, item {n}
""",
        "BR_CEP": """
{street}, {n}, {city} - {uf}, {BR_CEP!}
O CEP da rua é {BR_CEP}.
Entregar na {street}, {n}, CEP {BR_CEP}, {city}.
CEP: {BR_CEP}
Matriz: {street}, {n}, {city}/{uf} {BR_CEP!}
Digite o CEP {BR_CEP} para calcular o frete.
{street}, {n} - {city} - {uf} - CEP {BR_CEP}
{city} ({uf}), {BR_CEP!}
Código postal {BR_CEP}
{name}, {street}, {n}, {city}, {uf}, {BR_CEP!}
Cep.: {BR_CEP} - {city}
""",
        "BR_PIX_KEY": """
Chave PIX: {BR_PIX_KEY}
Faça um pix para {BR_PIX_KEY} e mande o comprovante.
Contribua com qualquer valor: PIX {BR_PIX_KEY}
A chave aleatória é {BR_PIX_KEY} (Pix).
Pix copia e cola não funcionou, use a chave {BR_PIX_KEY}
Minha chave aleatória do Pix é {BR_PIX_KEY}.
Use {BR_PIX_KEY} como chave Pix.
Pix da vaquinha ({name}): {BR_PIX_KEY}
""",
    },
}

NEGATIVES: dict[str, dict[str, str]] = {
    "en": {
        "version": """
Version {version} fixes a crash on start.
We upgraded from {version} to {version} without trouble.
Update the driver to {version} first.
The firmware {version} was released on {date}.
Requires library {version} or newer.
""",
        "order": """
Order number {order} has been shipped.
Your invoice {order} is attached.
Ref. {order}, please quote it.
Ticket #{order} was closed.
Part no. {order} is out of stock.
""",
        "date and time": """
The match starts on {date} at {hour}.
{date} {time} INFO started
Open {year}-{year}, closed since.
Last modified: {date}, {time}
From {date} - {date}
""",
        "coordinates": """
The hut is at {place}.
Coordinates: {place}
GPS {place}, follow the track.
lat/lon {place}
""",
        "book": """
ISBN {isbn}
Paperback, {n} pages, ISBN: {isbn}
The paper (doi:10.1038/{n}.{order}) was retracted.
ISSN 1234-5679, vol. {n}({n}), {year}
EAN {barcode}
""",
        "inner address": """
Open {inner} in your browser to see the router.
The server listens on {inner}.
For example, ping {inner} from the host.
Add {inner} to the DNS list.
""",
        "price": """
It sold for ${dollars} at auction.
Revenue of {dollars} dollars, up {n}%.
The fund holds US$ {dollars} in cash.
About {thousands} people live here.
""",
        "section": """
See section {section} of the standard.
{section} Requirements
The OID {section}.1 is deprecated.
Clause {section} applies.
""",
        "identifier": """
commit {hash}
Request id: {uuid}
Session {uuid} expired.
The device {mac} was offline.
GUID {{{uuid}}}
""",
        "wrong check digits": """
Is {bad} a valid number?
The form rejected {bad}.
Sample only: {bad}
""",
        "score": """
They won {score} in the final.
Final: {score}
{name} beat {name} {score} on {date}.
""",
        "code": """
Add {file} to the sprites.
npm install @types/node@18.11.9
git clone git@github.com:{company}/site.git
Use std::vector<int> and ::operator new, see line {n}.
@app.route("/x") def f(a@b): pass
""",
        "tracking": """
Tracking number {tracking}
Parcel {tracking} left the depot.
Your shipment {tracking} arrives on {date}.
""",
        "like a phone": """
Order {like_phone} is on its way.
Case number {like_phone}
Model {like_phone}, black
Patent {like_phone}
""",
        "handle": """
Follow {handle} on Twitter.
Photo by {handle}, {year}.
Thanks {handle} and {handle}!
""",
        "other": """
Romans 12:1-2; John 3:16-18
Her address is {n} Oak Street, Springfield, IL {zip4}.
Add {n}-{n} g of sugar and {thousands} ml of water.
The code 1-2-3-4-5-6-7 opens the safe.
Odds were 10/11, 4/6 and 13/8; he put 25 on it.
""",
    },
    "pt": {
        "version": """
A versão {version} corrige uma falha ao iniciar.
Atualizamos da {version} para a {version} sem problemas.
Instale antes o driver {version}.
O firmware {version} saiu em {date}.
Exige a biblioteca na versão {version} ou mais nova.
""",
        "order": """
O pedido {order} já foi enviado.
Segue a nota fiscal {order}.
Protocolo {order}, guarde este número.
Chamado nº {order} encerrado.
Ref. {order} esgotada.
""",
        "date and time": """
O jogo começa em {date} às {hour}.
{date} {time} INFO iniciado
Aberto de {year}-{year}.
Última atualização: {date}, {time}
De {date} a {date}
""",
        "coordinates": """
O abrigo fica em {place}.
Coordenadas: {place}
GPS {place}, siga a trilha.
latitude e longitude {place}
""",
        "book": """
ISBN {isbn}
Brochura, {n} páginas, ISBN: {isbn}
O artigo (doi:10.1590/{n}.{order}) foi retratado.
ISSN 1234-5679, v. {n}, n. {n}, {year}
Código de barras {barcode}
""",
        "inner address": """
Abra {inner} no navegador para ver o roteador.
O servidor escuta em {inner}.
Por exemplo, dê ping em {inner} a partir do host.
Inclua {inner} na lista de DNS.
""",
        "price": """
Foi vendido por R$ {reais} em leilão.
Receita de {reais} reais, alta de {n}%.
O fundo tem US$ {reais} em caixa.
Moram aqui {thousands} pessoas.
""",
        "section": """
Veja a seção {section} da norma.
{section} Requisitos
O item {section} do edital foi revogado.
Nos termos da cláusula {section}.
""",
        "identifier": """
commit {hash}
Id da requisição: {uuid}
A sessão {uuid} expirou.
O aparelho {mac} estava desligado.
GUID {{{uuid}}}
""",
        "wrong check digits": """
{bad} é um número válido?
O formulário recusou {bad}.
Só um exemplo: {bad}
""",
        "score": """
Venceram por {score} na final.
Final: {score}
{name} bateu {name} por {score} em {date}.
""",
        "code": """
Inclua {file} nos sprites.
npm install @types/node@18.11.9
git clone git@github.com:{company}/site.git
Use std::vector<int> e ::operator new, veja a linha {n}.
@app.route("/x") def f(a@b): pass
""",
        "court case": """
Processo nº {cnj}, 2ª Vara Cível.
Autos {cnj}
Nos autos do processo {cnj} foi deferida a liminar.
Apelação {cnj}, julgada em {date}
""",
        "tracking": """
Código de rastreio {tracking}
A encomenda {tracking} saiu para entrega.
Seu pacote {tracking} chega em {date}.
""",
        "like a phone": """
O pedido {like_phone} está a caminho.
Protocolo de número {like_phone}
Modelo {like_phone}, preto
Patente {like_phone}
""",
        "handle": """
Siga {handle} no Twitter.
Foto de {handle}, {year}.
Valeu {handle} e {handle}!
""",
        "other": """
Romanos 12:1-2; João 3:16-18
Lei nº 8.078/90, art. {n}, e Lei 13.{n}/2018
Misture {n}-{n} g de açúcar e {thousands} ml de água.
Mega-Sena: 04-12-23-31-45-58
Edital {n}/2021, lote {n}, matrícula 12.345-{n}.
""",
    },
}
FILLERS = {
    "en": (
        "The weather has been kind this week.",
        "Nobody could say why.",
        "It took {n} days in {year}.",
        "Thank you!",
    ),
    "pt": ("O tempo ajudou nesta semana.", "Ninguém soube dizer por quê.", "Levou {n} dias em {year}.", "Obrigado!"),
}


# Sentences

_FIELD = re.compile(r"\{(\w+)(!?)\}")


def fill(template: str, language: str, kind: str, dice: Dice) -> Sentence:
    """A template with a value for each {FIELD}; {FIELD!} where nothing in the sentence says what the value is."""
    text, labels, copied = "", [], 0
    for match in _FIELD.finditer(template):
        text, copied = text + template[copied : match.start()], match.end()
        name = match[1]
        value = VALUES[name](dice, language, not match[2]) if name in VALUES else NOISE[name](dice)
        if name in VALUES:
            labels.append(Label(len(text), len(text) + len(value), name))
        text += value
    return Sentence(text + template[copied:], language, kind, tuple(labels))


def between(sentence: Sentence, before: str, after: str) -> Sentence:
    """The sentence with text around it, its labels moved along."""
    labels = tuple(Label(start + len(before), end + len(before), kind) for start, end, kind in sentence.labels)
    return sentence._replace(text=before + sentence.text + after, labels=labels)


def sentences(seed: int) -> Iterator[Sentence]:
    """Equal seeds give equal sentences; other seeds give other values, and other sentences around them."""
    dice = random.Random(seed)
    for language in ("en", "pt"):
        for table, count in ((TEMPLATES, PER_TYPE), (NEGATIVES, PER_KIND)):
            for kind, templates in table[language].items():
                lines = templates.strip().split("\n")
                for index in range(count):
                    filler = fill(dice.choice(FILLERS[language]), language, kind, dice).text
                    made = fill(lines[index % len(lines)], language, kind, dice)
                    yield between(made, *dice.choice([*[("", "")] * 2, (f"{filler} ", ""), ("", f"\n{filler}")]))
