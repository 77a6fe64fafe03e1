"""Commands that let an episode out, and that take it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stablecast.cli.console import Console
from stablecast.model import Role

if TYPE_CHECKING:
    from stablecast.studio.views import PlaceView, PublishView, PushView, SentView

APPROVERS = (Role.YOUNG_PERSON, Role.REVIEWER, Role.LEAD)
_PASSWORD_FILE = click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file whose first line is their password; else it is asked for.",
)


@click.command()
@click.argument("episode")
@click.option(
    "--role",
    required=True,
    type=click.Choice([role.value for role in APPROVERS]),
    help="In whose place this person says yes.",
)
@click.option("--as", "name", required=True, metavar="NAME", help="The person's account.")
@_PASSWORD_FILE
@click.option("--digest", help="Approve only if this is still the cut: the digest that `status` or `review` showed.")
@click.pass_obj
def approve(
    console: Console, episode: str, role: str, name: str, password_file: Path | None, digest: str | None
) -> None:
    """Say yes to exactly the cut that is frozen now: first the young person, then a reviewer, then the lead.

    Three different people. Any change of a public byte afterwards makes a new cut, and voids every yes.

    \b
    Example:
      stablecast approve ep-001 --role young-person --as robin
      stablecast approve ep-001 --role reviewer --as sam
      stablecast approve ep-001 --role lead --as dana
    """
    approved = console.studio().approve(episode, Role(role), name, console.password(password_file), digest)
    console.answer(
        {"episode": episode, "role": role, "cut": approved}, [f"{episode}: approved as {role}. Cut {approved}"]
    )


@click.command()
@click.argument("episodes", nargs=-1)
@click.option(
    "--to", "targets", multiple=True, metavar="NAME", help="Send it to this place of config/targets.toml too."
)
@click.option("--dry-run", is_flag=True, help="With --to: only say what would be sent and deleted there.")
@click.option("--adopt", is_flag=True, help="With --to: replace files in the way there that we did not put there.")
@click.option("--no-check", is_flag=True, help="With --to: do not look at what the web server answers afterwards.")
@click.pass_obj
def publish(
    console: Console, episodes: tuple[str, ...], targets: tuple[str, ...], dry_run: bool, adopt: bool, no_check: bool
) -> None:
    """Publish every episode whose gates are all passed (or those named), and build the public folder anew.

    The folder feed/ is the old one or the new one at every moment, and holds nothing but what was approved.

    With --to it is sent on: the files first, the feed last, nothing else touched there. Broken off, the same command goes
    on. docs/hosting.md says how a place is set up.

    \b
    Example:
      stablecast publish
      stablecast publish --to web --dry-run
      stablecast publish --to web
    """
    if (dry_run or adopt or no_check) and not targets:
        raise click.UsageError("--dry-run, --adopt and --no-check go with --to")
    if dry_run and episodes:
        raise click.UsageError("--dry-run says what would be sent of what is public already; name no episode")
    studio = console.studio()
    done = None if dry_run else studio.publish(episodes, to_send=bool(targets))
    lines = [] if done is None else _published(done)
    if not console.json:
        console.answer(done, lines)
    sent = [_sent(console, studio.push(n, dry_run=dry_run, adopt=adopt, check=not no_check)) for n in targets]
    answer = replace(done, targets=tuple(sent)) if done else {"targets": sent}
    console.answer(answer, [line for push in sent for line in _pushed(push)])


def _published(done: PublishView) -> list[str]:
    lines = [f"{episode}: published" for episode in done.published]
    lines += [f"{episode}: not yet: {why}" for episode, why in done.waiting]
    lines += [f"{path}: belonged to no release and is gone from the public folder" for path in done.dropped]
    return [*lines, f"The feed is {done.feed}"]


def _sent(console: Console, events: Iterator[SentView | PushView]) -> PushView:
    """The last answer, after telling on stderr of every file."""
    from stablecast.studio.views import PushView

    for event in events:
        if isinstance(event, PushView):
            return event
        console.say(f"[{event.number}/{event.total}] {event.path} ({event.size_bytes / 1e6:.1f} MB)")
    raise ValueError("a push ends with its view")


def _pushed(done: PushView) -> list[str]:
    lines = []
    if done.dry_run:
        lines += [f"new      {path}" for path in done.new]
        lines += [f"replace  {path}" for path in done.replaced]
        lines += [f"delete   {path}" for path in done.deleted]
        lines += [f"foreign  {path}: in the way, and not put there by us" for path in done.foreign]
    would = "would be " if done.dry_run else ""
    lines.append(
        f"{done.target}: {len(done.new)} new, {len(done.replaced)} replaced, {len(done.deleted)} {would}deleted, "
        f"{done.unchanged} unchanged"
    )
    lines += [f"{done.target}: {note}" for note in done.notes]
    return lines + [f"MEND  {problem}" for problem in done.problems]


@click.command()
@click.argument("episode", required=False)
@click.option("--receipt", metavar="CODE", help="The young person's receipt code, instead of the episode's name.")
@click.pass_obj
def withdraw(console: Console, episode: str | None, receipt: str | None) -> None:
    """Take an episode out of the public folder at once. No reason, no approval, no passphrase; it does not come back.

    It goes from every place it was sent to as well; where that does not work, every later command says so and tries again.

    \b
    Example:
      stablecast withdraw ep-001
      stablecast withdraw --receipt "1234 5678 9012 3456"
    """
    if (episode is None) == (receipt is None):
        raise click.UsageError("name the episode, or give its receipt code")
    done = console.studio().withdraw(episode, receipt)
    lines = [
        f"{done.episode}: withdrawn. It is not public any more." if done.was_public else f"{done.episode}: withdrawn."
    ]
    if done.places:
        lines += ["Copies may still be in these places:", *map(_place, done.checklist)]
        lines.append(f"Tick them off: stablecast places {done.episode} --done PLACE")
    console.answer(done, lines)


def _place(place: PlaceView) -> str:
    done = f", done {place.done_at} by {place.by}" if place.done_at else ""
    return f"  [{'x' if place.done_at else ' '}] {place.place:11} {place.what}{done}"


@click.command()
@click.argument("episode")
@click.option("--done", metavar="PLACE", help="Somebody saw to this place.")
@click.option("--as", "name", metavar="NAME", help="With --done: the account of who did; else nobody in particular.")
@_PASSWORD_FILE
@click.pass_obj
def places(console: Console, episode: str, done: str | None, name: str | None, password_file: Path | None) -> None:
    """Where copies of a withdrawn EPISODE may live, which of them somebody saw to, and what is still up elsewhere.

    \b
    Example:
      stablecast places ep-001
      stablecast places ep-001 --done search --as dana
    """
    if name is not None and done is None:
        raise click.UsageError("--as goes with --done")
    studio = console.studio()
    by = None if name is None else studio.sign_in(name, console.password(password_file)).id
    found = studio.places(episode, done, by)
    lines = [*map(_place, found.places)] or [f"{episode}: no copies that we know of."]
    lines += [
        f"  [ ] {remote.target}: still up there; every command tries again"
        for remote in found.remotes
        if remote.still_up
    ]
    console.answer(found, lines)


@click.group()
def targets() -> None:
    """The places elsewhere that the show is published to: config/targets.toml."""


@targets.command("list")
@click.pass_obj
def targets_list(console: Console) -> None:
    """Every place, how many files of ours lie there, and whether something that was taken back is still up."""
    found = console.studio().targets()
    lines = [
        f"{place.target:12} {place.url}  {place.files} files"
        + (", STILL UP what was taken back" if place.still_up else "")
        for place in found
    ]
    console.answer({"targets": found}, lines or ["There is none; docs/hosting.md says how one is set up."])


@targets.command("login")
@click.argument("name")
@click.pass_obj
def targets_login(console: Console, name: str) -> None:
    """Put what opens a place into this system's keyring; it is asked for, never taken from the command line.

    \b
    Example:
      stablecast targets login web
    """
    studio = console.studio()
    scheme = studio.target_scheme(name)
    asked = ("key", "secret") if scheme == "s3" else ("password",)
    studio.login(
        name, {one: console.ask(f"{one.capitalize()} of {name}", "name a file in credentials") for one in asked}
    )
    console.say("It is in the system's keyring.")


@targets.command("forget")
@click.argument("name")
@click.confirmation_option(prompt="Is everything of this show gone from there? Nobody will look after it any more")
@click.pass_obj
def targets_forget(console: Console, name: str) -> None:
    """Say that what lay at a place was taken down by hand, where it cannot be reached any more.

    \b
    Example:
      stablecast targets forget old-host
    """
    console.studio().forget_target(name)
    console.say("It is forgotten.")


@click.command()
@click.argument("episode")
@click.option("--lift", is_flag=True, help="End the hold: for the safeguarding lead, once it is safe.")
@click.option("--as", "name", metavar="NAME", help="With --lift: the lead's account.")
@_PASSWORD_FILE
@click.pass_obj
def hold(console: Console, episode: str, lift: bool, name: str | None, password_file: Path | None) -> None:
    """Put an episode on hold: down at once if it is public, and every gate closed, until the lead lifts it.

    No reason, no passphrase. What was public is published again only after everybody said yes anew.

    \b
    Example:
      stablecast hold ep-001
      stablecast hold ep-001 --lift --as dana
    """
    if lift != (name is not None):
        raise click.UsageError("--lift and --as go together: the lead lifts a hold")
    studio = console.studio()
    if name is not None:
        studio.lift(episode, studio.sign_in(name, console.password(password_file)).id)
        console.answer({"episode": episode, "held": False}, [f"{episode}: the hold is lifted."])
        return
    public = studio.hold(episode)
    line = f"{episode}: on hold. It is not public any more." if public else f"{episode}: on hold."
    console.answer({"episode": episode, "held": True, "was_public": public}, [line])


COMMANDS = (approve, publish, withdraw, places, hold, targets)
