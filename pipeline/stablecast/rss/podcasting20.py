"""The Podcasting 2.0 namespace as one feedgen extension: only the elements that say nothing about a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

NAMESPACE = "https://podcastindex.org/namespace/1.0"
CHAPTERS_TYPE = "application/json+chapters"


@dataclass(frozen=True, slots=True)
class TranscriptLink:
    """One `podcast:transcript`: the same words in one format."""

    url: str
    media_type: str
    language: str
    timed: bool = True  # it can be shown along with the sound


class Channel(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """`podcast:guid`, `podcast:locked` (always yes: nobody moves this show elsewhere) and `podcast:medium`."""

    guid: str = ""

    def extend_ns(self) -> dict[str, str]:
        return {"podcast": NAMESPACE}

    def extend_rss(self, rss: Any) -> Any:
        for name, text in (("guid", self.guid), ("locked", "yes"), ("medium", "podcast")):
            etree.SubElement(rss[0], f"{{{NAMESPACE}}}{name}").text = text
        return rss


class Entry(BaseEntryExtension):  # type: ignore[misc]
    """`podcast:transcript`, in the order given, and `podcast:chapters`."""

    transcripts: tuple[TranscriptLink, ...] = ()
    chapters_url: str = ""

    def extend_rss(self, item: Any) -> Any:
        for link in self.transcripts:
            attributes = {"url": link.url, "type": link.media_type, "language": link.language}
            if link.timed:
                attributes["rel"] = "captions"
            etree.SubElement(item, f"{{{NAMESPACE}}}transcript", attributes)
        if self.chapters_url:
            attributes = {"url": self.chapters_url, "type": CHAPTERS_TYPE}
            etree.SubElement(item, f"{{{NAMESPACE}}}chapters", attributes)
        return item
