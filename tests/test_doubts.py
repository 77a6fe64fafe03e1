"""Words that nobody may have said are told to a person, with the time and the reason and never the words."""

from __future__ import annotations

import itertools
import string

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stablecast.model import Doubt, Segment, Suspicion, Word
from stablecast.redaction import doubts as rules
from stablecast.redaction.doubts import doubts, merged, over_silence

RATE_HZ = 16_000


def said(
    text: str, *, start_s: float = 0.0, each_s: float = 0.4, logprob: float = -0.3, no_speech: float = 0.05
) -> Segment:
    """A segment of evenly spoken words."""
    words = tuple(
        Word(word, start_s + at * each_s, start_s + (at + 1) * each_s, 0.9) for at, word in enumerate(text.split())
    )
    return Segment(start_s, start_s + len(words) * each_s, words, logprob, no_speech)


def kinds(*segments: Segment) -> set[Suspicion]:
    return {doubt.suspicion for doubt in doubts(segments)}


PLAIN = said("Then I met somebody who listened to the end and wrote every step down for me on one page")
WORD = st.text(string.ascii_lowercase, min_size=1, max_size=9)
SEGMENT = st.builds(
    said,
    st.lists(WORD, max_size=12).map(" ".join),
    start_s=st.floats(0, 100),
    each_s=st.floats(0, 5),
    logprob=st.floats(-3, 0),
    no_speech=st.floats(0, 1),
)


def test_plain_speech_raises_no_doubt() -> None:
    """A tool that always warns is not read."""
    assert doubts([PLAIN, said("No, no, no. I said what I said.", start_s=10.0)]) == ()
    assert doubts([]) == ()


@given(st.lists(WORD, min_size=1, max_size=rules.LONGEST_LOOP, unique=True), st.integers(4, 9), st.integers(0, 3))
def test_a_loop_of_any_length_is_found_where_it_is(phrase: list[str], times: int, before: int) -> None:
    """Four times in a row, within one segment or spread over several; the stretch covers all of it."""
    lead = [f"lead{at}" for at in range(before)]
    whole = said(" ".join([*lead, *phrase * times]), start_s=5.0)
    spread = [said(" ".join(phrase), start_s=5.0 + at * len(phrase) * 0.4) for at in range(times)]
    for segments, first_s in (([whole], 5.0 + before * 0.4), (spread, 5.0)):
        (found,) = [doubt for doubt in doubts(segments) if doubt.suspicion is Suspicion.LOOP]
        assert found.start_s <= first_s + 1e-6
        assert found.end_s >= segments[-1].end_s - 1e-6


@given(st.lists(WORD, max_size=40, unique=True))
def test_words_that_do_not_come_again_are_no_loop(words: list[str]) -> None:
    """All different, nothing to doubt. (Such letters do not compress 2.4 times.)"""
    assert Suspicion.LOOP not in kinds(said(" ".join(words)))


def test_a_text_that_compresses_too_well_is_a_loop() -> None:
    """Whisper's own measure finds loops that are not quite equal."""
    text = " ".join(f"and thank you for watching this video number {at}" for at in range(8))
    assert kinds(said(text)) == {Suspicion.LOOP}


def test_a_script_without_our_letters_is_compared_too() -> None:
    """Vowel signs tell words apart in Bengali; equal words are a loop in any script."""
    assert kinds(said("কি কা কু কে কো কৈ")) == set()
    assert kinds(said("আমি আমি আমি আমি")) == {Suspicion.LOOP}


@pytest.mark.parametrize(
    ("each_s", "doubted"), [(0.4, False), (1 / 6.1, False), (1 / 7.5, True), (0.02, True), (0.0, True)]
)
def test_a_rate_nobody_speaks_at(each_s: float, doubted: bool) -> None:
    """6.1 words a second is the fastest there was among some twenty readers; 7 and more is told, 0 s for all of them as well."""
    assert (Suspicion.RATE in kinds(said("it was so good to be in a flat with a key", each_s=each_s))) == doubted


def test_long_words_too_fast_and_one_word_too_slow() -> None:
    """Languages of long words are judged by letters; one word of 4 s means that the aligner lost its place."""
    assert kinds(said("Aufenthaltsgenehmigung " * 2 + "Jugendhilfeeinrichtung Ausbildungsplatz " * 3, each_s=0.3)) >= {
        Suspicion.RATE
    }
    assert kinds(said("yes", each_s=4.0)) == {Suspicion.RATE}


@pytest.mark.parametrize(
    ("logprob", "no_speech", "doubted"), [(-1.2, 0.8, True), (-1.2, 0.3, False), (-0.4, 0.8, False)]
)
def test_what_whisper_itself_would_drop_is_told(logprob: float, no_speech: float, doubted: bool) -> None:
    """Both its doubts together, by its own thresholds."""
    assert (kinds(said("so I went home", logprob=logprob, no_speech=no_speech)) == {Suspicion.NO_SPEECH}) == doubted


def test_words_without_a_time_are_told() -> None:
    """They cannot be cut out, so a person should know before a gate says it."""
    segment = Segment(3.0, 6.0, (Word("yes", 3.0, 3.4, 0.9), Word("seventeen", None, None, 0.0)), -0.2, 0.1)
    assert doubts([segment]) == (Doubt(3.0, 6.0, Suspicion.UNTIMED),)


@given(st.lists(SEGMENT, max_size=6))
@example([said("yes yes yes yes", each_s=0.0)])
def test_doubts_are_in_order_inside_the_words_and_tell_none(segments: list[Segment]) -> None:
    """Whatever was recognised: sorted, apart, within the segments' time, equal each time, and without a word."""
    found = doubts(segments)
    assert list(found) == sorted(found)
    assert found == doubts(segments)
    for doubt in found:
        assert min(s.start_s for s in segments) <= doubt.start_s <= doubt.end_s <= max(s.end_s for s in segments) + 1e-6
        assert doubt.reason
    for kind in Suspicion:
        own = [doubt for doubt in found if doubt.suspicion is kind]
        assert all(b.start_s - a.end_s >= 1.0 for a, b in itertools.pairwise(own))
    assert merged(found) == found


def test_reasons_are_plain_and_fixed() -> None:
    """One sentence a kind, so that none can ever hold a word of a recording."""
    reasons = {Doubt(0, 1, kind).reason for kind in Suspicion}
    assert len(reasons) == len(Suspicion)


# --- over silence -------------------------------------------------------------------------------------------------------


def sound(levels: dict[tuple[float, float], float], seconds: float) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    gain = np.zeros_like(time_s)
    for (start_s, end_s), level in levels.items():
        gain[(time_s >= start_s) & (time_s < end_s)] = level
    return (gain * np.sin(2 * np.pi * 220 * time_s)).astype(np.float32)


def test_words_over_silence_are_found_and_quiet_ones_are_not() -> None:
    """Speech 30 dB under the loudest may be somebody far from the microphone; 50 dB under it is nobody."""
    samples = sound({(0.0, 1.0): 0.3, (2.0, 3.0): 0.3 * 10 ** (-30 / 20), (4.0, 5.0): 0.3 * 10 ** (-50 / 20)}, 6.0)
    segments = [said("loud", start_s=0.3), said("quiet", start_s=2.3), said("thank you", start_s=4.2, each_s=0.2)]
    (found,) = over_silence(segments, samples, RATE_HZ)
    assert (found.start_s, found.end_s) == pytest.approx((4.2, 4.6))


@given(st.floats(0, 9.5), st.floats(0.0, 0.5))
def test_nothing_is_over_silence_in_sound_and_all_is_in_silence(start_s: float, length_s: float) -> None:
    """At any place, of any length, even past the end of the samples."""
    segment = said("word", start_s=start_s, each_s=length_s)
    loud = sound({(0.0, 10.0): 0.1}, 10.0)
    assert over_silence([segment], loud, RATE_HZ) == ()
    assert len(over_silence([segment], np.zeros_like(loud), RATE_HZ)) == 1


def test_an_untimed_word_is_nowhere() -> None:
    """It is told as untimed; silence says nothing about it. No samples at all are silence."""
    segment = Segment(0.0, 1.0, (Word("yes", None, None, 0.0),), -0.2, 0.1)
    assert over_silence([segment], np.zeros(RATE_HZ, np.float32), RATE_HZ) == ()
    assert len(over_silence([said("word")], np.zeros(0, np.float32), RATE_HZ)) == 1
