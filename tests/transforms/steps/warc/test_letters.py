"""Undeclared pages in encodings that differ in a few letters are told apart by the letters."""

from __future__ import annotations

import pytest

from transforms.steps.warc.charset import decode_html
from transforms.steps.warc.letters import settled

TEXTS = {
    "pl": "Stary wiatrak stał na górze, a młynarz każdego ranka słuchał, czy wieje. Dziś źródło bije cicho pod śluzą.",
    "cs": "Starý větrák stál na kopci a mlynář každé ráno poslouchal, zda fouká. Šel pěšky přes most, těšil se domů.",
    "sk": "Starý mlyn stál na kopci a mlynár každé ráno počúval, či fúka. Ľudia chodili šťastne okolo, ťahali vozy.",
    "hu": "A régi malom a dombon állt, és a molnár minden reggel hallgatta, fúj-e a szél. Hűvös idő, öreg kő, tűz.",
    "hr": "Stari mlin stajao je na brdu, a mlinar je svako jutro slušao puše li. Kći je čuvala ovce, žena šivala.",
    "ro": "Moara veche stătea pe deal, iar morarul asculta în fiecare dimineaţă dacă bate vântul şi îşi vedea.",
    "fr": "Le vieux moulin était sur la colline ; sa sœur écoutait le vent de tout son cœur. L'entrée coûte 5 €.",
    "tr": "Eski değirmen tepede dururdu; değirmenci her sabah rüzgârı dinlerdi. İşte kızı şimdi çağırıyor.",
    "is": "Gamla myllan stóð á hæðinni og malarinn hlustaði á hverjum morgni hvort það blési. Þar var gott að búa.",
    "de": "Die alte Mühle stand auf dem Hügel, und der Müller hörte jeden Morgen, ob der Wind blies. Große Räder.",
    "ru": "Старая мельница стояла на холме, и мельник каждое утро слушал, дует ли ветер. Его дочь вела счета.",
    "el": "Ο παλιός μύλος στεκόταν στον λόφο και ο μυλωνάς άκουγε κάθε πρωί αν φυσά. Άλλοι έφευγαν, Άννα έμενε.",
    "lv": "Vecās dzirnavas stāvēja kalnā, un dzirnavnieks katru rītu klausījās, vai pūš. Šķūnī gulēja kaķēns, žēl.",
}


@pytest.mark.parametrize(
    ("language", "codec"),
    [
        *((language, codec) for language in ("pl", "cs", "sk", "hu", "hr", "ro") for codec in ("iso8859-2", "cp1250")),
        *(("fr", codec) for codec in ("iso8859-15", "cp1252")),
        *(("tr", codec) for codec in ("iso8859-9", "cp1254")),
        *((language, "cp1252") for language in ("is", "de")),
        *(("ru", codec) for codec in ("cp1251", "koi8-r", "iso8859-5", "mac-cyrillic")),
        *(("el", codec) for codec in ("cp1253", "iso8859-7")),
        *(("lv", codec) for codec in ("cp1257", "iso8859-13")),
    ],
)
def test_an_undeclared_page_reads_as_it_was_written(language: str, codec: str) -> None:
    html = f"<html><body><p>{TEXTS[language]}</p></body></html>"
    decoded = decode_html(html.encode(codec), None)
    assert decoded is not None and decoded[0] == html


@pytest.mark.parametrize(
    ("body", "guess", "codec"),
    [
        (b"caf\xe9", "cp1252", "cp1252"),  # all readings fit: the guess stands
        (b"caf\xe9", "cp1250", "cp1250"),
        (b"m\xb1ka", "cp1250", "iso8859-2"),  # a sign within a word
        (b"\xbc\xf3d\xb3o", "cp1250", "iso8859-2"),
        (b"z\xb3oty \x84tak\x94", "iso8859-2", "cp1250"),  # quotation marks where the other has controls
        (b"\xb3", "cp949", "cp949"),  # of no family
    ],
)
def test_the_guess_stands_unless_another_reading_is_more_plausible(body: bytes, guess: str, codec: str) -> None:
    assert settled(body, guess) == codec
