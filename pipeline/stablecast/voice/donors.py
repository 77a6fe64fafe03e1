"""Donors: what turns what is said into the sound of one voice, which is nobody's unless a user built it from somebody's.

A donor is one matrix. It maps the network's rows to a spectral envelope, an aperiodicity and a voicing decision, four rows of
5 ms for one of 20 ms. Two donors can be mixed by mixing their matrices.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stablecast.model import Waveform
from stablecast.voice.encoder import Floats
from stablecast.voice.shape import mel
from stablecast.voice.world import Frames, Rows, analyse, pieces

BANDS, BREATHS, STEPS = 80, 12, 4  # of the envelope, of the aperiodicity, and rows for each one of the network's
TOP_HZ = 12_000.0
WIDTH = STEPS * (BANDS + BREATHS + 1)

DETAIL, MOVEMENT, SLOW_FRAMES = 1.3, 0.5, 25  # see Said.clearer

SHORTEST_S = 60.0  # of speech: from less, a matrix learns the sentences and not the voice
RIDGE = 1e-3  # of the mean power of the network's rows
_QUIET = 40 * np.log(10) / 10  # below the loud frames: what is fainter counts little
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Said:
    """One donor saying something, a row every 5 ms."""

    bands: Rows  # log power
    breaths: Rows  # log aperiodicity
    voicing: Rows  # above 0 where voiced

    @property
    def level(self) -> Rows:
        """Log of the mean power of every row."""
        found: Rows = np.log(np.exp(self.bands) @ _SHARES)
        return found

    @property
    def clearer(self) -> Said:
        """The same with more contrast: what a network learns by averaging is flatter than what anybody says.

        Spectral detail is raised by `DETAIL`; what moves faster than `SLOW_FRAMES`, by `MOVEMENT`. docs/voice.md tells what each
        is worth in words understood.
        """
        from scipy.fft import dct, idct  # these take longer to import than most commands take to run
        from scipy.ndimage import uniform_filter1d

        cepstra = dct(self.bands, norm="ortho", axis=1)
        cepstra[:, 2 : BANDS // 2] *= DETAIL
        bands = idct(cepstra, norm="ortho", axis=1)
        bands += MOVEMENT * (bands - uniform_filter1d(bands, SLOW_FRAMES, axis=0, mode="nearest"))
        return Said(bands, self.breaths, self.voicing)

    def envelope(self, hz: Rows) -> Rows:
        """Log power at the frequencies `hz`; beyond the bands it goes on with their last."""
        return _between(self.bands, hz, _CENTRES)

    def breath(self, hz: Rows) -> Rows:
        """Log aperiodicity at the frequencies `hz`."""
        return _between(self.breaths, hz, _BREATH_CENTRES)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Donor:
    """The matrix, with the constant in its last row: (width of the network + 1) × WIDTH."""

    matrix: Floats

    def says(self, hidden: Floats) -> Said:
        """The donor's rows for the network's."""
        rows = (hidden @ self.matrix[:-1] + self.matrix[-1]).astype(np.float64).reshape(len(hidden) * STEPS, -1)
        return Said(rows[:, :BANDS], rows[:, BANDS:-1], rows[:, -1])


def mixed(donors: Mapping[str, Donor], weights: Mapping[str, float]) -> Donor:
    """The donor between donors; the weights add up to 1."""
    return Donor(np.sum([np.float32(weight) * donors[name].matrix for name, weight in weights.items()], axis=0))


def fit(
    waveforms: Iterable[Waveform], listening: Callable[[Waveform], Callable[[NDArray[np.floating]], Floats]]
) -> Donor:
    """The donor whose sound is that of the recordings, by ridge regression from the network's rows.

    `listening` gives, for a recording, what makes rows of its samples. Needs a minute of speech; ten are better. In bounded
    memory. Raises ValueError for too little.
    """
    square, product, seconds = np.zeros((1, 1)), np.zeros((1, 1)), 0.0
    for waveform in waveforms:
        hear = listening(waveform)
        for piece in pieces(waveform.blocks(), waveform.rate_hz):
            hidden = hear(piece.samples).astype(np.float64)
            targets = rows_of(analyse(piece.samples, waveform.rate_hz))
            count = min(len(hidden), len(targets) // STEPS)
            inputs = np.c_[hidden[:count], np.ones(count)]
            outputs = targets[: count * STEPS].reshape(count, -1)
            loudness = targets[: count * STEPS, :BANDS].mean(axis=1).reshape(count, STEPS).mean(axis=1)
            weight = np.clip((loudness - loudness.max() + _QUIET) / _QUIET, 0.02, 1)
            seconds += float((loudness > loudness.max() - _QUIET / 2).sum()) * 0.02
            square = square + (inputs * weight[:, None]).T @ inputs
            product = product + (inputs * weight[:, None]).T @ outputs
    if seconds < SHORTEST_S:
        raise ValueError(f"a donor needs {SHORTEST_S:g} s of speech; these recordings hold {seconds:.0f} s")
    ridge = RIDGE * np.trace(square) / len(square) * np.eye(len(square))
    return Donor(np.linalg.solve(square + ridge, product).astype(np.float32))


def rows_of(frames: Frames) -> Rows:
    """What a donor is to say for these frames: bands, breaths and voicing (1 or −1) side by side."""
    hz = np.linspace(0, frames.rate_hz / 2, frames.power.shape[1])
    axis = mel(hz)
    bands = _between(np.log(frames.power + _FLOOR), _CENTRES, axis, on_mel=True)
    breaths = _between(np.log(np.clip(frames.aperiodicity, 1e-3, 1)), _BREATH_CENTRES, axis, on_mel=True)
    rows: Rows = np.c_[bands, breaths, np.where(frames.f0_hz > 0, 1.0, -1.0)]
    return rows


def to_bytes(donor: Donor) -> bytes:
    """The donor as a file."""
    file = io.BytesIO()
    np.save(file, donor.matrix.astype(np.float16), allow_pickle=False)
    return file.getvalue()


def from_bytes(data: bytes, width: int) -> Donor:
    """The donor in a file, for a network `width` wide. Raises ValueError where it is none."""
    try:
        matrix = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as strange:
        raise ValueError("not a donor") from strange
    if not isinstance(matrix, np.ndarray) or matrix.shape != (width + 1, WIDTH) or not np.isfinite(matrix).all():
        raise ValueError("not a donor for this version's network")
    return Donor(matrix.astype(np.float32))


def _between(rows: Rows, at: Rows, centres: Rows, *, on_mel: bool = False) -> Rows:
    """`rows`, given at the mel frequencies `centres`, at the frequencies `at` (in Hz unless `on_mel`)."""
    place = np.interp(at if on_mel else mel(at), centres, np.arange(len(centres)))
    low = np.minimum(place.astype(int), len(centres) - 2)
    part = place - low
    out: Rows = rows[:, low] * (1 - part) + rows[:, low + 1] * part
    return out


_TOP_MEL = float(mel(np.array(TOP_HZ)))
_CENTRES = (np.arange(BANDS) + 0.5) / BANDS * _TOP_MEL
_EDGES_HZ = 700 * (10 ** (np.linspace(0, _TOP_MEL, BANDS + 1) / 2595) - 1)
_SHARES = np.diff(_EDGES_HZ) / TOP_HZ
_BREATH_CENTRES = np.linspace(float(mel(np.array(TOP_HZ * 5 / 512))), _TOP_MEL, BREATHS)
