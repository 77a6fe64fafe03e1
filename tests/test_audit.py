"""The audit log: every edit shows in the chain, and a cut-off end shows against the head that is kept elsewhere."""

from __future__ import annotations

import sqlite3
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablecast.engine.audit import Entry, chained, first_broken
from stablecast.store.keyring import Keyring
from stablecast.store.state import State

NOW = datetime(2026, 3, 1, tzinfo=UTC)

TEXT = st.text(max_size=8)
LOGS = st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT), min_size=1, max_size=8).map(lambda rows: log(*rows))


def log(*rows: tuple[str, str, str, str, str]) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for number, row in enumerate(rows, 1):
        entries.append(chained(number, *row, entries[-1].hash if entries else ""))
    return tuple(entries)


@given(LOGS)
def test_an_untouched_log_is_whole(entries: tuple[Entry, ...]) -> None:
    """Whatever was written."""
    assert first_broken(entries) is None
    assert first_broken(()) is None


@given(LOGS, st.data())
def test_an_edit_shows_where_it_was_made(entries: tuple[Entry, ...], data: st.DataObject) -> None:
    """Any field of any entry, also its number and its hash."""
    place = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from([f.name for f in fields(Entry)]))
    value: Any = getattr(entries[place], field)
    changed: dict[str, Any] = {field: value + 1 if isinstance(value, int) else value + "x"}
    edited = replace(entries[place], **changed)

    assert first_broken((*entries[:place], edited, *entries[place + 1 :])) == place + 1


@given(LOGS, st.data())
def test_an_edit_with_a_hash_made_to_fit_shows_at_the_next_entry(
    entries: tuple[Entry, ...], data: st.DataObject
) -> None:
    """Whoever mends one hash has to mend all that follow."""
    place = data.draw(st.integers(0, len(entries) - 1))
    old = entries[place]
    fitted = chained(old.seq, old.at, old.actor, old.action + "x", old.episode, old.detail, old.previous)
    edited = (*entries[:place], fitted, *entries[place + 1 :])

    assert first_broken(edited) == (place + 2 if place + 1 < len(entries) else None)
    assert entries[-1].hash not in {entry.hash for entry in edited} or place + 1 < len(entries)


@given(LOGS, st.data())
def test_a_deleted_entry_shows(entries: tuple[Entry, ...], data: st.DataObject) -> None:
    """At its place; the last one shows by the head alone."""
    place = data.draw(st.integers(0, len(entries) - 1))
    without = (*entries[:place], *entries[place + 1 :])

    if place + 1 < len(entries):
        assert first_broken(without) == place + 1
    else:
        assert entries[-1].hash not in {entry.hash for entry in without}


@given(LOGS, st.data())
def test_an_inserted_entry_shows(entries: tuple[Entry, ...], data: st.DataObject) -> None:
    """Also a copy of a real one, also one that follows correctly from what is before it."""
    place = data.draw(st.integers(0, len(entries) - 1))
    before = entries[place - 1].hash if place else ""
    for more in (entries[place], chained(place + 1, "", "system", "published", "", "", before)):
        inserted = (*entries[:place], more, *entries[place:])
        if more == entries[place]:
            assert first_broken(inserted) == place + 2
        else:
            assert first_broken(inserted) in (place + 1, place + 2)


@given(LOGS.filter(lambda entries: len(entries) > 1), st.data())
def test_another_order_shows(entries: tuple[Entry, ...], data: st.DataObject) -> None:
    """Who did what first cannot be turned around."""
    shuffled = tuple(data.draw(st.permutations(entries)))

    assert (first_broken(shuffled) is None) == (shuffled == entries)


@given(LOGS, LOGS)
def test_fields_cannot_be_moved_into_each_other(one: tuple[Entry, ...], two: tuple[Entry, ...]) -> None:
    """Two entries that differ anywhere have different hashes: no separator can be written into a field."""
    assert (one[-1].hash == two[-1].hash) == (one == two)


def test_the_end_of_a_log_that_was_cut_off_shows_against_its_head(tmp_path: Path) -> None:
    """A chain is right up to where it was cut; the head kept beside the keyring and in each release is missing from it."""
    ring = Keyring(tmp_path / "keys", "show", lambda: "")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "show.age").touch()
    path = tmp_path / "state"
    with State.create(path, show_id="show", demo=False) as state:
        for number in range(3):
            state.log(NOW, "operator", f"action {number}")
        ring.keep_audit_head(state.audit()[-1].hash)
        assert ring.audit_head() in {entry.hash for entry in state.audit()}
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM audit WHERE seq = 3")
    database.close()

    with State(path) as state:
        assert first_broken(state.audit()) is None
        assert ring.audit_head() not in {entry.hash for entry in state.audit()}


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE audit SET actor = 'kim' WHERE seq = 2",
        "UPDATE audit SET action = 'nothing' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "UPDATE audit SET seq = seq + 1 WHERE seq > 2",
    ],
)
def test_an_edit_of_the_database_shows(tmp_path: Path, edit: str) -> None:
    """The log as it is kept, changed with any database tool."""
    path = tmp_path / "state"
    with State.create(path, show_id="show", demo=False) as state:
        for number in range(3):
            state.log(NOW, "operator", f"action {number}", "ep", "detail")
        assert first_broken(state.audit()) is None
    with sqlite3.connect(path) as database:
        database.execute(edit)
    database.close()

    with State(path) as state:
        assert first_broken(state.audit()) in (2, 3)
