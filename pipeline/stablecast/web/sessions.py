"""Who is asking: sessions of staff in memory, launch tokens, and how often a password may be tried.

A secret is 256 random bits and lives in the browser's cookie alone; here are only digests of it. Sessions are gone with the
process. A young person's session belongs to their link, which the studio keeps for as long as the link is good.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stablecast.model import Role
    from stablecast.studio.reviews import LinkView, PersonView

Seconds = Callable[[], float]

SECRET_BYTES = 32
LAUNCH_BYTES = 16
IDLE_S = 30 * 60.0  # without a request of theirs; what they typed is saved by then
MOST_SESSIONS = 200
MOST_NAMES = 1000


def fresh_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def key_of(secret: str) -> str:
    """What a session is known by in here: nobody can make the cookie from it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_of(secret: str) -> str:
    """The token that a page of this session sends along: it shows that the page was served to the session."""
    return hmac.digest(secret.encode(), b"csrf", "sha256").hex()


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever sent the request: nobody yet, somebody of the staff, or a young person by their link."""

    key: str
    csrf: str = field(repr=False)
    person: PersonView | None = None
    link: LinkView | None = None

    @property
    def who(self) -> str:
        """The account's id; "" for nobody yet."""
        found = self.person or self.link
        return "" if found is None else (self.person.id if self.person else self.link.who)  # type: ignore[union-attr]

    def has(self, *roles: Role) -> bool:
        return self.person is not None and any(role in self.person.roles for role in roles)


@dataclass(slots=True)
class _Session:
    person: str | None  # the account's id
    seen: float
    password: str | None = None  # which one it was begun with


class Sessions:
    """The staff's sessions of this process."""

    def __init__(self, idle_s: float = IDLE_S, clock: Seconds = time.monotonic) -> None:
        self._idle_s, self._clock = idle_s, clock
        self._kept: dict[str, _Session] = {}
        self._lock = threading.Lock()

    def begin(self, person: str | None, password: str | None = None) -> str:
        """A new session and its secret. Without a person it may only sign in.

        `password` is which one was given (`PersonView.password`): the session ends with it. None: whichever.
        """
        secret = fresh_secret()
        with self._lock:
            self._drop_idle()
            while len(self._kept) >= MOST_SESSIONS:
                del self._kept[min(self._kept, key=lambda key: self._kept[key].seen)]
            self._kept[key_of(secret)] = _Session(person, self._clock(), password)
        return secret

    def find(self, secret: str, *, seen: bool = True) -> tuple[str | None, str | None] | None:
        """Whose session it is and under which password; None where there is none (any more). `seen`: they did something."""
        with self._lock:
            self._drop_idle()
            session = self._kept.get(key_of(secret))
            if session is None:
                return None
            if seen:
                session.seen = self._clock()
            return (session.person, session.password)

    def end(self, secret: str) -> None:
        with self._lock:
            self._kept.pop(key_of(secret), None)

    def _drop_idle(self) -> None:
        oldest = self._clock() - self._idle_s
        self._kept = {key: session for key, session in self._kept.items() if session.seen >= oldest}


class Launches:
    """Tokens that the terminal shows, each good for one browser: who cannot read the terminal cannot even sign in."""

    def __init__(self) -> None:
        self._open: set[str] = set()
        self._lock = threading.Lock()

    def fresh(self) -> str:
        token = secrets.token_urlsafe(LAUNCH_BYTES)
        with self._lock:
            self._open.add(key_of(token))
        return token

    def use(self, token: str) -> bool:
        """Whether the token was good; it is not any more."""
        with self._lock:
            try:
                self._open.remove(key_of(token))
            except KeyError:
                return False
            return True


@dataclass(frozen=True, slots=True)
class Pace:
    """How a delay grows: nothing for the first tries, then doubling, to a ceiling."""

    free: int
    first_s: float
    most_s: float

    def delay_s(self, failures: int) -> float:
        return min(self.most_s, self.first_s * 2.0 ** min(failures - self.free, 30)) if failures >= self.free else 0.0


@dataclass(frozen=True, slots=True)
class _Tries:
    failures: int = 0
    at: float = 0.0


FORGET_S = 3600.0
A_NAME = Pace(free=5, first_s=2.0, most_s=60.0)
THE_SERVER = Pace(free=20, first_s=0.25, most_s=5.0)


class Throttle:
    """Slows the guessing of passwords, per name and for the whole server, whether a name exists or not.

    Nobody is locked out for good, and nothing but signing in ever waits.
    """

    def __init__(self, name: Pace = A_NAME, server: Pace = THE_SERVER, clock: Seconds = time.monotonic) -> None:
        self._name, self._server, self._clock = name, server, clock
        self._tries: dict[str, _Tries] = {}
        self._all = _Tries()
        self._lock = threading.Lock()

    def wait_s(self, name: str) -> float:
        """How long this name has to wait before its next try; a try that may be made now counts as failed until `passed`."""
        now, key = self._clock(), key_of(name)
        with self._lock:
            mine, everyone = self._fresh(self._tries.get(key, _Tries()), now), self._fresh(self._all, now)
            left = max(
                mine.at + self._name.delay_s(mine.failures) - now,
                everyone.at + self._server.delay_s(everyone.failures) - now,
            )
            if left > 0:
                return left
            self._all = _Tries(everyone.failures + 1, now)
            if key not in self._tries and len(self._tries) >= MOST_NAMES:
                del self._tries[min(self._tries, key=lambda k: self._tries[k].at)]
            self._tries[key] = _Tries(mine.failures + 1, now)
            return 0.0

    def passed(self, name: str) -> None:
        """The password was right."""
        with self._lock:
            self._tries.pop(key_of(name), None)
            self._all = replace(self._all, failures=max(0, self._all.failures - 1))

    @staticmethod
    def _fresh(tries: _Tries, now: float) -> _Tries:
        return tries if now - tries.at < FORGET_S else _Tries()
