"""`stablecast review`: the review in the browser, or the frozen cut as files."""

from __future__ import annotations

import contextlib
import select
import signal
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import click

from stablecast.cli.console import Console
from stablecast.errors import UsageRefused

LOOPBACK = ("127.0.0.1", "localhost")
_POLL_S = 0.5


@click.command()
@click.argument("episode", required=False)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Serve nothing: write the frozen cut into this new folder."
)
@click.option("--port", type=click.IntRange(1024, 65_534), help="Where to serve it on this machine; else 8317.")
@click.option("--host", default=LOOPBACK[0], hidden=True)
@click.option("--no-browser", is_flag=True, help="Only show the address.")
@click.option("--phone", is_flag=True, help="Let a phone in this network open a young person's link, over TLS.")
@click.pass_obj
def review(
    console: Console, episode: str | None, out: Path | None, port: int | None, host: str, no_browser: bool, phone: bool
) -> None:
    """Hear, read, correct and approve in the browser; Ctrl-C ends it. With --out, write the frozen cut into a folder.

    Only this machine can reach it. The address is good for one browser; press Enter for another one.

    \b
    Example:
      stablecast review
      stablecast review ep-001 --no-browser
      stablecast review ep-001 --out ~/Desktop/ep-001-cut
    """
    if out is not None:
        if episode is None:
            raise click.UsageError("--out needs the name of an episode")
        written = console.studio().export(episode, out)
        console.answer({"episode": episode, "files": [str(path) for path in written]}, (str(path) for path in written))
        return
    if host not in LOOPBACK:
        raise UsageRefused(
            "the review is served to this machine alone; for a young person's phone in this network there is --phone"
        )
    _serve(console, episode, port, browser=not no_browser, phone=phone)


def _serve(console: Console, episode: str | None, port: int | None, *, browser: bool, phone: bool) -> None:
    from stablecast.studio import Studio
    from stablecast.web import phone as phones
    from stablecast.web import served
    from stablecast.web.app import MOST_BODY_BYTES, PHONE_ROOMS, create_app
    from stablecast.web.guard import Address
    from stablecast.web.house import House

    passphrase = console.passphrase()
    studio = Studio(console.show, lambda: passphrase, asks=False)
    if episode is not None and not studio.knows(episode):
        raise UsageRefused("there is no episode of that name; `stablecast status` lists those there are")
    with studio.uploads() as uploads, contextlib.ExitStack() as stack:
        on = served.listening(served.PORT if port is None else port)
        address = Address("http", served.LOOPBACK, on.getsockname()[1])
        beside = Address("https", phones.own_address(), address.port + 1) if phone else None
        house = House(studio, uploads, address, links=() if beside is None else (beside,))
        stack.enter_context(served.serving(create_app(house), on, body_bytes=MOST_BODY_BYTES))
        stack.callback(house.close)
        if beside is not None:
            certificate = phones.Certificate.fresh(beside.host)
            outside = phones.listening(beside.host, beside.port)
            stack.enter_context(phones.fronted(create_app(house, beside, rooms=PHONE_ROOMS), outside, certificate))
            console.say(
                "Everybody in this network can now reach the young person's pages; who has no link sees nothing."
            )
            console.say(f"A phone warns once. Before you say yes there, compare: SHA-256 {certificate.fingerprint}")
        path = f"/episodes/{episode}/review" if episode else "/"
        console.say("Only this machine can open the address, and once. Ctrl-C ends it; Enter shows another address.")
        for number, _ in enumerate(_each_wish()):
            shown = f"{address.origin}{path}#{house.launches.fresh()}"
            console.answer({"address": shown}, [shown])
            sys.stdout.flush()
            if browser and number == 0:
                webbrowser.open(shown)


def _each_wish() -> Iterator[None]:
    """Once at first, then each time somebody presses Enter, until the process is told to end."""
    ended = False

    def end(_: int, __: FrameType | None) -> None:
        nonlocal ended
        ended = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
        asked = [sys.stdin] if sys.stdin is not None and sys.stdin.isatty() else []
        while not ended:
            ready, _, _ = select.select(asked, [], [], _POLL_S)
            if ready and sys.stdin.readline():
                yield
            elif ready:
                asked = []
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


COMMANDS = (review,)
