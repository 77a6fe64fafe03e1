"""How long things are kept, and their end: keys first, then files, then what the database held.

What is to be destroyed is written down before anything is touched. So whoever is killed on the way leaves something that the next
call, or the next command that has the passphrase, brings to its end.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from stablecast.engine.retention import DAY_S, LONGEST_DAYS, Counted, Keeping, Term, counted
from stablecast.errors import EnvironmentFailure, GateClosed, IntegrityFailure, Locked, StablecastError, UsageRefused
from stablecast.model import Role, Slug
from stablecast.store import decisions, files, locks
from stablecast.store.state import EpisodeRow, TermRow, What
from stablecast.studio import gone, people, release
from stablecast.studio.show import SYSTEM, OpenShow
from stablecast.studio.views import KeptView, PurgeView, StatusView

LOOK_AGAIN = timedelta(minutes=10)  # what is looked at with every command need not be looked at with every click
FIRST = "an episode is withdrawn before it is destroyed; `stablecast withdraw` does that at once"
HALF_UP = "something that was published is not up, for a command was interrupted; `stablecast publish` puts it up"
UNFINISHED = "something that is to be destroyed is not yet; any command that is given the passphrase does it"


class Reason(enum.StrEnum):
    """Why a lead keeps a recording longer. A choice, because a log is no place for a story."""

    YOUNG_PERSON = "young-person"  # asked for it
    UNFINISHED = "unfinished"  # the episode is still worked on
    SAFEGUARDING = "safeguarding"
    LEGAL = "legal"


# --- the time that is kept -------------------------------------------------------------------------------------------------


def look(show: OpenShow) -> None:
    """Take in that time has passed, and what is over by now. Destroys nothing; needs no key.

    A show that cannot be written to is looked at another time.
    """
    with contextlib.suppress(EnvironmentFailure, Locked):
        before, now = show.state.counted(), show.clock()
        if before is None or abs(now - before.last_at) >= LOOK_AGAIN:
            _count(show)


def _count(show: OpenShow) -> None:
    with show.state.transaction():
        before = show.state.counted() or Counted(show.clock())
        seen = counted(before, show.clock())
        show.state.set_counted(seen)
        passed_s = seen.total_s - before.total_s
        known, held = show.state.terms(), show.state.held() - show.state.withdrawals().keys()
        wanted = _wanted(show)
        for episode in known.keys() - wanted.keys() - held:
            show.state.drop_term(episode)
        for episode in known.keys() & held:  # a hold stops the time
            row = known[episode]
            show.state.set_term(dataclasses.replace(row, term=_later(row.term, passed_s)))
        for episode, (keeping, released) in wanted.items():
            row = known.get(episode, TermRow(episode, Term(keeping, seen.total_s), released))
            if (row.term.keeping, row.release) != (keeping, released):
                row = TermRow(episode, Term(keeping, seen.total_s), released)
            term = row.term.announced(show.settings.retention, seen.total_s)
            show.state.set_term(dataclasses.replace(row, term=term))
            if term.over(show.settings.retention, seen.total_s):
                what = What.EPISODE if keeping is Keeping.WITHDRAWN else What.RAW
                if show.state.add_erasure(episode, what, SYSTEM, show.clock()):
                    show.state.log(show.clock(), SYSTEM, "kept-long-enough", episode, what)


def _wanted(show: OpenShow) -> dict[str, tuple[Keeping, str]]:
    """Every episode of which time counts: why it is kept, and the cut that is out. One that is held is not among them."""
    withdrawn, erased, bare = show.state.withdrawals(), show.state.erased(), show.state.erased(What.RAW)
    held = show.state.held()
    live = {row.episode: str(row.digest) for row in show.state.live_releases()}
    found: dict[str, tuple[Keeping, str]] = {}
    for row in show.state.episodes():
        if row.id in withdrawn:
            if row.id not in erased:
                found[row.id] = (Keeping.WITHDRAWN, "")
        elif row.id not in held and row.id not in bare and show.known(row):
            found[row.id] = (Keeping.PUBLISHED if row.id in live else Keeping.UNRELEASED, live.get(row.id, ""))
    return found


def _later(term: Term, seconds: float) -> Term:
    warned_s = None if term.warned_s is None else term.warned_s + seconds
    return dataclasses.replace(term, since_s=term.since_s + seconds, warned_s=warned_s)


def kept(show: OpenShow) -> dict[str, KeptView]:
    """How long something of each episode (by id) is still kept. What nobody has looked at yet is missing."""
    seen, params = show.state.counted() or Counted(show.clock()), show.settings.retention
    held = show.state.held() - show.state.withdrawals().keys()
    due = {(e.episode, e.what) for e in show.state.erasures(unfinished=True)}
    found = {}
    for row in show.state.terms().values():
        what = What.EPISODE if row.term.keeping is Keeping.WITHDRAWN else What.RAW
        days = 0 if (row.episode, what) in due else row.term.days_left(params, seen.total_s)
        soon = days <= params.warning_days
        found[row.episode] = KeptView(row.term.keeping, what, days, soon, row.episode in held)
    return found


def told(show: OpenShow, view: StatusView) -> StatusView:
    """`status` with how long things are kept, and what is still to be done."""
    by_slug = {row.slug: row.id for row in show.state.episodes()}
    terms = kept(show)
    episodes = tuple(dataclasses.replace(each, kept=terms.get(by_slug[Slug(each.episode)])) for each in view.episodes)
    notes = {
        gone.BEHIND: gone.behind(show),
        UNFINISHED: unfinished(show),
        HALF_UP: show.state.swap_due(),  # what can be done without a key was done before anybody was told
    }
    return dataclasses.replace(view, episodes=episodes, notes=tuple(note for note, so in notes.items() if so))


def extend(show: OpenShow, name: str, days: int, who: str, reason: Reason) -> KeptView:
    """Keep what is kept of an episode so many days longer.

    Raises GateClosed for anybody but the lead and where it is too late, UsageRefused for a number that is none.
    """
    row = show.row(name)
    people.in_role(show, who, Role.LEAD)
    if not 1 <= days <= LONGEST_DAYS:
        raise UsageRefused(f"the days to add are from 1 to {LONGEST_DAYS}")
    _count(show)  # or the time of what was withdrawn a minute ago would not run yet
    with show.state.transaction():
        known = show.state.terms().get(row.id)
        if known is None or row.id in show.state.erased(_what(known)):
            raise GateClosed("nothing of this episode can be kept longer: its time does not run, or is over")
        longer = dataclasses.replace(known.term, extra_s=known.term.extra_s + days * DAY_S, warned_s=None)
        show.state.set_term(dataclasses.replace(known, term=longer))
        show.state.log(show.now(), who, "kept-longer", row.id, f"{days} days: {reason}")
    return kept(show)[row.id]


def _what(row: TermRow) -> What:
    return What.EPISODE if row.term.keeping is Keeping.WITHDRAWN else What.RAW


# --- the end ---------------------------------------------------------------------------------------------------------------


def purge(show: OpenShow, name: str | None, receipt: str | None, who: str | None) -> PurgeView:
    """Destroy everything of a withdrawn episode, for good; completes what an earlier call could not. Needs the passphrase.

    Asked for by a lead (`who`) or with a receipt code. Raises GateClosed before it is withdrawn, and for anybody else.
    """
    row = release.by_receipt(show, receipt) if receipt is not None else show.row(name or "")
    if receipt is None:
        people.in_role(show, who or "", Role.LEAD)
    if row.id not in show.state.withdrawals():
        raise GateClosed(FIRST)
    by = "receipt" if receipt is not None else str(who)
    show.keyring.entries()  # a wrong passphrase is told before anything is touched
    before = any(e.episode == row.id and e.done for e in show.state.erasures() if e.what is What.EPISODE)
    with _alone(show, wait_s=release.WAIT_S):
        with show.state.transaction():
            if show.state.add_erasure(row.id, What.EPISODE, by, show.clock()):
                show.state.log(show.clock(), by, "purge-begun", row.id)
        _erase(show, row, by)
    gone.settle(show)
    show.memory.forget((row.id,))
    return PurgeView(row.slug, before)


def finish(show: OpenShow) -> None:
    """Destroy what is over. For a show whose keyring is open already; while another command works, a later one does it."""
    rows = {row.id: row for row in show.state.episodes()}
    with contextlib.suppress(Locked):
        _agree_with_keyring(show)
        due = [each for each in show.state.erasures(unfinished=True) if _may(show, each.episode, each.what)]
        if not due:
            return
        with _alone(show):
            for each in due:
                if not _may(show, each.episode, each.what):
                    continue
                if each.what is What.EPISODE:
                    _erase(show, rows[each.episode], each.by)
                else:
                    _destroy_raw(show, rows[each.episode])
        gone.settle(show)
        show.memory.forget(show.state.erased())


def finish_listed(show: OpenShow) -> None:
    """Remove again what an old backup brought back of episodes whose keys are destroyed. Needs no key."""
    listed = gone.listed_as_erased(show)
    due = [e for e in show.state.erasures(unfinished=True) if e.what is What.EPISODE and e.episode in listed]
    if due:
        rows = {row.id: row for row in show.state.episodes()}
        with contextlib.suppress(StablecastError), _alone(show):  # what is left to do, `status` and `verify` say
            for each in due:
                _erase(show, rows[each.episode], each.by, key=False)


def unfinished(show: OpenShow) -> bool:
    """Whether something is over and not destroyed yet."""
    return any(_may(show, each.episode, each.what) for each in show.state.erasures(unfinished=True))


def _may(show: OpenShow, episode: str, what: What) -> bool:
    """A recording of an episode that is held stays, whatever was decided before."""
    withdrawn = episode in show.state.withdrawals()
    return withdrawn if what is What.EPISODE else withdrawn or episode not in show.state.held()


def _agree_with_keyring(show: OpenShow) -> None:
    """Take out keys that an old copy of the keyring brought back, and give up recordings whose key is destroyed."""
    entries = show.keyring.entries()
    bare = show.state.erased(What.RAW)
    for row in show.state.episodes():
        if row.id in entries and entries[row.id].source_keys is None and row.id not in bare:
            show.state.add_erasure(row.id, What.RAW, SYSTEM, show.clock())
    done = [each for each in show.state.erasures() if each.done and each.episode in entries]
    if stale := [each.episode for each in done if each.what is What.EPISODE]:
        show.keyring.remove(*stale)
    raw = [e.episode for e in done if e.what is What.RAW and entries[e.episode].source_keys is not None]
    if raw := [episode for episode in raw if episode not in stale]:
        show.keyring.forget_sources(*raw)


@contextmanager
def _alone(show: OpenShow, *, wait_s: float = 0.0) -> Iterator[None]:
    with locks.exclusive(show.workspace.lock("work"), wait_s=wait_s), decisions.lock(show.workspace):
        yield


def _erase(show: OpenShow, row: EpisodeRow, by: str, *, key: bool = True) -> None:
    if key and row.id in show.keyring.entries():
        show.keyring.remove(row.id)
    show.state.wipe(row.id)
    for folder in (show.workspace.episode(row.slug), show.workspace.words(row.slug)):
        _remove(folder)
    with (
        contextlib.suppress(Locked),
        locks.exclusive(show.workspace.lock("review")),
    ):  # a server that runs removes its own
        _remove(show.workspace.uploads)
    show.state.compact()
    with show.state.transaction():
        if show.state.finish_erasure(row.id, What.EPISODE):
            show.state.log(show.clock(), by, "erased", row.id)


def _destroy_raw(show: OpenShow, row: EpisodeRow) -> None:
    show.keyring.forget_sources(row.id)
    _remove(show.workspace.sources(row.slug))
    with show.state.transaction():
        show.state.drop_term(row.id)
        if show.state.finish_erasure(row.id, What.RAW):
            show.state.log(show.clock(), SYSTEM, "recording-destroyed", row.id)


def _remove(folder: Path) -> None:
    """A folder with all that is in it, durably. Raises EnvironmentFailure where it cannot be written."""
    if not folder.exists():
        return
    with files.resources():
        shutil.rmtree(folder)
        files.sync_folder(folder.parent)


def problems(show: OpenShow) -> Iterator[str]:
    """What is left of what should be gone, in sentences for `verify`."""
    for each in show.state.erasures():
        row = next(row for row in show.state.episodes() if row.id == each.episode)
        if not each.done:
            if _may(show, each.episode, each.what):
                yield f"{row.slug}: {UNFINISHED}"
            continue
        folders = (
            (show.workspace.episode(row.slug), show.workspace.words(row.slug))
            if each.what is What.EPISODE
            else (show.workspace.sources(row.slug),)
        )
        if any(folder.exists() for folder in folders):
            yield f"{row.slug}: files are there again that were destroyed; `stablecast purge` removes them"
        if each.what is What.EPISODE and each.episode not in show.state.withdrawals():
            yield f"{row.slug}: it was destroyed and is not withdrawn"


def stale_keys(show: OpenShow) -> Iterator[str]:
    """Which keys are in the keyring that should be gone. Needs the passphrase."""
    try:
        entries = show.keyring.entries()
    except IntegrityFailure as closed:
        yield str(closed)
        return
    for each in show.state.erasures():
        entry = entries.get(each.episode)
        if each.done and entry is not None and (each.what is What.EPISODE or entry.source_keys is not None):
            yield "the keyring holds a key that was destroyed: an old copy of it was put back; any command takes it out"


def quietly(show: OpenShow, *, asks: bool) -> None:
    """`finish`, where that needs nobody: the keyring is open, or opens without a question. What goes wrong is said by `status`."""
    if show.keyring.exists and (show.keyring.opened or (not asks and unfinished(show))):
        with contextlib.suppress(StablecastError):
            finish(show)
