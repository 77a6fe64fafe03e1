"""How loud audio is: integrated loudness, true peak and loudness range, in one streaming pass.

K-weighting and gating after ITU-R BS.1770-5 annex 1, true peak after annex 2, loudness range after EBU Tech 3342.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from stablecast.frames import Frame, framed, with_margins
from stablecast.loudness.true_peak import HALF, Interpolator
from stablecast.model import Dbtp, Loudness, Lufs, Waveform

FLOOR_DB = -120.0  # what silence reads: LUFS and dBTP stay finite, so that they can be compared and written down

_OFFSET_DB = -0.691  # makes a 997 Hz sine read its level
SLOTS = 20  # of a hop, 5 ms each
_HOP_S = 0.1  # blocks of 400 ms overlap by 75 %, windows of 3 s start as often
_BLOCK_HOPS = 4
_SHORT_TERM_HOPS = 30
_ABSOLUTE_GATE = -70.0  # LUFS
_RELATIVE_GATE = -10.0  # LU below the mean of what passed the absolute gate
_RANGE_GATE = -20.0  # LU, Tech 3342
_FRAME_HOPS = 20  # audio is taken two seconds at a time


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A programme in slots, `SLOTS` to each whole 100 ms, 12 MB an hour: enough to foresee how loud a gain makes it."""

    energies: NDArray[np.float64]  # what each slot adds to the mean square of its 100 ms, K-weighted
    peaks: NDArray[np.float32]  # the largest sample in each

    def loudness(self, ratios: NDArray[np.float64] | float = 1.0) -> Lufs:
        """Integrated loudness with every slot at so many times its level."""
        return _integrated((self.energies * np.square(ratios)).reshape(-1, SLOTS).sum(axis=1))


def measure(waveform: Waveform) -> Loudness:
    """What the meter says of the whole of `waveform`, as mono.

    Silence, and audio shorter than 400 ms, is at `FLOOR_DB`; the range of less than 3 s is 0.
    """
    peak = _TruePeak(waveform.rate_hz)
    energies = _hop_energies(peak.watching(waveform.blocks()), waveform.rate_hz)
    return _told(energies, peak)


def survey(waveform: Waveform) -> tuple[Loudness, Outline]:
    """What `measure` says, and the outline, in one reading."""
    peak, hop = _TruePeak(waveform.rate_hz), round(_HOP_S * waveform.rate_hz)
    starts = np.arange(SLOTS) * hop // SLOTS
    energies, peaks = [np.zeros(0)], [np.zeros(0, np.float32)]
    for frame, weighted in _weighted(peak.watching(waveform.blocks()), waveform.rate_hz):
        whole = len(frame) // hop
        if whole:
            slots = (np.arange(whole)[:, np.newaxis] * hop + starts).reshape(-1)
            energies.append(np.add.reduceat(np.square(weighted[: whole * hop]), slots) / hop)
            peaks.append(np.maximum.reduceat(np.abs(frame[: whole * hop]), slots))
    outline = Outline(np.concatenate(energies), np.concatenate(peaks))
    return _told(outline.energies.reshape(-1, SLOTS).sum(axis=1), peak), outline


def _told(energies: NDArray[np.float64], peak: _TruePeak) -> Loudness:
    return Loudness(_integrated(energies), Dbtp(_decibels(peak.highest**2)), _range(energies))


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


def _weighted(blocks: Iterator[Frame], rate_hz: int) -> Iterator[tuple[Frame, NDArray[np.float64]]]:
    """The signal, two seconds at a time, and beside it the K-weighted one."""
    from scipy.signal import sosfilt  # takes longer to import than most commands take to run

    sections = k_weighting(rate_hz)
    state = np.zeros((len(sections), 2))
    for frame in framed(blocks, _FRAME_HOPS * round(_HOP_S * rate_hz)):
        weighted, state = sosfilt(sections, frame.astype(np.float64), zi=state)
        yield frame, weighted


def _hop_energies(blocks: Iterator[Frame], rate_hz: int) -> NDArray[np.float64]:
    """The mean square of the K-weighted signal in each whole 100 ms: 36,000 numbers an hour."""
    hop = round(_HOP_S * rate_hz)
    energies = [np.zeros(0)]
    for _, weighted in _weighted(blocks, rate_hz):
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
