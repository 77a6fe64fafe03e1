"""The young person's pages for a phone in the same network: TLS in front of an app that has nothing else in it.

The certificate is made when the server starts and its key is never in a file with a name. It is signed by nobody, so the phone
warns: what shows that it is this machine is the fingerprint, which the terminal prints and a person compares.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from stablecast.errors import EnvironmentFailure, UsageRefused
from stablecast.web.served import serving

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

DAYS: Final = 15  # a link is good for 14
MOST_CONNECTIONS: Final = 64
HANDSHAKE_S: Final = 10.0
SILENT_S: Final = 120.0
BODY_BYTES: Final = 64 * 1024
_PIECE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for one address and its key, in memory."""

    fingerprint: str  # SHA-256, in pairs, as a browser shows it
    pem: bytes = field(repr=False)

    @classmethod
    def fresh(cls, host: str) -> Certificate:
        """For an IP address, from now on."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Stablecast")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=DAYS))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(
            made.fingerprint(hashes.SHA256()).hex(":").upper(), secret + made.public_bytes(serialization.Encoding.PEM)
        )

    def context(self) -> ssl.SSLContext:
        """What a server needs to use it. Raises EnvironmentFailure where no file can be kept in memory."""
        if not hasattr(os, "memfd_create"):
            raise EnvironmentFailure("this system keeps no files in memory, so --phone is not possible here")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, self.pem)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        return context


def own_address() -> str:
    """This machine's address in its network. Raises EnvironmentFailure where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: asks which address would be used
            found = str(probe.getsockname()[0])
        except OSError:
            found = "127.0.0.1"
    if ipaddress.ip_address(found).is_loopback:
        raise EnvironmentFailure(
            "this machine is in no network that a phone could reach; join one, or leave out --phone"
        )
    return found


def listening(host: str, port: int) -> socket.socket:
    """A socket at this machine's own address. Raises UsageRefused where the port is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError:
        found.close()
        raise UsageRefused("another program has the port beside this one; name another with --port") from None
    found.listen(64)
    return found


@contextmanager
def fronted(app: WSGIApplication, on: socket.socket, certificate: Certificate) -> Iterator[None]:
    """An app that is served with TLS on `on` while the block runs. Behind it is a socket that nobody else can open."""
    with tempfile.TemporaryDirectory(prefix="stablecast-") as folder, contextlib.ExitStack() as stack:
        behind = Path(folder) / "web"
        inner = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        inner.bind(str(behind))
        stack.enter_context(serving(app, inner, body_bytes=BODY_BYTES))
        front = _Front(behind, on, certificate.context())
        front.start()
        stack.callback(front.close)
        yield


class _Front:
    """Takes TLS off and hands the bytes on, unread."""

    def __init__(self, behind: Path, on: socket.socket, context: ssl.SSLContext) -> None:
        self._behind, self._on, self._context = behind, on, context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="stablecast-tls", daemon=True)
        self._open: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda _, __: None)  # what it would say names who connected
        server = self._loop.run_until_complete(
            asyncio.start_server(
                self._take, sock=self._on, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_S, limit=_PIECE
            )
        )
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  for mypy: a coroutine runs in one
        self._open.add(task)
        try:
            if len(self._open) <= MOST_CONNECTIONS:
                inner_reader, inner_writer = await asyncio.open_unix_connection(str(self._behind), limit=_PIECE)
                try:
                    await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))
                finally:
                    inner_writer.close()
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.transport.abort()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand bytes on until an end is closed or silent for too long; the other direction ends with it."""
    while True:
        piece = await asyncio.wait_for(reader.read(_PIECE), SILENT_S)
        if not piece:
            raise ConnectionResetError
        writer.write(piece)
        await asyncio.wait_for(writer.drain(), SILENT_S)
