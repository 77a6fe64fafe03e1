"""English captions for an episode in another language: made from the sealed source, redacted, then captioned like the rest.

Whisper's times of translated words say little: English puts them in another order. So only the times of whole segments are
believed, and a segment near anything that is taken out goes whole. What is lost is text that can be read in the other track.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stablecast.errors import GateClosed
from stablecast.model import (
    REDACTED,
    Correction,
    Doubt,
    PublicTranscript,
    PublicWord,
    Redaction,
    Segment,
    SourceAudio,
    Span,
    Transcript,
    Word,
)
from stablecast.redaction.doubts import doubts
from stablecast.redaction.matching import covered
from stablecast.redaction.spans import Place, clock, touches
from stablecast.stages.transcribe import UNKNOWN, Recogniser, TranscribeParams, moved, pieces

VERSION = 2

ENGLISH: Final = "en"
GUARD_S: Final = 1.0  # Whisper's segment times are this far off where it translates, now and then


@dataclass(frozen=True, slots=True)
class TranslateParams:
    """Whether an episode in another language gets English captions too."""

    english: bool = (
        False  # made by Whisper, and often wrong with small models: somebody who knows both languages must read it
    )


def translate(audio: SourceAudio, said: Transcript, params: TranscribeParams, *, recogniser: Recogniser) -> Transcript:
    """In English what one speaker said; nothing where that is English already, or nobody spoke.

    Its segments have times in the source, in seconds; within one the words share its time by length.
    """
    segments, found = list[Segment](), tuple[Doubt, ...]()
    if said.language not in (ENGLISH, UNKNOWN):
        for start_s, piece in pieces(audio.waveform, params):
            heard = recogniser.translate(piece, language=said.language)
            segments += (_timed(moved(segment, start_s)) for segment in heard.segments)
        found = doubts(segments)
    return Transcript(audio.speaker, ENGLISH, tuple(segments), found)


def english(
    transcripts: Sequence[Transcript],
    translations: Sequence[Transcript],
    redaction: Redaction,
    protected: tuple[str, ...],
    corrections: tuple[Correction, ...],
) -> PublicTranscript | None:
    """The public English words of an episode in which somebody speaks another language; None where nobody does.

    `transcripts` and `translations` are of the same speakers in the same order. Whoever spoke English keeps the words of
    `redaction`. Of a translation no segment stays that comes near a span of its speaker: near is `GUARD_S`, and all of the gap
    to its neighbours, so that no span falls between two. Nor does a word that is protected, by spelling and by sound.

    Raises GateClosed where a translation holds a protected word that nothing takes out of the recording near there: it was
    misheard, and can be listened to. A correction that leaves in what is said there says that a person has.
    """
    if all(said.language in (ENGLISH, UNKNOWN) for said in transcripts):
        return None
    tracks = []
    for said, translated in zip(transcripts, translations, strict=True):
        if said.language in (ENGLISH, UNKNOWN):
            tracks.append([word for word in redaction.public.words if word.speaker == said.speaker])
            continue
        spans = tuple(span for span in redaction.spans if span.speaker == said.speaker)
        own = tuple(c for c in corrections if not c.redact and c.speaker in (None, said.speaker))
        tracks.append(_public(translated, spans, protected, own))
    return PublicTranscript(ENGLISH, tuple(heapq.merge(*tracks, key=lambda word: word.start_s)))


def spoken_in(transcripts: Sequence[Transcript], otherwise: str) -> str:
    """What the track beside the English one is called: the first language that is not English, else `otherwise`."""
    return next((t.language for t in transcripts if t.language not in (ENGLISH, UNKNOWN)), otherwise)


def texts(translations: Sequence[PublicTranscript]) -> tuple[str, ...]:
    """What each speaker is read to say in each of `translations`, to be searched for protected words once more."""
    return tuple(
        " ".join(word.text for word in public.words if word.speaker == speaker)
        for public in translations
        for speaker in dict.fromkeys(word.speaker for word in public.words)
    )


def _timed(segment: Segment) -> Segment:
    """The segment with its time shared among its words by length."""
    chars = [len(word.text) + 1 for word in segment.words]
    a_char_s = max(0.0, segment.end_s - segment.start_s) / max(1, sum(chars))
    ends = [segment.start_s + a_char_s * sum(chars[: at + 1]) for at in range(len(chars))]
    starts = [segment.start_s, *ends]
    words = (
        Word(word.text, start_s, end_s, word.probability)
        for word, start_s, end_s in zip(segment.words, starts, ends, strict=False)
    )
    return replace(segment, words=tuple(words))


def _public(
    translated: Transcript, spans: tuple[Span, ...], protected: tuple[str, ...], left_in: tuple[Correction, ...]
) -> list[PublicWord]:
    hidden = covered([word.text for word in translated.words], protected)
    public: list[PublicWord] = []
    first, latest_s = 0, 0.0
    for segment, near in zip(translated.segments, _near(translated.segments), strict=True):
        last = first + len(segment.words) - 1
        gone = touches(near, spans)
        if not gone and hidden & set(range(first, last + 1)) and not _listened(near, left_in):
            raise GateClosed(
                f"the English translation has a protected word near {clock(segment.start_s)} of a recording, where nothing is "
                "taken out; listen there, and take that stretch out with `stablecast correct --redact`, or leave it in with "
                "--keep if it is another word"
            )
        for index, word in enumerate(segment.words, first):
            latest_s = start_s = max(latest_s, word.start_s or 0.0)
            end_s = max(start_s, word.end_s or 0.0)
            removed = gone or index in hidden
            if removed and public and public[-1].text == REDACTED:
                public[-1] = replace(public[-1], end_s=max(public[-1].end_s, end_s), ends_segment=index == last)
            else:
                text = REDACTED if removed else word.text
                public.append(PublicWord(text, start_s, end_s, translated.speaker, index == last))
        first = last + 1
    return public


def _near(segments: Sequence[Segment]) -> Iterator[Place]:
    """For each segment the time in which it may have been said: with a guard, and with the gaps before and after it.

    Together they leave out no moment.
    """
    ends = itertools.accumulate((segment.end_s for segment in segments), max, initial=0.0)
    starts = [*itertools.accumulate((segment.start_s for segment in reversed(segments)), min, initial=math.inf)]
    for segment, before, after in zip(segments, ends, reversed(starts[:-1]), strict=False):
        yield Place(max(0.0, min(segment.start_s - GUARD_S, before)), max(segment.end_s + GUARD_S, after), timed=False)


def _listened(near: Place, left_in: tuple[Correction, ...]) -> bool:
    return any(correction.start_s <= near.end_s and near.start_s <= correction.end_s for correction in left_in)
