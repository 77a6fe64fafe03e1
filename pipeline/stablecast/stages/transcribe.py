"""What one speaker said, recognised from the source piece by piece, so that four hours take the memory of ten minutes."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import soxr

from stablecast.model import Block, Doubt, Segment, SourceAudio, Transcript, Waveform, Word
from stablecast.redaction.doubts import doubts, later, merged, over_silence
from stablecast.redaction.seams import mended

VERSION = 3

RATE_HZ = 16_000  # what Whisper was trained on
UNKNOWN = "und"  # BCP 47 for "nobody spoke, so there is no language"

# What Whisper was trained to hear: ISO 639-1 where there is a code, else 639-3 (openai-whisper, tokenizer.LANGUAGES).
LANGUAGES = frozenset(
    """
    af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it
    ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn
    so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh
    """.split()  # noqa: SIM905  a list of strings would be five times as long
)


class Engine(enum.StrEnum):
    """What runs Whisper."""

    FASTER_WHISPER = "faster-whisper"
    OPENAI_WHISPER = "openai-whisper"


@dataclass(frozen=True, slots=True)
class TranscribeParams:
    """How speech is recognised."""

    engine: Engine = (
        Engine.FASTER_WHISPER
    )  # openai-whisper needs `pip install 'stablecast[openai-whisper]'`, and four times as long
    model: str = "base"  # "base" installs with pip; else a path, or a name that is already on this machine
    model_sha256: str = ""  # what the model's file must be, as 64 hex digits; compared before it is opened
    language: str = ""  # ISO 639-1, any that Whisper knows; empty: detected where speech begins
    gpu: bool = True  # use a GPU where there is one
    beam_size: int = 5  # hypotheses kept at once; 1 is twice as fast and a little less exact
    vad_threshold: float = (
        0.35  # 0–1, below Whisper's 0.5: a quiet word nobody recognised is a word nobody redacts; 0: off
    )
    window_s: float = 600.0  # longest piece recognised at once
    quiet_s: float = 60.0  # the cut is at the quietest place in this last part of a piece

    def __post_init__(self) -> None:
        if not 0 < self.quiet_s <= self.window_s:
            raise ValueError("quiet_s must be above 0 and at most window_s")
        if self.language and self.language not in LANGUAGES:
            raise ValueError(
                "language is one that Whisper knows, by its code, such as en, ar, vi, sq, am, yo, ro, bn or pl"
            )
        if self.model_sha256 and not re.fullmatch(r"[0-9a-f]{64}", self.model_sha256):
            raise ValueError("model_sha256 is 64 of 0–9 and a–f")


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a recogniser heard in one piece; times count from the start of the piece. No segments: nobody spoke."""

    language: str  # ISO 639-1; empty where nobody spoke
    segments: tuple[Segment, ...]
    seams: tuple[int, ...] = ()  # the numbers of segments with which the recogniser began to hear anew


class Recogniser(Protocol):
    """A speech recogniser."""

    @property
    def identity(self) -> str:
        """Which weights and which engine: what a cached transcript depends on."""
        ...

    def recognise(self, samples: Block, *, language: str) -> Recognised:
        """The words in `samples`, 16 kHz mono. An empty `language` is detected."""
        ...

    def translate(self, samples: Block, *, language: str) -> Recognised:
        """In English what is said in `samples`, 16 kHz mono, in `language`. Its words have no times; its segments do.

        Nothing that Whisper was not trained to translate into but English.
        """
        ...


def transcribe(audio: SourceAudio, params: TranscribeParams, *, recogniser: Recogniser) -> Transcript:
    """All words of one speaker with their times in the source, in seconds. Silence gives a transcript without segments.

    Words that may be invented stay, and `doubts` says where to listen. What was heard twice where the recogniser began anew,
    and surely said once, is one word in the time of both.
    """
    language, segments, silent, seams = params.language, list[Segment](), list[Doubt](), set[int]()
    for start_s, piece in pieces(audio.waveform, params):
        heard = recogniser.recognise(piece, language=language)
        if heard.segments:
            language = language or heard.language
            seams |= {len(segments), *(len(segments) + number for number in heard.seams)}
            segments += (moved(segment, start_s) for segment in heard.segments)
            silent += later(over_silence(heard.segments, piece, RATE_HZ), start_s)
    said = mended(segments, seams)
    found = merged((*silent, *said.doubts, *doubts(said.segments)))
    return Transcript(audio.speaker, language or UNKNOWN, said.segments, found)


def pieces(waveform: Waveform, params: TranscribeParams) -> Iterator[tuple[float, Block]]:
    """The waveform at 16 kHz in pieces of at most `window_s`, cut where it is quiet, each with its start in seconds."""
    window, quiet = round(params.window_s * RATE_HZ), round(params.quiet_s * RATE_HZ)
    start, waiting, count = 0, list[Block](), 0
    for block in _resampled(waveform):
        waiting.append(block)
        count += len(block)
        while count > window:
            samples = np.concatenate(waiting)
            cut = window - quiet + _quietest(samples[window - quiet : window])
            yield start / RATE_HZ, samples[:cut]
            start, waiting, count = start + cut, [samples[cut:]], count - cut
    if count:
        yield start / RATE_HZ, np.concatenate(waiting)


def _resampled(waveform: Waveform) -> Iterator[Block]:
    if waveform.rate_hz == RATE_HZ:
        yield from waveform.blocks()
        return
    stream = soxr.ResampleStream(waveform.rate_hz, RATE_HZ, 1, dtype="float32")
    for block in waveform.blocks():
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _quietest(samples: Block, frame_s: float = 0.3) -> int:
    """Where to cut: the middle of the stretch of `frame_s` with the least energy, at least 1."""
    frame = min(round(frame_s * RATE_HZ), len(samples))
    energy = np.cumsum(np.concatenate(([0.0], np.square(samples, dtype=np.float64))))
    return max(1, int(np.argmin(energy[frame:] - energy[:-frame])) + frame // 2)


def moved(segment: Segment, by_s: float) -> Segment:
    """The segment `by_s` later."""
    words = tuple(
        word
        if word.start_s is None or word.end_s is None
        else Word(word.text, word.start_s + by_s, word.end_s + by_s, word.probability)
        for word in segment.words
    )
    return replace(segment, start_s=segment.start_s + by_s, end_s=segment.end_s + by_s, words=words)
