"""Captions at phrase level: short enough to read, and too coarse in time to match a voice by its rhythm."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stablecast.captions.fitting import label_of, reading_s, split, words_of
from stablecast.captions.layout import TORN, belong_together, break_cost, ends_sentence, laid_out, pieces
from stablecast.captions.plain import clean
from stablecast.captions.profiles import CaptionParams, Shape, profile
from stablecast.model import Alias, Cue, PublicTranscript, PublicWord


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
    return tuple(cue for cue, _ in said_cues(public, opening_s, duration_s, params))


def said_cues(
    public: PublicTranscript, opening_s: float, duration_s: float, params: CaptionParams
) -> tuple[tuple[Cue, Phrase], ...]:
    """The same cues, each with what is said in it and when: a cue may be shown later than that."""
    spoken = sorted(_phrases(public, params), key=lambda phrase: phrase.start_s)
    if not spoken:
        return ()
    if duration_s <= 0:
        raise ValueError("captions for a file without length")
    times = _scheduled(spoken, opening_s, duration_s, params) or _shared(spoken, duration_s)
    return tuple((Cue(*time, phrase.speaker, phrase.text), phrase) for time, phrase in zip(times, spoken, strict=True))


# --- words into phrases -----------------------------------------------------------------------------------------------


def _phrases(public: PublicTranscript, params: CaptionParams) -> Iterator[Phrase]:
    for speaker in dict.fromkeys(word.speaker for word in public.words):
        said = [piece for word in public.words if word.speaker == speaker for piece in _fitting(word, params)]
        for stretch in _stretches(said, params):
            yield from _cut(stretch, params)


def _fitting(word: PublicWord, params: CaptionParams) -> Iterator[PublicWord]:
    """The word as it may stand in a line: clean, and in pieces where it is longer than one."""
    text, start_s, each_s = clean(word.text), word.start_s, word.end_s - word.start_s
    for part in itertools.chain.from_iterable(pieces(text, params.line_chars) for text in text.split()):
        end_s = min(word.end_s, start_s + each_s * len(part) / len(text))
        yield PublicWord(part, start_s, end_s, word.speaker, word.ends_segment)
        start_s = end_s


def _stretches(words: Sequence[PublicWord], params: CaptionParams) -> Iterator[list[PublicWord]]:
    """One speaker's words between pauses and ends of sentences: no cue reaches across these.

    Who hesitates inside a name needs twice as long a pause to end it.
    """
    stretch: list[PublicWord] = []
    for word in words:
        if stretch:
            longest_s = params.gap_s * (2 if belong_together(stretch[-1].text, word.text) else 1)
        if stretch and word.start_s - stretch[-1].end_s >= longest_s:
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
    texts = [word.text for word in words]
    cost, came = [0.0] + [math.inf] * len(words), [0] * (len(words) + 1)
    for end in range(1, len(words) + 1):
        disturbance = break_cost(texts[end - 1], texts[end] if end < len(texts) else None)
        for start in range(end - 1, -1, -1):
            alone = end - start == 1
            too_long = words[end - 1].end_s - words[start].start_s > params.longest_s - params.grid_s
            laid = laid_out(texts[start:end], params.line_chars, params.lines)
            if not alone and (too_long or laid is None):
                break
            torn = laid.cost if laid is not None and laid.cost >= TORN else 0.0
            scrap = 2.0 if end - start < 3 and len(words) > 3 else 0.0  # a word or two by itself flashes by
            total = cost[start] + 3.0 + disturbance + scrap + torn
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
    needs = [min(longest, max(shortest, steps(_needed_s(phrase, params)))) for phrase in phrases]
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


def _needed_s(phrase: Phrase, params: CaptionParams) -> float:
    """The least time in which a phrase can be read in every shape: in some it becomes two cues, each with a least time."""
    longest_s = len(phrase.text) / params.most_cps
    for shape in (Shape.VERTICAL, Shape.SRT):
        measures = profile(shape, params)
        words = words_of(phrase.text, measures)
        for label in {"", label_of(phrase.speaker, measures)}:
            longest_s = max(longest_s, reading_s(split(words, label, measures), measures))
    return longest_s


def _shared(phrases: Sequence[Phrase], duration_s: float) -> list[tuple[int, int]]:
    """The whole file shared out by length of text."""
    whole_ms, chars = max(math.floor(duration_s * 1000), len(phrases)), [len(phrase.text) for phrase in phrases]
    spare, bounds = whole_ms - len(phrases), [0]
    for at in range(1, len(phrases) + 1):
        bounds.append(at + spare * sum(chars[:at]) // sum(chars))  # at least a millisecond each
    return list(itertools.pairwise(bounds))
