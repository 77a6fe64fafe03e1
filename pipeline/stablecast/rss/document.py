"""A feed as the rules look at it, each element found once; and what a rule is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Final

from lxml import etree

from stablecast.findings import Finding, Severity
from stablecast.rss.feed import ITUNES
from stablecast.rss.podcasting20 import NAMESPACE, SIMPLE_CHAPTERS

Element = etree._Element

ATOM_LINK: Final = "{http://www.w3.org/2005/Atom}link"
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def itunes(name: str) -> str:
    return f"{{{ITUNES}}}{name}"


def podcast(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def psc(name: str) -> str:
    return f"{{{SIMPLE_CHAPTERS}}}{name}"


class Part:
    """The channel, or one item: its children by tag, in order. Rules ask thousands of times, so nothing is found twice."""

    def __init__(self, place: str, element: Element) -> None:
        self.place, self.element = place, element
        self._by_tag: dict[str, list[Element]] = {}
        for child in element.iterchildren(etree.Element):
            self._by_tag.setdefault(str(child.tag), []).append(child)

    def all(self, tag: str) -> Sequence[Element]:
        return self._by_tag.get(tag, ())

    def has(self, tag: str) -> bool:
        return tag in self._by_tag

    def text(self, tag: str) -> str:
        """The text of the first such child, without white space around it; "" where there is none."""
        found = self._by_tag.get(tag)
        return (found[0].text or "").strip() if found else ""

    @property
    def values(self) -> Iterator[tuple[str, Element]]:
        """Every child but items, with its tag."""
        for tag, found in self._by_tag.items():
            if tag != "item":
                yield from ((tag, element) for element in found)

    @cached_property
    def moment(self) -> datetime | None:
        """When an item came out, if it says so rightly."""
        return moment(self.text("pubDate"))

    @cached_property
    def alternates(self) -> tuple[tuple[Element, tuple[str, ...]], ...]:
        """Other files of the sound, with the addresses of each."""
        return tuple(
            (each, tuple(source.get("uri", "") for source in each.iterfind(podcast("source"))))
            for each in self.all(podcast("alternateEnclosure"))
        )

    @cached_property
    def fetched(self) -> tuple[str, ...]:
        """Every address from which an app fetches a file of this channel or item by itself."""
        tags = ("enclosure", podcast("transcript"), podcast("chapters"))
        plain = (element.get("url", "") for tag in tags for element in self.all(tag))
        return (*plain, *(uri for _, uris in self.alternates for uri in uris))

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Every address that an app would fetch or open."""
        return (
            *(link.text or "" for link in self.all("link")),
            *(link.get("href", "") for link in self.all(ATOM_LINK)),
            *(image.get("href", "") for image in self.all(itunes("image"))),
            *(link.get("href", "") for link in self.all(podcast("contentLink"))),
            *(link.get("url", "") for tag in ("funding", "license") for link in self.all(podcast(tag))),
            *self.fetched,
        )


class Document:
    """A feed that could be parsed, with what is known about where it will be served."""

    def __init__(self, tree: etree._ElementTree, base_url: str, files: Mapping[str, int] | None) -> None:
        self.tree = tree
        self.base_url = base_url  # the public root, ending with a slash
        self.files = files  # path below the public root → bytes; None: not known
        found = self.root.find("channel")
        self.channel = Part("channel", etree.Element("channel") if found is None else found)
        self.items = tuple(Part(f"item {number}", item) for number, item in enumerate(self.channel.all("item"), 1))
        self.parts = (self.channel, *self.items)

    @property
    def root(self) -> Element:
        return self.tree.getroot()

    def path(self, url: str) -> str | None:
        """Which file below the public root an address names, "" for the root itself; None where it leads elsewhere."""
        if not url.startswith(self.base_url):
            return None
        return url.removeprefix(self.base_url).partition("?")[0].partition("#")[0]

    def size(self, url: str) -> int | None:
        """How many bytes lie where this address leads, as far as that is known."""
        return None if self.files is None else self.files.get(self.path(url) or "")


Check = Callable[[Document], Iterable[str]]
Wrong = Callable[[Part], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    id: str
    severity: Severity
    source: str  # who asks for it
    what: str
    fix: str
    check: Check  # yields the places where it is not so

    def finding(self, place: str) -> Finding:
        return Finding(self.id, self.severity, self.source, place, f"{self.what}: {self.fix}")


class Table:
    """Rules, in order, as a module writes them down: each method is a decorator for a check."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def whole(self, id_: str, severity: Severity, source: str, what: str, fix: str) -> Callable[[Check], Check]:
        """A rule about the feed as a whole: its check yields places."""

        def added(check: Check) -> Check:
            self.rules.append(Rule(f"feed.{id_}", severity, source, what, fix, check))
            return check

        return added

    def channel(self, id_: str, severity: Severity, source: str, what: str, fix: str) -> Callable[[Wrong], Wrong]:
        """A rule about the channel: its check says whether something is wrong."""
        return self._asked(lambda document: (document.channel,), id_, severity, source, what, fix)

    def item(self, id_: str, severity: Severity, source: str, what: str, fix: str) -> Callable[[Wrong], Wrong]:
        """A rule about each item."""
        return self._asked(lambda document: document.items, id_, severity, source, what, fix)

    def each(self, id_: str, severity: Severity, source: str, what: str, fix: str) -> Callable[[Wrong], Wrong]:
        """A rule about the channel and each item."""
        return self._asked(lambda document: document.parts, id_, severity, source, what, fix)

    def _asked(
        self, of: Callable[[Document], Iterable[Part]], id_: str, severity: Severity, source: str, what: str, fix: str
    ) -> Callable[[Wrong], Wrong]:
        def added(wrong: Wrong) -> Wrong:
            self.whole(id_, severity, source, what, fix)(
                lambda document: (part.place for part in of(document) if wrong(part))
            )
            return wrong

        return added


# --- what several rules ask -------------------------------------------------------------------------------------------


def extension(url: str) -> str:
    """How the file at an address ends, in small letters with the dot; "" for none."""
    path = re.split("[?#]", url, maxsplit=1)[0].partition("://")[2].partition("/")[2]
    name = path.rpartition("/")[2]
    return "." + name.rpartition(".")[2].lower() if "." in name else ""


def moment(text: str) -> datetime | None:
    """The moment an RFC 5322 date names, if it has a zone and the right weekday."""
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    weekday, comma, _ = text.partition(",")
    rightly_named = not comma or weekday.strip() == _WEEKDAYS[found.weekday()]
    return found if found.tzinfo is not None and rightly_named else None


def counting(text: str) -> bool:
    """Whether a text is a whole number from 1 on, as digits alone."""
    return re.fullmatch(r"[1-9][0-9]*", text) is not None


def repeated(values: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The places whose value stood in an earlier place."""
    seen: Counter[str] = Counter()
    for place, value in values:
        if value:
            if seen[value]:
                yield place
            seen[value] += 1
