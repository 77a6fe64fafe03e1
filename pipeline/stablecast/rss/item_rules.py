"""Rules about each episode, and about episodes beside one another."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, time, timedelta
from typing import Final

from stablecast.findings import Severity
from stablecast.rss.document import Document, Part, Table, counting, itunes, repeated

_table = Table()

_NUMBERED: Final = re.compile(
    r"^#?\d+\s*[.:)\]|–—-]\s|\b(?:episode|ep\.?|season)\s*#?\d+\b|\bs\d{1,2}\s?e\d{1,3}\b", re.IGNORECASE
)
_GUID: Final = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@_table.item(
    "title-number",
    Severity.WARNING,
    "Apple",
    "an episode's title holds no number of episode or season",
    "leave it out: there are elements for it",
)
def _title_number(item: Part) -> bool:
    return _NUMBERED.search(item.text("title")) is not None


@_table.whole(
    "title-show",
    Severity.WARNING,
    "Apple",
    "an episode's title does not repeat the show's",
    "leave the show's name out",
)
def _title_show(document: Document) -> Iterable[str]:
    show = document.channel.text("title").casefold()
    return (item.place for item in document.items if show and show in item.text("title").casefold())


@_table.item("item-link", Severity.WARNING, "PSP-1", "an episode links its page", "add a link")
def _item_link(item: Part) -> bool:
    return not item.text("link")


@_table.item(
    "guid",
    Severity.ERROR,
    "RSS 2.0",
    "an episode has a guid with isPermaLink=false",
    "give it a random urn:uuid and never change it",
)
def _guid(item: Part) -> bool:
    found = item.all("guid")
    return len(found) != 1 or not (found[0].text or "").strip() or found[0].get("isPermaLink") != "false"


@_table.item(
    "guid-random",
    Severity.ERROR,
    "Stablecast",
    "a guid is a random urn:uuid: made of a title, a time or a file, it could be made again by somebody who guesses",
    "give a new episode a UUID of version 4; leave those that are out as they are",
)
def _guid_random(item: Part) -> bool:
    guid = item.text("guid")
    return guid != "" and not _GUID.fullmatch(guid)


@_table.whole("guid-unique", Severity.ERROR, "RSS 2.0", "no two episodes share a guid", "give each its own")
def _guid_unique(document: Document) -> Iterable[str]:
    return repeated((item.place, item.text("guid")) for item in document.items)


# --- when -------------------------------------------------------------------------------------------------------------


@_table.item(
    "pub-date",
    Severity.ERROR,
    "RSS 2.0",
    "pubDate is an RFC 5322 date with a zone and the right weekday",
    "write it so",
)
def _pub_date(item: Part) -> bool:
    return item.moment is None


@_table.item(
    "pub-date-day",
    Severity.ERROR,
    "Stablecast",
    "pubDate is 00:00 UTC of the day of release: an hour tells who was at work",
    "round it down to the day",
)
def _pub_date_day(item: Part) -> bool:
    moment = item.moment
    return moment is not None and (moment.utcoffset() != timedelta(0) or moment.astimezone(UTC).time() != time())


@_table.whole("order", Severity.WARNING, "Apple", "the newest episode stands first", "sort them by pubDate")
def _order(document: Document) -> Iterable[str]:
    dated = [(item.place, item.moment) for item in document.items if item.moment is not None]
    for (_, before), (place, moment) in itertools.pairwise(dated):
        if moment > before:
            yield place


# --- kind, season, number ---------------------------------------------------------------------------------------------

_TYPE, _SEASON, _EPISODE = map(itunes, ("episodeType", "season", "episode"))


@_table.item(
    "episode-type", Severity.WARNING, "Apple", "itunes:episodeType is full, trailer or bonus", "write one of them"
)
def _episode_type(item: Part) -> bool:
    return item.text(_TYPE) not in ("", "full", "trailer", "bonus")


@_table.item(
    "season", Severity.ERROR, "Apple", "itunes:season is a whole number from 1 on", "write one, or leave it out"
)
def _season(item: Part) -> bool:
    return item.has(_SEASON) and not counting(item.text(_SEASON))


@_table.item(
    "episode", Severity.ERROR, "Apple", "itunes:episode is a whole number from 1 on", "write one, or leave it out"
)
def _episode(item: Part) -> bool:
    return item.has(_EPISODE) and not counting(item.text(_EPISODE))


@_table.item(
    "episode-other",
    Severity.WARNING,
    "Apple",
    "a trailer or a bonus has no number of its own",
    "leave itunes:episode out of it",
)
def _episode_other(item: Part) -> bool:
    return item.text(_TYPE) in ("trailer", "bonus") and item.has(_EPISODE)


def _full(document: Document) -> Iterator[Part]:
    return (item for item in document.items if item.text(_TYPE) in ("", "full"))


@_table.whole(
    "episode-unique", Severity.WARNING, "Apple", "no two episodes of a season have one number", "count them again"
)
def _episode_unique(document: Document) -> Iterable[str]:
    numbers = ((item.place, item.text(_EPISODE), item.text(_SEASON)) for item in _full(document))
    return repeated((place, f"{season}/{number}" if number else "") for place, number, season in numbers)


@_table.whole(
    "episode-gap",
    Severity.ERROR,
    "Stablecast",
    "numbers have no gap, which would tell for ever that an episode was taken down",
    "leave numbers out, or count again what is there",
)
def _episode_gap(document: Document) -> Iterable[str]:
    seasons: dict[str, set[int]] = defaultdict(set)
    for item in _full(document):
        if counting(item.text(_EPISODE)):
            seasons[item.text(_SEASON)].add(int(item.text(_EPISODE)))
    if any(numbers != set(range(1, len(numbers) + 1)) for numbers in seasons.values()):
        yield "channel"


@_table.whole(
    "serial",
    Severity.ERROR,
    "Apple",
    "a show of type serial counts its episodes",
    "write episodic, or set numbers in config/show.toml",
)
def _serial(document: Document) -> Iterable[str]:
    if document.channel.text(itunes("type")) == "serial":
        yield from (item.place for item in _full(document) if not item.has(_EPISODE))


RULES: Final = tuple(_table.rules)
