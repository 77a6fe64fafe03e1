"""Rules about the whole document: its form, its addresses, its texts, and what must not be in it anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Final

from stablecast.findings import Severity
from stablecast.rss.document import Document, Part, Table, itunes, podcast
from stablecast.rss.feed import DESCRIPTION_BYTES, ITUNES, VALUE_BYTES
from stablecast.rss.podcasting20 import NAMESPACE, SIMPLE_CHAPTERS

_table = Table()

_SPACES: Final = (
    ITUNES,
    NAMESPACE,
    SIMPLE_CHAPTERS,
    "http://www.w3.org/2005/Atom",
    "http://purl.org/rss/1.0/modules/content/",
)
_TEXT_TAGS: Final = frozenset(("p", "br", "ol", "ul", "li", "a", "b", "i", "strong", "em"))
_BARE_TAGS: Final = _TEXT_TAGS - {"a"}
_TAG: Final = re.compile(r"<[/\s]*([^\s/>]*)")
_LONG: Final = frozenset(
    ("description", podcast("txt"), itunes("summary"), "{http://purl.org/rss/1.0/modules/content/}encoded")
)
_CHANNEL_ONCE: Final = (
    *("title", "link", "description", "language", "copyright", "lastBuildDate"),
    *map(itunes, ("author", "owner", "type", "block", "complete", "new-feed-url")),
    *map(podcast, ("guid", "locked", "medium", "license", "updateFrequency")),
)
_ITEM_ONCE: Final = (
    *("title", "link", "description", "pubDate"),
    *map(itunes, ("duration", "episodeType", "season", "episode", "block")),
    podcast("license"),
)


# --- its form ---------------------------------------------------------------------------------------------------------


@_table.whole(
    "doctype", Severity.ERROR, "PSP-1", "a feed has no document type and no entities", "remove the <!DOCTYPE>"
)
def _doctype(document: Document) -> Iterable[str]:
    if document.tree.docinfo.internalDTD is not None:
        yield "feed"


@_table.whole("encoding", Severity.ERROR, "PSP-1", "a feed is written in UTF-8", "declare and write UTF-8")
def _encoding(document: Document) -> Iterable[str]:
    if (document.tree.docinfo.encoding or "UTF-8").upper() != "UTF-8":
        yield "feed"


@_table.whole(
    "rss", Severity.ERROR, "RSS 2.0", "a feed is one rss element, version 2.0, with one channel", "mend the root"
)
def _rss(document: Document) -> Iterable[str]:
    root = document.root
    if root.tag != "rss" or root.get("version") != "2.0" or len(root.findall("channel")) != 1:
        yield "feed"


@_table.whole(
    "namespace",
    Severity.ERROR,
    "PSP-1",
    "a namespace is written letter for letter as its specification does",
    "copy it from there: one other letter, and apps see none of its elements",
)
def _namespace(document: Document) -> Iterable[str]:
    meant = {_bare(space): space for space in _SPACES}
    declared = {*document.root.nsmap.values(), *document.channel.element.nsmap.values()}
    if any(meant.get(_bare(space), space) != space for space in declared):
        yield "feed"


def _bare(space: str) -> str:
    return space.lower().partition("://")[2].removeprefix("www.").rstrip("/")


@_table.whole("once", Severity.ERROR, "RSS 2.0", "what says one thing stands once", "keep one of them")
def _once(document: Document) -> Iterable[str]:
    for part in document.parts:
        if any(len(part.all(tag)) > 1 for tag in (_CHANNEL_ONCE if part is document.channel else _ITEM_ONCE)):
            yield part.place


# --- addresses --------------------------------------------------------------------------------------------------------


@_table.each(
    "url", Severity.ERROR, "Podcasting 2.0", "every address is absolute and https", "serve the show over https"
)
def _url(part: Part) -> bool:
    return any(link and not link.startswith("https://") for link in part.links)


@_table.each("url-ascii", Severity.ERROR, "Apple", "addresses are made of ASCII without spaces", "rename the file")
def _url_ascii(part: Part) -> bool:
    return any(not re.fullmatch(r"[!-~]*", link) for link in part.links)


@_table.each(
    "url-password",
    Severity.ERROR,
    "Apple",
    "an address holds no name and no password",
    "serve what is public to everybody, and what is not from elsewhere",
)
def _url_password(part: Part) -> bool:
    return any("@" in link.partition("://")[2].partition("/")[0] for link in part.links)


@_table.each(
    "url-query",
    Severity.ERROR,
    "Stablecast",
    "what apps fetch has an address without a question mark: what follows one can tell who listens",
    "link the file itself",
)
def _url_query(part: Part) -> bool:
    return any("?" in link or "#" in link for link in part.fetched)


@_table.whole(
    "own-files",
    Severity.ERROR,
    "Stablecast",
    "sound, words and chapters lie below the show's own address: only there does a withdrawal reach them",
    "serve them from the public folder, and through no other service",
)
def _own_files(document: Document) -> Iterable[str]:
    for part in document.parts:
        if any(link.startswith("https://") and not link.startswith(document.base_url) for link in part.fetched):
            yield part.place


@_table.whole(
    "file-missing", Severity.ERROR, "Stablecast", "what the feed links to is there", "publish the show again, whole"
)
def _file_missing(document: Document) -> Iterable[str]:
    if document.files is None:
        return
    for part in document.parts:
        for link in part.links:
            if (path := document.path(link)) and path not in document.files:
                yield part.place


# --- texts ------------------------------------------------------------------------------------------------------------


@_table.each(
    "description-length", Severity.ERROR, "Apple", f"a description has at most {DESCRIPTION_BYTES} bytes", "shorten it"
)
def _description_length(part: Part) -> bool:
    return any(len((found.text or "").encode()) > DESCRIPTION_BYTES for found in part.all("description"))


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


@_table.each(
    "description-html",
    Severity.ERROR,
    "PSP-1",
    "a description holds only simple text tags and absolute links",
    f"keep to {', '.join(sorted(_TEXT_TAGS))}",
)
def _description_html(part: Part) -> bool:
    text = part.text("description")
    if set(_TAG.findall(text)) <= _BARE_TAGS:
        return False  # most descriptions, told without the slower parser
    html = _Html(text)
    return bool(html.tags - _TEXT_TAGS) or any(not re.match("(https?://|mailto:)", href) for href in html.hrefs)


@_table.each("value-length", Severity.WARNING, "PSP-1", f"a value has at most {VALUE_BYTES} characters", "shorten it")
def _value_length(part: Part) -> bool:
    return any(tag not in _LONG and len(value.text or "") > VALUE_BYTES for tag, value in part.values)


@_table.each("white-space", Severity.WARNING, "PSP-1", "a value has no white space around it", "take it away")
def _white_space(part: Part) -> bool:
    for _, value in part.values:
        text = value.text
        if text and (text[0].isspace() or text[-1].isspace()) and len(value) == 0:
            return True
    return False


# --- what must not be there -------------------------------------------------------------------------------------------

_TELLING: Final = (podcast("person"), podcast("location"), "managingEditor", "webMaster", "author")
_TALK: Final = ("comments", podcast("socialInteract"), podcast("chat"))
_RETIRED: Final = tuple(map(itunes, ("keywords", "order", "isClosedCaptioned", "subtitle")))


@_table.each(
    "person",
    Severity.ERROR,
    "Stablecast",
    "a feed says nothing about people or places",
    "remove podcast:person, podcast:location, managingEditor, webMaster and author",
)
def _person(part: Part) -> bool:
    return any(part.has(tag) for tag in _TELLING)


@_table.each(
    "talk",
    Severity.ERROR,
    "Stablecast",
    "a feed invites nobody to write under a young person's words",
    "remove comments, podcast:socialInteract and podcast:chat",
)
def _talk(part: Part) -> bool:
    return any(part.has(tag) for tag in _TALK)


@_table.each(
    "retired",
    Severity.WARNING,
    "Apple",
    "elements that no directory reads any more are left out",
    "remove itunes:keywords, itunes:order, itunes:isClosedCaptioned and itunes:subtitle",
)
def _retired(part: Part) -> bool:
    return any(part.has(tag) for tag in _RETIRED)


RULES: Final = tuple(_table.rules)
