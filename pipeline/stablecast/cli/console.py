"""What every command shares: the global options, the passphrase, and how answers and progress are shown."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stablecast import codecs
from stablecast.cli.shown import Drawn, clean
from stablecast.errors import UsageRefused

if TYPE_CHECKING:
    from stablecast.studio import Studio
    from stablecast.studio.views import Progress

SHOW_VARIABLE = "STABLECAST_SHOW"


@dataclass(frozen=True)
class Console:
    """The global options of one call."""

    show: Path
    passphrase_file: Path | None
    json: bool
    no_input: bool

    def studio(self, root: Path | None = None, *, new: bool = False) -> Studio:
        """The studio of the show that was named. Imported here, so that `--help` need not wait for it."""
        from stablecast.studio import Studio

        folder = self.show if root is None else root
        asks = self.passphrase_file is None
        return Studio(folder, lambda: self.passphrase(new=new), asks=asks, say=self.say)

    def passphrase(self, *, new: bool = False) -> str:
        """The show's passphrase: from the file that was named, the system's keyring, or a person. Never argv or environment."""
        if self.passphrase_file is not None:
            return read_secret(self.passphrase_file)
        return self.ask("Passphrase of this show", "name its file with --passphrase-file", new=new)

    def ask(self, question: str, otherwise: str, *, new: bool = False) -> str:
        """A secret from a person. Raises UsageRefused where nobody may be asked."""
        if self.no_input or not sys.stdin.isatty():
            raise UsageRefused(f"{question} is needed and nobody can be asked; {otherwise}")
        return str(click.prompt(question, hide_input=True, confirmation_prompt=new, err=True))

    def password(self, file: Path | None, question: str = "Password", *, new: bool = False) -> str:
        """A person's password: the first line of a file that was named, else asked for."""
        return read_secret(file) if file else self.ask(question, "name its file with --password-file", new=new)

    def secret(self, file: Path | None, *, new: bool = False) -> str:
        """The passphrase of a backup, which is not the show's: the first line of a file that was named, else asked for."""
        otherwise = "name its file with --backup-passphrase-file"
        return read_secret(file) if file else self.ask("Passphrase of this backup", otherwise, new=new)

    def typed(self, question: str, otherwise: str) -> str:
        """What a person types in answer. Raises UsageRefused where nobody may be asked."""
        if self.no_input or not sys.stdin.isatty():
            raise UsageRefused(f"this has to be confirmed and nobody can be asked; {otherwise}")
        return str(click.prompt(question, err=True))

    def answer(self, value: object, lines: Iterable[str]) -> None:
        """An answer on stdout: as JSON when asked for, else for people."""
        if self.json:
            click.echo(json.dumps(codecs.plain(value), indent=2, ensure_ascii=False))
        else:
            for line in lines:
                click.echo(clean(line))

    def say(self, sentence: str) -> None:
        """What was done, in one line on stderr."""
        click.echo(clean(sentence), err=True)

    @contextmanager
    def progress(self) -> Iterator[Drawn]:
        """On stderr: a line of JSON an event where that was asked for, else a live display where there is a person to see it."""
        if self.json:
            yield Events()
        elif sys.stderr.isatty():
            from stablecast.cli.live import Live

            with Live() as live:
                yield live
        else:
            yield Plain(self)


class Plain(Drawn):
    """Progress where nobody watches: only what failed, and what became of each episode."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, progress: Progress) -> None:
        if progress.event == "failed":
            self._console.say(f"{progress.slug}: {progress.sentence}")
        elif not progress.stage:
            self._console.say(f"{progress.slug}: {progress.event.replace('-', ' ')}")


class Events(Drawn):
    """Progress for a program: one line of JSON an event. docs/cli.md names its keys."""

    def show(self, progress: Progress) -> None:
        told = progress.forecast
        event = {
            "event": progress.event,
            "episode": progress.slug,
            "stage": progress.stage,
            "stages_left": progress.left,
            "took_s": round(progress.seconds, 3),
            "reason": clean(progress.sentence) or None,
            "exit_code": progress.exit_code,
            "expected_s": told and told.stage_s,
            "share": told and told.share,
            "left_s": told and told.left_s,
            "all_share": told and told.all_share,
            "all_left_s": told and told.all_left_s,
        }
        click.echo(json.dumps(event, ensure_ascii=False), err=True)


def read_secret(path: Path) -> str:
    """The first line of a file that holds a secret. Raises UsageRefused when it cannot be read or is empty."""
    try:
        secret = path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise UsageRefused("the file that should hold the secret cannot be read") from unreadable
    if not secret:
        raise UsageRefused("the file that should hold the secret is empty")
    return secret


def default_show() -> Path:
    """The show in use when none is named: that of the environment, else this folder."""
    return Path(os.environ.get(SHOW_VARIABLE, "."))
