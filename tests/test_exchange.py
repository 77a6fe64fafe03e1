"""Sealed files by way of a storage: what is not the very file is refused, and nothing but ciphertext lies there."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pytest

from remote import Bucket, Sshd, files_below, secret_file, wire
from stablecast import exchange
from stablecast.engine.pipeline import Production
from stablecast.engine.plan import Node, Receipt, key_of
from stablecast.engine.settings import ClusterParams, Settings, StingParams
from stablecast.errors import EnvironmentFailure, GateClosed, IntegrityFailure, StablecastError, UsageRefused
from stablecast.exchange import Parcel, Sender, Storage
from stablecast.model import Digest, Slug
from stablecast.store import episode, receipts, seal
from stablecast.store.episode import Record, Track, Tracks
from stablecast.store.seal import EpisodeKeys, Stored
from stablecast.store.workspace import Workspace
from stablecast.targets.params import TargetParams
from stablecast.targets.remote import Absent, Unreachable
from test_pipeline import PRODUCTION

SLUG = Slug("ep-001")
SAID = b"Amina lives in Leeds"
RUN = "5" * 32
RECIPE = Digest("ab" * 32)
NODE = Node("find", RECIPE, ("source/1", "tracks", "draw/1", "transcribe/1", "sting/opening"))
LONG = 2**20
PARTS = 20 * 2**20  # so much goes to a bucket in several parts


@dataclass
class Place:
    """A storage under test, and how to look at what lies there without it."""

    storage: Storage
    files: Callable[[], dict[PurePosixPath, bytes]]
    put: Callable[[str, bytes], None]
    remove: Callable[[str], None]


@pytest.fixture(params=["file", "s3", "sftp"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(exchange, "TRIES_S", (0.0, 0.0))
    if request.param == "file":
        there = tmp_path / "there"
        params = ClusterParams(storage=f"file://{there}")
        storage = exchange.storage(exchange.params_of(params), tmp_path / "show")
        yield Place(
            storage,
            lambda: files_below(there),
            lambda path, data: (there / path).write_bytes(data) and None,
            lambda path: (there / path).unlink(),
        )
        return
    (tmp_path / "server").mkdir()
    server = Bucket(tmp_path / "server") if request.param == "s3" else Sshd(tmp_path / "server")
    params = ClusterParams(**{PARAMS[name]: value for name, value in server.target(server.port).items()})
    storage = exchange.storage(exchange.params_of(params), tmp_path / "show")

    def remove(path: str) -> None:
        if isinstance(server, Sshd):
            (server.there / path).unlink()
        else:
            server.s3.delete_object(Bucket=server.name, Key=f"ours/show/{path}")

    yield Place(storage, server.files, server.put, remove)
    server.close()


PARAMS = {
    "url": "storage",
    "credentials": "storage_credentials",
    "host_key": "storage_host_key",
    "endpoint": "storage_endpoint",
    "region": "storage_region",
}


@dataclass
class Show:
    """An episode with something said in it, as far as one stage needs."""

    workspace: Workspace
    keys: EpisodeKeys
    production: Production
    known: Receipt


@pytest.fixture
def show(tmp_path: Path) -> Show:
    workspace, keys = Workspace(tmp_path / "show"), EpisodeKeys.fresh()
    workspace.make()
    source = seal.write_data(workspace.source(SLUG, 1), "source/1", seal.Nothing(), SAID * (LONG // len(SAID)), keys)
    tracks = episode.put_input(workspace, SLUG, "tracks", Tracks((Track("A", ("amina.wav",)),)), keys)  # type: ignore[arg-type]
    draw = Stored(keys.digest(b"draw"), keys.digest(b"draw"))
    episode.write(workspace, SLUG, Record(1, "id", inputs={"source/1": source, "draw/1": draw, **dict([tracks])}))
    inputs = {"source/1": source.digest}
    path = workspace.work(SLUG, "transcribe/1", key_of(RECIPE, inputs))
    stored = seal.write_data(path, "transcribe/1", seal.Nothing(), SAID, keys)
    known = Receipt("transcribe/1", RECIPE, inputs, stored.digest, stored.sealed)
    receipts.write(workspace.receipt(SLUG, "transcribe/1"), known)
    workspace.config("opening.mp3").write_bytes(SAID)
    sting = {"sting/opening": seal.fingerprint(workspace.config("opening.mp3"))}
    settings = replace(Settings(), stings=StingParams(opening="opening.mp3"))
    return Show(workspace, keys, replace(PRODUCTION, settings=settings, stings=sting), known)


@pytest.fixture
def sender(show: Show, place: Place, tmp_path: Path) -> Sender:
    (tmp_path / "ours").mkdir()
    made = Sender(place.storage, show.workspace, RUN, tmp_path / "ours", exchange.never)
    made.open()
    return made


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Where a worker may unpack."""
    (tmp_path / "desk").mkdir(mode=0o700)
    return tmp_path / "desk"


def made_by_a_worker(show: Show, place: Place, parcel: Parcel, desk: Path) -> Receipt:
    """What a worker does, with a stage that copies what it hears."""
    with exchange.unpacked(place.storage, SLUG, NODE, parcel, desk) as there:
        _, heard = seal.read_data(there.source(SLUG, 1), "source/1", seal.Nothing, show.keys)
        inputs = {name: Digest("cd" * 32) for name in NODE.inputs}
        stored = seal.write_data(
            there.work(SLUG, "find", key_of(RECIPE, inputs)), "find", seal.Nothing(), heard, show.keys
        )
        receipts.write(there.receipt(SLUG, "find"), Receipt("find", RECIPE, inputs, stored.digest, stored.sealed))
        return exchange.give(place.storage, there, SLUG, NODE, parcel)


def test_there_and_back(show: Show, place: Place, sender: Sender, desk: Path) -> None:
    """What a stage needs comes out as it went in, its result lies in the show with its receipt, and nothing else stays anywhere."""
    parcel = sender.parcel(SLUG, NODE, show.production)
    with exchange.unpacked(place.storage, SLUG, NODE, parcel, desk) as there:
        assert {p.relative_to(there.root) for p in there.root.rglob("*") if p.is_file()} == {
            p.relative_to(show.workspace.root)
            for p in show.workspace.root.rglob("*")
            if p.is_file() and not p.name.endswith(".lock")
        }
        for path in there.root.rglob("*"):
            ours = show.workspace.root / path.relative_to(there.root)
            assert path.stat().st_mode & 0o077 == 0
            assert path.is_dir() or path.read_bytes() == ours.read_bytes()
    assert list(desk.iterdir()) == []

    receipt = made_by_a_worker(show, place, parcel, desk)
    sender.take(SLUG, NODE, parcel, receipt)
    assert receipts.read_all(show.workspace.receipts(SLUG))["find"] == receipt
    made = show.workspace.work(SLUG, "find", receipt.key)
    assert seal.fingerprint(made) == receipt.sealed
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert [p.name for p in made.parent.iterdir()] == [made.name]
    assert list(desk.iterdir()) == []

    assert exchange.lasts(place.storage, RUN, desk)
    assert sender.close() == ()
    assert place.files() == {}
    assert not exchange.lasts(place.storage, RUN, desk)


def test_in_the_storage_lies_ciphertext_alone(show: Show, place: Place, sender: Sender, desk: Path) -> None:
    """No word, no key, no slug, no name of a file or stage: names are random or fingerprints of what is sealed."""
    parcel = sender.parcel(SLUG, NODE, show.production)
    made_by_a_worker(show, place, parcel, desk)
    found = place.files()
    assert len(found) == 6  # recording, tracks, transcript, sting, result, and what shows that the run lasts
    for path, data in found.items():
        assert data == RUN.encode() or data.startswith(b"age-encryption.org/v1\n")
        for clear in (SAID, b"AGE-SECRET", b"ep-001", b"amina", b"transcribe", b"opening"):
            assert clear.lower() not in data.lower()
            assert clear.decode().lower() not in path.as_posix().lower()


def test_what_is_there_is_not_sent_again(show: Show, place: Place, sender: Sender, desk: Path) -> None:
    """A second stage of an episode finds what the first one needed, and a result that was fetched stays for those after it."""
    before = sender.parcel(SLUG, NODE, show.production)
    name = next(path for path, data in place.files().items() if len(data) > LONG)
    place.put(name.as_posix(), b"marked")
    assert sender.parcel(SLUG, NODE, show.production) == before
    assert place.files()[name] == b"marked"


def _missing(place: Place, name: str) -> None:
    place.remove(name)


def _truncated(place: Place, name: str) -> None:
    place.put(name, place.files()[PurePosixPath(name)][:-1])


def _swapped(place: Place, name: str) -> None:
    others = [data for path, data in place.files().items() if path.as_posix() != name]
    place.put(name, max(others, key=len))


@pytest.mark.slow
@pytest.mark.parametrize("harm", [_missing, _truncated, _swapped])
def test_what_is_not_the_very_file_is_refused(
    show: Show, place: Place, sender: Sender, desk: Path, harm: Callable[[Place, str], None]
) -> None:
    """Each file on its way to the worker, and the result on its way back: nothing is made of it, and the show stays as it was."""
    parcel = sender.parcel(SLUG, NODE, show.production)
    whole = place.files()
    for path in [path for path in whole if path.name != exchange.PASSPORT]:
        harm(place, path.as_posix())
        with (
            pytest.raises((IntegrityFailure, Absent)) as refused,
            exchange.unpacked(place.storage, SLUG, NODE, parcel, desk),
        ):
            pytest.fail("it was taken for the right one")
        assert path.name not in str(refused.value)
        assert list(desk.iterdir()) == []
        place.put(path.as_posix(), whole[path])
    receipt = made_by_a_worker(show, place, parcel, desk)
    harm(place, parcel.place(receipt.sealed).as_posix())
    before = files_below(show.workspace.root)
    with pytest.raises((IntegrityFailure, Absent)):
        sender.take(SLUG, NODE, parcel, receipt)
    assert files_below(show.workspace.root) == before


@pytest.fixture
def quick(tmp_path: Path) -> Storage:
    return exchange.storage(TargetParams(f"file://{tmp_path / 'there'}"), tmp_path / "show")


@pytest.fixture
def at_hand(show: Show, quick: Storage, tmp_path: Path) -> Sender:
    (tmp_path / "ours").mkdir()
    return Sender(quick, show.workspace, RUN, tmp_path / "ours", exchange.never)


def test_a_damaged_file_of_the_show_is_not_sent(show: Show, at_hand: Sender, tmp_path: Path) -> None:
    """The sentence is that of a run on one machine: it is the show that has to be restored, not the storage."""
    source = show.workspace.source(SLUG, 1)
    source.write_bytes(source.read_bytes()[:-1])
    with pytest.raises(IntegrityFailure, match="restore the show"):
        at_hand.parcel(SLUG, NODE, show.production)
    assert files_below(tmp_path / "there") == {}


@pytest.mark.parametrize("wrong", [{"node": "redact"}, {"recipe": "ef" * 32}, {"inputs": {}}])
def test_a_result_of_something_else_is_refused(
    show: Show, at_hand: Sender, quick: Storage, desk: Path, wrong: dict[str, object]
) -> None:
    parcel = at_hand.parcel(SLUG, NODE, show.production)
    place = Place(quick, dict, lambda *_: None, lambda *_: None)
    receipt = made_by_a_worker(show, place, parcel, desk)
    before = files_below(show.workspace.root)
    with pytest.raises(IntegrityFailure, match="something else"):
        at_hand.take(SLUG, NODE, parcel, replace(receipt, **wrong))  # type: ignore[arg-type]
    assert files_below(show.workspace.root) == before


def test_nothing_is_made_of_an_episode_that_is_gone(show: Show, at_hand: Sender, quick: Storage, desk: Path) -> None:
    """Destroyed while a worker had it: its result does not come back, and what lay in the storage goes."""
    parcel = at_hand.parcel(SLUG, NODE, show.production)
    receipt = made_by_a_worker(show, Place(quick, dict, lambda *_: None, lambda *_: None), parcel, desk)
    (show.workspace.episode(SLUG) / episode.RECORD).unlink()
    with pytest.raises(UsageRefused):
        at_hand.take(SLUG, NODE, parcel, receipt)
    assert not list(show.workspace.root.rglob(f"{receipt.key[:16]}*"))
    at_hand.forget(SLUG)
    with pytest.raises(Absent), exchange.unpacked(quick, SLUG, NODE, parcel, desk):
        pytest.fail("it is there")


def test_what_a_killed_run_left_goes_with_the_next(show: Show, at_hand: Sender, quick: Storage, tmp_path: Path) -> None:
    """Its name lies in the show; a worker that was killed leaves nothing either once the next stage begins."""
    at_hand.open()
    at_hand.parcel(SLUG, NODE, show.production)
    show.workspace.run.write_text(RUN)
    (tmp_path / "there" / "others").write_bytes(b"somebody's own")
    Sender(quick, show.workspace, "6" * 32, tmp_path / "ours", exchange.never).sweep()
    assert files_below(tmp_path / "there") == {PurePosixPath("others"): b"somebody's own"}


def test_what_a_killed_worker_left_goes_with_the_next_stage(
    show: Show, at_hand: Sender, quick: Storage, desk: Path
) -> None:
    parcel = at_hand.parcel(SLUG, NODE, show.production)
    (desk / "tmpold" / "episodes").mkdir(parents=True)
    (desk / "tmpold" / "episodes" / "1.age").write_bytes(b"old")
    with exchange.unpacked(quick, SLUG, NODE, parcel, desk):
        assert len(list(desk.iterdir())) == 1
        assert not (desk / "tmpold").exists()


def test_a_parcel_shows_no_secret(show: Show, at_hand: Sender) -> None:
    """A log that prints arguments prints neither the run's key nor the record."""
    shown = repr(at_hand.parcel(SLUG, NODE, show.production))
    assert "AGE-SECRET" not in shown
    assert "format = 1" not in shown


def test_a_storage_must_lie_outside_the_show(tmp_path: Path) -> None:
    with pytest.raises(UsageRefused, match="outside"):
        exchange.storage(TargetParams(f"file://{tmp_path}/show/there"), tmp_path / "show")
    (tmp_path / ".git").mkdir()
    storage = exchange.storage(TargetParams(f"file://{tmp_path}/there"), tmp_path / "show")
    with pytest.raises(GateClosed, match="repository"):
        exchange.lasts(storage, RUN, tmp_path)


@pytest.mark.parametrize("address", ["there", "s3://", "sftp://me:secret@host/folder"])
def test_an_address_that_is_none_is_refused_by_the_options_name(address: str) -> None:
    with pytest.raises(UsageRefused, match="--storage") as refused:
        exchange.params_of(ClusterParams(storage=address))
    assert "secret" not in str(refused.value)


def test_a_connection_that_breaks_off_is_made_again(
    show: Show, tmp_path: Path, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut in the middle of a recording: sent again it is whole; cut for good, a sentence that says neither who nor where."""
    monkeypatch.setattr(exchange, "TRIES_S", (0.0, 0.2))
    keys, record = show.keys, episode.read(show.workspace, SLUG)
    source = seal.write_data(show.workspace.source(SLUG, 1), "source/1", seal.Nothing(), bytes(PARTS), keys)
    episode.write(show.workspace, SLUG, episode.with_inputs(record, ("source/1", source)))
    bucket = Bucket(tmp_path)
    try:
        with wire(bucket.port) as line:
            target = {PARAMS[name]: value for name, value in bucket.target(line.port).items()}
            storage = exchange.storage(exchange.params_of(ClusterParams(**target)), tmp_path / "show")
            (tmp_path / "ours").mkdir()

            def mended() -> None:
                if line.is_cut:
                    line.cut(None)

            cut = Sender(storage, show.workspace, RUN, tmp_path / "ours", exchange.never)
            line.cut(PARTS // 2)
            with pytest.raises(Unreachable) as refused:
                cut.parcel(SLUG, NODE, show.production)
            assert "127.0.0.1" not in str(refused.value)
            assert refused.value.exit_code == EnvironmentFailure.exit_code

            opened = exchange.remote.opened

            def once(*given: object, **more: object) -> object:
                mended()
                return opened(*given, **more)  # type: ignore[arg-type]

            line.cut(PARTS // 2)
            monkeypatch.setattr(exchange.remote, "opened", once)
            parcel = cut.parcel(SLUG, NODE, show.production)
            with exchange.unpacked(storage, SLUG, NODE, parcel, desk) as there:
                assert seal.fingerprint(there.source(SLUG, 1)) == seal.fingerprint(show.workspace.source(SLUG, 1))
            assert cut.close() == ()
            assert bucket.files() == {}
            assert not bucket.s3.list_multipart_uploads(Bucket=bucket.name).get("Uploads")
    finally:
        bucket.close()


def test_secrets_come_from_a_file_of_the_owners_alone(tmp_path: Path) -> None:
    """Refused with the option's way out, and without the secret."""
    file = Path(secret_file(tmp_path / "s3.toml", 'key = "key"\nsecret = "hunter2secret"\n'))
    params = TargetParams("s3://bucket/folder", credentials=str(file))
    assert "hunter2secret" not in repr(exchange.storage(params, tmp_path / "show"))
    file.chmod(0o644)
    with pytest.raises(StablecastError, match="chmod 600") as refused:
        exchange.storage(params, tmp_path / "show")
    assert "hunter2secret" not in str(refused.value)
