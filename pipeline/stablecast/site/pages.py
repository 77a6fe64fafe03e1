"""The public site: an index and one plain page an episode, which work without scripts, cookies or anybody else's server."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import PurePosixPath
from typing import Final

from jinja2 import Environment, FunctionLoader, StrictUndefined

from stablecast.model import Chapter, Cue, Details, Outcome, Outcomes, Principle, PublicEpisode, ShowInfo
from stablecast.notes import content_note
from stablecast.paragraphs import clock, paragraphs
from stablecast.site.languages import name_of
from stablecast.site.wording import Wording

INDEX: Final = PurePosixPath("index.html")
STYLE: Final = PurePosixPath("style.css")

POLICY: Final = (
    "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'"
)

# What the HTML standard calls control characters, noncharacters and surrogates: all are parse errors.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 17))
    + "]"
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A paragraph of the transcript; `speaker` is empty where the one before goes on."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """The paragraphs below one chapter heading; no heading before the first chapter."""

    heading: str
    time: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Track:
    """The words of an episode in one language, to read and to take along."""

    language: str
    name: str  # of the language, in itself
    vtt: PurePosixPath
    srt: PurePosixPath
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class _Listing:
    """One episode as the templates see it."""

    episode: PublicEpisode
    day: date
    date: str
    page: PurePosixPath
    outcomes: tuple[Outcome, ...]
    wording: Wording

    @property
    def details(self) -> Details:
        return self.episode.details

    @property
    def note(self) -> str:
        return content_note(self.details, self.wording.whereabouts)

    @property
    def minutes(self) -> int:
        return max(1, round(self.episode.duration_s / 60))

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The words in the language spoken, then in others."""
        spoken = self.episode
        all_tracks = [(spoken.language, spoken.vtt, spoken.srt, spoken.cues)]
        all_tracks += [(t.language, t.vtt, t.srt, t.cues) for t in spoken.translations]
        return tuple(
            Track(language, name_of(language), vtt, srt, passages(cues, self.details.chapters))
            for language, vtt, srt, cues in all_tracks
        )


def page(episode: PublicEpisode) -> PurePosixPath:
    """Where an episode's page is, below the public root."""
    return PurePosixPath("episodes", f"{episode.public_id}.html")


def named(keys: Sequence[str], known: Outcomes) -> tuple[Outcome, ...]:
    """The outcomes with these keys, in the order of `known`. Keys it does not hold are passed over.

    The settings may change after an episode is out, and a show must always be able to build its pages, or it could not
    withdraw anything.
    """
    return tuple(outcome for outcome in known.outcomes if outcome.key in keys)


def pages(
    show: ShowInfo,
    episodes: Sequence[tuple[PublicEpisode, date]],
    outcomes: Outcomes,
    *,
    feed: PurePosixPath,
    cover: PurePosixPath,
    wording: Wording | None = None,
) -> Mapping[PurePosixPath, bytes]:
    """Index, style and a page for each of `episodes` (with its day of release), as UTF-8, by path below the public root.

    Equal input gives equal bytes. Every text is escaped; characters HTML forbids are dropped.
    """
    wording = wording or Wording()
    ordered = sorted(episodes, key=lambda pair: pair[0].public_id)
    ordered.sort(key=lambda pair: pair[1], reverse=True)
    listings = [
        _Listing(
            episode, day, _written(day, wording), page(episode), named(episode.details.outcomes, outcomes), wording
        )
        for episode, day in ordered
    ]

    def rendered(template: str, root: str, **more: object) -> bytes:
        text = (
            _environment()
            .get_template(template)
            .render(show=show, wording=wording, policy=POLICY, feed=feed, cover=cover, root=root, **more)
        )
        return _FORBIDDEN.sub("", text).encode()

    address = show.url.rstrip("/") + f"/{feed}"
    made = {
        INDEX: rendered("index.html", "", listings=listings, themes=_themes(outcomes), address=address),
        STYLE: _template("style.css").encode(),
    }
    for listing in listings:
        made[listing.page] = rendered("episode.html", "../", listing=listing)
    return made


def passages(cues: Sequence[Cue], chapters: Sequence[Chapter]) -> tuple[Passage, ...]:
    """The transcript to read: paragraphs by speaker, pause and length, below the chapter they are heard in.

    `chapters` are in seconds of the published file, as the cues are.
    """
    ordered = sorted(chapters, key=lambda chapter: chapter.start_s)

    def chapter_of(cue: Cue) -> int:
        return sum(chapter.start_s * 1000 <= cue.start_ms for chapter in ordered)

    by_chapter = {number: tuple(group) for number, group in itertools.groupby(cues, chapter_of)}
    found = []
    for number in range(len(ordered) + 1):
        turns = tuple(_turns(by_chapter.get(number, ())))
        if number:
            chapter = ordered[number - 1]
            found.append(Passage(chapter.title, clock(chapter.start_s), turns))
        elif turns:
            found.append(Passage("", "", turns))
    return tuple(found)


def _turns(cues: Sequence[Cue]) -> Iterator[Turn]:
    named_last = None
    for paragraph in paragraphs(cues):
        speaker = paragraph[0].speaker
        text = " ".join(" ".join(cue.text.split()) for cue in paragraph)
        yield Turn("" if speaker == named_last else speaker, text)
        named_last = speaker


def _themes(outcomes: Outcomes) -> list[tuple[Principle, list[Outcome]]]:
    grouped = [
        (principle, [outcome for outcome in outcomes.outcomes if outcome.principle == principle.key])
        for principle in outcomes.principles
    ]
    return [(principle, found) for principle, found in grouped if found]


def _written(day: date, wording: Wording) -> str:
    return f"{day.day} {wording.months[day.month - 1]} {day.year}"


def _template(name: str) -> str:
    return (resources.files("stablecast.site") / "templates" / name).read_text("utf-8")


@functools.cache
def _environment() -> Environment:
    load: Callable[[str], str] = _template
    return Environment(
        loader=FunctionLoader(load), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
