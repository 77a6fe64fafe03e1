"""Places elsewhere on this machine: an SFTP server, an S3 server, a wire that is cut; and a show with something to send there."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import hashlib
import os
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Protocol

import pytest
from lxml import etree

from stablecast import codecs
from stablecast.model import Digest, PublicEpisode, slug_of
from stablecast.stages.publish import FEED, Release
from stablecast.store.state import ReleaseRow, State
from stablecast.store.workspace import Workspace
from stablecast.studio import Studio, intake, release
from stablecast.studio.show import OpenShow
from stablecast.studio.views import PushView
from test_feed import an_episode

URL = "https://podcast.example/show/"
NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
SOUND_BYTES = 300_000
SMALL_BYTES = 2000


def never() -> str:
    """A passphrase that nobody may ask for."""
    pytest.fail("the passphrase was asked for")


class Sender:
    """A show whose episodes are public already, and its places elsewhere."""

    def __init__(self, folder: Path, **targets: Mapping[str, str]) -> None:
        self.root = folder / "show"
        self.root.mkdir(parents=True)
        workspace = Workspace(self.root)
        workspace.make()
        for name in intake.EXAMPLES:
            workspace.config(name).write_bytes(intake.example(name))
        with State.create(workspace.state, show_id="show", demo=True):
            pass  # no keyring: nothing here needs one
        self.said: list[str] = []
        self.now = NOW
        self.studio = Studio(self.root, never, lambda: self.now, say=self.said.append)
        self.settings("show", show={"title": "What helps", "url": URL})
        self.targets(**targets)

    def targets(self, **targets: Mapping[str, str]) -> None:
        self.settings("targets", **{f"targets.{name}": values for name, values in targets.items()})

    def settings(self, name: str, **tables: Mapping[str, str]) -> None:
        lines = []
        for table, values in tables.items():
            lines += [f"[{table}]", *(f"{key} = {value!r}".replace("'", '"') for key, value in values.items())]
        (self.root / "config" / f"{name}.toml").write_text("\n".join(lines) + "\n")

    def open(self) -> OpenShow:
        return OpenShow(self.root, never, lambda: self.now)

    def public(self, number: int, size_bytes: int = SOUND_BYTES) -> str:
        """One more public episode, made of nothing but numbers; its slug."""
        slug, day = f"ep-{number}", date(2026, 1, number)
        with self.open() as show:
            episode = dataclasses.replace(an_episode(number), enclosure_bytes=size_bytes)
            row = show.state.episode(slug_of(slug)) or show.state.add_episode(slug_of(slug), episode.public_id)
            files = {path: random.Random(path.name).randbytes(SMALL_BYTES) for path in _others(episode)}  # noqa: S311
            if episode.small:
                sound = Digest(hashlib.sha256(files[episode.small.path]).hexdigest())
                small = dataclasses.replace(episode.small, size_bytes=SMALL_BYTES, sha256=sound)
                episode = dataclasses.replace(episode, small=small)
            files[episode.enclosure] = random.Random(number).randbytes(size_bytes)  # noqa: S311
            for path, data in files.items():
                (show.workspace.public / path).parent.mkdir(parents=True, exist_ok=True)
                (show.workspace.public / path).write_bytes(data)
            digests = {path: Digest(hashlib.sha256(data).hexdigest()) for path, data in files.items()}
            body = codecs.canonical(Release(episode, day, digests)).decode()
            head = show.state.log(self.now, "operator", "published", row.id).hash
            digest = Digest(hashlib.sha256(slug.encode()).hexdigest())
            show.state.add_release(ReleaseRow(row.id, digest, day, self.now, body, head))
            show.state.make_swap_due()
            release.take_down_due(show)
        return slug

    def push(self, name: str = "there", **options: bool) -> PushView:
        (*_, done) = self.studio.push(name, **{"check": False, **options})
        assert isinstance(done, PushView)
        return done

    def here(self) -> dict[PurePosixPath, bytes]:
        """The public tree on this machine."""
        return files_below(self.root / "feed")


def _others(episode: PublicEpisode) -> list[PurePosixPath]:
    """Its files besides the enclosure."""
    small = [episode.small.path] if episode.small else []
    return [*small, episode.vtt, episode.srt, episode.chapters, *(file.path for file in episode.transcripts)]


def files_below(folder: Path) -> dict[PurePosixPath, bytes]:
    """Every file below a folder but a README."""
    return {
        PurePosixPath(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "README.md"
    }


def named_by(feed: bytes, url: str = URL) -> dict[PurePosixPath, int | None]:
    """The files that a feed names below its address, with the size where it says one."""
    found: dict[PurePosixPath, int | None] = {}
    for element in etree.fromstring(feed).iter():
        for value in (*element.attrib.values(), element.text or ""):
            if str(value).startswith(url) and "." in str(value).rpartition("/")[2]:
                path = PurePosixPath(str(value)[len(url) :])
                length = element.get("length")
                found[path] = int(length) if length else found.get(path)
    return found


class Server(Protocol):
    """A place to send to: its address for a port, and what lies there."""

    port: int

    def target(self, port: int) -> dict[str, str]: ...

    def files(self) -> dict[PurePosixPath, bytes]: ...

    def put(self, path: str, data: bytes) -> None: ...

    def empty(self) -> None: ...


def secret_file(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


# --- SFTP ------------------------------------------------------------------------------------------------------------------


class Sshd:
    """OpenSSH's own server, as this user, for SFTP alone."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if program is None or shutil.which("ssh-keygen") is None:
            pytest.skip("no sshd here (package openssh-server)")
        self.folder, self.there = folder, folder / "there"
        self.there.mkdir(parents=True)
        for name in ("host", "client"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        (folder / "authorized").write_text((folder / "client.pub").read_text())
        self.port = free_port()
        self.key = " ".join((folder / "host.pub").read_text().split()[:2])
        options = (
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {folder / 'host'}", "PidFile none", "UsePAM no",
            f"AuthorizedKeysFile {folder / 'authorized'}", "StrictModes no", "PasswordAuthentication no",
            "PermitRootLogin yes", "Subsystem sftp internal-sftp", "MaxStartups 100",
        )  # fmt: skip
        (folder / "config").write_text("\n".join(options) + "\n")
        if os.geteuid() == 0:
            with contextlib.suppress(OSError):
                Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it keeps nothing, but wants to
        tried = subprocess.run([program, "-t", "-f", str(folder / "config")], capture_output=True, text=True)
        if tried.returncode:
            pytest.skip(f"sshd does not start here: {tried.stderr.strip()}")
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen([program, "-D", "-e", "-f", str(folder / "config")], stderr=log)
        wait_for(self.port)
        self.credentials = secret_file(folder / "sftp.toml", f'key_file = "{folder / "client"}"\n')

    def target(self, port: int) -> dict[str, str]:
        url = f"sftp://{getpass.getuser()}@127.0.0.1:{port}{self.there}"
        return {"url": url, "host_key": self.key, "credentials": self.credentials}

    def files(self) -> dict[PurePosixPath, bytes]:
        return files_below(self.there)

    def put(self, path: str, data: bytes) -> None:
        (self.there / path).write_bytes(data)

    def empty(self) -> None:
        shutil.rmtree(self.there)
        self.there.mkdir()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)


# --- S3 --------------------------------------------------------------------------------------------------------------------


class Bucket:
    """moto's S3 server with one bucket."""

    def __init__(self, folder: Path, *, versions: bool = False) -> None:
        pytest.importorskip("s3fs", reason="no s3fs here (stablecast[remote])")
        moto = pytest.importorskip("moto.server", reason="no moto here")
        boto3 = pytest.importorskip("boto3", reason="no boto3 here")
        self._server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        _, self.port = self._server.get_host_and_port()
        self.name = f"shows-{self.port}"
        self.s3 = boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{self.port}", region_name="us-east-1",
            aws_access_key_id="key", aws_secret_access_key="secret",
        )  # fmt: skip
        self.s3.create_bucket(Bucket=self.name)
        if versions:
            self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        self.credentials = secret_file(folder / "s3.toml", 'key = "key"\nsecret = "secret"\n')

    def target(self, port: int) -> dict[str, str]:
        return {
            "url": f"s3://{self.name}/ours/show",
            "endpoint": f"http://127.0.0.1:{port}",
            "region": "us-east-1",
            "credentials": self.credentials,
        }

    def files(self) -> dict[PurePosixPath, bytes]:
        found = {}
        for entry in self.s3.list_objects_v2(Bucket=self.name).get("Contents", ()):
            body = self.s3.get_object(Bucket=self.name, Key=entry["Key"])["Body"]
            with contextlib.closing(body):
                found[PurePosixPath(entry["Key"]).relative_to("ours/show")] = body.read()
        return found

    def put(self, path: str, data: bytes) -> None:
        self.s3.put_object(Bucket=self.name, Key=f"ours/show/{path}", Body=data)

    def versions(self) -> list[str]:
        """The keys of which any version is left, delete markers among them."""
        page = self.s3.list_object_versions(Bucket=self.name)
        return [entry["Key"] for kind in ("Versions", "DeleteMarkers") for entry in page.get(kind, ())]

    def empty(self) -> None:
        for path in self.files():
            self.s3.delete_object(Bucket=self.name, Key=f"ours/show/{path}")

    def close(self) -> None:
        self.s3.close()
        self._server.stop()


# --- a wire that is cut ----------------------------------------------------------------------------------------------------


class Wire:
    """A TCP proxy to a port of this machine. After `cut_after` bytes towards the server it is cut, and stays so until `mend`."""

    def __init__(self, to_port: int) -> None:
        self._to, self.sent = to_port, 0
        self.cut_after: int | None = None
        self._lock, self._open = threading.Lock(), set[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.is_cut:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._to))
            with self._lock:
                self._open |= {client, server}
            for one, other, counted in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._carry, args=(one, other, counted), daemon=True).start()

    @property
    def is_cut(self) -> bool:
        return self.cut_after is not None and self.sent >= self.cut_after

    def _carry(self, one: socket.socket, other: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(16384):
                if counted:
                    with self._lock:
                        room = len(data) if self.cut_after is None else max(0, self.cut_after - self.sent)
                        self.sent += len(data)
                    data = data[:room]
                other.sendall(data)
                if self.is_cut:
                    break
        self._drop(one, other)
        if self.is_cut:
            with self._lock:
                still = tuple(self._open)
            self._drop(*still)

    def _drop(self, *ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
            with self._lock:
                self._open.discard(end)

    def cut(self, after: int | None) -> None:
        """Count from now on, and cut after so many bytes; None: never."""
        with self._lock:
            self.sent, self.cut_after = 0, after

    def close(self) -> None:
        self._listener.close()
        with self._lock:
            still = tuple(self._open)
        self._drop(*still)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail("a server did not start")


@contextlib.contextmanager
def wire(to_port: int) -> Iterator[Wire]:
    made = Wire(to_port)
    try:
        yield made
    finally:
        made.close()


def whole(there: Mapping[PurePosixPath, bytes], known: Mapping[PurePosixPath, bytes]) -> None:
    """Every file that the feed in place names is there, byte for byte one that was sent whole."""
    for path, size in named_by(there[FEED]).items():
        assert path in there, path
        assert size is None or len(there[path]) == size, path
        if path.parts[0] in ("media", "captions", "chapters"):
            assert there[path] == known[path], path


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "www" / "show"


@pytest.fixture
def sender(tmp_path: Path, there: Path) -> Sender:
    made = Sender(tmp_path / "ours", there={"url": f"file://{there}"})
    made.public(1)
    return made
