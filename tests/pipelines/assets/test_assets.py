"""The asset folder: names to paths, and downloads that break in every way."""

import hashlib
import json
import re
import shlex
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from pipelines.__main__ import main
from pipelines.assets import fetch as fetching
from pipelines.assets import registry
from pipelines.assets.fetch import fetch
from pipelines.assets.registry import (
    Asset,
    AssetError,
    MissingAsset,
    blocklist_identity,
    file_identity,
    known_assets,
    resolve_blocklist,
    resolve_language_model,
)
from support.web_server import WebServer
from transforms.steps.urls.blocklist import open_blocklist, read_header
from transforms.steps.urls.build import build_blocklist

MODEL = bytes(range(256)) * 8000  # 2 MB: several chunks


def know(monkeypatch: pytest.MonkeyPatch, known: dict[str, Any]) -> None:
    """Let these be the assets that there are."""
    for module in (registry, fetching):
        monkeypatch.setattr(module, "known_assets", lambda: known)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BATEIA_ASSETS", str(tmp_path / "store"))
    monkeypatch.setenv("BATEIA_REQUESTS_PER_S", "5000")
    monkeypatch.setattr("transforms.steps.fetch.fetcher.LONGEST_BACKOFF_S", 0.002)
    return tmp_path / "store"


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    (tmp_path / "lists" / "adult").mkdir(parents=True)
    (tmp_path / "lists" / "adult" / "domains").write_text("listed.example\n")
    with tarfile.open(tmp_path / "blacklists.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "lists", "blacklists")
    return tmp_path / "blacklists.tar.gz"


@pytest.fixture
def small_model(monkeypatch: pytest.MonkeyPatch) -> Asset:
    """lid.176.bin as it is pinned, but of MODEL's size and sum."""
    pinned = known_assets()["lid.176.bin"]
    small = replace(pinned, sha256=hashlib.sha256(MODEL).hexdigest(), bytes=len(MODEL), max_bytes=3_000_000)
    know(monkeypatch, {**known_assets(), small.name: small})
    return small


class Server(WebServer):
    """Serves `body` and honours Range and If-Range; `script` says, request by request, what goes wrong."""

    def __init__(self, body: bytes, script: list[str], etag: str = '"v1"') -> None:
        super().__init__(Handler)
        self.body, self.script, self.etag, self.seen = body, script, etag, []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{{}}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        self.answer(server)

    def answer(self, server: Server) -> None:
        server.seen.append(self.headers.get("Range"))
        fault = server.script.pop(0) if server.script else "fine"
        if fault.isdigit():
            self.send_error(int(fault))
            return
        body, start = server.body, 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked and self.headers.get("If-Range") == server.etag and fault != "ignore range":
            start = int(asked[1])
            if start >= len(body):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if fault != "no length":
            self.send_header("Content-Length", str(len(body) - start))
        self.send_header("ETag", server.etag)
        self.end_headers()
        end = start + (len(body) - start) // 2 if fault == "break" else len(body)
        self.wfile.write(body[start:end])

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(*script: str, body: bytes = MODEL, etag: str = '"v1"') -> Server:
        server = Server(body, list(script), etag)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


HALF, THREE_QUARTERS = len(MODEL) // 2, len(MODEL) * 3 // 4


@pytest.mark.parametrize(
    "script, ranges",
    [
        ([], [None]),
        (["no length"], [None]),
        (["break"], [None, f"bytes={HALF}-"]),
        (["break", "break"], [None, f"bytes={HALF}-", f"bytes={THREE_QUARTERS}-"]),
        (["break", "ignore range"], [None, f"bytes={HALF}-"]),
        (["503"], [None, None]),
        (["429", "500"], [None, None, None]),
        (["break", "503"], [None, f"bytes={HALF}-", f"bytes={HALF}-"]),
    ],
)
def test_downloads_arrive_whole(
    serve, small_model: Asset, store: Path, script: list[str], ranges: list[str | None]
) -> None:
    server = serve(*script)
    path = fetch("lid.176.bin", url=server.url.format("lid.176.bin"))
    assert path.read_bytes() == MODEL
    assert path == store / "lid.176.bin" == resolve_language_model("lid.176.bin")
    assert server.seen == ranges
    assert sorted(file.name for file in store.rglob("*") if file.is_file()) == ["lid.176.bin"]


def test_the_next_call_goes_on_where_the_last_one_broke(serve, small_model: Asset) -> None:
    server = serve("break", "503", "503")
    url = server.url.format("lid.176.bin")
    with pytest.raises(AssetError, match=rf"broke off at {HALF:,} bytes \(503 .*run it again to go on"):
        fetch("lid.176.bin", url=url)
    assert fetch("lid.176.bin", url=url).read_bytes() == MODEL
    assert server.seen[-1] == f"bytes={HALF}-"


def test_a_file_that_changed_meanwhile_is_begun_anew(serve, small_model: Asset) -> None:
    server = serve("break", "503", "503", body=bytes(len(MODEL)))
    url = server.url.format("lid.176.bin")
    with pytest.raises(AssetError, match="broke off"):
        fetch("lid.176.bin", url=url)
    server.body, server.etag = MODEL, '"v2"'
    assert fetch("lid.176.bin", url=url).read_bytes() == MODEL


@pytest.mark.parametrize("etag", ['W/"weak"', ""])
def test_a_server_without_a_validator_is_asked_anew(serve, small_model: Asset, etag: str) -> None:
    server = serve("break", etag=etag)
    fetch("lid.176.bin", url=server.url.format("lid.176.bin"))
    assert server.seen == [None, None]


def test_a_part_from_another_address_is_begun_anew(serve, small_model: Asset) -> None:
    with pytest.raises(AssetError, match="broke off"):
        fetch("lid.176.bin", url=serve("break", "503", "503").url.format("lid.176.bin"))
    server = serve()
    assert fetch("lid.176.bin", url=server.url.format("lid.176.bin")).read_bytes() == MODEL
    assert server.seen == [None]


def test_a_part_longer_than_the_file_is_begun_anew(serve, small_model: Asset, store: Path) -> None:
    server = serve()
    url = server.url.format("lid.176.bin")
    part = store / "downloads" / "lid.176.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(MODEL + b"more")
    part.with_name(part.name + ".json").write_text(json.dumps({"url": url, "validator": '"v1"'}))
    assert fetch("lid.176.bin", url=url).read_bytes() == MODEL


@pytest.mark.parametrize(
    "script, body, message",
    [
        (["404"], MODEL, r"answers 404 .*--from FILE$"),
        (["403"] * 3, MODEL, r"broke off at 0 bytes \(403 "),
        (["500"] * 3, MODEL, r"broke off at 0 bytes \(500 "),
        ([], MODEL[:-1] + b"!", r"isn't the file expected: sha256 \w{64}, not \w{64}; .*--from FILE$"),
        ([], bytes(3_000_001), r"has 3,000,001 bytes, over the cap of 3,000,000"),
        (["no length"] * 3, bytes(3_000_001), r"over the cap of 3,000,000"),
    ],
)
def test_downloads_that_fail_leave_no_asset(
    serve, small_model: Asset, store: Path, script: list[str], body: bytes, message: str
) -> None:
    server = serve(*script, body=body)
    with pytest.raises(AssetError, match=message):
        fetch("lid.176.bin", url=server.url.format("lid.176.bin"))
    assert not (store / "lid.176.bin").exists()
    assert not (store / "downloads" / "lid.176.bin").exists()
    assert "over the cap" not in message or not list((store / "downloads").glob("*.part"))


def test_nobody_at_home(small_model: Asset, serve) -> None:
    server = serve()
    url = server.url.format("x")
    server.shutdown()
    server.server_close()
    with pytest.raises(AssetError, match=r"broke off at 0 bytes \(.*refused"):
        fetch("lid.176.bin", url=url)


def test_progress_is_given_to_who_shows_it(serve, small_model: Asset, capsys) -> None:
    url, lines = serve().url.format("x"), []
    fetch("lid.176.bin", url=url)
    fetch("lid.176.bin", url=url, show=lines.append)
    assert lines[-1] == "lid.176.bin: 2.0 of 2.0 MB"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("terminal", "shown"), [(True, True), (False, False)])
def test_progress_is_shown_on_a_terminal_only(
    serve, small_model: Asset, monkeypatch, capsys, terminal: bool, shown: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    assert main(["assets", "fetch", "lid.176.bin", "--url", serve().url.format("x")]) == 0
    assert ("lid.176.bin: 2.0 of 2.0 MB" in capsys.readouterr().err) == shown


def test_only_http_is_downloaded(small_model: Asset, tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="use --from"):
        fetch("lid.176.bin", url=(tmp_path / "x").as_uri())


def test_a_local_file_is_copied_and_checked(small_model: Asset, store: Path, tmp_path: Path) -> None:
    local = tmp_path / "model"
    local.write_bytes(MODEL)
    assert fetch("lid.176.bin", local).read_bytes() == MODEL
    assert local.exists()
    local.write_bytes(b"another")
    with pytest.raises(AssetError, match="isn't the file expected"):
        fetch("lid.176.bin", local)
    assert local.exists(), "a user's file is never removed"
    with pytest.raises(AssetError, match="isn't there"):
        fetch("lid.176.bin", tmp_path / "absent")


def test_ut1_is_downloaded_and_compiled(serve, lists: Path, store: Path) -> None:
    server = serve(body=lists.read_bytes())
    path = fetch("ut1", url=server.url.format("blacklists.tar.gz"))
    assert path == store / "ut1" == resolve_blocklist("ut1")
    header = read_header(path)
    assert header["source"] == {"name": "blacklists.tar.gz", "sha256": hashlib.sha256(lists.read_bytes()).hexdigest()}
    assert header["licence"] == "CC BY-SA 4.0"
    assert open_blocklist(str(path)).domains.find("listed.example") is not None
    assert fetch("ut1", lists) == path, "fetching again brings today's list"


def test_the_sample_is_compiled_at_first_use_and_again_when_it_changes(
    tmp_path: Path, lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "lists"
    packaged = replace(known_assets()["sample"], folder=str(source))
    know(monkeypatch, {"sample": packaged})
    path = resolve_blocklist("sample")
    assert read_header(path)["date"] == packaged.date
    stamp = (path / "blocklist.json").stat().st_mtime_ns
    assert resolve_blocklist("sample") == fetch("sample") == path
    assert (path / "blocklist.json").stat().st_mtime_ns == stamp, "compiled once"
    (source / "adult" / "domains").write_text("other.example\n")
    assert open_blocklist(str(resolve_blocklist("sample"))).domains.find("other.example") is not None
    (path / "urls.npy").unlink()
    assert (resolve_blocklist("sample") / "urls.npy").exists()


def test_the_sample_of_this_package_compiles() -> None:
    assert read_header(resolve_blocklist("sample"))["counts"]["domains"] > 0


@pytest.mark.parametrize(
    "resolve, name, command",
    [
        (resolve_blocklist, "ut1", "bateia assets fetch ut1"),
        (resolve_blocklist, "nothing", "bateia assets build-blocklist --from SOURCE --output {}"),
        (resolve_language_model, "lid.176.bin", "bateia assets fetch lid.176.bin"),
    ],
)
def test_what_is_missing_names_the_command_that_brings_it(resolve, name: str, command: str) -> None:
    with pytest.raises(MissingAsset) as caught:
        resolve(name)
    assert str(caught.value).endswith(command.format(Path(name).absolute()))
    assert "\n" not in str(caught.value)


def test_an_uncompiled_folder_names_the_command_that_compiles_it(lists: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingAsset) as caught:
        resolve_blocklist(str(tmp_path / "lists"))
    command = str(caught.value).partition(": bateia ")[2]
    assert run(*shlex.split(command)) == 0
    assert resolve_blocklist("lists").name == "lists"


def test_a_broken_list_names_file_and_command(lists: Path) -> None:
    path = fetch("ut1", lists)
    (path / "domains.npy").write_bytes(b"")
    with pytest.raises(MissingAsset, match=r"domains\.npy isn't the file .*: bateia assets fetch ut1$"):
        resolve_blocklist("ut1")
    with pytest.raises(MissingAsset, match=r"domains\.npy .*--output \S+/ut1 --replace$"):
        resolve_blocklist(str(path))


def test_paths_are_taken_as_they_are(lists: Path, tmp_path: Path) -> None:
    build_blocklist(lists, tmp_path / "mine", "mine")
    assert resolve_blocklist(str(tmp_path / "mine")) == tmp_path / "mine"
    (tmp_path / "model.bin").write_bytes(MODEL)
    assert resolve_language_model(str(tmp_path / "model.bin")) == tmp_path / "model.bin"
    with pytest.raises(MissingAsset, match="give a model's path, or"):
        resolve_language_model(str(tmp_path / "absent.bin"))


def test_a_model_of_the_wrong_size_is_not_used(store: Path) -> None:
    store.mkdir()
    (store / "lid.176.bin").write_bytes(b"cut")
    with pytest.raises(MissingAsset, match=r"has 3 bytes, not 131,266,198.*bateia assets fetch lid\.176\.bin$"):
        resolve_language_model("lid.176.bin")


def test_the_small_model_comes_with_its_package() -> None:
    path = resolve_language_model("lid.176.ftz")
    assert file_identity(path) == {"name": "lid.176.ftz", "sha256": known_assets()["lid.176.ftz"].sha256}
    assert fetch("lid.176.ftz") == path


def test_a_models_package_may_be_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(known_assets()["lid.176.ftz"], package="no_such_package")
    know(monkeypatch, {absent.name: absent})
    with pytest.raises(MissingAsset, match=r"pip install no-such-package$"):
        resolve_language_model("lid.176.ftz")


def test_identity_follows_content_and_not_the_path(lists: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        build_blocklist(lists, tmp_path / name, "ut1", listed="2024-05-06")
    (tmp_path / "lists" / "adult" / "domains").write_text("other.example\n")
    build_blocklist(tmp_path / "lists", tmp_path / "c", "ut1", listed="2024-05-06")
    a, b, c = (blocklist_identity(tmp_path / name) for name in "abc")
    assert a == b and a["sha256"] != c["sha256"]
    assert (a["name"], a["date"]) == ("ut1", "2024-05-06")


def test_every_known_asset_says_where_it_comes_from() -> None:
    for asset in known_assets().values():
        assert asset.about and asset.origin and asset.licence
        assert bool(asset.url) + bool(asset.package) + bool(asset.folder) == 1
        assert not asset.url or asset.max_bytes > 0
        assert asset.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", asset.sha256)


def run(*argv: str) -> int:
    return main(list(argv))


@pytest.mark.parametrize("argv", [("assets",), ("assets", "list")])
def test_list_names_every_asset(argv: tuple[str, ...], lists: Path, store: Path, capsys) -> None:
    fetch("ut1", lists)
    build_blocklist(lists, store / "mine", "mine", listed="2024-05-06")
    assert run(*argv) == 0
    out = capsys.readouterr().out
    for expected in (
        "lid.176.bin  (language model, absent)",
        "bring it with: bateia assets fetch lid.176.bin",
        "lid.176.ftz  (language model, present",
        "ut1  (block list, present",
        hashlib.sha256(lists.read_bytes()).hexdigest(),
        "sample  (block list, compiled at first use)",
        "CC BY-SA 4.0",
        "https://dsi.ut-capitole.fr/blacklists/",
        "mine  (block list of your own, 2024-05-06)",
        str(store / "ut1"),
    ):
        assert expected in out
    assert not (store / "sample").exists(), "listing makes nothing"


def test_list_survives_a_broken_list(store: Path, capsys) -> None:
    for name in ("ut1", "mine"):
        (store / name).mkdir(parents=True)
        (store / name / "blocklist.json").write_text("{")
    assert run("assets") == 0
    assert capsys.readouterr().out.count("blocklist.json can't be read") == 2


def test_build_blocklist_command(lists: Path, store: Path, capsys) -> None:
    build = ("assets", "build-blocklist", "--from", str(lists), "--name", "mine", "--date", "2024-05-06")
    assert run(*build) == 0
    assert "1 host and 0 URLs of 2024-05-06 in 1 category" in capsys.readouterr().out
    assert resolve_blocklist("mine") == store / "mine"
    assert run(*build) == 2
    assert "exists; give --replace" in capsys.readouterr().err
    assert run(*build, "--replace") == 0
    assert run(*build, "--output", str(store / "elsewhere" / "mine")) == 0


@pytest.mark.parametrize(
    "argv, message",
    [
        (("fetch", "nothing"), "no asset is called nothing; there are lid.176.ftz, lid.176.bin, ut1, sample"),
        (("fetch", "ut1", "--from", "absent"), "absent isn't there; give the file that https://"),
        (("fetch", "ut1", "--from", "a", "--url", "b"), "--from and --url exclude each other"),
        (("build-blocklist", "--from", "absent"), "absent isn't there; give a folder or a tar archive"),
        (("build-blocklist", "--from", ".", "--date", "today"), "write YYYY-MM-DD"),
    ],
)
def test_user_errors_are_one_line(argv: tuple[str, ...], message: str, lists: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(lists.parent / "lists")
    assert run("assets", *argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1 and message in captured.err
