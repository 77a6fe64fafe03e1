"""Commands that let an episode out, and that take it back."""

from __future__ import annotations

from pathlib import Path

import click

from stablecast.cli.console import Console
from stablecast.model import Role

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
@click.pass_obj
def publish(console: Console, episodes: tuple[str, ...]) -> None:
    """Publish every episode whose gates are all passed (or those named), and build the public folder anew.

    The folder feed/ is the old one or the new one at every moment, and holds nothing but what was approved.

    \b
    Example:
      stablecast publish
    """
    done = console.studio().publish(episodes)
    lines = [f"{episode}: published" for episode in done.published]
    lines += [f"{episode}: not yet: {why}" for episode, why in done.waiting]
    lines += [f"{path}: belonged to no release and is gone from the public folder" for path in done.dropped]
    console.answer(done, [*lines, f"The feed is {done.feed}"])


@click.command()
@click.argument("episode", required=False)
@click.option("--receipt", metavar="CODE", help="The young person's receipt code, instead of the episode's name.")
@click.pass_obj
def withdraw(console: Console, episode: str | None, receipt: str | None) -> None:
    """Take an episode out of the public folder at once. No reason, no approval, no passphrase; it does not come back.

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
    lines += ["Everything of it is destroyed."] if done.erased else []
    lines += [f"Note: {note}." for note in done.notes]
    if done.places:
        lines += ["Copies may still be in these places:", *(f"  [ ] {place}" for place in done.places)]
    console.answer(done, lines)


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


COMMANDS = (approve, publish, withdraw, hold)
