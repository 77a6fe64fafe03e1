"""What a speaker verifier hears: where the speech of a recording is, and that speech as its network wants it.

The network is a d-vector (Wan, Wang, Papir and Lopez Moreno 2018, arXiv:1710.10467), three LSTMs over 80 frames at a time; its
features are 40 Mel bands (Slaney 1998) of 25 ms frames, 10 ms apart, as decimal logarithms of power.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from stablecast.frames import framed
from stablecast.model import Block
from stablecast.voice.encoder import mel_filters

Rows = NDArray[np.float64]

RATE_HZ: Final = 16_000
FRAME: Final = 400  # samples
HOP: Final = 160
FRAMES: Final = 80
WINDOW: Final = (FRAMES - 1) * HOP + FRAME  # samples the network hears at once, 0.8 s
BANDS: Final = 40
LEVEL: Final = 0.05  # root mean square of speech as the network gets it: it hears loudness as a trait of the voice
SPEECH_DB: Final = 30.0  # below the fullest piece: what is fainter is no speech
FAINTEST_DB: Final = -70.0  # dBFS: what is fainter is not even a voice far away

_FFT: Final = 512


def features(windows: NDArray[np.floating]) -> NDArray[np.float32]:
    """windows × FRAMES × BANDS for windows × WINDOW samples, 16 kHz mono."""
    frames = sliding_window_view(windows, FRAME, axis=-1)[:, ::HOP]
    power = np.abs(np.fft.rfft(frames * _hamming(), _FFT)) ** 2
    logarithms: NDArray[np.float32] = np.log10(power @ _bands() + 1e-10).astype(np.float32)
    return logarithms


def speech(blocks: Iterable[Block], length: int, pieces: int) -> Block:
    """Up to `pieces` windows of speech from all over a recording of `length` samples at 16 kHz, joined, at `LEVEL`.

    Of each part of the recording the window that is fullest of sound; nothing where there is only silence. Memory grows with
    `pieces` alone.
    """
    count = length // WINDOW
    best: dict[int, tuple[float, Block]] = {}
    for number, window in enumerate(framed(blocks, WINDOW)):
        part = number * min(pieces, count) // max(count, 1)
        full = _fullness(window) if len(window) == WINDOW else -np.inf
        if full > max(FAINTEST_DB, best[part][0] if part in best else -np.inf):
            best[part] = full, window.copy()
    least = max((full for full, _ in best.values()), default=0.0) - SPEECH_DB
    kept = [window for _, (full, window) in sorted(best.items()) if full > least]
    joined = np.concatenate([*kept, np.zeros(0, np.float32)])
    return (
        (joined * (LEVEL / np.sqrt(np.mean(np.square(joined, dtype=np.float64))))).astype(np.float32)
        if kept
        else joined
    )


def windows(samples: NDArray[np.floating], most: int) -> NDArray[np.float32]:
    """At most `most` windows × WINDOW samples, evenly spread; what is too short for one is filled up with zeros."""
    whole = np.pad(samples, (0, max(0, WINDOW - len(samples)))).astype(np.float32)
    count = min(most, len(whole) // WINDOW)
    starts = np.linspace(0, len(whole) - WINDOW, count).astype(int)
    return np.stack([whole[start : start + WINDOW] for start in starts])


def voice(vectors: NDArray[np.floating]) -> Rows:
    """The one unit vector of several windows' vectors (unit rows)."""
    mean: Rows = vectors.mean(axis=0, dtype=np.float64)
    unit: Rows = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return unit


def _fullness(window: Block) -> float:
    """The level in dBFS that three quarters of the window's frames exceed: a click or a short word fills no window."""
    frames = np.square(window[: WINDOW // HOP * HOP], dtype=np.float64).reshape(-1, HOP).mean(axis=1)
    return float(10 * np.log10(np.quantile(frames, 0.25) + 1e-12))


@functools.cache
def _hamming() -> Rows:
    return 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)


@functools.cache
def _bands() -> NDArray[np.float32]:
    return mel_filters(BANDS, _FFT)
