"""What a web server answers: the settings in docs/hosting.md are run, and whatever a server does wrong is told with its remedy."""

from __future__ import annotations

import contextlib
import re
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path, PurePosixPath
from typing import ClassVar

import pytest

import http_range
from http_range import serving
from remote import URL, Sender, free_port
from stablecast.engine import delivery
from stablecast.stages.publish import FEED
from stablecast.targets import live

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    """The settings of one kind on the page."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


# --- nginx, as the page has it ---------------------------------------------------------------------------------------------


def nginx(folder: Path, root: Path) -> contextlib.AbstractContextManager[str]:
    """nginx with the page's settings: only the port, the name and the folder are others, and there is no TLS."""
    if http_range.NGINX is None:
        pytest.skip("no nginx here (package nginx-light)")
    server = re.sub(r"\n *ssl_\w+ [^;]*;", "", block("nginx")).replace("/srv/podcast;", f"{root};")
    return http_range.nginx(lambda port: server.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};"), folder)


def test_the_pages_settings_for_nginx_serve_a_show_as_it_should_be(sender: Sender, there: Path, tmp_path: Path) -> None:
    """Every file that is sent has its type, may be kept as long as it may, is given in parts, and is read from elsewhere."""
    with nginx(tmp_path / "nginx", there.parent) as url:
        sender.targets(there={"url": f"file://{there}", "public_url": f"{url}show"})
        done = sender.push(check=True)
        assert done.problems == ()
        (there / "media" / f".stablecast-{'0' * 8}").write_bytes(b"half a sound")
        assert live._asked("HEAD", f"{url}show/media/.stablecast-{'0' * 8}").status == 404
        for path, data in sender.here().items():
            head = live._asked("HEAD", f"{url}show/{path}")
            assert head.headers["content-type"] == delivery.media_type(path), path
            assert head.headers["cache-control"] == delivery.cache_control(path), path
            assert int(head.headers["content-length"]) == len(data)
            assert head.headers["access-control-allow-origin"] == "*"


def test_an_app_that_asks_whether_the_feed_changed_hears_of_a_withdrawal(
    sender: Sender, there: Path, tmp_path: Path
) -> None:
    """Asked by the time of change alone, on the day of publication: a feed without the episode is never "not modified"."""
    with nginx(tmp_path / "nginx", there) as url:
        sender.public(2)
        sender.push()
        since = live._asked("HEAD", f"{url}feed.xml").headers["last-modified"]
        assert live._asked("GET", f"{url}feed.xml", {"If-Modified-Since": since}).status == 304
        sender.studio.withdraw("ep-1", None)  # an older one: the newest day stays
        assert live._asked("GET", f"{url}feed.xml", {"If-Modified-Since": since}).status == 200


def test_withdrawn_it_is_not_found(sender: Sender, there: Path, tmp_path: Path) -> None:
    """T44 by HTTP: what was there a moment ago is as if it had never been."""
    with nginx(tmp_path / "nginx", there) as url:
        sender.push()
        gone = [path for path in sender.here() if f"{1:032x}" in path.as_posix()]
        assert {live._asked("HEAD", f"{url}{path}").status for path in gone} == {200}
        sender.studio.withdraw("ep-1", None)
        answers = [live._asked("GET", f"{url}{path}") for path in (*gone, PurePosixPath("media/never-was.mp3"))]
        assert {answer.status for answer in answers} == {404}
        assert len({tuple(sorted(set(answer.headers) - {"date"})) for answer in answers}) == 1


# --- servers that do it wrong ----------------------------------------------------------------------------------------------


class Careless(BaseHTTPRequestHandler):
    """Serves a sound and a feed as `answers` says."""

    types: ClassVar = {".mp3": "audio/mpeg", ".xml": "application/rss+xml", ".vtt": "text/vtt"}
    answers: ClassVar[dict[str, str]] = {}
    status, parts, size = 200, True, 100

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        kind = type(self)
        data = bytes(kind.size)
        ranged = kind.parts and "Range" in self.headers
        self.send_response(206 if ranged else kind.status)
        headers = {
            "Content-Type": kind.types.get(Path(self.path).suffix, "text/plain"),
            "Cache-Control": "public, max-age=300",
            "Access-Control-Allow-Origin": "*",
            "Accept-Ranges": "bytes",
            **kind.answers,
        }
        if ranged:
            data = data[:16]
            headers["Content-Range"] = f"bytes 0-15/{kind.size}"
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


FILES = {FEED: 100, PurePosixPath("media/a.mp3"): 100, PurePosixPath("captions/a.vtt"): 100}


OTHER_TYPES = {".mp3": "text/html", ".xml": "text/plain", ".vtt": "text/vtt"}
EACH = ("feed.xml", "captions/a.vtt", "media/a.mp3")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, []),
        ({"answers": {"Cache-Control": "no-cache"}}, []),
        ({"types": {".mp3": "audio/mpeg", ".xml": "text/xml", ".vtt": "text/vtt"}}, []),
        (
            {"types": OTHER_TYPES},
            [
                "feed.xml: its type is text/plain and should be application/rss+xml",
                "media/a.mp3: its type is text/html and should be audio/mpeg",
            ],
        ),
        ({"parts": False}, ["media/a.mp3: asked for a part"]),
        ({"answers": {"Accept-Ranges": ""}}, ["media/a.mp3: the server does not say that parts"]),
        ({"answers": {"Access-Control-Allow-Origin": ""}}, ["captions/a.vtt: players on other sites may not read it"]),
        ({"answers": {"Cache-Control": ""}}, [f"{path}: the server does not say how long" for path in EACH]),
        ({"answers": {"Cache-Control": "public, max-age=604800"}}, [f"{path}: caches may keep it" for path in EACH]),
        ({"answers": {"Cache-Control": "max-age=300, s-maxage=90000"}}, [f"{path}: caches may" for path in EACH]),
        ({"status": 403}, [f"{path}: the server answers 403" for path in EACH]),
        (
            {"size": 99},
            [*(f"{path}: the server has another file" for path in EACH), "media/a.mp3: asked for a part"],
        ),
    ],
)
def test_whatever_a_server_does_wrong_is_told_with_its_remedy(wrong: dict[str, object], told: list[str]) -> None:
    """One sentence a fault, naming the file; a server that does it right is told nothing."""
    with serving(type("Wrong", (Careless,), wrong)) as url:
        found = live.problems(url, FILES)
    assert len(found) == len(told), found
    for sentence, beginning in zip(sorted(found), sorted(told), strict=True):
        assert sentence.startswith(beginning)


def test_a_server_that_does_not_answer_is_told_once() -> None:
    """No wait for each file, no exception, no address of a driver."""
    began = time.monotonic()
    found = live.problems(f"http://127.0.0.1:{free_port()}/", FILES)
    assert found == ("feed.xml: no answer; look whether public_url is right and the server is up",)
    assert time.monotonic() - began < 5
    assert "public_url" in live.problems("", FILES)[0]


def test_a_redirect_leads_to_no_file_of_this_machine() -> None:
    """Only http and https are followed."""

    class Away(Careless):
        answers: ClassVar = {"Location": "file:///etc/passwd"}
        status = 302

    with serving(Away) as url:
        assert any("302" in problem or "no answer" in problem for problem in live.problems(url, {FEED: 100}))


def test_problems_are_warnings(sender: Sender) -> None:
    """What was sent stays sent, and the answer holds what to mend; where nobody wants it, nothing is asked."""
    with serving(type("Wrong", (Careless,), {"status": 404})) as url:
        sender.targets(there={"url": f"file://{sender.root.parent.parent}/www/show", "public_url": url})
        done = sender.push(check=True)
    assert done.new
    assert all("404" in problem for problem in done.problems)
    assert done.problems
    assert sender.push(check=False).problems == ()


# --- a hub -----------------------------------------------------------------------------------------------------------------


def test_a_hub_is_told_of_what_was_published_and_withdrawn_and_of_nothing_else(sender: Sender, tmp_path: Path) -> None:
    """WebSub's own form; a hub that fails holds nothing up."""
    heard: list[bytes] = []

    class Hub(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    said = b"hub.mode=publish&hub.url=https%3A%2F%2Fpodcast.example%2Fshow%2Ffeed.xml"
    with serving(Hub) as hub:
        sender.targets(there={"url": f"file://{tmp_path}/www"})
        sender.settings("show", show={"title": "What helps", "url": URL}, feed={"hub": hub})
        sender.push()
        assert heard == [said]
        sender.push()
        assert heard == [said]
        sender.studio.withdraw("ep-1", None)
        assert heard == [said, said]
        assert f'<atom:link href="{hub}" rel="hub"/>'.encode() in (tmp_path / "www" / "feed.xml").read_bytes()
    sender.public(2)
    assert any("hub could not be told" in note for note in sender.push().notes)


# --- the other settings on the page ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["nginx", "caddyfile", "apacheconf"])
def test_each_servers_settings_say_what_the_code_says(kind: str) -> None:
    """Cache lifetimes and the types that servers do not know by themselves are those of the code."""
    text = block(kind)
    for path in ("media/a.mp3", "feed.xml"):
        assert delivery.cache_control(PurePosixPath(path)) in text
    for path in ("feed.xml", "captions/a.vtt", "captions/a.srt", "chapters/a.json", "media/a.opus"):
        assert delivery.media_type(PurePosixPath(path)).partition(";")[0] in text
    assert "Access-Control-Allow-Origin" in text


def test_the_pages_examples_of_places_can_be_read(tmp_path: Path) -> None:
    """What the page shows is what the settings take."""
    from stablecast.store import settings
    from stablecast.targets.params import Targets

    example, secrets = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "targets.toml").write_text(example)
    assert set(settings.load(Targets, tmp_path / "targets.toml").targets) == {"web", "bucket", "stick"}
    from stablecast.targets.credentials import Credentials

    (tmp_path / "secrets.toml").write_text(secrets)
    assert settings.load(Credentials, tmp_path / "secrets.toml").key_file == "~/.ssh/podcast"
