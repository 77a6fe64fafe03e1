"""Take from a voice what is the speaker's on average, and put a character's and a random draw's in its place.

Works in any language: it knows nothing of words. The speaker's median and spread of f0, tract length (guessed from the f0),
long-term mean envelope, breath detail, loudness range, room and band above 8 kHz go; the movement of pitch and formants
that makes words stays, warped and coloured by the draw. What it reaches, and what not: docs/voice.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stablecast.model import Waveform
from stablecast.voice.characters import Character
from stablecast.voice.draws import Draw
from stablecast.voice.shape import BREATH, ENVELOPE, TOP_HZ, cepstra, colour, limited, read_at, spectra
from stablecast.voice.world import (
    FRAME_MS,
    Frames,
    Piece,
    Rows,
    analyse,
    bin_count,
    pieces,
    rendered,
    synthesise,
    telling,
)

DECIBEL = np.log(10) / 10  # of power, as a natural logarithm
SEMITONE = np.log(2) / 12

SILENT = -70 * DECIBEL  # log power: below it there is no speech
FAINTEST = -50 * DECIBEL  # fainter recordings are not raised further, or their hiss would be
SPEECH = 26 * DECIBEL  # below the speaker's loud frames: what is fainter is a pause
GATE = 4.0  # a decibel below that becomes so many: room tone and breath tell a recording as surely as a voice
RANGE = 0.6  # share of the loudness movement that is kept in speech
LEVEL = -23 * DECIBEL  # mean power of speech
DEEPEST = 60 * DECIBEL  # below a frame's own power nothing is looked at: a low-pass would be a cliff

NEUTRAL_HZ = 150.0  # whom nothing is known of is taken for a speaker of this f0
TRACT_PER_F0 = 0.36  # people with a higher f0 have shorter tracts: d ln(formant) / d ln(f0) between adults
SPREAD = 0.13  # standard deviation of ln f0 in a lively voice
DRIFT_ST = 0.3  # semitones
VOICED_ENOUGH = 20  # frames
UNVOICED_NOISE = 0.9  # least aperiodicity where there is no f0

# A mean envelope that is nobody's: flat to 500 Hz, falling as speech does, a little bright so that consonants carry.
MEAN_HZ = (0, 80, 150, 500, 1000, 2000, 4000, 6000, 8000)
MEAN_DB = (-14, -8, 0, 0, -7, -14, -20, -22, -25)


@dataclass(frozen=True, slots=True, eq=False)
class Gist:
    """All of one piece that the new voice is made from, one row every 5 ms."""

    f0_hz: Rows
    level: Rows  # log power
    envelope: Rows  # frames × ENVELOPE mel-cepstra
    breath: Rows  # frames × BREATH mel-cepstra of log aperiodicity


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Speaker:
    """What a voice is like on average: what `normalise` removes. As secret as the recording."""

    f0_median: float  # natural logarithm of Hz, as the next two
    f0_spread: float
    f0_range: tuple[float, float]
    envelope: Rows
    peak: float  # log power of the loud frames
    level: float  # log of the mean power of speech, shaped


def normalise(waveform: Waveform, character: Character, draw: Draw, *, melody: float) -> Waveform:
    """`waveform` as `character` with `draw` would say it, in the source's timing and length; its samples stay under 0.98.

    `melody` is the share of a lively voice's rise and fall that is kept. The recording is read once here, and again at each
    reading of the result; memory does not grow with its length. Speech comes out near −23 dBFS, silence as zeros.
    """
    rate = waveform.rate_hz
    known = {piece.start: gist(analyse(piece.samples, rate)) for piece in telling(waveform)}
    speaker = study(list(known.values()))

    def spoken(piece: Piece) -> Rows:
        if speaker is None:
            return np.zeros(len(piece.samples))
        heard = known.get(piece.start) or gist(analyse(piece.samples, rate))
        frames = respoken(heard, speaker, character, draw, melody, rate, piece.start / rate)
        return limited(synthesise(frames, len(piece.samples), draw.noise(piece.start)))

    return waveform.through(lambda blocks: rendered(pieces(blocks, rate), rate, spoken))


def gist(frames: Frames) -> Gist:
    """The few numbers a frame that everything is made from: the spectrum's fine detail is gone here."""
    level = np.log(frames.power.mean(axis=1) + 1e-16)
    log_power = np.maximum(np.log(frames.power + 1e-16), (level - DEEPEST)[:, None])
    return Gist(
        frames.f0_hz,
        level,
        cepstra(log_power, frames.rate_hz, ENVELOPE),
        cepstra(np.log(np.clip(frames.aperiodicity, 1e-3, 1)), frames.rate_hz, BREATH),
    )


def study(gists: list[Gist]) -> Speaker | None:
    """What the speaker is like, judged by the frames with speech in them; None where there is none."""
    level = np.concatenate([np.zeros(0), *(g.level for g in gists)])
    sounding = level > SILENT
    if not sounding.any():
        return None
    peak = float(np.percentile(level[sounding], 95))
    speech = level > peak - SPEECH
    f0 = np.concatenate([g.f0_hz for g in gists])
    pitch = np.log(f0[speech & (f0 > 0)])
    if len(pitch) <= VOICED_ENOUGH:
        pitch = np.full(1, np.log(NEUTRAL_HZ))
    low, high = np.percentile(pitch, [3, 97])
    return Speaker(
        f0_median=float(np.median(pitch)),
        f0_spread=max(float(pitch.std()), 0.05),
        f0_range=(float(low), float(high)),
        envelope=np.concatenate([g.envelope for g in gists])[speech].mean(axis=0),
        peak=peak,
        level=max(float(np.log(np.exp(_shaped(level[speech], peak)).mean())), FAINTEST),
    )


def _shaped(level: Rows, peak: float) -> Rows:
    """Speech in a narrower range of loudness, pauses far below it."""
    below = level - peak
    shaped: Rows = peak + np.where(below > -SPEECH, RANGE * below, -RANGE * SPEECH + GATE * (below + SPEECH))
    return shaped


def respoken(
    heard: Gist, speaker: Speaker, character: Character, draw: Draw, melody: float, rate_hz: int, start_s: float
) -> Frames:
    """The frames of the new voice; `start_s` places them in the recording, for the slow drift of the register."""
    bins = np.linspace(0, rate_hz / 2, bin_count(rate_hz))
    tract = np.log(character.tract) - TRACT_PER_F0 * (speaker.f0_median - np.log(NEUTRAL_HZ))
    places = read_at(bins, draw, tract)
    own = (heard.envelope - speaker.envelope) * np.exp(draw.depth)
    log_power = spectra(own + _mean_envelope(), places) + colour(bins, draw)
    log_power -= np.log(np.exp(log_power).mean(axis=1))[:, None]
    log_power += (_shaped(heard.level, speaker.peak) - speaker.level + LEVEL)[:, None]
    voiced = heard.f0_hz > 0
    noise = np.exp(spectra(heard.breath, places))
    return Frames(
        rate_hz,
        np.where(voiced, np.exp(_register(heard.f0_hz, speaker, character, draw, melody, start_s)), 0.0),
        np.exp(np.clip(log_power, -36, 12)),
        np.clip(noise, np.where(voiced, 1e-3, UNVOICED_NOISE)[:, None], np.where(voiced, 0.95, 1.0)[:, None]),
    )


def _register(f0_hz: Rows, speaker: Speaker, character: Character, draw: Draw, melody: float, start_s: float) -> Rows:
    """The new ln f0: the speaker's movement, flattened, on the drawn register."""
    pitch = np.log(np.maximum(f0_hz, 1.0)).clip(*speaker.f0_range)
    movement = (pitch - speaker.f0_median) / speaker.f0_spread * SPREAD * melody
    times = start_s + np.arange(len(f0_hz)) * FRAME_MS / 1000
    drift = sum(np.sin(2 * np.pi * (times / period + phase)) for period, phase in draw.drift)
    register: Rows = np.log(character.register_hz) + movement + SEMITONE * (draw.register_st + DRIFT_ST * drift)
    return register


def _mean_envelope() -> Rows:
    """MEAN_DB as cepstra."""
    bins = np.linspace(0, TOP_HZ, 513)
    return cepstra((np.interp(bins, MEAN_HZ, MEAN_DB) * DECIBEL)[None], round(2 * TOP_HZ), ENVELOPE)
