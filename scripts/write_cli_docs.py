#!/usr/bin/env python3
"""Put the `--help` of every command into docs/cli.md, between its marks; a test compares them.

python scripts/write_cli_docs.py            write
python scripts/write_cli_docs.py --check    only say whether the page is up to date (exit code 1 when not)
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from stablecast.cli.main import cli

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
_BLOCK = re.compile(r"<!-- help: (?P<name>[a-z -]*) -->\n.*?<!-- end -->", re.DOTALL)


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it, groups included."""
    yield path, group
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def help_of(path: tuple[str, ...], command: click.Command) -> str:
    """What `--help` says, at a fixed width."""
    context = click.Context(command, info_name=" ".join(("stablecast", *path)), terminal_width=96, max_content_width=96)
    return command.get_help(context)


def page(text: str) -> str:
    """The page with every block made anew. Raises KeyError for a block of a command that does not exist."""
    known = {" ".join(path): help_of(path, command) for path, command in commands()}

    def block(match: re.Match[str]) -> str:
        name = match["name"].strip()
        return f"<!-- help: {match['name']} -->\n```text\n{known[name]}\n```\n<!-- end -->"

    return _BLOCK.sub(block, text)


def missing(text: str) -> list[str]:
    """Commands without a block."""
    told = {match["name"].strip() for match in _BLOCK.finditer(text)}
    return [name for path, _ in commands() if (name := " ".join(path)) not in told]


if __name__ == "__main__":
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if "--check" in sys.argv:
        sys.exit(
            "docs/cli.md is not up to date; run scripts/write_cli_docs.py" if after != before or missing(after) else 0
        )
    PAGE.write_text(after, encoding="utf-8")
