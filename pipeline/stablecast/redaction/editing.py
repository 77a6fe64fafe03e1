"""What people wrote in place of recognised words: keyed to those words, found again in a new transcript, timed by alignment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

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


def edited(transcript: Transcript, edits: Iterable[Edit]) -> Edited:
    """`transcript` with the edits of its speaker that still fit; where two claim a word, the earlier one has it."""
    words, where = transcript.words, places(transcript)
    fits: list[tuple[int, int, Edit]] = []
    unfit: list[Edit] = []
    for edit in edits:
        if edit.speaker != transcript.speaker:
            continue
        found = _anchor(edit, words, where)
        if found is None or any(found[0] < stop and first < found[1] for first, stop, _ in fits):
            unfit.append(edit)
        else:
            fits.append((*found, edit))
    pending = sorted(fits, key=lambda fit: fit[:2])
    placed, marked, segments = list[Place](), list[bool](), []
    index, stop = 0, 0
    for number, segment in enumerate(transcript.segments):
        own: list[Word] = []
        stop += len(segment.words)
        while index < stop or (pending and number == len(transcript.segments) - 1):
            if pending and pending[0][0] == index:
                first, end, edit = pending.pop(0)
                for word, place in _timed(edit, words[first:end], where[first:end], _stretch(where, first, end)):
                    own.append(word)
                    placed.append(place)
                    marked.append(edit.redact)
                index = end
            else:
                own.append(words[index])
                placed.append(where[index])
                marked.append(False)
                index += 1
        segments.append(replace(segment, words=tuple(own)))
    return Edited(
        replace(transcript, segments=tuple(segments)), tuple(placed), tuple(marked), tuple(unfit), bool(fits or unfit)
    )


def edits_of(transcript: Transcript, written: Sequence[Written]) -> tuple[Edit, ...]:
    """What a person changed: the fewest edits that make `written` of the recognised words, each keyed to the words it replaces."""
    words, where = transcript.words, places(transcript)
    old = [(word.text, False) for word in words]
    new = [(word.text, word.marked) for word in written]
    found = []
    for tag, first, stop, begin, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        pieces = (
            [(first + i, first + i + 1, begin + i, begin + i + 1) for i in range(stop - first)]
            if stop - first == end - begin
            else [(first, stop, begin, end)]  # a mark in it takes out all: nobody knows which part of it is meant
        )
        for a, b, c, d in pieces:
            place = _stretch(where, a, b)
            found.append(
                Edit(
                    speaker=transcript.speaker,
                    start_s=place.start_s,
                    end_s=place.end_s,
                    words=tuple(word.text for word in words[a:b]),
                    before=tuple(word.text for word in words[max(0, a - CONTEXT) : a]),
                    after=tuple(word.text for word in words[b : b + CONTEXT]),
                    text=tuple(word.text for word in written[c:d]),
                    redact=any(word.marked for word in written[c:d]),
                )
            )
    return tuple(found)


def likeness(transcript: Transcript, written: Sequence[Written]) -> float:
    """From 0 to 1: how much of the recognised words is in `written`."""
    old, new = [fold(word.text) for word in transcript.words], [fold(word.text) for word in written]
    return SequenceMatcher(None, old, new, autojunk=False).ratio() if old or new else 1.0


# --- where it was ------------------------------------------------------------------------------------------------------


def _anchor(edit: Edit, words: Sequence[Word], where: Sequence[Place]) -> tuple[int, int] | None:
    """The words (first, one after the last) that an edit now replaces; None where they are not to be found for certain.

    The words and their neighbours are aligned with what is recognised now around that time. Either the words are there as
    they were, or their neighbours are and little else lies between.
    """
    near = [
        index
        for index, place in enumerate(where)
        if place.start_s <= edit.end_s + WINDOW_S and place.end_s >= edit.start_s - WINDOW_S
    ]
    if not near:
        return None
    base, count = near[0], near[-1] + 1 - near[0]
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


def _timed(
    edit: Edit, replaced: Sequence[Word], where: Sequence[Place], stretch: Place
) -> Iterator[tuple[Word, Place]]:
    """An edit's words: the times of those they replace one for one, else by their letters' share of the stretch."""
    if len(replaced) == len(edit.text):
        for text, word, place in zip(edit.text, replaced, where, strict=True):
            yield replace(word, text=text), place
        return
    letters = [max(1, len(text)) for text in edit.text]
    length_s, at = stretch.end_s - stretch.start_s, 0
    for text, size in zip(edit.text, letters, strict=True):
        start_s = stretch.start_s + length_s * at / sum(letters)
        at += size
        yield Word(text, start_s, stretch.start_s + length_s * at / sum(letters), 1.0), stretch
