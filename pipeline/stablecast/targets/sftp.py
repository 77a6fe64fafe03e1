"""A folder by SFTP: fsspec's file system on paramiko, which knows the server by its key and never trusts a new one."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

from stablecast.errors import GateClosed, UsageRefused
from stablecast.targets.credentials import Credentials
from stablecast.targets.params import AGENT, TargetParams
from stablecast.targets.remote import Place, Unreachable, in_sentences

_KNOWN_HOSTS = (Path("/etc/ssh/ssh_known_hosts"), Path("~/.ssh/known_hosts"))
_PORT = 22
_AHEAD = 64  # requests for 32 KiB each that are under way while a file is read


class _Stranger(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        raise _UnknownServerError


class _UnknownServerError(Exception):
    pass


class _NoKeyError(Exception):
    pass


class _Files(SFTPFileSystem):  # type: ignore[misc]  # no types
    """As fsspec's, but for known servers only, and with an end to every wait."""

    def _connect(self) -> None:
        host_key, timeout_s = self.ssh_kwargs.pop("host_key"), self.ssh_kwargs.pop("timeout_s")
        self.client = paramiko.SSHClient()
        self.client.set_missing_host_key_policy(_Stranger())
        port = self.ssh_kwargs["port"]
        if host_key:
            kind, key = host_key.split()[:2]
            known = f"[{self.host}]:{port}" if port != _PORT else self.host
            try:
                loaded = paramiko.PKey.from_type_string(kind, base64.b64decode(key))
            except (ValueError, paramiko.SSHException) as broken:
                raise _NoKeyError from broken
            self.client.get_host_keys().add(known, loaded.get_name(), loaded)
        else:
            for file in _KNOWN_HOSTS:
                with contextlib.suppress(OSError):
                    self.client.load_system_host_keys(str(file.expanduser()))
        try:
            self.client.connect(
                self.host, **self.ssh_kwargs, timeout=timeout_s, banner_timeout=timeout_s, auth_timeout=timeout_s
            )
            self.ftp = self.client.open_sftp()
            self.ftp.get_channel().settimeout(timeout_s)
        except BaseException:
            self.client.close()
            raise


@contextlib.contextmanager
def opened(
    name: str, params: TargetParams, credentials: Credentials, *, timeout_s: float, private: bool = False
) -> Iterator[Place]:
    """The folder that `params` describe. Raises GateClosed for a server that is not known, Unreachable."""
    parts = urlsplit(params.url)
    root = unquote(parts.path)
    agent = params.credentials == AGENT
    with in_sentences(name):
        files = _connected(
            name,
            parts.hostname or "",
            skip_instance_cache=True,
            port=parts.port or _PORT,
            username=unquote(parts.username) if parts.username else None,
            password=credentials.password or None,
            key_filename=str(Path(credentials.key_file).expanduser()) if credentials.key_file else None,
            passphrase=credentials.passphrase or None,
            allow_agent=agent,
            look_for_keys=agent,
            host_key=params.host_key,
            timeout_s=timeout_s,
        )
    try:
        yield _Folder(name, files, root.removeprefix("/~/") if root.startswith("/~/") else root, private=private)
    finally:
        files.client.close()


def _connected(name: str, host: str, **options: Any) -> _Files:
    try:
        return _Files(host, **options)
    except _UnknownServerError as stranger:
        raise GateClosed(
            f"the server of {name} is not known here; ask its provider for the key and put it into host_key, "
            "or connect once with ssh and compare what it shows"
        ) from stranger
    except _NoKeyError as broken:
        raise UsageRefused(
            f"targets.toml: host_key of {name} is no key; copy type and key from what its provider publishes"
        ) from broken
    except paramiko.BadHostKeyException as other:
        raise GateClosed(
            f"the server of {name} shows another key than the one that is known: somebody may stand in between; "
            "nothing was sent. Ask its provider"
        ) from other
    except paramiko.AuthenticationException as refused:
        raise Unreachable(f"{name} does not let us in; check its credentials") from refused


class _Folder(Place):
    def _folder(self, folder: str) -> None:
        if folder in self._made:
            return
        above = ""
        for part in folder.split("/"):
            above = f"{above}/{part}" if above or folder.startswith("/") else part
            above = above.replace("//", "/")
            if part and not self._files.exists(above):
                self._files.ftp.mkdir(above, self._folder_mode)
                self._files.ftp.chmod(above, self._folder_mode)  # whatever the server's umask is
        self._made.add(folder)

    def _open(self, path: str) -> Any:
        file = self._files.ftp.open(path, "wb")
        file.set_pipelined(True)
        return file

    def _read(self, path: str) -> Any:
        file = self._files.ftp.open(path, "rb")
        file.prefetch(self._size(path), max_concurrent_requests=_AHEAD)
        return file

    def _size(self, path: str) -> int:
        return int(self._files.ftp.stat(path).st_size or 0)

    def _time(self, path: str) -> float | None:
        try:
            return float(self._files.ftp.stat(path).st_mtime or 0)
        except FileNotFoundError:
            return None

    def _settle(self, path: str, at: float) -> None:
        self._files.ftp.chmod(path, self._file_mode)
        self._files.ftp.utime(path, (at, at))

    def _rename(self, part: str, path: str) -> None:
        self._files.ftp.posix_rename(part, path)  # over what is there, in one step

    def _unlink(self, path: str) -> None:
        self._files.ftp.remove(path)

    def _there(self, path: str) -> bool:
        try:
            self._files.ftp.lstat(path)
        except FileNotFoundError:
            return False
        return True
