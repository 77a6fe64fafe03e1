#!/usr/bin/env python3
"""Write config/show.toml and docs/settings.md from the Params classes: the one place where a default and its meaning stand.

python scripts/write_settings.py            write both
python scripts/write_settings.py --check    only say whether they are up to date (exit code 1 when not)
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import io
import sys
import textwrap
import tokenize
import typing
from pathlib import Path
from typing import Any

from stablecast import codecs
from stablecast.engine.settings import Settings
from stablecast.targets.params import TargetParams

ROOT = Path(__file__).resolve().parent.parent
TOML = ROOT / "config" / "show.toml"
SHIPPED = ROOT / "pipeline" / "stablecast" / "examples"
PAGE = ROOT / "docs" / "settings.md"
WRITTEN_OUT = "show"  # the one table whose values a new show must fill in


def comments(kind: type) -> dict[str, str]:
    """What the comment beside each field of a Params class says; also one that the formatter put on lines of its own."""
    source = textwrap.dedent(inspect.getsource(kind))
    lines = source.splitlines()
    by_line = {
        token.start[0]: token.string.removeprefix("#").strip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    (body,) = (node.body for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            inside = [by_line[n] for n in range(node.lineno, (node.end_lineno or node.lineno) + 1) if n in by_line]
            above = []
            number = node.lineno - 1
            while not inside and number in by_line and lines[number - 1].lstrip().startswith("#"):
                above.insert(0, by_line[number])
                number -= 1
            found[node.target.id] = " ".join(inside or above)
    return found


def toml(value: object) -> str:
    """A value as TOML writes it."""
    value = codecs.plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return repr(value)


def tables() -> list[tuple[str, Any, dict[str, str]]]:
    """Every table of the settings: its name, its defaults, what its keys mean."""
    kinds = typing.get_type_hints(Settings)
    defaults = Settings()
    return [(f.name, getattr(defaults, f.name), comments(kinds[f.name])) for f in dataclasses.fields(Settings)]


def example() -> str:
    """config/show.toml."""
    lines = [
        "# The settings of this show. A line with a # before it shows a default: take the # away to change it.",
        "",
    ]
    for name, defaults, meaning in tables():
        if name == "demo":
            continue
        lines.append(f"[{name}]")
        mark = "" if name == WRITTEN_OUT else "# "
        for f in dataclasses.fields(defaults):
            line = f"{mark}{f.name} = {toml(getattr(defaults, f.name))}"
            lines.append(f"{line}  # {meaning[f.name]}" if meaning.get(f.name) else line)
        lines.append("")
    return "\n".join(lines)


def page() -> str:
    """docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Written by `scripts/write_settings.py` from the code; a test compares them.",
        "They stand in `config/show.toml`, a table for each stage.",
        "An unknown key or a value of the wrong type is refused with file, key and line.",
        "",
    ]
    for name, defaults, meaning in tables():
        about = (type(defaults).__doc__ or "").strip().splitlines()[0]
        lines += [f"## `[{name}]`", "", about, "", "| key | default | meaning |", "|---|---|---|"]
        lines += [
            f"| `{f.name}` | `{toml(getattr(defaults, f.name))}` | {meaning.get(f.name, '').replace('|', '/')} |"
            for f in dataclasses.fields(defaults)
        ]
        lines.append("")
    return "\n".join([*lines, *targets_page()])


def targets() -> str:
    """config/targets.toml: one place, all of it commented out."""
    shown = TargetParams(url="sftp://user@host/folder")
    lines = [
        "# Places elsewhere that the show is published to with `stablecast publish --to NAME`; docs/hosting.md explains them.",
        "# For each a table: take the # away. Nothing secret belongs here.",
        "",
        "# [targets.web]",
    ]
    for f in dataclasses.fields(TargetParams):
        lines.append(f"# {f.name} = {toml(getattr(shown, f.name))}  # {comments(TargetParams)[f.name]}")
    return "\n".join([*lines, ""])


def targets_page() -> list[str]:
    """The end of docs/settings.md."""
    about = (TargetParams.__doc__ or "").strip()
    return [
        "## `config/targets.toml`",
        "",
        about,
        "[hosting.md](hosting.md) has examples.",
        "",
        "| key | default | meaning |",
        "|---|---|---|",
        *(
            f"| `{f.name}` | `{toml(f.default)}` | {comments(TargetParams)[f.name].replace('|', '/')} |"
            for f in dataclasses.fields(TargetParams)
        ),
        "",
    ]


def wanted() -> dict[Path, str]:
    """Every file this script writes."""
    files = {TOML: example(), PAGE: page(), TOML.with_name("targets.toml"): targets()}
    shipped = {
        SHIPPED / name: (TOML.parent / name).read_text(encoding="utf-8")
        for name in ("voices.toml", "outcomes.toml", "wording.toml")
    }
    made = {SHIPPED / path.name: text for path, text in files.items() if path.suffix == ".toml"}
    return files | made | shipped


if __name__ == "__main__":
    stale = [path for path, text in wanted().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        sys.exit(f"not up to date: {', '.join(p.name for p in stale)}; run scripts/write_settings.py" if stale else 0)
    for path in stale:
        path.write_text(wanted()[path], encoding="utf-8")
