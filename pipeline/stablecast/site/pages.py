"""The public site: plain pages that work without scripts, cookies or anybody else's server.

Which pages there are depends on the settings and on what is released now, never on what once was: outcomes have their page
whether or not an episode speaks to them, so that an empty one tells nothing.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import PurePosixPath
from typing import Final
from xml.sax.saxutils import escape

from jinja2 import Environment, FunctionLoader, StrictUndefined

from stablecast.model import Chapter, Cue, Details, Outcome, Outcomes, Principle, PublicEpisode, ShowInfo
from stablecast.notes import content_note
from stablecast.paragraphs import clock, paragraphs
from stablecast.site.artwork import CARD_PX
from stablecast.site.colours import Colours, Palette
from stablecast.site.design import Design, OwnPage
from stablecast.site.languages import name_of
from stablecast.site.markdown import FORBIDDEN
from stablecast.site.wording import Wording

INDEX: Final = PurePosixPath("index.html")
EPISODES: Final = PurePosixPath("episodes", "index.html")
STUDY: Final = PurePosixPath("outcomes", "index.html")
CHANGE: Final = PurePosixPath("change.html")
SUPPORT: Final = PurePosixPath("support.html")
MISSING: Final = PurePosixPath("404.html")
STYLE: Final = PurePosixPath("style.css")
SCRIPT: Final = PurePosixPath("read-along.js")
SITEMAP: Final = PurePosixPath("sitemap.xml")
ROBOTS: Final = PurePosixPath("robots.txt")
COVER: Final = PurePosixPath("cover.jpg")
SMALL: Final = PurePosixPath("cover-small.jpg")
CARD: Final = PurePosixPath("card.jpg")

POLICY: Final = (
    "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'"
)
EPISODE_POLICY: Final = f"{POLICY}; script-src 'self'"  # the one script, where there is something to follow

NEWEST: Final = 3  # episodes on the first page
_TOLD_CHARS: Final = 280  # of a page, where its link is shared
_KEEPERS: Final = ("archive.org_bot", "ia_archiver")  # who would keep a copy of what is taken down


@dataclass(frozen=True, slots=True)
class Line:
    """A cue as it is read: it can be followed, and played from."""

    start_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A paragraph of the transcript; `speaker` is empty where the one before goes on."""

    speaker: str
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)


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
class Download:
    """A file to take along."""

    path: PurePosixPath
    label: str
    kept: bool = True  # saved as a file; else opened to be read
    language: str = ""  # of the words in it; empty for sound
    name: str = ""  # of the language, where there are several


@dataclass(frozen=True)
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

    @cached_property
    def note(self) -> str:
        return content_note(self.details, self.wording.whereabouts)

    @property
    def minutes(self) -> int:
        return max(1, round(self.episode.duration_s / 60))

    @cached_property
    def tracks(self) -> tuple[Track, ...]:
        """The words in the language spoken, then in others."""
        spoken = self.episode
        all_tracks = [(spoken.language, spoken.vtt, spoken.srt, spoken.cues)]
        all_tracks += [(t.language, t.vtt, t.srt, t.cues) for t in spoken.translations]
        return tuple(
            Track(language, name_of(language), vtt, srt, passages(cues, self.details.chapters))
            for language, vtt, srt, cues in all_tracks
        )

    @property
    def sounds(self) -> tuple[Download, ...]:
        """The sound, in each form it comes in; what plays everywhere first."""
        whole, small = self.episode.enclosure, self.episode.small
        less = () if small is None else (Download(small.path, self.wording.small_file),)
        return (Download(whole, self.wording.audio_file), *less)

    @property
    def downloads(self) -> tuple[Download, ...]:
        """Every file an episode's page offers, each once."""
        several = len(self.tracks) > 1
        words = [
            Download(path, label, language=track.language, name=track.name if several else "")
            for track in self.tracks
            for path, label in ((track.vtt, self.wording.vtt_file), (track.srt, self.wording.srt_file))
        ]
        read = [
            Download(
                file.path,
                label,
                False,
                file.language,
                "" if file.language == self.episode.language else name_of(file.language),
            )
            for file in self.episode.transcripts
            if (label := self.wording.file(file.media_type))
        ]
        return (*self.sounds, *read, *words)


@dataclass(frozen=True, slots=True)
class _Theme:
    """A General Principle or an outcome, with what is to be heard about it."""

    title: str
    page: PurePosixPath
    principle: Principle
    listings: tuple[_Listing, ...]
    outcomes: tuple[Outcome, ...] = ()  # of a principle


def page(episode: PublicEpisode) -> PurePosixPath:
    """Where an episode's page is, below the public root."""
    return PurePosixPath("episodes", f"{episode.public_id}.html")


def outcome_page(outcome: Outcome) -> PurePosixPath:
    """Where an outcome's page is."""
    return PurePosixPath("outcomes", f"{outcome.key}.html")


def principle_page(principle: Principle) -> PurePosixPath:
    """Where a General Principle's page is."""
    return PurePosixPath("principles", f"{principle.key}.html")


def own_page(own: OwnPage) -> PurePosixPath:
    """Where a page that the show wrote is."""
    return PurePosixPath("pages", f"{own.name}.html")


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
    design: Design | None = None,
    unlisted: bool = False,
) -> Mapping[PurePosixPath, bytes]:
    """The whole site but the feed, as bytes by path below the public root; `episodes` come with their day of release.

    Equal input gives equal bytes. Every text is escaped; characters HTML forbids are dropped. `unlisted` asks search engines
    to stay away.
    """
    design = design or Design()
    ordered = sorted(episodes, key=lambda pair: pair[0].public_id)
    ordered.sort(key=lambda pair: pair[1], reverse=True)
    listings = tuple(
        _Listing(
            episode,
            day,
            _written(day, design.words),
            page(episode),
            named(episode.details.outcomes, outcomes),
            design.words,
        )
        for episode, day in ordered
    )
    site = _Site(show, design, feed, outcomes, unlisted)
    art = design.art_of(show.title)
    made = {
        COVER: art.cover,
        SMALL: art.small,
        CARD: art.card,
        STYLE: _style(design.colours_of(show.title)),
        MISSING: site.page("404.html", MISSING, design.words.missing, absolute=True),
        ROBOTS: site.robots(),
    }
    if listings:
        made[SCRIPT] = _template("read-along.js").encode()
    found = dict(site.html(listings))
    made |= found
    made[SITEMAP] = site.sitemap(found, {listing.page: listing.day for listing in listings})
    return made


@dataclass(frozen=True, slots=True)
class _Site:
    """What every page of a show has in common."""

    show: ShowInfo
    design: Design
    feed: PurePosixPath
    outcomes: Outcomes
    unlisted: bool

    def html(self, listings: tuple[_Listing, ...]) -> Iterator[tuple[PurePosixPath, bytes]]:
        """Every page a search engine may know."""
        words, show = self.design.words, self.show
        principles, themes = self.principles(listings), tuple(self.themes(listings))
        title = show.title
        yield (
            INDEX,
            self.page(
                "index.html",
                INDEX,
                title,
                told=show.summary,
                newest=listings[:NEWEST],
                more=len(listings) > NEWEST,
                themes=principles,
                address=self.address(self.feed),
            ),
        )
        yield EPISODES, self.page("episodes.html", EPISODES, words.episodes, listings=listings)
        yield (
            CHANGE,
            self.page("change.html", CHANGE, words.change, told=words.change_why[0] if words.change_why else ""),
        )
        if show.support.strip():
            yield SUPPORT, self.page("support.html", SUPPORT, words.support)
        if principles:
            yield STUDY, self.page("study.html", STUDY, words.study, told=words.study_what, themes=principles)
        for theme in (*principles, *themes):
            yield theme.page, self.page("theme.html", theme.page, theme.title, theme=theme)
        for own in self.design.pages:
            yield own_page(own), self.page("own.html", own_page(own), own.title, own=own)
        for listing in listings:
            told = f"{words.content_note}: {listing.note} " if listing.note else ""
            yield (
                listing.page,
                self.page(
                    "episode.html",
                    listing.page,
                    listing.details.title,
                    told=told + listing.details.summary,
                    policy=EPISODE_POLICY,
                    listing=listing,
                ),
            )

    def page(
        self,
        template: str,
        path: PurePosixPath,
        title: str,
        *,
        told: str = "",
        policy: str = POLICY,
        absolute: bool = False,
        **more: object,
    ) -> bytes:
        """One page; `told` is what a link to it says where it is shared. `absolute`: it is served at other addresses too."""
        root = self.path_of_root() if absolute else "../" * (len(path.parts) - 1)
        text = (
            _environment()
            .get_template(template)
            .render(
                show=self.show,
                wording=self.design.words,
                design=self.design,
                policy=policy,
                robots="noindex, noarchive" if absolute or self.unlisted else "noarchive",
                root=root,
                here=path,
                url="" if absolute else self.address(path),
                title=title,
                told=_clipped(told or self.show.summary),
                menu=self.menu(),
                feed=self.feed,
                small=SMALL,
                card=self.address(CARD),
                card_px=CARD_PX,
                **more,
            )
        )
        return FORBIDDEN.sub("", text).encode()

    def menu(self) -> tuple[tuple[PurePosixPath, str], ...]:
        """The way around: where, and what it is called."""
        words = self.design.words
        found = [(INDEX, words.home), (EPISODES, words.episodes)]
        if any(True for _ in self._grouped()):
            found.append((STUDY, words.study))
        found.append((CHANGE, words.change))
        found += [(own_page(own), own.title) for own in self.design.pages]
        if self.show.support.strip():
            found.append((SUPPORT, words.support))
        return tuple(found)

    def principles(self, listings: tuple[_Listing, ...]) -> tuple[_Theme, ...]:
        """The General Principles that have outcomes, each with the episodes that speak to one of them."""
        return tuple(
            _Theme(
                principle.title,
                principle_page(principle),
                principle,
                tuple(each for each in listings if set(each.outcomes) & set(outcomes)),
                outcomes,
            )
            for principle, outcomes in self._grouped()
        )

    def themes(self, listings: tuple[_Listing, ...]) -> Iterator[_Theme]:
        """The outcomes, each with the episodes that speak to it."""
        for principle, outcomes in self._grouped():
            for outcome in outcomes:
                heard = tuple(each for each in listings if outcome in each.outcomes)
                yield _Theme(outcome.title, outcome_page(outcome), principle, heard)

    def _grouped(self) -> Iterator[tuple[Principle, tuple[Outcome, ...]]]:
        for principle in self.outcomes.principles:
            found = tuple(each for each in self.outcomes.outcomes if each.principle == principle.key)
            if found:
                yield principle, found

    def address(self, path: PurePosixPath) -> str:
        """The whole address of a path below the public root; that of the root for the first page."""
        root = "".join(self.show.url.split()).rstrip("/") + "/"
        return root if path == INDEX else f"{root}{path}"

    def path_of_root(self) -> str:
        """Where the public root is on its host. Any text gives one: settings may be half filled in when something comes down."""
        inside = "".join(self.show.url.split()).partition("://")[2].partition("/")[2].strip("/")
        return f"/{inside}/" if inside else "/"

    def sitemap(self, found: Iterable[PurePosixPath], days: Mapping[PurePosixPath, date]) -> bytes:
        """Every page, for search engines; those of episodes with their day."""
        lines = [
            f"  <url><loc>{escape(self.address(path))}</loc>"
            + (f"<lastmod>{days[path].isoformat()}</lastmod>" if path in days else "")
            + "</url>"
            for path in found
        ]
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
            + "\n".join(lines)
            + "\n</urlset>\n"
        )
        return FORBIDDEN.sub("", text).encode()

    def robots(self) -> bytes:
        """Who may look around; archives are asked not to keep copies, for nobody could take them back."""
        refused = ("*",) if self.unlisted else _KEEPERS
        lines = [line for name in refused for line in (f"User-agent: {name}", "Disallow: /", "")]
        text = "\n".join([*lines, f"Sitemap: {self.address(SITEMAP)}", ""])
        return FORBIDDEN.sub("", text).encode()


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
        lines = tuple(Line(cue.start_ms / 1000, " ".join(cue.text.split())) for cue in paragraph)
        yield Turn("" if speaker == named_last else speaker, lines)
        named_last = speaker


def _written(day: date, wording: Wording) -> str:
    return f"{day.day} {wording.months[day.month - 1]} {day.year}"


def _clipped(text: str) -> str:
    text = " ".join(text.split())
    if len(text) <= _TOLD_CHARS:
        return text
    kept = text[:_TOLD_CHARS]
    return (kept.rpartition(" ")[0] or kept) + " …"


def _style(colours: Colours) -> bytes:
    def variables(palette: Palette) -> str:
        return " ".join(f"--{name}: {getattr(palette, name)};" for name in Palette.__slots__)

    style = _template("style.css").replace("/* light */", variables(colours.light))
    return style.replace("/* dark */", variables(colours.dark)).encode()


@functools.cache
def _template(name: str) -> str:
    return (resources.files("stablecast.site") / "templates" / name).read_text("utf-8")


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
