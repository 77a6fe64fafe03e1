"""How much of a cut somebody has played: what a yes of the staff depends on."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from stablecast.engine import workflow
from stablecast.errors import UsageRefused
from stablecast.model import Digest, Role
from stablecast.runner import EnclosureNotes
from stablecast.store.state import EpisodeRow, ListeningRow
from stablecast.stretches import merged
from stablecast.studio import cuts, making
from stablecast.studio.reviews import HeardView
from stablecast.studio.show import OpenShow

MEASURED = (Role.REVIEWER, Role.LEAD)  # who has to hear all of a cut; a young person may read it, or be told
TOO_LITTLE = "not all of this cut was heard yet; listen to what is left, at twice the speed at most, and approve then"
_OVER_MS = 500  # by which a player may report to have played past the end


def heard(show: OpenShow, name: str, who: str, digest: str, stretches: Iterable[tuple[float, float]]) -> HeardView:
    """Add what somebody played of a cut. Raises UsageRefused for a stretch outside of it, GateClosed for another cut."""
    row = show.episode(name)
    cuts.frozen_cut(show, row, digest)
    length_ms = _length_ms(show, row)
    new = []
    for start_s, end_s in stretches:
        start_ms, end_ms = round(1000 * start_s), round(1000 * end_s)
        if not 0 <= start_ms < end_ms <= length_ms + _OVER_MS:
            raise UsageRefused("this was not played: it lies outside the episode; load the page again")
        new.append((start_ms, min(end_ms, length_ms)))
    with show.state.transaction():  # two tabs of one person add to one another
        before = show.state.listening(row.id, digest, who)
        played = merged((*(before.stretches if before else ()), *new))
        place_ms = new[-1][1] if new else before.place_ms if before else 0
        now = ListeningRow(Digest(digest), who, show.now(), played, place_ms)
        show.state.set_listening(row.id, now)
    return _heard(now, length_ms)


def listened(show: OpenShow, name: str, who: str, digest: str) -> HeardView:
    """How much of a cut somebody has heard. Raises GateClosed where `digest` is not the newest cut."""
    row = show.episode(name)
    cuts.frozen_cut(show, row, digest)
    return _heard(show.state.listening(row.id, digest, who), _length_ms(show, row))


def keep_place(show: OpenShow, name: str, who: str, digest: str, place_s: float) -> None:
    """Remember where somebody stopped; what they heard stays as it was."""
    row = show.episode(name)
    cuts.frozen_cut(show, row, digest)
    place_ms = min(max(0, round(1000 * place_s)), _length_ms(show, row))
    with show.state.transaction():
        before = show.state.listening(row.id, digest, who)
        kept = before.stretches if before else ()
        show.state.set_listening(row.id, ListeningRow(Digest(digest), who, show.now(), kept, place_ms))


def _length_ms(show: OpenShow, row: EpisodeRow) -> int:
    notes, _ = making.bench(show, row).notes("tag", EnclosureNotes)
    return round(1000 * notes.duration_s)


def _heard(row: ListeningRow | None, length_ms: int) -> HeardView:
    stretches = row.stretches if row else ()
    share = sum(end - start for start, end in stretches) / length_ms if length_ms else 0.0
    edges = [(0, 0), *stretches, (length_ms, length_ms)]
    missing = tuple((one[1] / 1000, other[0] / 1000) for one, other in pairwise(edges) if one[1] < other[0])
    return HeardView(share, share >= workflow.HEARD_SHARE, missing, (row.place_ms if row else 0) / 1000)
