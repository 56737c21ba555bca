"""The sample holds what it says, is the same in every build, and names nobody."""

import ipaddress
import json
import re
from collections import Counter
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from pipelines.sample.articles import Article, read_articles
from pipelines.sample.build import SampleIndex, all_pages, build_sample
from pipelines.sample.copies import edited
from pipelines.sample.layout.templates import TEMPLATES
from pipelines.sample.layout.words import WORDS
from pipelines.sample.webpage import WebPage

KINDS = {
    "app_shell": 3,
    "binary": 3,
    "blocked_host": 3,
    "blocked_url": 3,
    "broken_record": 1,
    "cookie_page": 4,
    "curly": 3,
    "dns": 1,
    "empty": 2,
    "exact_copy": 5,
    "json": 2,
    "list_page": 20,
    "lorem": 3,
    "near_copy": 12,
    "not_found": 4,
    "pdf": 1,
    "pii": 10,
    "plain_text": 1,
    "redirect": 4,
    "revisit": 1,
    "server_error": 2,
    "shop_page": 12,
    "short_lines": 2,
    "short_page": 6,
    "spam": 6,
    "truncated_record": 1,
    "wrong_language": 3,
}
RESERVED = ("example", "test", "invalid", "localhost")
DOCUMENTATION = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleIndex:
    return build_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def pages() -> dict[str, WebPage]:
    return {page.url: page for page in all_pages()}


def html_of(page: WebPage) -> str:
    return page.body.decode(page.charset) if page.charset else ""


def responses(path: Path) -> dict[str, bytes]:
    """What warcio reads of a file's HTTP responses, until it gives up."""
    bodies = {}
    with path.open("rb") as stream:
        try:
            for record in ArchiveIterator(stream):
                if record.rec_type == "response":
                    bodies[record.rec_headers["WARC-Target-URI"]] = record.content_stream().read()
        except ArchiveLoadFailed:
            pass
    return bodies


def all_files(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


def test_two_builds_are_equal(sample: SampleIndex, tmp_path: Path) -> None:
    build_sample(tmp_path)
    build_sample(tmp_path)  # a second build into the same place changes nothing and leaves nothing behind
    assert all_files(tmp_path) == all_files(sample.expected.parent)


def test_it_is_small(sample: SampleIndex) -> None:
    assert sum(path.stat().st_size for path in sample.warc_files) < 3_000_000


def test_every_kind_is_there(sample: SampleIndex) -> None:
    kinds = Counter(page["kind"] for page in sample.pages)
    articles = kinds.pop("article")
    assert kinds == KINDS
    assert articles == len(read_articles())
    languages = Counter(page["language"] for page in sample.pages if page["kind"] == "article")
    assert languages["en"] >= 60
    assert languages["pt"] >= 40
    assert {"es", "fr", "de"} < set(languages)


def test_expected_names_every_page_once(sample: SampleIndex, pages: dict[str, WebPage]) -> None:
    expected = json.loads(sample.expected.read_text("utf-8"))
    assert expected["pages"] == list(sample.pages)
    assert [page["url"] for page in expected["pages"]] == list(pages)
    assert len({page["record_id"] for page in expected["pages"]}) == len(pages) == len(all_pages())


@pytest.mark.parametrize("field", ["charset", "declared", "delivery", "template"])
def test_pages_differ_in_form(sample: SampleIndex, field: str) -> None:
    wanted = {
        "charset": {"utf-8", "utf-16", "windows-1252", "iso-8859-1"},
        "declared": {"header", "meta", "bom", "none", "wrong"},
        "delivery": {"crawl", "plain", "gzip", "chunked", "gzip chunked"},
        "template": set(TEMPLATES),
    }
    counts = Counter(page.get(field) for page in sample.pages if page["kind"] == "article")
    assert min(counts[value] for value in wanted[field]) >= 3


def test_files_hold_the_pages_as_they_were_sent(sample: SampleIndex, pages: dict[str, WebPage]) -> None:
    """The second file is sound up to its last record, which ends too early."""
    mine = [page for page in sample.pages if page["file"] == sample.warc_files[1].name]
    *sound, last = [page["url"] for page in mine if page["kind"] != "revisit"]
    bodies = responses(sample.warc_files[1])
    assert list(bodies)[: len(sound)] == sound
    assert pages[last].kind == "truncated_record"
    assert all(bodies[url] == pages[url].body for url in sound)
    assert bodies.get(last) != pages[last].body


def test_what_lies_before_the_broken_record_is_sound(sample: SampleIndex, pages: dict[str, WebPage]) -> None:
    mine = [page for page in sample.pages if page["file"] == sample.warc_files[0].name and page["kind"] != "revisit"]
    place = next(n for n, page in enumerate(mine) if page["kind"] == "broken_record")
    assert 0.4 < place / len(mine) < 0.6
    bodies = responses(sample.warc_files[0])
    assert list(bodies)[:place] == [page["url"] for page in mine[:place]]
    assert all(bodies[page["url"]] == pages[page["url"]].body for page in mine[:place])
    assert bodies.get(mine[place]["url"]) != pages[mine[place]["url"]].body


def test_records_look_like_common_crawls(sample: SampleIndex) -> None:
    with sample.warc_files[1].open("rb") as stream:
        records = list(ArchiveIterator(BytesIO(stream.read()[:60_000])))[:-1]
    kinds = [record.rec_type for record in records]
    assert kinds[0] == "warcinfo"
    assert kinds[1:4] == ["request", "response", "metadata"]
    request, response = records[1].rec_headers, records[2].rec_headers
    assert response["WARC-Concurrent-To"] == request["WARC-Record-ID"]
    assert response["WARC-Date"].startswith("2024-06-")


@pytest.mark.parametrize("files", [1, 3])
def test_any_number_of_files_holds_the_same_pages(sample: SampleIndex, tmp_path: Path, files: int) -> None:
    other = build_sample(tmp_path, files)
    assert len(other.warc_files) == files
    assert [page["url"] for page in other.pages] == [page["url"] for page in sample.pages]


def test_no_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one file"):
        build_sample(tmp_path, 0)


# --- What it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", TEMPLATES)
def test_extraction_finds_the_articles_in_every_template(pages: dict[str, WebPage], template: str) -> None:
    """At least 95 % of the paragraphs come out, and what surrounds them doesn't."""
    trafilatura = pytest.importorskip("trafilatura")
    by_title = {article.title: article for article in read_articles()}
    found, noise = [], []
    for page in pages.values():
        facts = dict(page.about)
        if page.kind != "article" or facts["template"] != template:
            continue
        article = by_title[facts["title"]]
        text = trafilatura.extract(html_of(page), favor_precision=True, include_comments=False) or ""
        lines = [" ".join(line.split()) for line in text.split("\n")]
        found += [paragraph in lines for paragraph in article.paragraphs]
        noise += [line for line in lines if line not in article.paragraphs and not line.startswith(article.title)]
    assert sum(found) >= 0.95 * len(found) > 0
    assert noise == []


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", re.sub(r"\d+", "0", text.lower()))
    return {tuple(words[n : n + 5]) for n in range(len(words) - 4)}


def likeness(one: Article, other: Article) -> float:
    a, b = shingles(" ".join(one.paragraphs)), shingles(" ".join(other.paragraphs))
    return len(a & b) / len(a | b)


def test_near_copies_are_near_and_no_two_articles_are(pages: dict[str, WebPage]) -> None:
    articles = read_articles()
    copied = {dict(page.about)["title"] for page in pages.values() if page.kind == "near_copy"}
    assert all(0.8 <= likeness(article, edited(article)) < 1 for article in articles if article.title in copied)
    grams = [shingles(" ".join(article.paragraphs)) for article in articles]
    assert all(len(a & b) < 20 for n, a in enumerate(grams) for b in grams[:n])


def test_exact_copies_are_exact(pages: dict[str, WebPage]) -> None:
    for page in pages.values():
        if page.kind == "exact_copy":
            assert page.body == pages[dict(page.about)["copy_of"]].body


def test_the_block_list_names_the_blocked_pages_and_no_others(sample: SampleIndex, pages: dict[str, WebPage]) -> None:
    hosts = {line for path in sample.blocklist.glob("*/domains") for line in path.read_text().split()}
    urls = {line for path in sample.blocklist.glob("*/urls") for line in path.read_text().split()}
    for page in pages.values():
        parts = urlsplit(page.url)
        labels = parts.netloc.split(".")
        listed = any(".".join(labels[n:]) in hosts for n in range(len(labels)))
        assert listed == (page.kind == "blocked_host")
        assert (f"{parts.netloc}{parts.path}" in urls) == (page.kind == "blocked_url")
    assert all(host.rsplit(".", 1)[-1] in RESERVED for host in hosts | {url.split("/")[0] for url in urls})


def test_it_names_nobody(pages: dict[str, WebPage]) -> None:
    """Hosts, addresses and e-mail are reserved for examples, wherever they stand."""
    for page in pages.values():
        assert page.kind == "dns" or (urlsplit(page.url).hostname or "").rsplit(".", 1)[-1] in RESERVED
        html = html_of(page) if page.kind not in ("binary", "pdf") else ""
        linked = re.findall(r"https?://([\w.-]+)", html)
        standards = {"schema.org"}
        assert all(host.rsplit(".", 1)[-1] in RESERVED for host in linked if host not in standards), page.url
        assert all(re.fullmatch(r"example\.(com|org)", host) for host in re.findall(r"\w@([\w.-]*\w)", html)), page.url
        for number in re.findall(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", html):
            assert any(ipaddress.ip_address(number) in net for net in DOCUMENTATION), number


def test_pages_with_personal_data_say_what_they_expose(pages: dict[str, WebPage]) -> None:
    exposed = Counter()
    for page in pages.values():
        if page.kind != "pii":
            continue
        personal = dict(page.about)["personal"]
        text = re.sub(r"<[^>]+>", "", html_of(page))
        assert len(re.findall(r"\w+", text)) >= 120
        assert all(value in text for values in personal.values() for value in values)
        exposed.update({sort: len(values) for sort, values in personal.items()})
        assert all("555-01" in value or value.startswith("(20)") for value in personal.get("phone", []))
    assert set(exposed) == {"email", "phone", "ip", "card", "iban", "cpf", "cnpj"}
    assert exposed["email"] >= 10


def test_every_language_has_the_words_of_a_site() -> None:
    assert set(WORDS) == {article.language for article in read_articles()}
