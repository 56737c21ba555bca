"""Sentences with what only looks like personal data, kind by kind, beside those of written_forms.py."""

from __future__ import annotations

from benchmarks.generated.values import NAMES, Dice, digits, isbn, wrong
from benchmarks.generated.written_forms import Kind, cep, cnh, german, japanese, lines, nif, pis, russian, voter


def budget(dice: Dice) -> str:
    long = f"{dice.choice('34')}.{dice.randint(1, 6)}.{dice.choice('2345679')}0.{dice.randint(11, 99)}"
    return dice.choice([long, long, f"3.1.1.{dice.randint(1, 9)}", f"1.{dice.randint(1, 9)}.2.{dice.randint(1, 9)}"])


def pages(dice: Dice) -> str:
    start = dice.randint(3000, 4090)
    return f"{start}-{start + dice.randint(1, 60)}"


def thousands(dice: Dice) -> str:
    return f"{dice.choice(['212', '912', '800', '707', '808', '612'])} {digits(dice, 3)} {digits(dice, 3)}"


def wrong_pis(dice: Dice) -> str:
    number = pis(dice)
    return wrong(number, len(number) - 1)


def wrong_nif(dice: Dice) -> str:
    number = nif(dice)
    return wrong(number, len(number) - 1)


NEAR_MISSES = (
    Kind(
        "budget code",
        "pt",
        "",
        budget,
        lines("Elemento de despesa {}.\n{} Material\nDotação {}, servidor público.\nPagamento de servidores: {}"),
    ),
    Kind("pages and laws", "pt", "", pages, lines("páginas {}\np. {}\nRevista, v. 3, p. {}, 2010.\nLei {}, de maio")),
    Kind(
        "counted",
        "pt",
        "",
        thousands,
        lines("A região tem {} habitantes.\nVenderam {} euros em títulos.\nForam {} pessoas ao todo."),
    ),
    Kind(
        "part number",
        "pt",
        "",
        lambda dice: f"{digits(dice, 4)}-{digits(dice, 4)}",
        lines("Peça {}\nModelo {}, preto.\nPedido {} enviado.\nProcesso {} arquivado."),
    ),
    Kind(
        "part number",
        "en",
        "",
        lambda dice: (
            f"{dice.choice(['800', '877', '855'])}-{dice.choice(['SERIES', 'XL', 'page', 'day', 'B', 'MODEL'])}"
        ),
        lines("The {} is sold out.\nModel {}, black.\nA {} thing."),
    ),
    Kind("order number", "de", "", german, lines("Bestellnummer {}\nAktenzeichen {}\nArtikelnummer {}, lieferbar")),
    Kind(
        "dates",
        "de",
        "",
        lambda dice: f"0{dice.randint(1, 9)}/{dice.randint(10, 12)}/20{dice.randint(10, 25)}",
        lines("Am {} und danach.\nvon 2019/2020 bis {}\nSeite 030 / 031, {}"),
    ),
    Kind("order number", "ja", "", japanese, lines("注文番号{}を確認。\n商品番号{}\n型番{}です。")),
    Kind("order number", "ru", "", russian, lines("заказ {}\nартикул {}, в наличии")),
    Kind("ISBN", "en", "", lambda dice: isbn(dice).replace("-", "–"), lines("ISBN {}\nISBN-13: {}, paperback")),
    Kind(
        "scores",
        "en",
        "",
        lambda dice: " - ".join(str(dice.randint(80, 140)) for _ in range(3)),
        lines("It ended {} after overtime.\nScores: {}"),
    ),
    Kind(
        "coordinates",
        "pt",
        "",
        lambda dice: f"-{dice.uniform(1, 33):.6f} -{dice.uniform(35, 73):.6f}",
        lines("Coordenadas {}\nO abrigo fica em {}, siga a trilha."),
    ),
    Kind("wrong check digit of a PIS", "pt", "", wrong_pis, lines("PIS {}\nPIS/PASEP: {}.\nNIT nº {}")),
    Kind("wrong check digit of a NIF", "pt", "", wrong_nif, lines("NIF {}\nContribuinte n.º {}, Lisboa.\nNIPC: {}")),
    Kind(
        "no number of a person",
        "pt",
        "",
        lambda dice: dice.choice([pis, voter, cnh, nif])(dice).replace(".", "").replace("-", ""),
        lines("Item {}\nCódigo {}, esgotado.\nLote {}"),
    ),
    Kind(
        "product before a name",
        "pt",
        "",
        cep,
        lines("{} Parafuso sextavado\nRef. {} Bomba d'água\nCódigo {}, caixa com 10"),
    ),
    Kind(
        "weight",
        "pt",
        "",
        lambda dice: f"{dice.choice(NAMES)}.com.br",
        lines("O preço da arroba {} subiu.\nR$ 300 por arroba em {}\na arroba {} informa"),
    ),
    Kind(
        "at and dot",
        "en",
        "",
        lambda dice: dice.choice(NAMES),
        lines("We are at {} dot com.\nMeet me (at) {}.\nLook at {} dot com\nThe {} dot com bubble"),
    ),
)
