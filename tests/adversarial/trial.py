"""A small show, made by the command line in seconds, that is put back between cases and looked over by every oracle after each."""

from __future__ import annotations

import secrets
import shutil
import string
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adversarial import oracles
from adversarial.driver import Answer, Driver
from recordings import wav_of
from showcase import Showcase
from stablecast.tools.ffmpeg import executable

RATE_HZ = 24_000
SECONDS = 6.0  # of an episode
_DEMO = Path(__file__).parents[2] / "pipeline" / "stablecast" / "demo" / "she-listened-to-the-end-robin.opus"
AHEAD_H = 73.0  # beyond the cooling-off time


def marker() -> str:
    """Twelve random letters that are nowhere by chance."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))


def speech(seconds: float, start_s: float = 0.0) -> NDArray[np.float64]:
    """Some of the demo's speech, at `RATE_HZ`: a voice of nobody."""
    command = [executable(), "-nostdin", "-v", "error", "-ss", str(start_s), "-t", str(seconds), "-i", _DEMO]
    command += ["-f", "f32le", "-ac", "1", "-ar", str(RATE_HZ), "-"]
    done = subprocess.run([str(part) for part in command], capture_output=True, check=True)
    return np.frombuffer(done.stdout, "<f4").astype(np.float64)


class Trial(Showcase):
    """One show and its people; every command is `stablecast`, forked from a warm process (`adversarial.driver`)."""

    def __init__(self, folder: Path, *, fakes: bool = True, first: Path | None = None) -> None:
        super().__init__(folder)
        self._fakes, self._first = fakes, first
        self.title, self.protected, self.source_name = marker(), marker(), marker()
        self.said: list[bytes] = []

    @cached_property
    def driver(self) -> Driver:
        return Driver(self.environment, self.folder, fakes=self._fakes, first=self._first)

    def close(self) -> None:
        if "driver" in self.__dict__:
            self.driver.close()

    @property
    def markers(self) -> tuple[str, ...]:
        return self.title, self.protected, self.source_name

    def ask(self, *arguments: str | Path, as_json: bool = False, **more: Any) -> int:
        return self.driver.ask(*self.command(*arguments, as_json=as_json)[3:], **more)

    def got(self, number: int) -> Answer:
        answer = self.driver.answer(number)
        self.said.append(answer.said)
        return answer

    def __call__(self, *arguments: str | Path, as_json: bool = False, **more: Any) -> Answer:  # type: ignore[override]
        return self.got(self.ask(*arguments, as_json=as_json, **more))

    def ok(self, *arguments: str | Path, as_json: bool = False, **more: Any) -> Answer:  # type: ignore[override]
        answer = self(*arguments, as_json=as_json, **more)
        assert answer.code == 0, (arguments, answer)
        return answer

    # --- a show in its states

    @cached_property
    def raw(self) -> NDArray[np.float64]:
        """The raw voice of the first episode, at the rate of the oracles."""
        at = np.arange(0, SECONDS, 1 / oracles.RATE_HZ)
        heard = speech(SECONDS)
        return np.interp(at, np.arange(len(heard)) / RATE_HZ, heard)

    def recording(self, start_s: float = 0.0, name: str | None = None) -> Path:
        path = self.folder / f"{name or self.source_name}.wav"
        path.write_bytes(wav_of(speech(SECONDS, start_s)))
        return path

    def added(self, slug: str = "ep-001", start_s: float = 0.0) -> None:
        """Take an episode in; its source is deleted, as people are told to."""
        path = self.recording(start_s)
        words = ("--title", self.title, "--content-note", "none", "--protect", self.protected)
        self.ok("add", slug, path, *words)
        path.unlink()

    def frozen(self, slug: str = "ep-001") -> None:
        self.made(slug)
        self.consent(slug)
        status = self.status(slug)
        assert status["cut"], status["gate"]

    def published(self, *slugs: str) -> None:
        self.set(demo={"clock_ahead_h": 0.0}, show={"title": "A show"})
        for slug in slugs:
            self.frozen(slug)
            self.approve_all(slug)
        self.set(demo={"clock_ahead_h": AHEAD_H}, show={"title": "A show"})
        self.ok("publish")

    # --- put back, and looked over

    def kept(self, folder: Path) -> None:
        """Keep a copy of show and keys."""
        for room in (self.root, self.keys):
            shutil.copytree(room, folder / room.name, symlinks=True)

    def back(self, folder: Path) -> None:
        """Put a kept copy back."""
        for room in (self.root, self.keys):
            shutil.rmtree(room, ignore_errors=True)
            shutil.copytree(folder / room.name, room, symlinks=True)

    def feed(self) -> bytes:
        return (self.root / "feed" / "feed.xml").read_bytes()

    def public(self) -> dict[str, bytes]:
        return {path: data for path, data in self.files().items() if path.startswith("feed/")}

    def complaints(self, *, public_title: bool = False, verify: bool = True) -> list[str]:
        """What the oracles O1 to O5 and O7 have against the show as it is. With `public_title` the title is no secret any more."""
        markers = self.markers[1:] if public_title else self.markers
        rooms = (self.root, self.keys, self.temporary, self.home)
        media = sorted((self.root / "feed").glob("media/*"))
        found = oracles.o1_markers(rooms, markers, self.said)
        found += oracles.o2_raw(media, self.raw, executable())
        found += oracles.o3_plain(rooms, self.root / "feed")
        found += oracles.o5_modes(self.root)
        if verify:
            seen = self("verify", as_json=True)
            if seen.code != 0:
                broken = [i["problems"] for i in seen.json["invariants"] if not i["holds"]] if seen.out else seen.err
                found.append(f"O4 verify ends with {seen.code}: {broken}")
            found += oracles.o7_agrees(self.root, self.ok("status", as_json=True).json)
        self.said.clear()
        return found


@contextmanager
def trial(folder: Path, **more: Any) -> Iterator[Trial]:
    show = Trial(folder, **more)
    try:
        yield show
    finally:
        show.close()
