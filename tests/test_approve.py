"""The last look before publication: the very bytes and words that three people said yes to, and no others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import permutations, product
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablecast.errors import GateClosed, IntegrityFailure
from stablecast.model import (
    Alias,
    Approval,
    Chapter,
    Cue,
    Cut,
    Details,
    Digest,
    Method,
    PublicEpisode,
    PublicFile,
    PublicTranslation,
    Role,
    SmallFile,
    TextFile,
)
from stablecast.stages.approve import ApprovedEpisode, approve, freeze

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ORDER = (Role.YOUNG_PERSON, Role.REVIEWER, Role.LEAD)
MP3, VTT = PurePosixPath("media/a.mp3"), PurePosixPath("captions/a.vtt")
FILES = (PublicFile(MP3, "audio/mpeg", b"every byte of the audio"), PublicFile(VTT, "text/vtt", b"every cue"))
EPISODE = PublicEpisode(
    public_id="f" * 32,
    guid="urn:uuid:1",
    details=Details("Title", "Summary", "none", ("home",), (Chapter(1.0, "Chapter"),)),
    duration_s=12.5,
    language="en",
    enclosure=MP3,
    enclosure_bytes=len(FILES[0].data),
    enclosure_type="audio/mpeg",
    vtt=VTT,
    srt=PurePosixPath("captions/a.srt"),
    chapters=PurePosixPath("chapters/a.json"),
    cues=(Cue(0, 1000, Alias("Kit"), "Hello there."), Cue(1000, 2000, Alias("Kit"), "Goodbye.")),
    transcripts=(TextFile(PurePosixPath("captions/a.txt"), "text/plain", "en", timed=False),),
    translations=(PublicTranslation("de", PurePosixPath("captions/a.de.vtt"), PurePosixPath("captions/a.de.srt"), ()),),
)


def frozen(
    episode: PublicEpisode = EPISODE,
    files: tuple[PublicFile, ...] = FILES,
    consent_version: int = 1,
    method: Method = Method.NORMALISE,
) -> Cut:
    return freeze(episode, files, consent_version=consent_version, method=method)


CUT = frozen()


def yes(cut: Cut = CUT, roles: tuple[Role, ...] = ORDER) -> tuple[Approval, ...]:
    return tuple(Approval(role, f"account-{role}", cut.digest, NOW) for role in roles)


def approved(
    cut: Cut = CUT, files: tuple[PublicFile, ...] = FILES, approvals: tuple[Approval, ...] | None = None
) -> ApprovedEpisode:
    given_ = yes(cut) if approvals is None else approvals
    return approve(cut, files, given_)


def test_what_three_people_said_yes_to_is_approved() -> None:
    """Equal bytes, equal words, three people in order: nothing is in the way."""
    assert approved() == ApprovedEpisode(CUT, yes(), FILES)
    assert frozen() == CUT


def test_the_order_of_the_files_does_not_matter() -> None:
    """H is of a set of files."""
    assert frozen(files=FILES[::-1]).digest == CUT.digest


def _with_files(*files: PublicFile) -> Callable[[], Cut]:
    return lambda: frozen(files=files)


def _with_words(**changes: Any) -> Callable[[], Cut]:
    return lambda: frozen(replace(EPISODE, **changes))


def _with_details(**changes: Any) -> Callable[[], Cut]:
    return lambda: frozen(replace(EPISODE, details=replace(EPISODE.details, **changes)))


CHANGES: dict[str, Callable[[], Cut]] = {
    "a byte more": _with_files(replace(FILES[0], data=FILES[0].data + b"\0"), FILES[1]),
    "a file more": _with_files(*FILES, PublicFile(PurePosixPath("x"), "text/plain", b"")),
    "a file less": _with_files(FILES[0]),
    "another path": _with_files(replace(FILES[0], path=PurePosixPath("media/b.mp3")), FILES[1]),
    "two files swapped": _with_files(replace(FILES[0], data=FILES[1].data), replace(FILES[1], data=FILES[0].data)),
    "another media type": _with_files(replace(FILES[0], media_type="audio/ogg"), FILES[1]),
    "another consent": lambda: frozen(consent_version=2),
    "another method": lambda: frozen(method=Method.PITCH),
    "a title": _with_details(title="Title."),
    "a summary": _with_details(summary=""),
    "a content note": _with_details(content_note="loss"),
    "an outcome": _with_details(outcomes=()),
    "a chapter": _with_details(chapters=()),
    "the explicit mark": _with_details(explicit=True),
    "a word of a cue": _with_words(cues=(replace(EPISODE.cues[0], text="Hello here."), EPISODE.cues[1])),
    "a time of a cue": _with_words(cues=(replace(EPISODE.cues[0], end_ms=999), EPISODE.cues[1])),
    "a speaker": _with_words(cues=(replace(EPISODE.cues[0], speaker=Alias("Ash")), EPISODE.cues[1])),
    "the order of the cues": _with_words(cues=EPISODE.cues[::-1]),
    "the name of the enclosure": _with_words(enclosure=PurePosixPath("media/b.mp3")),
    "the length": _with_words(duration_s=12.6),
    "the language": _with_words(language="fr"),
    "the guid": _with_words(guid="urn:uuid:2"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_makes_another_digest_and_voids_the_approvals(change: Callable[[], Cut]) -> None:
    """Every public byte, path, type and word, the consent and the method are under H."""
    changed = change()
    assert changed.digest != CUT.digest
    files = tuple(f for f in FILES if f.path in changed.files)
    with pytest.raises((GateClosed, IntegrityFailure)):
        approved(changed, files, yes(CUT))


def test_every_field_of_the_words_is_under_the_digest() -> None:
    """A field that is added to the public words is under H without anybody thinking of it."""
    for field in fields(PublicEpisode):
        other: dict[type, Any] = {
            str: "other",
            float: 1.0,
            int: 1,
            PurePosixPath: PurePosixPath("other"),
            tuple: (),
            Details: Details("other"),
            type(None): SmallFile(PurePosixPath("a.opus"), "audio/ogg", "opus", 24, 9, Digest("0" * 64)),
        }
        assert frozen(replace(EPISODE, **{field.name: other[_kind(field.name)]})).digest != CUT.digest


def _kind(name: str) -> type:
    kind = type(getattr(EPISODE, name))
    return PurePosixPath if issubclass(kind, PurePosixPath) else kind


@given(st.data())
def test_changing_any_single_bit_of_a_file_is_refused(data: st.DataObject) -> None:
    """The bytes are hashed again at the last moment, not believed."""
    number = data.draw(st.integers(0, len(FILES) - 1))
    broken = bytearray(FILES[number].data)
    broken[data.draw(st.integers(0, len(broken) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    files = (*FILES[:number], replace(FILES[number], data=bytes(broken)), *FILES[number + 1 :])
    with pytest.raises(IntegrityFailure, match="not the bytes that were approved"):
        approved(files=files)


@pytest.mark.parametrize(
    "forged",
    [
        replace(CUT, episode=replace(EPISODE, guid="urn:uuid:2")),
        replace(CUT, files={**CUT.files, MP3: Digest("0" * 64)}),
        replace(CUT, files={}),
        replace(CUT, consent_version=2),
        replace(CUT, method=Method.PITCH),
        replace(CUT, digest=Digest("0" * 64)),
    ],
)
def test_a_cut_that_is_not_what_its_digest_says_is_refused(forged: Cut) -> None:
    """A value put together by hand, or changed where it was kept, does not pass."""
    with pytest.raises(IntegrityFailure):
        approved(forged)


def test_two_files_of_one_path_are_a_bug() -> None:
    """Which of them would be heard, which published?"""
    with pytest.raises(ValueError, match="one file a path"):
        frozen(files=(*FILES, replace(FILES[0], data=b"other audio")))


def test_a_plain_pitch_shift_is_never_approved() -> None:
    """Whoever said yes to it: the gate explains why."""
    cut = frozen(method=Method.PITCH)
    with pytest.raises(GateClosed, match="can be undone"):
        approved(cut)


# --- approvals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("roles", [roles for n in range(4) for roles in product(ORDER, repeat=n) if roles != ORDER])
def test_only_the_three_in_their_order_will_do(roles: tuple[Role, ...]) -> None:
    """Every other list of up to three approvals is refused: missing, repeated, swapped."""
    approvals = tuple(replace(approval, account=f"{n}") for n, approval in enumerate(yes(roles=roles)))
    with pytest.raises(GateClosed, match="in this order"):
        approved(approvals=approvals)


def test_a_fourth_approval_is_refused() -> None:
    """Nothing that is not expected is waved through."""
    for extra in Role:
        with pytest.raises(GateClosed):
            approved(approvals=(*yes(), Approval(extra, "other", CUT.digest, NOW)))


@pytest.mark.parametrize("pair", [*permutations(range(3), 2)])
def test_three_different_people_are_needed(pair: tuple[int, int]) -> None:
    """One person in two roles is one person."""
    approvals = list(yes())
    approvals[pair[0]] = replace(approvals[pair[0]], account=approvals[pair[1]].account)
    with pytest.raises(GateClosed, match="three different people"):
        approved(approvals=tuple(approvals))


@pytest.mark.parametrize("number", range(3))
def test_a_yes_to_another_cut_is_refused(number: int) -> None:
    """Every one of the three is to these bytes."""
    approvals = list(yes())
    approvals[number] = replace(approvals[number], digest=Digest("0" * 64))
    with pytest.raises(GateClosed, match="another cut"):
        approved(approvals=tuple(approvals))
