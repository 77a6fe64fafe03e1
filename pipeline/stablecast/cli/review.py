"""`stablecast review`: the review in the browser, or the frozen cut as files."""

from __future__ import annotations

import signal
import threading
import webbrowser
from pathlib import Path
from types import FrameType

import click

from stablecast.cli.console import Console
from stablecast.errors import UsageRefused


@click.command()
@click.argument("episode", required=False)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Serve nothing: write the frozen cut into this new folder."
)
@click.option("--port", type=click.IntRange(1024, 65_535), help="Where to serve it on this machine; else 8317.")
@click.option("--host", default="127.0.0.1", hidden=True)
@click.option("--no-browser", is_flag=True, help="Only show the address.")
@click.pass_obj
def review(
    console: Console, episode: str | None, out: Path | None, port: int | None, host: str, no_browser: bool
) -> None:
    """Hear, read, correct and approve in the browser; Ctrl-C ends it. With --out, write the frozen cut into a folder.

    Only this machine can reach it, and the address is good for one browser; press Enter for another one.

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
    if host not in ("127.0.0.1", "localhost"):
        raise UsageRefused(
            "the review is served to this machine alone; for a phone in the same network there is --phone"
        )
    _serve(console, episode, port, browser=not no_browser)


def _serve(console: Console, episode: str | None, port: int | None, *, browser: bool) -> None:
    from stablecast.studio import Studio
    from stablecast.web import served
    from stablecast.web.app import BODY_BYTES, create_app
    from stablecast.web.guard import Address
    from stablecast.web.house import House

    passphrase = console.passphrase()
    studio = Studio(console.show, lambda: passphrase)
    studio.board()  # a wrong passphrase is told before a page is opened
    on = served.listening(served.PORT if port is None else port)
    house = House(studio, Address("http", served.LOOPBACK, on.getsockname()[1]))
    path = f"/episodes/{episode}/review" if episode else "/"

    def address() -> str:
        return f"{house.address.origin}{path}#{house.launches.fresh()}"

    ended = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with served.serving(create_app(house), on, body_bytes=BODY_BYTES):
            console.answer({"address": (first := address())}, [first])
            console.say("Only this machine can open it, once. Ctrl-C ends it.")
            if browser:
                webbrowser.open(first)
            ended.wait()
            house.close()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


COMMANDS = (review,)
