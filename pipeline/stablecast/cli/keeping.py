"""Commands for how long things are kept, for their end, and for backups."""

from __future__ import annotations

from pathlib import Path

import click

from stablecast.cli.console import Console
from stablecast.errors import UsageRefused

REASONS = ("young-person", "unfinished", "safeguarding", "legal")
_FILE = click.Path(path_type=Path, dir_okay=False)
_PASSWORD_FILE = click.option(
    "--password-file", type=_FILE, help="A file whose first line is their password; else it is asked for."
)
_BACKUP_PASSPHRASE = click.option(
    "--backup-passphrase-file",
    type=_FILE,
    help="A file whose first line opens the backup; else it is asked for.",
)


@click.command()
@click.argument("episode", required=False)
@click.option("--as", "name", metavar="NAME", help="The safeguarding lead's account.")
@_PASSWORD_FILE
@click.option("--receipt", metavar="CODE", help="The young person's receipt code, instead of name and episode.")
@click.option("--yes", is_flag=True, help="Ask nothing more.")
@click.pass_obj
def purge(
    console: Console,
    episode: str | None,
    name: str | None,
    password_file: Path | None,
    receipt: str | None,
    yes: bool,
) -> None:
    """Destroy everything of a withdrawn episode: its key, then its files, then what the database holds of it. For good.

    For the safeguarding lead, or the young person's receipt code. A command that was interrupted is completed by the next one.

    \b
    Example:
      stablecast withdraw ep-001
      stablecast purge ep-001 --as dana
      stablecast purge --receipt "1234 5678 9012 3456"
    """
    if (receipt is None) != (episode is not None and name is not None):
        raise click.UsageError("name the episode and the lead (--as), or give the receipt code alone")
    studio = console.studio()
    who = None if name is None else studio.sign_in(name, console.password(password_file)).id
    if not yes:
        _confirm(console, episode)
    done = studio.purge(episode, receipt, who)
    again = " (it was before)" if done.before else ""
    console.answer(done, [f"{done.episode}: everything of it is destroyed{again}. Nothing brings it back."])


def _confirm(console: Console, episode: str | None) -> None:
    word = episode or "destroy"
    console.say("This destroys the recording, the words and everything made of them. Nothing brings them back.")
    if console.typed(f"Type {word} to go on", "say so with --yes") != word:
        raise UsageRefused("that was not typed, so nothing was destroyed")


@click.command()
@click.argument("episode")
@click.option("--extend", "days", type=click.IntRange(min=1), help="Keep it so many days longer.")
@click.option("--as", "name", metavar="NAME", help="With --extend: the safeguarding lead's account.")
@_PASSWORD_FILE
@click.option("--reason", type=click.Choice(REASONS), help="With --extend: why; it goes into the log.")
@click.pass_obj
def retention(
    console: Console, episode: str, days: int | None, name: str | None, password_file: Path | None, reason: str | None
) -> None:
    """How long an EPISODE's recording, or all that is left of a withdrawn one, is still kept; a lead may keep it longer.

    What is over is destroyed by the next command that is given the passphrase. docs/keeping.md says what counts as time.

    \b
    Example:
      stablecast retention ep-001
      stablecast retention ep-001 --extend 30 --as dana --reason legal
    """
    if len({days is None, name is None, reason is None}) != 1:
        raise click.UsageError("--extend, --as and --reason go together: the lead keeps something longer")
    studio = console.studio()
    if days is not None and name is not None and reason is not None:
        from stablecast.studio.keeping import Reason

        who = studio.sign_in(name, console.password(password_file)).id
        studio.extend(episode, days, who, Reason(reason))
    (found,) = studio.status((episode,)).episodes
    kept = found.kept
    if kept is None:
        console.answer({"episode": episode, "kept": None}, [f"{episode}: no time runs for it."])
        return
    what = "the recording" if kept.what == "raw" else "everything that is left of it"
    line = f"{episode}: {what} is destroyed in {kept.days_left} days ({kept.why})."
    console.answer({"episode": episode, "kept": kept}, [line + (" A hold stops the time." if kept.stopped else "")])


@click.command()
@click.argument("file", type=_FILE)
@_BACKUP_PASSPHRASE
@click.option("--keyring", is_flag=True, help="Copy the sealed keyring instead, for another place than the backup's.")
@click.pass_obj
def backup(console: Console, file: Path, backup_passphrase_file: Path | None, keyring: bool) -> None:
    """Write the whole show but for its keyring into one sealed FILE, under a passphrase of its own.

    A copy of the keyring opens what is destroyed after it was made: keep it apart, and for days, not for years.

    \b
    Example:
      stablecast backup /media/stick/ours.backup
      stablecast backup --keyring /media/other/ours.keyring
    """
    studio = console.studio()
    if keyring:
        studio.backup_keyring(file)
        console.answer(
            {"file": str(file)},
            [f"Wrote {file}. It opens whatever is destroyed from now on: delete it within days, and make a new one."],
        )
        return
    passphrase = console.secret(backup_passphrase_file, new=True)
    done = studio.backup(file, passphrase)
    console.answer(done, [f"Wrote {done.file}: {done.files} files. The keyring is not in it."])


@click.command()
@click.argument("file", type=_FILE)
@_BACKUP_PASSPHRASE
@click.pass_obj
def restore(console: Console, file: Path, backup_passphrase_file: Path | None) -> None:
    """Put a backup in place as the show folder named by --show, which must be new or empty. All of it or nothing.

    What was withdrawn since is withdrawn again at once, as the list beside the keyring says.

    \b
    Example:
      stablecast --show ~/shows/ours restore /media/stick/ours.backup
    """
    done = console.studio().restore_show(file, console.secret(backup_passphrase_file))
    lines = [f"Put back as {done.show}. Look with `stablecast verify`."]
    lines += [f"{episode}: it was withdrawn since, and is again." for episode in done.withdrawn]
    if not done.keyring:
        lines.append(
            "The keyring is not on this machine, nor the list beside it of what was withdrawn since: "
            "bring them here before you publish anything."
        )
    console.answer(done, lines)


COMMANDS = (purge, retention, backup, restore)
