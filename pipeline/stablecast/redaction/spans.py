"""From words to stretches of time: where a word may sound, and what has to go silent for it to be gone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from stablecast.errors import GateClosed
from stablecast.model import Alias, Cause, Correction, Segment, Span, Transcript, Word
from stablecast.redaction.matching import Match
from stablecast.redaction.quiet import Levels, quietest

LONGEST_WORD_S = 3.0  # a longer "word" means the aligner lost its place
OVERLAP_S = 0.25  # words of one speaker that overlap by more, or go back, cannot both be where they are said to be
LONGEST_TANGLE_S = 6.0  # of words that do so: beyond it nobody knows where one of them is
ONE_SAMPLE_S = 1e-6  # a span is never shorter than this


@dataclass(frozen=True, slots=True)
class Place:
    """The stretch of time a word may sound in. Not `timed`: only its neighbours say where that is."""

    start_s: float
    end_s: float
    timed: bool = True


def places(transcript: Transcript) -> tuple[Place, ...]:
    """One place a word, in the order of `transcript.words`.

    A word with no time, with a time of no length, or with one nobody needs to say a word (over 3 s) may sound anywhere between
    its neighbours, so its place is widened to them, or to the ends of its segment. Words that overlap badly or go back in
    time may sound anywhere in what they cover together; where that is over 6 s, none of them counts as timed.
    """
    known = _untangled([believable(word) for word in transcript.words])
    found: list[Place] = []
    for segment in transcript.segments:
        own = known[len(found) : len(found) + len(segment.words)]
        found += [place or _between(segment, own, index) for index, place in enumerate(own)]
    return tuple(found)


def _untangled(known: Sequence[Place | None]) -> list[Place | None]:
    """The places, but for runs of words whose times contradict one another: each of these has the place of the whole run."""
    whole, run, end_s = list(known), list[int](), 0.0
    for index, place in [*enumerate(known), (len(known), Place(math.inf, math.inf))]:
        if place is None:
            continue
        if run and place.start_s >= end_s - OVERLAP_S:
            if len(run) > 1:
                start_s = min(one.start_s for i in run if (one := known[i]))
                hull = Place(start_s, end_s, timed=end_s - start_s <= LONGEST_TANGLE_S)
                for i in run:
                    whole[i] = hull
            run, end_s = [], 0.0
        run.append(index)
        end_s = max(end_s, place.end_s)
    return whole


def _between(segment: Segment, known: Sequence[Place | None], index: int) -> Place:
    """Where a word may sound that has no time of its own."""
    word = segment.words[index]
    before = [place.end_s for place in known[:index] if place]
    after = [place.start_s for place in known[index + 1 :] if place]
    ends = [before[-1] if before else segment.start_s, after[0] if after else segment.end_s]
    ends += [time for time in (word.start_s, word.end_s) if time is not None]
    return Place(max(0.0, min(ends)), max(0.0, *ends), timed=word.start_s is not None)


def believable(word: Word) -> Place | None:
    """Where a word is, if its times can be believed."""
    if word.start_s is None or word.end_s is None or not 0 < word.end_s - word.start_s <= LONGEST_WORD_S:
        return None
    return Place(max(0.0, word.start_s), max(0.0, word.end_s))


def spans_of(
    transcript: Transcript,
    matches: Iterable[Match],
    corrections: Iterable[Correction],
    where: Sequence[Place] | None = None,
) -> tuple[Span, ...]:
    """What has to go from one speaker's track, without guard, not joined; `where` are the words' places, if they are known.

    A match wholly inside a correction that leaves words in is left in. A correction that takes words out always counts.

    Raises GateClosed for a match with a word that has no time, unless a person has taken out all of where it may be: what
    cannot be found in the recording cannot be taken out of it.
    """
    words, where = transcript.words, places(transcript) if where is None else where
    mine = [correction for correction in corrections if correction.speaker in (None, transcript.speaker)]
    out = [correction for correction in mine if correction.redact]
    spans = []
    for correction in out:
        heard = (w.text for w, place in zip(words, where, strict=True) if _mostly_inside(place, correction))
        spans.append(Span(correction.start_s, correction.end_s, transcript.speaker, Cause.PERSON, tuple(heard)))
    for match in matches:
        said = where[match.first : match.last + 1]
        whole = Place(min(place.start_s for place in said), max(place.end_s for place in said))
        if any(inside(whole, correction) for correction in mine if not correction.redact):
            continue
        for place in said:
            if not place.timed and not any(inside(place, correction) for correction in out):
                raise untimed(place)
        heard = (word.text for word in words[match.first : match.last + 1])
        end_s = max(whole.end_s, whole.start_s + ONE_SAMPLE_S)
        spans.append(Span(whole.start_s, end_s, transcript.speaker, Cause.PROTECTED, tuple(heard)))
    return tuple(spans)


def untimed(place: Place) -> GateClosed:
    """What to say where a word has to go that may be anywhere in `place`."""
    return GateClosed(
        f"a word that has to be taken out, near {clock(place.start_s)} of a recording, has no certain time there; "
        f"take out all from {clock(place.start_s)} to {clock(place.end_s)} by hand, or record that sentence again"
    )


def inside(place: Place, correction: Correction) -> bool:
    """Whether a correction covers all of where a word may be."""
    return correction.start_s <= place.start_s and place.end_s <= correction.end_s


def _mostly_inside(place: Place, correction: Correction) -> bool:
    shared_s = min(place.end_s, correction.end_s) - max(place.start_s, correction.start_s)
    return shared_s > 0 and shared_s >= (place.end_s - place.start_s) / 2


def touches(place: Place, spans: Sequence[Span]) -> bool:
    """Whether any of a word may lie in a span."""
    return any(span.start_s <= place.end_s and place.start_s <= span.end_s for span in spans)


def widened(span: Span, guard_s: float) -> Span:
    """The span with `guard_s` more on each side, never before 0: recognisers place words to about a tenth of a second."""
    return replace(span, start_s=max(0.0, span.start_s - guard_s), end_s=span.end_s + guard_s)


def snapped(span: Span, levels: Levels, reach_s: float) -> Span:
    """The span with each edge at the quietest place up to `reach_s` further out: never smaller, and no sound is cut in two."""
    start_s = quietest(levels, span.start_s, max(0.0, span.start_s - reach_s))
    end_s = quietest(levels, span.end_s, span.end_s + reach_s)
    return replace(span, start_s=max(0.0, min(span.start_s, start_s)), end_s=max(span.end_s, end_s))


def in_steps(span: Span, step_s: float) -> Span:
    """The span, longer by as much on both sides as makes its length a multiple of `step_s`."""
    length_s = span.end_s - span.start_s
    more_s = math.ceil(round(length_s / step_s, 6)) * step_s - length_s
    if more_s < ONE_SAMPLE_S:
        return span
    start_s = max(0.0, span.start_s - more_s / 2)
    return replace(span, start_s=start_s, end_s=start_s + length_s + more_s)


def joined(spans: Iterable[Span], speaker: Alias, join_s: float) -> tuple[Span, ...]:
    """The spans as one track's, in order of time, those less than `join_s` apart made one. A person's cause outlasts a rule's."""
    whole: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start_s, span.end_s)):
        if whole and span.start_s - whole[-1].end_s < join_s:
            last = whole[-1]
            cause = Cause.PERSON if Cause.PERSON in (last.cause, span.cause) else last.cause
            whole[-1] = Span(last.start_s, max(last.end_s, span.end_s), speaker, cause, (*last.heard, *span.heard))
        else:
            whole.append(replace(span, speaker=speaker))
    return tuple(whole)


def clock(time_s: float) -> str:
    """A time as a person finds it in a player: 12:34.5."""
    minutes, seconds = divmod(max(0.0, time_s), 60)
    return f"{int(minutes)}:{seconds:04.1f}"
