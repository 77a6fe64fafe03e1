"""The gates between a recording and the world: each closed for its reason, opened by the right people in the right order."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from stablecast.engine import workflow
from stablecast.engine.workflow import (
    NEEDED,
    ORDER,
    Facts,
    Hold,
    State,
    WorkflowParams,
    asked_again,
    check_approval,
    check_publication,
    gate,
    state,
)
from stablecast.errors import GateClosed
from stablecast.model import Approval, Digest, Item, Method, Role

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PARAMS = WorkflowParams()
H, OLDER = Digest("a" * 64), Digest("b" * 64)
ACCOUNTS = {Role.YOUNG_PERSON: "robin", Role.REVIEWER: "kim", Role.LEAD: "dana"}
YES = tuple(Approval(role, ACCOUNTS[role], H, NOW - timedelta(hours=100)) for role in ORDER)

READY = Facts(
    withdrawn=False,
    failure=None,
    pending=(),
    proposals=0,
    problems=(),
    content_note=True,
    consent=NEEDED,
    consent_version=1,
    method=Method.NORMALISE,
    cut=H,
    producer="sam",
    approvals=YES,
    published=None,
)


def closed(facts: Facts, role: Role = Role.LEAD, account: str = "dana", digest: Digest | None = H) -> str:
    """The sentence with which an approval is refused."""
    with pytest.raises(GateClosed) as caught:
        check_approval(facts, PARAMS, NOW, role=role, account=account, digest=digest)
    return str(caught.value)


def unpublished(facts: Facts, params: WorkflowParams = PARAMS, now: datetime = NOW) -> str:
    """The sentence with which publication is refused."""
    with pytest.raises(GateClosed) as caught:
        check_publication(facts, params, now)
    return str(caught.value)


# --- each gate --------------------------------------------------------------------------------------------------------

# What is changed from a cut that may be published; the gate it then stands before, its sentence, and where it stands.
GATES: dict[str, tuple[dict[str, Any], str, str | None, State]] = {
    "on hold": ({"held": True}, "hold", "on hold", State.HELD),
    "a stage failed": (
        {"failure": "the disk is full", "pending": ("encode",)},
        "run",
        "the disk is full",
        State.FAILED,
    ),
    "words were changed": ({"undecided": True}, "changes", "not in this cut yet", State.PROCESSED),
    "stages must run": (
        {"pending": ("redact", "tag")},
        "run",
        "2 steps must run first, beginning with redact",
        State.INGESTED,
    ),
    "a proposal waits": ({"proposals": 1}, "proposals", "a place in the words may identify somebody", State.PROCESSED),
    "proposals wait": ({"proposals": 3, "problems": ("one.",)}, "proposals", "3 places in the words", State.PROCESSED),
    "the proof failed": ({"problems": ("one.", "two.")}, "prove", "one. two.", State.PROCESSED),
    "a plain pitch shift": ({"method": Method.PITCH}, "prove", "can be undone", State.PROCESSED),
    "no content note": ({"content_note": False}, "content-note", "what is coming", State.PROCESSED),
    "nobody was asked": ({"consent": None}, "consent", "no consent is recorded", State.PROCESSED),
    "everything was refused": (
        {"consent": ()},
        "consent",
        "recording, changed-voice, words, podcast, page",
        State.PROCESSED,
    ),
    "no cut": ({"cut": None}, "freeze", "not frozen", State.PROCESSED),
    "somebody wants another cut": (
        {"sent_back": Role.YOUNG_PERSON},
        "change-asked",
        "the young person asked for a change to this cut",
        State.PROCESSED,
    ),
    "nobody approved": ({"approvals": ()}, "young-person", None, State.FROZEN),
    "the young person approved": ({"approvals": YES[:1]}, "reviewer", None, State.YOUNG_PERSON_APPROVED),
    "the reviewer approved": ({"approvals": YES[:2]}, "lead", None, State.STAFF_APPROVED),
    "too early": (
        {"approvals": (*YES[:2], replace(YES[2], at=NOW))},
        "cooling-off",
        "ends in 72 hours",
        State.COOLING_OFF,
    ),
    "all is well": ({}, "publish", None, State.READY),
}


BEFORE_PEOPLE = ("hold", "changes", "change-asked", "run", "proposals", "prove", "content-note", "consent", "freeze")


@pytest.mark.parametrize(("changes", "name", "reason", "where"), GATES.values(), ids=GATES)
def test_every_gate_says_what_is_missing_and_what_to_do(
    changes: dict[str, Any], name: str, reason: str | None, where: State
) -> None:
    """I15: the next gate, its reason in plain words, and the next safe step."""
    facts = replace(READY, **changes)
    before = gate(facts, PARAMS, NOW)

    assert before is not None
    assert before.name == name
    assert (before.reason is None) == (reason is None)
    assert (reason or "") in (before.reason or "")
    assert before.next_step
    assert state(facts, PARAMS, NOW) is where


@pytest.mark.parametrize("missing", NEEDED)
def test_each_item_of_consent_is_needed(missing: Item) -> None:
    """T64: yes to some is not yes to all; what is missing is named, and nothing else."""
    facts = replace(READY, consent=tuple(item for item in NEEDED if item is not missing))
    before = gate(facts, PARAMS, NOW)

    assert before is not None
    assert before.reason == f"the young person has not said yes to: {missing}"


@pytest.mark.parametrize("names", [*itertools.combinations([n for n in GATES if n != "all is well"], 2)])
def test_of_two_closed_gates_the_earlier_is_told(names: tuple[str, str]) -> None:
    """Gates stand in one order, and no later one opens an earlier one."""
    order = list(GATES)
    one, two = sorted(names, key=order.index)
    merged = {**GATES[two][0], **GATES[one][0]}
    before = gate(replace(READY, **merged), PARAMS, NOW)

    assert before is not None
    assert before.name == GATES[one][1]


@pytest.mark.parametrize("changes", [changes for name, (changes, *_) in GATES.items() if name != "all is well"])
def test_behind_every_closed_gate_publication_is_refused(changes: dict[str, Any]) -> None:
    """One missing thing is enough, and with nothing missing it may be published: the table bites."""
    check_publication(READY, PARAMS, NOW)

    assert "next:" in unpublished(replace(READY, **changes))


@pytest.mark.parametrize("changes", [changes for changes, name, *_ in GATES.values() if name in BEFORE_PEOPLE])
@pytest.mark.parametrize("role", ORDER)
def test_behind_the_gates_before_the_people_nobody_can_approve(changes: dict[str, Any], role: Role) -> None:
    """What is not whole, not consented to or not frozen cannot be said yes to; the refusal gives that reason."""
    facts = replace(READY, **changes)
    before = gate(facts, PARAMS, NOW)

    assert before is not None
    assert before.reason is not None
    assert before.reason in closed(replace(facts, approvals=()), role, ACCOUNTS[role])


# --- people -----------------------------------------------------------------------------------------------------------


def test_three_people_in_order_open_the_gate() -> None:
    """The young person, then a reviewer, then the lead: each approves the digest that was frozen."""
    facts = replace(READY, approvals=())
    for role in ORDER:
        assert check_approval(facts, PARAMS, NOW, role=role, account=ACCOUNTS[role], digest=H) == H
        facts = replace(facts, approvals=(*facts.approvals, Approval(role, ACCOUNTS[role], H, NOW)))
    check_publication(facts, PARAMS, NOW + timedelta(hours=72))


@pytest.mark.parametrize(("given_already", "role"), [*itertools.product(range(4), Role)])
def test_it_is_one_persons_turn_at_a_time(given_already: int, role: Role) -> None:
    """Every role against every number of approvals: only the next in order may, and each only once."""
    facts = replace(READY, approvals=YES[:given_already])
    account = ACCOUNTS.get(role, "sam")
    if given_already < 3 and role is ORDER[given_already]:
        assert check_approval(facts, PARAMS, NOW, role=role, account=account, digest=None) == H
    elif role is Role.PRODUCER:
        assert "does not approve" in closed(facts, role, account)
    elif role in ORDER[:given_already]:
        assert "has already approved" in closed(facts, role, account)
    else:
        assert "not this person's turn" in closed(facts, role, account)


@pytest.mark.parametrize("given_already", [1, 2])
def test_nobody_approves_twice_in_two_roles(given_already: int) -> None:
    """I13: three different people, whatever roles an account has."""
    facts = replace(READY, approvals=YES[:given_already])
    for earlier in YES[:given_already]:
        assert "two different people" in closed(facts, ORDER[given_already], earlier.account)


def test_who_made_a_cut_cannot_review_it() -> None:
    """I13: the producer is never the staff reviewer; as the lead they may, after somebody else reviewed."""
    assert "who made this cut" in closed(replace(READY, approvals=YES[:1]), Role.REVIEWER, "sam")
    assert check_approval(replace(READY, approvals=YES[:2]), PARAMS, NOW, role=Role.LEAD, account="sam", digest=H) == H


def test_where_nobody_is_named_a_producer_cannot_review() -> None:
    """I13: a cut without a maker may be the reviewer's own, if they also make cuts."""
    unnamed = replace(READY, approvals=YES[:1], producer=None)
    given = {"role": Role.REVIEWER, "account": "pat", "digest": H}
    with pytest.raises(GateClosed, match="--as"):
        check_approval(unnamed, PARAMS, NOW, **given, makes_cuts=True)
    assert check_approval(unnamed, PARAMS, NOW, **given, makes_cuts=False) == H


def test_an_older_digest_is_refused() -> None:
    """Whoever listened to another cut has not approved this one."""
    assert "the cut changed" in closed(replace(READY, approvals=YES[:2]), digest=OLDER)


@pytest.mark.parametrize("kept", range(3))
def test_a_new_cut_voids_every_approval(kept: int) -> None:
    """I2: yes to other bytes counts for nothing, even when somebody carries it over."""
    stale = tuple(replace(approval, digest=OLDER) for approval in YES)
    facts = replace(READY, approvals=(*YES[:kept], *stale[kept:]))
    before = gate(facts, PARAMS, NOW)

    assert before is not None
    assert before.name == ORDER[kept]
    assert unpublished(facts)


@pytest.mark.parametrize("given_again", range(4))
def test_after_a_hold_everybody_says_yes_again(given_again: int) -> None:
    """A yes from before its end counts for nothing, on the same bytes; one from after it does."""
    again = tuple(replace(approval, at=NOW - timedelta(hours=90)) for approval in YES[:given_again])
    facts = replace(READY, approvals=(*YES, *again), asked_again=NOW - timedelta(hours=95))
    before = gate(facts, PARAMS, NOW)

    assert before is not None
    assert before.name == ("publish" if given_again == 3 else ORDER[given_again])
    assert facts.counted == again


WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("hold", "asked"),
    [
        (Hold(NOW - WEEK, NOW, False, False), True),
        (Hold(NOW - WEEK + timedelta(seconds=1), NOW, False, False), False),
        (Hold(NOW, NOW, True, False), True),
        (Hold(NOW, NOW, False, True), True),
        (Hold(NOW - 2 * WEEK, None, True, True), False),  # it still lasts: `held` closes every gate
    ],
)
def test_which_holds_ask_everybody_again(hold: Hold, asked: bool) -> None:
    """A week or more, one by the young person, one that took a public episode down; a short one by staff does not."""
    assert asked_again([hold]) == (NOW if asked else None)
    assert asked_again([hold, Hold(NOW - 3 * WEEK, NOW - 2 * WEEK, True, True)]) == (NOW if asked else NOW - 2 * WEEK)


def test_a_hold_closes_what_is_published_as_well() -> None:
    """It is not "published": nothing of it is out."""
    facts = replace(READY, published=H, held=True)

    assert state(facts, PARAMS, NOW) is State.HELD
    assert "on hold" in unpublished(facts)
    assert "withdrawn" in unpublished(replace(facts, withdrawn=True))  # which wins over everything


# --- time -------------------------------------------------------------------------------------------------------------


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_cooling_off_is_never_under_a_day(hours: float) -> None:
    """No setting makes it shorter, and none makes a date that no calendar has."""
    if not 24 <= hours <= 8760:
        with pytest.raises(ValueError, match=r"^cooling_off_h "):
            WorkflowParams(cooling_off_h=hours)
        return
    params = WorkflowParams(cooling_off_h=hours)
    facts = replace(READY, approvals=tuple(replace(approval, at=NOW) for approval in YES))
    assert unpublished(facts, params, NOW + timedelta(hours=23, minutes=59))


@given(st.integers(24, 200), st.integers(1, 3_600 * 300))
def test_cooling_off_ends_when_it_says(hours: int, after_s: int) -> None:
    """Counted from the last approval; the sentence rounds up, so that it never promises too early."""
    facts = replace(READY, approvals=tuple(replace(approval, at=NOW) for approval in YES))
    params, now = WorkflowParams(cooling_off_h=float(hours)), NOW + timedelta(seconds=after_s)
    left_s = hours * 3600 - after_s
    if left_s <= 0:
        check_publication(facts, params, now)
    else:
        assert f"ends in {-(-left_s // 3600)} hours" in unpublished(facts, params, now)


def test_cooling_off_begins_with_the_last_approval() -> None:
    """Early approvals do not shorten it."""
    late = (*YES[:2], replace(YES[2], at=NOW - timedelta(hours=71)))

    assert "ends in 1 hours" in unpublished(replace(READY, approvals=late))


# --- after publication, and withdrawal --------------------------------------------------------------------------------


def test_what_is_published_as_it_is_stands_before_no_gate() -> None:
    """Nothing to do, nothing to approve, nothing to publish once more."""
    facts = replace(READY, published=H)

    assert gate(facts, PARAMS, NOW) is None
    assert state(facts, PARAMS, NOW) is State.PUBLISHED
    assert "published already" in closed(facts)
    assert "published already" in unpublished(facts)


def test_a_new_cut_of_what_is_published_starts_at_the_first_person() -> None:
    """A correction after publication goes the whole way again."""
    facts = replace(READY, published=OLDER, approvals=())

    assert state(facts, PARAMS, NOW) is State.FROZEN
    assert unpublished(facts)


@pytest.mark.parametrize("changes", [changes for changes, *_ in GATES.values()])
@pytest.mark.parametrize("published", [None, H, OLDER])
def test_what_is_withdrawn_refuses_everything(changes: dict[str, Any], published: Digest | None) -> None:
    """I5: from any state, for any person, for good."""
    facts = replace(READY, **changes, withdrawn=True, published=published)

    assert gate(facts, PARAMS, NOW) is None
    assert state(facts, PARAMS, NOW) is State.WITHDRAWN
    assert state(replace(facts, erased=True), PARAMS, NOW) is State.ERASED
    assert "withdrawn" in unpublished(facts)
    for role in ORDER:
        assert "withdrawn" in closed(facts, role, ACCOUNTS[role])


def test_no_sentence_blames_or_frightens() -> None:
    """Words a young person may read over somebody's shoulder."""
    sentences = [gate(replace(READY, **changes), PARAMS, NOW) for changes, *_ in GATES.values()]

    assert not [s for s in sentences if s and {"victim", "anonymous", "error", "illegal"} & set(f"{s}".lower().split())]


# --- all ways through -------------------------------------------------------------------------------------------------


class Episode(RuleBasedStateMachine):
    """People do whatever they like in any order; whatever they do, nothing is published that may not be."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = replace(READY, approvals=(), consent=None, content_note=False, cut=None)
        self.now, self.cuts = NOW, 0
        self.published_at: datetime | None = None

    @rule(minutes=st.integers(1, 60 * 80))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(account=st.sampled_from(["sam", "kim", "dana", None]))
    def run(self, account: str | None) -> None:
        """A run that changes the bytes: a new cut, while the old approvals are still known."""
        self.cuts += 1
        cut = Digest(f"{self.cuts:064x}")
        self.facts = replace(self.facts, cut=cut, producer=account, pending=(), failure=None)

    @rule(field=st.sampled_from(["pending", "problems"]), value=st.sampled_from([(), ("prove",)]))
    def change_lists(self, field: str, value: Any) -> None:
        self.facts = replace(self.facts, **{field: value})

    @rule(note=st.booleans(), method=st.sampled_from(Method))
    def change_settings(self, note: bool, method: Method) -> None:
        self.facts = replace(self.facts, content_note=note, method=method)

    @rule(items=st.none() | st.just(NEEDED) | st.sets(st.sampled_from(Item)).map(tuple))
    def consent(self, items: tuple[Item, ...] | None) -> None:
        self.facts = replace(self.facts, consent=items)

    @rule(role=st.sampled_from(Role), account=st.sampled_from(["robin", "kim", "dana", "sam"]), shown=st.integers(0, 1))
    def approve(self, role: Role, account: str, shown: int) -> None:
        digest = Digest(f"{self.cuts - shown:064x}")
        try:
            approved = check_approval(self.facts, PARAMS, self.now, role=role, account=account, digest=digest)
        except GateClosed:
            return
        assert approved == self.facts.cut == digest
        yes = Approval(role, account, approved, self.now)
        self.facts = replace(self.facts, approvals=(*self.facts.approvals, yes))

    @rule(approvals=st.sampled_from([3, 3, 2, 1, 0]), hours=st.integers(70, 74))
    def do_it_as_it_should_be(self, approvals: int, hours: int) -> None:
        """The straight way, or nearly all of it: left to chance alone, hardly anybody would ever get there."""
        well = {"consent": NEEDED, "content_note": True, "problems": (), "method": Method.NORMALISE}
        self.facts = replace(self.facts, **well)  # type: ignore[arg-type]
        self.run("sam")
        for role in ORDER[:approvals]:
            self.approve(role, ACCOUNTS[role], 0)
        self.time_passes(60 * hours)
        self.publish()

    @rule()
    def publish(self) -> None:
        try:
            check_publication(self.facts, PARAMS, self.now)
        except GateClosed:
            return
        facts = self.facts
        given = [yes for yes in facts.approvals if yes.digest == facts.cut]
        assert not facts.withdrawn
        assert not facts.pending
        assert not facts.problems
        assert facts.content_note
        assert facts.method is not Method.PITCH
        assert facts.consent is not None
        assert set(NEEDED) <= set(facts.consent)
        assert [yes.role for yes in given] == list(ORDER)
        assert len({yes.account for yes in given}) == 3
        assert given[1].account != facts.producer
        assert self.now - max(yes.at for yes in given) >= timedelta(hours=72)
        self.facts = replace(facts, published=facts.cut)
        Episode.times_published += 1

    @rule()
    def withdraw(self) -> None:
        if self.cuts > 4:  # late enough that the ways before it are tried as well
            self.facts = replace(self.facts, withdrawn=True, published=None)

    @invariant()
    def a_gate_is_always_told(self) -> None:
        before, where = gate(self.facts, PARAMS, self.now), state(self.facts, PARAMS, self.now)
        assert (before is None) == (where in (State.PUBLISHED, State.WITHDRAWN))
        if self.facts.withdrawn:
            assert where is State.WITHDRAWN
            assert self.facts.published is None

    times_published = 0


def test_no_way_leads_past_a_gate() -> None:
    """Thousands of steps in any order; some of them do get an episode published, or nothing would be tested."""
    Episode.times_published = 0
    run_state_machine_as_test(Episode, settings=settings(max_examples=150, stateful_step_count=30, deadline=None))

    assert Episode.times_published > 0


def test_the_table_has_every_gate_and_every_state() -> None:
    """A gate that is added has to be added here."""
    assert {name for _, name, *_ in GATES.values()} == set(workflow._AFTER)
    assert {where for *_, where in GATES.values()} == set(State) - {
        *(State.PUBLISHED, State.WITHDRAWN, State.ERASED, State.DAMAGED)
    }
