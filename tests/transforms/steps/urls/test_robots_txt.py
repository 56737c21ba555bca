"""What a robots.txt says of a page: by its last capture, bounded, and through a run into documents and ledger."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest

from bateia import documents, ledger
from pipelines.assets.registry import store
from schemas.document import Page
from schemas.faults import BadInput
from schemas.verdict import Drop
from support.command import Call
from support.forked import forked_workers
from support.outputs import manifest_of
from support.warc import http, record
from transforms.steps.urls.robots_map import (
    ABSENT,
    MAX_BYTES,
    RULES,
    UNREACHABLE,
    Capture,
    RobotsBuilder,
    capture_of,
    find,
    origin_of,
    read_header,
)
from transforms.steps.urls.robots_txt import ReadRobotsTxt

DATE = "2024-06-15T12:00:00Z"


def build(path: Path, *captures: Capture | None) -> str:
    builder = RobotsBuilder(path)
    for number, capture in enumerate(captures):
        builder.add(str(number), [capture])
    builder.finish()
    builder.close()
    return str(path)


def told(path: str, url: str) -> str | None:
    return ReadRobotsTxt(rules=path).verdict(url)[0]


@pytest.mark.parametrize(
    ("text", "url", "verdict"),
    [
        ("User-agent: GPTBot\nDisallow: /", "/x", "disallowed: GPTBot"),
        ("User-agent: gptbot/1.2 # theirs\nDisallow: /", "/x", "disallowed: GPTBot"),
        ("User-agent: GPTBot\nUser-agent: Other\nUser-agent: CCBot\nDisallow: /a", "/a/b", "disallowed: CCBot, GPTBot"),
        ("User-agent: GPTBot\nDisallow: /a\n\nUser-agent: Other\nDisallow: /", "/b", "allowed"),
        ("User-agent: Other\nDisallow: /\nUser-agent: GPTBot\nDisallow: /a", "/b", "allowed"),
        (
            "User-agent: *\nDisallow: /\nUser-agent: CCBot\nAllow: /",
            "/b",
            "disallowed: GPTBot, ClaudeBot, Google-Extended",
        ),
        ("User-agent: Google\nDisallow: /", "/b", "allowed"),  # RFC 9309: a group is matched by the whole token
        ("User-agent: CCBot\nDisallow: /\nAllow: /open", "/open/x", "allowed"),
        ("User-agent: CCBot\nDisallow: /*?q=*$", "/a?q=1", "disallowed: CCBot"),
        ("User agent: CCBot\nDisallow: /", "/a", "disallowed: CCBot"),
        ("\ufeffUser-agent: CCBot\rDisallow: /", "/a", "disallowed: CCBot"),
        ("<html><body>not found</body></html>", "/a", "allowed"),
        ("", "/a", "allowed"),
    ],
)
def test_what_rules_say(tmp_path: Path, text: str, url: str, verdict: str) -> None:
    path = build(tmp_path / "map", Capture("https://a.example", DATE, RULES, text.encode()))
    assert told(path, f"https://a.example{url}") == verdict


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://A.example:443/x", "https://a.example"),
        ("http://a.example:443/x", "http://a.example:443"),
        ("https://user@caf\u00e9.example/", "https://xn--caf-dma.example"),
        ("http://[::1]:80/", "http://[::1]"),
        ("http://a.example:port/", None),
        ("ftp://a.example/", None),
        ("http://[bad/", None),
        ("a.example", None),
    ],
)
def test_origins(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin


def test_each_origin_has_its_own_and_the_last_capture_counts(tmp_path: Path) -> None:
    bar, free = b"User-agent: *\nDisallow: /", b""
    captures = (
        Capture("https://a.example", "2024-06-15T12:00:00Z", RULES, bar),
        Capture("https://a.example", "2024-06-14T12:00:00Z", RULES, free),
        Capture("http://a.example", "2024-06-13T12:00:00Z", RULES, free),
        Capture("https://b.example", "2024-06-13T12:00:00Z", ABSENT, b""),
        Capture("https://c.example", "2024-06-13T12:00:00Z", UNREACHABLE, b""),
        None,
    )
    one, other = build(tmp_path / "one", *captures), build(tmp_path / "other", *reversed(captures))
    assert read_header(one) == read_header(other)  # whatever file they were in
    assert (read_header(one).hosts, read_header(one).damaged) == (4, 1)
    for path in (one, other):
        assert (told(path, "https://a.example/") or "").startswith("disallowed: CCBot, ")
        assert told(path, "http://a.example/") == "allowed"
        assert told(path, "https://b.example/") == told(path, "https://d.example/") == "absent"
        assert told(path, "https://c.example/") == "unreachable"
        assert told(path, "mailto:x") is None


@pytest.mark.parametrize(
    ("status", "location", "kind"),
    [(200, "", RULES), (301, "/x", "redirect"), (304, "", ABSENT), (404, "", ABSENT), (503, "", UNREACHABLE)],
)
def test_answers(status: int, location: str, kind: str) -> None:
    capture = capture_of("https://a.example/robots.txt", DATE, status, location, b"")
    assert capture is not None and capture.kind == kind
    assert capture_of("https://a.example/robots.txt2", DATE, status, location, b"") is None


def test_redirects_are_followed_five_times(tmp_path: Path) -> None:
    hops = [Capture(f"https://{n}.example", DATE, "redirect", b"//%d.example/robots.txt" % (n + 1)) for n in range(7)]
    hops += [Capture("https://7.example", DATE, RULES, b"User-agent: *\nDisallow: /")]
    hops += [Capture("https://loop.example", DATE, "redirect", b"/robots.txt")]
    hops += [Capture("https://page.example", DATE, "redirect", b"https://7.example/start")]
    hops += [Capture("https://bad.example", DATE, "redirect", b"https://[/robots.txt")]
    path = build(tmp_path / "map", *hops)
    assert find(path, "https://2.example")[0] == RULES
    assert [find(path, f"https://{name}.example")[0] for name in ("1", "loop", "page", "bad")] == [ABSENT] * 4


def test_only_500_kib_in_whole_lines(tmp_path: Path) -> None:
    text = b"User-agent: *\nDisallow: /private\n"
    long = text + b"#" * (MAX_BYTES - len(text) - 12) + b"\nDisallow: /open\n"  # the limit cuts it to "Disallow: /"
    capture = capture_of("https://a.example/robots.txt", DATE, 200, "", long)
    assert capture is not None and capture.body.endswith(b"#\n")
    path = build(tmp_path / "map", capture)
    assert (told(path, "https://a.example/x"), (told(path, "https://a.example/private") or "")[:10]) == (
        "allowed",
        "disallowed",
    )


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"User-agent: a{n}\n" for n in range(25_000)) + "Disallow: /x\n" * 8000,  # each agent has each rule
        "User-agent: *\nDisallow: /" + "*a" * 240_000 + "b",
        "User-agent: *\n" + "Disallow: /*a*b*$\n" * 20_000,
        "User-agent: *\nDisallow: /" + "%41" * 160_000,
    ],
)
def test_a_hostile_file_costs_little(tmp_path: Path, text: str) -> None:
    path = build(tmp_path / "map", Capture("https://a.example", DATE, RULES, text.encode()))
    began = time.process_time()
    assert told(path, "https://a.example/" + "a" * 8000) is not None
    assert time.process_time() - began < 5


def test_settings_that_can_not_be() -> None:
    for agents, drop in ((("CC Bot",), ()), ((), ()), (("CCBot",), ("GPTBot",)), (tuple("abcdefghijklmnopqrstu"), ())):
        with pytest.raises(BadInput, match="crawler"):
            ReadRobotsTxt(agents=agents, drop=drop)


def test_drops_for_some() -> None:
    step = ReadRobotsTxt(drop=("gptbot",))
    verdicts = {("disallowed: CCBot", ("CCBot",)): None, ("disallowed: GPTBot", ("GPTBot",)): "disallowed"}
    verdicts |= {("unreachable", step.agents): "unreachable"}
    for verdict, reason in verdicts.items():
        object.__setattr__(step, "verdict", lambda _, verdict=verdict: verdict)
        done = step(Page("https://a.example/", "", "", "x", 0, 0, "", rights={"license": "cc0-1.0"}))
        assert (done.reason if isinstance(done, Drop) else None) == reason
        if isinstance(done, Page):
            assert done.rights == {"license": "cc0-1.0", "robots_txt": verdict[0]}


# --- Through a run ----------------------------------------------------------------------------------------------------


def captures(path: Path, **texts: tuple[str, str]) -> Path:
    """A WARC file of robots.txt. texts: status line with headers, and body, by host without .example."""
    parts = [
        gzip.compress(record(f"https://{host}.example/robots.txt", http(body, f"HTTP/1.1 {head}")))
        for host, (head, body) in texts.items()
    ]
    path.write_bytes(b"".join(parts))
    return path


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    """Words of a run over texts of five hosts, with captures of three."""
    monkeypatch.setenv("BATEIA_ASSETS", str(tmp_path / "assets"))
    captures(
        tmp_path / "r1.warc.gz",
        bars=("200 OK\r\nContent-Type: text/plain", "User-agent: GPTBot\nDisallow: /"),
        moved=("301 Moved\r\nLocation: https://bars.example/robots.txt", ""),
    )
    captures(tmp_path / "r2.warc.gz", down=("503 Busy", ""))
    with (tmp_path / "r2.warc.gz").open("ab") as file:
        file.write(gzip.compress(record("https://cut.example/robots.txt", b"x" * 99))[:40])
    rows = [{"text": f"a text of {h}", "url": f"https://{h}.example/p"} for h in ("bars", "moved", "down", "free")]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"text": "of nowhere"}]))
    files = sorted(tmp_path.glob("r*.warc.gz"))
    return ("curate", "--recipe", "as-is", "--input", tmp_path / "own.jsonl", "--quiet", "--robots-txt", *files)


def column(folder: Path) -> dict[str, str | None]:
    rows = documents(str(folder)).to_table().to_pylist()
    return {(row["url"] or "none").removeprefix("https://").split(".")[0]: row["robots_txt"] for row in rows}


@pytest.mark.slow
def test_column_of_documents_and_a_map_that_is_built_once(
    bateia: Call, asked: tuple[object, ...], tmp_path: Path
) -> None:
    ended = bateia(*asked, "--output", tmp_path / "o")
    assert ended.returncode == 0, ended.stderr
    assert "robots.txt of 3 hosts is known, 1 record could not be read" in ended.stderr
    bars = "disallowed: GPTBot"
    assert column(tmp_path / "o") == {
        "bars": bars,
        "moved": bars,
        "down": "unreachable",
        "free": "absent",
        "none": None,
    }
    settings = manifest_of(tmp_path / "o").settings
    asset = settings["assets"]["robots_txt"]
    assert (asset["name"], asset["hosts"], asset["damaged"]) == ("robots.sqlite", 3, 1)
    assert str(tmp_path) not in json.dumps(settings)
    [built] = store().glob("robots-txt/*/robots.sqlite")
    before = built.stat().st_mtime_ns
    with forked_workers():
        ended = bateia(*asked, "--output", tmp_path / "two", "--workers", "2")
    assert ended.returncode == 0, ended.stderr
    assert built.stat().st_mtime_ns == before
    assert manifest_of(tmp_path / "two").dataset_hash == manifest_of(tmp_path / "o").dataset_hash


def test_a_run_drops_what_is_barred(bateia: Call, asked: tuple[object, ...], tmp_path: Path) -> None:
    words = ("--robots-agents", "GPTBot", "--robots-drop", "GPTBot", "--output", tmp_path / "o")
    ended = bateia(*asked, *words)
    assert ended.returncode == 0, ended.stderr
    assert set(column(tmp_path / "o")) == {"free", "none"}
    fates = {row["url"]: (row["stage"], row["reason"]) for row in ledger(str(tmp_path / "o")).to_table().to_pylist()}
    assert fates["https://bars.example/p"] == ("robots_txt", "disallowed")
    assert fates["https://down.example/p"] == ("robots_txt", "unreachable")


def test_an_interrupted_build_goes_on(tmp_path: Path) -> None:
    builder = RobotsBuilder(tmp_path / "map")

    def dies() -> object:
        yield Capture("https://b.example", DATE, RULES, b"")
        raise KeyboardInterrupt

    builder.add("1", [Capture("https://a.example", DATE, RULES, b"")])
    with pytest.raises(KeyboardInterrupt):
        builder.add("2", dies())  # type: ignore[arg-type]
    builder.close()
    with pytest.raises(ValueError, match="no finished map"):
        read_header(str(tmp_path / "map"))
    again = RobotsBuilder(tmp_path / "map")
    assert again.has("1") and not again.has("2")
    again.add("2", [Capture("https://b.example", DATE, RULES, b"")])
    header = again.finish()
    again.close()
    whole = tuple(Capture(f"https://{name}.example", DATE, RULES, b"") for name in "ab")
    assert read_header(build(tmp_path / "whole", *whole)) == header


def test_bad_input_is_one_line(bateia: Call, asked: tuple[object, ...], tmp_path: Path) -> None:
    (tmp_path / "p.warc.gz").write_bytes(gzip.compress(record("https://a.example/", http("<p>page"))))
    (tmp_path / "recipe.py").write_text(
        "from dataclasses import replace\nfrom pipelines.recipes.as_is import AS_IS\n"
        "from transforms.steps.urls.robots_txt import ReadRobotsTxt\n"
        "MINE = replace(AS_IS, name='mine', curate=replace(AS_IS.curate, pages=(ReadRobotsTxt(drop=('CCBot',)),)))\n"
    )
    own = asked[: asked.index("--robots-txt")]
    for words, said in (
        ((*own, "--robots-txt", tmp_path / "p.warc.gz"), "no capture of a robots.txt in it"),
        ((*own, "--robots-txt", tmp_path / "absent.warc.gz"), "does not exist"),
        ((*own, "--robots-drop", "CCBot"), "give a crawl's robots.txt files"),
        ((*asked, "--robots-drop", "OtherBot"), "is not asked about"),
        ((*asked, "--robots-agents", "CC Bot"), "is no name of robots.txt"),
        ((*own, "--recipe", f"{tmp_path}/recipe.py:MINE"), "give a crawl's with --robots-txt"),
    ):
        ended = bateia(*words, "--output", tmp_path / "o")
        assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1) and said in ended.stderr, ended.stderr
        assert not (tmp_path / "o").exists()
