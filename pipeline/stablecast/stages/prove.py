"""The finished file against everything promised about it: loudness, tags, no word that was taken out, no voice found again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from stablecast.findings import Finding, Severity
from stablecast.model import (
    REDACTED,
    Alias,
    Block,
    Cause,
    Correction,
    Loudness,
    PublicTranscript,
    Redaction,
    Span,
    Timeline,
    Transcript,
    Waveform,
)
from stablecast.redaction.matching import everyday, find
from stablecast.redaction.reading import as_written, fold, in_digits
from stablecast.redaction.remains import remains
from stablecast.redaction.spans import Place, clock, places
from stablecast.stages.approve import UNPUBLISHABLE
from stablecast.stages.assemble import resampled
from stablecast.stages.attack import Attacked
from stablecast.stages.master import MasterParams
from stablecast.stages.transcribe import RATE_HZ, Heard, Recogniser, moved

VERSION = 7

_SAME_LENGTH_S = 0.001  # the two have different sample rates
_COMPARED_HZ = 8000

_ANOTHER = "make a new draw with `stablecast voices redraw`, or choose another character or method"


@dataclass(frozen=True, slots=True)
class ProveParams:
    """How near the finished file has to come to what was promised."""

    tolerance_lu: float = 0.2  # LU the finished file may be off the target
    near_s: float = 1.0  # s around a place in which a word counts as heard there
    shortest_word: int = 4  # letters; shorter words of a marked stretch say nothing when they are heard near it
    least_heard: float = 0.5  # share of the public words a second recognition must find, or it proves nothing
    around_s: float = 2.0  # s on both sides of each removal that are recognised once more, by themselves
    edge_s: float = 0.8  # s from a removal within which a scrap of a removed word is looked for
    least_agreement: float = 0.8  # correlation of the small file's samples with those of the large one

    def __post_init__(self) -> None:
        if not 0.5 <= self.edge_s <= self.around_s <= 10:
            raise ValueError(
                "edge_s is from 0.5, and around_s from edge_s to 10: this gate can be made stricter, not laxer"
            )
        if not 0.8 <= self.least_agreement <= 1:
            raise ValueError("least_agreement is from 0.8 to 1: this gate can be made stricter, not laxer")


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: kept or not, by which figure against which limit, in a sentence that never holds a word of the recording."""

    name: str
    passed: bool
    sentence: str
    figure: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """All checks of one finished file."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


@dataclass(frozen=True, slots=True)
class HeardAgain:
    """What was heard in a block of the finished file, and around the removals in it."""

    block: Heard
    around: tuple[Transcript, ...]


@dataclass(frozen=True, slots=True)
class Small:
    """What was measured of the small file. It is not recognised or attacked again: it has to be the sound that was."""

    loudness: Loudness
    duration_s: float
    expected_s: float  # how long the large file is
    found: frozenset[str]  # what it carries beside its sound: nothing is allowed
    agreement: float  # see `agreement`


def prove(
    loudness: Loudness,
    *,
    target: MasterParams,
    found: frozenset[str],
    allowed: frozenset[str],
    heard: Transcript,
    redaction: Redaction,
    protected: tuple[str, ...],
    timeline: Timeline,
    attacks: tuple[Attacked, ...],
    params: ProveParams,
    around: tuple[Transcript, ...] = (),
    left_in: tuple[Correction, ...] = (),
    texts: tuple[str, ...] = (),
    translated: tuple[str, ...] = (),
    captions: tuple[Finding, ...] = (),
    small: Small | None = None,
) -> Proof:
    """Check a finished file. Nothing is raised: each broken promise is a failed check.

    `loudness` is measured on the decoded file; `found` is the tags it carries and `allowed` the set they must equal; `heard` is
    the file recognised again, times counting from the file's start; `around` is what `listen_around` heard; the recording is
    heard as `timeline` says; `attacks` holds one on each track's new voice. `texts` are other public texts of the episode, such
    as its title, and `translated` what is read in another language; `captions` is what the lint of its captions found; `small`
    is the small file, where there is one. A protected word that a person left in (`left_in`) is no fault there.
    """
    return Proof(
        (
            _loud(loudness, target, params),
            _peak(loudness, target),
            _tags(found, allowed),
            _intelligible(heard, redaction.public, params),
            _protected((heard,), redaction.public, protected, left_in, timeline, params),
            _marked((heard,), redaction, timeline, params),
            _around(around, redaction, protected, left_in, timeline, params),
            _voice(attacks),
            _residue(attacks),
            _cut(attacks),
            _texts(texts, translated, redaction, protected, params),
            _fitting(redaction),
            _captions(captions),
            *(() if small is None else _small(small, target, params)),
        )
    )


def _loud(loudness: Loudness, target: MasterParams, params: ProveParams) -> Check:
    level = loudness.dual_mono if target.dual_mono else loudness.mono
    passed = abs(level - target.target_lufs) <= params.tolerance_lu
    sentence = (
        f"the finished file is at {level:.2f} LUFS; the target is {target.target_lufs:g} ± {params.tolerance_lu:g}"
    )
    return Check("loudness", passed, _told(sentence, passed, "report this"), _figure(level), target.target_lufs)


def _peak(loudness: Loudness, target: MasterParams) -> Check:
    passed = loudness.true_peak <= target.true_peak_dbtp
    sentence = f"its true peak is {loudness.true_peak:.2f} dBTP; the ceiling is {target.true_peak_dbtp:g}"
    advice = "raise headroom_db in [master]"
    return Check(
        "true-peak", passed, _told(sentence, passed, advice), _figure(loudness.true_peak), target.true_peak_dbtp
    )


def _tags(found: frozenset[str], allowed: frozenset[str]) -> Check:
    extra, missing = len(found - allowed), len(allowed - found)
    sentence = f"it carries {extra} tags that are not on the list, and {missing} of the list are missing"
    return Check(
        "metadata",
        not extra and not missing,
        _told(sentence, not extra and not missing, "report this"),
        extra + missing,
        0,
    )


def _small(small: Small, target: MasterParams, params: ProveParams) -> Iterator[Check]:
    """The small file by measure alone: as loud, as long, clean, and sample for sample the sound that was recognised."""
    for check in (
        _loud(small.loudness, target, params),
        _peak(small.loudness, target),
        _tags(small.found, frozenset()),
    ):
        yield replace(check, name=f"small-{check.name}", sentence=f"The small file: {check.sentence}")
    off_s = abs(small.duration_s - small.expected_s)
    yield _small_check(
        "duration",
        f"it is {off_s:.3f} s longer or shorter than the large one",
        off_s,
        _SAME_LENGTH_S,
        off_s <= _SAME_LENGTH_S,
    )
    yield _small_check(
        "sound",
        f"its samples agree with those of the large one by {small.agreement:.2f}",
        small.agreement,
        params.least_agreement,
        small.agreement >= params.least_agreement,
    )


def _small_check(name: str, sentence: str, figure: float, limit: float, passed: bool) -> Check:
    return Check(f"small-{name}", passed, f"The small file: {_told(sentence, passed, 'report this')}", figure, limit)


def agreement(one: Waveform, other: Waveform) -> float:
    """The correlation of two sounds, sample by sample at 8 kHz: near 1 for one sound in two encodings, near 0 for two voices.

    What is longer in one of them is left out of account. Two silences agree.
    """
    products = np.zeros(3)
    for a, b in _together(resampled(one, _COMPARED_HZ), resampled(other, _COMPARED_HZ)):
        products += [float(a @ b), float(a @ a), float(b @ b)]
    both, first, second = products
    if first == 0 or second == 0:
        return float(first == second)
    return float(both / math.sqrt(first * second))


def _together(one: Waveform, other: Waveform) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Samples of both that are heard at the same time, for as long as both last."""
    blocks = (one.blocks(), other.blocks())
    rests = [np.zeros(0), np.zeros(0)]
    while True:
        for index, more in enumerate(blocks):
            while not len(rests[index]):
                block = next(more, None)
                if block is None:
                    return
                rests[index] = block.astype(np.float64)
        length = min(map(len, rests))
        yield rests[0][:length], rests[1][:length]
        rests = [rest[length:] for rest in rests]


def _intelligible(heard: Transcript, public: PublicTranscript, params: ProveParams) -> Check:
    """A recogniser that hears nothing finds no name either, so silence must not pass for safety."""
    said = sum(word.text != REDACTED for word in public.words)
    share = len(heard.words) / said if said else 1.0
    sentence = f"a second recognition heard {share:.0%} as many words as were left in"
    passed = share >= params.least_heard
    return Check(
        "intelligible", passed, _told(sentence, passed, "choose another character or method"), share, params.least_heard
    )


def _protected(
    heard: Sequence[Transcript],
    public: PublicTranscript,
    protected: tuple[str, ...],
    left_in: tuple[Correction, ...],
    timeline: Timeline,
    params: ProveParams,
) -> Check:
    """Protected words anywhere in the file, but for the places where a person left them in."""
    return _heard_again(
        "protected-words", "a protected word", _named(heard, public, protected, left_in, timeline, params), timeline
    )


def _named(
    heard: Sequence[Transcript],
    public: PublicTranscript,
    protected: tuple[str, ...],
    left_in: tuple[Correction, ...],
    timeline: Timeline,
    params: ProveParams,
) -> list[Place]:
    excused = [
        _near(correction.start_s, correction.end_s, timeline, params.near_s)
        for correction in left_in
        if not correction.redact
    ]
    for speaker in {word.speaker for word in public.words}:
        # what is still protected in the public words is there because somebody left it in: `redact` takes out the rest
        words = [word for word in public.words if word.speaker == speaker]
        for match in find([word.text for word in words], protected):
            excused.append(_near(words[match.first].start_s, words[match.last].end_s, timeline, params.near_s))
    said = (place for transcript in heard for place in _said(transcript, protected))
    return [place for place in said if not any(_meet(place, other) for other in excused)]


def _marked(heard: Sequence[Transcript], redaction: Redaction, timeline: Timeline, params: ProveParams) -> Check:
    """Words a person marked, near where they were: elsewhere the same word may be harmless."""
    return _heard_again(
        "marked-words", "a word that a person marked", _said_near(heard, redaction, timeline, params), timeline
    )


def _said_near(
    heard: Sequence[Transcript], redaction: Redaction, timeline: Timeline, params: ProveParams
) -> Iterator[Place]:
    for span in redaction.spans:
        telling = _telling(span, params)
        near = _near(span.start_s, span.end_s, timeline, params.near_s)
        for transcript in heard:
            yield from (place for place in _said(transcript, telling) if _meet(place, near))


def _telling(span: Span, params: ProveParams) -> tuple[str, ...]:
    """The words of a stretch that a person marked which are not everyday ones."""
    if span.cause is not Cause.PERSON:
        return ()
    return tuple(text for text in span.heard if not everyday(text) and _letters(text) >= params.shortest_word)


# --- around each removal ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Removal:
    """Where in the finished file something was taken out, and why."""

    place: Place
    spans: tuple[Span, ...]


def surroundings(redaction: Redaction, timeline: Timeline, params: ProveParams) -> tuple[Place, ...]:
    """The stretches of the finished file, in order, that are to be recognised by themselves: one around each removal."""
    return tuple(_wider(removal.place, params.around_s) for removal in _removals(redaction, timeline))


def within(surrounding: Sequence[Place], block: int, of: int, *, window_s: float) -> tuple[Place, ...]:
    """Those of the stretches that belong to a block: each to one, by where it begins."""
    return tuple(place for place in surrounding if min(int(place.start_s / window_s) + 1, of) == block)


def _removals(redaction: Redaction, timeline: Timeline) -> list[_Removal]:
    found: list[_Removal] = []
    for span in sorted(redaction.spans):
        start_s, end_s = timeline.heard_s(span.start_s), timeline.heard_s(span.end_s)
        if found and start_s <= found[-1].place.end_s:
            last = found[-1]
            place = Place(last.place.start_s, max(last.place.end_s, end_s))
            found[-1] = _Removal(place, (*last.spans, span))
        else:
            found.append(_Removal(Place(start_s, end_s), (span,)))
    return found


def listen_around(
    finished: Waveform, surrounding: Sequence[Place], *, language: str, recogniser: Recogniser
) -> tuple[Transcript, ...]:
    """Each of the stretches (see `surroundings`) recognised by itself, with times in the finished file.

    `recogniser` has to listen to all of it: voice activity detection would skip the very scrap of a word that is looked for.
    The file is read once; one stretch at a time is in memory.
    """
    heard = []
    for place, samples in _excerpts(resampled(finished, RATE_HZ), surrounding):
        found = recogniser.recognise(samples, language=language)
        segments = tuple(moved(segment, place.start_s) for segment in found.segments)
        heard.append(Transcript(Alias("published"), found.language or language, segments))
    return tuple(heard)


def _excerpts(waveform: Waveform, stretches: Sequence[Place]) -> Iterator[tuple[Place, Block]]:
    """The samples of stretches that are in order and may overlap."""
    at, rest, blocks = 0, np.zeros(0, np.float32), waveform.blocks()
    for stretch in stretches:
        first, stop = round(stretch.start_s * waveform.rate_hz), round(stretch.end_s * waveform.rate_hz)
        while at + len(rest) < stop and (block := next(blocks, None)) is not None:
            rest = np.concatenate([rest, block])
            passed = min(max(0, first - at), len(rest))
            at, rest = at + passed, rest[passed:]
        yield stretch, rest[max(0, first - at) : stop - at]


def _around(
    around: tuple[Transcript, ...],
    redaction: Redaction,
    protected: tuple[str, ...],
    left_in: tuple[Correction, ...],
    timeline: Timeline,
    params: ProveParams,
) -> Check:
    """Beside each removal, by sound: what was removed, a protected word, or a scrap of either."""
    removals = _removals(redaction, timeline)
    if len(around) != len(removals):
        sentence = f"{len(removals)} places where words were taken out had to be heard again, and {len(around)} were"
        return Check("around", False, _told(sentence, False, "report this"), len(around), len(removals))
    again = [
        *_named(around, redaction.public, protected, left_in, timeline, params),
        *_said_near(around, redaction, timeline, params),
        *(place for said, removal in zip(around, removals, strict=True) for place in _scraps(
            said, removal, redaction.public, protected, timeline, params
        )),
    ]  # fmt: skip
    return _heard_again("around", "something of what was taken out", again, timeline)


def _scraps(
    heard: Transcript,
    removal: _Removal,
    public: PublicTranscript,
    protected: tuple[str, ...],
    timeline: Timeline,
    params: ProveParams,
) -> Iterator[Place]:
    edge, near = _wider(removal.place, params.edge_s), _wider(removal.place, params.around_s + params.near_s)
    beside = [(word.text, place) for word, place in zip(heard.words, places(heard), strict=True) if _meet(place, edge)]
    kept = [
        word.text
        for word in public.words
        if word.text != REDACTED and _meet(_near(word.start_s, word.end_s, timeline, 0), near)
    ]
    removed = [text for span in removal.spans for text in span.heard]
    meant = [protected[match.protected] for match in find(removed, protected)]
    for first, last in remains([text for text, _ in beside], (*removed, *_parts(meant)), kept):
        yield Place(beside[first][1].start_s, beside[last][1].end_s)


def _parts(phrases: Iterable[str]) -> list[str]:
    return [part for phrase in phrases for part in phrase.split()]


def _near(start_s: float, end_s: float, timeline: Timeline, by_s: float) -> Place:
    """Where in the finished file a stretch of the recording is heard, and so much around it."""
    return _wider(Place(timeline.heard_s(start_s), timeline.heard_s(end_s)), by_s)


def _wider(place: Place, by_s: float) -> Place:
    return replace(place, start_s=max(0.0, place.start_s - by_s), end_s=place.end_s + by_s)


def _voice(attacks: Sequence[Attacked]) -> Check:
    reasons = [UNPUBLISHABLE[attacked.method] for attacked in attacks if attacked.method in UNPUBLISHABLE]
    if reasons:
        return Check("voice", False, _told(reasons[0], False, "choose another method"))
    rank, among = min(((a.rank, a.cohort + 1) for a in attacks if a.rank), default=(0, 0))
    known = _tracks(attacks, [attacked.recognised for attacked in attacks])
    if known:
        sentence = f"the voice{known} can still be recognised: an attack finds it the likest of {among}"
    else:
        sentence = f"an attack ranks the voice {rank} of {among} by likeness" if rank else "there is no voice to attack"
    return Check("voice", not known, _told(sentence, not known, _ANOTHER), rank, 1)


def _residue(attacks: Sequence[Attacked]) -> Check:
    left = _tracks(attacks, [attacked.left for attacked in attacks])
    blind = _tracks(attacks, [not attacked.shown for attacked in attacks])
    if left:
        sentence = f"something of the original recording can be found under the new voice{left}"
    elif blind:
        sentence = f"a search for the original under the new voice{blind} missed what was put there to try it, so proves nothing"
    else:
        sentence = "nothing of the original recording was found under the new voice"
    return Check("residue", not left and not blind, _told(sentence, not left and not blind, _ANOTHER))


def _cut(attacks: Sequence[Attacked]) -> Check:
    uncut = _tracks(attacks, [attacked.uncut for attacked in attacks])
    sentence = (
        f"something sounds where words were taken out{uncut}"
        if uncut
        else "there is silence where words were taken out"
    )
    return Check("taken-out", not uncut, _told(sentence, not uncut, "report this"))


def _tracks(attacks: Sequence[Attacked], which: Sequence[bool]) -> str:
    """Where, in words; "" for nowhere."""
    numbers = [str(number) for number, hit in enumerate(which, 1) if hit]
    return f" of track {' and '.join(numbers)}" if numbers else ""


def _texts(
    texts: Sequence[str],
    translated: Sequence[str],
    redaction: Redaction,
    protected: tuple[str, ...],
    params: ProveParams,
) -> Check:
    """No list in any text, and in what staff wrote nothing that a person took out either: a title gives it away as well."""
    public = [word.text for word in redaction.public.words]
    marked = {phrase for span in redaction.spans for phrase in _marks(span, params) if not find(public, (phrase,))}
    looked_for = (*protected, *sorted(marked))
    count = sum(bool(find(text.split(), looked_for)) for text in texts)
    count += sum(bool(find(text.split(), protected)) for text in translated)
    whole = len(texts) + len(translated)
    sentence = (
        f"{count} of {whole} public texts, such as title and chapters, hold a protected word or one that was taken out"
    )
    return Check("texts", not count, _told(sentence, not count, "write them without it"), count, 0)


def _marks(span: Span, params: ProveParams) -> Iterator[str]:
    """What of a stretch that a person marked tells something wherever it stands: its telling words, and its numbers whole."""
    yield from _telling(span, params)
    if span.cause is Cause.PERSON:
        tokens = in_digits(as_written(span.heard))
        for figures, run in groupby((token.text for token in tokens), str.isdecimal):
            number = "".join(run)
            if figures and len(number) >= params.shortest_word:
                yield number


def _fitting(redaction: Redaction) -> Check:
    """What people corrected has to be in the cut, or they have to know that it is not."""
    count = len(redaction.unfit)
    if not count:
        return Check("corrections", True, "all that people wrote fits what was recognised.", 0, 0)
    listed = ", ".join(clock(edit.start_s) for edit in redaction.unfit[:5]) + (" and later" if count > 5 else "")
    sentence = f"{count} corrections of the words fit no more what was recognised, near {listed} of the recording"
    advice = "export the words with `stablecast correct EP --export FILE`, read them there, and import the file"
    return Check("corrections", False, _told(sentence, False, advice), count, 0)


def _captions(findings: Sequence[Finding]) -> Check:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if not errors:
        return Check("captions", True, "The captions can be read in their time.", 0, 0)
    first, more = errors[0], f", the first of {len(errors)}" if len(errors) > 1 else ""
    sentence = f"the captions cannot be read: {first.place}{more}: {first.message}"
    return Check("captions", False, f"{sentence}; `stablecast lint EP` lists them.", len(errors), 0)


def _said(heard: Transcript, protected: Sequence[str]) -> Iterator[Place]:
    if protected:
        where = places(heard)
        for match in find([word.text for word in heard.words], protected):
            said = where[match.first : match.last + 1]
            yield Place(min(place.start_s for place in said), max(place.end_s for place in said))


def _heard_again(name: str, what: str, again: Iterable[Place], timeline: Timeline) -> Check:
    times = sorted({round(place.start_s, 1) for place in again})
    if not times:
        return Check(name, True, f"{what} was not heard again.", 0, 0)
    named = (f"{clock(time_s)} ({clock(timeline.source_s(time_s))} of the recording)" for time_s in times[:5])
    listed = ", ".join(named) + (" and later" if len(times) > 5 else "")
    sentence = f"{what} seems to be heard in the finished file at {listed}"
    advice = "listen there, and take that stretch out, or leave it in if it is another word"
    return Check(name, False, _told(sentence, False, advice), len(times), 0)


def _told(sentence: str, passed: bool, advice: str) -> str:
    return f"{sentence}." if passed else f"{sentence}; {advice}, then run again."


def _meet(one: Place, other: Place) -> bool:
    return one.start_s <= other.end_s and other.start_s <= one.end_s


def _letters(text: str) -> int:
    return len(fold(text).replace(" ", ""))


def _figure(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
