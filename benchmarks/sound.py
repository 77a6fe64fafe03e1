"""Speech to measure on: real recordings joined, else the demo's. Nothing of it is kept but in build/."""

from __future__ import annotations

import wave
from itertools import count
from pathlib import Path

import numpy as np
from harness import BUILD, SPEECH

PAUSE_S = 0.4


def speech(seconds: float, rate_hz: int = 44_100, talked: float = 1.0) -> Path:
    """A WAV file, 16 bit mono, of so many seconds: people of LibriSpeech by turns; the same at each call.

    What is longer than there is begins again with another gain, so that no two stretches are equal. `talked` is the share of it
    in which somebody speaks, up to 1; the rest is the room, between one person and the next.
    """
    path = BUILD / f"speech-{round(seconds)}s-{rate_hz}{'' if talked == 1 else f'-{talked:g}'}.wav"
    if path.is_file():
        return path
    from faster_whisper.audio import decode_audio

    import stablecast

    found = sorted(SPEECH.glob("*/*.flac")) or sorted((Path(stablecast.__file__).parent / "demo").glob("*.opus"))
    draw, left = np.random.default_rng(8), round(seconds * rate_hz)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        for number in count():
            one = decode_audio(str(found[number % len(found)]), sampling_rate=rate_hz) * draw.uniform(0.7, 0.99)
            pause = round(PAUSE_S * rate_hz + len(one) * (1 / talked - 1))
            piece = np.concatenate([one, 1e-4 * draw.standard_normal(pause)])[:left]
            file.writeframes(np.rint(piece.clip(-1, 1) * 32_767).astype("<i2").tobytes())
            left -= len(piece)
            if not left:
                return path
    raise AssertionError


def seconds_of(path: Path) -> float:
    """How long a WAV file is."""
    with wave.open(str(path), "rb") as file:
        return file.getnframes() / file.getframerate()
