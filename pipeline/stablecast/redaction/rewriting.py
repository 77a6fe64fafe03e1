"""One paragraph as somebody rewrites it: its words as they stand, and the fewest edits that make it what was written.

A paragraph is what was recognised as one segment. It is rewritten by itself, so that two hours are saved in the time of a line.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from stablecast.model import Edit, Word
from stablecast.redaction.editing import Fit, Recognised, Written, edit_at, pieces, timed
from stablecast.redaction.spans import Place


@dataclass(frozen=True, slots=True)
class Unit:
    """A recognised word as it is, or what an edit made of some."""

    first: int  # among the recognised words
    stop: int
    edit: Edit | None
    said: tuple[tuple[Word, Place], ...]  # what is read; nothing where the words were taken away


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One segment as it stands: its units in order, from recognised word `first` to before `stop`."""

    number: int
    first: int
    stop: int
    units: tuple[Unit, ...]

    @property
    def said(self) -> tuple[tuple[Word, Place, Edit | None], ...]:
        """The words that are read."""
        return tuple((word, place, unit.edit) for unit in self.units for word, place in unit.said)


def paragraph(said: Recognised, fits: Sequence[Fit], number: int) -> Paragraph:
    """Segment `number` with the edits that belong to it; `fits` are all of its speaker's, in the order of the words.

    An edit belongs to the segment in which it begins, and takes with it words of the next; one at the very end to the last.
    """
    first, stop = said.bounds[number], said.bounds[number + 1]
    last = number == len(said.bounds) - 2
    at = bisect_left(fits, first, key=lambda fit: fit.first)
    begin = index = max(first, fits[at - 1].stop) if at else first  # where one reaches in from before
    own = list[Unit]()
    while at < len(fits) and (fits[at].first < stop or (last and fits[at].first == stop)):
        fit = fits[at]
        own += (_plain(said, i) for i in range(index, fit.first))
        own.append(Unit(fit.first, fit.stop, fit.edit, tuple(timed(said, fit))))
        index, at = fit.stop, at + 1
    own += (_plain(said, i) for i in range(index, stop))
    return Paragraph(number, begin, max(index, stop), tuple(own))


def _plain(said: Recognised, index: int) -> Unit:
    return Unit(index, index + 1, None, ((said.words[index], said.where[index]),))


@dataclass(frozen=True, slots=True)
class Token:
    """A word that somebody wrote: number `keep` of the paragraph as it was, or a new text; marked to be taken out or not."""

    keep: int | None
    text: str
    marked: bool


def rewritten(
    said: Recognised, was: Paragraph, tokens: Sequence[Token], fixed: Sequence[bool]
) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
    """The edits that a paragraph loses and gets when it is to read as `tokens` say.

    `fixed` tells of each word whether it must be kept as it is: it is taken out already. What nobody changed keeps its edit.
    Raises ValueError where a fixed word is not kept, or a token is of no word.
    """
    said_words = was.said
    if any(token.keep is not None and not 0 <= token.keep < len(said_words) for token in tokens):
        raise ValueError("a token keeps a word that is not in this paragraph")
    kept = _apart(was, list(_kept(was, tokens, fixed)), fixed, len(tokens))
    at, held = 0, set[int]()
    for unit in was.units:
        if any(fixed[at : at + len(unit.said)]) and (unit.first, unit.stop) not in {(u.first, u.stop) for u, _ in kept}:
            held.add(unit.first)
        at += len(unit.said)
    if held:
        raise ValueError("a word that is taken out stays where it is")
    last = was.number == len(said.bounds) - 2
    lost, new = list[Edit](), list[Edit]()
    for gap in _gaps(was, kept, len(tokens)):
        written = [_written(token, said_words) for token in tokens[gap.begin : gap.end]]
        if not written and all(unit.edit is not None and not unit.said for unit in gap.units):
            continue  # what was taken away stays away
        lost += (unit.edit for unit in gap.units if unit.edit is not None)
        found = list(pieces(said, gap.first, gap.stop, written))
        if found and found[-1][:2] == (was.stop, was.stop) and not last:
            # Put at the end, it would stand at the beginning of the next paragraph: it belongs to the word before.
            *found, (_, _, more) = found
            if gap.first < gap.stop:
                found.append((was.stop - 1, was.stop, (Written(said.words[was.stop - 1].text), *more)))
            elif gap.before is not None and not any(_fixed_of(was, gap.before, fixed)):
                lost += (gap.before.edit,) if gap.before.edit else ()
                marked = gap.before.edit is not None and gap.before.edit.redact
                own = [Written(word.text, marked) for word, _ in gap.before.said]
                found.append((gap.before.first, gap.before.stop, (*own, *more)))
            else:
                found.append((was.stop, was.stop, more))
        new += (edit_at(said, *piece) for piece in found)
    return tuple(edit for edit in lost if edit not in new), tuple(edit for edit in new if edit not in lost)


@dataclass(frozen=True, slots=True)
class _Gap:
    """What lies between two units that are kept: recognised words, units, and what was written in their place."""

    before: Unit | None
    first: int
    stop: int
    units: tuple[Unit, ...]
    begin: int  # among the tokens
    end: int


def _kept(was: Paragraph, tokens: Sequence[Token], fixed: Sequence[bool]) -> Iterator[tuple[Unit, int]]:
    """The units of which every word is kept side by side, in order and as it was marked; with where among the tokens."""
    position = {token.keep: index for index, token in enumerate(tokens) if token.keep is not None}
    at, reached = 0, 0
    for unit in was.units:
        count = len(unit.said)
        begin = position.get(at, -1) if count else -1
        run = tokens[begin : begin + count] if begin >= reached else []
        marked = unit.edit is not None and unit.edit.redact
        whole = count > 0 and [token.keep for token in run] == list(range(at, at + count))
        if whole and all(token.marked == marked or fixed[at + i] for i, token in enumerate(run)):
            yield unit, begin
            reached = begin + count
        at += count


def _apart(was: Paragraph, kept: list[tuple[Unit, int]], fixed: Sequence[bool], count: int) -> list[tuple[Unit, int]]:
    """Those kept, but for an insertion beside which something changed: two insertions in one place would have no order."""
    found = list[tuple[Unit, int]]()
    ends = {id(unit): begin + len(unit.said) for unit, begin in kept}
    begins = {begin: unit for unit, begin in kept}
    for unit, begin in kept:
        place = next(index for index, other in enumerate(was.units) if other is unit)
        before = was.units[place - 1] if place else None
        after = was.units[place + 1] if place + 1 < len(was.units) else None
        left = begin == 0 if before is None else ends.get(id(before)) == begin
        right = ends[id(unit)] == count if after is None else begins.get(ends[id(unit)]) is after
        if unit.first < unit.stop or (left and right) or any(_fixed_of(was, unit, fixed)):
            found.append((unit, begin))
    return found


def _gaps(was: Paragraph, kept: Iterable[tuple[Unit, int]], count: int) -> Iterator[_Gap]:
    before: Unit | None = None
    first, begin, at = was.first, 0, 0
    for unit, index in (*kept, (None, count)):
        upto = len(was.units) if unit is None else was.units.index(unit, at)
        between = was.units[at:upto]
        stop = was.stop if unit is None else unit.first
        if between or index > begin:
            yield _Gap(before, first, stop, between, begin, index)
        if unit is not None:
            before, first, begin, at = unit, unit.stop, index + len(unit.said), upto + 1


def _fixed_of(was: Paragraph, unit: Unit, fixed: Sequence[bool]) -> Sequence[bool]:
    at = sum(len(other.said) for other in was.units[: was.units.index(unit)])
    return fixed[at : at + len(unit.said)]


def _written(token: Token, said: Sequence[tuple[Word, Place, Edit | None]]) -> Written:
    return Written(token.text if token.keep is None else said[token.keep][0].text, token.marked)
