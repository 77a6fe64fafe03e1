"""Rules about the channel: what a show says of itself."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Final

from stablecast.findings import Severity
from stablecast.rss.categories import CATEGORIES, LANGUAGES
from stablecast.rss.document import ATOM_LINK, Document, Element, Part, Table, extension, itunes, moment, podcast
from stablecast.rss.feed import ABOUT_CHARS, TXT_CHARS

_table = Table()

_PICTURES: Final = (".jpg", ".jpeg", ".png")
_MOST_COVER_BYTES: Final = 512 * 1024
_MEDIUMS: Final = frozenset(
    f"{medium}{many}"
    for medium in (
        "podcast",
        "music",
        "video",
        "film",
        "audiobook",
        "newsletter",
        "blog",
        "publisher",
        "course",
        "mixed",
    )
    for many in ("", "L")
)
_KNOWN_LICENSE: Final = re.compile(r"cc0-1\.0|cc-by(-nc)?(-sa|-nd)?-[1-4]\.0", re.IGNORECASE)
_RRULE: Final = re.compile(r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;[A-Z]+=[A-Z0-9,+:-]+)*")
_PROOFS: Final = ("verify", "applepodcastsverify")


@_table.each("title", Severity.ERROR, "RSS 2.0", "the show and each episode has a title", "give it one")
def _title(part: Part) -> bool:
    return not part.text("title")


@_table.each(
    "description", Severity.ERROR, "Apple", "the show and each episode has a description", "say in a line what it is"
)
def _description(part: Part) -> bool:
    return not part.text("description")


def _selves(channel: Part) -> list[Element]:
    return [link for link in channel.all(ATOM_LINK) if link.get("rel") == "self"]


@_table.channel(
    "link",
    Severity.ERROR,
    "RSS 2.0",
    "the show's link is the address of its website, not of the feed",
    "put the page that people open into the channel's link",
)
def _link(channel: Part) -> bool:
    link = channel.text("link")
    return not link or link in {found.get("href") for found in _selves(channel)}


@_table.channel(
    "self", Severity.ERROR, "PSP-1", "the feed names its own address", "add one atom:link with rel=self and its type"
)
def _self(channel: Part) -> bool:
    found = _selves(channel)
    return len(found) != 1 or found[0].get("type") != "application/rss+xml" or not found[0].get("href")


@_table.channel(
    "language", Severity.ERROR, "Apple", "the show's language is an ISO 639 code", "write for instance en-gb"
)
def _language(channel: Part) -> bool:
    code = channel.text("language").lower()
    first = code.split("-")[0]
    return not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", code) or (len(first) == 2 and first not in LANGUAGES)


@_table.whole(
    "image", Severity.ERROR, "Apple", "the show has a JPEG or PNG cover", "point itunes:image at a .jpg or .png"
)
def _image(document: Document) -> Iterable[str]:
    for part in document.parts:
        images = part.all(itunes("image"))
        named = all(extension(image.get("href", "")) in _PICTURES for image in images)
        if not named or len(images) > 1 or (part is document.channel and not images):
            yield part.place


@_table.whole(
    "image-bytes",
    Severity.WARNING,
    "Podigee",
    f"a cover has at most {_MOST_COVER_BYTES // 1024} KiB",
    "save it as a JPEG of less quality",
)
def _image_bytes(document: Document) -> Iterable[str]:
    for image in document.channel.all(itunes("image")):
        if (document.size(image.get("href", "")) or 0) > _MOST_COVER_BYTES:
            yield "channel"


@_table.channel(
    "category", Severity.ERROR, "Apple", "the category is on Apple's list", "spell it as Apple does, case and all"
)
def _category(channel: Part) -> bool:
    categories = channel.all(itunes("category"))
    subcategories = [(top.get("text", ""), sub.get("text", "")) for top in categories for sub in top]
    known = all(top.get("text") in CATEGORIES for top in categories)
    return not categories or not known or any(sub not in CATEGORIES[top] for top, sub in subcategories)


@_table.each(
    "explicit", Severity.ERROR, "Apple", "itunes:explicit says true or false, nothing else", "write true or false"
)
def _explicit(part: Part) -> bool:
    return [found.text for found in part.all(itunes("explicit"))] not in (["true"], ["false"])


@_table.whole(
    "explicit-show",
    Severity.WARNING,
    "Apple",
    "a show is marked explicit only where all of it is: in some countries the mark hides the whole show",
    "mark the episodes that need it",
)
def _explicit_show(document: Document) -> Iterable[str]:
    if document.channel.text(itunes("explicit")) == "true" and any(
        item.text(itunes("explicit")) == "false" for item in document.items
    ):
        yield "channel"


@_table.channel(
    "author", Severity.WARNING, "Spotify", "the show names its organisation", "set author in config/show.toml"
)
def _author(channel: Part) -> bool:
    return not channel.text(itunes("author"))


@_table.channel(
    "owner",
    Severity.ERROR,
    "YouTube",
    "the show has an owner with a name and a mailbox",
    "set owner_email in config/show.toml to a role mailbox, never a person's",
)
def _owner(channel: Part) -> bool:
    owners = [Part("owner", owner) for owner in channel.all(itunes("owner"))]
    return not owners or any(
        not owner.text(itunes("name")) or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", owner.text(itunes("email")))
        for owner in owners
    )


def _uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


@_table.channel(
    "podcast-guid", Severity.WARNING, "Podcasting 2.0", "podcast:guid is one UUID", "make it once, keep it for life"
)
def _podcast_guid(channel: Part) -> bool:
    return not _uuid(channel.text(podcast("guid")))


@_table.channel(
    "locked",
    Severity.ERROR,
    "Podcasting 2.0",
    "podcast:locked is yes",
    "add it, so that no other host imports the show",
)
def _locked(channel: Part) -> bool:
    return channel.text(podcast("locked")) != "yes"


@_table.channel(
    "medium", Severity.WARNING, "Podcasting 2.0", "podcast:medium is a word of the specification", "write podcast"
)
def _medium(channel: Part) -> bool:
    return any((found.text or "") not in _MEDIUMS for found in channel.all(podcast("medium")))


@_table.channel("type", Severity.WARNING, "Apple", "itunes:type is episodic or serial", "write episodic")
def _type(channel: Part) -> bool:
    return channel.text(itunes("type")) not in ("", "episodic", "serial")


@_table.channel(
    "copyright",
    Severity.WARNING,
    "PSP-1",
    "the copyright line is the holder's name alone",
    "leave out the word, the sign and the year",
)
def _copyright(channel: Part) -> bool:
    return bool(re.search(r"copyright|©|\(c\)|\b(19|20)\d\d\b", channel.text("copyright"), re.IGNORECASE))


# --- what a show may say besides --------------------------------------------------------------------------------------


@_table.each(
    "txt",
    Severity.WARNING,
    "Podcasting 2.0",
    f"podcast:txt says something, in at most {TXT_CHARS} characters, for a purpose of at most {ABOUT_CHARS}",
    "mend txt in config/show.toml",
)
def _txt(part: Part) -> bool:
    return any(
        not (found.text or "").strip()
        or len(found.text or "") > TXT_CHARS
        or len(found.get("purpose", "")) > ABOUT_CHARS
        for found in part.all(podcast("txt"))
    )


@_table.channel(
    "txt-proof",
    Severity.ERROR,
    "Apple",
    "a code that proves whose show this is has no white space in it",
    "copy it into txt in config/show.toml again",
)
def _txt_proof(channel: Part) -> bool:
    proofs = (found for found in channel.all(podcast("txt")) if (found.get("purpose") or "").lower() in _PROOFS)
    return any(re.search(r"\s", (found.text or "").strip()) for found in proofs)


@_table.channel(
    "funding",
    Severity.ERROR,
    "Podcasting 2.0",
    f"podcast:funding has an address, and a text of at most {ABOUT_CHARS} characters",
    "set funding_url and funding_text in config/show.toml, or neither",
)
def _funding(channel: Part) -> bool:
    return any(not found.get("url") or not _about(found) for found in channel.all(podcast("funding")))


@_table.each(
    "license",
    Severity.ERROR,
    "Podcasting 2.0",
    f"podcast:license is a known one, or has an address; at most {ABOUT_CHARS} characters",
    "set license to for instance cc-by-nc-nd-4.0 in config/show.toml, or add license_url",
)
def _license(part: Part) -> bool:
    return any(
        not _about(found) or not (found.get("url") or _KNOWN_LICENSE.fullmatch((found.text or "").strip()))
        for found in part.all(podcast("license"))
    )


@_table.channel(
    "update-frequency",
    Severity.WARNING,
    "Podcasting 2.0",
    f"podcast:updateFrequency has a text of at most {ABOUT_CHARS} characters, and a rule of RFC 5545 or none",
    "choose a rhythm in config/show.toml",
)
def _update_frequency(channel: Part) -> bool:
    return any(
        not _about(found) or not _RRULE.fullmatch(found.get("rrule", "FREQ=DAILY"))
        for found in channel.all(podcast("updateFrequency"))
    )


def _about(found: Element) -> bool:
    return 0 < len((found.text or "").strip()) <= ABOUT_CHARS


@_table.each(
    "podroll",
    Severity.WARNING,
    "Podcasting 2.0",
    "podcast:podroll holds other shows, each by its podcast:guid",
    "name each by podcast:remoteItem with feedGuid",
)
def _podroll(part: Part) -> bool:
    rolls = part.all(podcast("podroll"))
    return any(not len(roll) or any(not _uuid(show.get("feedGuid", "")) for show in roll) for roll in rolls)


@_table.each(
    "block", Severity.ERROR, "Apple", "itunes:block says Yes, podcast:block yes or no", "set block in config/show.toml"
)
def _block(part: Part) -> bool:
    return any(found.text != "Yes" for found in part.all(itunes("block"))) or any(
        found.text not in ("yes", "no") for found in part.all(podcast("block"))
    )


@_table.channel(
    "block-all",
    Severity.WARNING,
    "Stablecast",
    "a soft launch asks every directory, not some",
    "write itunes:block and podcast:block, or neither",
)
def _block_all(channel: Part) -> bool:
    everybody = any(found.text == "yes" and not found.get("id") for found in channel.all(podcast("block")))
    return everybody != channel.has(itunes("block"))


@_table.channel(
    "new-feed-url",
    Severity.ERROR,
    "Apple",
    "itunes:new-feed-url is an https address",
    "set new_feed_url in config/show.toml to where the new feed is, or take it away",
)
def _new_feed_url(channel: Part) -> bool:
    return any(
        not re.fullmatch(r"https://[!-~]+", (found.text or "").strip()) for found in channel.all(itunes("new-feed-url"))
    )


@_table.channel(
    "complete", Severity.ERROR, "Apple", "itunes:complete says Yes, or is not there", "set complete in config/show.toml"
)
def _complete(channel: Part) -> bool:
    return any(found.text != "Yes" for found in channel.all(itunes("complete")))


# --- the channel and its items ----------------------------------------------------------------------------------------


@_table.whole(
    "build-date",
    Severity.ERROR,
    "Stablecast",
    "lastBuildDate is the newest pubDate, so that it does not tell when something was taken down",
    "build the feed again",
)
def _build_date(document: Document) -> Iterable[str]:
    dates = [item.moment for item in document.items if item.moment is not None]
    built = document.channel.text("lastBuildDate")
    if built and dates and moment(built) != max(dates):
        yield "channel"


@_table.whole(
    "empty",
    Severity.WARNING,
    "Spotify",
    "a show has an episode before it is offered to a directory",
    "publish one, or a trailer",
)
def _empty(document: Document) -> Iterable[str]:
    if not document.items:
        yield "channel"


RULES: Final = tuple(_table.rules)
