"""The feed linter: silent about a good feed, and each rule fires on exactly the fault it is for."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from stablecast.model import Chapter, Kind
from stablecast.rss.feed import Item
from stablecast.rss.lint import RULES, Severity, lint
from test_feed import EVERYTHING, GUID, SHOW, an_item, made

IT = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
PC = "{https://podcastindex.org/namespace/1.0}"
PS = "{http://podlove.org/simple-chapters}"
AT = "{http://www.w3.org/2005/Atom}"

CHAPTERS = (Chapter(0.0, "Before"), Chapter(61.5, "The stairs"), Chapter(300.25, "After"))
ITEMS = (
    an_item(1, date(2026, 1, 10), season=1, chapters=CHAPTERS),
    an_item(2, date(2026, 2, 10), season=1, chapters=CHAPTERS),
    an_item(3, date(2026, 1, 1), season=1, kind=Kind.TRAILER),
)
PLAIN = made(*ITEMS)
GOOD = made(*ITEMS, params=EVERYTHING)  # newest first: items 2, 1 and the trailer


def files_of(*items: Item) -> dict[str, int]:
    """What lies in the public folder of these, with the sizes that the feed tells."""
    sizes = {"feed.xml": 1, "cover.jpg": 1}
    for item in items:
        episode, small = item.episode, item.episode.small
        paths = (item.page, episode.vtt, episode.srt, episode.chapters, *(file.path for file in episode.transcripts))
        sizes |= {str(path): 1 for path in paths} | {str(episode.enclosure): episode.enclosure_bytes}
        if small is not None:
            sizes[str(small.path)] = small.size_bytes
    return sizes


FILES = files_of(*ITEMS)

Change = Callable[[etree._Element], object]


def rules_fired(feed: bytes, files: dict[str, int] | None = FILES) -> list[str]:
    return [finding.rule for finding in lint(feed, base_url=SHOW.url, files=files)]


def test_a_good_feed_passes() -> None:
    """What we write ourselves gives no finding, with and without the files at hand."""
    for feed in (GOOD, PLAIN):
        assert rules_fired(feed) == rules_fired(feed, None) == []


def set_text(path: str, text: str) -> Change:
    def change(channel: etree._Element) -> None:
        found = channel.find(path)
        assert found is not None
        found.text = text

    return change


def set_attribute(path: str, name: str, value: str) -> Change:
    def change(channel: etree._Element) -> None:
        found = channel.find(path)
        assert found is not None
        found.set(name, value)

    return change


def remove(path: str) -> Change:
    def change(channel: etree._Element) -> None:
        found = channel.find(path)
        assert found is not None
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)

    return change


def add(path: str, tag: str, text: str = "x") -> Change:
    def change(channel: etree._Element) -> None:
        parent = channel.find(path)
        assert parent is not None
        etree.SubElement(parent, tag).text = text

    return change


def copy_from_first(path: str, *attributes: str) -> Change:
    """Give the second item what the first one has."""

    def change(channel: etree._Element) -> None:
        first, second = (item.find(path) for item in channel.findall("item")[:2])
        assert first is not None
        assert second is not None
        second.text = first.text
        for name in attributes:
            second.set(name, first.get(name, ""))

    return change


def link(rel: str, href: str) -> Change:
    """One more atom:link."""

    def change(channel: etree._Element) -> None:
        etree.SubElement(channel, f"{AT}link", rel=rel, href=href)

    return change


def also(*changes: Change) -> Change:
    """One fault that takes several changes."""

    def change(channel: etree._Element) -> None:
        for each in changes:
            each(channel)

    return change


def move_to_end(path: str) -> Change:
    def change(channel: etree._Element) -> None:
        found = channel.find(path)
        assert found is not None
        parent = found.getparent()
        assert parent is not None
        parent.append(found)

    return change


def twice(path: str) -> Change:
    def change(channel: etree._Element) -> None:
        found = channel.find(path)
        assert found is not None
        found.addnext(copy.deepcopy(found))

    return change


def no_items(channel: etree._Element) -> None:
    for item in channel.findall("item"):
        channel.remove(item)


SMALL = f"item/{PC}alternateEnclosure"
FIRST, SECOND, THIRD = (f"item/{PS}chapters/{PS}chapter[{number}]" for number in (1, 2, 3))

MUTATIONS: list[tuple[str, Change]] = [
    ("feed.rss", lambda channel: channel.getparent().set("version", "0.91")),  # type: ignore[union-attr]
    ("feed.title", remove("item/title")),
    ("feed.title", set_text("title", "")),
    ("feed.description", remove("description")),
    ("feed.description", set_text("item/description", "")),
    ("feed.link", set_text("link", "https://podcast.example/show/feed.xml")),
    ("feed.link", remove("link")),
    ("feed.self", remove(f"{AT}link")),
    ("feed.self", set_attribute(f"{AT}link", "type", "text/html")),
    ("feed.url", link("hub", "hub")),
    ("feed.language", set_text("language", "english")),
    ("feed.language", set_text("language", "xx-gb")),
    ("feed.image", remove(f"{IT}image")),
    ("feed.image", set_attribute(f"item/{IT}image", "href", "https://elsewhere.example/cover.webp")),
    ("feed.category", set_attribute(f"{IT}category", "text", "society & culture")),
    ("feed.category", set_attribute(f"{IT}category/{IT}category", "text", "Books")),
    ("feed.category", remove(f"{IT}category")),
    ("feed.explicit", set_text(f"{IT}explicit", "no")),
    ("feed.explicit", remove(f"item/{IT}explicit")),
    ("feed.author", remove(f"{IT}author")),
    ("feed.owner", remove(f"{IT}owner")),
    ("feed.owner", set_text(f"{IT}owner/{IT}email", "nobody")),
    ("feed.podcast-guid", set_text(f"{PC}guid", "42")),
    ("feed.locked", set_text(f"{PC}locked", "no")),
    ("feed.type", set_text(f"{IT}type", "daily")),
    ("feed.copyright", add(".", "copyright", "© 2026 A Youth Service")),
    ("feed.build-date", set_text("lastBuildDate", "Wed, 11 Feb 2026 00:00:00 +0000")),
    ("feed.enclosure", remove("item/enclosure")),
    ("feed.enclosure", set_attribute("item/enclosure", "type", "")),
    ("feed.enclosure-length", set_attribute("item/enclosure", "length", "0")),
    ("feed.enclosure-length", set_attribute("item/enclosure", "length", "9055209")),
    ("feed.enclosure-type", set_attribute("item/enclosure", "type", "audio/ogg")),
    ("feed.enclosure-unique", copy_from_first("enclosure", "url", "length")),
    ("feed.guid", set_attribute("item/guid", "isPermaLink", "true")),
    ("feed.guid", remove("item/guid")),
    ("feed.guid-unique", copy_from_first("guid")),
    ("feed.pub-date", set_text("item[2]/pubDate", "Mon, 10 Jan 2026 00:00:00 +0000")),
    ("feed.pub-date", set_text("item[2]/pubDate", "2026-01-10")),
    ("feed.pub-date", remove("item[2]/pubDate")),
    ("feed.pub-date-day", set_text("item[2]/pubDate", "Sat, 10 Jan 2026 17:20:00 +0000")),
    ("feed.pub-date-day", set_text("item[2]/pubDate", "Sat, 10 Jan 2026 00:00:00 +0100")),
    ("feed.duration", set_text(f"item/{IT}duration", "754.6")),
    ("feed.duration", remove(f"item/{IT}duration")),
    ("feed.episode-type", set_text(f"item/{IT}episodeType", "Full")),
    ("feed.transcript", remove(f"item/{PC}transcript")),
    ("feed.transcript", set_attribute(f"item/{PC}transcript[5]", "type", "text/markdown")),
    ("feed.transcript-language", set_attribute(f"item/{PC}transcript[3]", "language", "Tigrinya?")),
    ("feed.transcript-captions", set_attribute(f"item/{PC}transcript[4]", "rel", "captions")),
    ("feed.chapters", set_attribute(f"item/{PC}chapters", "type", "application/json")),
    ("feed.url", set_text("item/link", "http://podcast.example/show/episodes/1.html")),
    ("feed.url", set_text("item/link", "/episodes/1.html")),
    ("feed.url-ascii", set_text("item/link", "https://elsewhere.example/épisode")),
    ("feed.file-missing", set_attribute(f"item/{PC}chapters", "url", f"{SHOW.url}chapters/gone.json")),
    ("feed.description-length", set_text("item/description", "ü" * 2001)),
    ("feed.description-html", set_text("item/description", "<p>Hello</p><script>1</script>")),
    ("feed.description-html", set_text("description", '<a href="about.html">us</a>')),
    ("feed.value-length", set_text("item/title", "long " * 60 + "title")),
    ("feed.white-space", set_text("item/title", " Letter")),
    ("feed.once", twice("title")),
    ("feed.once", twice("item/link")),
    ("feed.once", twice(f"item/{IT}duration")),
    ("feed.url", set_attribute(f"{PC}funding", "url", "give.html")),
    ("feed.url-password", set_text("item/link", "https://sam:secret@podcast.example/show/")),
    ("feed.url-query", set_attribute(f"item/{PC}chapters", "url", f"{SHOW.url}{ITEMS[1].episode.chapters}?listener=7")),
    ("feed.own-files", set_attribute(f"item/{PC}chapters", "url", "https://elsewhere.example/chapters.json")),
    ("feed.file-missing", set_attribute(f"{SMALL}/{PC}source", "uri", f"{SHOW.url}media/gone.opus")),
    ("feed.talk", add("item", f"{PC}socialInteract")),
    ("feed.talk", add("item", "comments", "https://podcast.example/talk")),
    ("feed.retired", add(".", f"{IT}keywords")),
    ("feed.explicit-show", set_text(f"{IT}explicit", "true")),
    ("feed.medium", set_text(f"{PC}medium", "Podcast")),
    ("feed.txt", set_text(f"{PC}txt[3]", "x" * 4001)),
    ("feed.txt", set_text(f"{PC}txt", "")),
    ("feed.txt", set_attribute(f"{PC}txt", "purpose", "x" * 129)),
    ("feed.txt-proof", set_text(f"{PC}txt", "two words")),
    ("feed.funding", set_attribute(f"{PC}funding", "url", "")),
    ("feed.funding", set_text(f"{PC}funding", "x" * 129)),
    ("feed.license", set_text(f"{PC}license", "our own")),
    ("feed.license", also(set_text(f"{PC}license", ""), set_attribute(f"{PC}license", "url", "https://a.example/"))),
    ("feed.update-frequency", set_attribute(f"{PC}updateFrequency", "rrule", "every day")),
    ("feed.update-frequency", set_text(f"{PC}updateFrequency", "")),
    ("feed.content-link", set_text(f"item/{PC}contentLink", "")),
    ("feed.content-link", set_attribute(f"item/{PC}contentLink", "href", "")),
    ("feed.podroll", add(".", f"{PC}podroll", "")),
    ("feed.block", set_text(f"{IT}block", "yes")),
    ("feed.block", add("item", f"{PC}block", "Yes!")),
    ("feed.block-all", remove(f"{IT}block")),
    ("feed.block-all", set_attribute(f"{PC}block", "id", "spotify")),
    ("feed.new-feed-url", set_text(f"{IT}new-feed-url", "http://podcast.example/moved/feed.xml")),
    ("feed.new-feed-url", set_text(f"{IT}new-feed-url", "moved")),
    ("feed.complete", set_text(f"{IT}complete", "yes")),
    ("feed.empty", no_items),
    ("feed.title-number", set_text("item/title", "Episode 4: On waiting")),
    ("feed.title-number", set_text("item/title", "12. On waiting")),
    ("feed.title-number", set_text("item/title", "On waiting (S2E14)")),
    ("feed.title-show", set_text("item/title", "What Helps on waiting")),
    ("feed.item-link", remove("item/link")),
    ("feed.guid-random", set_text("item/guid", "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
    ("feed.guid-random", set_text("item/guid", "on-waiting-2026-01-10")),
    ("feed.order", move_to_end("item")),
    ("feed.season", set_text(f"item[3]/{IT}season", "0")),
    ("feed.episode", set_text(f"item/{IT}episode", "two")),
    ("feed.episode-other", add("item[3]", f"{IT}episode", "3")),
    ("feed.episode-unique", set_text(f"item/{IT}episode", "1")),
    ("feed.episode-gap", set_text(f"item/{IT}episode", "3")),
    ("feed.serial", also(set_text(f"{IT}type", "serial"), remove(f"item/{IT}episode"))),
    ("feed.alternate", remove(f"{SMALL}/{PC}source")),
    ("feed.alternate", set_attribute(SMALL, "type", "")),
    ("feed.alternate-type", set_attribute(SMALL, "type", "audio/mpeg")),
    ("feed.alternate-length", set_attribute(SMALL, "length", "0")),
    ("feed.alternate-length", set_attribute(SMALL, "length", "7")),
    ("feed.alternate-about", set_attribute(SMALL, "bitrate", "fast")),
    ("feed.alternate-about", set_attribute(SMALL, "title", "x" * 33)),
    (
        "feed.alternate-unique",
        also(
            copy_from_first(f"{PC}alternateEnclosure", "length"),
            copy_from_first(f"{PC}alternateEnclosure/{PC}source", "uri"),
        ),
    ),
    ("feed.integrity", set_attribute(f"{SMALL}/{PC}integrity", "value", "sha256-AAAA")),
    ("feed.integrity", set_attribute(f"{SMALL}/{PC}integrity", "value", "")),
    ("feed.integrity", set_attribute(f"{SMALL}/{PC}integrity", "value", "sha256-not base64")),
    ("feed.integrity", set_attribute(f"{SMALL}/{PC}integrity", "type", "pgp-signature")),
    ("feed.integrity-missing", remove(f"{SMALL}/{PC}integrity")),
    ("feed.transcript-first", move_to_end(f"item/{PC}transcript")),
    ("feed.transcript-srt", remove(f"item/{PC}transcript[2]")),
    ("feed.transcript-unique", twice(f"item/{PC}transcript")),
    ("feed.inline-chapters", set_attribute(SECOND, "title", "")),
    ("feed.inline-chapters", set_attribute(f"item/{PS}chapters", "version", "")),
    ("feed.inline-chapters", twice(f"item/{PS}chapters")),
    ("feed.inline-chapters-order", set_attribute(SECOND, "start", "00:00:00.000")),
    ("feed.inline-chapters-order", set_attribute(THIRD, "start", "01:00:00.000")),
    ("feed.inline-chapters-spotify", set_attribute(FIRST, "start", "00:00:01.000")),
    ("feed.inline-chapters-spotify", remove(SECOND)),
    ("feed.inline-chapters-spotify", set_attribute(THIRD, "start", "00:01:30")),
    ("feed.inline-chapters-spotify", set_attribute(SECOND, "title", "x" * 40)),
    ("feed.person", add("item", f"{PC}person")),
    ("feed.person", add(".", f"{PC}location")),
    ("feed.person", add(".", "managingEditor")),
]


@pytest.mark.parametrize(("rule", "change"), MUTATIONS)
def test_each_fault_fires_exactly_its_rule(rule: str, change: Change) -> None:
    """One fault in a good feed gives one finding, of the rule that is for it."""
    root = etree.fromstring(GOOD)
    change(root[0])
    assert rules_fired(etree.tostring(root, encoding="UTF-8", xml_declaration=True)) == [rule]


BELOW: list[tuple[str, bytes]] = [
    ("feed.well-formed", GOOD.replace(b"</channel>", b"")),
    ("feed.well-formed", GOOD.replace(b"What helps", b"What \x00 helps")),
    ("feed.well-formed", b""),
    ("feed.doctype", GOOD.replace(b"<rss", b"<!DOCTYPE rss><rss", 1)),
    ("feed.encoding", etree.tostring(etree.fromstring(GOOD), encoding="ISO-8859-1", xml_declaration=True)),
    ("feed.namespace", GOOD.replace(b"<rss", b'<rss xmlns:i="http://www.itunes.com/DTDs/Podcast-1.0.dtd"', 1)),
    ("feed.namespace", GOOD.replace(b"<rss", b'<rss xmlns:i="https://podcastindex.org/namespace/1.0/"', 1)),
]


@pytest.mark.parametrize(("rule", "feed"), BELOW)
def test_faults_below_the_elements(rule: str, feed: bytes) -> None:
    """Broken XML, a document type, another encoding and a misspelt namespace are findings too, not exceptions."""
    assert rules_fired(feed) == [rule]


def test_a_heavy_cover_is_told_of() -> None:
    """A fault that no element shows, only the folder."""
    assert rules_fired(GOOD, FILES | {"cover.jpg": 512 * 1024}) == []
    assert rules_fired(GOOD, FILES | {"cover.jpg": 512 * 1024 + 1}) == ["feed.image-bytes"]


def test_every_rule_has_a_fault_that_fires_it() -> None:
    """No rule is there for show."""
    proven = {rule for rule, _ in (*MUTATIONS, *BELOW)} | {"feed.image-bytes"}
    assert {rule.id for rule in RULES} == proven
    assert len(RULES) == len(proven)
    assert len(RULES) > 70


def test_the_page_of_rules_is_up_to_date() -> None:
    """docs/feed-rules.md is written from the table."""
    script = Path(__file__).parents[1] / "scripts" / "write_feed_rules.py"
    told = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr


def test_entities_are_never_expanded() -> None:
    """A file named by an entity is not read, and a bomb of entities does not go off."""
    outside = GOOD.replace(b"<rss", b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/hostname">]><rss', 1)
    assert "feed.doctype" in rules_fired(outside.replace(b"What helps", b"&x;"))
    levels = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(12))
    bomb = GOOD.replace(b"<rss", f'<!DOCTYPE rss [<!ENTITY a0 "ha">{levels}]><rss'.encode(), 1)
    assert rules_fired(bomb.replace(b"What helps", b"&a12;"))


def test_a_finding_says_where_and_what_to_do() -> None:
    """A finding names item, rule, source and remedy, and quotes nothing."""
    root = etree.fromstring(GOOD)
    set_text(f"item[2]/{IT}explicit", "maybe")(root[0])
    (finding,) = lint(etree.tostring(root), base_url=SHOW.url)
    assert (finding.place, finding.rule, finding.severity, finding.source) == (
        "item 2",
        "feed.explicit",
        Severity.ERROR,
        "Apple",
    )
    assert finding.message == "itunes:explicit says true or false, nothing else: write true or false"
    assert all(rule.what and rule.fix and rule.source for rule in RULES)


ODD = (
    "",
    " ",
    "https://[",
    "https://[x@y",
    "@",
    "://",
    "<![x",
    "<!x",
    "&#x110000;",
    "99999999999999999999",
    "-1",
    "²",
    "🧡" * 9,
)
DATES = (
    "Sat, 10 Jan 99999 00:00:00 +0000",
    "Sat, 10 Jan 2026 00:00:00 +9999",
    "x, 1",
    "0 0 0 0 0",
    "Sat, 10 Jan 0001 00:00:00 +1400",
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_value_anywhere_is_survived(data: st.DataObject) -> None:
    """Whatever stands in any element or attribute of a feed that somebody else made, the lint has an answer."""
    root = etree.fromstring(GOOD)
    text = st.sampled_from((*ODD, *DATES)) | st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"))
    )
    for element in data.draw(st.lists(st.sampled_from(list(root.iter(etree.Element))), min_size=1, max_size=4)):
        name = data.draw(st.sampled_from(("", *map(str, element.attrib))))
        if name:
            element.set(name, data.draw(text))
        else:
            element.text = data.draw(text)
    rules_fired(etree.tostring(root, encoding="UTF-8", xml_declaration=True))


@pytest.mark.parametrize("odd", [*ODD, *DATES])
def test_odd_values_in_the_places_that_are_taken_apart_are_survived(odd: str) -> None:
    """Descriptions, dates, addresses, digests and times of chapters are parsed; none of them may stop the lint."""
    for path, name in (
        ("description", ""),
        ("item/pubDate", ""),
        ("lastBuildDate", ""),
        ("item/enclosure", "url"),
        (f"{SMALL}/{PC}integrity", "value"),
        (SECOND, "start"),
        (f"{PC}podroll", ""),
    ):
        root = etree.fromstring(GOOD)
        add(".", f"{PC}podroll", "")(root[0])
        (set_attribute(path, name, odd) if name else set_text(path, odd))(root[0])
        assert rules_fired(etree.tostring(root, encoding="UTF-8", xml_declaration=True))


def test_any_bytes_are_survived() -> None:
    """A feed cut off anywhere is a finding, never an exception."""
    for length in range(0, len(GOOD) - 10, 97):
        assert rules_fired(GOOD[:length]) == ["feed.well-formed"]
    assert GUID.encode() in GOOD
