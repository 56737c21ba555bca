"""The killable child: its text, its limits, and that nothing depends on what came before."""

from dataclasses import replace

import pytest

from schemas.document import Page
from schemas.verdict import Drop
from transforms.steps.extract.extract_text import (
    MAX_DEATHS_IN_A_ROW,
    Extractor,
    ExtractorDied,
    ExtractText,
)
from transforms.steps.extract.language_gate import LanguageGate

PARAGRAPH = "The pan turns slowly, and the light sand leaves it with the water while the heavy grains stay behind. "
ARTICLE = f"<html><body><nav>Home | About</nav><article><h1>Gold</h1><p>{PARAGRAPH * 3}</p></article></body></html>"
SETTINGS = ExtractText(cpu_limit_s=1.0)
# Attributes are compared pair by pair in the parser, in C code: quadratic, and no Python signal handler would run.
SLOW = "<p " + " ".join(f"a{i}=1" for i in range(150_000)) + ">hi</p>"


def page(html: str) -> Page:
    return Page("https://a.example/", "", "", "a.warc", 0, len(html), html)


@pytest.mark.parametrize("extractor", ["trafilatura", "resiliparse", "blocks"])
def test_main_text_comes_out_without_the_menu(extractor) -> None:
    with Extractor(replace(SETTINGS, extractor=extractor)) as child:
        text = child.extract(page(ARTICLE))
    assert isinstance(text, str)
    assert PARAGRAPH.strip() in text
    assert "About" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("html", "settings", "reason", "value", "threshold"),
    [
        ("", SETTINGS, "no_main_text", None, None),
        ("x" * 101, replace(SETTINGS, max_html_chars=100), "html_too_long", 101, 100),
        ("<p>" * 11, replace(SETTINGS, max_tags=10), "too_many_tags", 11, 10),
        (SLOW, SETTINGS, "cpu_limit", 1.0, 1.0),
    ],
)
def test_limits_name_themselves(html, settings, reason, value, threshold) -> None:
    with Extractor(settings) as child:
        verdict = child.extract(page(html))
        assert isinstance(verdict, Drop)
        assert (verdict.stage, verdict.reason, verdict.value, verdict.threshold) == (
            "extract",
            reason,
            value,
            threshold,
        )
        if settings is SETTINGS:
            assert isinstance(child.extract(page(ARTICLE)), str), "the next page gets a new child"


def test_pages_at_the_limits_pass() -> None:
    with Extractor(replace(SETTINGS, max_html_chars=len(ARTICLE), max_tags=ARTICLE.count("<"))) as child:
        assert isinstance(child.extract(page(ARTICLE)), str)


@pytest.mark.slow
def test_memory_limit_ends_a_page_that_needs_more() -> None:
    with Extractor(replace(SETTINGS, memory_limit_mb=24, cpu_limit_s=10)) as child:
        verdict = child.extract(page(ARTICLE.replace("</article>", f"<p>{PARAGRAPH}</p>" * 20_000 + "</article>")))
        assert isinstance(verdict, Drop)
        assert verdict.reason == "out_of_memory"
        assert isinstance(child.extract(page(ARTICLE)), str)


def test_text_does_not_depend_on_earlier_pages() -> None:
    """trafilatura's segment cache, shared by pages, would remove a paragraph that earlier pages had three times."""
    with Extractor(SETTINGS) as child:
        texts = [child.extract(page(ARTICLE)) for _ in range(6)]
    assert len(set(texts)) == 1
    with Extractor(SETTINGS) as fresh:
        assert fresh.extract(page(ARTICLE)) == texts[0]


def test_a_recycled_child_gives_the_same_text() -> None:
    with Extractor(replace(SETTINGS, pages_per_child=1)) as child:
        assert child.extract(page(ARTICLE)) == child.extract(page(ARTICLE))


@pytest.mark.slow
def test_dying_on_every_page_is_a_broken_installation(monkeypatch) -> None:
    with Extractor(SETTINGS) as child:
        monkeypatch.setattr(child, "_ask", lambda html: None)
        for _ in range(MAX_DEATHS_IN_A_ROW - 1):
            assert isinstance(child.extract(page(ARTICLE)), Drop)
        with pytest.raises(ExtractorDied, match="in a row"):
            child.extract(page(ARTICLE))


def test_a_child_that_cannot_start_says_why() -> None:
    with Extractor(replace(SETTINGS, extractor="absent")) as child, pytest.raises(ExtractorDied, match="absent"):  # type: ignore[arg-type]
        child.extract(page(ARTICLE))


def test_gate_drops_a_page_in_another_language(model_path: str) -> None:
    gate = LanguageGate(("pt",), 0.1, model_path)
    with Extractor(replace(SETTINGS, gate=gate)) as child:
        verdict = child.extract(page(ARTICLE))
    assert isinstance(verdict, Drop)
    assert (verdict.stage, verdict.reason, verdict.language) == ("language_gate", "improbable_language", "en")
    assert verdict.value is not None and verdict.value < 0.1 == verdict.threshold
    with Extractor(replace(SETTINGS, gate=replace(gate, languages=("pt", "en")))) as child:
        assert isinstance(child.extract(page(ARTICLE)), str)


@pytest.mark.parametrize("extractor", ["trafilatura", "resiliparse"])
@pytest.mark.parametrize("bad", ["&#8;", "&#x0;", "&#xFFFF;", "\x08", "\ufffe", "&#27"])
def test_a_character_that_xml_cannot_hold_costs_itself_only(extractor, bad) -> None:
    marked = ARTICLE.replace("<article>", f"<article title='{bad}'>").replace("<html>", f"<html><title>{bad}</title>")
    marked = marked.replace("slowly", f"slow{bad}ly").replace("<nav>", f'<meta name="author" content="{bad}"><nav>')
    with Extractor(replace(SETTINGS, extractor=extractor)) as child:
        assert child.extract(page(marked)) == child.extract(page(ARTICLE))


@pytest.mark.parametrize(("levels", "reason"), [(300, None), (2000, None), (2100, "nested_too_deep")])
@pytest.mark.parametrize("tag", ["div", "font", "blockquote"])
def test_a_deep_page_is_read_whole_or_named(tag, levels, reason) -> None:
    first, inner, last = (f"<p>{name} {PARAGRAPH * 2}</p>" for name in ("First", "Inner", "Last"))
    html = f"<html><body>{first}{f'<{tag}>' * levels}{inner}{f'</{tag}>' * levels}{last}</body></html>"
    with Extractor(replace(SETTINGS, cpu_limit_s=20)) as child:
        text = child.extract(page(html))
    if reason is None:
        assert isinstance(text, str) and all(name in text for name in ("First", "Inner", "Last"))
    else:
        assert isinstance(text, Drop) and text.reason == reason


@pytest.mark.parametrize("extractor", ["trafilatura", "resiliparse"])
@pytest.mark.parametrize("tag", ["noframes", "noscript", "iframe", "template", "textarea", "noembed"])
def test_what_browsers_hide_is_no_text(extractor, tag) -> None:
    hidden = f"<{tag}><body><p>Unseen {PARAGRAPH}</p></body></{tag}>"
    with Extractor(replace(SETTINGS, extractor=extractor)) as child:
        text = child.extract(page(ARTICLE.replace("</article>", f"{hidden}<p>Last {PARAGRAPH}</p></article>")))
        assert isinstance(text, str) and "Unseen" not in text and "<p>" not in text and "Last" in text


@pytest.mark.parametrize("extractor", ["trafilatura", "resiliparse"])
def test_markup_that_a_page_shows_stays(extractor) -> None:
    shown = f"<p>Write &lt;noframes&gt; and &lt;b&gt; in it. {PARAGRAPH}</p>"
    with Extractor(replace(SETTINGS, extractor=extractor)) as child:
        text = child.extract(page(ARTICLE.replace("</article>", f"{shown}</article>")))
    assert isinstance(text, str) and "Write <noframes> and <b> in it." in text


def test_joiners_stay_in_the_text() -> None:
    sentence = "می\u200cخواهم به آسیاب قدیمی کنار رودخانه بروم و نان تازه بخورم، زیرا بوی آن را دوست دارم. "
    with Extractor(SETTINGS) as child:
        text = child.extract(page(f"<html><body><article><p>{sentence * 3}so\u00adft</p></article></body></html>"))
    assert isinstance(text, str) and text.count("می\u200cخواهم") == 3 and text.endswith("soft")
