"""The audit log as a hash chain: each entry's hash covers the one before, so an edit shows in every later hash.

A chain shows accidents and lazy edits. Who owns the machine can rebuild all of it: that is why its head is also written
into every release and kept beside the keyring.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done: ids and digests, never names or words."""

    seq: int
    at: str
    actor: str  # account id, "system", "operator" or "receipt"
    action: str
    episode: str  # episode id, or ""
    detail: str
    previous: str
    hash: str


def chained(seq: int, at: str, actor: str, action: str, episode: str, detail: str, previous: str) -> Entry:
    """The entry that follows the one whose hash is `previous`."""
    body = json.dumps([seq, at, actor, action, episode, detail, previous], ensure_ascii=True, separators=(",", ":"))
    return Entry(seq, at, actor, action, episode, detail, previous, hashlib.sha256(body.encode()).hexdigest())


def first_broken(entries: tuple[Entry, ...]) -> int | None:
    """The number of the first entry that does not follow from those before it; None when all do."""
    previous = ""
    for number, entry in enumerate(entries, 1):
        expected = chained(number, entry.at, entry.actor, entry.action, entry.episode, entry.detail, previous)
        if entry != expected:
            return number
        previous = entry.hash
    return None
