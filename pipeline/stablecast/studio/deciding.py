"""What people decided about an episode's words: read, changed, gone back in, and followed by the inputs that stages read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from stablecast.errors import GateClosed, UsageRefused
from stablecast.model import Correction, Edit, Role
from stablecast.store import decisions, episode
from stablecast.store.decisions import Change, History, Mark, Version
from stablecast.store.episode import Corrections, Edits, Record
from stablecast.store.keyring import Entry
from stablecast.store.state import EpisodeRow
from stablecast.studio.show import OPERATOR, OpenShow

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """An episode's decisions as they are now."""

    row: EpisodeRow
    record: Record
    entry: Entry
    file: int  # the number of the file they stand in; 0 where there is none yet
    history: History
    marks: tuple[Mark, ...]
    edits: tuple[Edit, ...]

    @property
    def corrections(self) -> tuple[Correction, ...]:
        return tuple(mark.correction for mark in self.marks)

    @property
    def followed(self) -> int:
        """The version that the newest run follows."""
        return self.record.version

    @property
    def waiting(self) -> int:
        """How many changes the newest run does not follow yet; 1 or more where anything was decided since."""
        if self.file == self.record.decided:
            return 0
        between = {v.number for v in self.history.chain()} ^ {v.number for v in self.history.chain(self.followed)}
        return max(1, len(between))


def kept(show: OpenShow, row: EpisodeRow) -> Kept:
    """The newest decisions about an episode. Needs the key, and no lock."""
    record, entry = episode.read(show.workspace, row.slug), show.keyring.entry(row.id)

    def newest() -> Kept:
        number = decisions.newest(show.workspace, row.slug)
        if number:
            key = ("decisions", row.id, number)
            history = show.memory.kept(key, lambda: decisions.read(show.workspace, row.slug, number, entry.keys))
        else:
            history = _begun(show, row, record, entry)
        marks = tuple(history.marks[index] for index in history.marks_at())
        return Kept(row, record, entry, number, history, marks, history.current_edits())

    return decisions.steady(newest)


def _begun(show: OpenShow, row: EpisodeRow, record: Record, entry: Entry) -> History:
    """What there was before any version."""
    where = (show.workspace, row.slug, record)
    found = episode.get_input(*where, "corrections", Corrections, entry.keys).corrections
    edits = episode.get_input(*where, "edits", Edits, entry.keys).edits if record.edited else ()
    marks = tuple(map(Mark, found))
    return History(marks, edits, first_marks=tuple(range(len(marks))), first_edits=tuple(range(len(edits))))


def changed(
    show: OpenShow,
    before: Kept,
    by: str,
    *,
    marks: Iterable[Mark] | None = None,
    edits: Iterable[Edit] | None = None,
    paragraph: str = "",
    undoes: int = 0,
    redoes: int = 0,
) -> Kept:
    """A new version, with these marks and edits instead (None: as they are). Only while holding the lock of `decisions`.

    Raises GateClosed where a young person's mark would be gone that somebody else takes back.
    """
    after_marks = before.marks if marks is None else tuple(dict.fromkeys(marks))
    after_edits = before.edits if edits is None else tuple(dict.fromkeys(edits))
    if any(mark not in after_marks and _belongs_to_another(show, mark, by) for mark in before.marks):
        raise GateClosed("the young person marked this to be taken out; only they can take that back")
    history = before.history
    pool_marks, change_marks = _change(history.marks, before.marks, after_marks)
    pool_edits, change_edits = _change(history.edits, before.edits, after_edits)
    number = max((version.number for version in history.versions), default=0) + 1
    made = Version(
        number, history.current, show.now(), by, change_marks, change_edits, paragraph, undoes=undoes, redoes=redoes
    )
    return _written(
        show,
        before,
        by,
        dataclasses.replace(
            history, marks=pool_marks, edits=pool_edits, versions=(*history.versions, made), current=number
        ),
    )


def at(show: OpenShow, before: Kept, by: str, number: int) -> Kept:
    """Another version is the one that counts, with every mark a young person has made since. Only while holding the lock.

    Raises UsageRefused for one there is not.
    """
    history = before.history
    if number and history.version(number) is None:
        raise UsageRefused("there is no version of that number; `stablecast correct EP --versions` lists them")
    there = [history.marks[index] for index in history.marks_at(number)]
    lost = [mark for mark in before.marks if mark not in there and _belongs_to_another(show, mark, by)]
    after = _written(show, before, by, dataclasses.replace(history, current=number))
    return changed(show, after, by, marks=(*there, *lost)) if lost else after


def follow(show: OpenShow, row: EpisodeRow) -> None:
    """Let the inputs that stages read be what was decided last. Only while holding the lock `work`."""
    if decisions.newest(show.workspace, row.slug) == episode.read(show.workspace, row.slug).decided:
        return
    now = kept(show, row)
    values: dict[str, object] = {"corrections": Corrections(now.corrections)}
    if now.edits or now.record.edited:
        values["edits"] = Edits(now.edits)
    version = now.history.current
    episode.revise(show.workspace, row.slug, now.record, values, now.entry.keys, decided=now.file, version=version)
    show.state.log(show.now(), OPERATOR, "corrected", row.id, f"version {now.history.current}")


def is_young_person(show: OpenShow, account: str) -> bool:
    """Whether an account speaks for a young person and for nobody else."""
    return any(found.id == account and found.roles == (Role.YOUNG_PERSON,) for found in show.state.accounts())


def _belongs_to_another(show: OpenShow, mark: Mark, by: str) -> bool:
    return mark.correction.redact and mark.by != by and is_young_person(show, mark.by)


def _change(pool: tuple[T, ...], before: tuple[T, ...], after: tuple[T, ...]) -> tuple[tuple[T, ...], Change]:
    """The pool with what is new in it, and the change from `before` to `after` in places of that pool."""
    place = {value: index for index, value in enumerate(pool)}
    whole = (*pool, *(value for value in after if value not in place))
    place = {value: index for index, value in enumerate(whole)}
    kept_on, had = set(after), set(before)
    return whole, Change(
        tuple(place[value] for value in after if value not in had),
        tuple(place[value] for value in before if value not in kept_on),
    )


def _written(show: OpenShow, before: Kept, by: str, history: History) -> Kept:
    number = before.file + 1
    since = [version for version in before.history.versions if version.number > before.record.version]
    decisions.write(show.workspace, before.row.slug, number, history, before.entry.keys)
    show.memory.kept(("decisions", before.row.id, number), lambda: history)
    if before.file == before.record.decided or all(version.by != by for version in since):
        show.state.log(
            show.now(), by, "words-changed", before.row.id
        )  # once a person and cut: the rest is in the history
    marks = tuple(history.marks[index] for index in history.marks_at())
    return dataclasses.replace(before, file=number, history=history, marks=marks, edits=history.current_edits())
