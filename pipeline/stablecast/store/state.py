"""The facts of the workflow in one SQLite database: accounts, consent, cuts, approvals, releases, withdrawals, audit.

Facts are added, never edited; what state an episode is in is worked out from them (`engine.workflow`), so that no column can
disagree. The database holds no name of a young person, no title and no word of an episode before it is public.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import secrets
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath

from stablecast.engine.audit import Entry, chained
from stablecast.errors import EnvironmentFailure, IntegrityFailure, Locked
from stablecast.model import Approval, Digest, Method, Role, Slug, slug_of
from stablecast.store import files

FORMAT = 3

_APPROVAL = """
CREATE TABLE approval (episode TEXT NOT NULL, digest TEXT NOT NULL, role TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES account(id), at TEXT NOT NULL, PRIMARY KEY (episode, digest, role, at),
    FOREIGN KEY (episode, digest) REFERENCES cut(episode, digest));
"""

_REVIEW = """
CREATE TABLE link (id TEXT PRIMARY KEY, episode TEXT NOT NULL REFERENCES episode(id), account TEXT NOT NULL REFERENCES account(id),
    token TEXT UNIQUE NOT NULL, made_at TEXT NOT NULL, expires_at TEXT NOT NULL, opened_at TEXT, session TEXT UNIQUE,
    companion INTEGER NOT NULL);
CREATE TABLE listening (episode TEXT NOT NULL, digest TEXT NOT NULL, who TEXT NOT NULL REFERENCES account(id), at TEXT NOT NULL,
    stretches TEXT NOT NULL, place_ms INTEGER NOT NULL, PRIMARY KEY (episode, digest, who),
    FOREIGN KEY (episode, digest) REFERENCES cut(episode, digest));
CREATE TABLE form (episode TEXT NOT NULL, digest TEXT NOT NULL, role TEXT NOT NULL, account TEXT NOT NULL REFERENCES account(id),
    at TEXT NOT NULL, sealed BLOB NOT NULL, FOREIGN KEY (episode, digest) REFERENCES cut(episode, digest));
CREATE TABLE wish (episode TEXT NOT NULL, digest TEXT NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL,
    by TEXT NOT NULL REFERENCES account(id), role TEXT NOT NULL, sealed BLOB NOT NULL,
    FOREIGN KEY (episode, digest) REFERENCES cut(episode, digest));
CREATE TABLE hold (seq INTEGER PRIMARY KEY AUTOINCREMENT, episode TEXT NOT NULL REFERENCES episode(id), at TEXT NOT NULL,
    by TEXT NOT NULL, role TEXT NOT NULL, release INTEGER REFERENCES release(seq), lifted_at TEXT,
    lifted_by TEXT REFERENCES account(id));
CREATE TABLE receipt (episode TEXT NOT NULL REFERENCES episode(id), hash TEXT NOT NULL, at TEXT NOT NULL);
"""

_REMOTE = """
CREATE TABLE remote (url TEXT PRIMARY KEY, name TEXT NOT NULL, due TEXT NOT NULL DEFAULT '', failed_at TEXT, failed_before TEXT);
CREATE TABLE remote_file (url TEXT NOT NULL REFERENCES remote(url), path TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (url, path));
CREATE TABLE place (episode TEXT NOT NULL REFERENCES episode(id), place TEXT NOT NULL, done_at TEXT, done_by TEXT,
    PRIMARY KEY (episode, place));
"""

_SCHEMA = f"""
CREATE TABLE show (id TEXT NOT NULL, format INTEGER NOT NULL, demo INTEGER NOT NULL, podcast_guid TEXT,
    swap_due TEXT NOT NULL DEFAULT '');
CREATE TABLE account (id TEXT PRIMARY KEY, name TEXT UNIQUE NOT NULL, roles TEXT NOT NULL, password TEXT NOT NULL);
CREATE TABLE episode (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, slug TEXT UNIQUE NOT NULL,
    public_id TEXT UNIQUE NOT NULL, guid TEXT UNIQUE NOT NULL);
CREATE TABLE consent (episode TEXT NOT NULL REFERENCES episode(id), version INTEGER NOT NULL, items TEXT NOT NULL,
    receipt TEXT NOT NULL, at TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (episode, version));
CREATE TABLE cut (episode TEXT NOT NULL REFERENCES episode(id), digest TEXT NOT NULL, consent INTEGER NOT NULL,
    method TEXT NOT NULL, producer TEXT, made_from TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (episode, digest));
{_APPROVAL}
CREATE TABLE release (seq INTEGER PRIMARY KEY AUTOINCREMENT, episode TEXT NOT NULL REFERENCES episode(id), digest TEXT NOT NULL,
    released_on TEXT NOT NULL, at TEXT NOT NULL, body TEXT, audit_head TEXT NOT NULL);
CREATE TABLE tree (path TEXT PRIMARY KEY, digest TEXT NOT NULL);
CREATE TABLE withdrawal (episode TEXT PRIMARY KEY REFERENCES episode(id), at TEXT NOT NULL, by TEXT NOT NULL);
CREATE TABLE audit (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, episode TEXT NOT NULL,
    detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);
{_REVIEW}
{_REMOTE}
"""

# From the format before to the one named. Format 2: the same person may say yes to the same cut again after a hold.
# Format 3: what lies elsewhere, and where copies may live.
_UPGRADES = {
    2: f"""
ALTER TABLE approval RENAME TO approval_before;
{_APPROVAL}
INSERT INTO approval SELECT episode, digest, role, account, at FROM approval_before ORDER BY rowid;
DROP TABLE approval_before;
{_REVIEW}
""",  # noqa: S608 - our own words
    3: _REMOTE,
}


@dataclass(frozen=True, slots=True)
class Show:
    """The show's own row."""

    id: str
    demo: bool
    podcast_guid: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """A person who works with the show."""

    id: str
    name: str
    roles: tuple[Role, ...]
    password: str = field(repr=False)  # argon2id


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """An episode's names: `id` within, `public_id` and `guid` without."""

    number: int
    id: str
    slug: Slug
    public_id: str
    guid: str


@dataclass(frozen=True, slots=True)
class Consent:
    """What the young person said yes to. `sealed` holds pseudonym, age band and contact, under the episode's key."""

    version: int
    items: tuple[str, ...]
    receipt: str = field(repr=False)  # argon2id of the receipt code
    at: datetime
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CutRow:
    """A frozen cut, by its digest."""

    digest: Digest
    consent: int
    method: Method
    producer: str | None  # account id
    made_from: str  # keyed digests of what it was frozen from
    at: datetime


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release; `body` is the public words of it, and is wiped when it is withdrawn or replaced."""

    episode: str
    digest: Digest
    released_on: date
    at: datetime
    body: str | None = field(repr=False)
    audit_head: str


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A listening link: one young person, one episode, one use. Token and session are kept as their SHA-256."""

    id: str
    episode: str
    account: str
    token: str = field(repr=False)
    made_at: datetime
    expires_at: datetime
    opened_at: datetime | None = None
    session: str | None = field(default=None, repr=False)
    companion: bool = False  # a supporter is beside them


@dataclass(frozen=True, slots=True)
class ListeningRow:
    """What of a cut somebody has played, in merged stretches of ms, and where they stopped."""

    digest: Digest
    who: str
    at: datetime
    stretches: tuple[tuple[int, int], ...]
    place_ms: int


@dataclass(frozen=True, slots=True)
class FormRow:
    """The answers that went with a yes, sealed under the episode's key."""

    digest: Digest
    role: Role
    account: str
    at: datetime
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WishRow:
    """Somebody asked for another cut than this one; `sealed` holds why."""

    digest: Digest
    kind: str  # "change"
    at: datetime
    by: str  # account id
    role: Role
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A hold: nothing of the episode is public until the lead lifts it."""

    at: datetime
    by: str  # account id, or "operator"
    role: str  # in which they held it; "" for somebody at this computer
    was_public: bool = False  # told by the database, which takes down the release there is
    lifted_at: datetime | None = None
    lifted_by: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteRow:
    """A place elsewhere that something was sent to."""

    url: str
    name: str  # what config/targets.toml called it last
    due: str  # the last change of facts that it may not show yet, though it must; "" when there is none
    failed_at: datetime | None = None  # when taking down failed last, and the time before
    failed_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A place where copies of a withdrawn episode may live; done when somebody said so."""

    place: str
    done_at: datetime | None = None
    done_by: str | None = None  # account id, or "operator"


class State:
    """One open database. Use as a context manager; every method is a transaction of its own unless inside `transaction`.

    Every method may raise IntegrityFailure (the file is damaged), EnvironmentFailure (no room, no permission) or Locked.
    """

    def __init__(self, path: Path) -> None:
        with _in_sentences():
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=10, isolation_level=None
            )
            self._db.executescript(
                "PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA synchronous=FULL;"
            )
        self._bring_up()

    @classmethod
    def create(cls, path: Path, *, show_id: str, demo: bool) -> State:
        """A new database, which is there whole or not at all. Raises ValueError where there is a file already."""
        if path.exists():
            raise ValueError("a database is never made over another")
        with contextlib.closing(sqlite3.connect(":memory:")) as fresh:
            fresh.executescript(_SCHEMA)
            with fresh:
                fresh.execute("INSERT INTO show (id, format, demo) VALUES (?, ?, ?)", (show_id, FORMAT, demo))
            files.write(path, fresh.serialize())
        return cls(path)

    def _bring_up(self) -> None:
        """Bring a database of an older format to this one, all or nothing. Raises IntegrityFailure for a newer one."""
        if self._format() == FORMAT:
            return
        with self.transaction():
            for number in range(self._format() + 1, FORMAT + 1):  # asked again: another command may have been first
                for statement in filter(str.strip, _UPGRADES[number].split(";")):
                    self._do(statement)
                self._do("UPDATE show SET format = ?", number)

    def _format(self) -> int:
        found = int(str(self._rows("SELECT format FROM show")[0][0]))
        if found > FORMAT:
            raise IntegrityFailure(
                f"the show's database is of format {found}, which this version does not know; use a newer one"
            )
        return found

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> State:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else writes meanwhile."""
        if self._db.in_transaction:
            yield
            return
        self._do("BEGIN IMMEDIATE")
        try:
            yield
            self._do("COMMIT")
        except BaseException:
            self._db.rollback()
            raise

    def _rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with _in_sentences():
            return self._db.execute(query, values).fetchall()

    def _do(self, statement: str, *values: object) -> int:
        """Rows changed."""
        with _in_sentences():
            return self._db.execute(statement, values).rowcount

    def _add(self, table: str, *values: object) -> None:
        marks = ", ".join("?" * len(values))
        self._do(f"INSERT INTO {table} VALUES ({marks})", *values)  # noqa: S608 - table names are our own

    def columns(self) -> frozenset[str]:
        """Every "table.column" there is."""
        return _columns(self._db)

    @staticmethod
    def known_columns() -> frozenset[str]:
        """Every "table.column" this version makes."""
        with contextlib.closing(sqlite3.connect(":memory:")) as fresh:
            fresh.executescript(_SCHEMA)
            return _columns(fresh)

    # --- the show and its people

    @property
    def show(self) -> Show:
        ((show_id, demo, guid),) = self._rows("SELECT id, demo, podcast_guid FROM show")
        return Show(str(show_id), bool(demo), None if guid is None else str(guid))

    def set_podcast_guid(self, guid: str) -> None:
        """Assigned once, kept for life."""
        self._do("UPDATE show SET podcast_guid = ? WHERE podcast_guid IS NULL", guid)

    def add_account(self, account: Account) -> None:
        self._add("account", account.id, account.name, json.dumps(account.roles), account.password)

    def set_password(self, account: str, hashed: str) -> None:
        """Another password for an account, as argon2id."""
        self._do("UPDATE account SET password = ? WHERE id = ?", hashed, account)

    def accounts(self) -> tuple[Account, ...]:
        rows = self._rows("SELECT id, name, roles, password FROM account ORDER BY name")
        return tuple(
            Account(str(i), str(n), tuple(Role(r) for r in json.loads(str(rs))), str(p)) for i, n, rs, p in rows
        )

    # --- episodes

    def add_episode(self, slug: Slug, public_id: str) -> EpisodeRow:
        """A new episode with fresh names."""
        self._do(
            "INSERT INTO episode (id, slug, public_id, guid) VALUES (?, ?, ?, ?)",
            uuid.uuid4().hex,
            slug,
            public_id,
            uuid.uuid4().urn,
        )
        found = self.episode(slug)
        if found is None:
            raise IntegrityFailure("the show's database did not keep what was written; check the disk")
        return found

    def episodes(self) -> tuple[EpisodeRow, ...]:
        rows = self._rows("SELECT number, id, slug, public_id, guid FROM episode ORDER BY number")
        return tuple(EpisodeRow(int(str(n)), str(i), slug_of(str(s)), str(p), str(g)) for n, i, s, p, g in rows)

    def episode(self, slug: Slug) -> EpisodeRow | None:
        return next((row for row in self.episodes() if row.slug == slug), None)

    # --- consent, cuts, approvals

    def add_consent(self, episode: str, consent: Consent) -> None:
        items = json.dumps(consent.items)
        self._add("consent", episode, consent.version, items, consent.receipt, _text(consent.at), consent.sealed)

    def consents(self, episode: str) -> tuple[Consent, ...]:
        """All versions, oldest first; the last is in force."""
        rows = self._rows(
            "SELECT version, items, receipt, at, sealed FROM consent WHERE episode = ? ORDER BY version", episode
        )
        return tuple(
            Consent(int(str(v)), tuple(json.loads(str(items))), str(r), _time(at), sealed)
            for v, items, r, at, sealed in rows
            if isinstance(sealed, bytes)
        )

    def add_cut(self, episode: str, cut: CutRow) -> None:
        """Remember a frozen cut; freezing the same bytes again makes it the newest once more."""
        self._do(
            "INSERT INTO cut VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " at = excluded.at, producer = excluded.producer, made_from = excluded.made_from",
            *(episode, cut.digest, cut.consent, cut.method, cut.producer, cut.made_from, _text(cut.at)),
        )

    def cut(self, episode: str) -> CutRow | None:
        """The newest cut."""
        rows = self._rows(
            "SELECT digest, consent, method, producer, made_from, at FROM cut WHERE episode = ?"
            " ORDER BY at DESC, rowid DESC LIMIT 1",
            episode,
        )
        return next((_cut(row) for row in rows), None)

    def cuts(self, episode: str) -> tuple[CutRow, ...]:
        """All cuts there were, the newest last."""
        rows = self._rows(
            "SELECT digest, consent, method, producer, made_from, at FROM cut WHERE episode = ? ORDER BY at, rowid",
            episode,
        )
        return tuple(_cut(row) for row in rows)

    def cut_by(self, episode: str, digest: str) -> CutRow | None:
        """The cut that has this digest."""
        rows = self._rows(
            "SELECT digest, consent, method, producer, made_from, at FROM cut WHERE episode = ? AND digest = ?",
            episode,
            digest,
        )
        return next((_cut(row) for row in rows), None)

    def add_approval(self, episode: str, approval: Approval) -> None:
        self._add("approval", episode, approval.digest, approval.role, approval.account, _text(approval.at))

    def approvals(self, episode: str, digest: str) -> tuple[Approval, ...]:
        """Those of one cut, in the order they were given, also those that a hold has made void (`OpenShow.approvals`)."""
        rows = self._rows(
            "SELECT role, account, digest, at FROM approval WHERE episode = ? AND digest = ? ORDER BY rowid",
            episode,
            digest,
        )
        return tuple(Approval(Role(str(r)), str(a), Digest(str(d)), _time(at)) for r, a, d, at in rows)

    # --- reviewing

    def add_link(self, link: LinkRow) -> None:
        times = (_text(link.made_at), _text(link.expires_at), link.opened_at and _text(link.opened_at))
        self._add("link", link.id, link.episode, link.account, link.token, *times, link.session, link.companion)

    def link(self, *, token: str | None = None, session: str | None = None) -> LinkRow | None:
        """The link with this token, or with this session."""
        rows = self._rows(
            "SELECT id, episode, account, token, made_at, expires_at, opened_at, session, companion FROM link"
            " WHERE token = ? OR session = ?",
            token,
            session,
        )
        return next((_link(row) for row in rows), None)

    def open_link(self, link: str, session: str, at: datetime) -> bool:
        """Record that a link was used; False when it was before."""
        done = "UPDATE link SET opened_at = ?, session = ? WHERE id = ? AND opened_at IS NULL"
        return self._do(done, _text(at), session, link) > 0

    def set_listening(self, episode: str, row: ListeningRow) -> None:
        self._do(
            "INSERT INTO listening VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " at = excluded.at, stretches = excluded.stretches, place_ms = excluded.place_ms",
            *(episode, row.digest, row.who, _text(row.at), json.dumps(row.stretches), row.place_ms),
        )

    def listening(self, episode: str, digest: str, who: str) -> ListeningRow | None:
        """What somebody has played of a cut."""
        rows = self._rows(
            "SELECT at, stretches, place_ms FROM listening WHERE episode = ? AND digest = ? AND who = ?",
            *(episode, digest, who),
        )
        return next(
            (
                ListeningRow(
                    Digest(digest), who, _time(at), tuple((a, b) for a, b in json.loads(str(said))), int(str(place))
                )
                for at, said, place in rows
            ),
            None,
        )

    def add_form(self, episode: str, form: FormRow) -> None:
        self._add("form", episode, form.digest, form.role, form.account, _text(form.at), form.sealed)

    def forms(self, episode: str, digest: str) -> tuple[FormRow, ...]:
        """The answers that went with the yeses to one cut, oldest first."""
        rows = self._rows(
            "SELECT role, account, at, sealed FROM form WHERE episode = ? AND digest = ? ORDER BY rowid",
            episode,
            digest,
        )
        return tuple(
            FormRow(Digest(digest), Role(str(r)), str(a), _time(at), sealed)
            for r, a, at, sealed in rows
            if isinstance(sealed, bytes)
        )

    def add_wish(self, episode: str, wish: WishRow) -> None:
        self._add("wish", episode, wish.digest, wish.kind, _text(wish.at), wish.by, wish.role, wish.sealed)

    def wishes(self, episode: str, digest: str) -> tuple[WishRow, ...]:
        """What was asked of one cut, oldest first."""
        rows = self._rows(
            "SELECT kind, at, by, role, sealed FROM wish WHERE episode = ? AND digest = ? ORDER BY rowid",
            episode,
            digest,
        )
        return tuple(
            WishRow(Digest(digest), str(k), _time(at), str(by), Role(str(r)), sealed)
            for k, at, by, r, sealed in rows
            if isinstance(sealed, bytes)
        )

    def add_hold(self, episode: str, hold: HoldRow) -> bool:
        """Record a hold, which takes down the live release if there is one; False while there is a hold."""
        with self.transaction():
            if episode in self.held():
                return False
            live = [seq for seq, release in self._live() if release.episode == episode]
            self._do(
                "INSERT INTO hold (episode, at, by, role, release) VALUES (?, ?, ?, ?, ?)",
                *(episode, _text(hold.at), hold.by, hold.role, live[0] if live else None),
            )
            return True

    def lift(self, episode: str, by: str, at: datetime) -> bool:
        """End the hold there is; False where there is none."""
        done = "UPDATE hold SET lifted_at = ?, lifted_by = ? WHERE episode = ? AND lifted_at IS NULL"
        return self._do(done, _text(at), by, episode) > 0

    def holds(self, episode: str) -> tuple[HoldRow, ...]:
        """All holds of an episode, oldest first."""
        rows = self._rows(
            "SELECT at, by, role, release, lifted_at, lifted_by FROM hold WHERE episode = ? ORDER BY seq", episode
        )
        return tuple(
            HoldRow(
                _time(at),
                str(by),
                str(role),
                taken is not None,
                None if lifted is None else _time(lifted),
                None if lifter is None else str(lifter),
            )
            for at, by, role, taken, lifted, lifter in rows
        )

    def held(self) -> frozenset[str]:
        """The episodes that are held now."""
        return frozenset(str(e) for (e,) in self._rows("SELECT episode FROM hold WHERE lifted_at IS NULL"))

    def add_receipt(self, episode: str, receipt: str, at: datetime) -> None:
        """One more receipt code that can withdraw an episode, as argon2id."""
        self._add("receipt", episode, receipt, _text(at))

    def receipts(self, episode: str) -> tuple[str, ...]:
        """The receipt codes that can withdraw an episode, as argon2id: those of its consents and those made since."""
        more = self._rows("SELECT hash FROM receipt WHERE episode = ? ORDER BY rowid", episode)
        return (*(consent.receipt for consent in self.consents(episode)), *(str(code) for (code,) in more))

    # --- releases and withdrawals

    def add_release(self, release: ReleaseRow) -> None:
        """Add a release; an earlier one of the same episode gives up its words."""
        on, at = release.released_on.isoformat(), _text(release.at)
        with self.transaction():
            self._do("UPDATE release SET body = NULL WHERE episode = ?", release.episode)
            self._do(
                "INSERT INTO release (episode, digest, released_on, at, body, audit_head) VALUES (?, ?, ?, ?, ?, ?)",
                *(release.episode, release.digest, on, at, release.body, release.audit_head),
            )

    def releases(self) -> tuple[ReleaseRow, ...]:
        """All releases, oldest first, also those that are no longer public (their `body` is None)."""
        return tuple(release for _, release in self._releases())

    def _releases(self) -> list[tuple[int, ReleaseRow]]:
        rows = self._rows("SELECT seq, episode, digest, released_on, at, body, audit_head FROM release ORDER BY seq")
        return [
            (
                int(str(seq)),
                ReleaseRow(
                    str(e),
                    Digest(str(d)),
                    date.fromisoformat(str(on)),
                    _time(at),
                    None if b is None else str(b),
                    str(h),
                ),
            )
            for seq, e, d, on, at, b, h in rows
        ]

    def live_releases(self) -> tuple[ReleaseRow, ...]:
        """Those the world may have: the newest of each episode that is not withdrawn or held.

        A release that a hold has taken down does not come back when the hold ends: everybody has to say yes again first.
        """
        return tuple(release for _, release in self._live())

    def _live(self) -> list[tuple[int, ReleaseRow]]:
        stopped = self.stopped()
        taken = {int(str(seq)) for (seq,) in self._rows("SELECT release FROM hold WHERE release IS NOT NULL")}
        return [
            (seq, release)
            for seq, release in self._releases()
            if release.body is not None and release.episode not in stopped and seq not in taken
        ]

    def stopped(self) -> frozenset[str]:
        """The episodes of which nothing may be public: withdrawn, or held."""
        return self.held() | self.withdrawals().keys()

    def withdraw(self, episode: str, by: str, at: datetime) -> bool:
        """Record a withdrawal and wipe the released words; False when it was recorded before."""
        with self.transaction():
            self._do("UPDATE release SET body = NULL WHERE episode = ?", episode)
            return self._do("INSERT OR IGNORE INTO withdrawal VALUES (?, ?, ?)", episode, _text(at), by) > 0

    def withdrawals(self) -> dict[str, str]:
        """Episode id → in whose name."""
        return {str(e): str(by) for e, by in self._rows("SELECT episode, by FROM withdrawal")}

    def set_tree(self, tree: Mapping[PurePosixPath, Digest]) -> None:
        """Remember what the public folder holds."""
        with self.transaction():
            self._do("DELETE FROM tree")
            for path, digest in tree.items():
                self._add("tree", path.as_posix(), digest)

    def make_swap_due(self) -> str:
        """Remember that the public folder is not yet what the facts say; the answer names this very change of facts."""
        token = secrets.token_hex(8)
        self._do("UPDATE show SET swap_due = ?", token)
        return token

    def swap_due(self) -> str:
        """The last change of facts that the public folder does not show yet; "" when it shows all."""
        return str(self._rows("SELECT swap_due FROM show")[0][0])

    def settle(self, token: str) -> bool:
        """The public folder shows the facts as of `token`; False when they changed since, and it is still due."""
        self._do("UPDATE show SET swap_due = '' WHERE swap_due = ?", token)
        return self.swap_due() == ""

    def tree(self) -> dict[PurePosixPath, Digest]:
        """What the public folder should hold."""
        return {
            PurePosixPath(str(p)): Digest(str(d)) for p, d in self._rows("SELECT path, digest FROM tree ORDER BY path")
        }

    # --- copies elsewhere

    def add_remote(self, url: str, name: str) -> None:
        """Remember a place before anything is sent there."""
        self._do(
            "INSERT INTO remote (url, name) VALUES (?, ?) ON CONFLICT DO UPDATE SET name = excluded.name", url, name
        )

    def remotes(self) -> tuple[RemoteRow, ...]:
        """Every place that something was sent to."""
        rows = self._rows("SELECT url, name, due, failed_at, failed_before FROM remote ORDER BY name, url")
        return tuple(
            RemoteRow(str(u), str(n), str(d), None if a is None else _time(a), None if b is None else _time(b))
            for u, n, d, a, b in rows
        )

    def forget_remote(self, url: str) -> None:
        """Nothing of ours is there any more."""
        with self.transaction():
            self._do("DELETE FROM remote_file WHERE url = ?", url)
            self._do("DELETE FROM remote WHERE url = ?", url)

    def set_remote_file(self, url: str, path: PurePosixPath, digest: str) -> None:
        """Remember that a file there is ours; `digest` "" while it is not known which of ours."""
        done = "INSERT INTO remote_file VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET digest = excluded.digest"
        self._do(done, url, path.as_posix(), digest)

    def drop_remote_file(self, url: str, path: PurePosixPath) -> None:
        """A file of ours is there no more."""
        self._do("DELETE FROM remote_file WHERE url = ? AND path = ?", url, path.as_posix())

    def remote_files(self, url: str) -> dict[PurePosixPath, str]:
        """What we put there, or were about to: path → SHA-256, or "" where it is not known."""
        rows = self._rows("SELECT path, digest FROM remote_file WHERE url = ? ORDER BY path", url)
        return {PurePosixPath(str(path)): str(digest) for path, digest in rows}

    def make_remote_due(self, public_id: str) -> None:
        """Remember that every place which has a file of this episode has to lose it."""
        has = "SELECT url FROM remote_file WHERE instr(path, ?) > 0"
        done = f"UPDATE remote SET due = ?, failed_at = NULL, failed_before = NULL WHERE url IN ({has})"  # noqa: S608 - our own words
        self._do(done, secrets.token_hex(8), public_id)

    def remote_due(self, url: str) -> str:
        """The last change of facts that this place may not show yet; "" where there is none."""
        return next((str(due) for (due,) in self._rows("SELECT due FROM remote WHERE url = ?", url)), "")

    def remote_failed(self, url: str, at: datetime) -> None:
        """Remember that taking down did not work there."""
        self._do("UPDATE remote SET failed_before = failed_at, failed_at = ? WHERE url = ?", _text(at), url)

    def settle_remote(self, url: str, token: str) -> bool:
        """The place shows the facts as of `token`; False when they changed since, and it is still due."""
        self._do(
            "UPDATE remote SET due = '', failed_at = NULL, failed_before = NULL WHERE url = ? AND due = ?", url, token
        )
        return self.remote_due(url) == ""

    def open_places(self, episode: str, places: tuple[str, ...]) -> None:
        """Places where copies of an episode may live; those that are known already stay as they are."""
        for place in places:
            self._do("INSERT OR IGNORE INTO place (episode, place) VALUES (?, ?)", episode, place)

    def close_place(self, episode: str, place: str, by: str, at: datetime) -> bool:
        """Record that somebody saw to a place; False where there is no such place, or somebody did before."""
        done = "UPDATE place SET done_at = ?, done_by = ? WHERE episode = ? AND place = ? AND done_at IS NULL"
        return self._do(done, _text(at), by, episode, place) > 0

    def places(self, episode: str) -> tuple[PlaceRow, ...]:
        """Where copies of an episode may live, or did."""
        rows = self._rows("SELECT place, done_at, done_by FROM place WHERE episode = ? ORDER BY rowid", episode)
        return tuple(
            PlaceRow(str(p), None if at is None else _time(at), None if by is None else str(by)) for p, at, by in rows
        )

    # --- audit

    def audit(self) -> tuple[Entry, ...]:
        rows = self._rows("SELECT seq, at, actor, action, episode, detail, previous, hash FROM audit ORDER BY seq")
        return tuple(
            Entry(int(str(s)), str(at), str(a), str(act), str(e), str(d), str(p), str(h))
            for s, at, a, act, e, d, p, h in rows
        )

    @property
    def audit_head(self) -> str:
        """The hash of the newest entry; "" when there is none."""
        return self._last_entry()[1]

    def _last_entry(self) -> tuple[int, str]:
        rows = self._rows("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        return (int(str(rows[0][0])), str(rows[0][1])) if rows else (0, "")

    def log(self, at: datetime, actor: str, action: str, episode: str = "", detail: str = "") -> Entry:
        """Add one entry to the chain. Ids and digests only: never a name, a title or a word."""
        with self.transaction():
            seq, head = self._last_entry()
            entry = chained(seq + 1, _text(at), actor, action, episode, detail, head)
            self._add("audit", *dataclasses.astuple(entry))
            return entry


@contextlib.contextmanager
def _in_sentences() -> Iterator[None]:
    """Say in a sentence why the database cannot be read or written; a broken constraint is a caller's bug and stays one."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as failed:
        code = getattr(failed, "sqlite_errorcode", 0) & 0xFF  # the primary code
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Locked("another command is working in this show; wait for it, then try again") from failed
        if code in _LACKING:
            raise EnvironmentFailure(
                "the show's database cannot be written; check the disk's space and permissions, then try again"
            ) from failed
        raise IntegrityFailure("the show's database is damaged; restore it from its backup") from failed


_LACKING = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
)


def _columns(db: sqlite3.Connection) -> frozenset[str]:
    rows = db.execute(
        "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
    )
    return frozenset(str(name) for (name,) in rows)


def _cut(row: tuple[object, ...]) -> CutRow:
    digest, consent, method, producer, made_from, at = row
    by = None if producer is None else str(producer)
    return CutRow(Digest(str(digest)), int(str(consent)), Method(str(method)), by, str(made_from), _time(at))


def _link(row: tuple[object, ...]) -> LinkRow:
    number, episode, account, token, made_at, expires_at, opened_at, session, companion = row
    return LinkRow(
        str(number),
        str(episode),
        str(account),
        str(token),
        _time(made_at),
        _time(expires_at),
        None if opened_at is None else _time(opened_at),
        None if session is None else str(session),
        bool(companion),
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _time(text: object) -> datetime:
    return datetime.fromisoformat(str(text))
