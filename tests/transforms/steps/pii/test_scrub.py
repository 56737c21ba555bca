"""Personal data with a form: what is found, what only looks like it, and what comes in its place."""

from __future__ import annotations

import pickle
import random
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from transforms.steps.pii import spans as pii
from transforms.steps.pii.entities import ALL_TYPES, EXAMPLES, TYPES, Span
from transforms.steps.pii.recognisers import Recognisers
from transforms.steps.pii.scrub import Scrubbed, ScrubPii

STEP = ScrubPii()
STYLES = (STEP, ScrubPii(style="example"))


def shown(text: str, language: str = "en", step: ScrubPii = STEP) -> list[tuple[str, str]]:
    return [(span.type, text[span.start : span.end]) for span in step.find(text, language)]


EMAILS = [
    ("write to marjorie.quill@example.com, or call", "marjorie.quill@example.com"),
    ("mailto:bob.smith+tag@mail.site.co.uk.", "bob.smith+tag@mail.site.co.uk"),
    ("'bob@site.org'", "bob@site.org"),
    ("<BOB@SITE.ORG>", "BOB@SITE.ORG"),
    ("Escreva para joão@casa-verde.com.br!", "joão@casa-verde.com.br"),
    ("bob@münchen.de", "bob@münchen.de"),
    ("bob@xn--mnchen-3ya.de", "bob@xn--mnchen-3ya.de"),
    ("Contact:o'hara_77@site.travel;", "o'hara_77@site.travel"),
    ("(a@b.io)", "a@b.io"),
]
ADDRESSES = [
    ("ping 8.8.8.8", "8.8.8.8"),
    ("http://8.8.8.8/x", "8.8.8.8"),
    ("8.8.8.8:53 is open", "8.8.8.8"),
    ("blocked 151.101.1.140 today", "151.101.1.140"),
    ("O servidor 200.147.3.157, de novo", "200.147.3.157"),
    ("server at 2001:4860:4860::8888.", "2001:4860:4860::8888"),
    ("[2a00:1450:4001:81b::200e]:443", "2a00:1450:4001:81b::200e"),
    ("Reply from 2600:1f18:708b:9450::e445: bytes=32", "2600:1f18:708b:9450::e445"),
    ("tcp 2606:4700:b037:3dda:5382:6156:5638:bcc5:443", "2606:4700:b037:3dda:5382:6156:5638:bcc5"),
    ("2804:14c:5b4:8f7a:1:2:3:4/64", "2804:14c:5b4:8f7a:1:2:3:4"),
]
CARDS = [
    ("card 4111 1111 1111 1111", "4111 1111 1111 1111"),
    ("cartão 4111-1111-1111-1111.", "4111-1111-1111-1111"),
    ("they typed 4111111111111111 and left", "4111111111111111"),
    ("amex 378282246310005", "378282246310005"),
    ("amex 3782 822463 10005", "3782 822463 10005"),
    ("mastercard 2223003122003222", "2223003122003222"),
    ("debit card (6011111111111117)", "6011111111111117"),
]
IBANS = [
    ("account GB82 WEST 1234 5698 7654 32, with", "GB82 WEST 1234 5698 7654 32"),
    ("IBAN DE89370400440532013000", "DE89370400440532013000"),
    ("to DE89 3704 0044 0532 0130 00 within 30 days", "DE89 3704 0044 0532 0130 00"),
    ("to ES91 2100 0418 4502 0005 1332 within 30 days", "ES91 2100 0418 4502 0005 1332"),
    ("iban de89370400440532013000", "de89370400440532013000"),
    ("IBAN PT50 0002 0123 1234 5678 9015 4", "PT50 0002 0123 1234 5678 9015 4"),
]
SSNS = [
    ("SSN 219-09-9999", "219-09-9999"),
    ("219-09-9999, Jane", "219-09-9999"),
    ("social security 219 09 9999", "219 09 9999"),
    ("her SSN: 219099999.", "219099999"),
]
POSITIVES = [
    (kind, text, value)
    for kind, rows in (
        ("EMAIL_ADDRESS", EMAILS),
        ("IP_ADDRESS", ADDRESSES),
        ("CREDIT_CARD", CARDS),
        ("IBAN_CODE", IBANS),
        ("US_SSN", SSNS),
    )
    for text, value in rows
]


@pytest.mark.parametrize(("kind", "text", "value"), POSITIVES)
def test_found(kind: str, text: str, value: str) -> None:
    assert shown(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        *("icon@2x.png", "hero@3x.webp", "@bob_77", "f(a@b)", "npm install @types/node@18.11.9", "bob@localhost"),
        *("git clone git@github.com:org/site.git", "a@b.c", "bob@-site.org", "bob@site..org"),
        *("192.168.0.1 host", "10.1.2.3 host", "172.16.5.4 server", "127.0.0.1:80", "169.254.1.7 ip"),
        *("192.0.2.44 ip", "198.51.100.7 ip", "203.0.113.9 ip", "255.255.255.0 ip", "224.0.0.251 ip", "0.0.0.0:80"),
        *("host 256.1.1.1", "host 8.8.8.8.8", "v8.8.8.8", "3.8.8.8 is out", "host 08.8.8.8x"),
        *(
            "version 151.101.1.140",
            "section 8.3.4.12 says",
            "upgraded to 151.101.1.140",
            "build 10.0.19041.1",
            "Chrome/18.6.8.190 Safari",
        ),
        *("::1", "fe80::1:2", "2001:db8::8888 host", "fd00::1 host", "std::vector a::b", "12:30:45", "a:b:c:d"),
        *("00:1B:44:11:3A:B7", "Romans 12:1-2; John 3:16-18", "2001:4860:4860::8888::1"),
        *("card 4111 1111 1111 1112", "card 0000 0000 0000 0000", "card 41 11 11 11 11 11 11 11"),
        *(
            "order 4111 1111 1111 1111",
            "card 1234567812345670",
            "card 9999 9999 9999 9995",
            "x4111111111111111",
            "4111111111111111.5",
        ),
        *("IBAN GB82 WEST 1234 5698 7654 33", "IBAN ZZ82WEST12345698765432", "IBAN GB82 WEST 1234"),
        *("SSN 000-12-3456", "SSN 666-12-3456", "SSN 219-00-9999", "SSN 219-09-0000", "SSN 987-65-4321"),
        *("219 09 9999", "219099999", "Ref 219-09-9999", "order 219-09-9999", "219-09-9999-1"),
        *("on 12-05-2020 at 10:30:45", "ISBN 978-3-16-148410-0", "-23.5505, -46.6333", "$1,234,567.89"),
        *("score 21-18, 21-15 25-23", "1990-2020", "commit 123e4567-e89b-12d3-a456-426614174000"),
    ],
)
def test_not_found(text: str) -> None:
    assert shown(text) == [] and shown(text, "pt") == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [(kind, value) for kind, _, value in POSITIVES if kind in ("CREDIT_CARD", "US_SSN", "IBAN_CODE")],
)
def test_a_longer_number_holds_none(kind: str, value: str) -> None:
    assert (kind, value) not in shown(f"card SSN IBAN A{value}") + shown(f"card SSN IBAN {value}7")


def test_several_in_one_text() -> None:
    text = "bob@site.org (card 4111111111111111), 8.8.8.8:53; SSN 219-09-9999"
    assert shown(text) == [
        ("EMAIL_ADDRESS", "bob@site.org"),
        ("CREDIT_CARD", "4111111111111111"),
        ("IP_ADDRESS", "8.8.8.8"),
        ("US_SSN", "219-09-9999"),
    ]


def test_spans_lie_apart_in_order_and_hold_no_value() -> None:
    dice = random.Random(1)
    for _ in range(200):
        text = dice.choice(["\n", " ", ", ", ""]).join(text for _, text, _ in dice.choices(POSITIVES, k=5))
        spans = STEP(text, "id").spans
        assert all(0 <= span.start < span.end <= len(text) and 0 < span.score <= 1 for span in spans)
        assert all(first.end <= second.start for first, second in pairwise(spans))
        assert all(set(span._fields) == {"start", "end", "type", "score"} for span in spans)


@pytest.mark.parametrize("step", STYLES, ids=lambda step: step.style)
@pytest.mark.parametrize(("kind", "text", "value"), POSITIVES)
def test_replaced(step: ScrubPii, kind: str, text: str, value: str) -> None:
    new = step.replacement(kind, value)
    assert step(text, "id").text == text.replace(value, new)
    assert new == step(f"{text}", "other").text[text.index(value) :][: len(new)]


@pytest.mark.parametrize("step", STYLES, ids=lambda step: step.style)
def test_scrubbing_twice_changes_nothing(step: ScrubPii) -> None:
    dice = random.Random(2)
    texts = [text for _, text, _ in POSITIVES]
    for count in [1] * len(texts) + [2, 3, 5, 8] * 100:
        picked = [texts.pop()] if count == 1 else [text for _, text, _ in dice.choices(POSITIVES, k=count)]
        once = step(dice.choice(["\n", " ", ", ", "; ", ""]).join(picked), "id", dice.choice(["en", "pt", None]))
        assert step(once.text, "id").text == once.text


@pytest.mark.parametrize("step", STYLES, ids=lambda step: step.style)
@pytest.mark.parametrize(
    ("text", "kinds"),
    [  # a replacement is shorter than its value or hides words, so the word that tells comes nearer
        ("SSN a b@order.org c d x.y@z.org e f 219 09 9999", ["EMAIL_ADDRESS", "EMAIL_ADDRESS", "US_SSN"]),
        ("order.id@site.net 219-09-9999", ["EMAIL_ADDRESS", "US_SSN"]),
    ],
)
def test_words_of_an_address_tell_nothing(step: ScrubPii, text: str, kinds: list[str]) -> None:
    once = step(text, "id")
    assert [span.type for span in once.spans] == kinds
    assert step(once.text, "id").spans == ()


def test_further_finds_are_moved_to_their_places() -> None:
    spans = [Span(5, 15, "A", 1.0), Span(20, 30, "B", 1.0)]
    ranges = [(5, 8), (13, 33)]  # 10 characters became 3, and 10 became 20
    assert pii.joined(spans, ranges, [Span(0, 4, "C", 1.0), Span(9, 12, "D", 1.0), Span(34, 36, "E", 1.0)]) == [
        *(Span(0, 4, "C", 1.0), spans[0], Span(16, 19, "D", 1.0), spans[1], Span(31, 33, "E", 1.0)),
    ]
    assert pii.joined(spans, ranges, [Span(6, 12, "D", 1.0)]) == [Span(5, 19, "D", 1.0), spans[1]]
    assert pii.joined(spans, ranges, [Span(4, 6, "D", 1.0), Span(7, 10, "E", 0.5)]) == [
        Span(4, 15, "D", 1.0),
        spans[1],
    ]
    assert pii.joined(spans, ranges, [Span(4, 14, "D", 1.0)]) == [Span(4, 30, "D", 1.0)]


def test_examples_are_never_found() -> None:
    for kind, value in EXAMPLES.items():
        for word in (
            "",
            "phone ",
            "card ",
            "IBAN ",
            "SSN ",
            "CPF ",
            "CNPJ ",
            "CEP ",
            "pix ",
            "ip ",
            "RG ",
            "CNH ",
            "NIF ",
            "PIS ",
        ):
            assert shown(word + value) == shown(word + value, "pt", EVERYTHING) == [], kind


@pytest.mark.parametrize(("value", "example"), [("8.8.8.8", "192.0.2.1"), ("2001:4860:4860::8888", "2001:db8::1")])
def test_an_address_is_replaced_by_one_of_its_version(value: str, example: str) -> None:
    assert STYLES[1](f"ping {value} now", "id").text == f"ping {example} now"


@pytest.mark.parametrize("kind", TYPES[:2])
def test_only_types_asked_for(kind: str) -> None:
    text = "bob@site.org or 8.8.8.8:53, card 4111111111111111, SSN 219-09-9999"
    assert [kind for kind, _ in shown(text, step=ScrubPii(types=(kind,)))] == [kind]


def test_without_types_nothing_is_found() -> None:
    assert shown("bob@site.org", step=ScrubPii(types=())) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"types": ("EMAIL_ADDRESS", "SHOE_SIZE")}, "SHOE_SIZE"),
        ({"types": ("email_address",)}, "known: EMAIL_ADDRESS"),
        ({"style": "mask"}, "known: placeholder, example"),
    ],
)
def test_unknown_settings(settings: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ScrubPii(**settings)


def test_absent_model_names_the_command() -> None:
    with pytest.raises(ValueError, match="python -m spacy download no_such_model"):
        ScrubPii(names_model="no_such_model").setup()


def test_plain_text_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: object) -> None:
        raise AssertionError("looked at")

    monkeypatch.setattr(Recognisers, "find", find)
    for text in (
        "",
        "No numbers here.\nNor there - at all / ever.",
        "In 1999, 12 of 345 came.",
        "pp. 12 - 345 of it",
        "chave pix",
    ):
        assert STEP.find(text) == ()
    for text in ("bob@site.org", "call 2125550143", "2001:4860::1", "12.ABC.345/01DE-35"):
        with pytest.raises(AssertionError, match="looked at"):
            STEP.find(text)


def test_pickled() -> None:
    STEP.setup()
    copy = pickle.loads(pickle.dumps(STEP))  # noqa: S301 - our own bytes
    assert copy == STEP and shown("bob@site.org", step=copy) == [("EMAIL_ADDRESS", "bob@site.org")]
    assert "_recognisers" not in STEP.__getstate__()


EVERYTHING = ScrubPii(types=ALL_TYPES, spelled_emails=True)
SIZE, LIMIT_S = 250_000, 3.0  # quadratic time would be many seconds; linear is a quarter, or one where all is data
HOSTILE = [
    *("1", "1 ", "1.1.", "1,", "1-", "1–", "1/", "1:1:", "1(", "1)", "(", "(1", "(11) ", "+1", "+", "00 ", "11 "),
    *("123456789 ", "12345678901", "12 34 56 ", "1234567 " + " " * 80, "12.345.678/", "123.456.789-", "4111 1111 "),
    *("@", "a@", "@a", "a@a.", "@a.", "a.", "a-", "'", "{", "aaaa@", "x@y.z.", ":", "::1 ", "a:b:", "aaaa:"),
    *("A0", "A0 ", "GB00", "GB00 ", "/AAAA-11", "cnpj AAAAAAAAAAAA11 ", "415-555-0117x ", "word 1234567 "),
    *("pix 123e4567-e89b-12d3-a456-426614174000 ", "pix 123e4567-e89b-12d3-a456-", "pix 00000000-"),
    *(
        "0xx19 ",
        "(0xx19) 3242-1234 ",
        "1-800-F",
        "800-",
        "1-800-FLOWERS ",
        "3242-1234/",
        "1/",
        "0 1/",
        "(+1) ",
        "３",
        " - ",
    ),
    *(
        "は@",
        "はinfo@example.jpま",
        "は",
        "は.@",
        "a (at) ",
        "a dot ",
        "ana arroba ",
        "ana [at] x [dot] ",
        "x at y dot ",
    ),
    *(
        "120.56874.10-7 ",
        "PT 501 964 843 ",
        "1023 8501 0671 ",
        "13083-970 Campinas ",
        "529 982 247 25 ",
        "C.E.P.",
        "A.",
    ),
    *("bob@site.org ", "bob@site.org,", "+1 212 555 0143 ", "call 2125550143 ", "4111 1111 1111 1111 "),
    *("8.8.8.8 ", "2001:4860:4860::8888 ", "219-09-9999 ", "529.982.247-25\n", "IBAN DE89370400440532013000 "),
]


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    check_time((piece * (SIZE // len(piece) + 1))[:SIZE])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "piece", "after"),
    [
        *(("", "a.", "@"), ("", "a", "@a.org"), ("a@", "-", ""), ("a@", "a", ""), ("a@", "a.", ""), ("1", " ", "1")),
        ("pix ", "123e4567-e89b-12d3-a456-426614174000 ", ""),  # each round brings more of them near the word
    ],
)
def test_hostile_text_with_an_end(before: str, piece: str, after: str) -> None:
    check_time(before + piece * (SIZE // len(piece)) + after)


def check_time(text: str) -> None:
    EVERYTHING.setup()
    start = time.process_time()
    EVERYTHING(text, "id", "pt")
    assert time.process_time() - start < LIMIT_S


def test_names_are_found_by_the_model_that_is_asked_for(tmp_path: Path) -> None:
    """A model of two rules stands for one that has learnt."""
    import spacy

    model = spacy.blank("en")
    ruler: Any = model.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "Ada Lovelace"}, {"label": "GPE", "pattern": "London"}])
    model.to_disk(tmp_path / "model")
    step = ScrubPii(names_model=str(tmp_path / "model"))
    done = step("Write to Ada Lovelace, ada@example.org, in London.", "id")
    assert done.text == "Write to <PERSON>, <EMAIL_ADDRESS>, in London."
    assert [span.type for span in done.spans] == ["PERSON", "EMAIL_ADDRESS"]
    assert step(done.text, "id") == Scrubbed(done.text, ())
