"""What opens a place elsewhere: from this system's keyring or from a file of its owner's alone. Never from argv or environment."""

from __future__ import annotations

import importlib
import os
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stablecast import codecs
from stablecast.codecs import Misfit
from stablecast.errors import EnvironmentFailure, GateClosed, UsageRefused
from stablecast.targets.params import AGENT, KEYRING, TargetParams

_SERVICE = "stablecast"
_KEYLESS = ("file", "memory")
_MOST_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Credentials:
    """TOML, in the file or as the keyring's entry. Never shown."""

    password: str = field(default="", repr=False)  # SFTP
    key_file: str = field(default="", repr=False)  # SFTP: the private key's file
    passphrase: str = field(default="", repr=False)  # SFTP: of that file
    key: str = field(default="", repr=False)  # S3
    secret: str = field(default="", repr=False)  # S3
    token: str = field(default="", repr=False)  # S3, if the provider gives one


def credentials(name: str, params: TargetParams, show: Path, *, kept_by: str = "") -> Credentials:
    """What opens the place `name`; `kept_by` is the command that puts it into the keyring.

    Raises UsageRefused, EnvironmentFailure or GateClosed: a sentence without a secret.
    """
    if params.scheme in _KEYLESS or params.credentials == AGENT:
        return Credentials()
    login = kept_by or f"stablecast targets login {name}"
    text = _from_keyring(name, params, login) if params.credentials == KEYRING else _from_file(name, params, show)
    try:
        found: Credentials = codecs.read(Credentials, tomllib.loads(text))
    except tomllib.TOMLDecodeError as broken:
        raise UsageRefused(f"the credentials of {name} are no TOML; docs/hosting.md shows how they look") from broken
    except Misfit as misfit:
        raise UsageRefused(f"the credentials of {name}: {'.'.join(misfit.where)} {misfit.problem}") from misfit
    lacking = _lacking(params.scheme, found)
    if lacking:
        raise UsageRefused(f"the credentials of {name} lack {lacking}; docs/hosting.md shows how they look")
    return found


def _lacking(scheme: str, found: Credentials) -> str | None:
    """What is missing. A driver would look elsewhere for it: in the environment, or in the network."""
    if scheme == "s3" and not (found.key and found.secret):
        return "key and secret"
    if scheme in ("sftp", "ssh") and not (found.password or found.key_file):
        return "a password or a key_file"
    return None


def keep(name: str, params: TargetParams, secrets: Credentials) -> None:
    """Put what opens a place into this system's keyring. Raises EnvironmentFailure."""
    text = "".join(f"{key} = {_toml(value)}\n" for key, value in codecs.plain(secrets).items() if value)
    with_keyring = _keyring()
    try:
        with_keyring.set_password(_SERVICE, params.url, text)
    except Exception as failed:
        raise EnvironmentFailure(f"this system's keyring did not take the credentials of {name}") from failed


def _toml(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'


def _from_keyring(name: str, params: TargetParams, login: str) -> str:
    try:
        found = _keyring().get_password(_SERVICE, params.url)
    except EnvironmentFailure:
        raise
    except Exception as failed:
        raise EnvironmentFailure(f"this system's keyring does not open, so {name} cannot be opened either") from failed
    if found is None:
        raise UsageRefused(
            f"this system's keyring has nothing for {name}; `{login}` puts it there, or name a file in credentials"
        )
    return str(found)


def _keyring() -> Any:
    try:
        return importlib.import_module("keyring")
    except ImportError as missing:
        raise EnvironmentFailure(
            "this system's keyring cannot be asked: run pip install 'stablecast[keyring]', or name a file in credentials"
        ) from missing


def _from_file(name: str, params: TargetParams, show: Path) -> str:
    path = Path(params.credentials).expanduser()
    if not path.is_absolute():
        raise UsageRefused(f"the credentials of {name} are named by a whole path, from / or ~ on")
    if path.resolve().is_relative_to(show.resolve()):
        raise GateClosed(f"the credentials of {name} lie in the show folder; put them somewhere else")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as missing:
        raise UsageRefused(f"the file with the credentials of {name} cannot be read") from missing
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UsageRefused(f"the credentials of {name} are in no plain file")
        if status.st_mode & 0o077 or status.st_uid != os.geteuid():
            raise GateClosed(f"others can read the file with the credentials of {name}; run chmod 600 on it")
        return os.read(descriptor, _MOST_BYTES).decode()
    except UnicodeDecodeError as binary:
        raise UsageRefused(f"the file with the credentials of {name} is no text") from binary
    finally:
        os.close(descriptor)
