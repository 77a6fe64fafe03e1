"""A second opinion on loudness: ffmpeg's own meter."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stablecast.tools.ffmpeg import executable


@dataclass(frozen=True, slots=True)
class Reading:
    """What `ebur128` prints, to one decimal: LUFS as dual-mono, LU, dBTP."""

    dual_mono: float
    range_lu: float
    true_peak: float


def of_samples(samples: NDArray[np.floating], rate_hz: int) -> Reading:
    """ffmpeg's reading of mono samples."""
    return _read(["-f", "f32le", "-ar", str(rate_hz), "-ac", "1"], samples.astype(np.float32).tobytes())


def of_mp3(data: bytes) -> Reading:
    """ffmpeg's reading of an MP3 file."""
    return _read(["-f", "mp3"], data)


def of_opus(data: bytes) -> Reading:
    """ffmpeg's reading of an Opus file in Ogg."""
    return _read(["-f", "ogg"], data)


def _read(source: list[str], data: bytes) -> Reading:
    command = [executable(), "-hide_banner", *source, "-i", "pipe:0", "-af", "ebur128=peak=true:dualmono=true"]
    done = subprocess.run([*command, "-f", "null", "-"], input=data, capture_output=True, check=True)
    summary = done.stderr.decode().rpartition("Summary:")[2]

    def figure(name: str) -> float:
        found = re.search(rf"{name}:\s+(-?[\d.]+|-inf)", summary)
        assert found, summary
        return float(found[1])

    return Reading(figure("I"), figure("LRA"), figure("Peak"))
