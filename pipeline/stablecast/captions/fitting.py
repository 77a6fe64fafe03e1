"""The same cues for another shape: what is too long for it becomes two cues or more in the time of the one.

Where a cue is parted depends on its text alone, and so do the times in between: they tell nothing new of when a word was said.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from stablecast.captions.layout import TORN, break_cost, laid_out, pieces
from stablecast.captions.plain import clean
from stablecast.captions.profiles import Profile
from stablecast.model import Alias, Cue

_TENTH_MS = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """A cue as it is seen: its lines, with a label where the shape has one; `cue.text` is what is said."""

    cue: Cue
    lines: tuple[str, ...]
    fits: bool


def fitted(cues: Iterable[Cue], profile: Profile) -> Iterator[Shown]:
    """The cues in the shape of `profile`, in order and in the same times; a cue without text is left out.

    In a labelled shape the alias stands where the speaker changes, and wherever the words themselves look like a label.
    """
    cues = tuple(cues)
    aliases = {clean(cue.speaker) for cue in cues}
    before = ""
    for cue in cues:
        alias, words = clean(cue.speaker), words_of(cue.text, profile)
        if not words:
            continue
        misread = any(" ".join(words).startswith(f"{name}:") for name in aliases)
        label = label_of(alias, profile) if alias != before or misread else ""
        before = alias
        parts = split(words, label, profile)
        if cue.end_ms - cue.start_ms < len(parts):
            parts = (tuple(words),)
        for number, (part, (start_ms, end_ms)) in enumerate(zip(parts, _times(cue, parts, profile), strict=True)):
            shown = _shown(part, label if number == 0 else "")
            laid = laid_out(shown, profile.line_chars, profile.lines)
            lines = laid.lines if laid else (" ".join(shown),)
            fits = laid is not None and all(len(line) <= profile.line_chars for line in lines)
            yield Shown(Cue(start_ms, end_ms, Alias(alias), " ".join(part)), lines, fits)


def words_of(text: str, profile: Profile) -> tuple[str, ...]:
    """The words of a text, clean, and in pieces where one is longer than a line."""
    return tuple(itertools.chain.from_iterable(pieces(word, profile.line_chars) for word in clean(text).split()))


def label_of(alias: str, profile: Profile) -> str:
    """An alias as it stands before the words; one that would fill the line is cut. "" where the shape has no labels."""
    if not profile.labelled or not clean(alias):
        return ""
    name, room = clean(alias), profile.line_chars - 1
    return f"{name}:" if len(name) <= room else f"{name[: room - 1].rstrip()}…:"


def split(words: Sequence[str], label: str, profile: Profile) -> tuple[tuple[str, ...], ...]:
    """The words in as many parts as need be to fit, and to tear no name: halves, at the least disturbing break near the middle."""
    whole = laid_out(_shown(words, label), profile.line_chars, profile.lines)
    if len(words) < 2 or (whole is not None and whole.cost < TORN):
        return (tuple(words),)
    chars = len(" ".join(words))

    def cost(at: int) -> float:
        return break_cost(words[at - 1], words[at]) + 8 * abs(len(" ".join(words[:at])) / chars - 0.5)

    at = min(range(1, len(words)), key=cost)
    parts = (*split(words[:at], label, profile), *split(words[at:], "", profile))
    if whole is not None and _torn(parts, profile) >= whole.cost // TORN:
        return (tuple(words),)
    return parts


def _torn(parts: Sequence[Sequence[str]], profile: Profile) -> float:
    """How many names and phrases are torn, between the parts and inside them."""
    between = sum(break_cost(one[-1], other[0]) == TORN for one, other in itertools.pairwise(parts))
    laid = [laid_out(part, profile.line_chars, profile.lines) for part in parts]
    return between + sum(each.cost // TORN for each in laid if each is not None)


def reading_s(parts: Iterable[Sequence[str]], profile: Profile) -> float:
    """The least time in which the parts can be read one after another, in seconds."""
    return sum(_least_s(part, profile) for part in parts)


def _shown(words: Sequence[str], label: str) -> list[str]:
    return [label, *words] if label else list(words)  # a label is one word, spaces and all: it is not broken


def _least_s(part: Sequence[str], profile: Profile) -> float:
    return max(profile.shortest_s, len(" ".join(part)) / profile.most_cps)


def _times(cue: Cue, parts: Sequence[Sequence[str]], profile: Profile) -> Iterator[tuple[int, int]]:
    """The cue's time shared out: to each what reading it needs, and of the rest a share by its length."""
    whole_ms, chars = cue.end_ms - cue.start_ms, [len(" ".join(part)) for part in parts]
    needs = [1000 * _least_s(part, profile) for part in parts]
    spare = whole_ms - sum(needs)
    if spare < 0:
        needs, spare = [0.0] * len(parts), float(whole_ms)
    shares = [need + spare * count / sum(chars) for need, count in zip(needs, chars, strict=True)]
    start_ms = cue.start_ms
    for number in range(len(parts)):
        if number == len(parts) - 1:
            yield start_ms, cue.end_ms
            return
        wanted = cue.start_ms + sum(shares[: number + 1])
        earliest = max(start_ms + needs[number], start_ms + 1)
        latest = cue.end_ms - max(sum(needs[number + 1 :]), len(parts) - number - 1)
        end_ms = _rounded(wanted, earliest, latest, round(profile.grid_s * 1000))
        yield start_ms, end_ms
        start_ms = end_ms


def _rounded(wanted: float, earliest: float, latest: float, grid_ms: int) -> int:
    """The coarsest time near `wanted` that leaves each part its time: on the grid, else to a tenth, else to a millisecond."""
    for step in (grid_ms, _TENTH_MS):
        at = round(wanted / step) * step
        if earliest <= at <= latest:
            return at
    return round(min(max(wanted, earliest), latest))
