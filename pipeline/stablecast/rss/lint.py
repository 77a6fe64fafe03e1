"""A linter for podcast feeds: what a directory would refuse or complain about, said before it does.

The rules are a table, `RULES`: each is its id, how bad it is, who asks for it, what must be, what to do, and one function
that yields the places where it is not so. A message never quotes the feed.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from stablecast.findings import Finding as Finding
from stablecast.findings import Severity as Severity
from stablecast.rss.categories import CATEGORIES, LANGUAGES
from stablecast.rss.feed import DESCRIPTION_BYTES, ITUNES, VALUE_BYTES
from stablecast.rss.podcasting20 import CHAPTERS_TYPE, NAMESPACE

Element = etree._Element

_ATOM_LINK: Final = "{http://www.w3.org/2005/Atom}link"
_ENCLOSURE_TYPES: Final = {
    ".mp3": {"audio/mpeg"},
    ".m4a": {"audio/x-m4a", "audio/m4a"},
    ".mp4": {"video/mp4"},
    ".m4v": {"video/x-m4v"},
    ".mov": {"video/quicktime"},
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
_TEXT_TAGS: Final = frozenset(("p", "br", "ol", "ul", "li", "a", "b", "i", "strong", "em"))
_BARE_TAGS: Final = _TEXT_TAGS - {"a"}
_TAG: Final = re.compile(r"<[/\s]*([^\s/>]*)")
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Document:
    """A feed that could be parsed, with what is known about where it will be served."""

    tree: etree._ElementTree
    base_url: str  # the public root, ending with a slash
    files: Mapping[str, int] | None  # path below the public root → bytes; None: not known

    @property
    def root(self) -> Element:
        return self.tree.getroot()

    @property
    def channel(self) -> Element:
        found = self.root.find("channel")
        return etree.Element("channel") if found is None else found

    @property
    def items(self) -> Iterator[tuple[str, Element]]:
        for number, item in enumerate(self.channel.iterfind("item"), 1):
            yield f"item {number}", item

    @property
    def parts(self) -> Iterator[tuple[str, Element]]:
        """The channel, then every item."""
        yield "channel", self.channel
        yield from self.items


Check = Callable[[Document], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    id: str
    severity: Severity
    source: str
    what: str
    fix: str
    check: Check

    def finding(self, place: str) -> Finding:
        return Finding(self.id, self.severity, self.source, place, f"{self.what}: {self.fix}")


_RULES: list[Rule] = []


def _rule(id_: str, severity: Severity, source: str, what: str, fix: str) -> Callable[[Check], Check]:
    def added(check: Check) -> Check:
        _RULES.append(Rule(f"feed.{id_}", severity, source, what, fix, check))
        return check

    return added


def lint(feed: bytes, *, base_url: str, files: Mapping[str, int] | None = None) -> tuple[Finding, ...]:
    """Everything the rules find in `feed`, in the order of the table.

    `base_url` is the address of the public root. With `files` (path below that root → bytes) links into it are followed
    and lengths compared. The parser resolves no entity and fetches nothing.
    """
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, recover=False)
    try:
        tree = etree.fromstring(feed, parser).getroottree()
    except (etree.XMLSyntaxError, ValueError):
        return (WELL_FORMED.finding("feed"),)
    document = Document(tree, base_url.rstrip("/") + "/", files)
    return tuple(rule.finding(place) for rule in RULES for place in rule.check(document))


# --- helpers ----------------------------------------------------------------------------------------------------------


def _itunes(name: str) -> str:
    return f"{{{ITUNES}}}{name}"


def _podcast(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _extension(url: str) -> str:
    name = urlsplit(url).path.rpartition("/")[2]
    return "." + name.rpartition(".")[2].lower() if "." in name else ""


def _moment(text: str) -> datetime | None:
    """The moment an RFC 5322 date names, if it has a zone and the right weekday."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    weekday, comma, _ = text.partition(",")
    rightly_named = not comma or weekday.strip() == _WEEKDAYS[moment.weekday()]
    return moment if moment.tzinfo is not None and rightly_named else None


def _links(part: Element) -> Iterator[str]:
    """Every address that an app would fetch or open for this channel or item."""
    yield from (link.text or "" for link in part.iterfind("link"))
    yield from (link.get("href", "") for link in part.iterfind(_ATOM_LINK))
    yield from (image.get("href", "") for image in part.iterfind(_itunes("image")))
    for tag in ("enclosure", _podcast("transcript"), _podcast("chapters")):
        yield from (element.get("url", "") for element in part.iterfind(tag))


def _repeated(values: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The places whose value stood in an earlier place."""
    seen: Counter[str] = Counter()
    for place, value in values:
        if value:
            if seen[value]:
                yield place
            seen[value] += 1


class _Html(HTMLParser):
    """What a description's HTML is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.hrefs: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.hrefs += [value or "" for name, value in attrs if name == "href"]


# --- the document -----------------------------------------------------------------------------------------------------


def _nowhere(_: Document) -> Iterable[str]:
    return ()


WELL_FORMED: Final = Rule(
    "feed.well-formed",
    Severity.ERROR,
    "RSS 2.0",
    "the feed must be well-formed XML 1.0",
    "build it again with `stablecast publish`; do not edit it by hand",
    _nowhere,  # `lint` cannot go on without a tree, so it reports this one itself
)
_RULES.append(WELL_FORMED)


@_rule("doctype", Severity.ERROR, "PSP-1", "a feed has no document type and no entities", "remove the <!DOCTYPE>")
def _doctype(document: Document) -> Iterable[str]:
    if document.tree.docinfo.internalDTD is not None:
        yield "feed"


@_rule("encoding", Severity.ERROR, "PSP-1", "a feed is written in UTF-8", "declare and write UTF-8")
def _encoding(document: Document) -> Iterable[str]:
    if (document.tree.docinfo.encoding or "UTF-8").upper() != "UTF-8":
        yield "feed"


@_rule("rss", Severity.ERROR, "RSS 2.0", "a feed is one rss element, version 2.0, with one channel", "mend the root")
def _rss(document: Document) -> Iterable[str]:
    root = document.root
    if root.tag != "rss" or root.get("version") != "2.0" or len(root.findall("channel")) != 1:
        yield "feed"


# --- the channel ------------------------------------------------------------------------------------------------------


@_rule("title", Severity.ERROR, "RSS 2.0", "the show and each episode has a title", "give it one")
def _title(document: Document) -> Iterable[str]:
    return (place for place, part in document.parts if not _text(part, "title"))


@_rule(
    "description", Severity.ERROR, "Apple", "the show and each episode has a description", "say in a line what it is"
)
def _description(document: Document) -> Iterable[str]:
    return (place for place, part in document.parts if not _text(part, "description"))


@_rule(
    "link",
    Severity.ERROR,
    "RSS 2.0",
    "the show's link is the address of its website, not of the feed",
    "put the page that people open into the channel's link",
)
def _link(document: Document) -> Iterable[str]:
    link = _text(document.channel, "link")
    selves = {element.get("href") for element in document.channel.iterfind(_ATOM_LINK) if element.get("rel") == "self"}
    if not link or link in selves:
        yield "channel"


@_rule(
    "self", Severity.ERROR, "PSP-1", "the feed names its own address", "add one atom:link with rel=self and its type"
)
def _self(document: Document) -> Iterable[str]:
    found = [element for element in document.channel.iterfind(_ATOM_LINK) if element.get("rel") == "self"]
    if len(found) != 1 or found[0].get("type") != "application/rss+xml" or not found[0].get("href"):
        yield "channel"


@_rule("language", Severity.ERROR, "Apple", "the show's language is an ISO 639 code", "write for instance en-gb")
def _language(document: Document) -> Iterable[str]:
    code = _text(document.channel, "language").lower()
    if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", code) or (
        len(code.split("-")[0]) == 2 and code.split("-")[0] not in LANGUAGES
    ):
        yield "channel"


@_rule("image", Severity.ERROR, "Apple", "the show has a JPEG or PNG cover", "point itunes:image at a .jpg or .png")
def _image(document: Document) -> Iterable[str]:
    for place, part in document.parts:
        images = part.findall(_itunes("image"))
        named = all(_extension(image.get("href", "")) in (".jpg", ".jpeg", ".png") for image in images)
        if not named or len(images) > 1 or (place == "channel" and not images):
            yield place


@_rule("category", Severity.ERROR, "Apple", "the category is on Apple's list", "spell it as Apple does, case and all")
def _category(document: Document) -> Iterable[str]:
    categories = document.channel.findall(_itunes("category"))
    subcategories = [(top.get("text", ""), sub.get("text", "")) for top in categories for sub in top]
    known = all(top.get("text") in CATEGORIES for top in categories)
    if not categories or not known or any(sub not in CATEGORIES[top] for top, sub in subcategories):
        yield "channel"


@_rule("explicit", Severity.ERROR, "Apple", "itunes:explicit says true or false, nothing else", "write true or false")
def _explicit(document: Document) -> Iterable[str]:
    for place, part in document.parts:
        if [element.text for element in part.iterfind(_itunes("explicit"))] not in (["true"], ["false"]):
            yield place


@_rule("author", Severity.WARNING, "Spotify", "the show names its organisation", "set author in config/show.toml")
def _author(document: Document) -> Iterable[str]:
    if not _text(document.channel, _itunes("author")):
        yield "channel"


@_rule(
    "owner",
    Severity.ERROR,
    "YouTube",
    "the show has an owner with a name and a mailbox",
    "set owner_email in config/show.toml to a role mailbox, never a person's",
)
def _owner(document: Document) -> Iterable[str]:
    name = _text(document.channel, f"{_itunes('owner')}/{_itunes('name')}")
    email = _text(document.channel, f"{_itunes('owner')}/{_itunes('email')}")
    if not name or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        yield "channel"


@_rule("podcast-guid", Severity.WARNING, "Podcasting 2.0", "podcast:guid is one UUID", "make it once, keep it for life")
def _podcast_guid(document: Document) -> Iterable[str]:
    try:
        uuid.UUID(_text(document.channel, _podcast("guid")))
    except ValueError:
        yield "channel"


@_rule(
    "locked",
    Severity.ERROR,
    "Podcasting 2.0",
    "podcast:locked is yes",
    "add it, so that no other host imports the show",
)
def _locked(document: Document) -> Iterable[str]:
    if _text(document.channel, _podcast("locked")) != "yes":
        yield "channel"


@_rule("type", Severity.WARNING, "Apple", "itunes:type is episodic or serial", "write episodic")
def _type(document: Document) -> Iterable[str]:
    if _text(document.channel, _itunes("type")) not in ("", "episodic", "serial"):
        yield "channel"


@_rule(
    "copyright",
    Severity.WARNING,
    "PSP-1",
    "the copyright line is the holder's name alone",
    "leave out the word, the sign and the year",
)
def _copyright(document: Document) -> Iterable[str]:
    if re.search(r"copyright|©|\(c\)|\b(19|20)\d\d\b", _text(document.channel, "copyright"), re.IGNORECASE):
        yield "channel"


@_rule(
    "build-date",
    Severity.ERROR,
    "Stablecast",
    "lastBuildDate is the newest pubDate, so that it does not tell when something was taken down",
    "build the feed again",
)
def _build_date(document: Document) -> Iterable[str]:
    dates = [moment for _, item in document.items if (moment := _moment(_text(item, "pubDate")))]
    built = _text(document.channel, "lastBuildDate")
    if built and dates and _moment(built) != max(dates):
        yield "channel"


# --- items ------------------------------------------------------------------------------------------------------------


@_rule(
    "enclosure",
    Severity.ERROR,
    "RSS 2.0",
    "an episode has one enclosure with url, length and type",
    "add what is missing",
)
def _enclosure(document: Document) -> Iterable[str]:
    for place, item in document.items:
        found = item.findall("enclosure")
        if len(found) != 1 or not all(found[0].get(name) for name in ("url", "length", "type")):
            yield place


@_rule("enclosure-length", Severity.ERROR, "Apple", "an enclosure's length is its size in bytes", "write the true size")
def _enclosure_length(document: Document) -> Iterable[str]:
    for place, item in document.items:
        for enclosure in item.iterfind("enclosure"):
            length = enclosure.get("length") or "1"  # a missing one is another rule's
            path = enclosure.get("url", "").removeprefix(document.base_url)
            size = None if document.files is None else document.files.get(path)
            if not re.fullmatch(r"[1-9][0-9]*", length) or (size is not None and int(length) != size):
                yield place


@_rule("enclosure-type", Severity.ERROR, "Apple", "an enclosure's type fits its extension", "use audio/mpeg with .mp3")
def _enclosure_type(document: Document) -> Iterable[str]:
    for place, item in document.items:
        for enclosure in item.iterfind("enclosure"):
            url, media_type = enclosure.get("url"), enclosure.get("type")
            if url and media_type and media_type not in _ENCLOSURE_TYPES.get(_extension(url), ()):
                yield place


@_rule("enclosure-unique", Severity.ERROR, "Apple", "no two episodes share an enclosure", "give each its own file")
def _enclosure_unique(document: Document) -> Iterable[str]:
    return _repeated(
        (place, enclosure.get("url", "")) for place, item in document.items for enclosure in item.iterfind("enclosure")
    )


@_rule(
    "guid",
    Severity.ERROR,
    "RSS 2.0",
    "an episode has a guid with isPermaLink=false",
    "give it a random urn:uuid and never change it",
)
def _guid(document: Document) -> Iterable[str]:
    for place, item in document.items:
        found = item.findall("guid")
        if len(found) != 1 or not (found[0].text or "").strip() or found[0].get("isPermaLink") != "false":
            yield place


@_rule("guid-unique", Severity.ERROR, "RSS 2.0", "no two episodes share a guid", "give each its own")
def _guid_unique(document: Document) -> Iterable[str]:
    return _repeated((place, _text(item, "guid")) for place, item in document.items)


@_rule(
    "pub-date",
    Severity.ERROR,
    "RSS 2.0",
    "pubDate is an RFC 5322 date with a zone and the right weekday",
    "write it so",
)
def _pub_date(document: Document) -> Iterable[str]:
    return (place for place, item in document.items if _moment(_text(item, "pubDate")) is None)


@_rule(
    "pub-date-day",
    Severity.ERROR,
    "Stablecast",
    "pubDate is 00:00 UTC of the day of release: an hour tells who was at work",
    "round it down to the day",
)
def _pub_date_day(document: Document) -> Iterable[str]:
    for place, item in document.items:
        moment = _moment(_text(item, "pubDate"))
        if moment and (moment.utcoffset() != timedelta(0) or moment.astimezone(UTC).time() != time()):
            yield place


@_rule("duration", Severity.ERROR, "Apple", "itunes:duration is a whole number of seconds, 1 or more", "round it")
def _duration(document: Document) -> Iterable[str]:
    for place, item in document.items:
        if not re.fullmatch(r"[1-9][0-9]*", _text(item, _itunes("duration"))):
            yield place


@_rule("episode-type", Severity.WARNING, "Apple", "itunes:episodeType is full, trailer or bonus", "write full")
def _episode_type(document: Document) -> Iterable[str]:
    for place, item in document.items:
        if _text(item, _itunes("episodeType")) not in ("", "full", "trailer", "bonus"):
            yield place


@_rule(
    "transcript",
    Severity.ERROR,
    "Podcasting 2.0",
    "an episode links a transcript in VTT, and a transcript's type fits its extension",
    "link the approved captions: without them apps make their own",
)
def _transcript(document: Document) -> Iterable[str]:
    for place, item in document.items:
        found = item.findall(_podcast("transcript"))
        types = [link.get("type") for link in found]
        fitting = all(link.get("type") in _TRANSCRIPT_TYPES.get(_extension(link.get("url", "")), ()) for link in found)
        if "text/vtt" not in types or not fitting:
            yield place


@_rule(
    "transcript-language",
    Severity.WARNING,
    "Podcasting 2.0",
    "a transcript says in which language it is",
    "add its language, so that an app can offer the right one",
)
def _transcript_language(document: Document) -> Iterable[str]:
    for place, item in document.items:
        if any(not _LANGUAGE.fullmatch(link.get("language", "")) for link in item.iterfind(_podcast("transcript"))):
            yield place


@_rule(
    "transcript-captions",
    Severity.WARNING,
    "Podcasting 2.0",
    "rel=captions stands at transcripts with times, and nowhere else",
    "take it from HTML and plain text",
)
def _transcript_captions(document: Document) -> Iterable[str]:
    for place, item in document.items:
        untimed = [link for link in item.iterfind(_podcast("transcript")) if link.get("type") in _UNTIMED_TYPES]
        if any(link.get("rel") == "captions" for link in untimed):
            yield place


@_rule(
    "chapters", Severity.WARNING, "Podcasting 2.0", "podcast:chapters is one JSON file", f"give it type {CHAPTERS_TYPE}"
)
def _chapters(document: Document) -> Iterable[str]:
    for place, item in document.items:
        if [link.get("type") for link in item.iterfind(_podcast("chapters"))] not in ([], [CHAPTERS_TYPE]):
            yield place


# --- everywhere -------------------------------------------------------------------------------------------------------


@_rule("url", Severity.ERROR, "Podcasting 2.0", "every address is absolute and https", "serve the show over https")
def _url(document: Document) -> Iterable[str]:
    for place, part in document.parts:
        for link in _links(part):
            if link and not link.startswith("https://"):
                yield place


@_rule("url-ascii", Severity.ERROR, "Apple", "addresses are made of ASCII without spaces", "rename the file")
def _url_ascii(document: Document) -> Iterable[str]:
    for place, part in document.parts:
        if any(not re.fullmatch(r"[!-~]*", link) for link in _links(part)):
            yield place


@_rule("file-missing", Severity.ERROR, "Stablecast", "what the feed links to is there", "publish the show again, whole")
def _file_missing(document: Document) -> Iterable[str]:
    if document.files is None:
        return
    for place, part in document.parts:
        for link in _links(part):
            path = link.removeprefix(document.base_url)
            if path != link and path and path not in document.files:
                yield place


@_rule(
    "description-length", Severity.ERROR, "Apple", f"a description has at most {DESCRIPTION_BYTES} bytes", "shorten it"
)
def _description_length(document: Document) -> Iterable[str]:
    for place, part in document.parts:
        if len((part.findtext("description") or "").encode()) > DESCRIPTION_BYTES:
            yield place


@_rule(
    "description-html",
    Severity.ERROR,
    "PSP-1",
    "a description holds only simple text tags and absolute links",
    f"keep to {', '.join(sorted(_TEXT_TAGS))}",
)
def _description_html(document: Document) -> Iterable[str]:
    for place, part in document.parts:
        text = part.findtext("description") or ""
        if set(_TAG.findall(text)) <= _BARE_TAGS:
            continue  # most descriptions, told without the slower parser
        html = _Html(text)
        if html.tags - _TEXT_TAGS or any(not re.match("(https?://|mailto:)", href) for href in html.hrefs):
            yield place


@_rule("value-length", Severity.WARNING, "PSP-1", f"a value has at most {VALUE_BYTES} characters", "shorten it")
def _value_length(document: Document) -> Iterable[str]:
    for place, part in document.parts:
        for value in part.iterchildren(etree.Element):
            if value.tag != "description" and len(value.text or "") > VALUE_BYTES:
                yield place


@_rule("white-space", Severity.WARNING, "PSP-1", "a value has no white space around it", "take it away")
def _white_space(document: Document) -> Iterable[str]:
    for place, part in document.parts:
        if any(
            len(value) == 0 and (value.text or "") != (value.text or "").strip()
            for value in part.iterchildren(etree.Element)
        ):
            yield place


@_rule(
    "person",
    Severity.ERROR,
    "Stablecast",
    "a feed says nothing about people or places",
    "remove podcast:person, podcast:location, managingEditor, webMaster and author",
)
def _person(document: Document) -> Iterable[str]:
    telling = (_podcast("person"), _podcast("location"), "managingEditor", "webMaster", "author")
    for place, part in document.parts:
        if any(part.find(tag) is not None for tag in telling):
            yield place


RULES: Final = tuple(_RULES)
