"""A real cluster on 127.0.0.1: an authority, a scheduler and workers, all over TLS, each a process of its own."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

START_S = 60.0


def authority(folder: Path) -> tuple[str, str, str]:
    """A new authority in `folder`, and a certificate by it for 127.0.0.1: the paths of `ca.pem`, `node.pem`, `node.key`."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def begun(name: str, key: ec.EllipticCurvePrivateKey, by: str) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named(by))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    top, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    ca = (
        begun("cluster", top, "cluster")
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(top.public_key()), critical=False)
        .sign(top, hashes.SHA256())
    )
    node = (
        begun("node", leaf, "cluster")
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(top.public_key()), critical=False)
        .sign(top, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    key = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for name, data in (("ca.pem", ca.public_bytes(pem)), ("node.pem", node.public_bytes(pem)), ("node.key", key)):
        (folder / name).write_bytes(data)
    return str(folder / "ca.pem"), str(folder / "node.pem"), str(folder / "node.key")


@dataclass
class Cluster:
    """A scheduler, and the workers that were started for it."""

    address: str
    files: tuple[str, str, str]
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    log: Path | None = None

    @property
    def options(self) -> list[str]:
        ca, cert, key = self.files
        return ["--scheduler", self.address, "--tls-ca", ca, "--tls-cert", cert, "--tls-key", key]

    def worker(self, root: Path, workers: int = 1) -> subprocess.Popen[bytes]:
        """Start a `stablecast worker` in a session of its own; it is not waited for."""
        return self._worker(["--show", str(root)], ["--workers", str(workers)], self.environment, root)

    def worker_away(self, folder: Path, *options: str) -> subprocess.Popen[bytes]:
        """Start one that sees no show, in an empty folder that is also where its temporary files lie."""
        folder.mkdir(parents=True)
        environment = self.environment | {"TMPDIR": str(folder)}
        return self._worker([], ["--workers", "1", *options], environment, folder)

    def _worker(
        self, before: list[str], after: list[str], environment: dict[str, str], cwd: Path
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "stablecast", *before, "worker", *after, *self.options]
        with (self.log or Path(os.devnull)).open("ab") as log:
            started = subprocess.Popen(
                command, env=environment, start_new_session=True, stdout=log, stderr=log, cwd=cwd
            )
        self.processes.append(started)
        return started


@contextlib.contextmanager
def cluster(folder: Path, environment: dict[str, str]) -> Iterator[Cluster]:
    """A scheduler on a free port; when the block ends, it and its workers are ended."""
    ca, cert, key = files = authority(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "cluster.log"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--protocol", "tls", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    command += ["--tls-ca-file", ca, "--tls-cert", cert, "--tls-key", key]
    with log.open("ab") as out:
        scheduler = subprocess.Popen(command, env=environment, start_new_session=True, stdout=out, stderr=out)
    made = Cluster(f"tls://127.0.0.1:{port}", files, environment, [scheduler], log)
    try:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert scheduler.poll() is None, log.read_text()
            time.sleep(0.1)
        yield made
    finally:
        for process in reversed(made.processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
