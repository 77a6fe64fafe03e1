"""The WORLD vocoder, a piece at a time: a voice taken apart into pitch, envelope and breath, and put together again.

WORLD: Morise, Yokomori, Ozawa, IEICE Trans. E99-D (2016). f0 by Harvest or DIO, spectral envelope by CheapTrick, aperiodicity by
D4C. What is synthesised holds no sample and no phase of what was analysed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyworld
from numpy.lib.stride_tricks import sliding_window_view
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from stablecast.model import Block, Waveform

Rows = NDArray[np.float64]

FRAME_MS = 5.0
F0_FLOOR_HZ = 71.0  # CheapTrick's own limit; lower creaks are treated as unvoiced
F0_CEIL_HZ = 600.0

SHORTEST_S, LONGEST_S = 10.0, 20.0  # of a piece: longer ones only take more memory
OVERLAP_S = 0.02  # on each side of a cut, so that two pieces are joined by a cross-fade
QUIET_S = 0.02  # the stretch that must be quiet where the cut is made
PARTS = 8  # of a recording; from each the piece with most speech tells what the speaker is like
_NOTHING = 1e-16  # power
_LEAST_BREATH = 0.001  # the least that WORLD takes: 60 dB under the pulses
_SILENT = -70 * np.log(10) / 10  # log power: below it there is no speech

LEAST_S = 0.1  # shorter pieces are padded for the analysis: Harvest finds no pitch in less


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Consecutive samples of a stream, cut where it is quiet. Neighbours share `2 * OVERLAP_S`."""

    start: int  # of `samples` in the stream
    samples: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """What WORLD sees, one row every 5 ms."""

    rate_hz: int
    f0_hz: Rows  # 0 where unvoiced
    power: Rows  # frames × bins from 0 Hz to half the rate: power spectral envelope
    aperiodicity: Rows  # frames × bins: 0 all voice, 1 all noise


def analyse(samples: NDArray[np.floating], rate_hz: int) -> Frames:
    """Pitch, envelope and aperiodicity of some seconds of audio. Memory grows with length: see `pieces`."""
    x = np.ascontiguousarray(samples, dtype=np.float64)
    x = np.pad(x, (0, max(0, round(LEAST_S * rate_hz) - len(x))))
    f0, times = pyworld.harvest(x, rate_hz, f0_floor=F0_FLOOR_HZ, f0_ceil=F0_CEIL_HZ, frame_period=FRAME_MS)
    power = pyworld.cheaptrick(x, f0, times, rate_hz, f0_floor=F0_FLOOR_HZ)
    aperiodicity = pyworld.d4c(x, f0, times, rate_hz, fft_size=2 * (power.shape[1] - 1))
    return Frames(rate_hz, f0, power, aperiodicity)


def pitch(samples: NDArray[np.floating], rate_hz: int) -> Rows:
    """f0 in Hz every 5 ms by DIO, 0 where unvoiced: enough for a melody, at a twentieth of the work of Harvest."""
    x = np.ascontiguousarray(samples, dtype=np.float64)
    x = np.pad(x, (0, max(0, round(LEAST_S * rate_hz) - len(x))))
    f0: Rows = pyworld.dio(x, rate_hz, f0_floor=F0_FLOOR_HZ, f0_ceil=F0_CEIL_HZ, frame_period=FRAME_MS)[0]
    return f0


def bin_count(rate_hz: int) -> int:
    """How many bins a row of `Frames.power` has at this rate."""
    return int(pyworld.get_cheaptrick_fft_size(rate_hz, F0_FLOOR_HZ)) // 2 + 1


def synthesise(frames: Frames, length: int, noise: Generator | None = None) -> Rows:
    """`length` samples in time with the frames; the same frames and noise always give the same samples.

    Pulses are WORLD's, noise is ours: WORLD's is one fixed sequence, by which any two of its results could be laid one upon the
    other. Without `noise` it is one fixed sequence again, for what hides nobody.
    """
    noise = noise or Generator(Philox(key=0))
    voiced = (frames.f0_hz > 0)[:, None]
    breath = np.where(voiced, np.square(frames.aperiodicity), 1.0)
    pulses = np.where(voiced, frames.power * (1 - breath), _NOTHING).clip(_NOTHING)
    f0_hz, pulses, least = map(np.ascontiguousarray, (frames.f0_hz, pulses, np.full_like(pulses, _LEAST_BREATH)))
    tones: Rows = pyworld.synthesize(f0_hz, pulses, least, frames.rate_hz, FRAME_MS)[:length]
    return np.pad(tones, (0, length - len(tones))) + _hissed(frames.power * breath, frames.rate_hz, length, noise)


def _hissed(power: Rows, rate_hz: int, length: int, noise: Generator) -> Rows:
    """White noise of `length`, its spectrum made that of the frames: each 11 ms (at 24 kHz) by the frame nearest to its middle."""
    size = (power.shape[1] - 1) // 2
    hop, window = size // 4, np.sqrt(np.hanning(size + 1)[:-1])
    count = length // hop + 4
    white = sliding_window_view(noise.standard_normal((count - 1) * hop + size), size)[::hop]
    nearest = np.round((np.arange(count) * hop - size / 4) / rate_hz * 1000 / FRAME_MS).astype(int)
    gain = np.sqrt(power[nearest.clip(0, len(power) - 1), ::4])
    pieces = np.fft.irfft(np.fft.rfft(white * window) * gain) * (window / 2)  # the squared windows add up to 2
    out = np.zeros((count + 3, hop))
    for part, column in enumerate(np.split(pieces, 4, axis=1)):
        out[part : part + count] += column
    return out.ravel()[size - hop : size - hop + length]


def pieces(blocks: Iterator[Block], rate_hz: int) -> Iterator[Piece]:
    """The stream in pieces of 10 to 20 s, each cut at the quietest 20 ms; where, does not depend on the blocking."""
    shortest, longest, overlap = (round(s * rate_hz) for s in (SHORTEST_S, LONGEST_S, OVERLAP_S))
    start, held, waiting, count = 0, np.zeros(0), list[Block](), 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        if len(held) + count < longest + overlap:
            continue
        held, waiting, count = np.concatenate([held, *waiting]), [], 0
        while len(held) >= longest + overlap:
            cut = shortest + _quietest(held[shortest:longest], round(QUIET_S * rate_hz))
            yield Piece(start, held[: cut + overlap].copy())  # a view would keep the whole of `held`
            held, start = held[cut - overlap :], start + cut - overlap
    held = np.concatenate([held, *waiting])
    if len(held):
        yield Piece(start, held)


def telling(waveform: Waveform) -> Iterator[Piece]:
    """The piece with most speech of each part of the recording: as much work for four hours as for four minutes."""
    best: dict[int, tuple[float, Piece]] = {}
    for piece in pieces(waveform.blocks(), waveform.rate_hz):
        part = piece.start * PARTS // waveform.length
        score = _loudness(piece.samples, waveform.rate_hz)
        if part not in best or score > best[part][0]:
            best[part] = score, piece
    for _, piece in best.values():
        yield piece


def _loudness(samples: Rows, rate_hz: int) -> float:
    """The mean log energy of 20 ms frames: high where there is much speech, not where there is one loud knock."""
    width = rate_hz // 50
    energy = np.square(np.pad(samples, (0, -len(samples) % width))).reshape(-1, width).mean(axis=1)
    return float(np.log(energy + np.exp(_SILENT)).mean())


def _quietest(samples: Rows, width: int) -> int:
    """The middle of the `width` samples with the least energy."""
    energy = np.square(samples[: len(samples) // width * width]).reshape(-1, width).sum(axis=1)
    return int(energy.argmin()) * width + width // 2


def rendered(found: Iterator[Piece], rate_hz: int, process: Callable[[Piece], Rows]) -> Iterator[Block]:
    """Every piece through `process`, which keeps its length, joined again by raised-cosine cross-fades."""
    shared = 2 * round(OVERLAP_S * rate_hz)
    rise = np.sin(np.linspace(0, np.pi / 2, shared)) ** 2
    tail = None
    for piece in found:
        out = process(piece)
        if len(out) != len(piece.samples):
            raise ValueError(f"a piece of {len(piece.samples)} samples came back with {len(out)}")
        if tail is not None:
            out = out.copy()
            out[:shared] = tail * (1 - rise) + out[:shared] * rise
        body, tail = out[:-shared], out[-shared:]
        if len(body):
            yield _frozen(body)
    if tail is not None:
        yield _frozen(tail)


def _frozen(samples: Rows) -> Block:
    block = samples.astype(np.float32)
    block.setflags(write=False)
    return block
