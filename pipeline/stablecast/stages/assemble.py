"""Several anonymised speakers become one programme: mixed, redactions made audible, stings before and after."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from stablecast.errors import UsageRefused
from stablecast.frames import framed
from stablecast.loudness.meter import FLOOR_DB, integrated
from stablecast.model import (
    BLOCK_SAMPLES,
    AnonymisedAudio,
    Block,
    Gap,
    Lufs,
    Programme,
    Replacement,
    Span,
    Timeline,
    Waveform,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pydub looks for a program on PATH; ours never starts one
    from pydub import AudioSegment
    from pydub.generators import Sine

VERSION = 2

_FULL_SCALE = 2.0**31  # pydub's samples are whole numbers; 32 bits keep them finer than float32 does


@dataclass(frozen=True, slots=True)
class AssembleParams:
    """How a programme is put together. Loudness is relative to the speech, which `master` brings to its target."""

    rate_hz: int = 44_100  # Hz, of the programme
    balance_db: float = (
        12.0  # dB; a quieter speaker is raised towards the loudest by at most this, 0 leaves all as they are
    )
    replacement: Replacement = (
        Replacement.TONE
    )  # what is heard in place of redacted words: tone, silence, or cut for nothing
    replacement_s: float = (
        1.0  # s a tone or silence lasts, whatever it stands for: its length would tell which name it was
    )
    crossfade_ms: float = 20.0  # ms; with cut, what comes before and after overlap by this
    tone_hz: int = 440  # Hz, a whole number
    tone_lu: float = -10.0  # LU relative to the speech: heard, and no shock in headphones
    tone_fade_ms: float = 30.0  # ms, inside the span at both ends
    sting_lu: float = 0.0  # LU relative to the speech
    sting_fade_ms: int = 400  # ms, at both ends of each sting
    gap_s: float = 0.6  # s of silence between a sting and the speech

    def __post_init__(self) -> None:
        if not 0.25 <= self.replacement_s <= 10:
            raise ValueError("replacement_s is from 0.25 to 10: long enough to be heard as something that was removed")
        if not 0 <= self.crossfade_ms <= 100:
            raise ValueError("crossfade_ms is from 0 to 100")


def assemble(
    tracks: tuple[AnonymisedAudio, ...],
    params: AssembleParams,
    *,
    opening: Waveform | None = None,
    closing: Waveform | None = None,
) -> Programme:
    """Mix `tracks`, which start together; the shorter ones end in silence.

    Each speaker's loudness is measured (one reading of every track), nothing else is read before somebody reads the
    programme. Where every track is redacted, that stretch gives way to `replacement_s` of tone or silence, or to nothing;
    where somebody may still be speaking (`all_tracks` of [redact] is off), a tone sounds over the mix for as long as the
    words did. The stings are short and held in memory; the speech never is.
    Raises ValueError without tracks, UsageRefused for a cut that would take another speaker's words with it.
    """
    if not tracks:
        raise ValueError("a programme needs at least one track")
    speech = [integrated(track.waveform) for track in tracks]
    loudest = max(speech)
    gains = [_ratio(min(loudest - lufs, params.balance_db)) if lufs > FLOOR_DB else 1.0 for lufs in speech]
    voices = [resampled(track.waveform, params.rate_hz) for track in tracks]
    length = max(voice.length for voice in voices)
    every = _merged((span for track in tracks for span in track.spans), params.rate_hz, length)
    own = [_merged(track.spans, params.rate_hz, length) for track in tracks]
    shared = [(a, b) for a, b in every if all(any(c <= a and b <= d for c, d in spans) for spans in own)]
    if params.replacement is Replacement.CUT and shared != every:
        raise UsageRefused(
            "show.toml: assemble.replacement is cut, which would take other speakers' words along; "
            "set redact.all_tracks = true, or choose tone or silence"
        )
    under = [span for span in every if span not in shared] if params.replacement is Replacement.TONE else []

    def mixed() -> Iterator[Block]:
        readings = [framed(voice.blocks(), BLOCK_SAMPLES) for voice in voices]
        for start in range(0, length, BLOCK_SAMPLES):
            mix = np.zeros(min(BLOCK_SAMPLES, length - start), np.float32)
            for gain, reading in zip(gains, readings, strict=True):
                piece = next(reading, mix[:0])
                mix[: len(piece)] += np.float32(gain) * piece
            _add_tone(mix, start, under, params, loudest)
            yield mix

    cuts = _cuts(shared, length, params)
    body = Waveform(params.rate_hz, length, mixed).through(
        lambda blocks: _recut(blocks, cuts, length, _replacement(params, loudest)),
        length=length + sum(cut.heard - (cut.stop - cut.first) for cut in cuts),
    )
    before = _sting(opening, params, loudest, leads=True)
    after = _sting(closing, params, loudest, leads=False)
    whole = Waveform(
        params.rate_hz,
        before.length + body.length + after.length,
        lambda: itertools.chain(before.blocks(), body.blocks(), after.blocks()),
    )
    rate = params.rate_hz
    gaps = tuple(Gap(cut.first / rate, cut.stop / rate, cut.heard / rate) for cut in cuts)
    return Programme(whole, Timeline(before.duration_s, gaps))


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


Stretch = tuple[int, int]  # of samples: the first, and the one after the last


def _merged(spans: Iterable[Span], rate_hz: int, length: int) -> list[Stretch]:
    """Spans in samples, in order, none touching another."""
    merged: list[Stretch] = []
    for span in sorted(spans):
        start, end = round(span.start_s * rate_hz), min(round(span.end_s * rate_hz), length)
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        elif start < end:
            merged.append((start, end))
    return merged


@dataclass(frozen=True, slots=True)
class _Cut:
    """Samples that go, how many come in their place, and over how many the two ends overlap before that."""

    first: int
    stop: int  # the overlap is counted in: what follows is heard over what precedes
    heard: int
    overlap: int


def _cuts(spans: list[Stretch], length: int, params: AssembleParams) -> list[_Cut]:
    if params.replacement is not Replacement.CUT:
        return [_Cut(first, stop, round(params.replacement_s * params.rate_hz), 0) for first, stop in spans]
    most, bounds = round(params.crossfade_ms * params.rate_hz / 1000), [0, *itertools.chain(*spans), length]
    kept = [stop - first for first, stop in zip(bounds[::2], bounds[1::2], strict=True)]
    overlaps = [min(most, before // 2, after // 2) for before, after in itertools.pairwise(kept)]
    return [_Cut(first, stop + over, 0, over) for (first, stop), over in zip(spans, overlaps, strict=True)]


def _recut(blocks: Iterator[Block], cuts: list[_Cut], length: int, replacement: Block) -> Iterator[Block]:
    """`blocks`, of `length` samples in all, without the cuts and with `replacement` where one has to be heard."""
    mix, at, held = _Reader(blocks), 0, np.zeros(0, np.float32)
    for cut in (*cuts, _Cut(length, length, 0, 0)):
        yield from mix.pieces(cut.first - cut.overlap - at)
        held = mix.take(cut.overlap)
        for _ in mix.pieces(cut.stop - cut.overlap - cut.first):
            pass
        if cut.overlap:
            up = np.sin(np.pi / 2 * (np.arange(cut.overlap, dtype=np.float32) + 0.5) / cut.overlap) ** 2
            yield ((1 - up) * held + up * mix.take(cut.overlap)).astype(np.float32)
        if cut.heard:
            yield replacement
        at = cut.stop


class _Reader:
    """Blocks as so many samples at a time."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks, self._rest = blocks, np.zeros(0, np.float32)

    def pieces(self, count: int) -> Iterator[Block]:
        """The next `count` samples, in pieces of any length ≥ 1."""
        while count > 0:
            if not len(self._rest):
                self._rest = next(self._blocks)
            piece, self._rest = self._rest[:count], self._rest[count:]
            count -= len(piece)
            yield piece

    def take(self, count: int) -> Block:
        """The next `count` samples in one."""
        return np.concatenate([np.zeros(0, np.float32), *self.pieces(count)])


def _replacement(params: AssembleParams, speech: Lufs) -> Block:
    """What is heard wherever words were taken out: the same each time."""
    sound = np.zeros(round(params.replacement_s * params.rate_hz), np.float32)
    if params.replacement is Replacement.TONE:
        _add_tone(sound, 0, [(0, len(sound))], params, speech)
    sound.setflags(write=False)
    return sound


@functools.cache
def _tone_second(hz: int, rate_hz: int) -> tuple[Block, Lufs]:
    """One second of the tone at full scale, and its loudness. A whole number of periods: it repeats without a seam."""
    samples = _samples(Sine(hz, sample_rate=rate_hz, bit_depth=32).to_audio_segment(duration=1000))
    return samples, integrated(Waveform.of(samples, rate_hz))


def _add_tone(mix: NDArray[np.float32], start: int, spans: list[Stretch], params: AssembleParams, speech: Lufs) -> None:
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
