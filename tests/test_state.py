"""The facts of a show: what is written is read, all or nothing, and what is withdrawn leaves no word behind."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest

from stablecast.engine.audit import first_broken
from stablecast.errors import EnvironmentFailure, IntegrityFailure, Locked
from stablecast.model import Approval, Digest, Item, Method, Role, slug_of
from stablecast.store import state as state_module
from stablecast.store.state import (
    FORMAT,
    Account,
    Consent,
    CutRow,
    EpisodeRow,
    FormRow,
    HoldRow,
    LinkRow,
    ListeningRow,
    ReleaseRow,
    State,
    WishRow,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
H1, H2 = Digest("1" * 64), Digest("2" * 64)
TITLE = "A title nobody may find again"
PEOPLE = tuple(Account(f"id-{role}", f"name-{role}", (role,), "argon2") for role in Role)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stablecast.sqlite"


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    with State.create(path, show_id="show", demo=False) as made:
        yield made


@pytest.fixture
def row(state: State) -> EpisodeRow:
    return state.add_episode(slug_of("ep-1"), "f" * 32)


def cut(digest: Digest = H1, at: datetime = NOW, producer: str = "id-producer") -> CutRow:
    return CutRow(digest, 1, Method.NORMALISE, producer, "m", at)


def release(row: EpisodeRow, digest: Digest = H1, body: str | None = TITLE) -> ReleaseRow:
    return ReleaseRow(row.id, digest, date(2026, 3, 4), NOW, body, "head")


def facts(state: State) -> object:
    """Everything there is."""
    by_episode = [
        (state.consents(e.id), state.cut(e.id), state.approvals(e.id, H1), state.approvals(e.id, H2))
        for e in state.episodes()
    ]
    return (
        (state.show, state.accounts(), state.episodes(), by_episode, state.releases(), state.live_releases()),
        (state.withdrawals(), state.tree(), state.swap_due(), state.audit()),
    )


def test_facts_come_back_from_the_disk_as_they_were_given(state: State, path: Path, row: EpisodeRow) -> None:
    """Accounts, consent, cut, approvals, release, tree and log, read by another command."""
    consent = Consent(1, (Item.RECORDING, Item.PAGE), "receipt", NOW, b"\0sealed")
    approval = Approval(Role.REVIEWER, "id-reviewer", H1, NOW + timedelta(microseconds=1))
    for account in PEOPLE:
        state.add_account(account)
    state.add_consent(row.id, consent)
    state.add_cut(row.id, cut())
    state.add_approval(row.id, approval)
    state.add_release(release(row))
    state.set_tree({PurePosixPath("media/a.mp3"): H1})
    token = state.make_swap_due()
    state.set_podcast_guid("first")
    state.set_podcast_guid("second")
    entry = state.log(NOW, "operator", "published", row.id, H1)

    with State(path) as again:
        assert (again.show.id, again.show.demo, again.show.podcast_guid) == ("show", False, "first")
        assert set(again.accounts()) == set(PEOPLE)
        assert again.consents(row.id) == (consent,)
        assert again.cut(row.id) == again.cut_by(row.id, H1) == cut()
        assert again.approvals(row.id, H1) == (approval,)
        assert again.releases() == again.live_releases() == (release(row),)
        assert again.tree() == {PurePosixPath("media/a.mp3"): H1}
        assert again.swap_due() == token
        assert again.audit_head == entry.hash
        assert again.audit() == (entry,)
        assert facts(again) == facts(state)


def test_episodes_are_named_at_random_within_and_without(state: State, row: EpisodeRow) -> None:
    """No name of an episode tells anything, and each is its own."""
    other = state.add_episode(slug_of("ep-2"), "e" * 32)

    assert (row.number, other.number) == (1, 2)
    assert len({row.id, other.id, row.guid, other.guid}) == 4
    assert state.episode(slug_of("ep-1")) == row
    assert state.episode(slug_of("ep-3")) is None


def test_the_newest_cut_counts(state: State, row: EpisodeRow) -> None:
    """Freezing other bytes makes a new cut; freezing the first bytes again makes those the newest once more."""
    state.add_cut(row.id, cut(H1, NOW))
    state.add_cut(row.id, cut(H2, NOW + timedelta(hours=1)))
    assert state.cut(row.id) == cut(H2, NOW + timedelta(hours=1))
    state.add_cut(row.id, cut(H1, NOW + timedelta(hours=2), producer="other"))
    assert state.cut(row.id) == cut(H1, NOW + timedelta(hours=2), producer="other")


def test_the_database_itself_refuses_a_second_yes_and_a_yes_to_nothing(state: State, row: EpisodeRow) -> None:
    """One approval a role and cut, of a cut there is, by somebody there is."""
    state.add_account(PEOPLE[0])
    state.add_cut(row.id, cut())
    yes = Approval(Role.YOUNG_PERSON, PEOPLE[0].id, H1, NOW)
    state.add_approval(row.id, yes)
    for bad in (yes, Approval(Role.LEAD, PEOPLE[0].id, H2, NOW), Approval(Role.LEAD, "nobody", H1, NOW)):
        with pytest.raises(sqlite3.IntegrityError):
            state.add_approval(row.id, bad)
    assert state.approvals(row.id, H1) == (yes,)


# --- elsewhere --------------------------------------------------------------------------------------------------------


def test_what_lies_elsewhere_is_remembered_until_it_is_gone(state: State, path: Path, row: EpisodeRow) -> None:
    """Only a place that has a file of the episode has to lose it; only the newest change of facts settles it."""
    media, other = PurePosixPath(f"media/{row.public_id}-1.mp3"), PurePosixPath("media/other.mp3")
    for url in ("s3://a/x", "s3://b/x"):
        state.add_remote(url, "web")
    state.add_remote("s3://a/x", "bucket")
    state.set_remote_file("s3://a/x", media, "")
    state.set_remote_file("s3://a/x", media, H1)
    state.set_remote_file("s3://b/x", other, H2)
    with State(path) as again:
        assert [(r.url, r.name, r.due) for r in again.remotes()] == [
            ("s3://a/x", "bucket", ""),
            ("s3://b/x", "web", ""),
        ]
        assert again.remote_files("s3://a/x") == {media: H1}
        again.make_remote_due(row.public_id)
        first = again.remote_due("s3://a/x")
        assert first
        assert again.remote_due("s3://b/x") == again.remote_due("s3://nowhere/") == ""
        again.remote_failed("s3://a/x", NOW)
        again.remote_failed("s3://a/x", NOW + timedelta(seconds=9))
    bucket, _ = state.remotes()
    assert (bucket.failed_before, bucket.failed_at) == (NOW, NOW + timedelta(seconds=9))
    state.make_remote_due(row.public_id)
    assert state.settle_remote("s3://a/x", first) is False
    assert state.settle_remote("s3://a/x", state.remote_due("s3://a/x")) is True
    state.drop_remote_file("s3://a/x", media)
    assert state.remote_files("s3://a/x") == {}
    state.forget_remote("s3://b/x")
    assert [r.url for r in state.remotes()] == ["s3://a/x"]


def test_a_place_of_copies_is_seen_to_once(state: State, row: EpisodeRow) -> None:
    """The first who says so counts, and opening the list again opens nothing again."""
    state.open_places(row.id, ("apps", "search"))
    assert state.close_place(row.id, "search", "operator", NOW) is True
    assert state.close_place(row.id, "search", "id-lead", NOW + timedelta(days=1)) is False
    assert state.close_place(row.id, "elsewhere", "operator", NOW) is False
    state.open_places(row.id, ("apps", "search", "films"))
    assert [(p.place, p.done_at, p.done_by) for p in state.places(row.id)] == [
        ("apps", None, None),
        ("search", NOW, "operator"),
        ("films", None, None),
    ]


# --- withdrawal -------------------------------------------------------------------------------------------------------


def test_withdrawing_twice_is_withdrawing_once(state: State, row: EpisodeRow) -> None:
    """The first counts, the second does no harm, and the words are gone after either."""
    state.add_release(release(row))

    assert state.withdraw(row.id, "receipt", NOW) is True
    assert state.withdraw(row.id, "operator", NOW + timedelta(days=1)) is False
    assert state.withdrawals() == {row.id: "receipt"}
    assert state.live_releases() == ()
    assert [r.body for r in state.releases()] == [None]


def test_a_withdrawn_title_is_in_no_byte_of_the_database(state: State, path: Path, row: EpisodeRow) -> None:
    """Deleted words are overwritten, also long ones that fill pages of their own."""
    state.add_release(release(row, body=TITLE + " and many words" * 2_000))
    assert TITLE.encode() in path.read_bytes()
    state.withdraw(row.id, "receipt", NOW)

    assert TITLE.encode() not in path.read_bytes()
    assert b"and many words" not in path.read_bytes()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_without_overwriting_the_title_would_still_be_there(state: State, path: Path, row: EpisodeRow) -> None:
    """The test above bites: SQLite leaves deleted words in place unless it is told not to."""
    state.add_release(release(row, body=TITLE + " and many words" * 2_000))
    state._db.execute("PRAGMA secure_delete=OFF")
    state.withdraw(row.id, "receipt", NOW)

    assert b"and many words" in path.read_bytes()


def test_a_new_release_wipes_the_words_of_the_old_one(state: State, path: Path, row: EpisodeRow) -> None:
    """What was corrected is gone from the database too."""
    state.add_release(release(row))
    state.add_release(release(row, H2, "other words"))

    assert [r.digest for r in state.live_releases()] == [H2]
    assert TITLE.encode() not in path.read_bytes()


def test_a_withdrawal_is_whole_or_not_at_all(state: State, row: EpisodeRow) -> None:
    """Dying between wiping and recording leaves the release as it was: no episode vanishes without a withdrawal."""
    state.add_release(release(row))
    state._db.execute("CREATE TRIGGER die BEFORE INSERT ON withdrawal BEGIN SELECT RAISE(ABORT, 'power cut'); END")
    with pytest.raises(sqlite3.IntegrityError):
        state.withdraw(row.id, "receipt", NOW)

    assert state.live_releases() == (release(row),)


def test_a_release_is_whole_or_not_at_all(state: State, row: EpisodeRow) -> None:
    """Dying between wiping the old words and writing the new ones leaves the old release standing."""
    state.add_release(release(row))
    state._db.execute("CREATE TRIGGER die BEFORE INSERT ON release BEGIN SELECT RAISE(ABORT, 'power cut'); END")
    with pytest.raises(sqlite3.IntegrityError):
        state.add_release(release(row, H2))

    assert state.live_releases() == (release(row),)


# --- transactions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [ValueError("a bug"), KeyboardInterrupt()])
def test_what_fails_inside_a_transaction_changes_nothing(
    state: State, path: Path, row: EpisodeRow, failure: BaseException
) -> None:
    """All or nothing, whatever ends it, and also for the methods that have a transaction of their own."""
    state.add_release(release(row))
    before = facts(state)
    with pytest.raises(type(failure)), state.transaction():  # noqa: PT012 - the block is what is tested
        state.add_account(PEOPLE[0])
        state.withdraw(row.id, "receipt", NOW)
        state.set_tree({PurePosixPath("a"): H1})
        state.log(NOW, "operator", "withdrawn", row.id)
        raise failure

    assert facts(state) == before
    with State(path) as again:
        assert facts(again) == before


def test_nobody_sees_half_of_a_transaction(state: State, path: Path, row: EpisodeRow) -> None:
    """Another command reads the facts as they were until all of it is done."""
    with State(path) as other:
        with state.transaction():
            state.withdraw(row.id, "receipt", NOW)
            assert other.withdrawals() == {}
        assert other.withdrawals() == {row.id: "receipt"}


def test_a_second_writer_waits_and_is_then_told(state: State, path: Path) -> None:
    """Two commands at once: the second is told that it is locked, not that the database is damaged."""
    with State(path) as other, state.transaction():
        other._db.execute("PRAGMA busy_timeout=50")
        with pytest.raises(Locked), other.transaction():
            pass


def test_a_second_writer_gets_its_turn(state: State, path: Path) -> None:
    """Waiting is enough when the first is quick."""
    begun = threading.Event()

    def first() -> None:
        with State(path) as other, other.transaction():
            begun.set()
            other.log(NOW, "operator", "one")
            threading.Event().wait(0.2)

    thread = threading.Thread(target=first)
    thread.start()
    begun.wait(10)
    state.log(NOW, "operator", "two")
    thread.join()

    assert [entry.action for entry in state.audit()] == ["one", "two"]
    assert first_broken(state.audit()) is None


# --- what the disk does -----------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_changes_nothing(state: State, row: EpisodeRow) -> None:
    """No room in the database is a fault of the machine (7), not a bug and not damage: withdrawing depends on it."""
    pages = state._db.execute("PRAGMA page_count").fetchone()[0]
    state._db.execute(f"PRAGMA max_page_count={pages}")
    before = facts(state)
    with pytest.raises(EnvironmentFailure, match="disk"):
        state.add_release(release(row, body="x" * 100_000))
    with pytest.raises(EnvironmentFailure, match="disk"), state.transaction():
        state.add_release(release(row, body="x" * 100_000))

    assert facts(state) == before


@pytest.mark.parametrize("damage", ["garbage", "half", "empty", "no page"])
def test_a_damaged_database_is_told(state: State, path: Path, row: EpisodeRow, damage: str) -> None:
    """What SQLite cannot read is told in a sentence with the exit code for damage; no traceback."""
    state.add_release(release(row, body="x" * 20_000))
    state.close()
    data = path.read_bytes()
    path.write_bytes(
        {
            "garbage": b"no database" * 1000,
            "half": data[: len(data) // 2],
            "empty": b"",
            "no page": data[:4096] + bytes(len(data) - 4096),
        }[damage]
    )
    with pytest.raises(IntegrityFailure, match="damaged"), State(path) as broken:
        facts(broken)


def test_a_missing_database_is_not_made_by_the_way(tmp_path: Path) -> None:
    """Opening what is not there makes nothing: an empty show would look like a withdrawn one."""
    with pytest.raises(EnvironmentFailure):
        State(tmp_path / "a b?c%20.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_any_name_of_a_folder_will_do(tmp_path: Path, no_umask: None) -> None:
    """Question marks and percent signs in a path are no part of an address; the file is private."""
    path = tmp_path / "a b?c%20#.sqlite"
    State.create(path, show_id="x", demo=True).close()
    with State(path) as state:
        assert state.show.demo
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_database_is_never_made_over_another(state: State, path: Path) -> None:
    """The facts of a show are made once."""
    with pytest.raises(ValueError, match="over another"):
        State.create(path, show_id="other", demo=False)
    assert state.show.id == "show"


def test_the_database_has_no_column_for_a_name_of_a_young_person(state: State) -> None:
    """What it can hold is listed; a new column has to be thought about (I14)."""
    assert state.columns() - {"sqlite_sequence.name", "sqlite_sequence.seq"} == State.known_columns() - {
        "sqlite_sequence.name",
        "sqlite_sequence.seq",
    }
    names = {column.partition(".")[2] for column in state.columns()}
    assert not names & {"title", "summary", "speaker", "alias", "words", "birthday", "email", "contact"}


def test_passwords_and_receipts_never_show_themselves(row: EpisodeRow) -> None:
    """Neither their hashes nor sealed bytes belong in a traceback."""
    shown = repr((PEOPLE[0], Consent(1, (), "receipt-hash", NOW, b"sealed-bytes"), release(row)))

    for secret in ("argon2", "receipt-hash", "sealed-bytes", TITLE):
        assert secret not in shown


def test_only_the_newest_change_settles_what_is_due(tmp_path: Path) -> None:
    """Who shows an older state of the facts has not shown the newest: a withdrawal meanwhile stays due."""
    with State.create(tmp_path / "db", show_id="show", demo=False) as state:
        older = state.make_swap_due()
        newest = state.make_swap_due()

        assert not state.settle(older)
        assert state.swap_due() == newest
        assert state.settle(newest)
        assert state.swap_due() == ""


# --- reviewing --------------------------------------------------------------------------------------------------------


def peopled(state: State, row: EpisodeRow) -> None:
    for account in PEOPLE:
        state.add_account(account)
    state.add_cut(row.id, cut())


def test_what_a_review_leaves_behind_comes_back(state: State, path: Path, row: EpisodeRow) -> None:
    """Link, listening, answers, wish, hold and receipt, read by another command."""
    peopled(state, row)
    link = LinkRow("l1", row.id, "id-young-person", "t" * 64, NOW, NOW + timedelta(days=14), companion=True)
    heard = ListeningRow(H1, "id-reviewer", NOW, ((0, 4000), (9000, 12_500)), 11_000)
    form = FormRow(H1, Role.REVIEWER, "id-reviewer", NOW, b"sealed answers")
    wish = WishRow(H1, "change", NOW, "id-young-person", Role.YOUNG_PERSON, b"sealed words")
    state.add_link(link)
    state.set_listening(row.id, ListeningRow(H1, "id-reviewer", NOW, ((0, 1),), 1))
    state.set_listening(row.id, heard)
    state.add_form(row.id, form)
    state.add_wish(row.id, wish)
    state.add_hold(row.id, HoldRow(NOW, "id-lead", "lead"))
    state.add_receipt(row.id, "a hash", NOW)

    with State(path) as again:
        assert again.link(token="t" * 64) == link
        assert again.listening(row.id, H1, "id-reviewer") == heard
        assert (again.forms(row.id, H1), again.wishes(row.id, H1)) == ((form,), (wish,))
        assert again.holds(row.id) == (HoldRow(NOW, "id-lead", "lead"),)
        assert again.receipts(row.id) == ("a hash",)
        assert (again.listening(row.id, H2, "id-reviewer"), again.forms(row.id, H2)) == (None, ())


def test_a_link_is_used_once(state: State, row: EpisodeRow) -> None:
    """The second who opens it is told; the session of the first stays."""
    peopled(state, row)
    state.add_link(LinkRow("l1", row.id, "id-young-person", "t", NOW, NOW + timedelta(days=14)))

    assert state.open_link("l1", "first", NOW)
    assert not state.open_link("l1", "second", NOW)
    assert state.link(session="second") is None
    found = state.link(session="first")
    assert found is not None
    assert found.opened_at == NOW


def test_a_hold_takes_the_release_down_and_lifting_it_does_not_put_it_back(state: State, row: EpisodeRow) -> None:
    """Reversible only by a new release, for which everybody has said yes again."""
    peopled(state, row)
    state.add_release(release(row))

    assert state.add_hold(row.id, HoldRow(NOW - timedelta(days=9), "operator", ""))  # whatever its clock says
    assert not state.add_hold(row.id, HoldRow(NOW, "operator", ""))
    assert (state.live_releases(), state.stopped()) == ((), {row.id})
    assert state.lift(row.id, "id-lead", NOW)
    assert not state.lift(row.id, "id-lead", NOW)
    assert (state.live_releases(), state.stopped()) == ((), frozenset())
    assert [hold.was_public for hold in state.holds(row.id)] == [True]

    state.add_release(release(row, H2))
    assert [live.digest for live in state.live_releases()] == [H2]


def older(path: Path) -> None:
    """A database of format 1 with an episode that two people have approved."""
    db = sqlite3.connect(path)
    db.executescript((Path(__file__).parent / "format1.sql").read_text())
    at = NOW.isoformat(timespec="microseconds")
    db.execute("INSERT INTO show (id, format, demo) VALUES ('show', 1, 0)")
    for account in PEOPLE:
        db.execute(
            "INSERT INTO account VALUES (?, ?, ?, 'argon2')", (account.id, account.name, f'["{account.roles[0]}"]')
        )
    db.execute("INSERT INTO episode VALUES (1, 'e', 'ep-1', 'p', 'g')")
    db.execute("INSERT INTO cut VALUES ('e', ?, 1, 'normalise', NULL, 'm', ?)", (H1, at))
    for role in (Role.REVIEWER, Role.YOUNG_PERSON):  # not by name
        db.execute("INSERT INTO approval VALUES ('e', ?, ?, ?, ?)", (H1, role, f"id-{role}", at))
    db.commit()
    db.close()


def test_an_older_database_is_brought_up_with_all_it_holds(path: Path) -> None:
    """Format 1: the same columns as a new one, every approval in its order, and the same again when it is opened again."""
    older(path)
    for _ in range(2):
        with State(path) as state:
            assert state.columns() - {"sqlite_sequence.name", "sqlite_sequence.seq"} == State.known_columns() - {
                "sqlite_sequence.name",
                "sqlite_sequence.seq",
            }
            given = state.approvals("e", H1)
            assert [approval.role for approval in given] == [Role.REVIEWER, Role.YOUNG_PERSON]
            assert state.accounts() == tuple(sorted(PEOPLE, key=lambda account: account.name))
    with State(path) as state:
        state.add_approval("e", Approval(Role.REVIEWER, "id-reviewer", H1, NOW + timedelta(days=8)))  # after a hold
        with pytest.raises(sqlite3.IntegrityError):
            state.add_approval("e", Approval(Role.LEAD, "id-lead", H2, NOW))  # a yes to nothing


def test_an_upgrade_that_breaks_off_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All or nothing: the old database is there for another try."""
    older(path)
    before = path.read_bytes()
    with monkeypatch.context() as broken:
        broken.setitem(state_module._UPGRADES, FORMAT, state_module._UPGRADES[FORMAT] + "CREATE TABLE show (id TEXT);")
        with pytest.raises(IntegrityFailure):
            State(path)
    assert path.read_bytes() == before
    with State(path) as state:
        assert len(state.approvals("e", H1)) == 2


def test_a_newer_database_is_left_alone(state: State, path: Path) -> None:
    """What a newer version wrote is not for this one to change."""
    with sqlite3.connect(path) as db:
        db.execute("UPDATE show SET format = ?", (FORMAT + 1,))
    with pytest.raises(IntegrityFailure, match="newer"):
        State(path)
