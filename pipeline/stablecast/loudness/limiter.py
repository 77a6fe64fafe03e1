"""Keeps true peaks under a ceiling, and touches nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from stablecast.frames import Frame, framed, with_margins
from stablecast.loudness.true_peak import HALF, Interpolator
from stablecast.model import Block, Dbtp

_FRAME_S = 0.2
_FRAMES = 10  # are searched for peaks at once: most hold none, and each search has its price
_FAST = 1024  # samples: transforms of multiples of this are quick
_INAUDIBLE = 1e-5  # a reduction below this (0.0001 dB) is over: samples after a peak are again exactly what came in
_CLOSER_DB = 0.02  # aim this much below: the gain moves a little within the reach of one interpolated value


def limit(
    blocks: Iterable[Block], rate_hz: int, ceiling: Dbtp, lookahead_ms: float = 5.0, release_ms: float = 80.0
) -> Iterator[Block]:
    """The same audio, same length and no delay, with no true peak above `ceiling` (by our meter within 0.05 dB).

    Where no peak comes near, samples are returned as they came, bit for bit. Before and after a peak the gain moves
    smoothly: down over `lookahead_ms`, back up with the time constant `release_ms`. Raises ValueError for a look-ahead
    that is not within 0 to 100 ms, or a release under 1 ms.

    The gain at each sample is a weighted mean of reductions that are each enough for every peak in reach, so it is enough.
    """
    if not 0 < lookahead_ms <= 100 or release_ms < 1:
        raise ValueError(f"no such limiter: {lookahead_ms} ms ahead, {release_ms} ms back")
    half = max(1, round(lookahead_ms * rate_hz / 2000))
    size = max(4 * HALF, round(_FRAME_S * rate_hz))
    audio, ahead = itertools.tee(framed(blocks, size))
    excess = framed(_excess(framed(ahead, _FRAMES * size), rate_hz, ceiling), size)
    held = _held(excess, half + HALF)
    falling = _released(held, float(np.exp(-1000 / (release_ms * rate_hz))))
    for frame, reduction in zip(audio, _smoothed(falling, half), strict=True):
        yield frame * (1 - reduction) if reduction.any() else frame


def _excess(frames: Iterator[Frame], rate_hz: int, ceiling: Dbtp) -> Iterator[Frame]:
    """For each sample the part of it that must go for the true peaks next to it to meet the ceiling; 0 is none."""
    interpolator = Interpolator.at(rate_hz)
    above = float(10 ** (ceiling / 20))
    aim = above * 10 ** (-_CLOSER_DB / 20)
    for window in with_margins(frames, HALF):
        peaks = interpolator.peaks(window, above)
        over = np.flatnonzero(peaks > above)
        excess = np.zeros(len(peaks), np.float32)
        excess[over] = 1 - aim / peaks[over]
        yield excess


def _held(excess: Iterator[Frame], reach: int) -> Iterator[Frame]:
    """Each sample's reduction is the largest within `reach`."""
    from scipy.ndimage import maximum_filter1d  # takes longer to import than most commands take to run

    for window in with_margins(excess, reach):
        inner = slice(reach, len(window) - reach)
        yield maximum_filter1d(window, 2 * reach + 1)[inner] if window.any() else window[inner]


def _released(held: Iterator[Frame], decay: float) -> Iterator[Frame]:
    """d[n] = max(held[n], decay · d[n−1]), as a running maximum of held[n] / decay^n."""
    last = 0.0
    fade: NDArray[np.floating] = np.zeros(0)
    for reduction in held:
        if last < _INAUDIBLE and not reduction.any():
            last = 0.0
            yield reduction
            continue
        if len(fade) != len(reduction):
            fade = decay ** np.arange(1, len(reduction) + 1)
        falling = fade * np.maximum(np.maximum.accumulate(reduction / fade), last)
        falling[falling < _INAUDIBLE] = 0
        last = float(falling[-1])
        yield falling.astype(np.float32)


def _smoothed(falling: Iterator[Frame], half: int) -> Iterator[Frame]:
    """The mean over 2·`half` + 1 samples under a Hann window."""
    weights = np.hanning(2 * half + 3)[1:-1]
    weights /= weights.sum()
    spectra: dict[int, NDArray[np.complex128]] = {}  # of the weights, by size: two, as the last frame may be shorter
    for window in with_margins(falling, half, hold=True):
        if not window.any():
            yield window[half : len(window) - half]
            continue
        size = -(-len(window) // _FAST) * _FAST
        if size not in spectra:
            spectra[size] = np.fft.rfft(weights, size)
        around = np.fft.irfft(np.fft.rfft(window.astype(np.float64), size) * spectra[size], size)
        smooth = around[2 * half : len(window)]  # what came round the end of the transform lies before
        yield np.where(smooth > _INAUDIBLE, smooth, 0).astype(np.float32)
