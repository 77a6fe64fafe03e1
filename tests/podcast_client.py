"""A podcast app without a screen: subscribes, looks for news, downloads, goes on where it stopped, reads words and chapters."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

import feedparser
import mutagen.id3
import webvtt
from lxml import etree

NAMES = {
    "podcast": "https://podcastindex.org/namespace/1.0",
    "psc": "http://podlove.org/simple-chapters",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
}


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    code: int
    headers: Message
    body: bytes


@dataclass
class Client:
    """An app that believes that `site` is served at `server`."""

    site: str
    server: str
    etag: str = ""
    episodes: dict[str, Any] = field(default_factory=dict)  # guid → entry, as feedparser reads it
    elements: dict[str, etree._Element] = field(default_factory=dict)  # guid → item, for what feedparser does not know

    def fetch(self, url: str, method: str = "GET", **headers: str) -> Answer:
        """Ask for an address of the site."""
        assert url.startswith(self.site), url
        host = urlsplit(self.server)
        connection = http.client.HTTPConnection(str(host.hostname), host.port, timeout=30)
        try:
            connection.request(
                method, "/" + url.removeprefix(self.site), headers={k.replace("_", "-"): v for k, v in headers.items()}
            )
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def refresh(self) -> tuple[list[str], list[str]]:
        """Look for news: which guids came and which went. Reads nothing where the server says that nothing changed."""
        answer = self.fetch(self.site + "feed.xml", **({"If_None_Match": self.etag} if self.etag else {}))
        if answer.code == 304:
            return [], []
        assert answer.code == 200
        assert answer.headers["Content-Type"].partition(";")[0] in (
            "application/rss+xml",
            "text/xml",
            "application/xml",
        )
        read = feedparser.parse(io.BytesIO(answer.body))
        assert not read.bozo, read.get("bozo_exception")
        assert read.version == "rss20"
        found = {entry.id: entry for entry in read.entries}
        assert len(found) == len(read.entries)
        came = [guid for guid in found if guid not in self.episodes]
        went = [guid for guid in self.episodes if guid not in found]
        self.etag, self.episodes = answer.headers["ETag"] or "", found
        root = etree.fromstring(answer.body)
        self.elements = {str(item.findtext("guid")): item for item in root.iterfind("channel/item")}
        return came, went

    def download(self, guid: str, *, stop_after: int) -> bytes:
        """The sound of an episode in two goes: the first ends after so many bytes, the second asks for the rest."""
        (enclosure,) = self.episodes[guid].enclosures
        return self.resumed(enclosure.href, enclosure.type, int(enclosure.length), stop_after)

    def resumed(self, url: str, media_type: str, length: int, stop_after: int) -> bytes:
        """A file in two goes. The rest is taken only of the very file that was begun (`If-Range`)."""
        head = self.fetch(url, "HEAD")
        assert (head.code, head.body, head.headers["Content-Length"]) == (200, b"", str(length))
        assert head.headers["Accept-Ranges"] == "bytes"
        assert head.headers["Content-Type"] == media_type
        begun = self.fetch(url, Range=f"bytes=0-{stop_after - 1}")
        assert (begun.code, len(begun.body)) == (206, stop_after)
        rest = self.fetch(url, Range=f"bytes={stop_after}-", If_Range=begun.headers["ETag"])
        assert rest.code == 206
        assert rest.headers["Content-Range"] == f"bytes {stop_after}-{length - 1}/{length}"
        assert len(begun.body + rest.body) == length
        return begun.body + rest.body

    def small(self, guid: str) -> bytes:
        """The small file, once its digest was seen to be the one in the feed."""
        (alternate,) = self.elements[guid].iterfind("podcast:alternateEnclosure", NAMES)
        source, integrity = alternate.find("podcast:source", NAMES), alternate.find("podcast:integrity", NAMES)
        assert source is not None
        assert integrity is not None
        data = self.resumed(str(source.get("uri")), str(alternate.get("type")), int(str(alternate.get("length"))), 100)
        algorithm, _, digest = str(integrity.get("value")).partition("-")
        assert base64.b64encode(hashlib.new(algorithm, data).digest()).decode() == digest
        return data

    def words(self, guid: str) -> dict[str, str]:
        """The transcript in each format, by media type, each served as what the feed says it is and to any page."""
        found = {}
        for link in self.elements[guid].iterfind("podcast:transcript", NAMES):
            answer = self.fetch(str(link.get("url")))
            assert answer.code == 200
            assert answer.headers["Content-Type"].partition(";")[0] == link.get("type")
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            found[str(link.get("type"))] = answer.body.decode()
        return found

    def captions(self, guid: str) -> list[str]:
        """What is read along with the sound."""
        return [cue.text for cue in webvtt.from_string(self.words(guid)["text/vtt"])]

    def chapters(self, guid: str) -> list[tuple[float, str]]:
        """The chapters of the file that the feed links."""
        link = self.elements[guid].find("podcast:chapters", NAMES)
        assert link is not None
        answer = self.fetch(str(link.get("url")))
        assert answer.headers["Content-Type"] == link.get("type")
        listed = json.loads(answer.body)
        assert listed["version"] == "1.2.0"
        return [(chapter["startTime"], chapter["title"]) for chapter in listed["chapters"]]

    def inline_chapters(self, guid: str) -> list[tuple[float, str]]:
        """The chapters in the feed itself."""
        found = []
        for chapter in self.elements[guid].iterfind("psc:chapters/psc:chapter", NAMES):
            hours, minutes, seconds = str(chapter.get("start")).split(":")
            found.append((int(hours) * 3600 + int(minutes) * 60 + float(seconds), str(chapter.get("title"))))
        return found


def chapters_in(mp3: bytes) -> list[tuple[float, str]]:
    """The chapters in the sound file, in the order of its table of contents: a chapter that it does not name is not shown."""
    id3: Any = mutagen.id3.ID3(io.BytesIO(mp3))
    (contents,) = id3.getall("CTOC")
    marks = {frame.element_id: frame for frame in id3.getall("CHAP")}
    assert set(marks) == set(contents.child_element_ids)
    return [(marks[name].start_time / 1000, str(marks[name].sub_frames["TIT2"])) for name in contents.child_element_ids]
