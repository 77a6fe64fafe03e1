"""Rules about what an episode brings along: its sound, the small file, words and chapters."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterable
from typing import Final

from stablecast.findings import Severity
from stablecast.rss.document import Document, Element, Part, Table, counting, extension, itunes, podcast, psc, repeated
from stablecast.rss.feed import ALTERNATE_CHARS
from stablecast.rss.podcasting20 import CHAPTERS_TYPE

_table = Table()

_ENCLOSURE_TYPES: Final = {
    ".mp3": {"audio/mpeg"},
    ".m4a": {"audio/x-m4a", "audio/m4a"},
    ".mp4": {"video/mp4"},
    ".m4v": {"video/x-m4v"},
    ".mov": {"video/quicktime"},
}
_ALTERNATE_TYPES: Final = _ENCLOSURE_TYPES | {
    ".opus": {"audio/ogg", "audio/opus"},
    ".ogg": {"audio/ogg", "video/ogg"},
    ".webm": {"audio/webm", "video/webm"},
    ".mp4": {"video/mp4", "audio/mp4"},
    ".m4a": {"audio/x-m4a", "audio/m4a", "audio/mp4"},
    ".m3u8": {"application/x-mpegURL", "application/vnd.apple.mpegurl"},
}
_TRANSCRIPT_TYPES: Final = {
    ".vtt": {"text/vtt"},
    ".srt": {"application/x-subrip", "application/srt"},
    ".json": {"application/json"},
    ".html": {"text/html"},
    ".txt": {"text/plain"},
}
_UNTIMED_TYPES: Final = ("text/html", "text/plain")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_DIGEST_BYTES: Final = {"sha256": 32, "sha384": 48, "sha512": 64}

_ALTERNATE, _TRANSCRIPT, _CHAPTERS, _INLINE = (
    *map(podcast, ("alternateEnclosure", "transcript", "chapters")),
    psc("chapters"),
)


# --- the sound --------------------------------------------------------------------------------------------------------


@_table.item(
    "enclosure",
    Severity.ERROR,
    "RSS 2.0",
    "an episode has one enclosure with url, length and type",
    "add what is missing",
)
def _enclosure(item: Part) -> bool:
    found = item.all("enclosure")
    return len(found) != 1 or not all(found[0].get(name) for name in ("url", "length", "type"))


@_table.whole(
    "enclosure-length", Severity.ERROR, "Apple", "an enclosure's length is its size in bytes", "write the true size"
)
def _enclosure_length(document: Document) -> Iterable[str]:
    for item in document.items:
        for enclosure in item.all("enclosure"):
            length = enclosure.get("length") or "1"  # a missing one is another rule's
            size = document.size(enclosure.get("url", ""))
            if not counting(length) or (size is not None and int(length) != size):
                yield item.place


@_table.item(
    "enclosure-type", Severity.ERROR, "Apple", "an enclosure's type fits its extension", "use audio/mpeg with .mp3"
)
def _enclosure_type(item: Part) -> bool:
    for enclosure in item.all("enclosure"):
        url, media_type = enclosure.get("url"), enclosure.get("type")
        if url and media_type and media_type not in _ENCLOSURE_TYPES.get(extension(url), ()):
            return True
    return False


@_table.whole(
    "enclosure-unique", Severity.ERROR, "Apple", "no two episodes share an enclosure", "give each its own file"
)
def _enclosure_unique(document: Document) -> Iterable[str]:
    return repeated((item.place, each.get("url", "")) for item in document.items for each in item.all("enclosure"))


@_table.item("duration", Severity.ERROR, "Apple", "itunes:duration is a whole number of seconds, 1 or more", "round it")
def _duration(item: Part) -> bool:
    return not counting(item.text(itunes("duration")))


# --- the small file ---------------------------------------------------------------------------------------------------


@_table.item(
    "alternate",
    Severity.ERROR,
    "Podcasting 2.0",
    "an alternateEnclosure has a type, and a source with an address",
    "add what is missing",
)
def _alternate(item: Part) -> bool:
    return any(not each.get("type") or not uris or not all(uris) for each, uris in item.alternates)


@_table.item(
    "alternate-type",
    Severity.ERROR,
    "Podcasting 2.0",
    "an alternateEnclosure's type fits the extension of its sources",
    "use audio/ogg with .opus",
)
def _alternate_type(item: Part) -> bool:
    for each, uris in item.alternates:
        media_type = each.get("type", "").partition(";")[0]
        if media_type and any(uri and media_type not in _ALTERNATE_TYPES.get(extension(uri), ()) for uri in uris):
            return True
    return False


@_table.whole(
    "alternate-length",
    Severity.ERROR,
    "Podcasting 2.0",
    "an alternateEnclosure's length is its size in bytes",
    "write the true size",
)
def _alternate_length(document: Document) -> Iterable[str]:
    for item in document.items:
        for each, uris in item.alternates:
            length, sizes = each.get("length", "1"), [document.size(uri) for uri in uris]
            if not counting(length) or (
                "length" in each.attrib and any(size not in (None, int(length)) for size in sizes)
            ):
                yield item.place


@_table.item(
    "alternate-about",
    Severity.WARNING,
    "PSP-1",
    f"an alternateEnclosure's bitrate is a number above 0; title and rel have at most {ALTERNATE_CHARS} characters",
    "set small_file in config/show.toml to fewer words",
)
def _alternate_about(item: Part) -> bool:
    return any(
        not re.fullmatch(r"[0-9]*[1-9][0-9]*(\.[0-9]+)?", each.get("bitrate", "1"))
        or any(len(each.get(name, "")) > ALTERNATE_CHARS for name in ("title", "rel"))
        for each, _ in item.alternates
    )


@_table.whole(
    "alternate-unique",
    Severity.ERROR,
    "Podcasting 2.0",
    "no two episodes share a file, and an alternateEnclosure is another file than the enclosure",
    "give each its own",
)
def _alternate_unique(document: Document) -> Iterable[str]:
    enclosures = [each.get("url", "") for item in document.items for each in item.all("enclosure")]
    others = [(item.place, uri) for item in document.items for _, uris in item.alternates for uri in uris]
    return repeated((*(("", url) for url in dict.fromkeys(enclosures)), *others))


@_table.item(
    "integrity",
    Severity.ERROR,
    "Podcasting 2.0",
    "podcast:integrity is of type sri, with a SHA-256, SHA-384 or SHA-512 in base64",
    "take it of the very bytes that are served",
)
def _integrity(item: Part) -> bool:
    found = (each for alternate, _ in item.alternates for each in alternate.iterfind(podcast("integrity")))
    return any(each.get("type") != "sri" or not _sri(each.get("value", "")) for each in found)


def _sri(value: str) -> bool:
    """Whether a value is one or several digests as Subresource Integrity writes them."""
    for token in value.split() or [""]:
        algorithm, _, digest = token.partition("-")
        try:
            length = len(base64.b64decode(digest, validate=True))
        except ValueError:
            return False
        if length != _DIGEST_BYTES.get(algorithm):
            return False
    return True


@_table.item(
    "integrity-missing",
    Severity.WARNING,
    "Stablecast",
    "each other file of the sound says by which digest it is known",
    "add podcast:integrity: an app can then tell whether it got what was approved",
)
def _integrity_missing(item: Part) -> bool:
    return any(each.find(podcast("integrity")) is None for each, _ in item.alternates)


# --- the words --------------------------------------------------------------------------------------------------------


@_table.item(
    "transcript",
    Severity.ERROR,
    "Podcasting 2.0",
    "an episode links a transcript in VTT, and a transcript's type fits its extension",
    "link the approved captions: without them apps make their own",
)
def _transcript(item: Part) -> bool:
    found = item.all(_TRANSCRIPT)
    fitting = all(link.get("type") in _TRANSCRIPT_TYPES.get(extension(link.get("url", "")), ()) for link in found)
    return "text/vtt" not in _types(item) or not fitting


def _types(item: Part) -> list[str | None]:
    return [link.get("type") for link in item.all(_TRANSCRIPT)]


@_table.item(
    "transcript-first",
    Severity.WARNING,
    "Apple",
    "VTT stands before other transcripts: some apps read the first, and only VTT tells who speaks",
    "put it first",
)
def _transcript_first(item: Part) -> bool:
    types = _types(item)
    return "text/vtt" in types and types[0] != "text/vtt"


@_table.item(
    "transcript-srt",
    Severity.WARNING,
    "PSP-1",
    "an episode links a transcript in SRT too: some apps take nothing else",
    "link the approved captions in SRT",
)
def _transcript_srt(item: Part) -> bool:
    types = _types(item)
    return "text/vtt" in types and not _TRANSCRIPT_TYPES[".srt"] & {str(kind) for kind in types}


@_table.item(
    "transcript-language",
    Severity.WARNING,
    "Podcasting 2.0",
    "a transcript says in which language it is",
    "add its language, so that an app can offer the right one",
)
def _transcript_language(item: Part) -> bool:
    return any(not _LANGUAGE.fullmatch(link.get("language", "")) for link in item.all(_TRANSCRIPT))


@_table.item(
    "transcript-unique",
    Severity.WARNING,
    "Podcasting 2.0",
    "there is one transcript in each format and language",
    "leave the second one out",
)
def _transcript_unique(item: Part) -> bool:
    kinds = [(link.get("type"), link.get("language")) for link in item.all(_TRANSCRIPT)]
    return len(kinds) != len(set(kinds))


@_table.item(
    "transcript-captions",
    Severity.WARNING,
    "Podcasting 2.0",
    "rel=captions stands at transcripts with times, and nowhere else",
    "take it from HTML and plain text",
)
def _transcript_captions(item: Part) -> bool:
    untimed = (link for link in item.all(_TRANSCRIPT) if link.get("type") in _UNTIMED_TYPES)
    return any(link.get("rel") == "captions" for link in untimed)


@_table.item(
    "content-link",
    Severity.WARNING,
    "Podcasting 2.0",
    "podcast:contentLink has an address and a text",
    "set content_link in config/show.toml, or leave it empty",
)
def _content_link(item: Part) -> bool:
    return any(not link.get("href") or not (link.text or "").strip() for link in item.all(podcast("contentLink")))


# --- the chapters -----------------------------------------------------------------------------------------------------


@_table.item(
    "chapters", Severity.WARNING, "Podcasting 2.0", "podcast:chapters is one JSON file", f"give it type {CHAPTERS_TYPE}"
)
def _chapters(item: Part) -> bool:
    return [link.get("type") for link in item.all(_CHAPTERS)] not in ([], [CHAPTERS_TYPE])


@_table.item(
    "inline-chapters",
    Severity.ERROR,
    "Podlove",
    "psc:chapters has a version, and chapters each with a start and a title",
    "write start as 00:01:30.500",
)
def _inline_chapters(item: Part) -> bool:
    found = item.all(_INLINE)
    if not found:
        return False
    (first, *more), chapters = found, list(found[0])
    titled = all(chapter.get("title", "").strip() and _starts_s(chapter) is not None for chapter in chapters)
    return bool(more) or not re.fullmatch(r"1\.[0-9]", first.get("version", "")) or not chapters or not titled


def _starts_s(chapter: Element) -> float | None:
    """When a chapter starts, if it is written as Normal Play Time (RFC 2326)."""
    match = re.fullmatch(r"(?:(?:(\d+):)?([0-5]?\d):)?([0-5]?\d)(\.\d{1,3})?", chapter.get("start", ""))
    if match is None:
        return None
    hours, minutes, seconds, part = match.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(part)


def _starts(item: Part) -> list[float]:
    found = item.all(_INLINE)
    return [start for chapter in (found[0] if found else ()) if (start := _starts_s(chapter)) is not None]


@_table.item(
    "inline-chapters-order",
    Severity.WARNING,
    "Podlove",
    "chapters start one after the other, and before the end",
    "correct their times",
)
def _inline_chapters_order(item: Part) -> bool:
    starts, duration = _starts(item), item.text(itunes("duration"))
    ends = counting(duration) and bool(starts) and max(starts) >= int(duration)
    return ends or any(later <= start for start, later in itertools.pairwise(starts))


@_table.item(
    "inline-chapters-spotify",
    Severity.WARNING,
    "Spotify",
    "for Spotify the first chapter starts at 0 and there are three or more, each 30 s or longer with a title of fewer than 40 "
    "characters",
    "change the chapters, or leave them: other apps show them as they are",
)
def _inline_chapters_spotify(item: Part) -> bool:
    starts = _starts(item)
    if not starts:
        return False
    longest = max(len(chapter.get("title", "")) for chapter in item.all(_INLINE)[0])
    short = any(0 < later - start < 30 for start, later in itertools.pairwise(starts))
    return starts[0] != 0 or len(starts) < 3 or short or longest >= 40


RULES: Final = tuple(_table.rules)
