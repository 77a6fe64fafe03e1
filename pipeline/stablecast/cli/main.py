"""`stablecast`: global options, then a command. A refusal is one sentence on stderr and a documented exit code."""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import replace
from pathlib import Path

import click

from stablecast import __version__
from stablecast.cli import (
    cluster,
    episodes,
    gates,
    keeping,
    looking,
    pictures,
    proposals,
    review,
    shows,
    voices,
)
from stablecast.cli.console import SHOW_VARIABLE, Console, default_show
from stablecast.cli.shown import clean
from stablecast.errors import EnvironmentFailure, StablecastError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--show",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"The show folder; else ${SHOW_VARIABLE}, else this folder.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file whose first line opens the show's keyring.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON on stdout.")
@click.option("--no-input", is_flag=True, help="Never ask anything; fail instead.")
@click.version_option(__version__, prog_name="stablecast")
@click.pass_context
def cli(context: click.Context, show: Path | None, passphrase_file: Path | None, as_json: bool, no_input: bool) -> None:
    """Publish a young person's words without publishing their voice.

    \b
    Example: from recordings to a feed
      stablecast init ~/shows/ours
      export STABLECAST_SHOW=~/shows/ours
      stablecast add ep-001 interview.wav --title "What helped" --protect Amina
      stablecast run
      stablecast status
    """
    context.obj = Console(show or default_show(), passphrase_file, as_json, no_input)


def _json_after_the_command(command: click.Command) -> None:
    """Let `--json` stand after a command as well: people write it there, and it means the same."""
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            _json_after_the_command(inner)
        return

    def switch_on(context: click.Context, _: click.Parameter, given: bool) -> None:
        if given:
            context.obj = replace(context.obj, json=True)

    command.params.append(click.Option(["--json"], is_flag=True, expose_value=False, hidden=True, callback=switch_on))


for command in (
    *shows.COMMANDS,
    *episodes.COMMANDS,
    *proposals.COMMANDS,
    *voices.COMMANDS,
    *review.COMMANDS,
    *gates.COMMANDS,
    *keeping.COMMANDS,
    *pictures.COMMANDS,
    *cluster.COMMANDS,
    *looking.COMMANDS,
):
    _json_after_the_command(command)
    cli.add_command(command)


def main() -> None:
    """Run the command line and end the process with the exit code that fits."""
    os.umask(0o077)  # what we write is for this user alone; the public folder sets its own modes
    resource.setrlimit(
        resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1])
    )  # a crash must not write voices out
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as refused:
        refused.show()
        sys.exit(refused.exit_code)
    except StablecastError as refused:
        _end(str(refused), refused.exit_code)
    except MemoryError:
        _end(
            "this machine has too little memory for that; close other programs and run it again",
            EnvironmentFailure.exit_code,
        )
    except BrokenPipeError:
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _end(sentence: str, code: int) -> None:
    click.echo(clean(f"stablecast: {sentence}"), err=True)
    sys.exit(code)
