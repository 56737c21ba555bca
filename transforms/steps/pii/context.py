"""Words around a number that tell what it is.

Distances count words and leave out those with digits, '@' or '<': so a value and the placeholder put in its place are
equally near, and scrubbing a text again sees the same words.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BEFORE, AFTER = 6, 3  # words
REACH = 120  # characters

_WORD = re.compile(r"[^\W\d_]+")
_COUNTED = re.compile(r"(?<![\w@<.])[^\W\d_]+(?:['’-][^\W\d_]+)*(?![\w@>])")

CARD = _words("card cards credit debit visa mastercard amex discover diners cartão cartao crédito débito")
SSN = _words("ssn ssns social security")
CPF = _words("cpf contribuinte")
CNPJ = _words("cnpj")
CEP = _words("cep postal")
PIX = _words("pix chave")
PHONE = _words(
    "phone phones telephone tel tels cell cellphone mobile call calls ring fax whatsapp sms text dial hotline "
    "contact cel telefone telefones fone fones celular celulares ligue ligar ligação contato zap tfno teléfono "
    "móvil telefonar discar disque"
)
IP = _words(
    "ip ips ipv host hosts server servers address ping dns port gateway router traceroute subnet nameserver "
    "login endereço servidor porta roteador rede http https ssh"
)
NO_NUMBER = _words(
    "isbn issn doi ean upc barcode barras order orders pedido pedidos invoice fatura nota tracking rastreio protocolo "
    "protocol processo ticket sku part serial série serie model modelo version versão versao release build firmware "
    "item id ref reference referência código codigo code lote patente patent batch case caso matrícula oab crm "
    "registro edição edition coordinates coordenadas latitude longitude"
)
NO_IP = _words(
    "version versions versão versao v compilação section sections seção secção release build firmware chapter capítulo "
    "item clause cláusula art artigo article figure figura table tabela paragraph parágrafo update driver "
    "software upgrade upgrades upgraded upgrading updates updated updating changelog patch patched revision revisão "
    "atualizar atualizado atualizada atualização"
)
STATES = _words(
    "AC AL AP AM BA CE DF ES GO MA MT MS MG PA PB PR PE PI RJ RN RS RO RR SC SP SE TO"
)  # of Brazil, as in "São Paulo - SP, 01310-100"


CAPITALS = re.compile("[A-Z]{2}")  # of which states are made


def before(text: str, start: int, most: int = BEFORE) -> list[str]:
    """The last words before a place, lower case, nearest last. A line's end ends them."""
    piece = text[max(start - REACH, 0) : start].rpartition("\n")[2]
    return [word.lower() for word in _COUNTED.findall(piece)[-most:]]


def after(text: str, end: int, most: int = AFTER) -> list[str]:
    piece = text[end : end + REACH].partition("\n")[0]
    return [match[0].lower() for match in islice(_COUNTED.finditer(piece), most)]


@lru_cache(16)
def _vocabulary(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _COUNTED.findall(text))


def near(text: str, start: int, end: int, words: frozenset[str], most_after: int = AFTER) -> bool:
    if words.isdisjoint(_vocabulary(text)):  # so a text full of numbers and without words costs little
        return False
    if _word_beside(text, start) in words:
        return True
    return not (words.isdisjoint(before(text, start)) and words.isdisjoint(after(text, end, most_after)))


def follows(text: str, start: int, words: frozenset[str], most: int = 3) -> bool:
    """Whether one of `words` is among the last `most` before a place."""
    if words.isdisjoint(_vocabulary(text)):
        return False
    return _word_beside(text, start) in words or not words.isdisjoint(before(text, start, most))


def _word_beside(text: str, start: int) -> str:
    """The word between the last space but the one that a number follows and the number, if a word is what is there: so
    most numbers that a word tells about need no look at the words further off. Empty if there is no such space."""
    space = text.rfind(" ", start - REACH if start > REACH else 0, start - 1) if start else -1
    return text[space + 1 : start].strip(" :").lower() if space >= 0 else ""


def among(text: str, words: frozenset[str]) -> bool:
    """Whether one of `words` stands anywhere in a text; near() and follows() are false without."""
    return not words.isdisjoint(_vocabulary(text))


def in_address(text: str, start: int) -> bool:
    """Whether a state of Brazil stands just before."""
    return any(word in STATES for word in _WORD.findall(text[max(start - 12, 0) : start])[-1:])
