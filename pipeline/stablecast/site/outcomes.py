"""config/outcomes.toml as values: the General Principles, and the outcomes an episode can speak to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from stablecast.errors import UsageRefused
from stablecast.model import Outcome, Outcomes, Principle

_KEY: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FILE: Final = "config/outcomes.toml"


def outcomes(table: Mapping[str, object]) -> Outcomes:
    """The parsed file, in its order. Raises UsageRefused for a key or a type that does not belong there."""
    _only(table, {"principles", "outcomes"}, "the file")
    principles = []
    for key, entry in _entries(table, "principles"):
        _only(entry, {"title", "article"}, f"principles.{key}")
        article = entry.get("article")
        if type(article) is not int or article < 1:
            raise UsageRefused(f"{_FILE}: principles.{key} needs article, the number of an article of the Convention")
        principles.append(Principle(key, _title(entry, f"principles.{key}"), article))
    known = {principle.key for principle in principles}
    found = []
    for key, entry in _entries(table, "outcomes"):
        _only(entry, {"title", "principle"}, f"outcomes.{key}")
        principle = entry.get("principle")
        if not isinstance(principle, str) or principle not in known:
            raise UsageRefused(f"{_FILE}: outcomes.{key} needs principle, one of: {', '.join(sorted(known))}")
        found.append(Outcome(key, _title(entry, f"outcomes.{key}"), principle))
    return Outcomes(tuple(principles), tuple(found))


def _entries(table: Mapping[str, object], name: str) -> list[tuple[str, Mapping[str, object]]]:
    entries = table.get(name, {})
    if not isinstance(entries, Mapping):
        raise UsageRefused(f"{_FILE}: {name} must be a table with one table for each key")
    for key, entry in entries.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise UsageRefused(
                f"{_FILE}: a key in {name} is small letters, digits and inner hyphens; rename the odd one"
            )
        if not isinstance(entry, Mapping):
            raise UsageRefused(f"{_FILE}: {name}.{key} must be a table")
    return list(entries.items())


def _only(table: Mapping[str, object], allowed: set[str], where: str) -> None:
    if set(table) - allowed:
        raise UsageRefused(f"{_FILE}: {where} may hold only {', '.join(sorted(allowed))}; take out what else is there")


def _title(entry: Mapping[str, object], where: str) -> str:
    title = entry.get("title")
    if not isinstance(title, str) or not title.strip():
        raise UsageRefused(f"{_FILE}: {where} needs a title, in words a listener understands")
    return title.strip()
