"""What a producer sees and writes about one episode: all that is neither a recording nor a word that was said."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from stablecast.errors import UsageRefused
from stablecast.model import Alias, Chapter, ContentNote, Details, Item, Role, Slug
from stablecast.store import episode, locks
from stablecast.store.episode import Protected, Tracks
from stablecast.studio import intake
from stablecast.studio.show import OpenShow


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """One of the outcomes an episode may speak to."""

    key: str
    title: str
    principle: str  # the title of the General Principle it stands under


@dataclass(frozen=True, slots=True)
class SpeakerView:
    """A speaker and the character whose voice they get."""

    alias: Alias
    character: str


@dataclass(frozen=True, slots=True)
class PersonNameView:
    """An account that a link may be made for."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class DeskView:
    """One episode as its producer has it. How many words are protected is told, and never which."""

    episode: str
    details: Details
    protected: int
    speakers: tuple[SpeakerView, ...]
    consent: tuple[Item, ...] | None  # None: nobody was asked
    consent_at: str | None
    outcomes: tuple[OutcomeView, ...]  # all there are
    young_people: tuple[PersonNameView, ...]
    public_on: str | None
    same_as: tuple[Slug, ...]  # other episodes that have the same recording


@dataclass(frozen=True, slots=True)
class Written:
    """What a producer wrote about an episode: it takes the place of all that stood there."""

    title: str
    summary: str = ""
    content_note: str = ""
    notes: tuple[ContentNote, ...] = ()
    outcomes: tuple[str, ...] = ()
    explicit: bool = False
    chapters: tuple[Chapter, ...] | None = None  # None: as they are

    def over(self, details: Details) -> Details:
        return dataclasses.replace(
            details,
            title=self.title.strip() or details.title,
            summary=self.summary.strip(),
            content_note=self.content_note.strip(),
            outcomes=self.outcomes,
            chapters=details.chapters if self.chapters is None else self.chapters,
            explicit=self.explicit,
            notes=self.notes,
        )


def outcome_views(show: OpenShow) -> tuple[OutcomeView, ...]:
    """The outcomes of config/outcomes.toml, in its order."""
    principles: Mapping[str, str] = {found.key: found.title for found in show.outcomes.principles}
    return tuple(OutcomeView(o.key, o.title, principles[o.principle]) for o in show.outcomes.outcomes)


def desk(show: OpenShow, name: str) -> DeskView:
    """All that a producer wrote about an episode, and what there is to choose from."""
    row = show.episode(name)
    record = episode.read(show.workspace, row.slug)
    keys = show.keyring.entry(row.id).keys
    details = episode.get_input(show.workspace, row.slug, record, "details", Details, keys)
    protected = episode.get_input(show.workspace, row.slug, record, "protected", Protected, keys)
    tracks = episode.get_input(show.workspace, row.slug, record, "tracks", Tracks, keys).tracks
    speakers = tuple(
        SpeakerView(track.speaker, show.production.character(number, record.characters).name)
        for number, track in enumerate(tracks, 1)
    )
    consents = show.state.consents(row.id)
    live = next((release for release in show.state.live_releases() if release.episode == row.id), None)
    return DeskView(
        row.slug,
        details,
        len(protected.words),
        speakers,
        tuple(Item(item) for item in consents[-1].items) if consents else None,
        consents[-1].at.isoformat() if consents else None,
        outcome_views(show),
        tuple(PersonNameView(a.id, a.name) for a in show.state.accounts() if Role.YOUNG_PERSON in a.roles),
        live.released_on.isoformat() if live else None,
        intake.twins(show, row),
    )


def set_details(show: OpenShow, name: str, who: str, written: Written) -> None:
    """Put what a producer wrote in the place of what stood there. Raises UsageRefused for an outcome there is not."""
    row = show.episode(name)
    known = {outcome.key for outcome in show.outcomes.outcomes}
    if unknown := [key for key in written.outcomes if key not in known]:
        raise UsageRefused(
            f"outcomes.toml has {len(unknown)} of these outcomes not; reload the page to see those there are"
        )
    with locks.exclusive(show.workspace.lock("work")):
        record = episode.read(show.workspace, row.slug)
        keys = show.keyring.entry(row.id).keys
        before = episode.get_input(show.workspace, row.slug, record, "details", Details, keys)
        details = written.over(before)
        if details == before:
            return
        episode.revise(show.workspace, row.slug, record, {"details": details}, keys, content_note=details.noted)
        show.state.log(show.now(), who, "details-changed", row.id)
