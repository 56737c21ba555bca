"""The URL rules, one row each: take a rule away and its row fails."""

import pickle
import random
import time
from dataclasses import fields
from pathlib import Path

import pytest

from schemas.document import Page
from schemas.verdict import Drop
from transforms.steps.urls.blocklist import BlocklistError
from transforms.steps.urls.build import build_blocklist
from transforms.steps.urls.drop_blocked import CATEGORIES, DropBlockedUrls

LISTS = {
    "adult/domains": "listed.example\nxxx\n192.0.2.1\nxn--bcher-kva.example\nspät.example\nboth.example\n",
    "adult/urls": "blog.example/a/b\nhttp://www.shop.example/x/?id=7\n",
    "gambling/domains": "both.example\n",
    "press/domains": "newspaper.example\n",
    "press/urls": "daily.example/front\n",
}
WORDS = {
    "banned_words.txt": "hardword\n",
    "soft_banned_words.txt": "softone\nsofttwo\nsoftthree\n",
    "banned_subwords.txt": "sub part\nhardsub\n",
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("urls")
    for name, text in LISTS.items():
        (root / "lists" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "lists" / name).write_text(text, "utf-8")
    (root / "words").mkdir()
    for name, text in WORDS.items():
        (root / "words" / name).write_text(text)
    build_blocklist(root / "lists", root / "out", "test", root / "words", listed="2024-05-06")
    return root / "out"


@pytest.mark.parametrize(
    "url, reason, what",
    [
        # The host or any parent.
        ("http://listed.example/", "domain", "adult: listed.example"),
        ("https://user:pw@WWW.Deep.LISTED.example.:8443/a?b#c", "domain", "adult: listed.example"),
        ("http://anything.xxx/", "domain", "adult: xxx"),
        ("http://192.0.2.1/a", "domain", "adult: 192.0.2.1"),
        ("http://bücher.example/", "domain", "adult: xn--bcher-kva.example"),
        ("http://xn--spt-rla.example/", "domain", "adult: xn--spt-rla.example"),
        ("http://both.example/", "domain", "adult+gambling: both.example"),
        ("http://notlisted.example/", None, ""),
        ("http://listed.example.org/", None, ""),
        ("http://example/", None, ""),
        ("http://9.192.0.2.1/", None, ""),
        # A category that isn't chosen.
        ("http://newspaper.example/", None, ""),
        ("http://daily.example/front", None, ""),
        # The exact URL.
        ("https://blog.example/a/b", "url", "adult: blog.example/a/b"),
        ("http://www.blog.example/a/b/", "url", "adult: blog.example/a/b"),
        ("http://blog.example/a/b?utm_source=x#top", "url", "adult: blog.example/a/b"),
        ("http://shop.example/x?id=7", "url", "adult: shop.example/x?id=7"),
        ("http://shop.example/x?id=8", None, ""),
        ("http://blog.example/A/b", None, ""),
        ("http://blog.example/a/b/c", None, ""),
        ("http://blog.example/a", None, ""),
        # A hard word, as a whole token, in any case.
        ("http://good.example/a-hardword_b", "hard_word", "hardword"),
        ("http://HardWord.good.example/", "hard_word", "hardword"),
        ("http://good.example/?q=hardword", "hard_word", "hardword"),
        ("http://good.example/hardwords", None, ""),
        # Two distinct soft words.
        ("http://good.example/softone/SOFTTWO", "soft_words", "softone+softtwo"),
        ("http://softone.example/softtwo/softthree", "soft_words", "softone+softthree+softtwo"),
        ("http://good.example/softone/softone", None, ""),
        ("http://good.example/softone", None, ""),
        # A banned substring, through whatever separates its letters.
        ("http://good.example/xSUB-p/artx", "substring", "subpart"),
        ("http://good.example/subpar", None, ""),
        # The first hit wins.
        ("http://listed.example/hardword", "domain", "adult: listed.example"),
        ("http://blog.example/a/b?hardword", "url", "adult: blog.example/a/b"),
        ("http://good.example/softone-softtwo-hardword", "hard_word", "hardword"),
        ("http://good.example/softone-softtwo-subpart", "soft_words", "softone+softtwo"),
        # A Kelvin sign is no letter k, before the list nor after.
        ("http://good.example/hardword\u212a", "hard_word", "hardword"),
        ("http://good.example/", None, ""),
        ("", None, ""),
    ],
)
def test_first_rule_that_hits(compiled: Path, url: str, reason: str | None, what: str) -> None:
    verdict = DropBlockedUrls(str(compiled)).check_url(url)
    if reason is None:
        assert verdict is None
        return
    assert verdict is not None
    assert (verdict.stage, verdict.reason, verdict.detail) == ("url", reason, f"{what} (test, 2024-05-06)")


def test_soft_words_are_measured(compiled: Path) -> None:
    url = "http://good.example/softone/softtwo/softthree"
    verdict = DropBlockedUrls(str(compiled)).check_url(url)
    assert verdict is not None and (verdict.value, verdict.threshold) == (3.0, 2.0)
    assert DropBlockedUrls(str(compiled), soft_words=4).check_url(url) is None
    with pytest.raises(ValueError, match="zero would drop every page"):
        DropBlockedUrls(str(compiled), soft_words=0)


def test_categories_decide(compiled: Path) -> None:
    press = DropBlockedUrls(str(compiled), categories=("press",))
    assert press.check_url("http://listed.example/") is None
    assert press.check_url("http://newspaper.example/") is not None
    assert press.check_url("http://daily.example/front") is not None
    gambling = DropBlockedUrls(str(compiled), categories=("gambling",)).check_url("http://both.example/")
    assert gambling is not None and gambling.detail == "gambling: both.example (test, 2024-05-06)"


def test_a_page_goes_on_as_it_is_or_is_dropped(compiled: Path) -> None:
    step = DropBlockedUrls(str(compiled))
    step.setup()
    kept = Page("http://good.example/", "", "", "", 0, 0, "<p>")
    assert step(kept) is kept
    assert isinstance(step(Page("http://listed.example/", "", "", "", 0, 0, "<p>")), Drop)


def test_setup_refuses_a_list_that_could_never_hit(compiled: Path, tmp_path: Path) -> None:
    (tmp_path / "lists" / "press").mkdir(parents=True)
    (tmp_path / "lists" / "press" / "domains").write_text("newspaper.example\n")
    build_blocklist(tmp_path / "lists", tmp_path / "out", "press")
    with pytest.raises(BlocklistError, match="it has press"):
        DropBlockedUrls(str(tmp_path / "out")).setup()
    DropBlockedUrls(str(tmp_path / "out"), categories=("press",)).setup()
    DropBlockedUrls(str(compiled), categories=("nothing",)).setup()  # its words can hit


def test_setup_refuses_a_list_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(BlocklistError, match="no compiled block list"):
        DropBlockedUrls(str(tmp_path / "absent")).setup()


def test_defaults_and_their_sources() -> None:
    step = DropBlockedUrls()
    assert (step.blocklist, step.categories, step.soft_words) == ("ut1", CATEGORIES, 2)
    assert len(CATEGORIES) == 10
    assert all(set(each.metadata) == {"source", "about"} for each in fields(step))
    assert pickle.loads(pickle.dumps(step)) == step  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1",
        "http://[fe80::1%25eth0]:x/",
        "http://1.2.3.4:99999999/",
        "http://\ud800.example/\udfff",
        "http://a..b/",
        "http://" + "ü" * 60 + "." + "ü" * 60 + "/",
        "http://\u2100.example/",
        "http:///",
        "://",
        "\0",
        "http://%/%zz%ff",
        "javascript:void(0)",
        "data:text/html,x",
        "http://" + "a." * 10_000 + "com/",
        "http://" + "ü" * 20_000,
        "http://good.example/" + "x/" * 10_000,
        "http://good.example/" + "%" * 20_000,
        "?" * 20_000,
        "@" * 20_000,
        "[" * 20_000,
    ],
    ids=ascii,
)
def test_odd_urls_never_raise_and_stay_quick(compiled: Path, url: str) -> None:
    step = DropBlockedUrls(str(compiled))
    step.setup()
    start = time.process_time()
    assert step.check_url(url) is None
    assert time.process_time() - start < 0.1


def test_random_text_never_raises(compiled: Path) -> None:
    step = DropBlockedUrls(str(compiled))
    dice = random.Random(7)
    alphabet = "htp:/@[]?#%.\\ \t\n\0aZ09-_~é例\u3002\u212a\ud800\U0001f600"
    for _ in range(5000):
        step.check_url("".join(dice.choices(alphabet, k=dice.randrange(40))))


def test_only_the_first_8192_chars_are_looked_at(compiled: Path) -> None:
    step = DropBlockedUrls(str(compiled))
    assert step.check_url("http://good.example/" + "x/" * 1000 + "hardword") is not None
    assert step.check_url("http://good.example/" + "x/" * 5000 + "hardword") is None
