"""What every request needs: the studio, and what is kept in memory while the server runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import current_app

from stablecast.web.guard import Address
from stablecast.web.listening import Listening, Stretches
from stablecast.web.live import Live, Presence
from stablecast.web.media import Shelf
from stablecast.web.sessions import Launches, Sessions, Throttle, Visitor
from stablecast.web.work import Work

if TYPE_CHECKING:
    from stablecast.studio import Studio, Uploads
    from stablecast.studio.reviews import HeardView


@dataclass(frozen=True)
class House:
    """One running server. Everything in it ends with the process; what lasts is in the studio."""

    studio: Studio
    uploads: Uploads
    address: Address
    links: tuple[Address, ...] = ()  # where a young person's link may be opened besides `address`
    sessions: Sessions = field(default_factory=Sessions)
    launches: Launches = field(default_factory=Launches)
    throttle: Throttle = field(default_factory=Throttle)
    live: Live = field(default_factory=Live)
    listening: Listening = field(default_factory=Listening)
    presence: Presence = field(init=False)
    shelf: Shelf = field(init=False)
    work: Work = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "presence", Presence(self.live))
        object.__setattr__(self, "shelf", Shelf(self.studio))
        object.__setattr__(self, "work", Work(self.studio, self.live))

    def heard(self, by: Visitor, episode: str, digest: str, stretches: Stretches) -> HeardView:
        """Take in what a page says it played, if it can be true. Raises GateClosed if not."""
        cut = self.studio.cut(episode)
        audio = self.shelf.file(episode, digest, "audio").data
        joined = self.listening.played(by.key, digest, stretches, cut.duration_s, audio)
        return self.studio.heard(episode, by.who, digest, joined)

    def close(self) -> None:
        """End the streams and the work: the server stops."""
        self.work.close()
        self.live.close()


def house() -> House:
    """The house that serves this request."""
    found = current_app.extensions["stablecast"]
    assert isinstance(found, House)  # noqa: S101  for mypy
    return found
