"""Where each moment of a recording is heard: one value moves words, chapters and places, and nothing is lost or doubled."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablecast.model import REDACTED, Alias, Chapter, Gap, PublicTranscript, PublicWord, Timeline
from stablecast.stages.caption import CaptionParams, caption

ASH = Alias("Ash")


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Up to six gaps apart or touching, each heard longer or shorter than it was, or not at all."""
    at, gaps = 0.0, []
    for _ in range(draw(st.integers(0, 6))):
        at += draw(st.sampled_from([0.0, 0.25, 1.0, 7.5]))
        length = draw(st.sampled_from([0.25, 0.5, 2.0, 30.0]))
        gaps.append(Gap(at, at + length, draw(st.sampled_from([0.0, 0.5, 1.0]))))
        at += length
    return Timeline(draw(st.sampled_from([0.0, 2.5])), tuple(gaps))


TIMES = st.floats(0, 200, allow_nan=False)


def kept(timeline: Timeline, time_s: float) -> bool:
    return not any(gap.start_s <= time_s < gap.end_s for gap in timeline.gaps)


@given(timelines(), TIMES)
def test_a_kept_time_has_one_place_in_the_file_and_back(timeline: Timeline, time_s: float) -> None:
    """On kept time the mapping is one to one: there and back is where it was."""
    if kept(timeline, time_s):
        assert timeline.source_s(timeline.heard_s(time_s)) == pytest.approx(time_s, abs=1e-9)


@given(timelines(), TIMES)
def test_every_place_in_the_speech_comes_from_somewhere(timeline: Timeline, into_s: float) -> None:
    """Each time of the file belongs to a time of the recording that is heard exactly then."""
    heard_s = timeline.opening_s + into_s
    assert timeline.heard_s(timeline.source_s(heard_s)) == pytest.approx(heard_s, abs=1e-9)


@given(timelines(), TIMES, TIMES)
def test_time_never_goes_back_and_kept_seconds_stay_seconds(timeline: Timeline, one_s: float, other_s: float) -> None:
    """Order survives; between two times without a gap between them exactly as much is heard as was said."""
    one_s, other_s = sorted((one_s, other_s))
    heard_s = timeline.heard_s(other_s) - timeline.heard_s(one_s)
    assert heard_s >= -1e-9
    if not any(gap.start_s < other_s and one_s < gap.end_s for gap in timeline.gaps):
        assert heard_s == pytest.approx(other_s - one_s, abs=1e-9)


@given(timelines(), st.lists(st.tuples(TIMES, st.floats(0, 2), st.booleans()), max_size=12))
def test_words_move_with_the_sound(timeline: Timeline, said: list[tuple[float, float, bool]]) -> None:
    """Their order and their number stay; what stands for removed words has the times of the gap."""
    public = PublicTranscript(
        "en",
        tuple(
            PublicWord(REDACTED if gone else "word", start_s, start_s + length_s, ASH)
            for start_s, length_s, gone in sorted(said)
        ),
    )
    moved = timeline.words(public).words
    assert [word.text for word in moved] == [word.text for word in public.words]
    for before, after in zip(public.words, moved, strict=True):
        assert after.start_s <= after.end_s
        if before.text != REDACTED:
            assert after.start_s == pytest.approx(timeline.heard_s(before.start_s) - timeline.opening_s)
    spoken = [word.start_s for word in moved if word.text != REDACTED]
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(spoken))


@pytest.mark.parametrize("name_s", [0.4, 1.3])
def test_a_longer_name_makes_no_other_caption(name_s: float) -> None:
    """Where a name was taken out the captions of a file, and its chapters, are the same for any name."""
    span = (2.0 - 0.2, 2.0 + name_s + 0.2)
    later = span[1] + 0.1
    words = (
        PublicWord("I", 1.0, 1.3, ASH),
        PublicWord("met", 1.3, 1.7, ASH),
        PublicWord(REDACTED, 2.0, 2.0 + name_s, ASH),
        PublicWord("there.", later, later + 0.5, ASH, ends_segment=True),
    )
    timeline = Timeline(3.0, (Gap(*span, 1.0),))
    made = caption(
        PublicTranscript("en", words),
        timeline=timeline,
        duration_s=12.0,
        chapters=(Chapter(later, "There"),),
        title="A talk",
        params=CaptionParams(),
    )
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in made.cues] == [(4000, 6500, f"I met {REDACTED} there.")]
    assert [chapter.start_s for chapter in made.chapters] == [0.0, pytest.approx(3.0 + 1.8 + 1.0 + 0.1)]


def test_gaps_out_of_order_are_a_callers_bug() -> None:
    """Overlapping gaps would hear a moment twice."""
    with pytest.raises(ValueError, match="apart"):
        Timeline(0.0, (Gap(1.0, 2.0, 1.0), Gap(1.5, 3.0, 1.0)))
    with pytest.raises(ValueError, match="no such gap"):
        Gap(2.0, 2.0, 1.0)
