"""Spectral envelopes as mel-cepstra: smooth, small, and drawn again along any frequency axis."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stablecast.voice.draws import EQ_HZ, KNOTS_HZ, Draw
from stablecast.voice.world import Rows

TOP_HZ: Final = 8000.0  # above it a microphone is heard better than a voice: `spectra` goes on without the source
ABOVE_DB_OCT: Final = -24.0
BANDS: Final = 100
ENVELOPE: Final = 26  # coefficients: formants, but none of the fine detail
BREATH: Final = 6
KNEE, CEILING = 0.7, 0.98  # of full scale


def mel(hz: NDArray[np.floating]) -> Rows:
    """Frequencies on the mel scale (O'Shaughnessy 1987)."""
    scale: Rows = 2595 * np.log10(1 + np.asarray(hz, dtype=np.float64) / 700)
    return scale


_TOP_MEL: Final = float(mel(np.array(TOP_HZ)))
_CENTRES: Final = (np.arange(BANDS) + 0.5) / BANDS  # of the bands, as a share of the mel axis


def cepstra(log_spectra: Rows, rate_hz: int, count: int) -> Rows:
    """The first `count` mel-cepstra of each row, which runs from 0 Hz to half the rate. See `spectra` for the way back."""
    axis = mel(np.linspace(0, rate_hz / 2, log_spectra.shape[1])) / _TOP_MEL
    place = np.interp(_CENTRES, axis, np.arange(len(axis)))
    low = np.minimum(place.astype(int), len(axis) - 2)
    part = place - low
    bands = log_spectra[:, low] * (1 - part) + log_spectra[:, low + 1] * part
    found: Rows = bands @ _waves(_CENTRES, count).T * (2 / BANDS)
    found[:, 0] /= 2
    return found


def spectra(coefficients: Rows, hz: Rows) -> Rows:
    """The rows of cepstra as log spectra at the frequencies `hz`; above 8 kHz they go on with their last value."""
    drawn: Rows = coefficients @ _waves(np.minimum(mel(hz) / _TOP_MEL, 1), coefficients.shape[1])
    return drawn


def _waves(place: Rows, count: int) -> Rows:
    waves: Rows = np.cos(np.pi * np.arange(count)[:, None] * place)
    return waves


def read_at(hz: Rows, draw: Draw, tract: float) -> Rows:
    """Where in the old spectrum the new one at `hz` is read: formants times e^`tract`, and the draw's own moves."""
    inner = np.array(KNOTS_HZ[1:-1]) * np.exp(draw.knots)
    moved = np.maximum.accumulate([KNOTS_HZ[0], *inner, KNOTS_HZ[-1]])
    places: Rows = np.interp(hz * np.exp(-(tract + draw.tract)), KNOTS_HZ, moved)
    return places


def warped(hz: Rows, draw: Draw, tract: float, width: float) -> Rows:
    """As `read_at` up to half of any rate, with the draw's moves `width` times as wide and the band above 8 kHz kept."""
    knots = np.array([*KNOTS_HZ[:-1], 12_000.0, 24_000.0])
    moved = knots.copy()
    moved[1:-2] *= np.exp(np.array(draw.knots) * width)
    places: Rows = np.interp(hz * np.exp(-(tract + draw.tract * width)), knots, np.maximum.accumulate(moved))
    return places


def colour(hz: Rows, draw: Draw) -> Rows:
    """What is added to every log power spectrum: the draw's equaliser and tilt, and the slope above 8 kHz."""
    decibels = np.interp(hz, EQ_HZ, draw.eq_db)
    decibels = decibels + draw.tilt_db_oct * np.log2(np.maximum(hz, 100) / 1000)
    decibels = decibels + ABOVE_DB_OCT * np.log2(np.maximum(hz, TOP_HZ) / TOP_HZ)
    log_power: Rows = decibels * np.log(10) / 10
    return log_power


def coloured(hz: Rows, draw: Draw, width: float) -> Rows:
    """The draw's equaliser alone, `width` times as strong."""
    log_power: Rows = np.interp(hz, EQ_HZ, np.array(draw.eq_db) * width) * np.log(10) / 10
    return log_power


def limited(samples: Rows) -> Rows:
    """Samples under 0.98 of full scale: untouched up to 0.7, bent smoothly above."""
    over = np.maximum(np.abs(samples) - KNEE, 0)
    room = CEILING - KNEE
    bent: Rows = np.where(over > 0, np.copysign(KNEE + room * np.tanh(over / room), samples), samples)
    return bent
