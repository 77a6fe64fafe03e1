"""What a signal reaches between its samples: BS.1770-5 annex 2."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

HALF = 24  # samples of context an interpolated value needs on each side
_ROW = 64  # samples interpolated, or left alone, together
_BETA = 8.0  # Kaiser window: flat within 0.02 dB up to 0.45 of the sample rate
_FINE_HZ = 4 * 44_100  # oversample at least to here; the standard's example is 4 × 48 kHz


@dataclass(frozen=True, slots=True, eq=False)
class Interpolator:
    """A bank of windowed-sinc filters that gives the values between samples, at least four times oversampled.

    `growth` is the largest sum of a filter's absolute taps: no value between samples exceeds `growth` times the largest
    sample within `HALF` of it. So where the samples are small enough nothing need be computed, and nothing is missed.
    """

    matrix: NDArray[np.float32]  # _ROW + 2·HALF samples in, _ROW values out for each filter in turn
    growth: float

    @classmethod
    @functools.cache
    def at(cls, rate_hz: int) -> Interpolator:
        factor = max(4, -(-_FINE_HZ // rate_hz))
        between = np.arange(1, factor)[:, np.newaxis] / factor
        distance = between - np.arange(1 - HALF, HALF + 1)
        taps = np.sinc(distance) * np.i0(_BETA * np.sqrt(1 - (distance / HALF) ** 2))
        taps /= taps.sum(axis=1, keepdims=True)  # a constant stays what it is

        matrix = np.zeros((_ROW + 2 * HALF, factor - 1, _ROW), np.float32)
        for place in range(_ROW):
            matrix[place + 1 : place + 1 + 2 * HALF, :, place] = taps.T
        return cls(matrix.reshape(len(matrix), -1), float(np.abs(taps).sum(axis=1).max()))

    def peaks(self, window: NDArray[np.float32], floor: float) -> NDArray[np.float32]:
        """For each sample of the window, less `HALF` at both ends: the largest magnitude from there up to the next one.

        Magnitudes above `floor` are true peaks; below it a sample peak may stand in for the true one.
        """
        inner = np.abs(window[HALF : len(window) - HALF])
        length, rows = len(inner), -(-len(inner) // _ROW)
        loudest = np.zeros(rows + 2, np.float32)  # of each row, and before and after them of what lies beside
        loudest[0], loudest[-1] = np.abs(window[:HALF]).max(), np.abs(window[len(window) - HALF :]).max()
        whole = length // _ROW * _ROW
        inner[:whole].reshape(-1, _ROW).max(axis=1, out=loudest[1 : 1 + whole // _ROW])
        if whole < length:
            loudest[rows] = inner[whole:].max()
        if loudest.max() * self.growth <= floor:
            return inner
        near = np.maximum(np.maximum(loudest[:-2], loudest[2:]), loudest[1:-1])  # at least all that a row is made from
        hot = np.flatnonzero(near * self.growth > floor)
        if len(hot):
            padded = np.concatenate([window, np.zeros(rows * _ROW - length, np.float32)])
            views = sliding_window_view(padded, _ROW + 2 * HALF)[::_ROW]
            between = np.abs(views[hot] @ self.matrix).reshape(len(hot), -1, _ROW).max(axis=1)
            reached = np.concatenate([inner, np.zeros(rows * _ROW - length, np.float32)]).reshape(rows, _ROW)
            reached[hot] = np.maximum(reached[hot], between)
            inner = reached.reshape(-1)[:length]
        return inner
