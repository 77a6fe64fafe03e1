"""Words that must go, and what speakers are called: decided while a cut is reviewed, followed by the next run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TypeVar

from stablecast.errors import UsageRefused
from stablecast.model import Alias, Correction, Edit, Turn
from stablecast.stages.find import Answer
from stablecast.store import decisions, episode, locks
from stablecast.store.episode import Answers, Corrections, Edits, Protected, Track, Tracks, Turns
from stablecast.studio import deciding
from stablecast.studio.show import OpenShow

LONGEST_ALIAS = 40  # letters: it stands above captions
Spoken = TypeVar("Spoken", Correction, Edit, Turn, Answer, Track)


def protect(show: OpenShow, name: str, who: str, word: str) -> None:
    """Add a word to those that must never be heard or read. Raises UsageRefused for an empty one, Locked while a run works."""
    wanted = " ".join(word.split())
    if not wanted:
        raise UsageRefused("write the word that must not be heard")
    row = show.episode(name)
    with locks.exclusive(show.workspace.lock("work")):
        record, keys = episode.read(show.workspace, row.slug), show.keyring.entry(row.id).keys
        words = episode.get_input(show.workspace, row.slug, record, "protected", Protected, keys).words
        if wanted in words:
            return
        episode.revise(show.workspace, row.slug, record, {"protected": Protected((*words, wanted))}, keys)
        show.state.log(show.now(), who, "protected", row.id)


def rename_speaker(show: OpenShow, name: str, who: str, old: str, new: str) -> None:
    """Call a speaker by another alias, in everything that was decided too; the voice stays theirs.

    Raises UsageRefused for one that is taken, empty or too long, Locked while a run works.
    """
    row = show.episode(name)
    before, after = Alias(old), Alias(" ".join(new.split()))
    if not 0 < len(after) <= LONGEST_ALIAS:
        raise UsageRefused(f"an alias has 1 to {LONGEST_ALIAS} letters")
    with locks.exclusive(show.workspace.lock("work")), decisions.lock(show.workspace):
        kept = deciding.kept(show, row)
        record, entry = kept.record, kept.entry
        where = (show.workspace, row.slug, record)
        tracks = episode.get_input(*where, "tracks", Tracks, entry.keys).tracks
        names = [track.speaker for track in tracks]
        if before not in names:
            raise UsageRefused("this episode has no speaker of that name; load the page again")
        if after in names:
            raise UsageRefused("another speaker of this episode is called so; choose another alias")

        def called(said: Spoken) -> Spoken:
            return dataclasses.replace(said, speaker=after) if said.speaker == before else said

        values: dict[str, object] = {
            "tracks": Tracks(tuple(map(called, tracks))),
            "corrections": Corrections(
                tuple(map(called, episode.get_input(*where, "corrections", Corrections, entry.keys).corrections))
            ),
        }
        if record.edited:
            values["edits"] = Edits(tuple(map(called, episode.get_input(*where, "edits", Edits, entry.keys).edits)))
        if record.answered:
            values["answers"] = Answers(
                tuple(map(called, episode.get_input(*where, "answers", Answers, entry.keys).answers))
            )
        if record.shared:
            turns = episode.get_input(*where, "turns", Turns, entry.keys)
            values["turns"] = dataclasses.replace(
                turns, found=tuple(map(called, turns.found)), changes=tuple(map(called, turns.changes))
            )
        both = dataclasses.replace(
            entry, draws=_renamed(entry.draws, before, after), recurring=_renamed(entry.recurring, before, after)
        )
        show.keyring.put(
            row.id, dataclasses.replace(both, draws={**entry.draws, **both.draws})
        )  # neither name lacks a voice
        decided = record.decided
        if kept.file:
            history = dataclasses.replace(
                kept.history,
                marks=tuple(dataclasses.replace(m, correction=called(m.correction)) for m in kept.history.marks),
                edits=tuple(map(called, kept.history.edits)),
            )
            decisions.write(show.workspace, row.slug, kept.file + 1, history, entry.keys)
            decided += record.decided == kept.file  # what was followed still is
        episode.revise(show.workspace, row.slug, record, values, entry.keys, decided=decided)
        show.keyring.put(row.id, both)
        show.state.log(show.now(), who, "speaker-renamed", row.id)


def _renamed(of: Mapping[Alias, str], before: Alias, after: Alias) -> dict[Alias, str]:
    return {after if speaker == before else speaker: value for speaker, value in of.items()}
