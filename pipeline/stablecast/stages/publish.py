"""The whole public tree as values: every generated text, and the media that must lie beside them.

Nothing here needs a key, ffmpeg or a network, and nothing refuses: taking an episode down is building this without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from typing import Final

from stablecast.model import Digest, Outcomes, PublicEpisode, ShowInfo
from stablecast.rss.feed import FeedParams, Item, Labels, feed
from stablecast.site.design import Design
from stablecast.site.pages import COVER, named, page, pages
from stablecast.stages.approve import ApprovedEpisode

VERSION = 1

FEED: Final = PurePosixPath("feed.xml")


@dataclass(frozen=True, slots=True)
class MediaPaths:
    """Where one episode's files are, below the public root."""

    enclosure: PurePosixPath
    vtt: PurePosixPath
    srt: PurePosixPath
    chapters: PurePosixPath

    def small(self, sound: Digest) -> PurePosixPath:
        """The small file whose bytes have this sha256: other bytes get another name, as they do here too."""
        return self.enclosure.with_name(f"{self.enclosure.stem}-{sound[:8]}.opus")

    def captions_in(self, language: str) -> tuple[PurePosixPath, PurePosixPath]:
        """VTT and SRT in another language than the one spoken."""
        return self.vtt.with_suffix(f".{language}.vtt"), self.srt.with_suffix(f".{language}.srt")


@dataclass(frozen=True, slots=True)
class Release:
    """An approved episode that is out, and since which day. Made by `released`; else only read back from where it was kept."""

    episode: PublicEpisode
    released_on: date
    files: Mapping[PurePosixPath, Digest]  # its media: path → sha256


@dataclass(frozen=True, slots=True)
class PublicTree:
    """What the world gets: nothing else may lie in the public folder, and none of it may be missing."""

    texts: Mapping[PurePosixPath, bytes] = field(repr=False)
    media: Mapping[PurePosixPath, Digest]

    @property
    def paths(self) -> frozenset[PurePosixPath]:
        return frozenset(self.texts) | frozenset(self.media)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a folder and a `PublicTree` do not match."""

    orphans: frozenset[PurePosixPath]  # there, and belonging to no released episode
    missing: frozenset[PurePosixPath]

    def __bool__(self) -> bool:
        return bool(self.orphans or self.missing)


def released(approved: ApprovedEpisode, on: date) -> Release:
    """What three people said yes to, as what the world gets from the day `on`."""
    return Release(approved.cut.episode, on, approved.cut.files)


def media_paths(public_id: str, audio: Digest) -> MediaPaths:
    """The public paths of an episode whose finished audio has this sha256.

    New audio gets new names, so that no app or cache goes on playing what was replaced (Apple asks for the same).
    """
    name = f"{public_id}-{audio[:8]}"
    return MediaPaths(
        PurePosixPath("media", f"{name}.mp3"),
        PurePosixPath("captions", f"{name}.vtt"),
        PurePosixPath("captions", f"{name}.srt"),
        PurePosixPath("chapters", f"{name}.json"),
    )


def texts(
    show: ShowInfo,
    podcast_guid: str,
    releases: Sequence[Release],
    outcomes: Outcomes,
    *,
    block: bool = False,
    params: FeedParams | None = None,
    design: Design | None = None,
) -> Mapping[PurePosixPath, bytes]:
    """The feed, its pictures and the whole site, by path. Equal input gives equal bytes, whatever the order.

    `block`, or a soft launch, asks directories and search engines not to list the show; `design` is how the show made its
    pages its own.
    """
    design, params = design or Design(), params or FeedParams()
    quiet, wording = block or params.block, design.words
    items = [
        Item(
            release.episode,
            release.released_on,
            page(release.episode),
            tuple(outcome.title for outcome in named(release.episode.details.outcomes, outcomes)),
        )
        for release in releases
    ]
    labels = Labels(wording.content_note, wording.outcomes, wording.support, wording.whereabouts)
    episodes = [(release.episode, release.released_on) for release in releases]
    return {
        FEED: feed(show, podcast_guid, items, address=FEED, artwork=COVER, block=quiet, labels=labels, params=params),
        **pages(show, episodes, outcomes, feed=FEED, design=design, unlisted=quiet),
    }


def publish(
    show: ShowInfo,
    podcast_guid: str,
    releases: Sequence[Release],
    outcomes: Outcomes,
    *,
    block: bool = False,
    params: FeedParams | None = None,
    design: Design | None = None,
) -> PublicTree:
    """The public tree for exactly these releases: `texts`, and their media by digest."""
    made = texts(show, podcast_guid, releases, outcomes, block=block, params=params, design=design)
    return PublicTree(made, {path: digest for release in releases for path, digest in release.files.items()})


def difference(tree: PublicTree, present: Iterable[PurePosixPath]) -> Difference:
    """What is too many and too few among the files `present` below the public root: empty, or something is wrong."""
    there = frozenset(present)
    return Difference(there - tree.paths, tree.paths - there)
