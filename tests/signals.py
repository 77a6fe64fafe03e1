"""Signals with a known answer, made by formula: tones, noise, vowels of known f0 and formants, something like speech.

Every function returns a fresh one-dimensional array, float64 unless it says otherwise, full scale ±1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Samples = NDArray[np.float64]

# F1–F4 in hertz of an adult's vowels, after Peterson and Barney (1952); F4 is a round figure
VOWELS: dict[str, tuple[float, ...]] = {
    "i": (270, 2290, 3010, 3700),
    "e": (530, 1840, 2480, 3600),
    "a": (730, 1090, 2440, 3500),
    "o": (570, 840, 2410, 3400),
    "u": (300, 870, 2240, 3300),
    "er": (490, 1350, 1690, 3300),
}


def not_speech(kind: str, seconds: float, rate_hz: int) -> Samples:
    """What a recogniser may take for words: "nothing" but the noise of a converter, "hiss", or "hum" of the mains."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    if kind == "hum":
        return np.asarray(0.2 * np.sin(2 * np.pi * 50 * time_s))
    return np.random.default_rng(1).normal(0, {"nothing": 1e-5, "hiss": 0.05}[kind], len(time_s))


def amplitude(db: float) -> float:
    """A ratio of amplitudes from decibels: −6.02 dB is one half."""
    return float(10 ** (db / 20))


def dbfs(samples: NDArray[np.floating]) -> float:
    """The root mean square of `samples` in decibels; a full-scale sine reads −3.01."""
    return float(20 * np.log10(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))))


def silence(seconds: float, rate_hz: int) -> Samples:
    """Zeros."""
    return np.zeros(round(seconds * rate_hz))


def tone(hz: float, seconds: float, rate_hz: int, *, peak_dbfs: float = 0.0, phase_deg: float = 0.0) -> Samples:
    """A sine whose (true) peak is `peak_dbfs`."""
    turns = hz * np.arange(round(seconds * rate_hz)) / rate_hz
    return amplitude(peak_dbfs) * np.sin(2 * np.pi * turns + np.deg2rad(phase_deg))


def noise(seconds: float, rate_hz: int, *, rms_dbfs: float = -20.0, seed: int = 0) -> Samples:
    """White Gaussian noise of about `rms_dbfs`."""
    return amplitude(rms_dbfs) * np.random.default_rng(seed).standard_normal(round(seconds * rate_hz))


def pulses(f0_hz: float | Samples, seconds: float, rate_hz: int) -> Samples:
    """One unit impulse a period, on the nearest sample. `f0_hz` may be a contour with one value a sample."""
    contour = np.broadcast_to(np.asarray(f0_hz, dtype=np.float64), round(seconds * rate_hz))
    turns = np.floor(np.cumsum(contour / rate_hz))
    return np.diff(turns, prepend=-1.0).clip(0, 1)


def resonated(source: NDArray[np.floating], formants_hz: tuple[float, ...], rate_hz: int) -> Samples:
    """`source` through Klatt's digital resonators (JASA 67, 1980) in cascade; formants above Nyquist are left out."""
    sound = np.asarray(source, dtype=np.float64)
    for formant_hz in formants_hz:
        if formant_hz >= 0.5 * rate_hz:
            continue
        bandwidth_hz = 50 + 0.04 * formant_hz
        c = -np.exp(-2 * np.pi * bandwidth_hz / rate_hz)
        b = 2 * np.sqrt(-c) * np.cos(2 * np.pi * formant_hz / rate_hz)
        sound = lfilter([1 - b - c], [1, -b, -c], sound)
    return sound


def vowel(
    f0_hz: float | Samples, formants_hz: tuple[float, ...], seconds: float, rate_hz: int, *, peak_dbfs: float = -6.0
) -> Samples:
    """A glottal pulse train through formants: f0 and the resonances are exactly what was asked for.

    The source falls by 6 dB an octave: 12 of the glottis less 6 of the lips' radiation.
    """
    source = lfilter([1.0], [1, -np.exp(-2 * np.pi * 100 / rate_hz)], pulses(f0_hz, seconds, rate_hz))
    sound = resonated(source, formants_hz, rate_hz)
    return sound * (amplitude(peak_dbfs) / np.abs(sound).max())


def speechlike(seconds: float, rate_hz: int, seed: int = 0, *, f0_hz: float = 140.0) -> NDArray[np.float32]:
    """Something like speech, float32: phrases of vowels and bursts of noise on a falling f0, with pauses between them.

    Peaks are near −6 dBFS; loudness varies from syllable to syllable as in real speech. Equal arguments, equal samples.
    """
    draw = np.random.default_rng(seed)
    total = round(seconds * rate_hz)
    sound = np.zeros(total)
    names = sorted(VOWELS)
    at = round(0.1 * rate_hz)
    while at < total:
        syllables = int(draw.integers(4, 10))
        for place in range(syllables):
            burst_s, vowel_s = draw.uniform(0.02, 0.09), draw.uniform(0.08, 0.24)
            burst = noise(burst_s, rate_hz, rms_dbfs=draw.uniform(-40, -26), seed=int(draw.integers(1 << 31)))
            fall = f0_hz * (1.15 - 0.3 * place / syllables) * draw.uniform(0.95, 1.05)
            contour = np.linspace(fall, 0.93 * fall, round(vowel_s * rate_hz))
            level = -6 - draw.uniform(0, 9) - 3 * place / syllables
            voiced = vowel(contour, VOWELS[names[int(draw.integers(len(names)))]], vowel_s, rate_hz, peak_dbfs=level)
            for piece in (burst * np.hanning(len(burst)), voiced * np.hanning(len(voiced)) ** 0.5):
                kept = piece[: total - at]
                sound[at : at + len(kept)] += kept
                at = min(at + len(kept), total)
        at += round(draw.uniform(0.25, 0.9) * rate_hz)
    return (sound + noise(seconds, rate_hz, rms_dbfs=-72, seed=seed + 1)).astype(np.float32)


def plosives(seconds: float, rate_hz: int, seed: int = 0) -> NDArray[np.float32]:
    """Hard to level, float32: quiet speech with a popped microphone every half second, peaks far above the speech."""
    sound = amplitude(-12) * speechlike(seconds, rate_hz, seed).astype(np.float64)
    length = round(0.03 * rate_hz)
    time_s = np.arange(length) / rate_hz
    pop = np.sin(2 * np.pi * 90 * time_s) * np.exp(-time_s / 0.008) + 0.3 * noise(
        0.03, rate_hz, rms_dbfs=-12, seed=seed
    )
    for start in range(0, len(sound) - length, rate_hz // 2):
        sound[start : start + length] += pop
    return (sound * (0.95 / np.abs(sound).max())).astype(np.float32)
