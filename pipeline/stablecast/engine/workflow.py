"""Which gate an episode stands before, and why. Pure: facts in, one plain sentence out.

The order is: consent → recordings in → cut frozen → young person → staff reviewer → safeguarding lead → cooling off → published.
Every approval names the digest of one cut; only approvals of the newest cut count, and none from before a hold after which
everybody is asked again. A hold closes every gate but the one out. Nothing here moves an episode towards publication: it only
says whether a person may.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from stablecast.errors import GateClosed
from stablecast.model import Approval, Digest, Item, Method, Role
from stablecast.stages.approve import ORDER, UNPUBLISHABLE

SHORTEST_COOLING_OFF_H, LONGEST_COOLING_OFF_H = 24.0, 8_760.0


@dataclass(frozen=True, slots=True)
class WorkflowParams:
    """config/show.toml, table [workflow]."""

    cooling_off_h: float = 72.0  # hours between the last approval and publication; never under 24
    measured_listening: bool = True  # a reviewer and a lead can approve only what they have played to the end

    def __post_init__(self) -> None:
        if not SHORTEST_COOLING_OFF_H <= self.cooling_off_h <= LONGEST_COOLING_OFF_H:
            raise ValueError(f"cooling_off_h is {SHORTEST_COOLING_OFF_H:g} hours or more, and a year at most")


NEEDED = (Item.RECORDING, Item.CHANGED_VOICE, Item.WORDS, Item.PODCAST, Item.PAGE)  # for what `publish` makes today

HEARD_SHARE = 0.95  # of a cut that a reviewer and a lead must have played: the last bars of music may be missed
ASKED_AGAIN_AFTER = timedelta(days=7)  # of a hold: a yes from before it may not be one any more

HELD = "this episode is on hold"
WITHDRAWN = "this episode was withdrawn; it can come back only as a new episode with a new consent"

_WHO = {
    Role.YOUNG_PERSON: "the young person",
    Role.REVIEWER: "a staff reviewer",
    Role.LEAD: "the safeguarding lead",
    Role.PRODUCER: "the producer",
}


@dataclass(frozen=True, slots=True)
class Hold:
    """A time in which nothing may happen to an episode; `until` None: it still lasts."""

    since: datetime
    until: datetime | None
    by_young_person: bool
    was_public: bool


def asked_again(holds: Iterable[Hold]) -> datetime | None:
    """Until when approvals count no more: the end of the last hold after which everybody has to say yes again.

    That is one by the young person, one that took a public episode down, and one that lasted `ASKED_AGAIN_AFTER` or longer.
    """
    ends = [
        hold.until
        for hold in holds
        if hold.until is not None
        and (hold.by_young_person or hold.was_public or hold.until - hold.since >= ASKED_AGAIN_AFTER)
    ]
    return max(ends, default=None)


class State(enum.StrEnum):
    """Where an episode stands."""

    INGESTED = "ingested"
    FAILED = "failed"
    PROCESSED = "processed"
    FROZEN = "frozen"
    YOUNG_PERSON_APPROVED = "young-person-approved"
    STAFF_APPROVED = "staff-approved"
    COOLING_OFF = "cooling-off"
    READY = "ready"
    PUBLISHED = "published"
    HELD = "held"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"
    DAMAGED = "damaged"  # what lies on the disk cannot be read, so nothing is known


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the gates look at."""

    withdrawn: bool
    failure: str | None  # the sentence of the stage that failed, if the last run ended so
    pending: tuple[str, ...]  # stages that must still run
    proposals: int  # how many of the words that may identify somebody wait for an answer
    problems: tuple[str, ...]  # what `prove` found
    content_note: bool  # somebody wrote one, or wrote that none is needed
    consent: tuple[Item, ...] | None  # None: nobody was asked
    consent_version: int
    method: Method
    cut: Digest | None  # the newest frozen cut, if it is made from what is there now
    producer: str | None
    approvals: tuple[Approval, ...]  # in the order given; those of another cut count for nothing
    published: Digest | None
    undecided: bool = False  # somebody changed words or marks after those that this cut follows
    sent_back: Role | None = None  # who asked for another cut than this one
    held: bool = False
    asked_again: datetime | None = None  # approvals from before count no more
    erased: bool = False  # withdrawn, and everything of it destroyed

    @property
    def counted(self) -> tuple[Approval, ...]:
        """The approvals of the newest cut that count."""
        since = self.asked_again
        return tuple(a for a in self.approvals if a.digest == self.cut and (since is None or a.at > since))


@dataclass(frozen=True, slots=True)
class Gate:
    """The next gate and why it is closed; `reason` None means it can be passed now."""

    name: str
    reason: str | None
    next_step: str


def gate(facts: Facts, params: WorkflowParams, now: datetime) -> Gate | None:
    """The gate an episode stands before; None when it is published as it is, or withdrawn for good."""
    if facts.withdrawn:
        return None
    if facts.held:
        return Gate("hold", HELD, "the lead lifts it with `stablecast hold EP --lift`, once it is safe")
    if facts.published is not None and facts.published == facts.cut:
        return None
    if facts.failure is not None:
        return Gate("run", facts.failure, "mend it, then `stablecast run`")
    if facts.undecided:
        return Gate("changes", "somebody changed words or marks that are not in this cut yet", "`stablecast run`")
    if facts.pending:
        return Gate(
            "run", f"{len(facts.pending)} steps must run first, beginning with {facts.pending[0]}", "`stablecast run`"
        )
    if facts.proposals:
        many = f"{facts.proposals} places in" if facts.proposals > 1 else "a place in"
        return Gate(
            "proposals",
            f"{many} the words may identify somebody and nobody has said what becomes of it",
            "`stablecast proposals EP`",
        )
    if facts.method in UNPUBLISHABLE:
        step = "choose another method in config/show.toml, then `stablecast run`"
        return Gate("prove", UNPUBLISHABLE[facts.method], step)
    if facts.problems:
        step = "`stablecast correct`, or `stablecast voices redraw EP` for a voice, then `stablecast run`"
        return Gate("prove", " ".join(facts.problems), step)
    if not facts.content_note:
        return Gate(
            "content-note", "listeners must know what is coming", "`stablecast add EP --content-note …` (or none)"
        )
    if facts.consent is None:
        return Gate("consent", "no consent is recorded", "`stablecast consent EP`")
    missing = [item for item in NEEDED if item not in facts.consent]
    if missing:
        return Gate(
            "consent",
            f"the young person has not said yes to: {', '.join(missing)}",
            "talk it through, or leave it unpublished",
        )
    if facts.cut is None:
        return Gate("freeze", "the cut is not frozen", "`stablecast run`")
    if facts.sent_back is not None:
        return Gate(
            "change-asked", f"{_WHO[facts.sent_back]} asked for a change to this cut", "make it, then `stablecast run`"
        )
    for role in ORDER:
        if role not in _given(facts):
            return Gate(role.value, None, f"`stablecast approve EP --role {role.value}`, by {_WHO[role]}")
    wait = cooled_off(facts, params) - now
    if wait > timedelta(0):
        hours = math.ceil(wait / timedelta(hours=1))
        return Gate("cooling-off", f"the cooling-off time ends in {hours} hours", "wait; anyone can still stop it")
    return Gate("publish", None, "`stablecast publish`")


def cooled_off(facts: Facts, params: WorkflowParams) -> datetime:
    """When the cooling-off time ends: so many hours after the last approval."""
    return max(approval.at for approval in facts.counted) + timedelta(hours=params.cooling_off_h)


_AFTER = {
    "hold": State.HELD,
    "changes": State.PROCESSED,
    "change-asked": State.PROCESSED,
    "run": State.INGESTED,
    "proposals": State.PROCESSED,
    "prove": State.PROCESSED,
    "content-note": State.PROCESSED,
    "consent": State.PROCESSED,
    "freeze": State.PROCESSED,
    Role.YOUNG_PERSON.value: State.FROZEN,
    Role.REVIEWER.value: State.YOUNG_PERSON_APPROVED,
    Role.LEAD.value: State.STAFF_APPROVED,
    "cooling-off": State.COOLING_OFF,
    "publish": State.READY,
}


def state(facts: Facts, params: WorkflowParams, now: datetime) -> State:
    """Where an episode stands, worked out from the facts alone."""
    if facts.withdrawn:
        return State.ERASED if facts.erased else State.WITHDRAWN
    if facts.held:
        return State.HELD
    if facts.published is not None and facts.published == facts.cut:
        return State.PUBLISHED
    if facts.failure is not None:
        return State.FAILED
    before = gate(facts, params, now)
    return State.PUBLISHED if before is None else _AFTER[before.name]


def check_approval(
    facts: Facts,
    params: WorkflowParams,
    now: datetime,
    *,
    role: Role,
    account: str,
    digest: Digest | None,
    makes_cuts: bool = False,
) -> Digest:
    """The digest that `account` approves in `role`. Raises GateClosed when that may not be, saying why.

    `makes_cuts`: the account is a producer's too, so where nobody is named as the maker of this cut it may be their own.
    """
    if role not in ORDER:
        raise GateClosed(f"{_WHO[role]} does not approve; a young person, a reviewer and the lead do")
    if facts.withdrawn:
        raise GateClosed(WITHDRAWN)
    before = gate(facts, params, now)
    if (
        before is None
        or facts.cut is None
        or (before.name not in {r.value for r in ORDER} and role not in _given(facts))
    ):
        raise GateClosed(_closed(before))
    if digest is not None and digest != facts.cut:
        raise GateClosed("the cut changed since that digest was shown; listen to the new one and approve that")
    if role in _given(facts):
        raise GateClosed(f"{_WHO[role]} has already approved this cut")
    if before.name != role.value:
        raise GateClosed(f"it is not this person's turn: {before.next_step}")
    if any(approval.account == account for approval in facts.counted):
        raise GateClosed("two different people are needed: this person has already approved this cut in another role")
    if role is Role.REVIEWER and account == facts.producer:
        raise GateClosed("two different people are needed: who made this cut cannot review it")
    if role is Role.REVIEWER and facts.producer is None and makes_cuts:
        raise GateClosed(
            "nobody is named as the maker of this cut: `stablecast run --as NAME`, or let another person review it"
        )
    return facts.cut


def check_publication(facts: Facts, params: WorkflowParams, now: datetime) -> None:
    """Raises GateClosed unless the episode may be published now."""
    before = gate(facts, params, now)
    if facts.withdrawn:
        raise GateClosed(WITHDRAWN)
    if before is None or before.name != "publish":
        raise GateClosed(_closed(before))


def _given(facts: Facts) -> set[Role]:
    return {approval.role for approval in facts.counted}


def _closed(before: Gate | None) -> str:
    if before is None:
        return "this cut is published already"
    return f"{before.reason or 'it is not approved yet'}; next: {before.next_step}"
