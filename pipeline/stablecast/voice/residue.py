"""Whether anything of the original is left under a new voice, found by whitened cross-correlation.

What was left lies at the same distance in every frame; what only resembles it does not. So the frames' cross spectra are reduced
to their phases (the phase transform of Knapp and Carter 1976), added up over half a minute, and the height of the peak over all
distances is told in robust deviations. That is done twice: with all phases alike, which finds a second that was left as it was;
and with each phase by how well a little of the original could be heard there, in pauses and between harmonics, which finds a trace.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from stablecast.frames import framed
from stablecast.model import Block

RATE_HZ: Final = 16_000
FRAME: Final = 4096  # samples
BAND_HZ: Final = (100.0, 7000.0)
STRETCH_S: Final = 30  # short enough for a second that was left as it was, long enough for a trace in all of it
LITTLE: Final = 10 ** (-30 / 20)  # of the original under the new voice: what the search has to find where it was put

Spectra = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Residue:
    """How far something common stands out, in robust deviations, in the stretch where it does so most."""

    found: float = 0.0
    control: float = 0.0  # with a little of the original mixed in: shows that the search can find


def residue(source: Iterable[Block], cut: Iterable[Block]) -> Residue:
    """What of `source` is in `cut`, both 16 kHz mono and in time with each other; 0 where one of them is silent.

    Both are read once, and no more of them is held than a stretch.
    """
    size, found, control = STRETCH_S * RATE_HZ, 0.0, 0.0
    for ours, theirs in zip(framed(source, size), framed(cut, size), strict=False):
        length = max(FRAME, min(len(ours), len(theirs)))
        a, b = _spectra(ours, length), _spectra(theirs, length)
        if a.any() and b.any():
            a *= LITTLE * np.linalg.norm(b) / np.linalg.norm(a)
            found, control = max(found, _height(a, b)), max(control, _height(a, a + b))
    return Residue(found, control)


def _spectra(samples: Block, length: int) -> Spectra:
    whole = np.pad(samples[:length], (0, max(0, length - len(samples))))
    spectra: Spectra = np.fft.rfft(sliding_window_view(whole, FRAME)[:: FRAME // 2] * np.hanning(FRAME))
    return spectra


def _height(little: Spectra, whole: Spectra) -> float:
    """How far the likeliest distance stands out, by the better of both ways; `little` as loud as what is looked for."""
    cross = little * np.conj(whole)
    phases = cross / np.maximum(np.abs(cross), 1e-30)
    audible = np.abs(little) / (np.abs(little) + np.abs(whole) + 1e-30)
    hz = np.fft.rfftfreq(FRAME, 1 / RATE_HZ)
    summed = np.stack([phases.sum(axis=0), (phases * audible).sum(axis=0)]) * ((hz > BAND_HZ[0]) & (hz < BAND_HZ[1]))
    likeness = np.abs(np.fft.irfft(summed))
    return float((likeness.max(axis=1) * 0.6745 / np.maximum(np.median(likeness, axis=1), 1e-30)).max())
