"""What can be seen of this machine without changing anything: where a folder lies, and whether disk and swap are encrypted.

Linux tells by /proc and /sys, macOS by its own tools. What cannot be seen is None, never a guess.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SYNCED: Final = ("dropbox", "onedrive", "icloud", "google drive", "googledrive", "nextcloud", "owncloud", "syncthing",
                  "cloudstorage", "mobile documents")  # fmt: skip
_SYNC_MARKS: Final = (
    ".dropbox",
    ".dropbox.cache",
    ".stfolder",
    ".sync_journal.db",
    ".nextcloudsync.log",
    ".owncloudsync.log",
)
_ENCRYPTING: Final = ("ecryptfs", "fuse.gocryptfs", "fuse.cryfs", "fuse.encfs")
_MEMORY: Final = ("tmpfs", "ramfs")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a folder lies."""

    in_git: bool
    synced: bool
    open_to_others: bool  # whether its mode lets other users of this computer in


def place(folder: Path) -> Place:
    """Where a folder lies, or would lie."""
    resolved = folder.resolve()
    above = (resolved, *resolved.parents)
    named = any(name in part.lower() for part in resolved.parts for name in _SYNCED)
    marked = any((up / mark).exists() for up in above for mark in _SYNC_MARKS)
    mode = resolved.stat().st_mode if resolved.exists() else 0
    return Place(any((up / ".git").exists() for up in above), named or marked, bool(mode & 0o077))


def disk_encrypted(folder: Path) -> bool | None:
    """Whether what is written into `folder` lies encrypted on its disk."""
    if sys.platform == "darwin":
        return _filevault()
    at = next(up for up in (folder.resolve(), *folder.resolve().parents) if up.exists())
    found = _mounted(at)
    if found is None:
        return None
    kind, source = found
    if kind in _ENCRYPTING or kind in _MEMORY:
        return True
    return _device_encrypted(Path(source)) if source.startswith("/dev/") else None


def swap_encrypted() -> bool | None:
    """Whether memory that is written to disk lies encrypted there; True where none is written."""
    if sys.platform == "darwin":
        return True  # since 10.7, always
    try:
        lines = Path("/proc/swaps").read_text().splitlines()[1:]
    except OSError:
        return None
    answers = [_swap_encrypted(Path(line.split()[0])) for line in lines if line.strip()]
    return None if None in answers and False not in answers else all(answers)


def _swap_encrypted(swap: Path) -> bool | None:
    if swap.name.startswith("zram"):
        return True  # memory that is packed, not a disk
    return _device_encrypted(swap) if str(swap).startswith("/dev/") else disk_encrypted(swap.parent)


def _filevault() -> bool | None:
    try:
        told = subprocess.run(["/usr/bin/fdesetup", "status"], capture_output=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return b"FileVault is On" in told


def _mounted(folder: Path) -> tuple[str, str] | None:
    """Kind and source of the file system that `folder` lies on."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return None
    best: tuple[int, str, str] | None = None
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")
        if folder.is_relative_to(point) and (best is None or len(point) >= best[0]):
            kind, source = after.split()[:2]
            best = len(point), kind, source
    return best and best[1:]


def _device_encrypted(device: Path) -> bool | None:
    """Whether a block device, or every device below it, is a mapping by dm-crypt."""
    name = Path(os.path.realpath(device)).name
    node = Path("/sys/class/block") / name
    if not node.exists():
        return None
    try:
        if (node / "dm" / "uuid").read_text().startswith("CRYPT-"):
            return True
    except OSError:
        pass
    below = list(_below(node))
    return bool(below) and all(_device_encrypted(Path("/dev") / one) for one in below)


def _below(node: Path) -> Iterator[str]:
    try:
        yield from (below.name for below in (node / "slaves").iterdir())
    except OSError:
        return
