"""The stage `revoice`: nothing of the source's samples in what it returns, silence in spans, and no way around either."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

import signals
from stablecast.errors import GateClosed
from stablecast.model import Alias, Block, Method, RedactedAudio, Span, Waveform
from stablecast.stages import revoice as stage
from stablecast.stages.revoice import RevoiceParams, revoice
from stablecast.tools.models import load
from stablecast.voice.characters import DEFAULTS
from stablecast.voice.draws import draw_from

RATE = 24_000
ALIAS = Alias("Robin")
HAZEL = DEFAULTS["hazel"]
DRAW = draw_from(bytes(range(32)), HAZEL)
SPEECH = signals.speechlike(24, RATE, seed=2)
METHODS = [Method.RESYNTHESIS, Method.NORMALISE, Method.PITCH]


def redacted(samples: np.ndarray, *spans: tuple[float, float]) -> RedactedAudio:
    """A recording with nothing but zeros where it was redacted."""
    hidden = np.array(samples, dtype=np.float32)
    for start_s, end_s in spans:
        hidden[int(start_s * RATE) : int(np.ceil(end_s * RATE))] = 0
    return RedactedAudio(ALIAS, Waveform.of(hidden, RATE), tuple(Span(a, b, ALIAS) for a, b in spans))


def revoiced(audio: RedactedAudio, method: Method = Method.RESYNTHESIS, secret: bytes = bytes(range(32))) -> Block:
    """The samples of the new voice."""
    draw = draw_from(secret, HAZEL)
    return revoice(audio, RevoiceParams(method=method), character=HAZEL, draw=draw, models=load()).waveform.read()


def residue(source: np.ndarray, out: np.ndarray, size: int = 4096) -> float:
    """How far a common signal stands out: whitened cross-correlation of frames (GCC-PHAT, 100–7000 Hz), summed.

    The height of the peak over the robust deviation of all lags. Every frame counts the same, so that a pause, in which
    little covers what was left, is searched as closely as a shout.
    """
    window, hz = np.hanning(size), np.fft.rfftfreq(size, 1 / RATE)
    total = np.zeros(len(hz), dtype=complex)
    for start in range(0, len(source) - size, size // 2):
        a, b = (np.fft.rfft(x[start : start + size] * window) for x in (source, out))
        cross = a * np.conj(b)
        total += np.where((hz > 100) & (hz < 7000), cross / np.maximum(np.abs(cross), 1e-30), 0)
    found = np.abs(np.fft.irfft(total))
    return float(found.max() / (np.median(found) / 0.6745))


@pytest.mark.parametrize(
    ("method", "share"), [(Method.RESYNTHESIS, 0.03), (Method.NORMALISE, 0.03), (Method.PITCH, 0.1)]
)
def test_nothing_of_the_original_is_in_the_result(method: Method, share: float) -> None:
    """A search that finds a little of the original mixed into the result finds nothing in the result itself."""
    out = revoiced(redacted(SPEECH), method).astype(np.float64)
    leak = share * SPEECH * np.sqrt(np.mean(out**2) / np.mean(SPEECH.astype(np.float64) ** 2))
    assert residue(SPEECH, out) < 40
    assert residue(SPEECH, out + leak) > 40


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_equal_draws_give_equal_samples_however_the_source_is_blocked(method: Method) -> None:
    """The result depends on samples, character and draw alone, and can be read again."""
    whole = redacted(SPEECH, (3.0, 3.5))
    samples = whole.waveform.read()
    parts = [samples[at : at + 999] for at in range(0, len(samples), 999)]
    blocked = RedactedAudio(ALIAS, Waveform(RATE, len(samples), lambda: iter(parts)), whole.spans)
    made = revoice(blocked, RevoiceParams(method=method), character=HAZEL, draw=DRAW, models=load()).waveform
    first = made.read()
    np.testing.assert_array_equal(first, revoiced(whole, method))
    again = next(made.blocks())
    np.testing.assert_array_equal(first[: len(again)], again)


def test_another_secret_is_another_voice() -> None:
    """Two draws of one recording differ as two recordings do."""
    one, other = (revoiced(redacted(SPEECH), secret=bytes([n]) * 32) for n in (1, 2))
    assert np.corrcoef(one, other)[0, 1] < 0.5


@pytest.mark.parametrize("method", METHODS)
def test_spans_are_silent(method: Method) -> None:
    """Not one sample in a span is anything but zero, at the edges and at the ends of the recording as well."""
    spans = ((0.0, 0.4), (3.0001, 3.5), (3.6, 3.61), (23.5, 24.2))
    out = revoiced(redacted(SPEECH, *spans), method)
    for start_s, end_s in spans:
        assert not out[int(start_s * RATE) : int(np.ceil(end_s * RATE))].any()
    assert np.abs(out[4 * RATE : 20 * RATE]).max() > 0.1


def test_spans_are_silent_even_where_the_source_is_not() -> None:
    """The stage does not rely on being given zeros: what a span covers never sounds."""
    loud = RedactedAudio(ALIAS, Waveform.of(SPEECH, RATE), (Span(1.0, 2.0, ALIAS),))
    assert not revoiced(loud)[RATE : 2 * RATE].any()


def test_the_edge_of_a_span_does_not_click() -> None:
    """Into a span the sound falls over 5 ms."""
    flat = Waveform.of(np.ones(RATE), RATE)
    out = stage.silenced(flat, (Span(0.4, 0.5, ALIAS),)).read()
    assert np.abs(np.diff(out)).max() < 0.01
    assert out[round(0.39 * RATE)] == out[round(0.51 * RATE)] == 1


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_track_stays_empty(method: Method) -> None:
    """Silence in, silence out; no samples in, none out."""
    assert np.abs(revoiced(redacted(np.zeros(RATE)), method)).max() < 1e-6
    assert len(revoiced(redacted(np.zeros(0)), method)) == 0


def test_samples_that_are_not_numbers_close_the_gate() -> None:
    """A broken recording is refused in a sentence, never passed on."""
    broken = SPEECH.copy()
    broken[100] = np.nan
    with pytest.raises(GateClosed, match="not numbers"):
        revoiced(redacted(broken))


@pytest.mark.parametrize(
    ("method", "part"),
    [
        (Method.RESYNTHESIS, "hear"),
        (Method.RESYNTHESIS, "synthesise"),
        (Method.NORMALISE, "analyse"),
        (Method.NORMALISE, "synthesise"),
    ],
)
def test_a_failure_raises_and_returns_nothing(method: Method, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a part fails no sample comes out: there is no falling back to the source, nor to a weaker method."""

    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(f"stablecast.voice.{method.value}.{part}", fails)
    with pytest.raises(MemoryError):
        revoiced(redacted(SPEECH), method)


def test_what_goes_with_the_voice() -> None:
    """The result carries speaker, spans, method, and the source's rate and length."""
    audio = redacted(SPEECH, (1.0, 2.0))
    made = revoice(audio, RevoiceParams(), character=HAZEL, draw=DRAW, models=load())
    assert (made.speaker, made.spans, made.method) == (ALIAS, audio.spans, Method.RESYNTHESIS)
    assert (made.waveform.rate_hz, made.waveform.length) == (RATE, len(SPEECH))


@pytest.mark.parametrize("wrong", [{"melody": 1.5}, {"melody": -0.1}, {"pitch_semitones": 13.0}])
def test_settings_out_of_range_are_refused_by_their_name(wrong: dict[str, float]) -> None:
    """A refusal begins with the field, so that the settings reader can give its line."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RevoiceParams(**wrong)  # type: ignore[arg-type]


def test_the_default_is_no_plain_shift() -> None:
    """Nobody gets the method that protects nobody without asking for it."""
    assert RevoiceParams().method is Method.RESYNTHESIS
    assert {field.name for field in fields(RevoiceParams)} == {"method", "characters", "melody", "pitch_semitones"}
    assert set(RevoiceParams().characters) <= set(DEFAULTS)
