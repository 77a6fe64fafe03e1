"""What people wrote in place of recognised words: keyed to those words, found again in a new transcript, timed by alignment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cached_property
from itertools import accumulate

from stablecast.model import Edit, Transcript, Word
from stablecast.redaction.matching import find
from stablecast.redaction.reading import fold
from stablecast.redaction.spans import Place, places

CONTEXT = 5  # words on each side by which an edit is found again
WINDOW_S = 10.0  # s around where it was in which it is looked for
MOVED_S = 2.0  # s by which another recogniser may place the same words elsewhere
MORE_WORDS = 3  # a new transcript may have between the same neighbours
PAUSE_S = 0.2  # a shorter pause has no room for a word nobody recognised: then it lies in its neighbours


@dataclass(frozen=True, slots=True)
class Edited:
    """One speaker's words as people corrected them."""

    transcript: Transcript
    where: tuple[Place, ...]  # one a word: where it may sound; an edited one anywhere in the stretch that was edited
    marked: tuple[bool, ...]  # one a word: whether a person marked it as to be taken out
    unfit: tuple[Edit, ...]  # edits whose words are not there any more
    changed: bool  # whether there was any edit of this speaker's words


@dataclass(frozen=True, slots=True)
class Written:
    """One word as a person left it in an exported file."""

    text: str
    marked: bool = False


def takes_out(edit: Edit, protected: Sequence[str]) -> bool:
    """Whether what somebody wrote has to go: it is marked, or holds a protected word."""
    return edit.redact or bool(find(edit.text, protected))


@dataclass(frozen=True)
class Recognised:
    """One speaker's recognised words, ready to be asked where something was said. What was asked once is remembered."""

    transcript: Transcript
    _anchors: dict[Edit, tuple[int, int] | None] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        return self.transcript.words

    @cached_property
    def where(self) -> tuple[Place, ...]:
        """One place a word."""
        return places(self.transcript)

    @cached_property
    def bounds(self) -> tuple[int, ...]:
        """The first word of each segment, and one after the last of all."""
        return tuple(accumulate((len(segment.words) for segment in self.transcript.segments), initial=0))

    @cached_property
    def _latest(self) -> list[float]:
        return list(accumulate((place.end_s for place in self.where), max))

    @cached_property
    def _earliest(self) -> list[float]:
        return list(accumulate((place.start_s for place in reversed(self.where)), min))[::-1]

    def near(self, start_s: float, end_s: float) -> range:
        """The words from the first to the last that may sound in a stretch of time."""
        first, stop = bisect_left(self._latest, start_s), bisect_right(self._earliest, end_s)
        inside = [i for i in range(first, stop) if self.where[i].start_s <= end_s and self.where[i].end_s >= start_s]
        return range(inside[0], inside[-1] + 1) if inside else range(0)

    def anchor(self, edit: Edit) -> tuple[int, int] | None:
        """The words (first, one after the last) that an edit now replaces; None where they are not to be found for certain."""
        if edit not in self._anchors:
            self._anchors[edit] = _anchor(edit, self)
        return self._anchors[edit]


@dataclass(frozen=True, slots=True)
class Fit:
    """An edit, and the words (first, one after the last) that it replaces."""

    first: int
    stop: int
    edit: Edit


def fitted(said: Recognised, edits: Iterable[Edit]) -> tuple[tuple[Fit, ...], tuple[Edit, ...]]:
    """The edits of this speaker that fit, in the order of the words, and those that do not.

    Where two claim a word, the earlier one has it.
    """
    fits: list[Fit] = []
    unfit: list[Edit] = []
    taken = _Taken()
    for edit in edits:
        if edit.speaker != said.transcript.speaker:
            continue
        found = said.anchor(edit)
        if found is None or not taken.free(*found):
            unfit.append(edit)
        else:
            taken.take(*found)
            fits.append(Fit(*found, edit))
    return tuple(sorted(fits, key=lambda fit: (fit.first, fit.stop))), tuple(unfit)


class _Taken:
    """Ranges of words that are spoken for, none of which overlap."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def free(self, first: int, stop: int) -> bool:
        at = bisect_left(self._ranges, (first, stop))
        near = self._ranges[max(0, at - 2) : at + 2]  # an empty range may stand beside the one that reaches in
        return not any(first < other_stop and other_first < stop for other_first, other_stop in near)

    def take(self, first: int, stop: int) -> None:
        insort(self._ranges, (first, stop))


def edited(transcript: Transcript, edits: Iterable[Edit]) -> Edited:
    """`transcript` with the edits of its speaker that still fit; where two claim a word, the earlier one has it."""
    said = Recognised(transcript)
    fits, unfit = fitted(said, edits)
    words, where, pending = said.words, said.where, list(fits)
    placed, marked, segments = list[Place](), list[bool](), []
    index, stop = 0, 0
    for number, segment in enumerate(transcript.segments):
        own: list[Word] = []
        stop += len(segment.words)
        while index < stop or (pending and number == len(transcript.segments) - 1):
            if pending and pending[0].first == index:
                fit = pending.pop(0)
                for word, place in timed(said, fit):
                    own.append(word)
                    placed.append(place)
                    marked.append(fit.edit.redact)
                index = fit.stop
            else:
                own.append(words[index])
                placed.append(where[index])
                marked.append(False)
                index += 1
        segments.append(replace(segment, words=tuple(own)))
    return Edited(
        replace(transcript, segments=tuple(segments)), tuple(placed), tuple(marked), unfit, bool(fits or unfit)
    )


def edits_of(transcript: Transcript, written: Sequence[Written]) -> tuple[Edit, ...]:
    """What a person changed: the fewest edits that make `written` of the recognised words, each keyed to the words it replaces."""
    said = Recognised(transcript)
    return tuple(edit_at(said, *piece) for piece in pieces(said, 0, len(said.words), written))


def pieces(
    said: Recognised, first: int, stop: int, written: Sequence[Written]
) -> Iterator[tuple[int, int, Sequence[Written]]]:
    """The fewest words (first, one after the last) to replace, and by what, so that those from `first` to before `stop` read
    as `written`.
    """
    old = [(word.text, False) for word in said.words[first:stop]]
    new = [(word.text, word.marked) for word in written]
    for tag, begin, end, start, until in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if end - begin == until - start:
            yield from (
                (first + begin + i, first + begin + i + 1, written[start + i : start + i + 1])
                for i in range(end - begin)
            )
        else:  # a mark in it takes out all: nobody knows which part of it is meant
            yield first + begin, first + end, written[start:until]


def edit_at(said: Recognised, first: int, stop: int, written: Sequence[Written]) -> Edit:
    """The edit that puts `written` in the place of the words from `first` to before `stop`."""
    words, place = said.words, _stretch(said.where, first, stop)
    return Edit(
        speaker=said.transcript.speaker,
        start_s=place.start_s,
        end_s=place.end_s,
        words=tuple(word.text for word in words[first:stop]),
        before=tuple(word.text for word in words[max(0, first - CONTEXT) : first]),
        after=tuple(word.text for word in words[stop : stop + CONTEXT]),
        text=tuple(word.text for word in written),
        redact=any(word.marked for word in written),
    )


def likeness(transcript: Transcript, written: Sequence[Written]) -> float:
    """From 0 to 1: how much of the recognised words is in `written`."""
    old, new = [fold(word.text) for word in transcript.words], [fold(word.text) for word in written]
    return SequenceMatcher(None, old, new, autojunk=False).ratio() if old or new else 1.0


# --- where it was ------------------------------------------------------------------------------------------------------


def _anchor(edit: Edit, said: Recognised) -> tuple[int, int] | None:
    """The words and their neighbours are aligned with what is recognised now around that time. Either the words are there as
    they were, or their neighbours are and little else lies between.
    """
    words, where = said.words, said.where
    near = said.near(edit.start_s - WINDOW_S, edit.end_s + WINDOW_S)
    if not near:
        return None
    base, count = near.start, len(near)
    old = [fold(text) for text in (*edit.before, *edit.words, *edit.after)]
    new = [fold(words[index].text) for index in range(base, base + count)]
    first, stop = len(edit.before), len(edit.before) + len(edit.words)
    best: tuple[tuple[float, float], int, int] | None = None
    for begin, end in _candidates(old, new, first, stop):
        before = _agreeing(reversed(old[:first]), reversed(new[:begin]))
        after = _agreeing(old[stop:], new[end:])
        same = old[first:stop] == new[begin:end]
        left = before > 0 or (not edit.before and base + begin == 0)
        right = after > 0 or (not edit.after and base + end == len(words))
        if not (left and right) and not (same and edit.words and (left or right)):
            continue
        away_s = abs(_stretch(where, base + begin, base + end).start_s - edit.start_s)
        if away_s > MOVED_S:
            continue
        score = (before + after + (2.0 * len(edit.words) if same else 0.0), -away_s)
        if best is None or score > best[0]:
            best = score, base + begin, base + end
    return None if best is None else best[1:]


def _candidates(old: list[str], new: list[str], first: int, stop: int) -> Iterator[tuple[int, int]]:
    size = stop - first
    for begin in range(len(new) + 1):
        for end in range(begin, min(len(new), begin + size + MORE_WORDS) + 1):
            if new[begin:end] == old[first:stop] or end - begin <= size + MORE_WORDS:
                left = first == 0 or (begin > 0 and new[begin - 1] == old[first - 1])
                right = stop == len(old) or (end < len(new) and new[end] == old[stop])
                if (left and right) or new[begin:end] == old[first:stop]:
                    yield begin, end


def _agreeing(one: Iterable[str], other: Iterable[str]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


# --- when it is said -----------------------------------------------------------------------------------------------------


def _stretch(where: Sequence[Place], first: int, stop: int) -> Place:
    """Where words may sound that take the place of others, or stand between two."""
    if first < stop:
        said = where[first:stop]
        return Place(
            min(place.start_s for place in said),
            max(place.end_s for place in said),
            timed=all(place.timed for place in said),
        )
    before = where[first - 1] if first else Place(0.0, 0.0)
    after = where[first] if first < len(where) else before
    if after.start_s - before.end_s >= PAUSE_S:
        return Place(before.end_s, after.start_s)
    return Place(min(before.start_s, after.start_s), max(before.end_s, after.end_s))


def timed(said: Recognised, fit: Fit) -> Iterator[tuple[Word, Place]]:
    """An edit's words: the times of those they replace one for one, else by their letters' share of the stretch."""
    edit, replaced, where = fit.edit, said.words[fit.first : fit.stop], said.where[fit.first : fit.stop]
    if len(replaced) == len(edit.text):
        for text, word, place in zip(edit.text, replaced, where, strict=True):
            yield replace(word, text=text), place
        return
    stretch = _stretch(said.where, fit.first, fit.stop)
    letters = [max(1, len(text)) for text in edit.text]
    length_s, at = stretch.end_s - stretch.start_s, 0
    for text, size in zip(edit.text, letters, strict=True):
        start_s = stretch.start_s + length_s * at / sum(letters)
        at += size
        yield Word(text, start_s, stretch.start_s + length_s * at / sum(letters), 1.0), stretch
