"""The feed linter: silent about a good feed, and each rule fires on exactly the fault it is for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from lxml import etree

from stablecast.rss.lint import RULES, Severity, lint
from test_feed import GUID, SHOW, an_item, made

IT = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
PC = "{https://podcastindex.org/namespace/1.0}"
AT = "{http://www.w3.org/2005/Atom}"

ITEMS = (an_item(1, date(2026, 1, 10)), an_item(2, date(2026, 2, 10)))
GOOD = made(*ITEMS)
FILES = {"feed.xml": len(GOOD), "cover.jpg": 1} | {
    str(path): item.episode.enclosure_bytes if path == item.episode.enclosure else 1
    for item in ITEMS
    for path in (
        item.page,
        item.episode.enclosure,
        item.episode.vtt,
        item.episode.srt,
        item.episode.chapters,
        *(file.path for file in item.episode.transcripts),
    )
}

Change = Callable[[etree._Element], object]


def rules_fired(feed: bytes, files: dict[str, int] | None = FILES) -> list[str]:
    return [finding.rule for finding in lint(feed, base_url=SHOW.url, files=files)]


def test_a_good_feed_passes() -> None:
    """What we write ourselves gives no finding, with and without the files at hand."""
    assert rules_fired(GOOD) == rules_fired(GOOD, None) == []


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
        first, second = (item.find(path) for item in channel.findall("item"))
        assert first is not None
        assert second is not None
        second.text = first.text
        for name in attributes:
            second.set(name, first.get(name, ""))

    return change


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
    ("feed.transcript", set_attribute(f"item/{PC}transcript[2]", "type", "application/json")),
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


@pytest.mark.parametrize(
    ("rule", "feed"),
    [
        ("feed.well-formed", GOOD.replace(b"</channel>", b"")),
        ("feed.well-formed", GOOD.replace(b"What helps", b"What \x00 helps")),
        ("feed.well-formed", b""),
        ("feed.doctype", GOOD.replace(b"<rss", b"<!DOCTYPE rss><rss", 1)),
        ("feed.encoding", etree.tostring(etree.fromstring(GOOD), encoding="ISO-8859-1", xml_declaration=True)),
    ],
)
def test_faults_below_the_elements(rule: str, feed: bytes) -> None:
    """Broken XML, a document type and another encoding are findings too, not exceptions."""
    assert rules_fired(feed) == [rule]


def test_every_rule_has_a_fault_that_fires_it() -> None:
    """No rule is there for show."""
    proven = {rule for rule, _ in MUTATIONS} | {"feed.well-formed", "feed.doctype", "feed.encoding"}
    assert {rule.id for rule in RULES} == proven
    assert len(RULES) == len(proven)


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


def test_any_bytes_are_survived() -> None:
    """A feed cut off anywhere is a finding, never an exception."""
    for length in range(0, len(GOOD) - 10, 97):
        assert rules_fired(GOOD[:length]) == ["feed.well-formed"]
    assert GUID.encode() in GOOD
