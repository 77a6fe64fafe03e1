"""What was withdrawn stays withdrawn, also in a show that was put back from a backup."""

from __future__ import annotations

import contextlib
from pathlib import Path

from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Slug
from stablecast.store import gone
from stablecast.store.gone import Gone
from stablecast.store.state import What
from stablecast.studio.show import SYSTEM, OpenShow

BEHIND = (
    "the list of withdrawn episodes beside the keyring does not know of every withdrawal yet; bring the keyring here and run "
    "`stablecast status`, so that no old backup can bring the episode back"
)


def settle(show: OpenShow) -> None:
    """Make the facts and both copies of the list say the same: what one of them names is withdrawn in all.

    Raises IntegrityFailure when a copy is damaged.
    """
    rows = {row.id: row for row in show.state.episodes()}
    copies = [gone.read(path) for path in _places(show)]
    listed = gone.union(copies)
    with_facts = gone.union((listed, _by_facts(show)))
    withdrawn, erased = show.state.withdrawals(), show.state.erased()
    for each in listed:
        if each.episode in rows and each.episode not in withdrawn:
            with show.state.transaction():
                show.state.withdraw(each.episode, SYSTEM, show.clock())
                show.state.log(show.clock(), SYSTEM, "withdrawn", each.episode, "by the list of withdrawn episodes")
                show.state.make_swap_due()
        if each.episode in rows and each.erased and each.episode not in erased:
            show.state.add_erasure(each.episode, What.EPISODE, SYSTEM, show.clock())
    for path, copy in zip(_places(show), copies, strict=True):
        if frozenset(with_facts) != copy:
            with contextlib.suppress(EnvironmentFailure):  # `behind` says so
                gone.write(path, with_facts)


def lists(show: OpenShow, slug: Slug) -> bool:
    """Whether an episode of this name was withdrawn, here or in the show that this one was put back for."""
    return any(each.slug == slug for path in _places(show) for each in gone.read(path))


def behind(show: OpenShow) -> bool:
    """Whether the copy beside the keyring lacks a withdrawal, because the keyring is not here or cannot be written to."""
    try:
        listed = {each.episode for each in gone.read(show.keyring.gone)}
    except IntegrityFailure:
        return True
    return not listed >= show.state.withdrawals().keys()


def listed_as_erased(show: OpenShow) -> frozenset[str]:
    """The episodes (ids) whose key is destroyed, as the list beside the keyring says."""
    try:
        return frozenset(each.episode for each in gone.read(show.keyring.gone) if each.erased)
    except IntegrityFailure:
        return frozenset()


def _places(show: OpenShow) -> tuple[Path, ...]:
    """The copies there are to keep: beside the keyring only where that is."""
    return (show.workspace.gone, *((show.keyring.gone,) if show.keyring.exists else ()))


def _by_facts(show: OpenShow) -> tuple[Gone, ...]:
    done = {e.episode for e in show.state.erasures() if e.what is What.EPISODE and e.done}
    withdrawn = show.state.withdrawals()
    return tuple(
        Gone(row.id, row.slug, row.public_id, row.guid, row.id in done)
        for row in show.state.episodes()
        if row.id in withdrawn
    )
