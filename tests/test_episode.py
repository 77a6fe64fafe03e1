"""What a show knows of one episode: its record, its sealed inputs, its receipts, and who may speak for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stablecast.engine.plan import Receipt
from stablecast.errors import IntegrityFailure, UsageRefused
from stablecast.model import Details, Digest, slug_of
from stablecast.store import accounts, episode, receipts
from stablecast.store.episode import Record
from stablecast.store.seal import EpisodeKeys, Stored
from stablecast.store.workspace import Workspace

SLUG, KEYS = slug_of("ep-1"), EpisodeKeys.fresh()
H = Digest("0" * 64)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "show")
    made.make()
    return made


def written(workspace: Workspace, title: str = "Title") -> Record:
    stored = episode.put_input(workspace, SLUG, "details", Details(title), KEYS)
    record = episode.with_inputs(Record(episode.FORMAT, "id"), stored)
    episode.write(workspace, SLUG, record)
    return record


def details(workspace: Workspace, record: Record, keys: EpisodeKeys = KEYS) -> Details:
    return episode.get_input(workspace, SLUG, record, "details", Details, keys)


def sealed(workspace: Workspace, record: Record) -> Path:
    return workspace.human(SLUG, f"details-{record.inputs['details'].digest[:16]}")


def test_a_record_comes_back_as_it_was_written(workspace: Workspace) -> None:
    """Names of inputs with a slash in them, too; a person can read it, and nothing in it tells who speaks."""
    stored = {"source/1": Stored(H, H), "source/2": Stored(H, H), "draw/1": Stored(H, H), "details": Stored(H, H)}
    record = Record(episode.FORMAT, 'an "id"', True, stored)
    episode.write(workspace, SLUG, record)

    assert episode.read(workspace, SLUG) == record
    assert record.tracks == 2


def test_blocks_are_those_of_the_recordings(workspace: Workspace) -> None:
    """Of each track its own; of turns in one recording that one's; one where nothing is noted."""
    stored = {"source/1": Stored(H, H), "source/2": Stored(H, H)}
    apart = Record(episode.FORMAT, "id", inputs=stored, divided={"2": 3})
    shared = Record(episode.FORMAT, "id", inputs={**stored, "turns": Stored(H, H)}, divided={"1": 2})
    for record, blocks in ((apart, (1, 3)), (shared, (2, 2)), (Record(1, "id", inputs=stored), (1, 1))):
        episode.write(workspace, SLUG, record)
        assert episode.read(workspace, SLUG) == record
        assert episode.read(workspace, SLUG).blocks == blocks


def test_an_input_comes_back(workspace: Workspace) -> None:
    """Through the record, under the key."""
    assert details(workspace, written(workspace)) == Details("Title")


def test_an_older_input_put_in_the_place_of_a_newer_is_refused(workspace: Workspace) -> None:
    """A real sealed file of the same kind, from the same episode, under the right key: still not the one in the record."""
    old, new = written(workspace, "Old"), written(workspace, "New")
    shutil.copy(sealed(workspace, old), sealed(workspace, new))
    with pytest.raises(IntegrityFailure, match="not the one"):
        details(workspace, new)


def test_an_input_that_is_missing_or_locked_is_told(workspace: Workspace) -> None:
    """No file, no entry in the record, no key: each in a sentence."""
    record = written(workspace)
    with pytest.raises(IntegrityFailure):
        details(workspace, record, EpisodeKeys.fresh())
    with pytest.raises(IntegrityFailure, match="lacks an input"):
        details(workspace, Record(episode.FORMAT, "id"))
    sealed(workspace, record).unlink()
    with pytest.raises(IntegrityFailure):
        details(workspace, record)


def test_a_record_cannot_lead_out_of_the_show(workspace: Workspace) -> None:
    """Its digests name files: one that was written by hand opens no other file."""
    for digest in ("/../../../../x", "../x"):
        with pytest.raises((ValueError, IntegrityFailure)):
            details(workspace, Record(episode.FORMAT, "id", False, {"details": Stored(Digest(digest), H)}))


def test_old_inputs_are_dropped_and_the_rest_stays(workspace: Workspace) -> None:
    """What the record no longer names is gone: nobody finds a name that was taken out of a title."""
    old, new = written(workspace, "Old"), written(workspace, "New")
    _, stored = episode.put_input(workspace, SLUG, "protected", episode.Protected(("name",)), KEYS)
    episode.drop_old_inputs(workspace, SLUG, new)

    assert not sealed(workspace, old).exists()
    assert details(workspace, new) == Details("New")
    assert workspace.human(SLUG, f"protected-{stored.digest[:16]}").exists()


def test_an_episode_that_is_not_there_or_of_another_format_is_told(workspace: Workspace) -> None:
    """Each in its own words, with what to do."""
    with pytest.raises(UsageRefused, match="no episode called ep-1"):
        episode.read(workspace, SLUG)
    episode.write(workspace, SLUG, Record(2, "id"))
    with pytest.raises(IntegrityFailure, match="newer"):
        episode.read(workspace, SLUG)


def test_a_damaged_record_is_told_with_its_line(workspace: Workspace) -> None:
    """episode.toml can be read, and mended, by a person."""
    written(workspace)
    path = workspace.episode(SLUG) / episode.RECORD
    path.write_text(path.read_text().replace("content_note = false", "content_note = 3"))
    with pytest.raises(IntegrityFailure, match=r"ep-1: episode.toml, line 4: content_note"):
        episode.read(workspace, SLUG)


# --- receipts ---------------------------------------------------------------------------------------------------------


def test_receipts_come_back_by_node(workspace: Workspace) -> None:
    """A stage of one track has a receipt of its own."""
    made = {key: Receipt(key, H, {"source/1": H}, H, H, "note") for key in ("transcribe/1", "transcribe/2", "tag")}
    for key, receipt in made.items():
        receipts.write(workspace.receipt(SLUG, key), receipt)

    assert receipts.read_all(workspace.episode(SLUG) / "receipts") == made


def test_no_receipts_are_none(workspace: Workspace) -> None:
    """An episode that never ran."""
    assert receipts.read_all(workspace.episode(SLUG) / "receipts") == {}


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"node":1}', b"\xff\xfe", b"null"])
def test_a_damaged_receipt_is_told(workspace: Workspace, data: bytes) -> None:
    """In a sentence that says what to do, never a traceback."""
    path = workspace.receipt(SLUG, "tag")
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    with pytest.raises(IntegrityFailure, match="ep-1: a receipt is damaged"):
        receipts.read_all(path.parent)


# --- who may speak ----------------------------------------------------------------------------------------------------


def test_a_password_matches_itself_alone_and_nobody_without_one() -> None:
    """Salted: two equal passwords are kept differently; an account that does not exist never matches."""
    kept = accounts.hashed("open sesame")

    assert accounts.matches("open sesame", kept)
    assert not accounts.matches("open sesame!", kept)
    assert not accounts.matches("", kept)
    assert not accounts.matches("open sesame", None)
    assert not accounts.matches("open sesame", "no hash")
    assert accounts.hashed("open sesame") != kept
    assert kept.startswith("$argon2id$")


def test_a_receipt_code_is_sixteen_digits_read_any_way() -> None:
    """Over the telephone, with or without pauses; in another show it is another code."""
    code = accounts.receipt_code()
    kept = accounts.receipt_hash(code, "show number one")

    assert len(code) == 19
    assert len(code.replace(" ", "")) == 16
    assert code.replace(" ", "").isdigit()
    assert accounts.receipt_hash(code.replace(" ", ""), "show number one") == kept
    assert accounts.receipt_hash(code.replace(" ", "-"), "show number one") == kept
    assert accounts.receipt_hash(code, "show number two") != kept
    assert code.replace(" ", "") not in kept
