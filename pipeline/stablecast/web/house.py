"""What every request needs: the studio, and what is kept in memory while the server runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import current_app

from stablecast.web.guard import Address
from stablecast.web.live import Live, Presence
from stablecast.web.sessions import Launches, Sessions, Throttle

if TYPE_CHECKING:
    from stablecast.studio import Studio


@dataclass(frozen=True)
class House:
    """One running server. Everything in it ends with the process; what lasts is in the studio."""

    studio: Studio
    address: Address
    links: tuple[Address, ...] = ()  # where a young person's link may be opened besides `address`
    sessions: Sessions = field(default_factory=Sessions)
    launches: Launches = field(default_factory=Launches)
    throttle: Throttle = field(default_factory=Throttle)
    live: Live = field(default_factory=Live)
    presence: Presence = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "presence", Presence(self.live))


def house() -> House:
    """The house that serves this request."""
    found = current_app.extensions["stablecast"]
    assert isinstance(found, House)  # noqa: S101  for mypy
    return found
