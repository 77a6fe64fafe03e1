"""Give a redacted recording another voice. The only stage that takes a speaker's own voice; what it returns is not theirs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from stablecast.errors import GateClosed
from stablecast.model import AnonymisedAudio, Block, Method, RedactedAudio, Span, Waveform
from stablecast.voice.characters import Character
from stablecast.voice.draws import Draw
from stablecast.voice.normalise import normalise
from stablecast.voice.pitch import shift
from stablecast.voice.resynthesis import Models, resynthesise

VERSION = 2

FADE_S = 0.005  # outside a span, so that its edge does not click


@dataclass(frozen=True, slots=True)
class RevoiceParams:
    """How a voice is changed, and which characters the speakers of an episode get."""

    method: Method = Method.RESYNTHESIS  # pitch is only to hear the difference: it is never published
    characters: tuple[str, ...] = (
        "hazel",
        "rowan",
        "ash",
        "linden",
        "sorrel",
    )  # of voices.toml; the first speaker gets the first
    melody: float = 0.4  # share of a lively voice's rise and fall that is kept; what is kept can also be recognised
    pitch_semitones: float = -4.0  # semitones; for the method pitch only

    def __post_init__(self) -> None:
        if not 0 <= self.melody <= 1:
            raise ValueError("melody is a share, from 0 to 1")
        if not -12 <= self.pitch_semitones <= 12:
            raise ValueError("pitch_semitones is at most an octave up or down, from -12 to 12")


def revoice(
    audio: RedactedAudio, params: RevoiceParams, *, character: Character, draw: Draw, models: Models | None = None
) -> AnonymisedAudio:
    """The same words at the same times in another voice; silent wherever the source was redacted.

    The recording is read once here and again at each reading of the result; equal input and draw give equal samples. It has
    the source's rate and length. A silent track stays silent. Nothing falls back to the source's samples: what cannot be
    done is raised. Raises GateClosed when the recording holds samples that are not numbers, ValueError for resynthesis without
    `models`, and KeyError where they have not the character's donor.
    """
    source = audio.waveform.through(_checked)
    if params.method is Method.RESYNTHESIS:
        if models is None:
            raise ValueError("resynthesis needs its models")
        voiced = resynthesise(source, character, draw, models=models, melody=params.melody)
    elif params.method is Method.NORMALISE:
        voiced = normalise(source, character, draw, melody=params.melody)
    elif params.method is Method.PITCH:
        voiced = shift(source, params.pitch_semitones)
    else:
        raise ValueError(f"no way to change a voice is called {params.method}")
    return AnonymisedAudio(audio.speaker, silenced(voiced, audio.spans), audio.spans, params.method)


def silenced(waveform: Waveform, spans: tuple[Span, ...]) -> Waveform:
    """`waveform` with zeros in `spans`, and 5 ms of fade outside each."""
    rate = waveform.rate_hz
    return waveform.through(_cutter([(math.floor(s.start_s * rate), math.ceil(s.end_s * rate)) for s in spans], rate))


def _cutter(cuts: list[tuple[int, int]], rate_hz: int) -> Callable[[Iterator[Block]], Iterator[Block]]:
    fade = max(1, round(FADE_S * rate_hz))

    def process(blocks: Iterator[Block]) -> Iterator[Block]:
        at = 0
        for block in blocks:
            stop = at + len(block)
            touched = [(a, b) for a, b in cuts if a - fade < stop and b + fade > at]
            if touched:
                block = block.copy()
                for first, last in touched:
                    low, high = max(at, first - fade), min(stop, last + fade)
                    place = np.arange(low, high)
                    away = np.maximum(first - place, place - last + 1).clip(0)
                    block[low - at : high - at] *= np.minimum(away / fade, 1).astype(np.float32)
                block.setflags(write=False)
            yield block
            at = stop

    return process


def _checked(blocks: Iterator[Block]) -> Iterator[Block]:
    for block in blocks:
        if not np.isfinite(block).all():
            raise GateClosed("the recording holds samples that are not numbers; add it again from the original file")
        yield block
