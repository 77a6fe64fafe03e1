"""Captions at phrase level: short enough to read, and too coarse in time to match a voice by its rhythm."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stablecast.captions.layout import break_cost, ends_sentence, lines_of
from stablecast.model import Alias, Cue, PublicTranscript, PublicWord


@dataclass(frozen=True, slots=True)
class CaptionParams:
    """How captions are cut and timed."""

    line_chars: int = 37  # characters in a line (BBC)
    lines: int = 2  # lines in a cue
    shortest_s: float = 1.0  # seconds a cue stays at least
    longest_s: float = 7.0  # seconds a cue stays at most (Netflix)
    most_cps: float = 20.0  # characters a second nobody should have to exceed (Netflix, adults)
    aim_cps: float = 15.0  # characters a second to aim for where there is time (BBC, 160–180 words a minute)
    gap_s: float = 1.0  # a gap shorter than this is closed, so that captions do not flicker (BBC)
    grid_s: float = 0.5  # all times are multiples of this: word times would publish the rhythm of the raw voice

    def __post_init__(self) -> None:
        if not 0 < self.grid_s <= self.shortest_s <= self.longest_s:
            raise ValueError("grid_s ≤ shortest_s ≤ longest_s, all above 0")
        if self.line_chars * self.lines > self.most_cps * self.longest_s:
            raise ValueError("a full cue could not be read in longest_s at most_cps")
        if self.line_chars < 8 or self.lines < 1 or not 0 < self.aim_cps <= self.most_cps:
            raise ValueError("a cue needs at least a line of 8 characters, and an aim no faster than its limit")


@dataclass(frozen=True, slots=True)
class Phrase:
    """What one speaker says in one cue, when it is really said."""

    start_s: float
    end_s: float
    speaker: Alias
    text: str


def cues_of(public: PublicTranscript, opening_s: float, duration_s: float, params: CaptionParams) -> tuple[Cue, ...]:
    """The words as cues of a file in which the speech starts at `opening_s` and which lasts `duration_s`.

    Sorted, never overlapping, inside the file; no word lost; one speaker a cue. Wherever the file is long enough for all its
    words at `most_cps`, every cue keeps to `most_cps`, `shortest_s`, `longest_s` and the grid; otherwise (a file of seconds)
    the cues share its time by length.
    """
    spoken = sorted(_phrases(public, params), key=lambda phrase: phrase.start_s)
    if not spoken:
        return ()
    if duration_s <= 0:
        raise ValueError("captions for a file without length")
    times = _scheduled(spoken, opening_s, duration_s, params) or _shared(spoken, duration_s)
    return tuple(Cue(*time, phrase.speaker, phrase.text) for time, phrase in zip(times, spoken, strict=True))


# --- words into phrases -----------------------------------------------------------------------------------------------


def _phrases(public: PublicTranscript, params: CaptionParams) -> Iterator[Phrase]:
    for speaker in dict.fromkeys(word.speaker for word in public.words):
        said = [word for word in public.words if word.speaker == speaker and word.text.strip()]
        for stretch in _stretches(said, params):
            yield from _cut(stretch, params)


def _stretches(words: Sequence[PublicWord], params: CaptionParams) -> Iterator[list[PublicWord]]:
    """One speaker's words between pauses and ends of sentences: no cue reaches across these."""
    stretch: list[PublicWord] = []
    for word in words:
        if stretch and word.start_s - stretch[-1].end_s >= params.gap_s:
            yield stretch
            stretch = []
        stretch.append(word)
        if word.ends_segment and ends_sentence(word.text):
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _cut(words: Sequence[PublicWord], params: CaptionParams) -> Iterator[Phrase]:
    """The stretch in as few cues as disturb a reader least: the cheapest path from its first word to its last."""
    texts = [" ".join(word.text.split()) for word in words]
    cost, came = [0.0] + [math.inf] * len(words), [0] * (len(words) + 1)
    for end in range(1, len(words) + 1):
        disturbance = break_cost(texts[end - 1], texts[end] if end < len(texts) else None)
        for start in range(end - 1, -1, -1):
            alone = end - start == 1
            too_long = words[end - 1].end_s - words[start].start_s > params.longest_s - params.grid_s
            if not alone and (too_long or lines_of(texts[start:end], params.line_chars, params.lines) is None):
                break
            scrap = 2.0 if end - start < 3 and len(words) > 3 else 0.0  # a word or two by itself flashes by
            total = cost[start] + 3.0 + disturbance + scrap
            if total < cost[end]:
                cost[end], came[end] = total, start
    ends, end = [], len(words)
    while end:
        ends.append(end)
        end = came[end]
    start = 0
    for end in reversed(ends):
        yield Phrase(words[start].start_s, words[end - 1].end_s, words[start].speaker, " ".join(texts[start:end]))
        start = end


# --- phrases into times -----------------------------------------------------------------------------------------------


def _scheduled(
    phrases: Sequence[Phrase], opening_s: float, duration_s: float, params: CaptionParams
) -> list[tuple[int, int]] | None:
    """Start and end of each phrase in ms, on the grid; None where the file has no room for what reading needs."""
    grid_ms = round(params.grid_s * 1000)

    def steps(time_s: float) -> int:
        return math.ceil(round(time_s / params.grid_s, 6))

    longest, limit = math.floor(params.longest_s / params.grid_s), math.floor(duration_s / params.grid_s)
    shortest = steps(params.shortest_s)
    needs = [min(longest, max(shortest, steps(len(phrase.text) / params.most_cps))) for phrase in phrases]
    if sum(needs) > limit:
        return None
    # Forwards: no phrase before its time or before the last one was read. Backwards: nothing after the end of the file.
    starts, free = [], 0
    for phrase, need in zip(phrases, needs, strict=True):
        starts.append(max(free, round((opening_s + phrase.start_s) / params.grid_s)))
        free = starts[-1] + need
    latest = limit
    for at in range(len(starts) - 1, -1, -1):
        starts[at] = latest = min(starts[at], latest - needs[at])
    times = []
    for at, (phrase, start, need) in enumerate(zip(phrases, starts, needs, strict=True)):
        following = starts[at + 1] if at + 1 < len(starts) else limit
        wanted = max(need, steps(opening_s + phrase.end_s) - start, steps(len(phrase.text) / params.aim_cps))
        end = min(start + wanted, following)
        if following < limit and following - end < steps(params.gap_s):
            end = following
        end = max(start + need, min(end, start + longest))
        times.append((start * grid_ms, end * grid_ms))
    return times


def _shared(phrases: Sequence[Phrase], duration_s: float) -> list[tuple[int, int]]:
    """The whole file shared out by length of text."""
    whole_ms, chars = max(math.floor(duration_s * 1000), len(phrases)), [len(phrase.text) for phrase in phrases]
    spare, bounds = whole_ms - len(phrases), [0]
    for at in range(1, len(phrases) + 1):
        bounds.append(at + spare * sum(chars[:at]) // sum(chars))  # at least a millisecond each
    return list(itertools.pairwise(bounds))
