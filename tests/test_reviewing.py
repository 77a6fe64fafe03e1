"""Links, listening, yes and "change this", holds, the board: what the pages rest on, against a real show."""

from __future__ import annotations

import dataclasses
import io
import sqlite3
import wave
from collections import Counter
from pathlib import Path

import pytest

import desk
from desk import EPISODE, PASSWORD, Desk
from stablecast import codecs
from stablecast.errors import GateClosed, IntegrityFailure, UsageRefused
from stablecast.model import PublicEpisode, Role
from stablecast.store.state import State
from stablecast.studio import people
from stablecast.studio.reviews import CHECKLIST, RISKS, Token
from test_feed import an_episode

YES = {"known": "no", "how": "heard"}
CHECKED = dict.fromkeys(CHECKLIST, "yes")
WRITTEN = dict.fromkeys(RISKS, "talked through with the young person")
FORMS = {Role.YOUNG_PERSON: YES, Role.REVIEWER: CHECKED, Role.LEAD: WRITTEN}


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A show with a frozen episode, made once."""
    return desk.made(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def show(ready: Desk, tmp_path: Path) -> Desk:
    """A copy of it for one test."""
    return ready.copied(tmp_path / "copy")


def hear_all(show: Desk, role: Role) -> None:
    cut = show.studio.cut(EPISODE)
    show.studio.heard(EPISODE, show.people[role], cut.digest, ((0.0, cut.duration_s),))


def yes(show: Desk, role: Role, digest: str | None = None) -> None:
    if role is not Role.YOUNG_PERSON:
        hear_all(show, role)
    show.studio.approve_cut(EPISODE, show.people[role], role, digest or show.digest, FORMS[role])


def all_three(show: Desk) -> None:
    for role in FORMS:
        yes(show, role)


def card(show: Desk):  # type: ignore[no-untyped-def]
    return show.studio.board().cards[0]


# --- people ----------------------------------------------------------------------------------------------------------------


def a_link_is_good_once(show: Desk) -> None:
    """A second use, a guess and nothing at all are refused alike."""
    token = show.studio.make_link(EPISODE, show.people[Role.PRODUCER], account=show.people[Role.YOUNG_PERSON])
    assert len(token) >= 22  # 128 bits and more
    show.studio.open_link(token)
    refusals = set()
    for wrong in (token, "guessed", ""):
        with pytest.raises(GateClosed) as refused:
            show.studio.open_link(wrong)
        refusals.add(str(refused.value))
    assert len(refusals) == 1
    assert show.studio.link_session("guessed") is None


def a_link_ends(show: Desk) -> None:
    """After fourteen days, opened or not; until then its session outlives a restart of the server."""
    ash = {"account": show.people[Role.YOUNG_PERSON]}
    opened, unopened = (show.studio.make_link(EPISODE, show.people[Role.PRODUCER], **ash) for _ in range(2))
    link = show.studio.open_link(opened)
    assert (link.episode, link.who) == (EPISODE, show.people[Role.YOUNG_PERSON])
    again = show.again()
    found = again.link_session(link.session)
    assert found is not None
    assert (found.episode, found.session) == (EPISODE, "")
    show.clock.passes(days=13.9)
    assert again.link_session(link.session) is not None
    show.clock.passes(days=0.2)
    assert again.link_session(link.session) is None
    with pytest.raises(GateClosed):
        again.open_link(unopened)


def test_a_link_is_good_once_for_one_episode_and_for_fourteen_days(
    show: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T33: and where links may be used again, or never end, it is seen."""
    a_link_is_good_once(show)
    a_link_ends(show)
    for check, control, seen in (
        (a_link_is_good_once, (State, "open_link"), pytest.fail.Exception),
        (a_link_ends, (people, "_good"), AssertionError),
    ):
        copy = show.copied(tmp_path / check.__name__)
        with monkeypatch.context() as off:
            off.setattr(*control, lambda *_: True)
            with pytest.raises(seen):
                check(copy)


def test_no_token_session_or_receipt_is_kept_in_clear(show: Desk) -> None:
    """The database holds digests alone."""
    token = show.studio.make_link(EPISODE, show.people[Role.PRODUCER], name="Robin", companion=True)
    session = show.studio.open_link(token).session
    code = show.studio.new_receipt(EPISODE, show.people[Role.YOUNG_PERSON])
    stored = b"".join(path.read_bytes() for path in show.root.glob("stablecast.sqlite*"))
    for secret in (token, session, code, code.replace(" ", "")):
        assert secret.encode() not in stored


def test_a_link_is_for_nobody_but_the_young_person(show: Desk) -> None:
    """An account of staff cannot be spoken for by a link, and a name that is taken is refused."""
    with pytest.raises(GateClosed):
        show.studio.make_link(EPISODE, show.people[Role.PRODUCER], account=show.people[Role.REVIEWER])
    with pytest.raises(UsageRefused, match="already"):
        show.studio.make_link(EPISODE, show.people[Role.PRODUCER], name="name of reviewer")
    with pytest.raises(UsageRefused):
        show.studio.make_link(EPISODE, show.people[Role.PRODUCER], name="  ")


def test_a_new_receipt_takes_the_episode_down_and_the_old_one_still_does(show: Desk) -> None:
    """Both codes find the episode."""
    code = show.studio.new_receipt(EPISODE, show.people[Role.YOUNG_PERSON])
    assert show.studio.withdraw(None, code).episode == EPISODE


def test_signing_in_says_the_same_whatever_is_wrong(show: Desk) -> None:
    """An unknown name and a wrong password get one sentence."""
    assert show.studio.sign_in("name of lead", PASSWORD).roles == (Role.LEAD,)
    said = set()
    for name, password in (("name of lead", "wrong password"), ("nobody", PASSWORD)):
        with pytest.raises(GateClosed) as refused:
            show.studio.sign_in(name, password)
        said.add(str(refused.value))
    assert len(said) == 1


def test_another_password_is_another_for_every_session(show: Desk) -> None:
    """Which one it is changes with it, so a session under the old one is found out; a short one is refused."""
    before = show.studio.sign_in("name of lead", PASSWORD)
    with pytest.raises(UsageRefused):
        show.studio.set_password("name of lead", "short")
    show.studio.set_password("name of lead", "another good one")
    with pytest.raises(GateClosed):
        show.studio.sign_in("name of lead", PASSWORD)
    after = show.studio.sign_in("name of lead", "another good one")
    assert before.password != after.password
    assert "another good one" not in repr(after) + str(show.studio.audit())
    assert show.studio.verify().holds


# --- listening -------------------------------------------------------------------------------------------------------------


def test_listening_adds_up_and_says_what_is_left(show: Desk) -> None:
    """Stretches overlap, come in any order, and survive a restart; another person's do not count."""
    cut, who = show.studio.cut(EPISODE), show.people[Role.REVIEWER]
    show.studio.heard(EPISODE, who, cut.digest, ((10.0, 30.0), (0.0, 12.0)))
    found = show.again().heard(EPISODE, who, cut.digest, ((40.0, cut.duration_s),))
    assert found.missing == ((30.0, 40.0),)
    assert found.share == pytest.approx(1 - 10 / cut.duration_s, abs=0.001)
    assert not found.enough
    assert show.studio.listened(EPISODE, show.people[Role.LEAD], cut.digest).share == 0
    assert show.studio.heard(EPISODE, who, cut.digest, ((30.0, 39.0),)).enough


def test_what_cannot_have_been_played_is_refused(show: Desk) -> None:
    """Outside the file, backwards, or of another cut."""
    cut, who = show.studio.cut(EPISODE), show.people[Role.REVIEWER]
    for wrong in ((-1.0, 5.0), (5.0, 5.0), (9.0, 3.0), (0.0, cut.duration_s + 5)):
        with pytest.raises(UsageRefused):
            show.studio.heard(EPISODE, who, cut.digest, (wrong,))
    with pytest.raises(GateClosed):
        show.studio.heard(EPISODE, who, "0" * 64, ((0.0, 5.0),))


def test_the_place_is_kept(show: Desk) -> None:
    """Where somebody stopped is there after a restart, and changes nothing of what they heard."""
    cut, who = show.studio.cut(EPISODE), show.people[Role.YOUNG_PERSON]
    show.studio.keep_place(EPISODE, who, cut.digest, 17.25)
    found = show.again().listened(EPISODE, who, cut.digest)
    assert (found.place_s, found.share) == (17.25, 0.0)


# --- yes -------------------------------------------------------------------------------------------------------------------


def test_three_people_say_yes_in_order_to_what_they_heard(show: Desk) -> None:
    """Lane by lane to the cooling-off time; the answers are there for the lead, and sealed."""
    lanes = [card(show).lane]
    for role in FORMS:
        yes(show, role)
        lanes.append(card(show).lane)
    assert lanes == ["young-person", "reviewer", "lead", "cooling-off"]
    assert [form.role for form in show.studio.forms(EPISODE)] == list(FORMS)
    assert dict(show.studio.forms(EPISODE)[2].answers) == WRITTEN
    assert b"talked through" not in b"".join(path.read_bytes() for path in show.root.glob("stablecast.sqlite*"))
    assert [p for i in show.studio.verify().invariants for p in i.problems] == []


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.LEAD])
def test_nobody_of_the_staff_approves_what_they_did_not_hear(show: Desk, role: Role) -> None:
    """T56: none of it, 90 %, and what somebody else heard are all too little."""
    before = list(FORMS)[: list(FORMS).index(role)]
    for earlier in before:
        yes(show, earlier)
    cut, who = show.studio.cut(EPISODE), show.people[role]
    for stretch in (None, (0.0, 0.9 * cut.duration_s)):
        if stretch:
            show.studio.heard(EPISODE, who, cut.digest, (stretch,))
        with pytest.raises(GateClosed, match="not all of this cut"):
            show.studio.approve_cut(EPISODE, who, role, cut.digest, FORMS[role])
    assert [given.role for given in show.studio.cut(EPISODE).approvals] == before
    show.studio.heard(EPISODE, who, cut.digest, ((0.0, 0.96 * cut.duration_s),))
    show.studio.approve_cut(EPISODE, who, role, cut.digest, FORMS[role])


@pytest.mark.parametrize("digest", ["", "0" * 64], ids=["none", "another"])
def test_a_yes_without_the_digest_of_the_cut_counts_for_nothing(show: Desk, digest: str) -> None:
    """T54: no digest, or that of another cut: refused, and nothing is recorded."""
    with pytest.raises(GateClosed):
        show.studio.approve_cut(EPISODE, show.people[Role.YOUNG_PERSON], Role.YOUNG_PERSON, digest, YES)
    assert show.studio.cut(EPISODE).approvals == ()


@pytest.mark.parametrize(
    ("role", "form"),
    [
        (Role.YOUNG_PERSON, {}),
        (Role.YOUNG_PERSON, {"known": "no"}),
        (Role.YOUNG_PERSON, {"known": "unsure", "how": "heard"}),
        (Role.YOUNG_PERSON, {"known": "yes", "how": "read"}),
        (Role.REVIEWER, {**CHECKED, "names": "no"}),
        (Role.REVIEWER, {}),
        (Role.LEAD, {**WRITTEN, "threat": "  "}),
    ],
    ids=str,
)
def test_an_answer_that_is_missing_or_calls_for_a_talk_is_no_yes(show: Desk, role: Role, form: dict[str, str]) -> None:
    """Nothing is decided then, in kind words."""
    for earlier in list(FORMS)[: list(FORMS).index(role)]:
        yes(show, earlier)
    hear_all(show, role)
    before = show.studio.cut(EPISODE).approvals
    with pytest.raises(GateClosed):
        show.studio.approve_cut(EPISODE, show.people[role], role, show.digest, form)
    assert show.studio.cut(EPISODE).approvals == before


def test_nobody_acts_in_a_role_that_is_not_theirs(show: Desk) -> None:
    """T55, T65: staff cannot say yes for the young person, and the reviewer not for the lead."""
    for who, role in ((Role.LEAD, Role.YOUNG_PERSON), (Role.PRODUCER, Role.REVIEWER)):
        hear_all(show, who)
        with pytest.raises(GateClosed, match="may not act"):
            show.studio.approve_cut(EPISODE, show.people[who], role, show.digest, FORMS[role])


@pytest.mark.parametrize("stage", ["tag", "caption"])
def test_a_file_that_was_swapped_is_not_approved(show: Desk, stage: str) -> None:
    """T57: one byte of the sound or of the captions other than frozen, between page and click, and nobody can approve."""
    digest = show.digest
    with show.open() as opened:
        folder = opened.workspace.work(opened.episode(EPISODE).slug, stage, "x" * 16).parent
    (path,) = folder.glob("*.age")
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(IntegrityFailure):
        show.studio.approve_cut(EPISODE, show.people[Role.YOUNG_PERSON], Role.YOUNG_PERSON, digest, YES)
    assert show.open().state.approvals(show.open().episode(EPISODE).id, digest) == ()


def test_an_edit_voids_every_yes_at_once(show: Desk) -> None:
    """Before anything is run again: the gate says that changes wait, and an undo opens it again after a run."""
    yes(show, Role.YOUNG_PERSON)
    show.studio.mark(EPISODE, show.people[Role.REVIEWER], 20.0, 21.0)
    found = card(show)
    assert found.lane == "words"
    assert found.gate is not None
    assert found.gate.name == "changes"
    assert found.changes_waiting == 1
    hear_all(show, Role.REVIEWER)
    with pytest.raises(GateClosed):
        show.studio.approve_cut(EPISODE, show.people[Role.REVIEWER], Role.REVIEWER, show.digest, CHECKED)
    before = show.digest
    show.run()
    assert show.digest != before
    assert show.studio.cut(EPISODE).changed
    assert card(show).lane == "young-person"


def test_what_was_decided_is_opened_by_a_deep_look(show: Desk) -> None:
    """It opens with the episode's key, whatever key the recordings have; damaged, it is told."""

    def told() -> list[str]:
        found = show.studio.verify(deep=True).invariants
        return [problem for each in found for problem in each.problems if "decided about its words" in problem]

    show.studio.mark(EPISODE, show.people[Role.REVIEWER], 20.0, 21.0)
    assert told() == []
    (history,) = (show.root / "transcripts" / EPISODE).rglob("history-*.age")
    history.write_bytes(history.read_bytes()[:-1] + b"?")
    assert told()


def test_many_places_are_marked_in_one_step_or_none(show: Desk) -> None:
    """One version more, which one undo takes back; where one place is not in the file, none of them is marked."""
    editor = show.people[Role.REVIEWER]
    before = show.studio.redactions(EPISODE)
    places = ((20.0, 20.4), (30.0, 30.4), (40.0, 40.4))
    with pytest.raises(UsageRefused):
        show.studio.mark_all(EPISODE, editor, (*places, (9_000.0, 9_001.0)))
    assert show.studio.redactions(EPISODE) == before
    made = show.studio.mark_all(EPISODE, editor, (*places, places[0]))
    assert made.version == before.version + 1
    assert len(made.redactions) == len(before.redactions) + len(places)
    show.studio.undo(EPISODE, editor)
    assert show.studio.redactions(EPISODE).redactions == before.redactions


def test_the_lint_reads_the_captions_of_the_words_as_they_stand(show: Desk) -> None:
    """What nobody changed is found as in the finished captions; what somebody types is found in its line, and gone with it."""
    editor = show.people[Role.REVIEWER]

    def live() -> Counter[tuple[str, str]]:
        found = show.studio.caption_findings(EPISODE).findings
        return Counter((placed.finding.id, placed.finding.place) for placed in found)

    def finished() -> Counter[tuple[str, str]]:
        linted = show.studio.lint_episode(EPISODE).findings
        return Counter((found.id, found.place) for found in linted if found.id.startswith("captions."))

    before = live()
    assert before == finished()
    said = show.studio.manuscript(EPISODE)
    part = next(part for part in said.paragraphs[3:] if all(word.state == "" for word in part.words))
    kept = [Token(at) for at in range(len(part.words))]
    typed = [Token(None, letter * 30) for letter in "abcdefgh"]  # 240 letters more in the four seconds of a line
    saved = show.studio.write(EPISODE, editor, part.id, said.version, (*kept, *typed))
    told = show.studio.caption_findings(EPISODE)
    assert told.version == saved.version
    assert part.id in {placed.paragraph for placed in told.findings}
    assert live() - before
    show.run()
    assert live() == finished()
    show.studio.undo(EPISODE, editor)
    assert live() == before


def test_change_this_closes_the_gate_until_there_is_another_cut(show: Desk) -> None:
    """T65: by the young person or by staff; the reason is sealed, nobody can override it, and a new cut is a new start."""
    yes(show, Role.YOUNG_PERSON)
    show.studio.send_back(EPISODE, show.people[Role.REVIEWER], Role.REVIEWER, show.digest, "a street is named at 3:10")
    assert card(show).wish == "change"
    assert card(show).lane == "words"
    hear_all(show, Role.REVIEWER)
    with pytest.raises(GateClosed, match="asked for a change"):
        show.studio.approve_cut(EPISODE, show.people[Role.REVIEWER], Role.REVIEWER, show.digest, CHECKED)
    assert [wish.note for wish in show.studio.wishes(EPISODE)] == ["a street is named at 3:10"]
    assert b"street" not in b"".join(path.read_bytes() for path in show.root.glob("stablecast.sqlite*"))
    show.studio.mark(EPISODE, show.people[Role.PRODUCER], 20.0, 21.0)
    show.run()
    assert card(show).wish is None
    assert card(show).lane == "young-person"
    show.studio.ask_change(EPISODE, show.people[Role.YOUNG_PERSON], show.digest, "")
    assert card(show).lane == "words"
    assert [p for i in show.studio.verify().invariants for p in i.problems] == []


def test_staff_write_what_has_to_change(show: Desk) -> None:
    """A young person need not say why; staff must."""
    with pytest.raises(UsageRefused):
        show.studio.send_back(EPISODE, show.people[Role.LEAD], Role.LEAD, show.digest, "  ")


# --- the small file --------------------------------------------------------------------------------------------------------


def test_the_small_file_is_part_of_what_people_say_yes_to(show: Desk) -> None:
    """Asked for, it is another cut, and nothing but it is new; approved it is public with the rest, and goes with the rest."""
    before = show.digest
    yes(show, Role.YOUNG_PERSON)
    settings = show.root / "config" / "show.toml"
    settings.write_text(settings.read_text().replace("bitrate_kbps = 0 ", "bitrate_kbps = 24 "))
    show.studio = show.again()
    show.run()
    assert show.digest != before
    assert show.studio.cut(EPISODE).changed == ("small file",)
    assert card(show).lane == "young-person"
    out = show.root.parent / "heard"
    show.studio.export(EPISODE, out)
    assert (out / f"{EPISODE}-small.opus").exists()
    published(show)
    media = {path.suffix: path for path in (show.root / "feed" / "media").iterdir()}
    assert set(media) == {".mp3", ".opus"}
    assert media[".opus"].read_bytes() == (out / f"{EPISODE}-small.opus").read_bytes()
    assert f"media/{media['.opus'].name}" in (show.root / "feed" / "feed.xml").read_text()
    assert [p for i in show.studio.verify().invariants for p in i.problems] == []

    media[".opus"].write_bytes(media[".opus"].read_bytes()[:-1] + b"x")
    assert any("not the one that was approved" in p for i in show.studio.verify().invariants for p in i.problems)
    show.studio.withdraw(EPISODE, None)
    assert not (show.root / "feed" / "media").exists()


def test_a_cut_from_before_there_were_small_files_is_still_compared(show: Desk) -> None:
    """Its row tells of five parts: the sixth counts as none, so that its place is not called new."""
    with sqlite3.connect(show.root / "stablecast.sqlite") as connection:
        ((parts,),) = connection.execute("SELECT made_from FROM cut")
        assert parts.endswith(" -")
        connection.execute("UPDATE cut SET made_from = ?", (parts.removesuffix(" -"),))
    show.studio.mark(EPISODE, show.people[Role.PRODUCER], 20.0, 21.0)
    show.run()
    assert "small file" not in show.studio.cut(EPISODE).changed


def test_an_episode_from_before_there_were_small_files_is_still_read() -> None:
    """A release that an older version kept has neither small file, kind nor season."""
    kept = codecs.plain(an_episode())
    del kept["small"], kept["details"]["kind"], kept["details"]["season"]
    assert codecs.read(PublicEpisode, kept) == dataclasses.replace(an_episode(), small=None)


# --- hold ------------------------------------------------------------------------------------------------------------------


def published(show: Desk) -> None:
    all_three(show)
    show.clock.passes(hours=73)
    assert show.studio.publish().published == (EPISODE,)


def test_a_hold_takes_a_public_episode_down_and_everybody_is_asked_again(show: Desk) -> None:
    """At once and without a trace; after the lead lifted it, no old yes publishes it."""
    published(show)
    assert card(show).lane == "public"
    assert list((show.root / "feed" / "media").iterdir())
    assert show.studio.hold(EPISODE, show.people[Role.LEAD])
    assert card(show).lane == "held"
    assert not (show.root / "feed" / "media").exists()
    assert EPISODE.encode() not in (show.root / "feed" / "feed.xml").read_bytes()
    assert [p for i in show.studio.verify().invariants for p in i.problems] == []
    with pytest.raises(GateClosed, match="on hold"):
        show.studio.publish((EPISODE,))
    show.studio.lift(EPISODE, show.people[Role.LEAD])
    assert card(show).lane == "young-person"
    with pytest.raises(GateClosed):
        show.studio.publish((EPISODE,))
    published(show)
    assert [p for i in show.studio.verify().invariants for p in i.problems] == []


def test_a_pause_of_the_young_person_asks_everybody_again_and_a_short_one_of_the_lead_does_not(show: Desk) -> None:
    """Who paused may have changed their mind; a lead who looked something up has not asked anything of anybody."""
    yes(show, Role.YOUNG_PERSON)
    show.studio.hold(EPISODE, show.people[Role.LEAD])
    show.studio.lift(EPISODE, show.people[Role.LEAD])
    assert card(show).lane == "reviewer"
    show.studio.pause(EPISODE, show.people[Role.YOUNG_PERSON])
    assert card(show).lane == "held"
    show.studio.lift(EPISODE, show.people[Role.LEAD])
    assert card(show).lane == "young-person"


def test_only_the_lead_lifts_a_hold(show: Desk) -> None:
    """Neither the producer nor the young person does by themselves; and there must be one."""
    with pytest.raises(GateClosed, match="not on hold"):
        show.studio.lift(EPISODE, show.people[Role.LEAD])
    show.studio.pause(EPISODE, show.people[Role.YOUNG_PERSON])
    for role in (Role.PRODUCER, Role.YOUNG_PERSON, Role.REVIEWER):
        with pytest.raises(GateClosed):
            show.studio.lift(EPISODE, show.people[role])
    assert card(show).lane == "held"


def test_stop_is_for_good_also_out_of_a_hold(show: Desk) -> None:
    """A withdrawal wins over a hold, and a lifted hold brings nothing back."""
    published(show)
    show.studio.pause(EPISODE, show.people[Role.YOUNG_PERSON])
    assert not show.studio.stop(EPISODE, show.people[Role.YOUNG_PERSON]).was_public
    assert card(show).lane == "withdrawn"
    with pytest.raises(GateClosed):
        show.studio.lift(EPISODE, show.people[Role.LEAD])
    assert [p for i in show.studio.verify().invariants for p in i.problems] == []


# --- names -----------------------------------------------------------------------------------------------------------------


def test_a_speaker_gets_another_alias_everywhere(show: Desk) -> None:
    """Words, marks and edits stay the same speaker's; an alias that is taken is refused."""
    studio, who = show.studio, show.people[Role.REVIEWER]
    with show.open() as opened:
        draws = dict(opened.keyring.entry(opened.episode(EPISODE).id).draws)
    studio.mark(EPISODE, who, 5.0, 6.0, speaker="Ash")
    for wrong in ("Kit", "", "x" * 41):
        with pytest.raises(UsageRefused):
            studio.rename_speaker(EPISODE, who, "Ash", wrong)
    studio.rename_speaker(EPISODE, who, "Ash", "Willow")
    assert set(studio.board().cards[0].speakers) == {"Willow", "Kit"}
    assert studio.corrections(EPISODE).corrections[-1].speaker == "Willow"
    with show.open() as opened:
        after = dict(opened.keyring.entry(opened.episode(EPISODE).id).draws)
    assert after == {"Willow": draws["Ash"], "Kit": draws["Kit"]}  # the voice stays theirs


def test_a_protected_word_is_added_once_and_the_cut_is_no_longer_current(show: Desk) -> None:
    """The next run takes it out; the word itself is in no answer and no log."""
    before = card(show).lane
    for _ in range(2):
        show.studio.protect(EPISODE, show.people[Role.REVIEWER], "  Thistledown ")
    assert (before, card(show).lane) == ("young-person", "words")
    assert sum(row.action == "protected" for row in show.studio.audit()) == 1
    assert "Thistledown" not in str(show.studio.audit()) + str(show.studio.timeline(EPISODE))


def test_the_timeline_names_staff_and_never_the_young_person(show: Desk) -> None:
    """In plain words, in order; the young person is "the young person"."""
    all_three(show)
    told = show.studio.timeline(EPISODE)
    assert [line.who for line in told if line.what.startswith("said yes")] == [
        "the young person",
        "name of reviewer",
        "name of lead",
    ]
    assert "name of young-person" not in str(told)
    assert [line.at for line in told] == sorted(line.at for line in told)


def test_the_board_needs_no_word_of_an_episode_whose_key_is_gone(show: Desk) -> None:
    """A withdrawn episode without a key is on it by its slug."""
    show.studio.withdraw(EPISODE, None)
    with show.open() as opened:
        opened.keyring.remove(opened.episode if False else opened.row(EPISODE).id)
    found = show.again().board().cards[0]
    assert (found.title, found.lane, found.speakers) == (EPISODE, "withdrawn", ())


# --- voices ----------------------------------------------------------------------------------------------------------------


def test_a_speaker_chooses_among_voices_nobody_else_has(show: Desk) -> None:
    """One of them is theirs now; with two speakers it has to be said whose."""
    with pytest.raises(UsageRefused):
        show.studio.previews(EPISODE)
    ash, kit = (show.studio.previews(EPISODE, name) for name in ("Ash", "Kit"))
    (own,) = (view.character for view in ash if view.chosen)
    assert own not in {view.character for view in kit}
    assert len(ash) >= 3


def test_a_sample_is_a_wav_in_memory(show: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made once and kept; nothing is written; an unknown voice is refused."""
    from stablecast.studio import voices

    made = []

    def fake(bench, part, character, said, settings):  # type: ignore[no-untyped-def]
        made.append(character.name)
        return part.waveform

    monkeypatch.setattr(voices, "_sampled", fake)
    before = {path for path in show.root.rglob("*")}
    character = show.studio.previews(EPISODE, "Ash")[0].character
    for _ in range(2):
        found = show.studio.preview_sample(EPISODE, character, "Ash")
    assert made == [character]
    assert found.media_type == "audio/wav"
    with wave.open(io.BytesIO(found.data)) as sound:
        assert sound.getnchannels() == 1
    assert {path for path in show.root.rglob("*")} == before
    with pytest.raises(UsageRefused):
        show.studio.preview_sample(EPISODE, "nobody", "Ash")


def test_at_the_command_line_a_real_show_wants_listening_too(show: Desk) -> None:
    """T56: a yes of staff that nobody measured is refused there, unless the show's settings or a demo say otherwise."""
    show.studio.approve(EPISODE, Role.YOUNG_PERSON, "name of young-person", PASSWORD)
    with pytest.raises(GateClosed, match="stablecast review"):
        show.studio.approve(EPISODE, Role.REVIEWER, "name of reviewer", PASSWORD)
    hear_all(show, Role.REVIEWER)
    show.studio.approve(EPISODE, Role.REVIEWER, "name of reviewer", PASSWORD)
    settings = show.root / "config" / "show.toml"
    settings.write_text(settings.read_text().replace("# measured_listening = true", "measured_listening = false"))
    assert "measured_listening = false" in settings.read_text()
    show.studio.approve(EPISODE, Role.LEAD, "name of lead", PASSWORD)


def test_views_hide_what_is_private_from_a_log() -> None:
    """No answer, reason or session is in the repr of a view."""
    from stablecast.studio.reviews import FormView, LinkView, WishView

    for kind, name in ((FormView, "answers"), (WishView, "note"), (LinkView, "session")):
        (found,) = (f for f in dataclasses.fields(kind) if f.name == name)
        assert not found.repr
