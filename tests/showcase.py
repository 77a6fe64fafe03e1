"""Drives the command line as a user does: a process a command, a show folder, a passphrase file, accounts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PASSPHRASE = "correct horse battery staple"
PEOPLE = {"young-person": "robin", "producer": "sam", "reviewer": "kim", "lead": "dana"}
ITEMS = ("recording", "changed-voice", "words", "podcast", "page")


def _interruptible() -> None:
    """Ctrl-C reaches a command though whoever runs the tests in the background does not let it reach them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Showcase:
    """One show and its people, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.root = folder / "show"
        self.keys = folder / "keys"
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text(PASSPHRASE + "\n")
        self.home = folder / "home"
        self.temporary = folder / "tmp"
        for place in (self.home, self.temporary):
            place.mkdir(exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """Folders of its own, so that whatever is left anywhere can be found."""
        kept = {
            name: os.environ[name]
            for name in ("PATH", "LANG", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")
            if name in os.environ
        }
        return kept | {
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_DATA_HOME": str(self.home / "data"),
            "STABLECAST_KEYRINGS": str(self.keys),
        }

    def command(self, *arguments: str | Path, as_json: bool = False) -> list[str]:
        options = ["--show", str(self.root), "--passphrase-file", str(self.passphrase), "--no-input"]
        json_option = ["--json"] if as_json else []
        return [sys.executable, "-m", "stablecast", *options, *json_option, *(str(a) for a in arguments)]

    def start(self, *arguments: str | Path, **more: Any) -> subprocess.Popen[bytes]:
        """Begin a command and do not wait for it."""
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment,
            preexec_fn=_interruptible,
            **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | more,
        )

    def __call__(self, *arguments: str | Path, as_json: bool = False, cwd: Path | None = None) -> Answer:
        done = subprocess.run(
            self.command(*arguments, as_json=as_json),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=900,
            cwd=cwd or self.folder,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments: str | Path, as_json: bool = False) -> Answer:
        answer = self(*arguments, as_json=as_json)
        assert answer.code == 0, (arguments, answer)
        return answer

    def made(self, *arguments: str | Path) -> Answer:
        """Run. Where the attack knows a voice again, as it does by chance in one or two draws of a hundred, draw others first."""
        for _ in range(8):
            answer = self("run", *arguments)
            known = re.findall(r"^(\S+): the voice .*can still be recognised", answer.err, re.MULTILINE)
            if answer.code == 0 or not known:
                break
            for slug in known:
                self.ok("voices", "redraw", slug)
        assert answer.code == 0, (arguments, answer)
        return answer

    def status(self, episode: str) -> Any:
        return self.ok("status", episode, as_json=True).json["episodes"][0]

    # --- the usual ways

    def init(self, *, demo: bool = True) -> None:
        """A show with one account for each role; a demo one, whose clock can be set."""
        self.ok("init", self.root, *(["--demo"] if demo else []))
        for role, name in PEOPLE.items():
            password = self.folder / f"{name}.password"
            password.write_text(f"password of {name}\n")
            self.ok("users", "add", name, "--role", role, "--password-file", password)

    def set(self, **tables: dict[str, object]) -> None:
        """Replace config/show.toml."""
        lines = []
        for table, values in tables.items():
            lines.append(f"[{table}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        (self.root / "config" / "show.toml").write_text("\n".join(lines) + "\n")

    def consent(self, episode: str, items: tuple[str, ...] = ITEMS) -> str:
        options = [part for item in items for part in ("--yes", item)]
        return str(self.ok("consent", episode, *options, as_json=True).json["receipt"])

    def leave_all(self, episode: str) -> int:
        """Say of every open proposal that it may stay, and how many there were."""
        found = self.ok("proposals", episode, as_json=True).json["proposals"]
        waiting = [str(p["number"]) for p in found if p["state"] == "open"]
        if waiting:
            self.ok("proposals", episode, "--leave", ",".join(waiting))
        return len(waiting)

    def approve(self, episode: str, role: str, name: str | None = None, *more: str) -> Answer:
        name = name or PEOPLE[role]
        return self(
            "approve", episode, "--role", role, "--as", name, "--password-file", self.folder / f"{name}.password", *more
        )

    def approve_all(self, episode: str) -> None:
        for role in ("young-person", "reviewer", "lead"):
            assert self.approve(episode, role).code == 0

    def files(self) -> dict[str, bytes]:
        """Every file of the show, by its path."""
        return {p.relative_to(self.root).as_posix(): p.read_bytes() for p in self.root.rglob("*") if p.is_file()}
