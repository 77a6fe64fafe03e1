"""What one speaker said, recognised from the source piece by piece, so that four hours take the memory of ten minutes.

Where the pieces end follows from the recording alone, each end from its own surroundings: whoever recognises the ninth need not
know the eight before, so the pieces of one recording can be recognised side by side, as *blocks*, and joined afterwards.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Protocol

import numpy as np
import soxr

from stablecast.model import Alias, Block, Doubt, Segment, SourceAudio, Transcript, Waveform, Word
from stablecast.redaction.doubts import doubts, later, merged, over_silence
from stablecast.redaction.seams import mended

VERSION = 4

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
    window_s: float = 600.0  # a recording is cut about every so many seconds; several pieces may be recognised at once
    quiet_s: float = 60.0  # each cut is at the quietest place in so many seconds before

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


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in a block of a recording; times count from the start of the recording."""

    language: str  # ISO 639-1; empty where nobody spoke and none was named
    segments: tuple[Segment, ...]
    seams: tuple[int, ...]  # the numbers of segments with which the recogniser began to hear anew
    silent: tuple[Doubt, ...]  # words over silence: all else that is doubted can be seen in the segments


def blocks(length_s: float, params: TranscribeParams) -> int:
    """Into how many blocks a recording is divided: one for each of its pieces."""
    return max(1, math.ceil(length_s / params.window_s))


def transcribe(audio: SourceAudio, params: TranscribeParams, *, recogniser: Recogniser) -> Transcript:
    """All words of one speaker with their times in the source, in seconds. Silence gives a transcript without segments.

    Words that may be invented stay, and `doubts` says where to listen. What was heard twice where the recogniser began anew,
    and surely said once, is one word in the time of both.
    """
    return joined(audio.speaker, [listen(audio.waveform, params, recogniser=recogniser)])


def listen(
    waveform: Waveform, params: TranscribeParams, *, recogniser: Recogniser, block: int = 1, of: int = 1
) -> Heard:
    """What is heard in one block of a recording, counting from 1: in one piece of it, in the last block in all that is left.

    Where no language is named, it is that of the first piece in which somebody speaks. The first block finds it for all of
    them, and listens beyond its end where nobody speaks before; the others are told it, as `params.language`.
    """
    language, segments, silent, seams = params.language, list[Segment](), list[Doubt](), list[int]()
    rest = pieces(waveform, params, first=block)
    for start_s, piece in rest if block == of else islice(rest, 1):
        heard = recogniser.recognise(piece, language=language)
        if heard.segments:
            language = language or heard.language
            seams += sorted({len(segments), *(len(segments) + number for number in heard.seams)})
            segments += (moved(segment, start_s) for segment in heard.segments)
            silent += later(over_silence(heard.segments, piece, RATE_HZ), start_s)
    if block == 1:
        language = language or _language(rest, recogniser)
    return Heard(language, tuple(segments), tuple(seams), tuple(silent))


def _language(later_pieces: Iterator[tuple[float, Block]], recogniser: Recogniser) -> str:
    heard = (recogniser.recognise(piece, language="") for _, piece in later_pieces)
    return next((each.language for each in heard if each.segments), "")


def joined(speaker: Alias, heard: Sequence[Heard]) -> Transcript:
    """All words of one speaker, from all blocks of a recording in their order."""
    segments, seams = list[Segment](), set[int]()
    for block in heard:
        seams |= {len(segments) + number for number in block.seams}
        segments += block.segments
    said = mended(segments, seams)
    silent = (doubt for block in heard for doubt in block.silent)
    language = next((block.language for block in heard if block.language), UNKNOWN)
    return Transcript(speaker, language, said.segments, merged((*silent, *said.doubts, *doubts(said.segments))))


def pieces(waveform: Waveform, params: TranscribeParams, *, first: int = 1) -> Iterator[tuple[float, Block]]:
    """The pieces of a waveform at 16 kHz, from the `first` on, counting from 1, each with its start in seconds.

    A piece ends at the quietest place in the last `quiet_s` before a multiple of `window_s`, so none is longer than both.
    """
    window, quiet = round(params.window_s * waveform.rate_hz), round(params.quiet_s * waveform.rate_hz)
    if waveform.length <= (first - 1) * window:
        return
    reader, start, before = _Reader(waveform.blocks()), 0, np.zeros(0, np.float32)
    if first > 1:
        for _ in reader.next((first - 1) * window - quiet):
            pass
        last = reader.read(quiet)
        cut = _quietest(last, waveform.rate_hz)
        start, before = (first - 1) * window - quiet + cut, last[cut:]
    for number in count(first):
        stream, more, end = _Resampler(waveform.rate_hz), waveform.length > number * window, waveform.length
        sound = [stream.next(before), *map(stream.next, reader.next(window - quiet if more else window))]
        if more:
            last = reader.read(quiet)
            cut = _quietest(last, waveform.rate_hz)
            end, before = number * window - quiet + cut, last[cut:]
            sound.append(stream.next(last[:cut]))
        piece = np.concatenate([*sound, stream.end()])
        if len(piece):
            yield start / waveform.rate_hz, piece
        if not more:
            return
        start = end


class _Reader:
    """Takes as many samples as it is asked for from blocks of any length."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks, self._rest = blocks, np.zeros(0, np.float32)

    def next(self, length: int) -> Iterator[Block]:
        """The next `length` samples, or as many as there are, block by block."""
        while length > 0:
            if not len(self._rest):
                block = next(self._blocks, None)
                if block is None:
                    return
                self._rest = block
            taken, self._rest = self._rest[:length], self._rest[length:]
            length -= len(taken)
            yield taken

    def read(self, length: int) -> Block:
        """The same, together."""
        return np.concatenate([np.zeros(0, np.float32), *self.next(length)])


class _Resampler:
    """To 16 kHz."""

    def __init__(self, rate_hz: int) -> None:
        self._stream = None if rate_hz == RATE_HZ else soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32")

    def next(self, block: Block) -> Block:
        return block if self._stream is None else self._stream.resample_chunk(block)

    def end(self) -> Block:
        nothing = np.zeros(0, np.float32)
        return nothing if self._stream is None else self._stream.resample_chunk(nothing, last=True)


def _quietest(samples: Block, rate_hz: int, frame_s: float = 0.3) -> int:
    """Where to cut: the middle of the stretch of `frame_s` with the least energy, at least 1."""
    frame = min(round(frame_s * rate_hz), len(samples))
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
