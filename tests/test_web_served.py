"""`stablecast review` as a process, and the phone's way in."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import ipaddress
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from desks import EPISODE, MEDIA, PASSWORD, StandIn, serve
from stablecast.cli.main import cli
from stablecast.errors import EnvironmentFailure, UsageRefused
from stablecast.model import Role
from stablecast.studio import Studio
from stablecast.web import frame, phone, served
from stablecast.web.app import PHONE_ROOMS, ROOMS, create_app
from stablecast.web.guard import Address
from stablecast.web.house import House

STARTS_S = 60


def free_port() -> int:
    """A port that nothing listens on, nor on the one beside it."""
    while True:
        with socket.socket() as one, socket.socket() as beside:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                beside.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


@contextmanager
def reviewing(show: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the address it shows."""
    secret = show.with_name("passphrase")
    secret.write_text("correct horse\n")
    command = [sys.executable, "-m", "stablecast", "--show", str(show), "--passphrase-file", str(secret), "review"]
    process = subprocess.Popen(
        [*command, "--no-browser", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


def listens_at(pid: int) -> set[tuple[str, int]]:
    """Where a process takes connections, as the kernel tells it."""
    mine = {os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd") if os.path.lexists(entry.path)}  # noqa: PTH115
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in mine:
                address, port = fields[1].split(":")
                raw = b"".join(bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8))
                found.add((str(ipaddress.ip_address(raw)), int(port, 16)))
    return found


def only_here(found: set[tuple[str, int]]) -> None:
    """T20: every address is this machine's own loopback."""
    assert found
    assert all(ipaddress.ip_address(host).is_loopback for host, _ in found)


def test_only_this_machine_is_served_and_ctrl_c_ends_it(show: Path) -> None:
    """T20: the process listens on 127.0.0.1 alone; its address opens one browser; Ctrl-C ends it with code 0."""
    port = free_port()
    with reviewing(show, "--port", str(port)) as (process, address):
        assert re.fullmatch(rf"http://127\.0\.0\.1:{port}/#[A-Za-z0-9_-]{{22}}", address)
        found = listens_at(process.pid)
        assert found == {("127.0.0.1", port)}
        only_here(found)
        assert "correct horse" not in Path(f"/proc/{process.pid}/cmdline").read_text()
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_a_phone_is_let_in_only_where_that_was_asked_for(show: Path) -> None:
    """T20: with --phone one more port is open, at this machine's own address, and a warning and a fingerprint are printed."""
    port = free_port()
    with reviewing(show, "--port", str(port), "--phone") as (process, address):
        if not address and process.wait(10) == EnvironmentFailure.exit_code:
            pytest.skip("this machine is in no network")
        (outside,) = listens_at(process.pid) - {("127.0.0.1", port)}
        assert outside[1] == port + 1
        assert not ipaddress.ip_address(outside[0]).is_unspecified
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        assert process.stderr is not None
        said = process.stderr.read()
        assert "Everybody in this network can now reach" in said
        assert re.search(r"SHA-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}", said)


def test_listening_for_everybody_would_be_seen() -> None:
    """T20: the check of it fails for a socket that is open to the network."""
    with socket.socket() as everybody:
        everybody.bind(("0.0.0.0", 0))  # noqa: S104
        everybody.listen()
        with pytest.raises(AssertionError):
            only_here(listens_at(os.getpid()) & {("0.0.0.0", everybody.getsockname()[1])})  # noqa: S104


def run(show: Path, *arguments: str) -> Result:
    secret = show.with_name("passphrase")
    secret.write_text("correct horse\n")
    return CliRunner().invoke(cli, ["--show", str(show), "--passphrase-file", str(secret), *arguments])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])  # noqa: S104
def test_no_other_host_is_served(show: Path, host: str) -> None:
    """T20: it is refused in a sentence, with the way that there is."""
    refused = run(show, "review", "--host", host, "--no-browser")
    assert refused.exception is not None
    assert "--phone" in str(refused.exception)


def test_what_is_wrong_is_told_before_anything_is_served(show: Path) -> None:
    """A wrong passphrase, an episode there is not, a port that is taken, a folder without --out's episode."""
    show.with_name("wrong").write_text("wrong\n")
    wrong = CliRunner().invoke(
        cli, ["--show", str(show), "--passphrase-file", str(show.with_name("wrong")), "review", "--no-browser"]
    )
    assert getattr(wrong.exception, "exit_code", None) == 6
    assert getattr(run(show, "review", "ep-404", "--no-browser").exception, "exit_code", None) == 2
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        found = run(show, "review", "--no-browser", "--port", str(taken.getsockname()[1]))
        assert "another program has this port" in str(found.exception)
    assert run(show, "review", "--out", "x").exit_code == 2


def test_a_killed_server_leaves_nothing_open(show: Path) -> None:
    """T31, T50: after a kill the next one starts on the same port; what was on its way in is gone, and so are all sessions."""
    Studio(show, lambda: "correct horse").add_user("Pia", (Role.PRODUCER,), PASSWORD)
    port = free_port()
    left = show / ".stablecast-uploads" / "0" / "0"
    for _ in range(2):
        with reviewing(show, "--port", str(port)) as (process, address):
            assert address
            assert not left.exists()
            left.parent.mkdir(parents=True)
            left.write_bytes(b"sealed")
            process.kill()


# --- a phone ---------------------------------------------------------------------------------------------------------------

TRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TRUSTING.check_hostname = False
TRUSTING.verify_mode = ssl.CERT_NONE


@contextmanager
def with_phone(
    show: Path,
) -> Iterator[tuple[Callable[..., tuple[int, bytes]], StandIn, Address, phone.Certificate]]:
    """A phone's requests to the young person's pages."""
    studio = StandIn(show)
    certificate = phone.Certificate.fresh("127.0.0.1")
    on = phone.listening("127.0.0.1", 0)
    beside = Address("https", "127.0.0.1", on.getsockname()[1])
    with studio.uploads() as uploads:
        house = House(studio, uploads, Address("http", "127.0.0.1", 1), links=(beside,))
        with phone.fronted(create_app(house, beside, rooms=PHONE_ROOMS), on, certificate):

            def ask(path: str, **headers: str) -> tuple[int, bytes]:
                connection = http.client.HTTPSConnection("127.0.0.1", beside.port, context=TRUSTING, timeout=10)
                with contextlib.closing(connection):
                    connection.request(
                        "GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()}
                    )
                    answer = connection.getresponse()
                    return answer.status, answer.read()

            yield ask, studio, beside, certificate
        house.close()


def test_a_phone_gets_the_young_persons_pages_and_nothing_else(show: Path) -> None:
    """T20, T33: no page of staff is there, and no session of theirs counts."""
    with with_phone(show) as (ask, studio, beside, _):
        assert ask("/health")[0] == 200
        assert ask("/static/base.css")[0] == 200
        for room in ROOMS:
            if room not in PHONE_ROOMS:
                assert room.name not in create_app(_house(studio, beside), beside, rooms=PHONE_ROOMS).blueprints
        for path in ("/", "/board", "/me", "/sign-in", "/launch", "/uploads", "/new", f"/episodes/{EPISODE}/review"):
            assert ask(path)[0] in (404, 405), path
        assert ask(MEDIA)[0] == 401
        assert b"launch.js" not in ask("/yours/listen")[1]  # the terminal is nothing to a phone
        link = studio.open_link(studio.link())
        heard = ask(MEDIA, cookie=f"yours-{beside.port}={link.session}", range="bytes=0-99")
        assert (heard[0], len(heard[1])) == (206, 100)
        assert ask(MEDIA, host="evil.example")[0] == 421
        assert ask(MEDIA, host=f"127.0.0.1:{beside.port + 1}")[0] == 421


def _house(studio: StandIn, address: Address) -> House:
    with studio.uploads() as uploads:
        return House(studio, uploads, address)


def test_a_staff_session_is_nobodys_on_a_phone(show: Path) -> None:
    """T33: even with its secret."""
    with serve(StandIn(show)) as at:
        who = at.signed_in("Rio")
        (secret,) = who.cookies.values()
        beside = Address("https", "192.0.2.1", 4433)
        client = create_app(at.house, beside, rooms=PHONE_ROOMS).test_client()
        client.set_cookie("desk-4433", secret, domain="192.0.2.1")
        reply = client.get(MEDIA, base_url=beside.origin)
        assert reply.status_code == 401


def test_the_phones_line_is_encrypted_under_the_printed_fingerprint(show: Path) -> None:
    """TLS 1.2 or newer, the certificate that the terminal named, for 14 days and this address; and nothing in clear."""
    with with_phone(show) as (_, _, beside, certificate):
        with TRUSTING.wrap_socket(socket.create_connection(("127.0.0.1", beside.port))) as line:
            given = line.getpeercert(binary_form=True) or b""
            assert hashlib.sha256(given).hexdigest() == certificate.fingerprint.replace(":", "").lower()
            assert line.version() in ("TLSv1.2", "TLSv1.3")
        with socket.create_connection(("127.0.0.1", beside.port), timeout=5) as clear:
            clear.sendall(f"GET /health HTTP/1.1\r\nHost: {beside.netloc}\r\n\r\n".encode())
            with contextlib.suppress(ConnectionResetError):
                assert b"ok" not in clear.recv(1000)
        assert b"PRIVATE" in certificate.pem
        assert "PRIVATE" not in repr(certificate)


def test_a_young_persons_cookie_is_for_the_encrypted_line_alone(show: Path) -> None:
    """T31: Secure on the phone; kept for the 14 days of the link."""
    app = create_app(_house(StandIn(show), Address("https", "192.0.2.1", 4433)))
    studio = app.extensions["stablecast"].studio
    with app.test_request_context("/", base_url="https://192.0.2.1:4433"):
        cookie = [value for name, value in frame.enter(studio.link()).headers if name == "Set-Cookie"][-1]
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert f"Max-Age={14 * 86_400}" in cookie


def test_silent_phones_keep_nobody_out(show: Path) -> None:
    """T32: connections that never speak are held apart from those that do, and are not without end."""
    with with_phone(show) as (ask, _, beside, _):
        silent = [socket.create_connection(("127.0.0.1", beside.port)) for _ in range(100)]
        assert ask("/health")[0] == 200
        for connection in silent:
            connection.close()


def test_a_machine_without_a_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """--phone needs an address that a phone can reach."""

    class Alone(socket.socket):
        def connect(self, address: object) -> None:
            raise OSError

    monkeypatch.setattr(socket, "socket", Alone)
    with pytest.raises(EnvironmentFailure, match="no network"):
        phone.own_address()


def test_a_port_that_is_taken_is_refused() -> None:
    """In a sentence, for the phone's port too."""
    with served.listening(0) as taken:
        taken.listen()
        with pytest.raises(UsageRefused, match="name another"):
            phone.listening("127.0.0.1", taken.getsockname()[1])


def test_who_takes_too_long_is_let_go() -> None:
    """T32: a request has to arrive within half a minute of its first byte, and an answer has to be taken."""
    channel = served._Channel.__new__(served._Channel)
    channel.asked_at, channel.total_outbufs_len, channel.last_activity = None, 0, 0.0
    assert not channel.is_slow(10_000)  # waits for its next request: waitress ends that itself
    channel.asked_at = 100.0
    assert not channel.is_slow(100 + served.RECEIVE_S)
    assert channel.is_slow(101 + served.RECEIVE_S)
    channel.asked_at, channel.total_outbufs_len, channel.last_activity = None, 5, 100.0
    assert not channel.is_slow(100 + served.SEND_S)
    assert channel.is_slow(101 + served.SEND_S)


def test_a_slow_request_is_ended(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """T32: one byte a moment keeps no connection open."""
    monkeypatch.setattr(served, "RECEIVE_S", 0.3)
    monkeypatch.setattr(served, "CLEANUP_S", 0.1)
    with serve(StandIn(show)) as at, socket.create_connection(("127.0.0.1", at.port), timeout=5) as slow:
        began, sent = time.monotonic(), 0
        with contextlib.suppress(OSError):
            for sent in range(100):
                slow.sendall(b"G" if sent == 0 else b"E")
                time.sleep(0.1)
        assert time.monotonic() - began < 5
        assert sent < 90
