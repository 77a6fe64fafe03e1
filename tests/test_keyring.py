"""The keyring: it opens by its passphrase alone, forgets for good what is taken out, and loses nothing else.

The real scrypt takes a second or more each time, on purpose; where a test is not about it, `quick` stands in for it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest

from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Alias
from stablecast.store import keyring
from stablecast.store.keyring import Entry, Keyring

PASSPHRASE = "a passphrase that must never be shown"
SHOW = "5e0b"
KIT, ASH = Alias("Kit"), Alias("Ash")


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands for age's passphrase sealing: salted, refusing another passphrase, and fast."""

    def encrypt(data: bytes, passphrase: str) -> bytes:
        salt = secrets.token_bytes(16)
        return salt + hashlib.sha256(salt + passphrase.encode()).digest() + data

    def decrypt(sealed: bytes, passphrase: str) -> bytes:
        if hashlib.sha256(sealed[:16] + passphrase.encode()).digest() != sealed[16:48]:
            raise pyrage.DecryptError("no")
        return sealed[48:]

    monkeypatch.setattr(pyrage.passphrase, "encrypt", encrypt)
    monkeypatch.setattr(pyrage.passphrase, "decrypt", decrypt)


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)


class Ring:
    """A ring on the disk, and how often its passphrase was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, 0
        self.path = folder / f"{SHOW}.age"

    def open(self, passphrase: str = PASSPHRASE) -> Keyring:
        def ask() -> str:
            self.asked += 1
            return passphrase

        return Keyring(self.folder, SHOW, ask)

    def plaintext(self) -> bytes:
        """What is inside, by age itself."""
        return bytes(pyrage.passphrase.decrypt(self.path.read_bytes(), PASSPHRASE))


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(tmp_path / "keys")


@pytest.mark.usefixtures("_quick", "no_umask")
def test_entries_go_in_come_out_and_are_gone(ring: Ring) -> None:
    """The life of two episodes' keys; the passphrase is asked for once, and the file is private."""
    kept, lost = Entry.fresh().with_draws((KIT, ASH)), Entry.fresh().with_draws((KIT,))
    opened = ring.open()
    opened.create()
    opened.put("kept", kept)
    opened.put("lost", lost)
    assert ring.asked == 1
    assert dict(ring.open().entries()) == {"kept": kept, "lost": lost}

    opened.remove("lost")
    opened.remove("lost")
    opened.forget_draws("kept")
    inside = ring.plaintext()

    assert set(json.loads(inside)["entries"]) == {"kept"}
    for secret in (lost.identity, lost.source, lost.mac, *kept.draws.values(), *lost.draws.values()):
        assert secret.encode() not in inside
    assert opened.entry("kept") == Entry(kept.identity, kept.mac, source=kept.source)
    for gone in (lambda: opened.entry("lost"), lambda: opened.forget_draws("lost")):
        with pytest.raises(IntegrityFailure, match="no key for this episode"):
            gone()
    assert ring.path.stat().st_mode & 0o777 == 0o600
    assert ring.folder.stat().st_mode & 0o777 == 0o700


def test_the_ring_is_sealed_by_scrypt_and_anew_each_time(ring: Ring) -> None:
    """age's own passphrase format; taking an entry out gives a fresh salt and a fresh key, and nobody's keys in clear."""
    entry = Entry.fresh()
    opened = ring.open()
    opened.create()
    before = ring.path.read_bytes()
    opened.put("a", entry)
    after = ring.path.read_bytes()

    assert before.startswith(b"age-encryption.org/v1\n-> scrypt ")
    assert before.split(b"\n")[1].split()[2] != after.split(b"\n")[1].split()[2]
    assert before.split(b"\n")[2] != after.split(b"\n")[2]
    assert entry.identity.encode() not in after
    assert set(json.loads(ring.plaintext())["entries"]) == {"a"}


def test_another_passphrase_opens_nothing_and_is_not_repeated(ring: Ring) -> None:
    """A refusal says neither the wrong passphrase nor the right one, nor where the ring lies."""
    ring.open().create()
    before = ring.path.read_bytes()
    with pytest.raises(IntegrityFailure) as caught:
        ring.open("another secret").put("a", Entry.fresh())

    for secret in ("another secret", PASSPHRASE, str(ring.folder)):
        assert secret not in str(caught.value)
    assert ring.path.read_bytes() == before


def test_a_busy_machine_is_not_called_a_wrong_passphrase(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """age measures anew each time what is too much work: it is asked again, and at last the machine is named, not the secret."""
    ring.open().create()
    waited: list[float] = []
    monkeypatch.setattr(keyring.time, "sleep", waited.append)
    data = ring.path.read_bytes()
    first, work, rest = data.split(b"\n", 2)
    (salt, _) = work.rsplit(b" ", 1)
    ring.path.write_bytes(b"\n".join((first, salt + b" 30", rest)))
    with pytest.raises(EnvironmentFailure, match="busy"):
        ring.open().entries()
    assert len(waited) == 4


def test_a_ring_that_is_missing_is_told_and_never_made_by_the_way(ring: Ring) -> None:
    """Nothing asks for the passphrase of a ring that is not there, and no empty ring takes its place."""
    opened = ring.open()
    for use in (lambda: opened.entry("a"), lambda: opened.put("a", Entry.fresh()), lambda: opened.remove("a")):
        with pytest.raises(IntegrityFailure, match="not on this machine"):
            use()
    opened.keep_audit_head("head")

    assert ring.asked == 0
    assert not ring.folder.exists()


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("inside", [b"{", b"[]", b'{"entries":{"a":{}}}', b'{"entries":{},"more":1}', b"\xff"])
def test_a_ring_that_holds_something_else_is_told(ring: Ring, inside: bytes) -> None:
    """A ring of another version, or no ring, is refused in a sentence."""
    ring.folder.mkdir()
    ring.path.write_bytes(pyrage.passphrase.encrypt(inside, PASSPHRASE))
    with pytest.raises(IntegrityFailure):
        ring.open().entries()


@pytest.mark.parametrize("data", [b"", b"no ring", b"age-encryption.org/v1\n", bytes(100)])
def test_a_damaged_ring_is_told(ring: Ring, data: bytes) -> None:
    """What is no age file gives no key and no traceback."""
    ring.folder.mkdir()
    ring.path.write_bytes(data)
    with pytest.raises(IntegrityFailure):
        ring.open().entries()


def test_a_ring_is_never_made_over_another(ring: Ring) -> None:
    """Making a show anew must not throw away the keys of the old one."""
    ring.path.parent.mkdir()
    ring.path.write_bytes(b"what opens everything")
    with pytest.raises(ValueError, match="over another"):
        ring.open().create()
    assert ring.path.read_bytes() == b"what opens everything"


ADDER = f"""
import sys
import time
from pathlib import Path
import pytest
from stablecast.store.keyring import Entry, Keyring
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_keyring
test_keyring.quick(pytest.MonkeyPatch())
sealed = test_keyring.pyrage.passphrase.encrypt
test_keyring.pyrage.passphrase.encrypt = lambda *given: time.sleep(0.3) or sealed(*given)
print("ready", flush=True)
sys.stdin.readline()
Keyring(Path(sys.argv[1]), {SHOW!r}, lambda: {PASSPHRASE!r}).put(sys.argv[2], Entry.fresh())
"""


@pytest.mark.usefixtures("_quick")
def test_two_commands_at_once_lose_nothing(ring: Ring) -> None:
    """Each reads what the other wrote before it writes, though writing takes its time."""
    ring.open().create()
    names = ("a", "b", "c")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", ADDER, str(ring.folder), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()

    for process in running:
        process.communicate(timeout=60)
    assert [process.returncode for process in running] == [0, 0, 0]
    assert set(ring.open().entries()) == set(names)


@pytest.mark.usefixtures("_quick")
def test_what_another_command_changed_is_seen(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read once is kept only as long as the file is the same."""
    one, two = ring.open(), ring.open()
    one.create()
    assert dict(two.entries()) == {}
    one.put("a", Entry.fresh())

    assert set(two.entries()) == {"a"}
    monkeypatch.setattr(pyrage.passphrase, "decrypt", lambda *_: pytest.fail("an unchanged ring was opened again"))
    two.entries()


def test_secrets_never_show_themselves() -> None:
    """An entry in a traceback or a log gives nothing away."""
    entry = Entry.fresh().with_draws((KIT,))

    for secret in (entry.identity, entry.mac, entry.draws[KIT], repr(entry.keys.mac)):
        assert secret not in f"{entry} {entry!r} {entry.keys}"


def test_draws_are_kept_made_and_dropped() -> None:
    """T75, T76: a speaker keeps the draw it has; every new one is its own."""
    entry = Entry.fresh().with_draws((KIT, ASH))
    other = entry.with_draws((KIT, Alias("Robin")))

    assert entry.draws[KIT] != entry.draws[ASH]
    assert all(len(bytes.fromhex(secret)) == 32 for secret in entry.draws.values())
    assert other.draws[KIT] == entry.draws[KIT]
    assert set(other.draws) == {KIT, "Robin"}


def test_the_copy_of_the_audit_head_is_kept_beside_the_ring(ring: Ring) -> None:
    """Outside the show folder, so that a log cut off there shows."""
    opened = ring.open()
    ring.folder.mkdir()
    ring.path.write_bytes(b"")
    assert opened.audit_head() == ""
    opened.keep_audit_head("a" * 64)

    assert ring.open().audit_head() == "a" * 64
    assert ring.asked == 0


def test_the_ring_lies_outside_the_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default in the user's own folder; beside a demo show; or where the environment names a place."""
    show = tmp_path / "show"
    show.mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert keyring.folder_for(show) == tmp_path / "data" / "stablecast" / "keyrings"
    (tmp_path / "show.keys").mkdir()
    assert keyring.folder_for(show) == tmp_path / "show.keys"
    monkeypatch.setenv(keyring.PLACE, str(tmp_path / "stick"))
    assert keyring.folder_for(show) == tmp_path / "stick"


def test_a_ring_that_could_not_be_written_is_told_before_anything_is_done(tmp_path: Path) -> None:
    """A trial writes and leaves nothing; where the folder takes no file, it is a sentence."""
    ring = Keyring(tmp_path / "keys", "a show", lambda: "correct horse")
    ring.create()
    before = sorted((tmp_path / "keys").iterdir())
    ring.check_writable()
    assert sorted((tmp_path / "keys").iterdir()) == before
    (tmp_path / "keys" / "a show.trial").mkdir()  # modes do not keep root out; a folder of that name does
    with pytest.raises(EnvironmentFailure):
        ring.check_writable()
