"""How long recordings are kept. Pure: what the show has seen of time, and what of an episode is over by then.

A clock can be set. So no date counts, but the time that a show has seen pass while it was used: a step back counts as nothing,
and a step ahead of more than a weekend counts only once the clock has gone on from there for a day. One wrong date destroys
nothing, and setting the clock back gains no more than the time until the show is opened next.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from dataclasses import dataclass
from datetime import datetime

DAY_S = 86_400.0
WEEKEND_S = 3 * DAY_S  # nobody wonders at a computer that was off for so long
TOLERANCE_S = 3_600.0  # a clock that is put right by less than this was not wrong
LONGEST_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class RetentionParams:
    """How many days things are kept before the show destroys them by itself: config/show.toml, table [retention]."""

    raw_days: int = 30  # the sealed recording of an episode, after it was published
    unreleased_days: int = 180  # the sealed recording of an episode that is not published
    withdrawn_days: int = 30  # everything that is left of an episode, after it was withdrawn
    warning_days: int = 7  # so long before, `status` says it

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if not 1 <= getattr(self, field.name) <= LONGEST_DAYS:
                raise ValueError(f"{field.name} is from 1 day to {LONGEST_DAYS}")


@dataclass(frozen=True, slots=True)
class Counted:
    """What a show has seen of time."""

    last_at: datetime  # what the clock said when the show was opened last
    total_s: float = 0.0  # that counts
    leap_s: float = 0.0  # a step ahead that does not count yet
    since_leap_s: float = 0.0  # how far the clock has gone on from there


def counted(before: Counted, now: datetime) -> Counted:
    """What a show has seen of time when its clock says `now`."""
    moved_s = (now - before.last_at).total_seconds()
    if moved_s < -TOLERANCE_S:
        return Counted(now, before.total_s)  # whatever step ahead there was, it was not true
    if moved_s <= 0:
        return before
    if moved_s > WEEKEND_S:  # nobody was here, or somebody set the clock; the step before it is borne out by this one
        return Counted(now, before.total_s + before.leap_s, moved_s)
    since_s = before.since_leap_s + moved_s
    if before.leap_s and since_s >= DAY_S:
        return Counted(now, before.total_s + before.leap_s + moved_s)
    return Counted(now, before.total_s + moved_s, before.leap_s, since_s if before.leap_s else 0.0)


class Keeping(enum.StrEnum):
    """Why something is kept, and so what happens at the end."""

    PUBLISHED = "published"  # then the recording goes
    UNRELEASED = "unreleased"  # then the recording goes
    WITHDRAWN = "withdrawn"  # then everything goes

    def days(self, params: RetentionParams) -> int:
        """How many days it is kept for."""
        return {
            Keeping.PUBLISHED: params.raw_days,
            Keeping.UNRELEASED: params.unreleased_days,
            Keeping.WITHDRAWN: params.withdrawn_days,
        }[self]


@dataclass(frozen=True, slots=True)
class Term:
    """Since when something of an episode is kept, in time that counts."""

    keeping: Keeping
    since_s: float
    extra_s: float = 0.0  # that a lead added
    warned_s: float | None = None  # since when it is announced

    def left_s(self, params: RetentionParams, total_s: float) -> float:
        """How long it is still kept."""
        return self.since_s + self.keeping.days(params) * DAY_S + self.extra_s - total_s

    def days_left(self, params: RetentionParams, total_s: float) -> int:
        """That, in days begun; 0 when the time is over."""
        return max(0, math.ceil(self.left_s(params, total_s) / DAY_S))

    def announced(self, params: RetentionParams, total_s: float) -> Term:
        """The term, announced if it ends soon; not announced (any more) if it does not."""
        soon = self.left_s(params, total_s) <= params.warning_days * DAY_S
        since_s = total_s if self.warned_s is None else self.warned_s
        return dataclasses.replace(self, warned_s=since_s if soon else None)

    def over(self, params: RetentionParams, total_s: float) -> bool:
        """Whether the time is over, and it was announced for a day at the least."""
        return self.left_s(params, total_s) <= 0 and self.warned_s is not None and total_s - self.warned_s >= DAY_S
