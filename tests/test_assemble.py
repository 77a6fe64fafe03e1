"""Assembling a programme: who is heard when, where the tone sounds, how loud the stings are, and that lengths are exact."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import signals
from stablecast.errors import UsageRefused
from stablecast.loudness.meter import integrated
from stablecast.model import Alias, AnonymisedAudio, Block, Method, Programme, Replacement, Span, Waveform
from stablecast.stages.assemble import AssembleParams, assemble, resampled

RATE_HZ = 44_100
KESTREL, WREN = Alias("Kestrel"), Alias("Wren")
SILENT = AssembleParams(replacement=Replacement.SILENCE)


def track(
    samples: np.ndarray, speaker: Alias = KESTREL, *spans: tuple[float, float], rate_hz: int = RATE_HZ
) -> AnonymisedAudio:
    """One anonymised speaker, silent in the spans as `revoice` leaves it."""
    kept = np.array(samples, np.float32)
    for start_s, end_s in spans:
        kept[round(start_s * rate_hz) : round(end_s * rate_hz)] = 0
    marked = tuple(Span(start_s, end_s, speaker) for start_s, end_s in spans)
    return AnonymisedAudio(speaker, Waveform.of(kept, rate_hz), marked, Method.NORMALISE)


def heard(programme: Programme, start_s: float, end_s: float) -> Block:
    """The programme from `start_s` to `end_s` of source time."""
    first = round((programme.timeline.opening_s + start_s) * RATE_HZ)
    return programme.waveform.read()[first : first + round((end_s - start_s) * RATE_HZ)]


def loudness(samples: np.ndarray) -> float:
    return integrated(Waveform.of(samples, RATE_HZ))


def test_one_speaker_alone_is_what_was_recorded() -> None:
    """At the programme's rate, with nothing to add, every sample is the track's."""
    speech = signals.speechlike(3, RATE_HZ, 1)
    programme = assemble((track(speech),), AssembleParams())
    np.testing.assert_array_equal(programme.waveform.read(), speech)
    assert programme.timeline.opening_s == 0


def test_speakers_start_together_and_the_shorter_ends_in_silence() -> None:
    """The programme is as long as its longest track and the sum of all."""
    long, short = signals.speechlike(3, RATE_HZ, 1), signals.speechlike(1.7, RATE_HZ, 2)
    unbalanced = AssembleParams(balance_db=0)
    both = assemble((track(short, WREN), track(long)), unbalanced).waveform.read()
    np.testing.assert_allclose(both[: len(short)], long[: len(short)] + short, atol=1e-6)
    np.testing.assert_array_equal(both[len(short) :], long[len(short) :])


@pytest.mark.parametrize(("quieter_db", "raised_db"), [(0, 0), (7, 7), (30, 12)])
def test_a_quieter_speaker_is_raised_towards_the_loudest_within_reason(quieter_db: float, raised_db: float) -> None:
    """Balance closes a gap up to `balance_db`; the loudest speaker stays as loud as before."""
    speech = signals.speechlike(4, RATE_HZ, 1)
    pause = np.zeros(4 * RATE_HZ)
    quiet = speech * signals.amplitude(-quieter_db)
    programme = assemble((track(speech), track(np.concatenate([pause, quiet]), WREN)), SILENT)
    np.testing.assert_array_equal(heard(programme, 0, 4), speech)
    assert loudness(heard(programme, 4, 8)) == pytest.approx(loudness(quiet) + raised_db, abs=0.2)


def test_a_silent_speaker_is_not_raised() -> None:
    """A track without speech is not turned into noise."""
    hiss = signals.noise(2, RATE_HZ, rms_dbfs=-85)
    speech = signals.speechlike(2, RATE_HZ, 1)
    mixed = assemble((track(speech), track(hiss, WREN)), AssembleParams()).waveform.read()
    np.testing.assert_allclose(mixed, speech + hiss, atol=1e-6)


def test_the_tone_sounds_in_the_span_and_nowhere_else() -> None:
    """Outside a span no sample changes; in its place is a tone of the asked frequency and loudness, without a click."""
    speech = signals.speechlike(6, RATE_HZ, 1)
    spoken = track(speech, KESTREL, (2.0, 4.0))
    plain = assemble((spoken,), AssembleParams(replacement=Replacement.SILENCE, replacement_s=2)).waveform.read()
    toned = assemble((spoken,), AssembleParams(replacement_s=2)).waveform.read()
    changed = np.flatnonzero(toned != plain)
    assert 2.0 * RATE_HZ <= changed[0] < 2.001 * RATE_HZ
    assert 3.999 * RATE_HZ < changed[-1] < 4.0 * RATE_HZ

    tone = toned[2 * RATE_HZ : 4 * RATE_HZ]
    assert np.argmax(np.abs(np.fft.rfft(tone))) / 2 == 440  # bins of half a hertz
    middle = tone[RATE_HZ // 2 : 3 * RATE_HZ // 2]
    assert loudness(middle) == pytest.approx(loudness(plain) + AssembleParams().tone_lu, abs=0.1)
    steepest = np.abs(middle).max() * 2 * np.pi * 440 / RATE_HZ
    assert np.abs(np.diff(tone)).max() <= 1.01 * steepest


def test_silence_adds_nothing() -> None:
    """With silence for a replacement the redacted words leave a hole of zeros."""
    programme = assemble((track(signals.speechlike(3, RATE_HZ, 1), KESTREL, (1.0, 2.0)),), SILENT)
    assert not heard(programme, 1.0, 2.0).any()


def test_whoever_else_speaks_stays_audible_under_the_tone() -> None:
    """One speaker's span takes nothing from another's words."""
    one, other = signals.speechlike(3, RATE_HZ, 1), signals.speechlike(3, RATE_HZ, 2)
    both = (track(one, KESTREL, (1.0, 2.0)), track(other, WREN))
    alone = (track(one * 0, KESTREL, (1.0, 2.0)), track(other, WREN))
    params = AssembleParams(balance_db=0)
    difference = heard(assemble(both, params), 1, 2) - heard(assemble(alone, params), 1, 2)
    assert np.abs(difference).max() < 0.05 * np.abs(other).max()  # only the tone's level follows the loudest speaker


def test_overlapping_spans_sound_one_tone() -> None:
    """The union of all speakers' spans is marked once: two redactions at a time are no louder than one."""
    speech = signals.speechlike(5, RATE_HZ, 1) * 0.0
    speech[: 44_100 // 2] = 0.1 * np.sin(np.arange(44_100 // 2) / 20)
    apart = assemble((track(speech, KESTREL, (1, 3)), track(speech, WREN, (2, 4))), AssembleParams())
    union = assemble((track(speech, KESTREL, (1, 4)), track(speech, WREN)), AssembleParams())
    np.testing.assert_array_equal(heard(apart, 1, 5), heard(union, 1, 5))


def test_a_span_at_the_very_end_does_not_lengthen_the_programme() -> None:
    """A guard that reaches past the recording is cut off with it."""
    spoken = track(signals.speechlike(2, RATE_HZ, 1), KESTREL, (1.5, 2.3))
    programme = assemble((spoken,), AssembleParams(replacement_s=0.5))
    assert programme.waveform.length == 2 * RATE_HZ
    assert programme.timeline.heard_s(2.0) == pytest.approx(2.0)


EVERYBODY = ((1.0, 1.6), (3.0, 5.2))


@pytest.mark.parametrize("replacement", list(Replacement))
def test_the_length_of_what_is_heard_tells_nothing(replacement: Replacement) -> None:
    """Two names of different length, the same sentence around them: the programmes are equal to the sample."""
    before, after = signals.speechlike(2, RATE_HZ, 1), signals.speechlike(2, RATE_HZ, 2)

    def programme(name_s: float) -> Programme:
        name = np.zeros(round(name_s * RATE_HZ))
        said = track(np.concatenate([before, name, after]), KESTREL, (2.0, 2.0 + name_s))
        return assemble((said,), AssembleParams(replacement=replacement))

    short, long = programme(0.6), programme(1.9)
    np.testing.assert_array_equal(short.waveform.read(), long.waveform.read())
    lasts_s = {Replacement.CUT: 0.0}.get(replacement, AssembleParams().replacement_s)
    for made in (short, long):
        (gap,) = made.timeline.gaps
        assert gap.heard_s == pytest.approx(lasts_s)
        assert made.waveform.duration_s == pytest.approx(4 + lasts_s, abs=0.021)  # a crossfade may take 20 ms


@pytest.mark.parametrize("replacement", list(Replacement))
def test_the_timeline_says_where_each_moment_is_heard(replacement: Replacement) -> None:
    """A click at any kept time of the recording is heard exactly when the timeline says, stings and all tracks included."""
    clicks = (0.4, 0.9, 2.2, 5.5, 6.1)
    samples = np.zeros(7 * RATE_HZ)
    for at_s in clicks:
        samples[round(at_s * RATE_HZ)] = 0.5
    chime = Waveform.of(signals.tone(330, 1, RATE_HZ), RATE_HZ)
    tracks = (track(samples, KESTREL, *EVERYBODY), track(samples * 0, WREN, *EVERYBODY))
    made = assemble(tracks, AssembleParams(replacement=replacement, balance_db=0, tone_lu=-30), opening=chime)
    whole = made.waveform.read()
    assert len(whole) == made.waveform.length
    assert made.waveform.duration_s == pytest.approx(made.timeline.heard_s(7.0), abs=1e-4)
    for at_s in clicks:
        place = round(made.timeline.heard_s(at_s) * RATE_HZ)
        assert np.abs(whole[place - 1 : place + 2]).max() > 0.4
    assert len(np.flatnonzero(np.abs(whole[round(made.timeline.opening_s * RATE_HZ) :]) > 0.4)) == len(clicks)


def test_a_cut_leaves_neither_sound_nor_click_nor_hole() -> None:
    """With cut the stretch is gone: before and after overlap for 20 ms, and a steady tone has no jump at the join."""
    steady = 0.3 * np.sin(2 * np.pi * 100 * np.arange(4 * RATE_HZ) / RATE_HZ)  # a span of whole periods
    said = AnonymisedAudio(KESTREL, Waveform.of(steady, RATE_HZ), (Span(1.0, 2.0 - 0.02, KESTREL),), Method.NORMALISE)
    made = assemble((said,), AssembleParams(replacement=Replacement.CUT)).waveform.read()
    assert len(made) == 3 * RATE_HZ
    np.testing.assert_allclose(made, steady[: 3 * RATE_HZ], atol=1e-4)


def test_a_cut_never_takes_what_another_speaker_says() -> None:
    """Where only one track is redacted there is nothing to cut; whoever set it so is told."""
    speech = signals.speechlike(3, RATE_HZ, 1)
    with pytest.raises(UsageRefused, match="all_tracks"):
        assemble((track(speech, KESTREL, (1, 2)), track(speech, WREN)), AssembleParams(replacement=Replacement.CUT))


@settings(max_examples=60, deadline=None)
@given(
    spans=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 900)), max_size=5),
    blocks=st.lists(st.integers(1, 1500), min_size=1, max_size=4),
    replacement=st.sampled_from(list(Replacement)),
)
def test_kept_samples_come_through_whatever_the_blocks(
    spans: list[tuple[int, int]], blocks: list[int], replacement: Replacement
) -> None:
    """Every kept sample is in the programme where the timeline says, once; the promised length is the length."""
    rate, samples = 1000, np.arange(1, 4001, dtype=np.float32) / 8000
    marked = tuple(Span(first / rate, (first + length) / rate, KESTREL) for first, length in spans)

    def pieces() -> Iterator[Block]:
        at = 0
        for size in itertools.cycle(blocks):
            if at >= len(samples):
                return
            yield samples[at : at + size]
            at += size

    said = AnonymisedAudio(KESTREL, Waveform(rate, len(samples), pieces), marked, Method.NORMALISE)
    params = AssembleParams(rate_hz=rate, replacement=replacement, crossfade_ms=0, tone_hz=50)
    made = assemble((said,), params)
    whole = made.waveform.read()
    assert len(whole) == made.waveform.length
    for number in range(0, 4000, 7):
        if not any(first <= number < first + length for first, length in spans):
            assert whole[round(made.timeline.heard_s(number / rate) * rate)] == samples[number]


def test_settings_that_would_tell_or_hide_a_removal_are_refused() -> None:
    """A replacement too short to be noticed, or a crossfade that swallows words."""
    for strange in ({"replacement_s": 0.1}, {"crossfade_ms": 500.0}):
        with pytest.raises(ValueError, match="is from"):
            AssembleParams(**strange)


@pytest.mark.parametrize("sting_rate_hz", [44_100, 48_000])
def test_stings_surround_the_speech_and_are_as_loud(sting_rate_hz: int) -> None:
    """Opening, gap, speech, gap, closing: faded, as loud as the speech, and the speech itself untouched."""
    speech = signals.speechlike(5, RATE_HZ, 1)
    chime = Waveform.of(signals.tone(330, 2.0003, sting_rate_hz, peak_dbfs=-1), sting_rate_hz)
    params = AssembleParams()
    programme = assemble((track(speech),), params, opening=chime, closing=chime)
    whole = programme.waveform.read()

    assert programme.timeline.opening_s == pytest.approx(2.0 + params.gap_s, abs=2e-3)
    assert len(whole) == programme.waveform.length == len(speech) + 2 * round(programme.timeline.opening_s * RATE_HZ)
    np.testing.assert_array_equal(heard(programme, 0, 5), speech)
    before = whole[: round(programme.timeline.opening_s * RATE_HZ)]
    after = whole[-len(before) :]
    assert loudness(before[RATE_HZ // 2 : 3 * RATE_HZ // 2]) == pytest.approx(loudness(speech), abs=0.3)
    gap = round(params.gap_s * RATE_HZ) - 100
    assert not before[-gap:].any()
    assert not after[:gap].any()
    for edge in (before[:50], after[-50:]):
        assert np.abs(edge).max() < 0.01 * np.abs(before).max()


def test_a_sting_shorter_than_its_fades_still_sounds() -> None:
    """Fades shrink to half of a short sting rather than swallow it."""
    blip = Waveform.of(signals.tone(330, 0.5, RATE_HZ), RATE_HZ)
    programme = assemble((track(signals.speechlike(2, RATE_HZ, 1)),), AssembleParams(), opening=blip)
    assert np.abs(programme.waveform.read()[: RATE_HZ // 2]).max() > 0.05


def test_nothing_is_computed_before_somebody_reads_and_a_second_reading_is_equal() -> None:
    """A programme can be read again and again, with the same samples each time."""
    spoken = track(signals.speechlike(2, 16_000, 1), KESTREL, (0.5, 0.9), rate_hz=16_000)
    programme = assemble((spoken,), AssembleParams())
    np.testing.assert_array_equal(programme.waveform.read(), programme.waveform.read())


def test_a_programme_of_nobody_is_a_callers_bug() -> None:
    """Without tracks there is nothing to assemble."""
    with pytest.raises(ValueError, match="at least one track"):
        assemble((), AssembleParams())


def test_resampling_keeps_time() -> None:
    """A tone is the same tone, in phase, at any rate: captions stay in step."""
    source = Waveform.of(signals.tone(440, 2, 24_000, peak_dbfs=-6), 24_000)
    expected = signals.tone(440, 2, RATE_HZ, peak_dbfs=-6)
    inner = slice(2_000, -2_000)
    np.testing.assert_allclose(resampled(source, RATE_HZ).read()[inner], expected[inner], atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    length=st.integers(0, 5_000),
    rates=st.sampled_from([(16_000, 44_100), (24_000, 44_100), (48_000, 44_100), (44_100, 16_000)]),
    cuts=st.lists(st.integers(1, 5_000), max_size=6),
)
def test_resampling_in_pieces_gives_exactly_the_promised_samples(
    length: int, rates: tuple[int, int], cuts: list[int]
) -> None:
    """The length is known up front and kept, and the samples do not depend on the blocks."""
    samples = np.random.default_rng(0).standard_normal(length).astype(np.float32)

    def blocks() -> Iterator[Block]:
        return (block for block in np.split(samples, sorted(cuts)) if len(block))

    result = resampled(Waveform(rates[0], length, blocks), rates[1])
    read = result.read()
    assert len(read) == result.length == round(length * rates[1] / rates[0])
    np.testing.assert_array_equal(read, resampled(Waveform.of(samples, rates[0]), rates[1]).read())
