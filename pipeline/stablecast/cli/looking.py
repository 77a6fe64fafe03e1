"""Commands that only look."""

from __future__ import annotations

from pathlib import Path

import click

from stablecast.cli.console import Console
from stablecast.errors import EnvironmentFailure, GateClosed, IntegrityFailure


@click.command()
@click.option("--deep", is_flag=True, help="Open every sealed recording too; asks for the passphrase.")
@click.pass_obj
def verify(console: Console, deep: bool) -> None:
    """Check from what is on the disk that every promise of the workflow holds. Ends with code 6 when one does not.

    \b
    Example:
      stablecast verify
    """
    found = console.studio().verify(deep=deep)
    lines = []
    for view in found.invariants:
        lines.append(f"{view.id:4} {'holds ' if view.holds else 'BROKEN'}  {view.title}")
        lines += [f"             {problem}" for problem in view.problems]
    console.answer(found, lines)
    if not found.holds:
        raise IntegrityFailure("a promise of the workflow is broken; publish nothing until it is mended")


@click.command()
@click.pass_obj
def audit(console: Console) -> None:
    """The audit log: who did what and when, by ids, with no name, title or word in it."""
    rows = console.studio().audit()
    console.answer(
        {"entries": rows}, (f"{r.seq:5} {r.at[:19]} {r.actor:34} {r.action:22} {r.episode} {r.detail}" for r in rows)
    )


@click.command()
@click.argument("what", required=False, metavar="[EPISODE|FEED]")
@click.pass_obj
def lint(console: Console, what: str | None) -> None:
    """Check an EPISODE's captions and the words about it, or a FEED (a feed.xml or a public folder; else the show's own).

    Captions against how people read, words against config/wording.toml, a feed against what directories ask for. A place is
    a cue's number and time, never its words. Ends with code 4 when something is an error.

    \b
    Example:
      stablecast lint ep-001
      stablecast lint
      stablecast --json lint feed/feed.xml
    """
    studio = console.studio()
    episode = what is not None and studio.knows(what)
    found = studio.lint_episode(what) if what and episode else studio.lint(Path(what) if what else None)
    lines = [f"{f.severity:8} {f.id:28} {f.place:10} {f.message} ({f.source})" for f in found.findings]
    console.answer(found, lines or ["Nothing to mend."])
    if not found.ok and episode:
        raise GateClosed("these captions cannot be read by everybody; mend what is marked as an error, and run again")
    if not found.ok:
        raise GateClosed("the feed would not be accepted everywhere; mend what is marked as an error")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.pass_obj
def measure(console: Console, files: tuple[Path, ...]) -> None:
    """Loudness, true peak and range of FILES, as a BS.1770 meter says.

    A mono file counts once when measured as mono and twice when played on two speakers (dual-mono): both are shown.

    \b
    Example:
      stablecast measure feed/media/*.mp3
    """
    found = console.studio().measure(files)
    lines = [
        f"{m.file}: {m.integrated_lufs_mono:.2f} LUFS mono, {m.integrated_lufs_dual_mono:.2f} LUFS dual-mono, "
        f"{m.true_peak_dbtp:.2f} dBTP, range {m.range_lu:.1f} LU, {m.duration_s:.1f} s"
        for m in found
    ]
    console.answer({"files": found}, lines)


@click.command()
@click.pass_obj
def doctor(console: Console) -> None:
    """What on this machine would stop the work, what is weak, and how to mend it.

    `MEND` is what work should wait for, and ends with code 7; `WEAK` is what somebody who takes or shares this computer could use.
    With --passphrase-file it looks at that file too. Nothing is changed.

    \b
    Example:
      stablecast --show ~/shows/ours --passphrase-file ~/secret doctor
    """
    checks = console.studio().doctor(console.passphrase_file)
    lines = []
    for check in checks:
        word = "ok  " if check.ok else "MEND" if check.stops else "WEAK"
        lines.append(f"{word}  {check.name:10} {check.found}")
        lines += [f"                  → {check.advice}"] if check.advice else []
    console.answer({"checks": checks}, lines)
    if any(check.stops for check in checks):
        raise EnvironmentFailure("something on this machine wants mending before you work; see above")


COMMANDS = (verify, audit, lint, measure, doctor)
