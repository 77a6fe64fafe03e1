"""Take what may not be heard out of the words and out of the samples, before anything else touches the voice."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stablecast.errors import UsageRefused
from stablecast.model import (
    Alias,
    Block,
    Cause,
    Correction,
    Edit,
    PublicTranscript,
    PublicWord,
    RedactedAudio,
    Redaction,
    SourceAudio,
    Span,
    Transcript,
)
from stablecast.redaction.editing import Edited, edited, takes_out
from stablecast.redaction.matching import find
from stablecast.redaction.public import Said, public_words
from stablecast.redaction.quiet import Levels, together
from stablecast.redaction.spans import (
    ONE_SAMPLE_S,
    in_steps,
    inside,
    joined,
    snapped,
    spans_of,
    touches,
    untimed,
    widened,
)
from stablecast.stages.transcribe import UNKNOWN

VERSION = 2

STEP_S = 0.5  # lengths of a removal that others speak over are multiples of this: no more can be hidden there
FADE_S = 0.01  # the speech around a span fades outside it, so the edge does not click and nothing inside is heard


@dataclass(frozen=True, slots=True)
class RedactParams:
    """How much goes with a word that must go."""

    guard_s: float = 0.2  # taken out on each side: recognisers place words to about a tenth of a second
    snap_s: float = (
        0.15  # each edge then moves outwards to the quietest place within this, so that no sound is cut in two
    )
    join_s: float = 0.2  # a rest shorter than this between two spans goes too: it would be a scrap of a word
    all_tracks: bool = True  # one speaker's name is also in the other's microphone, quieter and still a name

    def __post_init__(self) -> None:
        for name in ("guard_s", "snap_s", "join_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is a length of time")


def redact(
    transcripts: tuple[Transcript, ...],
    protected: tuple[str, ...],
    corrections: tuple[Correction, ...],
    params: RedactParams,
    *,
    edits: tuple[Edit, ...] = (),
    levels: tuple[Levels, ...] = (),
) -> Redaction:
    """Find the `protected` words and what people marked; leave public text without a trace of them.

    `edits` are what people wrote in place of recognised words: protected words are looked for in both, and what is read is
    theirs. One that fits no more is told of; if it takes something out, all of where it was goes.

    `levels` are those of the recordings, one for each of `transcripts`; without them the edges of spans stay where they are.

    Every word that touches a span leaves the text, and a run of such words becomes one `REDACTED`: a caption never shows a
    word of which half is heard. Where a correction takes out and another leaves in, out wins.

    Raises GateClosed where a protected word has no time (see `spans_of`), UsageRefused for a correction of nobody's words
    or a protected word without a letter.
    """
    speakers = [transcript.speaker for transcript in transcripts]
    if len(set(speakers)) != len(speakers):
        raise ValueError("one transcript a speaker")
    if any(correction.speaker not in (None, *speakers) for correction in corrections):
        raise UsageRefused(
            "a correction names a speaker this episode does not have; name one it has, or leave the speaker out"
        )
    if levels and len(levels) != len(transcripts):
        raise ValueError("the levels of every recording, or of none")
    heard = dict(zip(speakers, levels, strict=True)) if levels else {}
    if params.all_tracks and levels:
        heard = dict.fromkeys(speakers, together(levels))  # one edge for all: quiet in every microphone
    corrected = [edited(transcript, edits) for transcript in transcripts]
    guarded = {
        transcript.speaker: [
            _with_guard(span, params, heard.get(transcript.speaker))
            for span in (
                *spans_of(transcript, find([w.text for w in transcript.words], protected), corrections),
                *(_spans_of_edits(made, protected, corrections) if made.changed else ()),
            )
        ]
        for transcript, made in zip(transcripts, corrected, strict=True)
    }
    everyone = [span for spans in guarded.values() for span in spans]
    alone = params.all_tracks or len(transcripts) == 1
    tracks = {
        speaker: (
            joined(everyone if params.all_tracks else own, speaker, params.join_s)
            if alone
            else _stepped(own, speaker, params.join_s)
        )
        for speaker, own in guarded.items()
    }
    texts = [_public(made, tracks[made.transcript.speaker]) for made in corrected]
    language = next((t.language for t in transcripts if t.language != UNKNOWN), UNKNOWN)
    words = tuple(heapq.merge(*texts, key=lambda word: word.start_s))
    spans = sorted(span for track in tracks.values() for span in track)
    unfit = tuple(edit for made in corrected for edit in made.unfit)
    return Redaction(tuple(spans), PublicTranscript(language, words), unfit)


def _with_guard(span: Span, params: RedactParams, levels: Levels | None) -> Span:
    guarded = widened(span, params.guard_s)
    return snapped(guarded, levels, params.snap_s) if levels else guarded


def _stepped(spans: Sequence[Span], speaker: Alias, join_s: float) -> tuple[Span, ...]:
    """Joined spans whose lengths are multiples of `STEP_S`: others may speak over them, so what replaces them lasts as long."""
    whole = joined(spans, speaker, join_s)
    for _ in range(len(whole) + 1):  # longer spans may meet; each time they do there is one fewer
        whole = joined((in_steps(span, STEP_S) for span in whole), speaker, join_s)
    return whole


def _spans_of_edits(made: Edited, protected: tuple[str, ...], corrections: tuple[Correction, ...]) -> Iterator[Span]:
    """What has to go because of what people wrote, where anybody did."""
    said = made.transcript
    yield from spans_of(said, find([word.text for word in said.words], protected), corrections, made.where)
    for word, place, marked in zip(said.words, made.where, made.marked, strict=True):
        if not marked:
            continue
        covered = (c for c in corrections if c.redact and c.speaker in (None, said.speaker))
        if not place.timed and not any(inside(place, correction) for correction in covered):
            raise untimed(place)
        end_s = max(place.end_s, place.start_s + ONE_SAMPLE_S)
        yield Span(place.start_s, end_s, said.speaker, Cause.PERSON, (word.text,))
    for edit in made.unfit:
        if takes_out(edit, protected):
            end_s = max(edit.end_s, edit.start_s + ONE_SAMPLE_S)
            yield Span(edit.start_s, end_s, said.speaker, Cause.PERSON, (*edit.words, *edit.text))


def _public(made: Edited, spans: tuple[Span, ...]) -> list[PublicWord]:
    """One speaker's words outside `spans`."""
    words = made.transcript
    ends = (index == len(s.words) - 1 for s in words.segments for index in range(len(s.words)))
    said = (
        Said(word, place, touches(place, spans), last)
        for word, place, last in zip(words.words, made.where, ends, strict=True)
    )
    return public_words(words.speaker, said)


def silence(audio: SourceAudio, redaction: Redaction) -> RedactedAudio:
    """The recording with zeros in this speaker's spans, computed block by block as somebody reads.

    The speech before a span fades out in the last 10 ms before it, and comes back in the first 10 ms after it.
    """
    spans = tuple(span for span in redaction.spans if span.speaker == audio.speaker)
    rate_hz = audio.waveform.rate_hz
    cuts = [(math.floor(span.start_s * rate_hz), math.ceil(span.end_s * rate_hz)) for span in spans]

    def process(blocks: Iterator[Block]) -> Iterator[Block]:
        start = 0
        for block in blocks:
            yield _without(block, start, cuts, math.ceil(FADE_S * rate_hz))
            start += len(block)

    return RedactedAudio(audio.speaker, audio.waveform.through(process), spans)


def _without(block: Block, start: int, cuts: list[tuple[int, int]], fade: int) -> Block:
    """`block`, whose first sample is number `start` of the track, without the samples of `cuts`."""
    near = [
        (first - start, stop - start)
        for first, stop in cuts
        if first - fade < start + len(block) and start < stop + fade
    ]
    if not near:
        return block
    out, at = block.copy(), np.arange(len(block))
    for first, stop in near:
        out[max(0, first) : max(0, stop)] = 0  # before anything is multiplied: zero times infinity is not zero
    for first, stop in near:
        edge = slice(max(0, first - fade), max(0, stop + fade))
        distance = np.maximum(first - at[edge], at[edge] - stop + 1)  # samples to the span: 1 right beside it
        out[edge] *= (0.5 - 0.5 * np.cos(np.pi * np.clip(distance / (fade + 1), 0, 1))).astype(np.float32)
    out.setflags(write=False)
    return out
