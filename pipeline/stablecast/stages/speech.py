"""The approved words by a synthetic voice, when they were said; nothing of the speaker's own sound is even at hand here.

Of the recording there are left the words, its length, what was redacted and, to a quarter of a second, when each phrase began.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from stablecast.errors import GateClosed
from stablecast.model import (
    BLOCK_SAMPLES,
    REDACTED,
    Alias,
    AnonymisedAudio,
    Block,
    Method,
    PublicTranscript,
    PublicWord,
    Span,
    Waveform,
)
from stablecast.stages.revoice import silenced
from stablecast.stages.transcribe import UNKNOWN
from stablecast.voice.characters import Character
from stablecast.voice.shape import limited

VERSION = 1

STEP_S = 0.25  # phrases begin on this grid: finer rhythm is the speaker's own
PAUSE_S = 0.25  # so long a rest ends a phrase
LONGEST_S = 8.0  # of a phrase, so that its words stay near the times they were said at
LETTER_S = 0.04  # the time a letter takes when spoken as fast as people still follow
PACE, FASTEST, PACES = 1.1, 0.6, 10  # times the synthetic voice's usual length; steps of a tenth
SHARE = 0.5  # of the way to a character's register: formants come along, and all the way they would be nobody's
LEVEL = 0.07  # RMS of every phrase, of full scale
TRIM, MARGIN_S = 0.005, 0.02  # of a phrase's peak: what is fainter at its ends is cut, but for a margin
_NEAR_S = 0.001  # a start rounded to samples may lie so much after the word it was taken from
LEAST_S = 0.1  # between two redactions: nothing can be said in less


class Synthesiser(Protocol):
    """A synthetic voice. Equal text and pace give equal samples."""

    rate_hz: int
    language: str  # ISO 639-1
    register_hz: float  # its median f0

    def speak(self, text: str, *, pace: float) -> Block:
        """`text` aloud, `pace` times as long as usual; no samples for what has no sound."""
        ...


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words, and the time there is to say them."""

    text: str
    start_s: float
    stop_s: float


def speech(
    public: PublicTranscript,
    *,
    speaker: Alias,
    spans: tuple[Span, ...],
    length: int,
    rate_hz: int,
    character: Character,
    synthesiser: Synthesiser,
) -> AnonymisedAudio:
    """What `speaker` says, in `length` samples at `rate_hz`; silent in `spans`.

    A phrase begins when it was said and is spoken at the synthetic voice's own pace, into the pause after it if need be.
    What would run into the next phrase or a redaction is hurried, then squeezed, which makes it higher: too fast to follow is
    heard in review, a lost word is not. Each reading speaks anew, in memory for one phrase, and gives equal samples.

    Raises GateClosed where the words are in another language than the voice's.
    """
    if public.language not in (synthesiser.language, UNKNOWN, ""):
        raise GateClosed(
            f"the synthetic voice speaks {synthesiser.language} and these words are in another language; "
            "choose another way to change voices in show.toml: revoice.method"
        )
    placed = phrases((word for word in public.words if word.speaker == speaker), spans, length / rate_hz)

    def blocks() -> Iterator[Block]:
        at = 0
        for phrase in placed:
            first, stop = round(phrase.start_s * rate_hz), round(phrase.stop_s * rate_hz)
            yield from _silence(first - at)
            samples = _spoken(phrase, rate_hz, character, synthesiser)[: stop - first]
            if len(samples):
                yield samples
            at = first + len(samples)
        yield from _silence(length - at)

    return AnonymisedAudio(speaker, silenced(Waveform(rate_hz, length, blocks), spans), spans, Method.SPEECH)


def during(public: PublicTranscript, start_s: float, length_s: float) -> PublicTranscript:
    """The words that begin in so many seconds from `start_s` on, with times that count from there."""
    words = (replace(word, start_s=word.start_s - start_s, end_s=word.end_s - start_s) for word in public.words)
    kept = tuple(replace(word, start_s=max(0.0, word.start_s)) for word in words if -_NEAR_S <= word.start_s < length_s)
    return replace(public, words=kept)


# --- when ------------------------------------------------------------------------------------------------------------


def phrases(words: Iterable[PublicWord], spans: Iterable[Span], duration_s: float) -> tuple[Phrase, ...]:
    """One speaker's words, in the order they were said, as phrases that neither overlap nor touch a span.

    A phrase ends at a pause, a sentence's end, a redaction, or after 8 s. Where words stand closer than they can be said,
    those around them give way; where a stretch between two redactions is too short for its words, all have less time.
    """
    free = _free(spans, duration_s)
    runs: list[list[PublicWord]] = [[] for _ in free]
    for word in words if free else ():
        runs[max(0, bisect_right(free, (word.start_s, math.inf)) - 1)].append(word)
    return tuple(phrase for (a, b), run in zip(free, runs, strict=True) for phrase in _laid_out(_grouped(run), a, b))


def _free(spans: Iterable[Span], duration_s: float) -> list[tuple[float, float]]:
    """The stretches outside every span that are long enough to speak in."""
    free, at = list[tuple[float, float]](), 0.0
    for span in sorted((span.start_s, span.end_s) for span in spans):
        free.append((at, min(span[0], duration_s)))
        at = max(at, span[1])
    return [(a, b) for a, b in (*free, (at, duration_s)) if b - a >= LEAST_S]


def _grouped(words: list[PublicWord]) -> list[list[PublicWord]]:
    groups: list[list[PublicWord]] = []
    latest: PublicWord | None = None
    for word in words:
        if word.text == REDACTED or not word.text.strip():
            latest = None if word.text == REDACTED else latest
            continue
        if latest is None or _ends(groups[-1], word):
            groups.append([])
        groups[-1].append(latest := word)
    return groups


def _ends(group: list[PublicWord], word: PublicWord) -> bool:
    """Whether a phrase ends before `word`."""
    last, text = group[-1], _text([*group, word])
    lasts_s = max(word.end_s - group[0].start_s, len(text) * LETTER_S)
    sentence = last.ends_segment or last.text.rstrip("\"'”’)").endswith((".", "?", "!"))
    return sentence or word.start_s - last.end_s >= PAUSE_S or lasts_s > LONGEST_S


def _laid_out(groups: list[list[PublicWord]], first_s: float, stop_s: float) -> list[Phrase]:
    """Each phrase when it was said, but after those before it can have been said and before those after it must be."""
    if not groups:
        return []
    texts = [_text(group) for group in groups]
    needs = [math.ceil(len(text) * LETTER_S / STEP_S) * STEP_S for text in texts]
    share = min(1.0, (stop_s - first_s) / sum(needs))
    soonest = [first_s + share * before for before in accumulate(needs[:-1], initial=0.0)]
    starts = [stop_s]
    for group, need, soon in zip(reversed(groups), reversed(needs), reversed(soonest), strict=True):
        when = round(group[0].start_s / STEP_S) * STEP_S
        starts.append(max(soon, min(when, starts[-1] - need * share)))
    return [Phrase(text, a, b) for text, (a, b) in zip(texts, pairwise(reversed(starts)), strict=True)]


def _text(words: list[PublicWord]) -> str:
    return " ".join(word.text.strip() for word in words)


# --- how -------------------------------------------------------------------------------------------------------------


def _spoken(phrase: Phrase, rate_hz: int, character: Character, synthesiser: Synthesiser) -> Block:
    """A phrase in the character's register, all at one level, no longer than its time."""
    higher = (character.register_hz / synthesiser.register_hz) ** SHARE
    rate, room_s = synthesiser.rate_hz * higher, phrase.stop_s - phrase.start_s

    def spoken(pace: float) -> Block:
        return _trimmed(synthesiser.speak(phrase.text, pace=pace * higher), synthesiser.rate_hz)

    said = spoken(PACE)
    if len(said) > room_s * rate:
        said = spoken(max(FASTEST, math.floor(PACE * room_s * rate / len(said) * PACES) / PACES))
    if not len(said):
        return said
    heard = soxr.resample(said.astype(np.float64), max(rate, len(said) / room_s), rate_hz)
    samples = limited(heard * (LEVEL / max(float(np.sqrt(np.mean(heard**2))), 1e-9))).astype(np.float32)
    samples.setflags(write=False)
    return samples


def _trimmed(samples: NDArray[np.float32], rate_hz: int) -> Block:
    """Without the silence at both ends."""
    heard = np.flatnonzero(np.abs(samples) > TRIM * np.abs(samples).max(initial=0))
    margin = round(MARGIN_S * rate_hz)
    return samples[max(0, heard[0] - margin) : heard[-1] + margin] if len(heard) else samples[:0]


def _silence(length: int) -> Iterator[Block]:
    for start in range(0, length, BLOCK_SAMPLES):
        yield np.zeros(min(BLOCK_SAMPLES, length - start), np.float32)
