"""The feed: valid for every reader, silent about people, the same bytes for the same show."""

from __future__ import annotations

import base64
import dataclasses
import html
import re
import uuid
import xml.parsers.expat
from collections.abc import Iterator
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from stablecast.model import (
    Alias,
    Chapter,
    ContentNote,
    Cue,
    Details,
    Digest,
    Kind,
    PublicEpisode,
    PublicTranslation,
    ShowInfo,
    SmallFile,
    TextFile,
)
from stablecast.rss import feed as feeds
from stablecast.rss.feed import EMPTY_SINCE, FeedParams, Item, Rhythm, feed, numbered, podcast_guid
from stablecast.rss.lint import Severity, lint
from stablecast.rss.text import clip, legal, line, utf8_size

ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
PODCAST = "{https://podcastindex.org/namespace/1.0}"
ATOM = "{http://www.w3.org/2005/Atom}"

SHOW = ShowInfo(
    title="What helps",
    summary="Young people say what helped.",
    author="A Youth Service",
    owner_email="podcast@service.example",
    url="https://podcast.example/show/",
    support="Call 0800 000 000 & ask for Sam",
)
GUID = podcast_guid("https://podcast.example/show/feed.xml")

# Surrogates, noncharacters and control characters included: everything Python can hold.
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)


def an_episode(number: int = 1, **details: object) -> PublicEpisode:
    public_id = f"{number:032x}"
    told: dict[str, object] = {
        "title": f"Letter {number}",
        "summary": "On waiting.",
        "content_note": "Talks about being moved.",
    }
    return PublicEpisode(
        public_id,
        f"urn:uuid:{uuid.UUID(int=number, version=4)}",
        Details(**(told | details)),  # type: ignore[arg-type]
        duration_s=754.6,
        language="en",
        enclosure=PurePosixPath(f"media/{public_id}-0a1b2c3d.mp3"),
        enclosure_bytes=9_055_200 + number,
        enclosure_type="audio/mpeg",
        vtt=PurePosixPath(f"captions/{public_id}-0a1b2c3d.vtt"),
        srt=PurePosixPath(f"captions/{public_id}-0a1b2c3d.srt"),
        chapters=PurePosixPath(f"chapters/{public_id}-0a1b2c3d.json"),
        cues=(Cue(500, 2500, Alias("Sky"), "I remember the stairs."),),
        transcripts=tuple(
            TextFile(PurePosixPath(f"captions/{public_id}-0a1b2c3d{suffix}"), kind, "en", kind == "application/json")
            for suffix, kind in ((".json", "application/json"), (".html", "text/html"), (".txt", "text/plain"))
        ),
        small=SmallFile(
            PurePosixPath(f"media/{public_id}-0a1b2c3d-4e5f6071.opus"),
            "audio/ogg",
            "opus",
            24,
            2_263_800 + number,
            Digest(f"{number:064x}"),
        ),
    )


def an_item(number: int = 1, day: date = date(2026, 3, 14), **details: object) -> Item:
    episode = an_episode(number, **details)
    return Item(episode, day, PurePosixPath(f"episodes/{episode.public_id}.html"), ("Freedom", "Equality"))


def made(*items: Item, show: ShowInfo = SHOW, block: bool = False, params: FeedParams | None = None) -> bytes:
    paths = {"address": PurePosixPath("feed.xml"), "artwork": PurePosixPath("cover.jpg")}
    return feed(show, GUID, items, **paths, block=block, params=params)


def channel_of(data: bytes) -> etree._Element:
    """The channel, after two strict parsers took the feed."""
    xml.parsers.expat.ParserCreate().Parse(data, True)
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, recover=False))
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    return root[0]


def values(parent: etree._Element) -> Iterator[tuple[str, str | None]]:
    yield from ((str(child.tag), child.text) for child in parent)


def test_channel_holds_exactly_what_directories_ask_for() -> None:
    """The channel is this list and nothing else: a new element is a decision, not an accident."""
    channel = channel_of(made(an_item()))
    assert [
        (tag, text) for tag, text in values(channel) if tag not in ("item", f"{ITUNES}category", f"{ITUNES}owner")
    ] == [
        ("title", "What helps"),
        ("link", "https://podcast.example/show/"),
        ("description", "Young people say what helped."),
        (f"{ATOM}link", None),
        ("docs", "http://www.rssboard.org/rss-specification"),
        ("generator", "Stablecast"),
        ("language", "en-gb"),
        ("lastBuildDate", "Sat, 14 Mar 2026 00:00:00 +0000"),
        (f"{ITUNES}author", "A Youth Service"),
        (f"{ITUNES}image", None),
        (f"{ITUNES}explicit", "false"),
        (f"{ITUNES}type", "episodic"),
        (f"{PODCAST}guid", GUID),
        (f"{PODCAST}locked", "yes"),
        (f"{PODCAST}medium", "podcast"),
    ]
    own = channel.find(f"{ATOM}link")
    assert own is not None
    assert {str(name): str(value) for name, value in own.attrib.items()} == {
        "href": "https://podcast.example/show/feed.xml",
        "rel": "self",
        "type": "application/rss+xml",
    }
    assert [element.get("text") for element in channel.iter(f"{ITUNES}category")] == [
        "Society & Culture",
        "Personal Journals",
    ]
    assert channel.findtext(f"{ITUNES}owner/{ITUNES}name") == "A Youth Service"
    assert channel.findtext(f"{ITUNES}owner/{ITUNES}email") == "podcast@service.example"


def test_item_holds_exactly_what_directories_ask_for() -> None:
    """An item is this list and nothing else, with the true length and a guid made of nothing."""
    item = channel_of(made(an_item(7))).find("item")
    assert item is not None
    root, stem = "https://podcast.example/show", f"{7:032x}-0a1b2c3d"
    listed = [child for child in item if child.tag != "description"]
    assert [(str(child.tag), (child.text or "").strip() or None, dict(child.attrib)) for child in listed] == [
        ("title", "Letter 7", {}),
        ("link", f"{root}/episodes/{7:032x}.html", {}),
        ("guid", f"urn:uuid:{uuid.UUID(int=7, version=4)}", {"isPermaLink": "false"}),
        ("enclosure", None, {"url": f"{root}/media/{stem}.mp3", "length": "9055207", "type": "audio/mpeg"}),
        ("pubDate", "Sat, 14 Mar 2026 00:00:00 +0000", {}),
        (f"{ITUNES}image", None, {"href": f"{root}/cover.jpg"}),
        (f"{ITUNES}duration", "755", {}),
        (f"{ITUNES}explicit", "false", {}),
        (f"{ITUNES}episodeType", "full", {}),
        (
            f"{PODCAST}transcript",
            None,
            {"url": f"{root}/captions/{stem}.vtt", "type": "text/vtt", "language": "en", "rel": "captions"},
        ),
        (
            f"{PODCAST}transcript",
            None,
            {"url": f"{root}/captions/{stem}.srt", "type": "application/x-subrip", "language": "en", "rel": "captions"},
        ),
        (
            f"{PODCAST}transcript",
            None,
            {"url": f"{root}/captions/{stem}.json", "type": "application/json", "language": "en", "rel": "captions"},
        ),
        (
            f"{PODCAST}transcript",
            None,
            {"url": f"{root}/captions/{stem}.html", "type": "text/html", "language": "en"},
        ),
        (
            f"{PODCAST}transcript",
            None,
            {"url": f"{root}/captions/{stem}.txt", "type": "text/plain", "language": "en"},
        ),
        (f"{PODCAST}chapters", None, {"url": f"{root}/chapters/{stem}.json", "type": "application/json+chapters"}),
        (
            f"{PODCAST}alternateEnclosure",
            None,
            {"type": "audio/ogg", "length": "2263807", "bitrate": "24000", "title": "Small file", "codecs": "opus"},
        ),
    ]
    (alternate,) = item.iterfind(f"{PODCAST}alternateEnclosure")
    assert [(str(child.tag), dict(child.attrib)) for child in alternate] == [
        (f"{PODCAST}source", {"uri": f"{root}/media/{stem}-4e5f6071.opus"}),
        (
            f"{PODCAST}integrity",
            {"type": "sri", "value": "sha256-" + base64.b64encode(bytes(31) + b"\x07").decode()},
        ),
    ]


def test_a_translation_follows_what_was_said_with_its_own_language() -> None:
    """Some apps read the first transcript and no further, so the language spoken comes first; one link a format and language."""
    german, paths = an_item(7), (PurePosixPath("captions/x.en.vtt"), PurePosixPath("captions/x.en.srt"))
    translation = PublicTranslation("en", *paths, (Cue(500, 2500, Alias("Sky"), "I remember the stairs."),))
    others = tuple(dataclasses.replace(file, language="de") for file in german.episode.transcripts)
    episode = dataclasses.replace(german.episode, language="de", transcripts=others, translations=(translation,))
    data = made(dataclasses.replace(german, episode=episode))
    found = [
        (link.get("language"), link.get("type"), str(link.get("url")).rpartition(".")[2])
        for link in channel_of(data).iter(f"{PODCAST}transcript")
    ]
    vtt, srt = ("text/vtt", "vtt"), ("application/x-subrip", "srt")
    spoken = [link for link in found if link[0] == "de"]
    assert spoken[:2] == [("de", *vtt), ("de", *srt)]
    assert found == [*spoken, ("en", *vtt), ("en", *srt)]
    assert not [finding for finding in lint(data, base_url=SHOW.url) if finding.severity is Severity.ERROR]


def test_content_note_comes_first() -> None:
    """Whoever reads a description meets the content note before anything else, and with it the way to help."""
    assert channel_of(made(an_item())).findtext("item/description") == (
        "<p><strong>Content note:</strong> Talks about being moved.</p>"
        "<p><strong>Where to find help:</strong> Call 0800 000 000 &amp; ask for Sam</p>"
        "<p>On waiting.</p><p><strong>This episode speaks to:</strong> Freedom; Equality</p>"
    )


def test_a_note_names_kinds_and_places_and_every_support_line() -> None:
    """Kind by kind, roughly where; each line of support stands in one sentence. Without a note help comes last."""
    show = dataclasses.replace(SHOW, support="Call 0800 000 000\nhttps://help.example/chat\n")
    notes = (ContentNote("Being locked in", "12-15"), ContentNote("a court", "end"))
    text = channel_of(made(an_item(content_note="", notes=notes), show=show)).findtext("item/description") or ""
    assert text.startswith(
        "<p><strong>Content note:</strong> Being locked in (between minutes 12 and 15); a court (near the end)</p>"
        "<p><strong>Where to find help:</strong> Call 0800 000 000; https://help.example/chat</p>"
    )
    assert (channel_of(made(an_item(content_note=""))).findtext("item/description") or "").endswith("ask for Sam</p>")


def test_long_texts_lose_the_summary_before_the_note() -> None:
    """At any length the description keeps to 4000 bytes, ends in whole words, and keeps the whole note and help."""
    text = channel_of(made(an_item(summary="Verständnis & " * 60_000))).findtext("item/description") or ""
    assert 3900 < len(text.encode()) <= 4000
    assert "Talks about being moved." in text
    assert "ask for Sam</p>" in text
    assert "Verständnis &amp;…</p>" in text or "Verständnis…</p>" in text


def test_equal_input_gives_equal_bytes() -> None:
    """Neither the clock nor the order in which episodes are listed shows in the feed."""
    items = [an_item(number, date(2026, 1, 1 + number % 3)) for number in range(12)]
    assert made(*items) == made(*reversed(items))


def test_newest_episode_first() -> None:
    """Apps show episodes in the order of the feed."""
    channel = channel_of(made(an_item(1, date(2026, 1, 1)), an_item(2, date(2026, 5, 1)), an_item(3, date(2026, 3, 1))))
    assert [item.findtext("title") for item in channel.iterfind("item")] == ["Letter 2", "Letter 3", "Letter 1"]


def test_withdrawal_leaves_no_trace() -> None:
    """The feed after a withdrawal is, byte for byte, the feed of a show that never had the episode."""
    kept, gone = an_item(1, date(2026, 1, 1)), an_item(2, date(2026, 5, 1))
    after = made(*(item for item in (kept, gone) if item is not gone))
    assert after == made(kept)
    assert b"2026-05" not in after
    assert b"May 2026" not in after


def test_empty_feed_is_valid_and_dateless() -> None:
    """A show without episodes has a valid feed, whose date is the documented one and not today."""
    channel = channel_of(made())
    assert channel.find("item") is None
    built = parsedate_to_datetime(channel.findtext("lastBuildDate") or "")
    assert built == datetime(EMPTY_SINCE.year, EMPTY_SINCE.month, EMPTY_SINCE.day, tzinfo=UTC)
    assert [finding.rule for finding in lint(made(), base_url=SHOW.url)] == ["feed.empty"]


def test_no_time_of_day_anywhere() -> None:
    """Every date in a feed is midnight UTC: an hour would tell when somebody was at work."""
    data = made(*(an_item(number, date(2026, 1, number)) for number in range(1, 6)))
    assert set(re.findall(rb"\d\d:\d\d(?::\d\d)?[^<]*", data)) == {b"00:00:00 +0000"}


def test_demo_shows_ask_not_to_be_listed() -> None:
    """Apple's Yes, case and all, and everybody else's yes, whatever the settings say; without it neither is there."""
    for data in (made(block=True), made(params=FeedParams(block=True))):
        assert channel_of(data).findtext(f"{ITUNES}block") == "Yes"
        assert channel_of(data).findtext(f"{PODCAST}block") == "yes"
    assert b"block" not in made()


@pytest.mark.parametrize(("marks", "channel"), [((True, True), "true"), ((True, False), "false"), ((), "false")])
def test_explicit_is_true_or_false(marks: tuple[bool, ...], channel: str) -> None:
    """feedgen writes yes and no; Apple takes true and false. The show is explicit when every episode is."""
    root = channel_of(made(*(an_item(number, explicit=mark) for number, mark in enumerate(marks))))
    assert root.findtext(f"{ITUNES}explicit") == channel
    assert [item.findtext(f"{ITUNES}explicit") for item in root.iterfind("item")] == [
        str(mark).lower() for mark in marks
    ]


def test_podcast_guid_of_the_specification() -> None:
    """The specification's own example, with and without scheme and trailing slashes."""
    expected = "9b024349-ccf0-5f69-a609-6b82873eab3c"
    for url in ("podnews.net/rss", "https://podnews.net/rss", "http://podnews.net/rss//"):
        assert podcast_guid(url) == expected


@settings(max_examples=150, deadline=None)
@given(title=ANY_TEXT, summary=ANY_TEXT, note=ANY_TEXT, channel=ANY_TEXT)
def test_any_text_makes_a_feed_that_says_it(title: str, summary: str, note: str, channel: str) -> None:
    """Whatever people type, strict parsers take the feed and read back the text, less what XML forbids."""
    show = dataclasses.replace(SHOW, title=channel, summary=channel, author=channel, support="")
    root = channel_of(made(an_item(title=title, summary=summary, content_note=note, explicit=True), show=show))
    assert (root.findtext("title") or "") == (clip(line(channel), 255) or "Untitled")
    assert (root.findtext("description") or "") == (legal(channel).strip() or "Untitled")
    assert (root.findtext("item/title") or "") == clip(line(title), 255)
    text = html.unescape(re.sub(r"</?(?:p|strong)>", "", root.findtext("item/description") or ""))
    assert text.startswith(f"Content note: {line(note)}" if line(note) else line(summary))


@pytest.mark.parametrize("nasty", ["]]>", "<!ENTITY x 'y'>", "<![CDATA[x", "</item>", "&amp;", "\u202eevil", "\"'><b"])
def test_markup_stays_text(nasty: str) -> None:
    """Markup typed into a title or a note is text in the feed, never structure."""
    root = channel_of(made(an_item(title=nasty, summary=nasty, content_note=nasty)))
    assert root.findtext("item/title") == nasty
    assert html.escape(nasty, quote=False) in (root.findtext("item/description") or "")
    assert len(root.findall("item")) == 1


@given(ANY_TEXT)
def test_legal_drops_only_what_xml_forbids(text: str) -> None:
    """What is kept is XML's own set of characters, in order; what is dropped is outside it."""
    kept = "".join(
        character
        for character in text
        if character in "\t\n\r"
        or "\x20" <= character <= "\ud7ff"
        or "\ue000" <= character <= "\ufffd"
        or character >= "\U00010000"
    )
    assert legal(text) == kept.replace("\r\n", "\n").replace("\r", "\n")
    assert legal(legal(text)) == legal(text)


@given(st.text(st.characters(codec="utf-8"), max_size=400), st.integers(3, 300))
def test_clip_keeps_the_limit_and_the_beginning(text: str, limit: int) -> None:
    """A clipped text fits in bytes, begins as the text does, and is the text itself where that fits."""
    kept = clip(text, limit)
    assert utf8_size(kept) <= limit
    if utf8_size(text) <= limit:
        assert kept == text
    else:
        assert kept.endswith("…")
        assert text.startswith(kept[:-1])


def test_clip_cuts_at_a_word() -> None:
    """No half words, unless a word is so long that most of the room would be lost."""
    assert clip("one two three four", 12) == "one two…"
    assert clip("x" * 100, 12) == "x" * 9 + "…"
    assert clip("one " + "x" * 100, 30) == "one " + "x" * 23 + "…"


@pytest.mark.parametrize(
    "half_set_up",
    [
        {"title": ""},
        {"author": " "},
        {"owner_email": ""},
        {"category": 'a"b'},
        {"category": "", "subcategory": ""},
        {"summary": "\x00"},
    ],
)
def test_half_finished_settings_still_give_a_feed(half_set_up: dict[str, str]) -> None:
    """Settings are the linter's business: a withdrawal must get its feed whatever they say."""
    data = made(an_item(), show=dataclasses.replace(SHOW, **half_set_up))
    assert channel_of(data).find("item") is not None


EVERYTHING = FeedParams(
    block=True,
    complete=True,
    new_feed_url="https://podcast.example/moved/feed.xml",
    txt=("verify=abc123", "applepodcastsverify=0f0f", "A line about nothing"),
    license="cc-by-nc-nd-4.0",
    funding_url="https://service.example/give",
    funding_text="Help this service go on",
    rhythm=Rhythm.FORTNIGHTLY,
    rhythm_text="Every other Thursday",
    content_link="Read along",
    numbers=True,
    hub="https://hub.example/",
)


def test_a_show_says_what_directories_ask_of_it_besides() -> None:
    """Each setting of [feed] is one element, as its specification writes it, and stands after what was there before."""
    channel = channel_of(made(an_item(), params=EVERYTHING))
    assert channel.findtext(f"{ITUNES}complete") == "Yes"
    assert channel.findtext(f"{ITUNES}new-feed-url") == "https://podcast.example/moved/feed.xml"
    links = {each.get("rel"): each.get("href") for each in channel.iterfind("{http://www.w3.org/2005/Atom}link")}
    assert links["hub"] == "https://hub.example/"
    own = [child for child in channel if str(child.tag).startswith(PODCAST)]
    assert [(str(child.tag).removeprefix(PODCAST), dict(child.attrib), child.text) for child in own] == [
        ("guid", {}, GUID),
        ("locked", {}, "yes"),
        ("medium", {}, "podcast"),
        ("block", {}, "yes"),
        ("txt", {"purpose": "verify"}, "abc123"),
        ("txt", {"purpose": "applepodcastsverify"}, "0f0f"),
        ("txt", {}, "A line about nothing"),
        ("license", {}, "cc-by-nc-nd-4.0"),
        ("funding", {"url": "https://service.example/give"}, "Help this service go on"),
        ("updateFrequency", {"complete": "true", "rrule": "FREQ=WEEKLY;INTERVAL=2"}, "Every other Thursday"),
    ]
    link = channel.find(f"item/{PODCAST}contentLink")
    assert link is not None
    assert (link.text, link.get("href")) == ("Read along", f"https://podcast.example/show/episodes/{1:032x}.html")
    assert lint(made(an_item(), params=EVERYTHING), base_url=SHOW.url) == ()


@pytest.mark.parametrize(
    "half_set_up",
    [
        {"txt": ("verify=", "=", "\x00", "x" * 9000)},
        {"license": "our own"},
        {"license_url": "here"},
        {"funding_text": "Give"},
        {"funding_url": "\ud800"},
        {"rhythm_text": "Now and then"},
        {"new_feed_url": "\x00moved"},
        {"content_link": "\x07" * 300},
        {"hub": "\x00"},
        {"hub": "nowhere"},
        {"small_file": "A small file for those who pay by the megabyte"},
    ],
)
def test_half_finished_feed_settings_still_give_a_feed(half_set_up: dict[str, object]) -> None:
    """Whatever [feed] holds, a withdrawal gets its feed; what is wrong with it is for the lint to say."""
    assert channel_of(made(an_item(), params=FeedParams(**half_set_up))).find("item") is not None  # type: ignore[arg-type]


def test_kind_and_season_stand_at_the_episode() -> None:
    """Apple's words for what an episode is; no season where none was given."""
    items = (an_item(1, kind=Kind.TRAILER, season=2), an_item(2, kind=Kind.BONUS), an_item(3))
    found = {
        item.findtext("title"): (item.findtext(f"{ITUNES}episodeType"), item.findtext(f"{ITUNES}season"))
        for item in channel_of(made(*items)).iterfind("item")
    }
    assert found == {"Letter 1": ("trailer", "2"), "Letter 2": ("bonus", None), "Letter 3": ("full", None)}


@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from(Kind), st.integers(0, 2)), max_size=30), st.data())
def test_numbers_never_tell_of_a_withdrawal(listed: list[tuple[int, Kind, int]], data: st.DataObject) -> None:
    """Whatever is taken down, numbers go from 1 on in each season without a gap, the oldest first; trailers have none."""
    items = [
        an_item(number, date(2026, 1, 1 + day % 28), kind=kind, season=season)
        for number, (day, kind, season) in enumerate(listed, 1)
    ]
    kept = [item for item in items if data.draw(st.booleans())]
    root = channel_of(made(*kept, params=FeedParams(numbers=True)))
    seasons: dict[str, list[int]] = {}
    for item in root.iterfind("item"):
        number = item.findtext(f"{ITUNES}episode")
        assert (number is not None) == (item.findtext(f"{ITUNES}episodeType") == "full")
        if number:
            seasons.setdefault(item.findtext(f"{ITUNES}season") or "", []).append(int(number))
    assert all(numbers == list(range(len(numbers), 0, -1)) for numbers in seasons.values())
    assert b"<itunes:episode>" not in made(*kept)
    assert numbered([]) == {}


def test_chapters_stand_in_the_feed_too() -> None:
    """Spotify reads no chapter file; Podlove's chapters say the same in the feed, to the millisecond."""
    chapters = (Chapter(0.0, "Before"), Chapter(61.5, "The & stairs"), Chapter(3723.25, "After"))
    inline = channel_of(made(an_item(chapters=chapters))).find("item/{http://podlove.org/simple-chapters}chapters")
    assert inline is not None
    assert inline.get("version") == "1.2"
    assert [(chapter.get("start"), chapter.get("title")) for chapter in inline] == [
        ("00:00:00.000", "Before"),
        ("00:01:01.500", "The & stairs"),
        ("01:02:03.250", "After"),
    ]
    assert b"psc:chapter " not in made(an_item())


def test_nothing_about_people_or_places() -> None:
    """The elements that would name a person, a place or a number in a series are never written."""
    data = made(an_item(chapters=(Chapter(0.0, "One"),)), block=True).decode()
    for telling in ("person", "location", "managingEditor", "webMaster", "<author", "itunes:episode>", "season"):
        assert telling not in data
    assert feeds.Labels().content_note in data
