"""The podcast feed: RSS 2.0 with Apple's and Podcasting 2.0's elements, as PSP-1 and the directories ask for it.

feedgen builds it. What feedgen gets wrong is put right afterwards: Apple takes only true and false for `itunes:explicit`.
Left out on purpose, because each would say something about a person or about what is no longer there: `podcast:person`,
`podcast:location`, `managingEditor`, `webMaster`, any time of day, any trace of the moment of building; and, but where a show
asks for them, episode numbers.
"""

from __future__ import annotations

import base64
import enum
import html
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import PurePosixPath
from typing import Any

from feedgen.feed import FeedGenerator
from lxml import etree

from stablecast.model import Digest, Kind, PublicEpisode, ShowInfo, SmallFile
from stablecast.notes import Whereabouts, content_note
from stablecast.rss import podcasting20
from stablecast.rss.podcasting20 import AlternateLink, Tag, TranscriptLink
from stablecast.rss.text import clip, legal, line

ATOM = "http://www.w3.org/2005/Atom"
ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"

VALUE_BYTES = 255  # PSP-1: any value unless stated; counted in bytes, which is never more than it allows
DESCRIPTION_BYTES = 4000  # Apple and PSP-1, channel and item
ABOUT_CHARS = 128  # Podcasting 2.0: text of funding, license and updateFrequency, and a purpose
ALTERNATE_CHARS = 32  # PSP-1: title of an alternateEnclosure
TXT_CHARS = 4000  # Podcasting 2.0: text of podcast:txt
_NOTE_BYTES = 1200  # of a description: the note and the line of support come whole before the summary gets its room
_ASIDE_BYTES = 500

EMPTY_SINCE = date(2000, 1, 1)  # lastBuildDate of a feed without episodes: fixed, so it does not tell of a withdrawal

_PODCAST_NAMESPACE = uuid.UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")


class Rhythm(enum.StrEnum):
    """How often episodes come, if a show wants to say so."""

    UNSAID = "unsaid"
    DAILY = "daily"
    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


RRULES = {  # RFC 5545
    Rhythm.DAILY: "FREQ=DAILY",
    Rhythm.WEEKLY: "FREQ=WEEKLY",
    Rhythm.FORTNIGHTLY: "FREQ=WEEKLY;INTERVAL=2",
    Rhythm.MONTHLY: "FREQ=MONTHLY",
    Rhythm.QUARTERLY: "FREQ=MONTHLY;INTERVAL=3",
}


@dataclass(frozen=True, slots=True)
class FeedParams:
    """What the feed says to directories besides the show and its episodes. Nothing here is ever refused: `lint` tells."""

    block: bool = False  # a soft launch: directories are asked not to list the show; who has the address can subscribe
    complete: bool = False  # no more episodes will come
    new_feed_url: str = ""  # the address of the feed after a move, for some weeks
    txt: tuple[
        str, ...
    ] = ()  # "purpose=value", such as "verify=…" with the code a directory gave; at most 4000 characters
    license: str = ""  # such as "cc-by-nc-nd-4.0", or a name of your own with license_url
    license_url: str = ""  # where a licence of your own can be read
    funding_url: str = ""  # where listeners can give something: to an organisation, never to a person
    funding_text: str = ""  # what that link is called
    rhythm: Rhythm = Rhythm.UNSAID  # daily, weekly, fortnightly, monthly, quarterly: a promise that apps show
    rhythm_text: str = ""  # the same in the show's own words; empty: the English word
    content_link: str = ""  # what apps call a link to an episode's page, such as "Read along"; empty: no link
    numbers: bool = False  # count episodes from 1, those that are out now: after a withdrawal later ones count one less
    small_file: str = "Small file"  # what apps call the Opus file
    hub: str = ""  # a WebSub hub that is told of every change at a place elsewhere; empty for none


@dataclass(frozen=True, slots=True)
class Labels:
    """The words that Stablecast itself puts into a description."""

    content_note: str = "Content note"
    outcomes: str = "This episode speaks to"
    support: str = "Where to find help"
    whereabouts: Whereabouts = field(default_factory=Whereabouts)


@dataclass(frozen=True, slots=True)
class Item:
    """One episode as the feed lists it."""

    episode: PublicEpisode
    released_on: date  # published as 00:00 UTC of this day, whatever the hour was
    page: PurePosixPath  # its page below the public root
    outcomes: tuple[str, ...] = ()  # titles


def podcast_guid(url: str) -> str:
    """The show's identity for life: UUIDv5 of the feed's address without scheme and trailing slashes (Podcasting 2.0).

    Made once, kept even if the address changes.
    """
    return str(uuid.uuid5(_PODCAST_NAMESPACE, url.partition("://")[2].rstrip("/") or url.rstrip("/")))


def feed(
    show: ShowInfo,
    guid: str,
    items: Sequence[Item],
    *,
    address: PurePosixPath,
    artwork: PurePosixPath,
    block: bool = False,
    labels: Labels | None = None,
    params: FeedParams | None = None,
) -> bytes:
    """The feed of `show` at `address` below its root, newest episode first: equal input gives equal bytes.

    `guid` is the show's `podcast:guid`; `block` asks directories not to list it, whatever `params` say. Characters XML
    forbids are dropped and texts over a directory's limit are clipped at a word. No episodes is a valid feed.
    """
    labels, params = labels or Labels(), params or FeedParams()
    newest_first = sorted(items, key=lambda item: item.episode.public_id)
    newest_first.sort(key=lambda item: item.released_on, reverse=True)

    made = FeedGenerator()
    made.load_extension("podcast", atom=False)
    made.register_extension("podcasting20", podcasting20.Channel, podcasting20.Entry, atom=False)
    _channel(made, show, guid, newest_first, address, artwork, params, block=block or params.block)
    numbers = numbered(newest_first) if params.numbers else {}
    for item in newest_first:
        number = numbers.get(item.episode.public_id)
        _entry(made.add_entry(order="append"), show, item, artwork, labels, params, number)
    return _finished(made.rss_str(), hub=line(params.hub))


def numbered(newest_first: Sequence[Item]) -> dict[str, int]:
    """A number for each full episode, by public id: from 1 on in each season, the oldest first.

    Only what is out is counted. A number that stayed empty would be a stone on a grave: it would tell for ever that somebody
    withdrew.
    """
    counted: dict[int, int] = {}
    found = {}
    for item in reversed(newest_first):
        details = item.episode.details
        if details.kind is Kind.FULL:
            counted[details.season] = counted.get(details.season, 0) + 1
            found[item.episode.public_id] = counted[details.season]
    return found


def _channel(
    made: Any,
    show: ShowInfo,
    guid: str,
    items: Sequence[Item],
    address: PurePosixPath,
    artwork: PurePosixPath,
    params: FeedParams,
    *,
    block: bool,
) -> None:
    # Settings may be half filled in; a withdrawal must still get its feed, so feedgen is given nothing it would refuse.
    title = _value(show.title) or "Untitled"
    made.title(title)
    made.description(clip(legal(show.summary).strip(), DESCRIPTION_BYTES) or title)
    made.link(href=_url(show, address), rel="self", type="application/rss+xml")
    made.link(href=_url(show), rel="alternate")  # the last link is the one feedgen puts in <link>
    made.language(_value(show.language).lower())
    made.generator("Stablecast")
    made.lastBuildDate(_midnight(max((item.released_on for item in items), default=EMPTY_SINCE)))
    if show.copyright:
        made.copyright(_value(show.copyright))
    made.podcast.itunes_author(_value(show.author))
    owner = {"name": _value(show.author), "email": _value(show.owner_email)}
    if all(owner.values()):
        made.podcast.itunes_owner(**owner)
    made.podcast.itunes_image(_url(show, artwork))
    category = {"cat": _value(show.category), "sub": _value(show.subcategory)}
    made.podcast.itunes_category({key: text.replace('"', "") for key, text in category.items()})
    made.podcast.itunes_type("episodic")
    # A show marked explicit disappears in some countries, so the mark stays with the episodes that need it.
    made.podcast.itunes_explicit(_yes_no(bool(items) and all(item.episode.details.explicit for item in items)))
    if block:
        made.podcast.itunes_block(True)
    if params.complete:
        made.podcast.itunes_complete(True)
    if params.new_feed_url:
        made.podcast.itunes_new_feed_url(line(params.new_feed_url))
    made.podcasting20.guid = guid
    made.podcasting20.tags = tuple(_channel_tags(params, block=block))


def _channel_tags(params: FeedParams, *, block: bool) -> Iterator[Tag]:
    if block:
        yield Tag("block", text="yes")
    for record in params.txt:
        purpose, equals, text = record.partition("=")
        purpose, text = (line(purpose), line(text)) if equals else ("", line(record))
        if text:
            yield Tag("txt", (("purpose", purpose[:ABOUT_CHARS]),), text[:TXT_CHARS])
    if params.license or params.license_url:
        yield Tag("license", (("url", line(params.license_url)),), _about(params.license))
    if params.funding_url or params.funding_text:
        yield Tag("funding", (("url", line(params.funding_url)),), _about(params.funding_text))
    if rule := RRULES.get(params.rhythm):
        complete = "true" if params.complete else ""
        text = _about(params.rhythm_text) or params.rhythm.value
        yield Tag("updateFrequency", (("complete", complete), ("rrule", rule)), text)


def _entry(
    entry: Any,
    show: ShowInfo,
    item: Item,
    artwork: PurePosixPath,
    labels: Labels,
    params: FeedParams,
    number: int | None,
) -> None:
    episode = item.episode
    entry.title(_value(episode.details.title))
    entry.link(href=_url(show, item.page), rel="alternate")
    entry.guid(line(episode.guid), permalink=False)
    entry.pubDate(_midnight(item.released_on))
    entry.content(_description(show, item, labels), type="CDATA")
    entry.enclosure(_url(show, episode.enclosure), str(episode.enclosure_bytes), episode.enclosure_type)
    entry.podcast.itunes_duration(max(1, round(episode.duration_s)))
    entry.podcast.itunes_explicit(_yes_no(episode.details.explicit))
    entry.podcast.itunes_episode_type(episode.details.kind.value)
    if episode.details.season:
        entry.podcast.itunes_season(episode.details.season)
    if number:
        entry.podcast.itunes_episode(number)
    entry.podcast.itunes_image(_url(show, artwork))
    entry.podcasting20.transcripts = (  # VTT first: some apps read no further
        TranscriptLink(_url(show, episode.vtt), "text/vtt", episode.language),
        TranscriptLink(_url(show, episode.srt), "application/x-subrip", episode.language),
        *(TranscriptLink(_url(show, f.path), f.media_type, f.language, f.timed) for f in episode.transcripts),
        *(
            TranscriptLink(_url(show, path), media_type, translation.language)
            for translation in episode.translations
            for path, media_type in ((translation.vtt, "text/vtt"), (translation.srt, "application/x-subrip"))
        ),
    )
    entry.podcasting20.chapters_url = _url(show, episode.chapters)
    entry.podcasting20.chapters = tuple((c.start_s, _value(c.title)) for c in episode.details.chapters)
    if episode.small is not None:
        entry.podcasting20.alternates = (_alternate(show, episode.small, params),)
    if named := _about(params.content_link):
        entry.podcasting20.tags = (Tag("contentLink", (("href", _url(show, item.page)),), named),)


def _alternate(show: ShowInfo, small: SmallFile, params: FeedParams) -> AlternateLink:
    return AlternateLink(
        _url(show, small.path),
        small.media_type,
        small.codec,
        small.size_bytes,
        small.bitrate_kbps * 1000,
        line(params.small_file)[:ALTERNATE_CHARS],
        integrity(small.sha256),
    )


def integrity(sha256: Digest) -> str:
    """A SHA-256 as Subresource Integrity writes it (W3C SRI, `podcast:integrity` of type sri)."""
    return "sha256-" + base64.b64encode(bytes.fromhex(sha256)).decode()


def _description(show: ShowInfo, item: Item, labels: Labels) -> str:
    """The item's description as the little HTML that directories show, within the limit.

    First the content note, and with it where help is; without a note help comes last.
    """
    details = item.episode.details

    def labelled(label: str, text: str, limit: int) -> str:
        text = line(text)
        return f"<p><strong>{_escaped(line(label))}:</strong> {_clipped(text, limit)}</p>" if text else ""

    note = labelled(labels.content_note, content_note(details, labels.whereabouts), _NOTE_BYTES)
    outcomes = labelled(labels.outcomes, "; ".join(item.outcomes), _ASIDE_BYTES)
    support = labelled(labels.support, "; ".join(show.support.splitlines()), _ASIDE_BYTES)
    summary = line(details.summary)
    if summary:
        room = DESCRIPTION_BYTES - len((note + outcomes + support + "<p></p>").encode())
        summary = f"<p>{_clipped(summary, room)}</p>"
    return (
        note + support + summary + outcomes if note else summary + outcomes + support
    ) or f"<p>{_clipped(line(details.title), DESCRIPTION_BYTES // 2)}</p>"


def _finished(rss: bytes, *, hub: str) -> bytes:
    """feedgen's output with the values Apple asks for and the hub, which it leaves out, indented, under a plain declaration."""
    keep = etree.XMLParser(strip_cdata=False, resolve_entities=False, no_network=True, huge_tree=True)
    root = etree.fromstring(rss, keep)
    for explicit in root.iter(f"{{{ITUNES}}}explicit"):
        explicit.text = "true" if explicit.text == "yes" else "false"
    for name in ("block", "complete"):
        for said in root.iter(f"{{{ITUNES}}}{name}"):
            said.text = "Yes"
    own = root.find(f"channel/{{{ATOM}}}link")
    if hub and own is not None:
        own.addnext(etree.Element(f"{{{ATOM}}}link", href=hub, rel="hub"))  # W3C WebSub, section 4
    etree.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(root, encoding="UTF-8") + b"\n"


def _url(show: ShowInfo, path: PurePosixPath | None = None) -> str:
    return line(show.url).rstrip("/") + "/" + (str(path) if path else "")


def _value(text: str) -> str:
    return clip(line(text), VALUE_BYTES)


def _about(text: str) -> str:
    return clip(line(text), ABOUT_CHARS)


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _clipped(text: str, limit: int) -> str:
    return _escaped(clip(text, limit, lambda part: len(_escaped(part).encode())))


def _yes_no(yes: bool) -> str:
    return "yes" if yes else "no"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
