"""A hold: nothing of an episode is public and no gate opens, until the lead lifts it. A withdrawal that can be taken back."""

from __future__ import annotations

from stablecast.errors import GateClosed
from stablecast.model import Role
from stablecast.store.state import HoldRow
from stablecast.studio import people, release
from stablecast.studio.show import OPERATOR, OpenShow


def hold(show: OpenShow, name: str, who: str | None, role: str = "") -> bool:
    """Close every gate of an episode and take it down at once; whether it was public. Needs no key; harmless when repeated."""
    row = show.episode(name)
    live = any(released.episode == row.id for released in show.state.live_releases())
    with show.state.transaction():
        if show.state.add_hold(row.id, HoldRow(show.now(), who or OPERATOR, role)):
            show.state.log(show.now(), who or OPERATOR, "held", row.id)
            show.state.make_swap_due()
            show.state.make_remote_due(row.public_id)
    release.take_down_due(show)
    return live


def lift(show: OpenShow, name: str, who: str) -> None:
    """End a hold. What was public is published again only after everybody said yes anew.

    Raises GateClosed where there is no hold, and for anybody but the lead.
    """
    row = show.episode(name)
    people.in_role(show, who, Role.LEAD)
    with show.state.transaction():
        if not show.state.lift(row.id, who, show.now()):
            raise GateClosed("this episode is not on hold")
        show.state.log(show.now(), who, "hold-lifted", row.id)
