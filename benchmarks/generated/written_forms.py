"""Sentences with personal data as people write it, kind by kind: more ways of writing than sentences.py has.

Values are of random digits: telephone numbers exist by Google's metadata, check digits are right. Sentences are in the
language of their kind. A seed gives the same sentences always.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from benchmarks.generated.sentences import Label, Sentence
from benchmarks.generated.values import FIRST, LAST, NAMES, Dice, cpf, digits, weighted

PER_KIND = 40  # sentences


class Kind(NamedTuple):
    """type: of the value; empty where a sentence has nothing to find. templates: {} is where the value stands."""

    name: str
    language: str
    type: str
    value: Callable[[Dice], str]
    templates: Sequence[str]


def lines(text: str) -> list[str]:
    return text.strip().split("\n")


# --- Telephones -------------------------------------------------------------------------------------------------------


def valid(dice: Dice, region: str, starts: Sequence[str], length: int) -> str:
    """National digits of a number that exists, of a length, the first of them one of `starts`."""
    import phonenumbers

    country = phonenumbers.country_code_for_region(region)
    while True:
        start = dice.choice(starts)
        text = start + digits(dice, length - len(start))
        number = phonenumbers.PhoneNumber(country_code=country, national_number=int(text))
        if text[0] != "0" and phonenumbers.is_valid_number_for_region(number, region):
            return text


def north_american(*forms: str) -> Callable[[Dice], str]:
    def value(dice: Dice) -> str:
        number = valid(dice, "US", ["2", "3", "4", "5", "6", "7", "9"], 10)
        return dice.choice(forms).format(number[:3], number[3:6], number[6:])

    return value


def vanity(dice: Dice) -> str:
    word = dice.choice(["FLOWERS", "LAWYERS", "GOT-ROOF", "NEW-DOOR", "4-BOATS4", "555-CARS", "PAINTER", "MOVE-NOW"])
    return dice.choice(["1-{}-{}", "1-{}-{}", "1 {} {}", "({}) {}"]).format(dice.choice(["800", "888", "877"]), word)


def brazilian(*forms: str) -> Callable[[Dice], str]:
    def value(dice: Dice) -> str:
        number = valid(dice, "BR", [f"{area}{first}" for area in (11, 19, 21, 31, 48, 51) for first in (2, 3)], 10)
        return dice.choice(forms).format(number[:2], number[2:6], number[6:])

    return value


def countrywide(dice: Dice) -> str:
    last, rest = digits(dice, 4), digits(dice, 7)
    forms = [f"400{dice.choice('234')}-{last}", f"300{dice.choice('34')}-{last}", f"0800 {rest[:3]} {rest[3:]}"]
    return dice.choice([*forms, f"0800-{rest}", f"0300 {rest[:3]} {rest[3:]}", f"0800 {rest[:2]} {rest[2:6]}"])


def grouped_by_three(region: str, starts: Sequence[str]) -> Callable[[Dice], str]:
    def value(dice: Dice) -> str:
        number = valid(dice, region, starts, 9)
        return f"{number[:3]} {number[3:6]} {number[6:]}"

    return value


def german(dice: Dice) -> str:
    area = dice.choice(["30", "40", "89", "221", "711"])
    number = valid(dice, "DE", [area + first for first in "23456789"], len(area) + 7)
    local = number[len(area) :]
    forms = ["0{0} / {1} {2} {3}", "0{0} / {4}", "0{0}/{1} {2} {3}", "(0{0}) {1} {2} {3}"]
    return dice.choice(forms).format(area, local[:3], local[3:5], local[5:], local)


def japanese(dice: Dice) -> str:
    number = valid(dice, "JP", ["3", "6", "90", "80", "120"], dice.choice([9, 10]))
    if number.startswith(("9", "8")):
        return f"0{number[:2]}-{number[2:6]}-{number[6:]}"
    if number.startswith("120"):
        return f"0120-{number[3:6]}-{number[6:]}"
    return dice.choice([f"0{number[0]}-{number[1:5]}-{number[5:]}", f"0{number[0]}({number[1:5]}){number[5:]}"])


def russian(dice: Dice) -> str:
    a = valid(dice, "RU", [area + first for area in ("495", "812", "916") for first in "23456789"], 10)
    forms = ["8 ({0}) {1}-{2}-{3}", "8-{0}-{1}-{2}-{3}", "({0}) {1}-{2}-{3}", "{1}-{2}-{3}"]
    return dice.choice(forms).format(a[:3], a[3:6], a[6:8], a[8:])


def italian(dice: Dice) -> str:
    if dice.random() < 0.5:
        number = valid(dice, "IT", ["333", "347", "328"], 10)
        return number[:3] + dice.choice([" ", ".", "/"]) + number[3:]
    return dice.choice(["02 {}", "06/{}", "06-{}"]).format(dice.choice("3456789") + digits(dice, 6))


def dutch(dice: Dice) -> str:
    number = valid(dice, "NL", ["20", "10", "70", "61", "62"], 9)
    if number[0] == "6":
        return dice.choice([f"06-{number[1:]}", f"06 {number[1:]}"])
    return dice.choice([f"0{number[:2]}-{number[2:]}", f"(0{number[:2]}) {number[2:5]} {number[5:7]} {number[7:]}"])


# --- E-mail, CPF, CEP, numbers of persons -----------------------------------------------------------------------------


def address(dice: Dice, endings: str) -> str:
    return f"{dice.choice(FIRST)}.{dice.choice(LAST)}@{dice.choice(NAMES)}.{dice.choice(endings.split())}"


def spelled(sign: str, dots: Sequence[str], endings: str) -> Callable[[Dice], str]:
    def value(dice: Dice) -> str:
        name, _, host = address(dice, endings).partition("@")
        return name + dice.choice(sign.split("|")) + host.replace(".", dice.choice(dots))

    return value


def cpf_with_blanks(dice: Dice) -> str:
    number = cpf(dice)
    forms = ["{} {} {} {}", "{}.{}.{} - {}", "{} {} {}-{}", "{}. {}. {}-{}"]
    return dice.choice(forms).format(number[:3], number[3:6], number[6:9], number[9:])


def cep(dice: Dice) -> str:
    return f"{dice.randint(10, 99)}{digits(dice, 3)}-{digits(dice, 3)}"


def pis(dice: Dice) -> str:
    body = "1" + digits(dice, 9)
    body += str(weighted(map(int, body), [3, 2, 9, 8, 7, 6, 5, 4, 3, 2]))
    return dice.choice([f"{body[:3]}.{body[3:8]}.{body[8:10]}-{body[10]}", body])


def voter(dice: Dice) -> str:
    body, state = digits(dice, 8), dice.randint(1, 28)
    first = sum(int(char) * weight for char, weight in zip(body, range(2, 10), strict=True)) % 11
    first = 1 if first == 0 and state < 3 else first % 10
    second = (state // 10 * 7 + state % 10 * 8 + first * 9) % 11
    second = 1 if second == 0 and state < 3 else second % 10
    text = f"{body}{state:02}{first}{second}"
    return dice.choice([f"{text[:4]} {text[4:8]} {text[8:]}", text])


def cnh(dice: Dice) -> str:
    while True:
        body = digits(dice, 9)
        first = sum(int(char) * weight for char, weight in zip(body, range(9, 0, -1), strict=True)) % 11
        second = sum(int(char) * weight for char, weight in zip(body, range(1, 10), strict=True)) % 11
        if first < 10:  # systems differ where it is 10
            return f"{body}{first}{second % 10}"


def rg(dice: Dice) -> str:
    body = str(dice.randint(10_000_000, 59_999_999))
    check = sum(int(char) * weight for char, weight in zip(body, range(9, 1, -1), strict=True)) % 11
    mark = "X" if check == 10 else str(check)
    return dice.choice([f"{body[:2]}.{body[2:5]}.{body[5:]}-{mark}", body + "-" + mark])


def nif(dice: Dice) -> str:
    body = dice.choice("125") + digits(dice, 7)
    number = body + str(weighted(map(int, body), range(9, 1, -1)))
    return dice.choice([f"{number[:3]} {number[3:6]} {number[6:]}", number, f"PT{number}"])


KINDS = (
    Kind(
        "dashes and blanks",
        "en",
        "PHONE_NUMBER",
        north_american("{}–{}–{}", "{} {}-{}", "{} - {} - {}", "1 {} {} {}", "{}‑{}‑{}", "{}/{}-{}"),
        lines("Reach the office at {} on weekdays.\nCall {}\nJane Doe, {}, sales\nFront desk: {}."),
    ),
    Kind("letters for keys", "en", "PHONE_NUMBER", vanity, lines("Order at {} today.\nCall {}!\nQuestions? {}")),
    Kind(
        "carrier as xx",
        "pt",
        "PHONE_NUMBER",
        brazilian("(0xx{}) {}-{}", "0xx{} {}-{}", "(0XX{}) {}-{}", "(xx{}) {}-{}", "0**{} {}-{}"),
        lines("Informações: {}.\nSecretaria, {}, das 8h às 17h.\nLigue {}"),
    ),
    Kind(
        "whole country",
        "pt",
        "PHONE_NUMBER",
        countrywide,
        lines("Atendimento: {}.\nLigue para {} de qualquer cidade.\nO SAC é {}, todos os dias."),
    ),
    Kind(
        "eight digits behind a word",
        "pt",
        "PHONE_NUMBER",
        brazilian("{1}-{2}", "{1}{2}", "{1} {2}", "{1}.{2}"),
        lines("Tel: {}\nTel.: {}, sala 3.\nFone {}\nLigue já para o {}.\nFone/fax: {}\nTelefone da padaria: {}"),
    ),
    Kind(
        "free numbers of Portugal",
        "pt",
        "PHONE_NUMBER",
        grouped_by_three("PT", ["800", "808", "707"]),
        lines("Linha de apoio {}, dias úteis.\nLigue {}\nReservas: {}."),
    ),
    Kind(
        "Tlm.",
        "pt",
        "PHONE_NUMBER",
        lambda dice: valid(dice, "PT", ["91", "92", "93", "96"], 9),
        lines("Tlm. {}\nTlm.: {}, Porto.\nContacto (tlm): {}"),
    ),
    Kind("slash", "de", "PHONE_NUMBER", german, lines("Rathaus: {}.\nTel. {}\nAnmeldung unter {} bis Freitag.")),
    Kind(
        "Japanese", "ja", "PHONE_NUMBER", japanese, lines("電話{}までご連絡ください。\nTEL：{}\nお問い合わせは{}へ。")
    ),
    Kind("Russian", "ru", "PHONE_NUMBER", russian, lines("Телефон: {}.\nЗвоните {} ежедневно.\nтел. {}, офис 3")),
    Kind(
        "Italian",
        "it",
        "PHONE_NUMBER",
        italian,
        lines("Telefono {}.\nTel. {}, chiuso il lunedì.\nPer info chiamare {}"),
    ),
    Kind("Dutch", "nl", "PHONE_NUMBER", dutch, lines("Telefoon {}.\nBel {} voor een afspraak.\nTel: {}")),
    Kind(
        "amid Chinese",
        "zh",
        "EMAIL_ADDRESS",
        lambda dice: address(dice, "cn com com.cn com.tw"),
        lines("请发邮件至{}，谢谢。\n联系邮箱{}或访问网站\n负责人：{}。"),
    ),
    Kind(
        "amid Japanese",
        "ja",
        "EMAIL_ADDRESS",
        lambda dice: address(dice, "jp co.jp com"),
        lines("お問い合わせは{}までメールでお願いします。\n担当：{}（平日のみ）\nメールは{}へ。"),
    ),
    Kind(
        "amid Korean",
        "ko",
        "EMAIL_ADDRESS",
        lambda dice: address(dice, "kr co.kr com"),
        lines("문의는{}로 보내 주세요.\n메일:{}입니다"),
    ),
    Kind(
        "spelled out",
        "en",
        "EMAIL_ADDRESS",
        spelled(" (at) | [at] |[at]", [".", " [dot] ", "[dot]", " (dot) "], "com org net co.uk"),
        lines("Write to {} if you can.\nE-mail: {}\nMaintainer: {}."),
    ),
    Kind(
        "spelled out",
        "pt",
        "EMAIL_ADDRESS",
        spelled(" arroba | (arroba) ", [".", " ponto "], "com.br com org.br pt"),
        lines("Escreva para {} hoje.\nE-mail: {}\nContato, {}."),
    ),
    Kind(
        "CPF with blanks",
        "pt",
        "BR_CPF",
        cpf_with_blanks,
        lines("CPF {}\nInscrito no CPF sob o nº {}.\nC.P.F.: {}, Brasil"),
    ),
    Kind("C.E.P.", "pt", "BR_CEP", cep, lines("C.E.P. {}\nRua das Flores, 12, C.E.P.: {}.")),
    Kind(
        "CEP before a place",
        "pt",
        "BR_CEP",
        cep,
        lines("{} Campinas\nRua Um, 20, {} Itajubá\n{} Jaboticabal - SP\nEscreva para: {}, Recife."),
    ),
    Kind("PIS/PASEP", "pt", "BR_PIS_PASEP", pis, lines("PIS {}\nPIS/PASEP: {}, admissão em maio.\nNIT nº {}")),
    Kind(
        "título de eleitor",
        "pt",
        "BR_TITULO_ELEITOR",
        voter,
        lines("Título de eleitor {}\nTítulo eleitoral nº {}, zona 3."),
    ),
    Kind("CNH", "pt", "BR_CNH", cnh, lines("CNH {}\nCarteira de habilitação nº {}, categoria B.")),
    Kind("RG", "pt", "BR_RG", rg, lines("RG {} SSP/SP\nportador do RG nº {}, casado\nIdentidade: {}")),
    Kind("NIF", "pt", "PT_NIF", nif, lines("NIF {}\nContribuinte n.º {}, Lisboa.\nNIPC: {}")),
)


def forms(seed: int, kinds: Sequence[Kind]) -> Iterator[Sentence]:
    """PER_KIND sentences of each kind. Sentence.kind is its name with the language."""
    dice = random.Random(seed)
    for kind in kinds:
        for index in range(PER_KIND):
            before, _, after = kind.templates[index % len(kind.templates)].partition("{}")
            value = kind.value(dice)
            label = Label(len(before), len(before) + len(value), kind.type)
            labels = (label,) if kind.type else ()
            yield Sentence(before + value + after, kind.language, f"{kind.name} ({kind.language})", labels)
