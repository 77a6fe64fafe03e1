"""How a show's pages look and what they say: config/site.toml, config/pages/ and config/cover.* as one value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from stablecast.errors import UsageRefused
from stablecast.site import artwork
from stablecast.site.artwork import Art
from stablecast.site.colours import Choices, Colours, chosen, scheme_for
from stablecast.site.markdown import written
from stablecast.site.wording import Wording

MAX_PAGES: Final = 12  # more do not fit a menu
MAX_PAGE_BYTES: Final = 200_000
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Link:
    """A place where the show can be followed."""

    name: str
    url: str

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name is empty; say where the link leads")
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", self.url):
            raise ValueError("url needs a whole address that begins with https://")


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """config/site.toml."""

    cover_alt: str = ""  # what the cover shows, for who cannot see it; empty: it is passed over
    colours: Choices = field(default_factory=Choices)
    subscribe: tuple[Link, ...] = ()
    words: Wording = field(default_factory=Wording)


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A page that the show wrote, under `pages/<name>.html`."""

    name: str
    title: str
    body: str = field(repr=False)  # HTML, already made harmless


@dataclass(frozen=True, slots=True)
class Design:
    """All of it. The default is what a show has that designed nothing."""

    colours: Colours | None = None  # none: made from the title
    art: Art | None = field(default=None, repr=False)  # none: drawn from the title
    cover_alt: str = ""
    subscribe: tuple[Link, ...] = ()
    pages: tuple[OwnPage, ...] = ()
    words: Wording = field(default_factory=Wording)

    def colours_of(self, title: str) -> Colours:
        """The colours of a show called `title`."""
        return self.colours or scheme_for(title)

    def art_of(self, title: str) -> Art:
        """The pictures of a show called `title`."""
        return self.art or artwork.art(title, self.colours_of(title).light)


def design(settings: SiteSettings, title: str, pages: Mapping[str, str], cover: bytes | None) -> Design:
    """The design of the show called `title`; `pages` are Markdown by name, `cover` a picture as somebody made it.

    Raises UsageRefused for colours or pages that cannot be used, InputRefused for such a cover.
    """
    try:
        colours = chosen(settings.colours, title)
    except ValueError as unreadable:
        raise UsageRefused(f"site.toml: {unreadable}") from unreadable
    art = artwork.art(title, colours.light, artwork.taken(cover) if cover is not None else None)
    own = tuple(own_page(name, text) for name, text in sorted(pages.items()))
    if len(own) > MAX_PAGES:
        raise UsageRefused(f"config/pages has {len(own)} pages and a menu takes {MAX_PAGES}; join some of them")
    return Design(colours, art, settings.cover_alt, settings.subscribe, own, settings.words)


def own_page(name: str, text: str) -> OwnPage:
    """One page of config/pages. Raises UsageRefused for a name or a text that cannot be used."""
    if not _NAME.fullmatch(name):
        raise UsageRefused(
            "config/pages: the name of a page is small letters, digits and inner hyphens, then .md; rename the odd one"
        )
    try:
        page = written(text)
    except ValueError as untitled:
        raise UsageRefused(f"config/pages/{name}.md {untitled}") from untitled
    return OwnPage(name, page.title, page.body)
