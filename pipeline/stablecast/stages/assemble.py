"""Several anonymised speakers become one programme: mixed, redactions made audible, stings before and after."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from stablecast.frames import framed
from stablecast.loudness.meter import FLOOR_DB, integrated
from stablecast.model import BLOCK_SAMPLES, AnonymisedAudio, Block, Lufs, Programme, Replacement, Waveform

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pydub looks for a program on PATH; ours never starts one
    from pydub import AudioSegment
    from pydub.generators import Sine

VERSION = 1

_FULL_SCALE = 2.0**31  # pydub's samples are whole numbers; 32 bits keep them finer than float32 does


@dataclass(frozen=True, slots=True)
class AssembleParams:
    """How a programme is put together. Loudness is relative to the speech, which `master` brings to its target."""

    rate_hz: int = 44_100  # Hz, of the programme
    balance_db: float = (
        12.0  # dB; a quieter speaker is raised towards the loudest by at most this, 0 leaves all as they are
    )
    replacement: Replacement = Replacement.TONE  # what is heard in place of redacted words
    tone_hz: int = 440  # Hz, a whole number
    tone_lu: float = -10.0  # LU relative to the speech: heard, and no shock in headphones
    tone_fade_ms: float = 30.0  # ms, inside the span at both ends
    sting_lu: float = 0.0  # LU relative to the speech
    sting_fade_ms: int = 400  # ms, at both ends of each sting
    gap_s: float = 0.6  # s of silence between a sting and the speech


def assemble(
    tracks: tuple[AnonymisedAudio, ...],
    params: AssembleParams,
    *,
    opening: Waveform | None = None,
    closing: Waveform | None = None,
) -> Programme:
    """Mix `tracks`, which start together; the shorter ones end in silence.

    Each speaker's loudness is measured (one reading of every track), nothing else is read before somebody reads the
    programme. The tone sounds wherever any speaker is redacted; whoever else speaks stays audible under it. The stings
    are short and held in memory; the speech never is. Raises ValueError without tracks.
    """
    if not tracks:
        raise ValueError("a programme needs at least one track")
    speech = [integrated(track.waveform) for track in tracks]
    loudest = max(speech)
    gains = [_ratio(min(loudest - own, params.balance_db)) if own > FLOOR_DB else 1.0 for own in speech]
    voices = [resampled(track.waveform, params.rate_hz) for track in tracks]
    length = max(voice.length for voice in voices)
    spans = _merged(tracks, params.rate_hz, length) if params.replacement is Replacement.TONE else []

    def body() -> Iterator[Block]:
        readings = [framed(voice.blocks(), BLOCK_SAMPLES) for voice in voices]
        for start in range(0, length, BLOCK_SAMPLES):
            mix = np.zeros(min(BLOCK_SAMPLES, length - start), np.float32)
            for gain, reading in zip(gains, readings, strict=True):
                piece = next(reading, mix[:0])
                mix[: len(piece)] += np.float32(gain) * piece
            _add_tone(mix, start, spans, params, loudest)
            yield mix

    before = _sting(opening, params, loudest, leads=True)
    after = _sting(closing, params, loudest, leads=False)
    whole = Waveform(
        params.rate_hz,
        before.length + length + after.length,
        lambda: itertools.chain(before.blocks(), body(), after.blocks()),
    )
    return Programme(whole, opening_s=before.duration_s)


def resampled(waveform: Waveform, rate_hz: int) -> Waveform:
    """The same audio at another rate, without delay, exactly round(length · ratio) samples long."""
    if waveform.rate_hz == rate_hz:
        return waveform
    length = round(waveform.length * rate_hz / waveform.rate_hz)

    def process(blocks: Iterator[Block]) -> Iterator[Block]:
        stream = soxr.ResampleStream(waveform.rate_hz, rate_hz, 1, dtype="float32")
        missing = length
        # soxr cuts its answers where it likes: what is left at the end is a sample more or less than we promise
        ends = itertools.chain(((block, False) for block in blocks), [(np.zeros(0, np.float32), True)])
        for block, last in ends:
            piece = stream.resample_chunk(np.ascontiguousarray(block), last=last)[:missing]
            missing -= len(piece)
            if len(piece):
                yield piece
        if missing:
            yield np.zeros(missing, np.float32)

    return waveform.through(process, rate_hz=rate_hz, length=length)


def _ratio(db: float) -> float:
    return float(10 ** (db / 20))


def _merged(tracks: tuple[AnonymisedAudio, ...], rate_hz: int, length: int) -> list[tuple[int, int]]:
    """The spans of all tracks in samples, in order, none touching another."""
    merged: list[tuple[int, int]] = []
    for span in sorted(span for track in tracks for span in track.spans):
        start, end = round(span.start_s * rate_hz), min(round(span.end_s * rate_hz), length)
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif start < end:
            merged.append((start, end))
    return merged


@functools.cache
def _tone_second(hz: int, rate_hz: int) -> tuple[Block, Lufs]:
    """One second of the tone at full scale, and its loudness. A whole number of periods: it repeats without a seam."""
    samples = _samples(Sine(hz, sample_rate=rate_hz, bit_depth=32).to_audio_segment(duration=1000))
    return samples, integrated(Waveform.of(samples, rate_hz))


def _add_tone(
    mix: NDArray[np.float32], start: int, spans: list[tuple[int, int]], params: AssembleParams, speech: Lufs
) -> None:
    stop = start + len(mix)
    for first, end in spans:
        if first >= stop or end <= start:
            continue
        second, loudness = _tone_second(params.tone_hz, params.rate_hz)
        place = np.arange(max(first, start), min(end, stop))
        edge = np.minimum(place - first, end - 1 - place) / max(1.0, params.tone_fade_ms * params.rate_hz / 1000)
        envelope = np.sin(np.pi / 2 * edge.clip(0, 1)) ** 2
        mix[place - start] += _ratio(speech + params.tone_lu - loudness) * envelope * second[place % len(second)]


def _sting(sound: Waveform | None, params: AssembleParams, speech: Lufs, *, leads: bool) -> Waveform:
    """The sting as it will be heard, with the gap between it and the speech; nothing for none."""
    if sound is None:
        return Waveform.of(np.zeros(0), params.rate_hz)
    own = integrated(sound)
    gain = _ratio(speech + params.sting_lu - own) if own > FLOOR_DB else 1.0
    segment = _segment(resampled(sound, params.rate_hz).read(), params.rate_hz)
    fade_ms = min(params.sting_fade_ms, len(segment) // 2)
    segment = segment.fade_in(fade_ms).fade_out(fade_ms)
    gap = AudioSegment.silent(round(1000 * params.gap_s), frame_rate=params.rate_hz)
    return Waveform.of(gain * _samples(segment + gap if leads else gap + segment), params.rate_hz)


def _segment(samples: Block, rate_hz: int) -> AudioSegment:
    whole = (samples.astype(np.float64).clip(-1, 1 - 1 / _FULL_SCALE) * _FULL_SCALE).astype(np.int32)
    return AudioSegment(whole.tobytes(), sample_width=4, frame_rate=rate_hz, channels=1)


def _samples(segment: AudioSegment) -> Block:
    return (np.frombuffer(segment.raw_data, np.int32) / _FULL_SCALE).astype(np.float32)
