"""What people say to a cut after they heard it: yes with its answers, or "change this"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stablecast.errors import GateClosed, UsageRefused
from stablecast.model import Digest, Role
from stablecast.store import locks, seal
from stablecast.store.state import FormRow, WishRow
from stablecast.studio import cuts, listening, people, release
from stablecast.studio.reviews import (
    CHECKLIST,
    RISKS,
    YOUNG_PERSON_HOW,
    YOUNG_PERSON_KNOWN,
    FormView,
    WishView,
)
from stablecast.studio.show import OpenShow

CHANGE = "change"
LONGEST_ANSWER = 4_000  # characters: a form is no place for a story


@dataclass(frozen=True, slots=True)
class Answers:
    """What is sealed in a form: the question's key and the answer."""

    answers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reason:
    """What is sealed in a wish."""

    note: str = field(repr=False)


# --- yes -------------------------------------------------------------------------------------------------------------------


def approve_cut(show: OpenShow, name: str, who: str, role: Role, digest: str, form: Mapping[str, str]) -> Digest:
    """A person's yes to the cut `digest`, with their answers; every byte of it is looked at again.

    Raises GateClosed for another cut, too little heard, an answer that is missing or calls for a talk first, and whatever else
    keeps the gate closed; IntegrityFailure where the bytes are not those that were frozen.
    """
    row = show.episode(name)
    account = people.in_role(show, who, role)
    answers = _answers(role, form)
    with locks.exclusive(show.workspace.lock("work"), wait_s=release.WAIT_S):
        if role in listening.MEASURED and not listening.listened(show, name, who, digest).enough:
            raise GateClosed(listening.TOO_LITTLE)
        cuts.checked(show, row, digest)  # under the lock: what was heard is what is signed
        sealed = seal.sealed_value(f"form/{role}", Answers(answers), show.keyring.entry(row.id).keys)
        with show.state.transaction():
            approved = release.given(show, row, role, account, Digest(digest))
            show.state.add_form(row.id, FormRow(approved, role, account.id, show.now(), sealed))
    return approved


def _answers(role: Role, form: Mapping[str, str]) -> dict[str, str]:
    """The answers that go with a yes. Raises GateClosed for one that is missing or calls for something else first."""
    given = {key: str(value).strip()[:LONGEST_ANSWER] for key, value in form.items()}
    if role is Role.YOUNG_PERSON:
        if given.get("known") not in YOUNG_PERSON_KNOWN or given.get("how") not in YOUNG_PERSON_HOW:
            raise GateClosed("please answer the two questions first")
        if given["known"] in ("unsure", "yes"):
            raise GateClosed(
                "let us talk about this first, so nothing is decided now; you can ask for a change, pause, or stop"
            )
        return {key: given[key] for key in ("known", "how")}
    if role is Role.REVIEWER:
        if any(given.get(key) != "yes" for key in CHECKLIST):
            raise GateClosed("the checklist is not done yet; what is not as it should be goes back with `send back`")
        return {key: given[key] for key in CHECKLIST}
    if any(not given.get(key) for key in RISKS):
        raise GateClosed("the risk form is not done yet; write something under each of its six questions")
    return {key: given[key] for key in RISKS}


def forms(show: OpenShow, name: str) -> tuple[FormView, ...]:
    """The answers that went with the yeses to the newest cut, oldest first. Needs the key."""
    row = show.episode(name)
    keys = show.keyring.entry(row.id).keys
    return tuple(
        FormView(
            form.role,
            form.at.isoformat(timespec="seconds"),
            form.digest,
            tuple(seal.opened_value(form.sealed, f"form/{form.role}", Answers, keys).answers.items()),
        )
        for form in show.state.forms(row.id, cuts.frozen_cut(show, row).digest)
    )


# --- "change this" ---------------------------------------------------------------------------------------------------------


def send_back(show: OpenShow, name: str, who: str, role: Role, digest: str, reason: str) -> None:
    """Ask for another cut than `digest`: it cannot be approved or published any more.

    Raises GateClosed for another cut, and for somebody who may not act as `role`; UsageRefused without a reason from staff.
    """
    row = show.episode(name)
    people.in_role(show, who, role)
    note = reason.strip()[:LONGEST_ANSWER]
    if not note and role is not Role.YOUNG_PERSON:
        raise UsageRefused("write what has to change, so that the producer knows")
    cuts.frozen_cut(show, row, digest)
    sealed = seal.sealed_value(f"wish/{role}", Reason(note), show.keyring.entry(row.id).keys)
    with show.state.transaction():
        show.state.add_wish(row.id, WishRow(Digest(digest), CHANGE, show.now(), who, role, sealed))
        show.state.log(show.now(), who, "change-asked", row.id, digest)


def wishes(show: OpenShow, name: str) -> tuple[WishView, ...]:
    """What was asked to be changed in the newest cut, oldest first. Needs the key."""
    row = show.episode(name)
    cut = show.state.cut(row.id)
    if cut is None:
        return ()
    keys = show.keyring.entry(row.id).keys
    return tuple(
        WishView(
            wish.role,
            wish.at.isoformat(timespec="seconds"),
            wish.digest,
            seal.opened_value(wish.sealed, f"wish/{wish.role}", Reason, keys).note,
        )
        for wish in show.state.wishes(row.id, cut.digest)
    )
