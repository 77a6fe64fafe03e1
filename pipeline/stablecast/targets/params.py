"""config/targets.toml: the places elsewhere that a show is published to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

KEYRING, AGENT = "keyring", "agent"
_GIT_HOSTS = (
    "github.io", "github.com", "gitlab.io", "gitlab.com", "codeberg.page", "codeberg.org", "bitbucket.io", "bitbucket.org",
    "sr.ht", "srht.site",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TargetParams:
    """config/targets.toml, a table [targets.NAME] for each place."""

    url: str = ""  # sftp://user@host/folder, s3://bucket/folder, file:///folder, or any other that fsspec knows
    public_url: str = ""  # where listeners find it; empty: the show's own url
    credentials: str = KEYRING  # "keyring" of this system, "agent" (SFTP alone), or a file outside the show, mode 0600
    host_key: str = ""  # SFTP: the server's key, "ssh-ed25519 AAAA…"; empty: what ~/.ssh/known_hosts says
    endpoint: str = ""  # S3: the provider's address; empty: Amazon's
    region: str = ""  # S3: where the bucket is, if the provider asks for it

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if not parts.scheme or not (parts.netloc or parts.path.strip("/")):
            raise ValueError('url is an address such as "sftp://user@host/folder" or "s3://bucket/folder"')
        if parts.password is not None or parts.query or parts.fragment:
            raise ValueError("url holds no password and nothing after the folder; see `credentials`")
        try:
            _ = parts.port
        except ValueError as bad:
            raise ValueError("url has a port that is no number") from bad
        if parts.scheme == "sftp" and not parts.hostname:
            raise ValueError("url names no server")
        if parts.scheme == "s3" and not parts.netloc:
            raise ValueError("url names no bucket")
        if parts.scheme == "file" and parts.netloc:
            raise ValueError("url of a folder here has three slashes: file:///folder")
        for name, address in (("public_url", self.public_url), ("endpoint", self.endpoint)):
            if address and urlsplit(address).scheme not in ("http", "https"):
                raise ValueError(f"{name} begins with https:// or http://")
        if self.credentials == AGENT and parts.scheme != "sftp":
            raise ValueError("credentials from an agent are for SFTP alone")
        if self.host_key and len(self.host_key.split()) < 2:
            raise ValueError('host_key is a type and a key, "ssh-ed25519 AAAA…"')

    @property
    def scheme(self) -> str:
        return urlsplit(self.url).scheme


@dataclass(frozen=True, slots=True)
class Targets:
    """config/targets.toml."""

    targets: Mapping[str, TargetParams] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.targets:
            if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name):
                raise ValueError("targets have names of a–z, 0–9 and hyphens, up to 32")


def git_host(*addresses: str) -> str | None:
    """The host among `addresses` that serves pages out of a git repository, if one does."""
    hosts = [urlsplit(address).hostname or "" for address in addresses]
    return next((host for host in hosts if any(host == g or host.endswith(f".{g}") for g in _GIT_HOSTS)), None)
