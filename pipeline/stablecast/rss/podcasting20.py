"""The Podcasting 2.0 namespace, and Podlove's chapters, as one feedgen extension: only what says nothing about a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

NAMESPACE = "https://podcastindex.org/namespace/1.0"
CHAPTERS_TYPE = "application/json+chapters"
SIMPLE_CHAPTERS = "http://podlove.org/simple-chapters"
SIMPLE_CHAPTERS_VERSION = "1.2"


@dataclass(frozen=True, slots=True)
class TranscriptLink:
    """One `podcast:transcript`: the same words in one format."""

    url: str
    media_type: str
    language: str
    timed: bool = True  # it can be shown along with the sound


@dataclass(frozen=True, slots=True)
class Tag:
    """One element of the namespace: its local name, attributes and text. Attributes without a value are left out."""

    name: str
    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class AlternateLink:
    """One `podcast:alternateEnclosure`: the same sound in another file."""

    url: str
    media_type: str
    codec: str
    size_bytes: int
    bitrate_bps: int
    title: str
    integrity: str  # as Subresource Integrity writes it: the algorithm, a hyphen, the digest in base64


class Channel(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """`podcast:guid`, `podcast:locked` (always yes: nobody moves this show elsewhere), `podcast:medium`, and `tags`."""

    guid: str = ""
    tags: tuple[Tag, ...] = ()

    def extend_ns(self) -> dict[str, str]:
        return {"podcast": NAMESPACE, "psc": SIMPLE_CHAPTERS}

    def extend_rss(self, rss: Any) -> Any:
        own = (Tag("guid", text=self.guid), Tag("locked", text="yes"), Tag("medium", text="podcast"))
        for tag in (*own, *self.tags):
            _put(rss[0], tag)
        return rss


class Entry(BaseEntryExtension):  # type: ignore[misc]
    """`podcast:transcript` in the order given, chapters as a link and inline, other files of the sound, and `tags`."""

    transcripts: tuple[TranscriptLink, ...] = ()
    chapters_url: str = ""
    chapters: tuple[tuple[float, str], ...] = ()  # seconds, title
    alternates: tuple[AlternateLink, ...] = ()
    tags: tuple[Tag, ...] = ()

    def extend_rss(self, item: Any) -> Any:
        for link in self.transcripts:
            captions = "captions" if link.timed else ""
            named = (("url", link.url), ("type", link.media_type), ("language", link.language), ("rel", captions))
            _put(item, Tag("transcript", named))
        if self.chapters_url:
            _put(item, Tag("chapters", (("url", self.chapters_url), ("type", CHAPTERS_TYPE))))
        if self.chapters:
            inline = etree.SubElement(item, f"{{{SIMPLE_CHAPTERS}}}chapters", {"version": SIMPLE_CHAPTERS_VERSION})
            for start_s, title in self.chapters:
                named_ = {"start": play_time(start_s), "title": title}
                etree.SubElement(inline, f"{{{SIMPLE_CHAPTERS}}}chapter", named_)
        for file in self.alternates:
            about = (
                ("type", file.media_type),
                ("length", str(file.size_bytes)),
                ("bitrate", str(file.bitrate_bps)),
                ("title", file.title),
                ("codecs", file.codec),
            )
            alternate = _put(item, Tag("alternateEnclosure", about))
            _put(alternate, Tag("source", (("uri", file.url),)))
            _put(alternate, Tag("integrity", (("type", "sri"), ("value", file.integrity))))
        for tag in self.tags:
            _put(item, tag)
        return item


def play_time(seconds: float) -> str:
    """A time in a file as Normal Play Time writes it (RFC 2326), to the millisecond."""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{thousandths:03}"


def _put(parent: Any, tag: Tag) -> Any:
    made = etree.SubElement(
        parent, f"{{{NAMESPACE}}}{tag.name}", {name: value for name, value in tag.attributes if value}
    )
    if tag.text:
        made.text = tag.text
    return made
