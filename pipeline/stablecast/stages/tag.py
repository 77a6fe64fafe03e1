"""Write the only tags a published file has: title, show, organisation and chapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from stablecast.errors import UsageRefused
from stablecast.model import Captions, Chapter, Details, Enclosure, Encoded, ShowInfo
from stablecast.rss.text import line

VERSION = 1

MOST_CHAPTERS: Final = 255  # an ID3 table of contents counts its entries in one byte


@dataclass(frozen=True, slots=True)
class Mark:
    """A chapter with both ends, in whole milliseconds as ID3 counts."""

    start_ms: int
    end_ms: int
    title: str


@dataclass(frozen=True, slots=True)
class Tags:
    """Everything a published file says about itself, each text on one line."""

    title: str
    author: str
    show: str
    marks: tuple[Mark, ...] = ()


class Tagger(Protocol):
    """Puts tags on a compressed file."""

    def tagged(self, mp3: bytes, tags: Tags) -> bytes:
        """The audio of `mp3` unchanged, with `tags` and no other metadata. Equal input gives equal bytes."""
        ...


def tag(encoded: Encoded, details: Details, captions: Captions, show: ShowInfo, *, tagger: Tagger) -> Enclosure:
    """The finished file. Raises UsageRefused for chapters the file cannot hold."""
    if encoded.media_type != "audio/mpeg":
        raise ValueError(f"only audio/mpeg takes these tags, not {encoded.media_type}")
    marks = _marks(captions.chapters, encoded.duration_s)
    tags = Tags(line(details.title), line(show.author), line(show.title), marks)
    return Enclosure(tagger.tagged(encoded.data, tags), encoded.media_type, encoded.duration_s)


def _marks(chapters: tuple[Chapter, ...], duration_s: float) -> tuple[Mark, ...]:
    """Each chapter up to the next one, the last up to the end."""
    ordered = sorted(chapters, key=lambda chapter: chapter.start_s)
    if len(ordered) > MOST_CHAPTERS:
        raise UsageRefused(f"an MP3 holds at most {MOST_CHAPTERS} chapters; join some in episode.toml")
    starts = [round(chapter.start_s * 1000) for chapter in ordered]
    ends = [*starts[1:], int(duration_s * 1000)]
    marks = []
    for chapter, start, end in zip(ordered, starts, ends, strict=False):
        if not 0 <= start < end:
            raise UsageRefused(
                "two chapters start together, or one starts after the episode ends; correct their times in episode.toml"
            )
        marks.append(Mark(start, end, line(chapter.title)))
    return tuple(marks)
