"""E-mail addresses amid text of any script, and such as are spelled out."""

from __future__ import annotations

import pytest

from transforms.steps.pii.scrub import ScrubPii

STEP = ScrubPii(types=("EMAIL_ADDRESS",))
SPELLED = ScrubPii(types=("EMAIL_ADDRESS",), spelled_emails=True)


def values(step: ScrubPii, text: str) -> list[str]:
    return [text[span.start : span.end] for span in step.find(text)]


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("ご質問はbob@example.jpまでどうぞ。係：ann@example.co.jp（平日）", ["bob@example.jp", "ann@example.co.jp"]),
        ("メールアドレスはbob.k-1@mail.example.jpです", ["bob.k-1@mail.example.jp"]),
        ("请写信给li_si@example.com.cn，谢谢", ["li_si@example.com.cn"]),
        ("請寄至bob@example.tw或致電", ["bob@example.tw"]),
        ("문의는info@example.kr로 보내 주세요", ["info@example.kr"]),
        ("ติดต่อinfo@example.co.thได้", ["info@example.co.th"]),
        ("宛先info@日本語.jpへ", ["info@日本語.jp"]),
        ("bob@例子.中国、", ["bob@例子.中国"]),
        ("邮箱 用户@例子.中国。", ["用户@例子.中国"]),
        ("邮件：bob＠example.cn。", ["bob＠example.cn"]),
        ("An jürgen.müller@exämple.de schreiben", ["jürgen.müller@exämple.de"]),
        ("Почта: иван@почта.рф.", ["иван@почта.рф"]),
        ("στο νίκος@παράδειγμα.ελ ή", ["νίκος@παράδειγμα.ελ"]),
        ("お問い合わせは@example.jpまで", []),  # nobody's name before the sign
        ("价格@三元每斤", []),
        ("图标@2x.png已更新", []),
        ("関数f(a@b)を呼ぶ", []),
    ],
)
def test_only_the_address_goes(text: str, addresses: list[str]) -> None:
    expected = text
    for address in addresses:
        expected = expected.replace(address, "<EMAIL_ADDRESS>", 1)
    for step in (STEP, SPELLED):
        assert values(step, text) == addresses
        once = step(text, "id").text
        assert once == expected and step(once, "id").text == once


SPELLED_ROWS = [
    ("Write to ana (at) bluehill.com!", "ana (at) bluehill.com"),
    ("ana [at] bluehill [dot] com", "ana [at] bluehill [dot] com"),
    ("ANA [AT] BLUEHILL [DOT] COM", "ANA [AT] BLUEHILL [DOT] COM"),
    ("ana.silva[at]bluehill.co.uk,", "ana.silva[at]bluehill.co.uk"),
    ("ana {at} bluehill {dot} org", "ana {at} bluehill {dot} org"),
    ("ana(@)bluehill.com", "ana(@)bluehill.com"),
    ("fulano arroba uol.com.br", "fulano arroba uol.com.br"),
    ("fulano arroba uol ponto com ponto br", "fulano arroba uol ponto com ponto br"),
    ("fulano(arroba)uol.com.br ponto final", "fulano(arroba)uol.com.br"),
    ("e-mail: john dot smith at bluehill dot com", "john dot smith at bluehill dot com"),
    ("contact ana@bluehill [dot] com", "ana@bluehill [dot] com"),
    ("Mail: ana (ät) bluehill.de", "ana (ät) bluehill.de"),
    ("ana [at] bluehill [punkt] de", "ana [at] bluehill [punkt] de"),
]


@pytest.mark.parametrize(("text", "value"), SPELLED_ROWS)
def test_spelled_out_where_asked(text: str, value: str) -> None:
    assert values(SPELLED, text) == [value]
    assert values(STEP, text) == []  # FineWeb looks for none
    once = SPELLED(text, "id").text
    assert once == text.replace(value, "<EMAIL_ADDRESS>") and SPELLED(once, "id").spans == ()


@pytest.mark.parametrize(
    "text",
    [
        *("We met (at) the park.", "Lunch (at) noon.today we ate", "price [at] 3.99", "f [at] localhost"),
        *("ana [at] bluehill.kom", "matrix[at].dot(com)", "the (at) sign", "foo[at]bar", "x (at) y [dot] zzz"),
        *("amazon dot com", "we are at bluehill dot com", "Look at bluehill dot com", "john at bluehill dot com"),
        *("our email is at the dot com", "write to us at bluehill dot com", "the dot com bubble of 2000"),
        *("R$ 300 por arroba em uol.com.br", "o preço da arroba g1.com.br", "15 arrobas de soja.com"),
        *("a arroba boi.com.br subiu", "fulano arroba uol ponto final", "arroba uol.com.br"),
    ],
)
def test_no_address_is_spelled_here(text: str) -> None:
    assert values(SPELLED, text) == []
