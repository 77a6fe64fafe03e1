"""A web server for a public folder, on this machine alone: nginx where it is installed, and one of our own that knows Range."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

NGINX = shutil.which("nginx") or (str(found) if (found := Path("/usr/sbin/nginx")).exists() else None)
TYPES = {
    "xml": "application/rss+xml",
    "html": "text/html",
    "css": "text/css",
    "jpg": "image/jpeg",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "json": "application/json",
    "txt": "text/plain",
}
CHAPTERS = "application/json+chapters"  # what lies in chapters/


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of files, one Range at a time (RFC 9110), an ETag of the bytes, and nothing about the moment."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: object, folder: Path) -> None:
        self._folder = folder
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = (self._folder / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        if path.is_dir():
            path = path / "index.html"
        if self._folder not in path.parents or not path.is_file():
            self._head(404, {"Content-Length": "0"})
            return
        data = path.read_bytes()
        tag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        kind = CHAPTERS if path.parent.name == "chapters" else TYPES.get(path.suffix[1:], "application/octet-stream")
        headers = {
            "Content-Type": kind,
            "Accept-Ranges": "bytes",
            "ETag": tag,
            "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True),
            "Access-Control-Allow-Origin": "*",
        }
        if self.headers.get("If-None-Match") == tag:
            self._head(304, headers)
            return
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if asked is None or self.headers.get("If-Range", tag) != tag:
            self._head(200, headers | {"Content-Length": str(len(data))}, data if body else b"")
            return
        first, last = asked.groups()
        start = int(first) if first else max(0, len(data) - int(last or 0))
        stop = min(len(data), int(last) + 1 if first and last else len(data))
        if start >= stop:
            self._head(416, {"Content-Range": f"bytes */{len(data)}", "Content-Length": "0"})
            return
        part = data[start:stop]
        more = {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}", "Content-Length": str(len(part))}
        self._head(206, headers | more, part if body else b"")

    def _head(self, code: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response_only(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server that answers as `handler` does."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def ours(folder: Path) -> contextlib.AbstractContextManager[str]:
    """The address of a server of our own that gives files in parts."""
    return serving(functools.partial(_Handler, folder=folder.resolve()))


def plain(folder: Path) -> Callable[[int], str]:
    """For nginx: `folder`, with the types of a public folder."""
    kinds = "\n".join(f"{kind} {suffix};" for suffix, kind in TYPES.items())
    return lambda port: (
        f"""types {{ {kinds} }}
        server {{ listen 127.0.0.1:{port}; root {folder}; add_header Access-Control-Allow-Origin *;
            location /chapters/ {{ types {{ }} default_type {CHAPTERS}; }} }}"""
    )


@contextlib.contextmanager
def nginx(settings: Callable[[int], str], own: Path) -> Iterator[str]:
    """The address of an nginx that keeps what it needs in `own`; `settings` are those of its part `http`, for a port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own.mkdir(exist_ok=True)
    places = "\n".join(f"{name}_temp_path {own};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (own / "nginx.conf").write_text(
        f"""daemon off; master_process off; pid {own}/pid; error_log {own}/error.log;
        events {{ worker_connections 64; }}
        http {{ access_log off; server_tokens off; {places} {settings(port)} }}"""
    )
    command = [str(NGINX), "-p", str(own), "-e", str(own / "error.log"), "-c", str(own / "nginx.conf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert process.poll() is None, process.stderr and process.stderr.read().decode()
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(10)
