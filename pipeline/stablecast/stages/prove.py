"""The finished file against everything promised about it: loudness, tags, no word that was taken out, no voice found again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from stablecast.findings import Finding, Severity
from stablecast.model import REDACTED, Cause, Correction, Loudness, PublicTranscript, Redaction, Transcript
from stablecast.redaction.matching import everyday, find
from stablecast.redaction.reading import fold
from stablecast.redaction.spans import Place, clock, places
from stablecast.stages.approve import UNPUBLISHABLE
from stablecast.stages.attack import Attacked
from stablecast.stages.master import MasterParams

VERSION = 4

_ANOTHER = "make a new draw with `stablecast voices redraw`, or choose another character or method"


@dataclass(frozen=True, slots=True)
class ProveParams:
    """How near the finished file has to come to what was promised."""

    tolerance_lu: float = 0.2  # LU the finished file may be off the target
    near_s: float = 1.0  # s around a place in which a word counts as heard there
    shortest_word: int = 4  # letters; shorter words of a marked stretch say nothing when they are heard near it
    least_heard: float = 0.5  # share of the public words a second recognition must find, or it proves nothing


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


def prove(
    loudness: Loudness,
    *,
    target: MasterParams,
    found: frozenset[str],
    allowed: frozenset[str],
    heard: Transcript,
    redaction: Redaction,
    protected: tuple[str, ...],
    opening_s: float,
    attacks: tuple[Attacked, ...],
    params: ProveParams,
    left_in: tuple[Correction, ...] = (),
    texts: tuple[str, ...] = (),
    captions: tuple[Finding, ...] = (),
) -> Proof:
    """Check a finished file. Nothing is raised: each broken promise is a failed check.

    `loudness` is measured on the decoded file; `found` is the tags it carries and `allowed` the set they must equal; `heard` is
    the file recognised again, times counting from the file's start; source time 0 is heard at `opening_s`; `attacks` holds one
    on each track's new voice. `texts` are other public texts of the episode, such as its title; `captions` is what the lint of its
    captions found. A protected word that a person left in (`left_in`) is no fault there.
    """
    return Proof(
        (
            _loud(loudness, target, params),
            _peak(loudness, target),
            _tags(found, allowed),
            _intelligible(heard, redaction.public, params),
            _protected(heard, redaction.public, protected, left_in, opening_s, params),
            _marked(heard, redaction, opening_s, params),
            _voice(attacks),
            _residue(attacks),
            _cut(attacks),
            _texts(texts, protected),
            _captions(captions),
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
    heard: Transcript,
    public: PublicTranscript,
    protected: tuple[str, ...],
    left_in: tuple[Correction, ...],
    opening_s: float,
    params: ProveParams,
) -> Check:
    """Protected words anywhere in the file, but for the places where a person left them in."""
    excused = [
        Place(correction.start_s + opening_s - params.near_s, correction.end_s + opening_s + params.near_s)
        for correction in left_in
        if not correction.redact
    ]
    for speaker in {word.speaker for word in public.words}:
        # what is still protected in the public words is there because somebody left it in: `redact` takes out the rest
        words = [word for word in public.words if word.speaker == speaker]
        for match in find([word.text for word in words], protected):
            start_s, end_s = words[match.first].start_s, words[match.last].end_s
            excused.append(Place(start_s + opening_s - params.near_s, end_s + opening_s + params.near_s))
    again = [place for place in _said(heard, protected) if not any(_meet(place, other) for other in excused)]
    return _heard_again("protected-words", "a protected word", again)


def _marked(heard: Transcript, redaction: Redaction, opening_s: float, params: ProveParams) -> Check:
    """Words a person marked, near where they were: elsewhere the same word may be harmless."""
    again = []
    for span in redaction.spans:
        telling = tuple(
            text
            for text in span.heard
            if span.cause is Cause.PERSON and not everyday(text) and _letters(text) >= params.shortest_word
        )
        near = Place(span.start_s + opening_s - params.near_s, span.end_s + opening_s + params.near_s)
        again += [place for place in _said(heard, telling) if _meet(place, near)]
    return _heard_again("marked-words", "a word that a person marked", again)


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


def _texts(texts: Sequence[str], protected: tuple[str, ...]) -> Check:
    count = sum(bool(find(text.split(), protected)) for text in texts)
    sentence = f"{count} of {len(texts)} public texts, such as title and chapters, hold a protected word"
    return Check("texts", not count, _told(sentence, not count, "write them without it"), count, 0)


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


def _heard_again(name: str, what: str, again: Iterable[Place]) -> Check:
    times = sorted({place.start_s for place in again})
    if not times:
        return Check(name, True, f"{what} was not heard again.", 0, 0)
    listed = ", ".join(clock(time_s) for time_s in times[:5]) + (" and later" if len(times) > 5 else "")
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
