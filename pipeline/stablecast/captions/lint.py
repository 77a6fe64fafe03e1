"""A linter for captions: what a reader could not read, said before anybody approves it.

The rules are a table, `RULES`, as for feeds: id, how bad, who asks for it, what must be, what to do, and one function that
yields the cues where it is not so. A place is a number and a time; a message never holds a word of the cue.
"""

from __future__ import annotations

import dataclasses
import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from stablecast.captions.fitting import Shown, fitted
from stablecast.captions.layout import belong_together
from stablecast.captions.plain import clean
from stablecast.captions.profiles import CaptionParams, Profile, Shape
from stablecast.captions.profiles import profile as profile_of
from stablecast.captions.srt import harmless
from stablecast.findings import Finding, Severity
from stablecast.model import Cue

FLOOR_S: Final = 5 / 6  # seconds; what is shown for less is not read at all (Netflix: 20 frames)
_SLACK: Final = 1e-6

_CORRECT: Final = "shorten the words, or take a stretch out, with `stablecast correct EP`, and run again"
_AGAIN: Final = "make the captions again with `stablecast run`"


@dataclass(frozen=True, slots=True)
class Track:
    """The captions of one language in one shape, and what is known around them."""

    cues: tuple[Cue, ...]
    shown: tuple[Shown, ...]
    profile: Profile
    duration_s: float | None
    aliases: frozenset[str] | None

    @property
    def said(self) -> Iterator[tuple[Shown, float, float]]:
        """Each cue as it is shown, its seconds, and its characters a second."""
        for shown in self.shown:
            length_s = (shown.cue.end_ms - shown.cue.start_ms) / 1000
            yield shown, length_s, len(shown.cue.text) / length_s


Places = Iterable[Cue]
Check = Callable[[Track], Places]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table; `what` may name measures of the profile in braces."""

    id: str
    severity: Severity
    source: str
    what: str
    fix: str
    check: Check
    everywhere: bool  # what it finds is the same in every shape


_RULES: list[Rule] = []


def _rule(
    id_: str, severity: Severity, source: str, what: str, fix: str, *, everywhere: bool = False
) -> Callable[[Check], Check]:
    def added(check: Check) -> Check:
        _RULES.append(Rule(f"captions.{id_}", severity, source, what, fix, check, everywhere))
        return check

    return added


def lint(
    cues: Sequence[Cue],
    profile: Profile,
    *,
    duration_s: float | None = None,
    aliases: frozenset[str] | None = None,
) -> tuple[Finding, ...]:
    """Everything the rules find in the captions as they are shown in this shape, in the order of the table.

    `duration_s` is the length of the published file, `aliases` who may be named as a speaker; None: not known.
    """
    return tuple(
        finding for finding, _ in _found(Track(tuple(cues), tuple(fitted(cues, profile)), profile, duration_s, aliases))
    )


def lint_published(
    cues: Sequence[Cue], params: CaptionParams, *, duration_s: float, aliases: frozenset[str]
) -> tuple[Finding, ...]:
    """What the rules find in the captions that are published, WebVTT and SRT; what both share is told once."""
    return tuple(finding for finding, _ in lint_cues(cues, params, duration_s=duration_s, aliases=aliases))


def lint_cues(
    cues: Sequence[Cue], params: CaptionParams, *, duration_s: float, aliases: frozenset[str]
) -> tuple[tuple[Finding, int], ...]:
    """The same, each with the index of the cue that it is found in. The cues have to be in order of time."""
    shared = {rule.id for rule in RULES if rule.everywhere}
    starts_ms = [cue.start_ms for cue in cues]
    wide, srt = profile_of(Shape.LANDSCAPE, params), profile_of(Shape.SRT, params)
    plain = [harmless(cue) for cue in cues]
    found = (
        *_found(Track(tuple(cues), tuple(fitted(cues, wide)), wide, duration_s, aliases)),
        *(
            (finding, cue)
            for finding, cue in _found(Track(tuple(plain), tuple(fitted(plain, srt)), srt, None, None))
            if finding.rule not in shared
        ),
    )
    return tuple((finding, bisect_right(starts_ms, cue.start_ms) - 1) for finding, cue in found)


def _found(track: Track) -> Iterator[tuple[Finding, Cue]]:
    measures = dataclasses.asdict(track.profile)
    said = {name: f"{value:g}" for name, value in measures.items() if isinstance(value, int | float)}
    numbers = {cue: number for number, cue in enumerate((shown.cue for shown in track.shown), 1)}
    as_made = {cue: number for number, cue in enumerate(track.cues, 1)}
    for rule in RULES:
        message = f"{rule.what.format_map(said)}: {rule.fix}"
        for cue in rule.check(track):
            place = f"{track.profile.shape} cue {numbers.get(cue) or as_made[cue]} at {_clock(cue.start_ms)}"
            yield Finding(rule.id, rule.severity, rule.source, place, message), cue


def _clock(time_ms: int) -> str:
    minutes, ms = divmod(time_ms, 60_000)
    return f"{minutes}:{ms / 1000:04.1f}"


# --- can it be read -----------------------------------------------------------------------------------------------------


@_rule("too-fast", Severity.ERROR, "Netflix", "a cue asks for at most {most_cps} characters a second", _CORRECT)
def _too_fast(track: Track) -> Places:
    return (shown.cue for shown, _, cps in track.said if cps > track.profile.most_cps + _SLACK)


@_rule("fast", Severity.WARNING, "Netflix", "over {warn_cps} characters a second is hard for many readers", _CORRECT)
def _fast(track: Track) -> Places:
    most = track.profile.most_cps + _SLACK
    return (shown.cue for shown, _, cps in track.said if track.profile.warn_cps + _SLACK < cps <= most)


@_rule("too-short", Severity.ERROR, "Netflix", f"a cue stays for {FLOOR_S:.2f} seconds at least", _CORRECT)
def _too_short(track: Track) -> Places:
    return (
        shown.cue for shown, length_s, _ in track.said if length_s < min(FLOOR_S, track.profile.shortest_s) - _SLACK
    )


@_rule("short", Severity.WARNING, "BBC", "a cue should stay for {shortest_s} seconds", _CORRECT)
def _short(track: Track) -> Places:
    shortest_s = track.profile.shortest_s
    return (shown.cue for shown, s, _ in track.said if min(FLOOR_S, shortest_s) - _SLACK <= s < shortest_s - _SLACK)


@_rule("too-long", Severity.ERROR, "Netflix", "a cue stays for {longest_s} seconds at most", _AGAIN)
def _too_long(track: Track) -> Places:
    return (shown.cue for shown, length_s, _ in track.said if length_s > track.profile.longest_s + _SLACK)


@_rule("lines", Severity.ERROR, "BBC", "a cue has at most {lines} lines of {line_chars} characters", _CORRECT)
def _lines(track: Track) -> Places:
    return (shown.cue for shown in track.shown if not shown.fits)


@_rule("empty", Severity.ERROR, "Stablecast", "a cue has words in it", _AGAIN, everywhere=True)
def _empty(track: Track) -> Places:
    return (cue for cue in track.cues if not clean(cue.text))


@_rule(
    "characters",
    Severity.ERROR,
    "Stablecast",
    "a cue holds no control characters, and none that turn the words around them about",
    _AGAIN,
    everywhere=True,
)
def _characters(track: Track) -> Places:
    return (cue for cue in track.cues if (cue.text, cue.speaker) != (clean(cue.text), clean(cue.speaker)))


# --- is it there at the right time ----------------------------------------------------------------------------------------


@_rule("overlap", Severity.ERROR, "WebVTT", "a cue begins after the one before it has ended", _AGAIN, everywhere=True)
def _overlap(track: Track) -> Places:
    return (after for before, after in itertools.pairwise(track.cues) if after.start_ms < before.end_ms)


@_rule("outside", Severity.ERROR, "WebVTT", "a cue ends before the episode does", _AGAIN, everywhere=True)
def _outside(track: Track) -> Places:
    if track.duration_s is None:
        return ()
    return (cue for cue in track.cues if cue.end_ms > track.duration_s * 1000 + 1)


@_rule(
    "flicker",
    Severity.WARNING,
    "BBC",
    "a gap between cues is {gap_s} seconds or more, or there is none",
    _AGAIN,
    everywhere=True,
)
def _flicker(track: Track) -> Places:
    for before, after in itertools.pairwise(track.cues):
        full = before.end_ms - before.start_ms >= track.profile.longest_s * 1000 - 1
        if 0 < after.start_ms - before.end_ms < track.profile.gap_s * 1000 and not full:
            yield after


@_rule(
    "grid",
    Severity.WARNING,
    "Stablecast",
    "times are multiples of {grid_s} seconds, so that they do not tell how somebody speaks",
    _AGAIN,
    everywhere=True,
)
def _grid(track: Track) -> Places:
    grid_ms = round(track.profile.grid_s * 1000)
    return (cue for cue in track.cues if cue.start_ms % grid_ms or cue.end_ms % grid_ms)


# --- does it say who speaks, and keep together what belongs together ------------------------------------------------------


@_rule(
    "speaker",
    Severity.ERROR,
    "Stablecast",
    "a cue names its speaker by the alias, and nobody else",
    "give every track an alias with `stablecast add`, and run again",
    everywhere=True,
)
def _speaker(track: Track) -> Places:
    for cue in track.cues:
        if not clean(cue.speaker) or (track.aliases is not None and cue.speaker not in track.aliases):
            yield cue


@_rule("torn", Severity.WARNING, "BBC", "a name, or a number and what it counts, stands on one line", _CORRECT)
def _torn(track: Track) -> Places:
    before: Shown | None = None
    for shown in track.shown:
        lines = [line.split() for line in shown.lines]
        joined = before is not None and before.cue.speaker == shown.cue.speaker
        if joined and before is not None and shown.cue.start_ms - before.cue.end_ms < track.profile.gap_s * 1000:
            lines.insert(0, before.cue.text.split())
            lines[1] = shown.cue.text.split()[: len(lines[1])]
        if any(belong_together(one[-1], other[0]) for one, other in itertools.pairwise(lines)):
            yield shown.cue
        before = shown


RULES: Final = tuple(_RULES)
