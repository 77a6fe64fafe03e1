"""Who is there: accounts, a young person's link, and further receipt codes."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import timedelta

from stablecast.errors import GateClosed, UsageRefused
from stablecast.model import Role
from stablecast.store import accounts
from stablecast.store.state import Account, EpisodeRow, LinkRow
from stablecast.studio import cuts
from stablecast.studio.reviews import LinkView, PersonView
from stablecast.studio.show import OpenShow

LINK_DAYS = 14  # a young person is never hurried
LINK_BYTES = 32  # random bytes of a token and of a session
_GONE = "this link was used before, or is too old; the people who gave it to you can make a new one"
_WRONG = "the name and the password do not belong together; try again"


def sign_in(show: OpenShow, name: str, password: str) -> PersonView:
    """Somebody with an account. Raises GateClosed with one sentence, after one time, whatever was wrong."""
    account = next((found for found in show.state.accounts() if found.name == name), None)
    if not accounts.matches(password, account.password if account else None) or account is None:
        raise GateClosed(_WRONG)
    return _view(account)


def person(show: OpenShow, account: str) -> PersonView | None:
    """The person with this account id."""
    return next((_view(found) for found in show.state.accounts() if found.id == account), None)


def in_role(show: OpenShow, who: str, role: Role) -> Account:
    """The account `who`, if it may act as `role`. Raises GateClosed if not."""
    account = next((found for found in show.state.accounts() if found.id == who), None)
    if account is None:
        raise GateClosed("this account is not there any more; sign in again")
    if role not in account.roles:
        raise GateClosed(f"this account may not act as {role}; its roles are {', '.join(account.roles)}")
    return account


def _view(account: Account) -> PersonView:
    return PersonView(account.id, account.name, account.roles, _digest(account.password)[:16])


# --- a young person's link -----------------------------------------------------------------------------------------------


def make_link(show: OpenShow, name: str, who: str, *, account: str | None, called: str, companion: bool) -> str:
    """A new link's token. Only its digest is kept. Makes an account, called `called`, where none is named.

    Raises GateClosed where there is nothing to hear yet or `account` speaks for anybody else too, UsageRefused for a name that
    is taken.
    """
    row = show.episode(name)
    cuts.frozen_cut(show, row)
    token = secrets.token_urlsafe(LINK_BYTES)
    with show.state.transaction():
        found = in_role(show, account, Role.YOUNG_PERSON) if account else _joined(show, called)
        if found.roles != (Role.YOUNG_PERSON,):
            raise GateClosed("a link is for an account that speaks for the young person and for nobody else")
        now = show.now()
        link = LinkRow(
            secrets.token_hex(8), row.id, found.id, _digest(token), now, now + timedelta(days=LINK_DAYS), None, None,
            companion,
        )  # fmt: skip
        show.state.add_link(link)
        show.state.log(now, who, "link-made", row.id, f"{link.id} for {found.id}")
    return token


def _joined(show: OpenShow, called: str) -> Account:
    name = " ".join(called.split())
    if not name:
        raise UsageRefused("write what the young person wants to be called here; it need not be their name")
    if any(found.name == name for found in show.state.accounts()):
        raise UsageRefused("there is an account of that name already; choose it, or write another name")
    password = accounts.hashed(secrets.token_urlsafe(LINK_BYTES))  # nobody knows it: the link is the way in
    account = Account(uuid.uuid4().hex, name, (Role.YOUNG_PERSON,), password)
    show.state.add_account(account)
    show.state.log(show.now(), account.id, "user-added", detail=f"{account.id} {Role.YOUNG_PERSON}")
    return account


def open_link(show: OpenShow, token: str) -> LinkView:
    """Use a link, once: the answer holds its session's secret, of which only the digest is kept. Raises GateClosed."""
    session = secrets.token_urlsafe(LINK_BYTES)
    with show.state.transaction():
        link = show.state.link(token=_digest(token))
        if link is None or not _good(show, link) or not show.state.open_link(link.id, _digest(session), show.now()):
            raise GateClosed(_GONE)
        show.state.log(show.now(), link.account, "link-opened", link.episode, link.id)
    return _link_view(show, link, session)


def link_session(show: OpenShow, secret: str) -> LinkView | None:
    """The link that a session's secret belongs to, while it is good."""
    link = show.state.link(session=_digest(secret))
    return None if link is None or not _good(show, link) else _link_view(show, link)


def _good(show: OpenShow, link: LinkRow) -> bool:
    return show.now() < link.expires_at


def _link_view(show: OpenShow, link: LinkRow, session: str = "") -> LinkView:
    row = next(found for found in show.state.episodes() if found.id == link.episode)
    return LinkView(
        link.id, row.slug, link.account, link.companion, session, link.expires_at.isoformat(timespec="seconds")
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(
        secret.encode()
    ).hexdigest()  # of 256 random bits: nothing to guess, so no slow hash is needed


# --- receipts ------------------------------------------------------------------------------------------------------------


def new_receipt(show: OpenShow, name: str, who: str) -> str:
    """One more receipt code for an episode, told once; the earlier ones stay good."""
    row: EpisodeRow = show.episode(name)
    code = accounts.receipt_code()
    hashed = accounts.receipt_hash(code, show.state.show.id)
    with show.state.transaction():
        show.state.add_receipt(row.id, hashed, show.now())
        show.state.log(show.now(), who, "receipt-made", row.id)
    return code
