"""Commands for a show and its people."""

from __future__ import annotations

from pathlib import Path

import click

from stablecast.cli.console import Console
from stablecast.model import Role

_SECRET = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--demo", is_flag=True, help="A show to try things in: its clock can be set, and its feed asks not to be listed."
)
@click.pass_obj
def init(console: Console, directory: Path, demo: bool) -> None:
    """Make a new show folder with example settings, and its keyring.

    \b
    Example:
      stablecast --passphrase-file ~/secret init ~/shows/ours
    """
    made = console.studio(directory, new=True).init(demo=demo)
    console.answer(
        {"show": str(made), "demo": demo}, [f"Made a show. Its settings are in {directory / 'config' / 'show.toml'}."]
    )


@click.group()
def users() -> None:
    """The people who make and approve episodes."""


@users.command("add")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([role.value for role in Role]),
    help="May be given more than once.",
)
@click.option("--password-file", type=_SECRET, help="A file whose first line is the password; else it is asked for.")
@click.pass_obj
def users_add(console: Console, name: str, roles: tuple[str, ...], password_file: Path | None) -> None:
    """Give a person an account.

    A young person's account goes by a name they choose, not their own.

    \b
    Example:
      stablecast users add robin --role young-person
      stablecast users add dana --role lead
    """
    password = console.password(password_file, new=True)
    console.studio().add_user(name, tuple(Role(role) for role in roles), password)
    console.say("The account is there.")


@users.command("password")
@click.argument("name")
@click.option("--password-file", type=_SECRET, help="A file whose first line is the password; else it is asked for.")
@click.pass_obj
def users_password(console: Console, name: str, password_file: Path | None) -> None:
    """Give a person another password; wherever they are signed in under the old one, they are not any more.

    \b
    Example:
      stablecast users password dana
    """
    password = console.password(password_file, "New password", new=True)
    console.studio().set_password(name, password)
    console.say("The password is changed.")


@users.command("list")
@click.pass_obj
def users_list(console: Console) -> None:
    """Who has an account, and what each may do."""
    found = console.studio().users()
    console.answer({"users": found}, (f"{user.name}: {', '.join(user.roles)}" for user in found))


@click.command()
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser at the end.")
@click.pass_obj
def demo(console: Console, open_page: bool) -> None:
    """The whole way on two short synthetic episodes, in a show of its own.

    Makes the show in the folder named by --show (a demo show that is there already is made anew), runs everything, approves
    with three demo accounts, lets the demo clock pass the cooling-off time, publishes and verifies.

    \b
    Example:
      stablecast --show build/demo demo --open
    """
    from stablecast.cli.demo import run_demo

    run_demo(console, open_page=open_page)


COMMANDS = (init, demo, users)
