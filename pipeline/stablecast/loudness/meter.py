"""How loud audio is: integrated loudness, true peak and loudness range, in one streaming pass.

K-weighting and gating after ITU-R BS.1770-5 annex 1, true peak after annex 2, loudness range after EBU Tech 3342.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from stablecast.frames import Frame, framed, with_margins
from stablecast.loudness.true_peak import HALF, Interpolator
from stablecast.model import Dbtp, Loudness, Lufs, Waveform

FLOOR_DB = -120.0  # what silence reads: LUFS and dBTP stay finite, so that they can be compared and written down

_OFFSET_DB = -0.691  # makes a 997 Hz sine read its level
_HOP_S = 0.1  # blocks of 400 ms overlap by 75 %, windows of 3 s start as often
_BLOCK_HOPS = 4
_SHORT_TERM_HOPS = 30
_ABSOLUTE_GATE = -70.0  # LUFS
_RELATIVE_GATE = -10.0  # LU below the mean of what passed the absolute gate
_RANGE_GATE = -20.0  # LU, Tech 3342
_GAIN_PASSES = 8
_SAME_LU = 1e-6  # what the arithmetic may differ by
_FRAME_HOPS = 20  # audio is taken two seconds at a time


def measure(waveform: Waveform) -> Loudness:
    """What the meter says of the whole of `waveform`, as mono.

    Silence, and audio shorter than 400 ms, is at `FLOOR_DB`; the range of less than 3 s is 0.
    """
    return _measured(waveform)[0]


def _measured(waveform: Waveform) -> tuple[Loudness, NDArray[np.float64]]:
    """What the meter says, and the energies it says so by."""
    peak = _TruePeak(waveform.rate_hz)
    energies = _hop_energies(peak.watching(waveform.blocks()), waveform.rate_hz)
    return Loudness(_integrated(energies), Dbtp(_decibels(peak.highest**2)), _range(energies)), energies


def measure_and_gain(waveform: Waveform, target: Lufs) -> tuple[Loudness, float]:
    """What the meter says, and the gain in dB that brings `waveform` to `target` where nothing limits it.

    That is more than their difference: what is raised over the absolute gate moves the relative one. Where a gate stands just
    at a block no gain may be exact; the nearest is returned.
    """
    before, energies = _measured(waveform)
    tries = [target - before.mono]
    for _ in range(_GAIN_PASSES):
        off_lu = target - _integrated(energies * 10 ** (tries[-1] / 10))
        if abs(off_lu) < _SAME_LU:
            return before, tries[-1]
        tries.append(tries[-1] + off_lu)
    return before, min(tries, key=lambda gain: abs(target - _integrated(energies * 10 ** (gain / 10))))


def integrated(waveform: Waveform) -> Lufs:
    """The integrated loudness alone: the cheaper half of `measure`."""
    return _integrated(_hop_energies(waveform.blocks(), waveform.rate_hz))


def short_term(waveform: Waveform) -> NDArray[np.float64]:
    """Short-term loudness in LUFS, as mono, once a second: value k is that of the 3 s that end at second k + 3 (EBU Tech 3341).

    Nothing is gated; silence is at `FLOOR_DB`. Empty for less than 3 s.
    """
    energies = _windowed(_hop_energies(waveform.blocks(), waveform.rate_hz), _SHORT_TERM_HOPS)[:: round(1 / _HOP_S)]
    return np.array([_OFFSET_DB + _decibels(float(energy)) if energy > 0 else FLOOR_DB for energy in energies])


def true_peaks(waveform: Waveform) -> NDArray[np.float64]:
    """The true peak of every two seconds in dBTP (BS.1770-5 annex 2); silence is at `FLOOR_DB`."""
    interpolator = Interpolator.at(waveform.rate_hz)
    frames = framed(waveform.blocks(), round(_FRAME_HOPS * _HOP_S * waveform.rate_hz))
    highest = (
        max(float(np.abs(window[HALF : len(window) - HALF]).max()), float(interpolator.peaks(window, 0.0).max()))
        for window in with_margins(frames, HALF)
    )
    return np.array([_decibels(peak**2) for peak in highest])


@functools.cache
def k_weighting(rate_hz: int) -> NDArray[np.float64]:
    """The two biquads of BS.1770-5 for any sample rate, as second-order sections.

    The standard prints coefficients for 48 kHz only. These come from the analogue prototype behind them by the bilinear
    transform (B. De Man, "Evaluation of Implementations of the EBU R128 Loudness Measurement", AES 145, 2018) and equal
    the printed ones at 48 kHz.
    """

    def section(f0_hz: float, q: float, high: float, band: float, low: float) -> list[float]:
        k = np.tan(np.pi * f0_hz / rate_hz)
        a = np.array([1 + k / q + k * k, 2 * (k * k - 1), 1 - k / q + k * k])
        b = np.array([high + band * k / q + low * k * k, 2 * (low * k * k - high), high - band * k / q + low * k * k])
        return [*(b / a[0]), *(a / a[0])]

    head = 10 ** (3.999843853973347 / 20)
    shelf = section(1681.974450955533, 0.7071752369554196, head, head**0.4996667741545416, 1.0)
    high_pass = section(38.13547087602444, 0.5003270373238773, 1.0, 0.0, 0.0)
    high_pass[:3] = [1.0, -2.0, 1.0]  # the standard leaves its numerator unscaled
    return np.array([shelf, high_pass])


class _TruePeak:
    """Remembers the highest true peak of what streams past it."""

    def __init__(self, rate_hz: int) -> None:
        self.highest = 0.0
        self._rate_hz = rate_hz

    def watching(self, blocks: Iterator[Frame]) -> Iterator[Frame]:
        interpolator = Interpolator.at(self._rate_hz)
        for window in with_margins(framed(blocks, round(_FRAME_HOPS * _HOP_S * self._rate_hz)), HALF):
            frame = window[HALF : len(window) - HALF]
            # nothing at or below the peak so far can raise it, and most frames of speech lie well below
            self.highest = max(self.highest, float(np.abs(frame).max()))
            self.highest = max(self.highest, float(interpolator.peaks(window, self.highest).max()))
            yield frame


def _hop_energies(blocks: Iterator[Frame], rate_hz: int) -> NDArray[np.float64]:
    """The mean square of the K-weighted signal in each whole 100 ms: 36,000 numbers an hour."""
    from scipy.signal import sosfilt  # takes longer to import than most commands take to run

    sections = k_weighting(rate_hz)
    state = np.zeros((len(sections), 2))
    hop = round(_HOP_S * rate_hz)
    energies = [np.zeros(0)]
    for frame in framed(blocks, _FRAME_HOPS * hop):
        weighted, state = sosfilt(sections, frame.astype(np.float64), zi=state)
        whole = weighted[: len(weighted) // hop * hop].reshape(-1, hop)
        energies.append(np.einsum("ij,ij->i", whole, whole) / hop)
    return np.concatenate(energies)


def _windowed(energies: NDArray[np.float64], hops: int) -> NDArray[np.float64]:
    if len(energies) < hops:
        return np.zeros(0)
    means: NDArray[np.float64] = sliding_window_view(energies, hops).mean(axis=1)
    return means


def _decibels(energy: float) -> float:
    return max(FLOOR_DB, 10 * float(np.log10(energy))) if energy > 0 else FLOOR_DB


def _gated(energies: NDArray[np.float64], relative_lu: float) -> NDArray[np.float64]:
    """What is left of `energies` after the absolute gate and then one at `relative_lu` below the mean of that."""
    loud = energies[energies > 10 ** ((_ABSOLUTE_GATE - _OFFSET_DB) / 10)]
    return loud[loud > loud.mean() * 10 ** (relative_lu / 10)] if len(loud) else loud


def _integrated(energies: NDArray[np.float64]) -> Lufs:
    gated = _gated(_windowed(energies, _BLOCK_HOPS), _RELATIVE_GATE)
    return Lufs(_OFFSET_DB + _decibels(float(gated.mean())) if len(gated) else FLOOR_DB)


def _range(energies: NDArray[np.float64]) -> float:
    gated = _gated(_windowed(energies, _SHORT_TERM_HOPS), _RANGE_GATE)
    if not len(gated):
        return 0.0
    low, high = np.percentile(gated, [10, 95])
    return _decibels(float(high)) - _decibels(float(low))
