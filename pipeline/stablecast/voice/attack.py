"""An attack on a changed voice by somebody with software: undo the change in every way that is easily tried, and compare.

What is tried is what a plain shift does to a voice, backwards: played faster or slower, and the vocal tract made longer or
shorter. Each try is compared with the speaker and with a cohort of other people, each of whom gets their best try as well;
only how far the speaker stands out among them says anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from stablecast.voice.verifier import RATE_HZ, Rows

Samples = NDArray[np.floating]

SEMITONES: Final = tuple(range(-12, 13))
WARPS: Final = (0.76, 0.82, 0.88, 0.94, 1.06, 1.13, 1.20, 1.28)

_SIZE, _HOP, _LIFTER = 512, 128, 26  # samples at 16 kHz; coefficients of the cepstrum that make the envelope


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the speaker stands among the cohort, by likeness to a cut."""

    rank: int  # from 1, the likest
    margin: float  # deviations of the cohort by which the speaker is above its mean


def tries(speech: Samples) -> Iterator[Samples]:
    """`speech` as it is, then with every shift and every warp undone that an attacker would try."""
    yield speech
    for semitones in SEMITONES:
        if semitones:
            yield shifted(speech, semitones)
    for ratio in WARPS:
        yield warped(speech, ratio)


def shifted(speech: Samples, semitones: float) -> Samples:
    """Pitch, formants and pace moved together by playing it faster: `semitones` up, and shorter."""
    moved: Samples = soxr.resample(speech, RATE_HZ * 2 ** (semitones / 12), RATE_HZ)
    return moved


def warped(speech: Samples, ratio: float) -> Samples:
    """The formants times `ratio`, the pitch kept: each frame's smooth envelope, from its cepstrum, stretched in frequency."""
    window = np.sqrt(np.hanning(_SIZE + 1)[:-1])
    padded = np.pad(speech, _SIZE)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::_HOP]
    spectra = np.fft.rfft(frames * window)
    cepstra = np.fft.irfft(np.log(np.abs(spectra) + 1e-7))
    cepstra[:, _LIFTER : 1 - _LIFTER] = 0
    envelope = np.fft.rfft(cepstra).real
    place = np.minimum(np.arange(_SIZE // 2 + 1) / ratio, _SIZE // 2 - 1e-6)
    low, part = place.astype(int), place % 1
    moved = envelope[:, low] * (1 - part) + envelope[:, low + 1] * part
    pieces = np.fft.irfft(spectra * np.exp(moved - envelope)) * window
    out = np.zeros((len(pieces) + _SIZE // _HOP - 1, _HOP))
    for part_of, column in enumerate(np.split(pieces, _SIZE // _HOP, axis=1)):
        out[part_of : part_of + len(column)] += column
    return out.ravel()[_SIZE : _SIZE + len(speech)] * (
        2 * _HOP / _SIZE
    )  # the squared windows add up to the inverse of that


def standing(tried: Rows, speaker: Rows, cohort: Rows) -> Standing:
    """Where `speaker` stands by the best of `tried` (unit rows), among the `cohort` (unit rows) by the best for each.

    Cosines about the cohort's middle: what all voices share tells nobody from anybody.
    """
    middle = cohort.mean(axis=0)
    tried, speaker, cohort = (_unit(rows - middle) for rows in (tried, speaker, cohort))
    own, others = float((tried @ speaker).max()), (tried @ cohort.T).max(axis=0)
    return Standing(1 + int((others >= own).sum()), float((own - others.mean()) / max(float(others.std()), 1e-9)))


def _unit(rows: Rows) -> Rows:
    unit: Rows = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return unit
