"""The keyring of a show: one entry an episode, kept outside the show folder and sealed by a passphrase.

An entry holds the episode's keys and, until release, the secrets its voices are drawn from. Only a recurring voice, which a
young person asked for, is kept beside the entries, for as long as an entry is tied to it. Taking an entry or a secret out
writes the whole ring anew under a fresh salt: that is how it is destroyed. A copy of the old file and the passphrase would
still open it, which the documents say.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
import pyrage

from stablecast import codecs
from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Alias
from stablecast.store import files, locks
from stablecast.store.seal import EpisodeKeys

WAIT_S = 10.0  # for another command that is just changing the ring
_TOO_MUCH_WORK = "excessive work"  # how age calls it
PLACE = "STABLECAST_KEYRINGS"  # names another folder for keyrings; a place, not a secret


@dataclass(frozen=True, slots=True)
class Recurring:
    """A voice that a young person wants to have in several episodes. Never shown."""

    secret: str = field(repr=False)
    character: str  # the same secret in another character is another voice


_NONE: Mapping[str, Recurring] = {}
DESTROYED = "destroyed"  # in the place of the key to an episode's recordings


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ring knows of one episode. Never shown."""

    identity: str = field(repr=False)
    mac: str = field(repr=False)
    draws: Mapping[Alias, str] = field(
        default_factory=dict, repr=False
    )  # 32 random bytes a speaker, as hex; none after release
    recurring: Mapping[Alias, str] = field(
        default_factory=dict, repr=False
    )  # speaker → which recurring voice is theirs
    source: str = field(default="", repr=False)  # opens the recordings; "": `identity` does, as in older rings

    @classmethod
    def fresh(cls) -> Entry:
        keys, source = EpisodeKeys.fresh(), EpisodeKeys.fresh()
        return cls(keys.identity, keys.mac.hex(), source=source.identity)

    @property
    def keys(self) -> EpisodeKeys:
        return EpisodeKeys(self.identity, bytes.fromhex(self.mac))

    @property
    def source_keys(self) -> EpisodeKeys | None:
        """What opens the recordings; None when they are destroyed."""
        if self.source == DESTROYED:
            return None
        return EpisodeKeys(self.source or self.identity, bytes.fromhex(self.mac))

    def without_source(self) -> Entry:
        """The same entry when the recordings are destroyed."""
        return dataclasses.replace(self, source=DESTROYED)

    def with_draws(self, speakers: tuple[Alias, ...], recurring: Mapping[str, Recurring] = _NONE) -> Entry:
        """The same entry with a draw secret for each of `speakers`; those that have one keep it.

        Who has a recurring voice among `recurring` gets the secret of that; all others a new one.
        """
        kept = {s: recurring[name].secret for s, name in self.recurring.items() if name in recurring}
        return dataclasses.replace(
            self, draws={s: self.draws.get(s) or kept.get(s) or secrets.token_hex(32) for s in speakers}
        )

    def redrawn(self, speakers: tuple[Alias, ...]) -> Entry:
        """The same entry with new draws where `speakers` have any, unrelated to the old; tied to no recurring voice."""
        draws = {s: secrets.token_hex(32) if s in speakers else secret for s, secret in self.draws.items()}
        return dataclasses.replace(
            self, draws=draws, recurring={s: name for s, name in self.recurring.items() if s not in speakers}
        )


@dataclass(frozen=True, slots=True)
class _Ring:
    entries: Mapping[str, Entry] = field(default_factory=dict)  # by episode id
    recurring: Mapping[str, Recurring] = field(default_factory=dict)  # by the name it was given


def folder_for(show: Path) -> Path:
    """Where the keyring of the show in `show` lies: the named folder, else one beside a demo show, else the user's own."""
    named = os.environ.get(PLACE)
    if named:
        return Path(named)
    beside = show.with_name(show.name + ".keys")
    if beside.is_dir():
        return beside
    return Path(platformdirs.user_data_dir("stablecast", appauthor=False)) / "keyrings"


class Keyring:
    """The keyring of one show. The passphrase is asked for when it is first needed, and once where it opens the ring.

    Several threads may use one: the ring is opened by the first of them.
    """

    def __init__(self, folder: Path, show_id: str, passphrase: Callable[[], str]) -> None:
        self._path = self.path_in(folder, show_id)
        self._ask = passphrase
        self._opening = threading.RLock()
        self._known: str | None = None
        self._read: tuple[bytes, _Ring] | None = None  # the sealed ring as last opened: scrypt takes a second each time

    @staticmethod
    def path_in(folder: Path, show_id: str) -> Path:
        """Where the keyring of a show lies in a folder of keyrings."""
        return folder / f"{show_id}.age"

    @property
    def path(self) -> Path:
        return self._path

    @property
    def exists(self) -> bool:
        return self._path.exists()

    @property
    def opened(self) -> bool:
        """Whether the passphrase was given already, and nobody need be asked."""
        return self._read is not None

    def refresh(self) -> None:
        """Let go of what was read of a ring that is another one by now: another command took keys out of it."""
        with self._opening:
            if self._read is not None and (not self.exists or self._read[0] != self._path.read_bytes()):
                self._read = None

    def create(self) -> None:
        """An empty ring. Raises ValueError where there is one: what it opens would be lost."""
        if self.exists:
            raise ValueError("a keyring is never made over another")
        self._save(_Ring())

    def entry(self, episode_id: str) -> Entry:
        """The episode's entry. Raises IntegrityFailure when the ring is missing, does not open, or has no such entry."""
        return _entry(self._load().entries, episode_id)

    def entries(self) -> Mapping[str, Entry]:
        """All of them, by episode id."""
        return self._load().entries

    def recurring(self) -> Mapping[str, Recurring]:
        """Every recurring voice, by the name it was given."""
        return self._load().recurring

    def put(self, episode_id: str, entry: Entry) -> None:
        """Add or replace one entry."""
        self.put_all({episode_id: entry})

    def put_all(self, changed: Mapping[str, Entry], recurring: Mapping[str, Recurring] = _NONE) -> None:
        """Add or replace several entries and recurring voices in one step; a voice no entry is tied to is destroyed."""
        with self._changing(recurring) as entries:
            entries.update(changed)

    def remove(self, *episode_ids: str) -> None:
        """Destroy entries; without them nothing of the episodes can be opened again."""
        with self._changing() as entries:
            for episode_id in episode_ids:
                entries.pop(episode_id, None)

    def forget_sources(self, *episode_ids: str) -> None:
        """Destroy what opens the recordings of episodes; what was made of them can still be opened."""
        with self._changing() as entries:
            entries.update({i: entries[i].without_source() for i in episode_ids if i in entries})

    def forget_draws(self, episode_id: str) -> None:
        """Destroy what the episode's voices were drawn from; its keys stay."""
        with self._changing() as entries:
            entries[episode_id] = dataclasses.replace(_entry(entries, episode_id), draws={})

    def check_writable(self) -> None:
        """Raises EnvironmentFailure where the ring could not be written now: for who is about to do what needs it afterwards."""
        trial = self._path.with_suffix(".trial")
        try:
            files.write(trial, b"")
            trial.unlink(missing_ok=True)
        except OSError as failed:
            raise EnvironmentFailure(
                "the keyring cannot be written; check its disk's space and permissions"
            ) from failed

    def keep_audit_head(self, head: str) -> None:
        """Keep a copy of the audit log's head here, outside the show folder: a cut-off log then shows."""
        if self.exists:
            files.write(self._path.with_suffix(".head"), head.encode())

    @property
    def gone(self) -> Path:
        """Where the list of withdrawn episodes lies that no backup of the show can take back."""
        return self._path.with_suffix(".gone")

    def audit_head(self) -> str:
        """That copy; "" when there is none."""
        path = self._path.with_suffix(".head")
        return path.read_text() if path.exists() else ""

    @contextlib.contextmanager
    def _changing(self, recurring: Mapping[str, Recurring] = _NONE) -> Iterator[dict[str, Entry]]:
        self._load()  # a ring that is missing or does not open is told before a lock is made beside it
        with locks.exclusive(self._path.with_suffix(".lock"), wait_s=WAIT_S):
            entries = dict(self._load().entries)
            yield entries
            tied = {name for entry in entries.values() for name in entry.recurring.values()}
            voices = {**self._load().recurring, **recurring}
            self._save(_Ring(entries, {name: voice for name, voice in voices.items() if name in tied}))

    def _passphrase(self) -> str:
        if self._known is None:
            self._known = self._ask()
        return self._known

    def _load(self) -> _Ring:
        try:
            sealed = self._path.read_bytes()
        except FileNotFoundError as missing:
            raise IntegrityFailure(
                "this show's keyring is not on this machine; bring it here, or name its folder in STABLECAST_KEYRINGS"
            ) from missing
        with self._opening:
            if self._read is None or self._read[0] != sealed:
                try:
                    ring = codecs.parsed(_Ring, opened(sealed, self._passphrase()))
                except (pyrage.DecryptError, ValueError) as refused:
                    self._known = None
                    raise IntegrityFailure("the passphrase does not open this show's keyring; try again") from refused
                self._read = (sealed, ring)
            return self._read[1]

    def _save(self, ring: _Ring) -> None:
        sealed = bytes(pyrage.passphrase.encrypt(codecs.canonical(ring), self._passphrase()))
        files.write(self._path, sealed)
        self._read = (sealed, ring)


def opened(sealed: bytes, passphrase: str) -> bytes:
    """What is sealed with a passphrase. age refuses work that it believes would take this machine too long, and it measures that
    anew each time: one that is busy for a moment must not be told that the passphrase is wrong.

    Raises EnvironmentFailure where the machine stays too slow, and pyrage.DecryptError for another passphrase.
    """
    for wait_s in (0.2, 0.5, 1.0, 2.0, None):
        try:
            return bytes(pyrage.passphrase.decrypt(sealed, passphrase))
        except pyrage.DecryptError as refused:
            if _TOO_MUCH_WORK not in str(refused).lower():
                raise
            if wait_s is None:
                break
            time.sleep(wait_s)
    raise EnvironmentFailure("this computer is too busy, or too slow, to open the keyring; try again in a minute")


def _entry(entries: Mapping[str, Entry], episode_id: str) -> Entry:
    found = entries.get(episode_id)
    if found is None:
        raise IntegrityFailure("the keyring has no key for this episode; restore the keyring's own backup")
    return found
