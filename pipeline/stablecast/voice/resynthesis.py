"""Say the words again in the voice of somebody who does not exist.

What is said is heard in the middle of Whisper's encoder (encoder.py), freed of who says it (network.py) and spoken by a donor
(donors.py) through the WORLD vocoder. Of the speaker only the words, their timing, a flattened movement of the pitch and a
fifth of the loudness remain. What it reaches, and what not: docs/voice.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from stablecast.model import Waveform
from stablecast.voice import encoder
from stablecast.voice.characters import Character
from stablecast.voice.donors import STEPS, Donor, mixed
from stablecast.voice.draws import Draw
from stablecast.voice.encoder import Encoder, Floats
from stablecast.voice.network import Network, content
from stablecast.voice.shape import coloured, limited, warped
from stablecast.voice.world import (
    FRAME_MS,
    Frames,
    Piece,
    Rows,
    bin_count,
    pieces,
    pitch,
    rendered,
    synthesise,
    telling,
)

DECIBEL = np.log(10) / 10  # of power, as a natural logarithm
SEMITONE = np.log(2) / 12

SILENT = -70 * DECIBEL  # log power: below it there is no speech
FAINTEST = -50 * DECIBEL  # fainter recordings are not raised further, or their hiss would be
LEVEL = -23 * DECIBEL  # of the loud frames of speech
PAUSE = 26 * DECIBEL  # below the speaker's loud frames: what is fainter is a pause
GATE = 3.0  # so many decibels more for each below that: room tone and breath tell a recording as surely as a voice
OWN_LOUDNESS = 0.2  # share of the source's loudness; the rest is the donor's
LOUDEST = 6 * DECIBEL  # over LEVEL: no frame is louder

MIXED = 0.5  # share of the donors drawn at random in every voice
WIDTH = 0.56  # of the draws that `normalise` needs: here they only keep episodes apart
SPREAD = 0.13  # standard deviation of ln f0 in a lively voice
DRIFT_ST = 0.3  # semitones
VOICED_ENOUGH = 20  # frames
NEUTRAL_HZ = 150.0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ear:
    """What hears a recording: Whisper's lower blocks and our network over them."""

    encoder: Encoder
    network: Network


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Models:
    """All that `resynthesise` needs besides a recording: read-only arrays that threads may share."""

    ear: Ear
    donors: Mapping[str, Donor]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Heard:
    """One piece as it was heard, with what its speaker always sounds like."""

    content: Floats  # one row every 20 ms
    f0_hz: Rows  # one every 5 ms, as the next
    level: Rows  # log power


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Gist:
    """All of one piece that the new voice is made from."""

    hidden: Floats  # one row every 20 ms
    f0_hz: Rows  # one every 5 ms, as the next
    level: Rows  # log power


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Speaker:
    """What is set aside of a speaker: where their pitch and their loudness lie."""

    f0_median: float  # natural logarithm of Hz, as the next two
    f0_spread: float
    f0_range: tuple[float, float]
    peak: float  # log power of the loud frames
    lift: float  # from the donor's level to ours


def resynthesise(waveform: Waveform, character: Character, draw: Draw, *, models: Models, melody: float) -> Waveform:
    """`waveform` as the draw's mixture of donors would say it, tuned to `character`, in its timing and length, under 0.98.

    `melody` is the share of a lively voice's rise and fall that is kept. The recording is read once here, and again at each
    reading of the result; memory does not grow with its length. Silence comes out as zeros.
    """
    rate, ear = waveform.rate_hz, models.ear
    donor = spoken_by(models.donors, character, draw)
    heard = {piece.start: hear(piece.samples, rate, ear) for piece in telling(waveform)}
    usual = usually(list(heard.values()))
    known = {start: freed(piece, usual, ear.network) for start, piece in heard.items()}
    speaker = study(list(known.values()), donor)

    def spoken(piece: Piece) -> Rows:
        if speaker is None:
            return np.zeros(len(piece.samples))
        gist = known.get(piece.start) or freed(hear(piece.samples, rate, ear), usual, ear.network)
        frames = respoken(gist, speaker, donor, character, draw, melody, rate, piece.start / rate)
        return limited(synthesise(frames, len(piece.samples), draw.noise(piece.start)))

    return waveform.through(lambda blocks: rendered(pieces(blocks, rate), rate, spoken))


def spoken_by(donors: Mapping[str, Donor], character: Character, draw: Draw) -> Donor:
    """The character's donor, part mixed with all of them: nobody speaks with a donor that somebody else speaks with."""
    names = sorted(donors)
    shares = np.array(draw.mixture)[np.arange(len(names)) % len(draw.mixture)]
    weights = dict(zip(names, (MIXED * shares / shares.sum()).tolist(), strict=True))
    weights[character.donor] += 1 - MIXED
    return mixed(donors, weights)


def hear(samples: NDArray[np.floating], rate_hz: int, ear: Ear) -> Heard:
    """What one piece says, how high and how loud."""
    heard = content(ear.encoder(soxr.resample(np.asarray(samples, dtype=np.float32), rate_hz, encoder.RATE_HZ)))
    count = STEPS * len(heard)
    return Heard(heard, _fitted(pitch(samples, rate_hz), count), _fitted(_level(samples, rate_hz), count))


def usually(heard: list[Heard]) -> Floats | None:
    """The mean row of a speaker's speech: what they sound like whatever they say. None where there is no speech."""
    level = np.concatenate([np.zeros(0), *(piece.level for piece in heard)])
    peak = _peak(level)
    if peak is None:
        return None
    speech = (level > peak - PAUSE).reshape(-1, STEPS).mean(axis=1)
    usual: Floats = np.average(np.concatenate([piece.content for piece in heard]), axis=0, weights=speech)
    return usual.astype(np.float32)


def freed(heard: Heard, usual: Floats | None, network: Network) -> Gist:
    """A piece without what its speaker always sounds like."""
    return Gist(network(heard.content, usual), heard.f0_hz, heard.level)


def listening(waveform: Waveform, ear: Ear) -> Callable[[NDArray[np.floating]], Floats]:
    """What makes rows for a donor of samples of this recording, freed of what its speaker always sounds like."""
    rate = waveform.rate_hz
    usual = usually([hear(piece.samples, rate, ear) for piece in telling(waveform)])
    return lambda samples: freed(hear(samples, rate, ear), usual, ear.network).hidden


def _level(samples: NDArray[np.floating], rate_hz: int) -> Rows:
    """Log power every 5 ms, over 20 ms."""
    step, width = rate_hz * FRAME_MS / 1000, rate_hz // 50
    total = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    centres = (np.arange(int(len(samples) / step) + 1) * step).astype(int)
    low, high = (np.clip(centres + side * width // 2, 0, len(samples)) for side in (-1, 1))
    level: Rows = np.log((total[high] - total[low]).clip(0) / np.maximum(high - low, 1) + 1e-12)
    return level


def _fitted(values: Rows, count: int) -> Rows:
    return np.pad(values[:count], (0, max(0, count - len(values))), mode="edge")


def study(gists: list[Gist], donor: Donor) -> Speaker | None:
    """Where the speaker's pitch and loudness lie, judged by the frames with speech in them; None where there is none."""
    level = np.concatenate([np.zeros(0), *(g.level for g in gists)])
    peak = _peak(level)
    if peak is None:
        return None
    speech = level > peak - PAUSE
    f0 = np.concatenate([g.f0_hz for g in gists])
    tones = np.log(f0[speech & (f0 > 0)])
    if len(tones) <= VOICED_ENOUGH:
        tones = np.full(1, np.log(NEUTRAL_HZ))
    low, high = np.percentile(tones, [3, 97])
    own = np.concatenate([donor.says(g.hidden).level for g in gists])[speech]
    loud = own[own >= np.percentile(own, 60)].mean()
    lift = LEVEL + 3 * DECIBEL - loud - max(0.0, FAINTEST - peak)
    return Speaker(float(np.median(tones)), max(float(tones.std()), 0.05), (float(low), float(high)), peak, float(lift))


def _peak(level: Rows) -> float | None:
    """The log power of the loud frames; None where all is silence."""
    sounding = level[level > SILENT]
    return float(np.percentile(sounding, 95)) if len(sounding) else None


def respoken(
    gist: Gist,
    speaker: Speaker,
    donor: Donor,
    character: Character,
    draw: Draw,
    melody: float,
    rate_hz: int,
    start_s: float,
) -> Frames:
    """The frames of the new voice; `start_s` places them in the recording, for the slow drift of the register."""
    said = donor.says(gist.hidden).clearer
    bins = np.linspace(0, rate_hz / 2, bin_count(rate_hz))
    places = warped(bins, draw, np.log(character.tract), WIDTH)
    below = gist.level - speaker.peak
    gate = GATE * np.minimum(below + PAUSE, 0)
    source = np.clip(below + LEVEL + 3 * DECIBEL, LEVEL - PAUSE, None)
    wanted = (1 - OWN_LOUDNESS) * (said.level + speaker.lift) + OWN_LOUDNESS * source
    wanted = np.where(below > -PAUSE, wanted, np.minimum(wanted, said.level + speaker.lift)) + gate
    log_power = said.envelope(places) + coloured(bins, draw, WIDTH)
    log_power += (np.minimum(wanted, LEVEL + LOUDEST) - np.log(np.exp(log_power).mean(axis=1)))[:, None]
    voiced = said.voicing > 0
    noise = np.exp(said.breath(places))
    return Frames(
        rate_hz,
        np.where(voiced, np.exp(_register(gist.f0_hz, speaker, character, draw, melody, start_s)), 0.0),
        np.exp(np.clip(log_power, -36, 12)),
        np.clip(noise, np.where(voiced, 1e-3, 0.95)[:, None], np.where(voiced, 0.95, 1.0)[:, None]),
    )


def _register(f0_hz: Rows, speaker: Speaker, character: Character, draw: Draw, melody: float, start_s: float) -> Rows:
    """The new ln f0 at every frame: the speaker's movement, flattened, bridged where unvoiced, on the drawn register."""
    times = start_s + np.arange(len(f0_hz)) * FRAME_MS / 1000
    drift = sum(np.sin(2 * np.pi * (times / period + phase)) for period, phase in draw.drift)
    register: Rows = np.log(character.register_hz) + SEMITONE * (draw.register_st + DRIFT_ST * drift)
    voiced = np.flatnonzero(f0_hz > 0)
    if not len(voiced):
        return register
    tones = np.log(f0_hz[voiced]).clip(*speaker.f0_range)
    tones = np.interp(np.arange(len(f0_hz)), voiced, tones)
    width = 9  # frames: a jump of the tracker is not a melody
    smooth = np.convolve(np.pad(tones, width // 2, mode="edge"), np.full(width, 1 / width), mode="valid")
    return register + (smooth - speaker.f0_median) / speaker.f0_spread * SPREAD * melody
