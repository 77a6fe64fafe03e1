"""Withdrawn, destroyed, kept so long: what is gone stays gone, and no wrong clock destroys anything.

On a real show with real facts and sealed files; only age's passphrase sealing, slow by design, is stood in for.
"""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk import EPISODE, PASSPHRASE, PASSWORD, Desk, made
from stablecast.cli.keeping import REASONS
from stablecast.engine.retention import DAY_S, WEEKEND_S, Counted, Keeping, RetentionParams, Term, counted
from stablecast.errors import EnvironmentFailure, GateClosed, IntegrityFailure, UsageRefused
from stablecast.model import Alias, Role
from stablecast.store import gone as gone_lists
from stablecast.store import seal
from stablecast.store.keyring import DESTROYED, Entry
from stablecast.store.state import State
from stablecast.studio import keeping, release
from stablecast.studio.intake import Additions, SealedPerson
from stablecast.studio.keeping import Reason
from stablecast.studio.studio import Studio
from test_keyring import quick

TITLE = b"A talk"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)
    monkeypatch.setattr(release.time, "sleep", lambda _: None)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    with pytest.MonkeyPatch.context() as patched:
        quick(patched)
        return made(tmp_path_factory.mktemp("kept"), 10, demo=True)


@pytest.fixture
def desk(whole: Desk, tmp_path: Path) -> Desk:
    """A show of its own with one frozen episode."""
    return whole.copied(tmp_path)


def approved(desk: Desk) -> Desk:
    """Everybody says yes, and the cooling-off time passes."""
    for role in (Role.YOUNG_PERSON, Role.REVIEWER, Role.LEAD):
        desk.studio.approve(EPISODE, role, f"name of {role}", PASSWORD)
    desk.clock.passes(hours=73)
    return desk


def published(desk: Desk) -> Desk:
    """And then the episode goes out."""
    assert approved(desk).studio.publish().published == (EPISODE,)
    return desk


def lead(desk: Desk) -> str:
    return desk.people[Role.LEAD]


def used_daily(desk: Desk, days: int, studio: Studio | None = None) -> None:
    """Somebody opens the show every day, with the passphrase at hand."""
    studio = studio or attended(desk)
    for _ in range(days):
        desk.clock.passes(days=1)
        studio.users()


def attended(desk: Desk) -> Studio:
    """A studio that has the passphrase and need ask nobody, as with --passphrase-file or in a running server."""
    return Studio(desk.root, lambda: PASSPHRASE, desk.clock, asks=False)


def sources(desk: Desk) -> list[Path]:
    return sorted((desk.root / "episodes" / EPISODE).glob("source/*.age"))


def entry(desk: Desk) -> Entry:
    with desk.open() as show:
        return show.keyring.entry(show.row(EPISODE).id)


def actions(desk: Desk) -> list[str]:
    return [row.action for row in desk.studio.audit()]


def holds(desk: Desk, *, deep: bool = True) -> bool:
    found = desk.again().verify(deep=deep)
    assert found.holds, [view for view in found.invariants if not view.holds]
    return found.holds


def in_public(desk: Desk) -> bool:
    """Whether anything of the episode is in the public folder."""
    with desk.open() as show:
        marks = (show.row(EPISODE).public_id, show.row(EPISODE).guid)
    return any(
        mark in path.as_posix() or mark.encode() in path.read_bytes()
        for path in (desk.root / "feed").rglob("*")
        if path.is_file()
        for mark in marks
    )


# --- destroying ------------------------------------------------------------------------------------------------------------


def test_nothing_is_destroyed_before_it_is_withdrawn(desk: Desk) -> None:
    """Not of a published episode, not of a held one: a hold is no withdrawal. Exit code 4, and nothing has changed."""
    published(desk)
    with pytest.raises(GateClosed, match="withdrawn before"):
        desk.studio.purge(EPISODE, who=lead(desk))
    desk.studio.hold(EPISODE, lead(desk))
    with pytest.raises(GateClosed, match="withdrawn before"):
        desk.studio.purge(EPISODE, who=lead(desk))
    assert entry(desk)
    assert len(sources(desk)) == 2


@pytest.mark.parametrize("held", [False, True])
def test_a_purge_leaves_ids_and_nothing_else(desk: Desk, held: bool) -> None:
    """Key, files, sealed rows and pages of the database are gone; every question about it has a clean answer; twice is once."""
    if held:
        published(desk)
        desk.studio.hold(EPISODE, lead(desk))
    kept = entry(desk)
    with desk.open() as show:
        ring = show.keyring.path
        (consent,) = show.state.consents(show.row(EPISODE).id)
    before = ring.read_bytes()
    desk.studio.withdraw(EPISODE, None)
    left = desk.root / ".stablecast-uploads" / "of a server that was killed"
    left.mkdir(parents=True)

    assert desk.studio.purge(EPISODE, who=lead(desk)).before is False
    assert not left.parent.exists()
    assert desk.studio.purge(EPISODE, who=lead(desk)).before is True
    for folder in ("episodes", "transcripts"):
        assert not list((desk.root / folder).glob("ep-*"))
    after = ring.read_bytes()
    assert after[:48] != before[:48]  # another salt
    for secret in (kept.identity, kept.source, kept.mac):
        assert secret.encode() not in after
    database = (desk.root / "stablecast.sqlite").read_bytes()
    assert consent.sealed
    assert consent.sealed not in database
    assert consent.sealed[:200] not in database
    assert TITLE not in database

    (view,) = desk.studio.status().episodes
    assert (view.state, view.gate, view.kept) == ("erased", None, None)
    card = desk.studio.card(EPISODE)
    assert card is not None
    assert (card.lane, card.title) == ("withdrawn", EPISODE)
    assert desk.studio.timeline(EPISODE)[-1].what == "destroyed everything of it"
    assert desk.studio.withdraw(EPISODE, None).erased
    for use in (
        lambda: desk.studio.cut(EPISODE),
        lambda: desk.studio.corrections(EPISODE),
        lambda: desk.studio.publish((EPISODE,)),
        lambda: list(desk.studio.run((EPISODE,), jobs=1)),
        lambda: desk.studio.approve(EPISODE, Role.LEAD, f"name of {Role.LEAD}", PASSWORD),
        lambda: desk.studio.hold(EPISODE),
        lambda: desk.studio.add(EPISODE, (), Additions(title="Back")),
    ):
        with pytest.raises(GateClosed):
            use()
    assert list(desk.studio.run((), jobs=1)) == []
    assert holds(desk)


def test_only_a_lead_or_the_receipt_destroys(desk: Desk) -> None:
    """Who asks is checked before anything is touched; the young person's code is enough, and answers afterwards too."""
    code = desk.studio.new_receipt(EPISODE, lead(desk))
    desk.studio.withdraw(None, code)
    for who in (None, desk.people[Role.REVIEWER], desk.people[Role.PRODUCER], desk.people[Role.YOUNG_PERSON], "nobody"):
        with pytest.raises(GateClosed):
            desk.studio.purge(EPISODE, who=who)
    with pytest.raises(UsageRefused):
        desk.studio.purge(None, "0000 0000 0000 0000")
    assert len(sources(desk)) == 2

    assert desk.studio.purge(None, code).episode == EPISODE
    assert desk.studio.withdraw(None, code).erased
    assert desk.studio.purge(None, code).before
    assert [e.actor for e in desk.studio.audit() if e.action in ("purge-begun", "erased")] == ["receipt", "receipt"]
    assert holds(desk)


def test_a_wrong_passphrase_destroys_nothing(desk: Desk) -> None:
    """It is told before the first step."""
    desk.studio.withdraw(EPISODE, None)
    with pytest.raises(IntegrityFailure):
        Studio(desk.root, lambda: "another one", desk.clock).purge(EPISODE, who=lead(desk))
    assert len(sources(desk)) == 2
    assert "purge-begun" not in actions(desk)


def test_what_is_half_destroyed_is_told_and_then_completed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after the key was taken out, `verify` says so, and the next command that has the passphrase ends it."""
    desk.studio.withdraw(EPISODE, None)
    with monkeypatch.context() as patched:

        def stop(_: Path) -> None:
            raise EnvironmentFailure("no power")

        patched.setattr(keeping, "_remove", stop)
        with pytest.raises(EnvironmentFailure):
            desk.studio.purge(EPISODE, who=lead(desk))
    with pytest.raises(IntegrityFailure):
        entry(desk)
    assert sources(desk)
    broken = [view.id for view in desk.again().verify().invariants if not view.holds]
    assert broken == ["I7"]
    assert desk.again().status().notes == (keeping.UNFINISHED,)

    assert attended(desk).status().notes == ()
    assert not sources(desk)
    assert holds(desk)


def test_an_old_copy_of_the_keyring_opens_again_until_it_is_found(desk: Desk, tmp_path: Path) -> None:
    """T47: the limit that the documents state, with data and keyring of before; put back into use, the key is taken out again."""
    copy = tmp_path / "before"
    shutil.copytree(desk.root.parent, copy)
    with desk.open() as show:
        ring, number = show.keyring.path, show.row(EPISODE).id
    old = ring.read_bytes()
    desk.studio.withdraw(EPISODE, None)
    desk.studio.purge(EPISODE, who=lead(desk))
    source = copy / "show" / "episodes" / EPISODE / "source" / "1.age"

    with desk.open() as show, pytest.raises(IntegrityFailure):
        show.keyring.entry(number)
    ring.write_bytes(old)
    with desk.open() as show:
        keys = show.keyring.entry(number).source_keys
        assert keys is not None
        seal.read_audio(source, "source/1", seal.Nothing, keys)  # the limit
    assert [v.id for v in desk.again().verify(deep=True).invariants if not v.holds] == ["I7"]
    studio = desk.again()
    studio.board()  # any command that opens the keyring
    assert holds(desk)
    with desk.open() as show, pytest.raises(IntegrityFailure):
        show.keyring.entry(number)


def test_a_server_that_runs_forgets(desk: Desk) -> None:
    """What another process destroyed is not answered from memory, and is not in memory any more after the next question."""
    server = attended(desk)
    server.manuscript(EPISODE)
    server.corrections(EPISODE)
    secret = entry(desk).identity
    assert server._memory._values
    assert secret in str([kept.identity for kept in _ring_in(server)])
    other = desk.again()
    other.withdraw(EPISODE, None)
    other.purge(EPISODE, who=lead(desk))

    with pytest.raises(GateClosed):
        server.manuscript(EPISODE)
    assert not server._memory._values
    assert _ring_in(server) == []


def _ring_in(studio: Studio) -> list[Entry]:
    """The keys that a studio has in memory now."""
    ring = studio._memory._keyring
    return [] if ring is None or ring._read is None else list(ring._read[1].entries.values())


# --- the list of what was withdrawn ----------------------------------------------------------------------------------------


def put_back(desk: Desk, copy: Path) -> Studio:
    """The show folder of before in the place of the one of now; the folder of the keyring stays."""
    shutil.rmtree(desk.root)
    shutil.copytree(copy, desk.root, copy_function=shutil.copy2)
    return Studio(desk.root, lambda: PASSPHRASE, desk.clock)


@pytest.mark.parametrize("destroyed", [False, True])
def test_an_old_copy_of_the_show_never_publishes_again(desk: Desk, tmp_path: Path, destroyed: bool) -> None:
    """T50: put back by hand, with its public folder, its approvals and its release, the episode is withdrawn by any command."""
    published(desk)
    copy = tmp_path / "copy"
    shutil.copytree(desk.root, copy, copy_function=shutil.copy2)
    desk.studio.withdraw(EPISODE, None)
    if destroyed:
        desk.studio.purge(EPISODE, who=lead(desk))
    studio = put_back(desk, copy)
    assert in_public(desk)
    (view,) = studio.status().episodes

    assert view.state == ("erased" if destroyed else "withdrawn")
    assert not in_public(desk)
    assert bool(sources(desk)) is not destroyed
    for use in (
        lambda: studio.publish((EPISODE,)),
        lambda: studio.approve(EPISODE, Role.LEAD, f"name of {Role.LEAD}", PASSWORD),
        lambda: list(studio.run((EPISODE,), jobs=1)),
        lambda: studio.consent(EPISODE, (), SealedPerson()),
    ):
        with pytest.raises(GateClosed):
            use()
    assert studio.publish().published == ()
    assert not in_public(desk)


def test_without_the_list_it_would_be_public_again(desk: Desk, tmp_path: Path) -> None:
    """The test above bites: it is the list beside the keyring that does it."""
    published(desk)
    copy = tmp_path / "copy"
    shutil.copytree(desk.root, copy, copy_function=shutil.copy2)
    desk.studio.withdraw(EPISODE, None)
    with desk.open() as show:
        show.keyring.gone.unlink()
    studio = put_back(desk, copy)
    studio.status()
    assert in_public(desk)


def test_either_copy_of_the_list_is_enough(desk: Desk, tmp_path: Path) -> None:
    """The one in the show folder tells an old database, and both are the union again."""
    old = tmp_path / "old.sqlite"
    shutil.copy2(desk.root / "stablecast.sqlite", old)
    desk.studio.withdraw(EPISODE, None)
    with desk.open() as show:
        beside, within = show.keyring.gone, show.workspace.gone
    assert gone_lists.read(beside) == gone_lists.read(within) != frozenset()
    beside.unlink()
    shutil.copy2(old, desk.root / "stablecast.sqlite")

    assert desk.again().status((EPISODE,)).episodes[0].state == "withdrawn"
    assert gone_lists.read(beside) == gone_lists.read(within) != frozenset()
    assert not any(word in beside.read_bytes() for word in (TITLE, b"Ash", b"Kit"))
    assert beside.stat().st_mode & 0o777 == within.stat().st_mode & 0o777 == 0o600


def test_a_list_that_lags_is_told(desk: Desk) -> None:
    """Withdrawn while the keyring is away, the answer says so, every `status` does, and the list follows once it is back."""
    with desk.open() as show:
        folder, beside = show.keyring.path.parent, show.keyring.gone
    away = folder.with_name("away")
    folder.rename(away)
    folder.mkdir()  # its place: else another one is looked for
    studio = desk.again()
    assert studio.withdraw(EPISODE, None).notes
    assert studio.status().notes
    folder.rmdir()
    away.rename(folder)

    assert desk.again().status().notes == ()
    assert {each.slug for each in gone_lists.read(beside)} == {EPISODE}


def test_a_damaged_list_is_told_and_a_withdrawal_still_works(desk: Desk) -> None:
    """What may be public is unknown then: no command goes on but the one that takes down."""
    published(desk)
    with desk.open() as show:
        show.keyring.gone.write_bytes(b"{")
    with pytest.raises(IntegrityFailure, match="list of withdrawn"):
        desk.again().publish()
    assert desk.again().withdraw(EPISODE, None).notes
    assert not in_public(desk)


def test_the_same_name_is_refused_where_only_the_list_knows_it(desk: Desk) -> None:
    """T50: after a restore of a backup that is older than the episode, a new recording needs a new name."""
    with desk.open() as show:
        listed = gone_lists.Gone("0" * 32, "ep-007", "1" * 32, "urn:uuid:2", erased=True)
        gone_lists.write(show.keyring.gone, [listed])
    with pytest.raises(GateClosed, match="new episode"):
        desk.studio.add("ep-007", ((Alias("Ash"), Path("/dev/null")),), Additions())


# --- time ------------------------------------------------------------------------------------------------------------------


def retention(desk: Desk, **days: int) -> None:
    settings = desk.root / "config" / "show.toml"
    others = "[alternate]\nbitrate_kbps = 0\n"  # as the desk was made: a stage that is missing would be due
    settings.write_text(others + "[retention]\n" + "".join(f"{key} = {value}\n" for key, value in days.items()))


def test_the_recording_goes_when_its_time_is_over(desk: Desk) -> None:
    """T69: announced first, then key and file are destroyed by whatever command comes, logged; what is published stays so."""
    published(desk)
    retention(desk, raw_days=3, warning_days=1)
    used_daily(desk, 2)
    assert len(sources(desk)) == 2
    (view,) = desk.studio.status().episodes
    assert view.kept is not None
    assert (view.kept.what, view.kept.why) == ("raw", "published")
    used_daily(desk, 4)

    assert sources(desk) == []
    assert entry(desk).source == DESTROYED
    assert "recording-destroyed" in actions(desk)
    (view,) = desk.studio.status().episodes
    assert (view.state, view.kept) == ("published", None)
    assert in_public(desk)
    assert holds(desk)
    assert desk.studio.publish().published == ()  # and the cut can still be put up anew
    shutil.rmtree(desk.root / "feed" / "media")
    desk.studio.publish()
    assert in_public(desk)
    assert holds(desk)
    assert list(desk.studio.run((), jobs=1)) == []


def test_a_recording_that_is_gone_is_told_by_what_needs_it(desk: Desk) -> None:
    """Nothing falls back to anything: a run that would need the recording ends with 4 and one sentence."""
    retention(desk, unreleased_days=1)
    used_daily(desk, 3)
    assert sources(desk) == []
    retention(desk, unreleased_days=1)
    with desk.root.joinpath("config", "show.toml").open("a") as settings:
        settings.write("[redact]\nguard_s = 0.31\n")
    with pytest.raises(GateClosed, match="is destroyed"):
        list(desk.studio.run((EPISODE,), jobs=1))


def test_an_unreleased_recording_is_kept_longer_only_by_a_lead(desk: Desk) -> None:
    """T69: never older than the limit, but for a lead's own choice, which is logged with its reason and moves nothing else."""
    retention(desk, unreleased_days=3, warning_days=2)
    used_daily(desk, 2)
    before = desk.studio.status().episodes[0]
    assert before.kept is not None
    assert before.kept.soon
    with pytest.raises(GateClosed):
        desk.studio.extend(EPISODE, 5, desk.people[Role.PRODUCER], Reason.LEGAL)
    with pytest.raises(UsageRefused):
        desk.studio.extend(EPISODE, 0, lead(desk), Reason.LEGAL)
    longer = desk.studio.extend(EPISODE, 5, lead(desk), Reason.LEGAL)
    assert longer.days_left == before.kept.days_left + 5
    after = desk.studio.status().episodes[0]
    assert dataclasses.replace(after, kept=None) == dataclasses.replace(before, kept=None)
    assert desk.studio.audit()[-1].detail == "5 days: legal"
    used_daily(desk, 5)
    assert len(sources(desk)) == 2
    used_daily(desk, 3)
    assert sources(desk) == []
    with pytest.raises(GateClosed):
        desk.studio.extend(EPISODE, 5, lead(desk), Reason.LEGAL)


def test_what_was_withdrawn_is_destroyed_in_time(desk: Desk) -> None:
    """Without a person: everything, as `purge` does it."""
    retention(desk, withdrawn_days=2)
    desk.studio.withdraw(EPISODE, None)
    used_daily(desk, 5)
    assert desk.studio.status().episodes[0].state == "erased"
    assert not list((desk.root / "episodes").glob("ep-*"))
    assert [e.actor for e in desk.studio.audit() if e.action == "erased"] == ["system"]
    assert holds(desk)


def test_a_hold_stops_the_time_and_never_starts_it(desk: Desk) -> None:
    """Held for as long as it may be, a recording is there; afterwards as much time is left as there was."""
    retention(desk, unreleased_days=4, withdrawn_days=1)
    used_daily(desk, 3)
    desk.studio.hold(EPISODE, lead(desk))
    used_daily(desk, 20)
    assert len(sources(desk)) == 2
    kept = desk.studio.status().episodes[0].kept
    assert kept is not None
    assert kept.stopped
    desk.studio.lift(EPISODE, lead(desk))
    assert len(sources(desk)) == 2
    used_daily(desk, 4)
    assert sources(desk) == []


def test_a_hold_stops_what_was_decided_and_not_done(desk: Desk) -> None:
    """Over, but without the passphrase at hand, and then held: the recording stays until the hold ends."""
    retention(desk, unreleased_days=1)
    used_daily(desk, 3, unattended(desk))
    assert desk.again().status().notes == (keeping.UNFINISHED,)
    desk.again().hold(EPISODE, lead(desk))
    attended(desk).board()
    assert len(sources(desk)) == 2
    desk.again().lift(EPISODE, lead(desk))
    attended(desk).users()
    assert sources(desk) == []


def unattended(desk: Desk) -> Studio:
    """A studio that must not ask."""

    def never() -> str:
        raise AssertionError("somebody was asked for the passphrase")

    return Studio(desk.root, never, desk.clock)


def test_without_the_passphrase_nobody_is_asked_and_nothing_is_lost(desk: Desk) -> None:
    """The end is written down; the first command that opens the keyring for its own sake carries it out."""
    retention(desk, unreleased_days=1)
    used_daily(desk, 4, unattended(desk))
    assert len(sources(desk)) == 2
    assert [v.id for v in desk.again().verify().invariants if not v.holds] == ["I7"]
    desk.again().board()
    assert sources(desk) == []
    assert holds(desk)


def test_a_clock_that_was_set_far_ahead_destroys_nothing(desk: Desk) -> None:
    """One wrong date, however often the show is opened under it, and whatever comes after it is put right."""
    retention(desk, raw_days=1, unreleased_days=30, withdrawn_days=1, warning_days=1)
    studio = attended(desk)
    used_daily(desk, 1, studio)  # its time has begun
    desk.clock.passes(days=3650)
    for _ in range(20):
        desk.clock.passes(minutes=30)
        studio.users()
    assert len(sources(desk)) == 2
    desk.clock.passes(days=-3650)
    used_daily(desk, 20)
    assert len(sources(desk)) == 2
    kept = studio.status().episodes[0].kept
    assert kept is not None
    assert kept.days_left == 11  # 20 days were seen, but for the one in which the clock was put right; in days begun


def test_a_count_that_believes_the_clock_would_be_found_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above bites: where every step counts, one wrong date is the end of the recording."""
    monkeypatch.setattr(
        keeping,
        "counted",
        lambda before, now: Counted(now, before.total_s + max(0.0, (now - before.last_at).total_seconds())),
    )
    retention(desk, unreleased_days=30, warning_days=1)
    studio = attended(desk)
    used_daily(desk, 1, studio)  # its time has begun
    desk.clock.passes(days=3650)
    studio.users()
    desk.clock.passes(days=-3650)
    used_daily(desk, 4)  # it is announced for a day
    assert sources(desk) == []


def test_a_hold_that_is_not_looked_at_would_be_found_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests of holds bite: where nothing is held, the time goes on."""
    retention(desk, unreleased_days=4)
    used_daily(desk, 3)
    desk.studio.hold(EPISODE, lead(desk))
    monkeypatch.setattr(State, "held", lambda _: frozenset())
    used_daily(desk, 5)
    assert sources(desk) == []


def test_a_clock_that_was_set_back_gains_nothing(desk: Desk) -> None:
    """T69: the days that were seen count, whatever the clock says now."""
    retention(desk, unreleased_days=10)
    used_daily(desk, 6)
    desk.clock.passes(days=-400)
    used_daily(desk, 6)
    assert sources(desk) == []


def test_after_a_long_absence_it_is_announced_before_it_is_done(desk: Desk) -> None:
    """Nobody comes back to a recording that went while they were away."""
    retention(desk, unreleased_days=10)
    studio = attended(desk)
    used_daily(desk, 1, studio)
    desk.clock.passes(days=59)
    used_daily(desk, 2)
    assert len(sources(desk)) == 2
    announced = studio.status().episodes[0].kept
    assert announced is not None
    assert (announced.soon, announced.days_left) == (True, 0)
    assert len(sources(desk)) == 2
    used_daily(desk, 1)
    assert sources(desk) == []


@pytest.mark.parametrize(
    ("steps_h", "days"),
    [
        ((24,) * 10, 10),
        ((72, 72), 6),
        ((24 * 60,), 0),  # not borne out yet
        ((24 * 60, 24), 61),
        ((24 * 60, 12, 13), 61),
        ((24 * 60, 12, -24 * 60, 24, 24), 2.5),
        ((24 * 7,) * 5, 28),  # opened once a week: the last week counts next time
        ((-24 * 365, 24, 24), 2),
        ((24 * 3650, -24 * 3650, 24), 1),
        ((1, -0.5, 0.5, 1), 2 / 24),  # put right a little
    ],
)
def test_only_time_that_was_borne_out_counts(steps_h: tuple[float, ...], days: float) -> None:
    """A step ahead of more than a weekend counts once the clock has gone on for a day; a step back counts as nothing."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    seen = Counted(now)
    for hours in steps_h:
        now += timedelta(hours=hours)
        seen = counted(seen, now)
    assert seen.total_s / DAY_S == pytest.approx(days, abs=0.05)


@given(st.lists(st.floats(-24 * 4000, 24 * 4000), max_size=12))
def test_time_that_counts_never_goes_back_and_no_single_step_counts_by_itself(steps_h: list[float]) -> None:
    """Whatever the clock does: the count only grows, by no more than a weekend, or by a step that a later opening bore out."""
    now = datetime(2500, 1, 1, tzinfo=UTC)
    seen = Counted(now)
    for hours in steps_h:
        now += timedelta(hours=hours)
        after = counted(seen, now)
        assert 0 <= after.total_s - seen.total_s <= WEEKEND_S + seen.leap_s
        seen = after


def test_a_term_is_announced_for_a_day_at_least() -> None:
    """Over without having been announced is not over."""
    params = RetentionParams(raw_days=1, warning_days=1)
    term = Term(Keeping.PUBLISHED, 0.0)
    assert not term.over(params, 5 * DAY_S)
    term = term.announced(params, 5 * DAY_S)
    assert not term.over(params, 5.9 * DAY_S)
    assert term.over(params, 6 * DAY_S)
    assert term.days_left(params, 0) == 1


@pytest.mark.parametrize("days", [{"raw_days": 0}, {"unreleased_days": -1}, {"withdrawn_days": 10**6}])
def test_a_time_that_is_none_is_refused(desk: Desk, days: dict[str, int]) -> None:
    """Zero days would destroy at once by a slip of the finger."""
    retention(desk, **days)
    with pytest.raises(UsageRefused, match="days"):
        desk.studio.status()


def test_the_command_lines_reasons_are_the_studios() -> None:
    """They stand twice, so that `--help` need not wait."""
    assert set(REASONS) == set(Reason)


# --- receipts --------------------------------------------------------------------------------------------------------------


def test_wrong_receipts_are_answered_ever_more_slowly(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """T45: twenty wrong codes learn nothing, wait longer each time, also in new processes, and the right one never waits."""
    code = desk.studio.new_receipt(EPISODE, lead(desk))
    waited: list[float] = []
    monkeypatch.setattr(release.time, "sleep", waited.append)
    sentences = set()
    for number in range(20):
        with pytest.raises(UsageRefused) as refused:
            desk.again().withdraw(None, f"{number:016}")
        sentences.add(str(refused.value))

    assert len(sentences) == 1
    assert waited == sorted(waited)
    assert waited[:3] == [0, 0, 0]
    assert waited[-1] == release.SLOWEST_S
    assert desk.again().withdraw(None, code).episode == EPISODE
    assert len(waited) == 20
    assert holds(desk)


def test_in_a_show_without_episodes_the_answer_is_the_same(desk: Desk, tmp_path: Path) -> None:
    """Whether there is anything to withdraw is nobody's to learn."""
    (tmp_path / "empty.keys").mkdir()
    empty = Studio(tmp_path / "empty", lambda: PASSPHRASE, desk.clock)
    empty.init()
    said = []
    for studio in (desk.studio, empty):
        with pytest.raises(UsageRefused) as refused:
            studio.withdraw(None, "1" * 16)
        said.append(str(refused.value))
    assert said[0] == said[1]
