"""The words of an episode as they stand now, one paragraph at a time: read, rewritten, marked, and taken back."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from stablecast.captions.cues import said_cues
from stablecast.captions.lint import lint_cues
from stablecast.errors import GateClosed, UsageRefused
from stablecast.model import (
    Alias,
    Cause,
    Correction,
    Digest,
    Edit,
    PublicTranscript,
    Redaction,
    Role,
    Span,
    Timeline,
    Transcript,
    hearing,
)
from stablecast.redaction.editing import Fit, Recognised, fitted
from stablecast.redaction.matching import covered
from stablecast.redaction.public import Said, public_words
from stablecast.redaction.rewriting import Paragraph, paragraph, rewritten
from stablecast.redaction.rewriting import Token as Written
from stablecast.redaction.spans import Place, inside
from stablecast.runner import Bench
from stablecast.stages.transcribe import UNKNOWN
from stablecast.store import decisions, episode, receipts
from stablecast.store.decisions import History, Mark, Version
from stablecast.store.state import EpisodeRow
from stablecast.studio import making
from stablecast.studio.deciding import Kept, changed, is_young_person, kept
from stablecast.studio.reviews import (
    FindingsView,
    ManuscriptView,
    ParagraphView,
    PlacedView,
    RedactionsView,
    RedactionView,
    SavedView,
    StepView,
    Token,
    WordView,
)
from stablecast.studio.show import OpenShow
from stablecast.studio.views import DoubtsView, finding_view

EDITORS = frozenset((Role.PRODUCER, Role.REVIEWER))  # who may write in a young person's words
LONGEST_WORD, MOST_TOKENS = 200, 4_000  # characters; tokens of one paragraph: what is more is no speech
_NO_FILE = "there is no finished file yet to go by; run `stablecast run` first"


# --- what it is made of ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Speaker:
    """One speaker's recognised words, and what of them is out in the newest sound."""

    said: Recognised
    starts: tuple[float, ...]  # of the spans, which are in order and apart
    ends: tuple[float, ...]
    ruled: frozenset[int]  # words that a protected word takes out with the next run

    @property
    def name(self) -> Alias:
        return self.said.transcript.speaker

    def out(self, place: Place) -> bool:
        """Whether any of a word may lie in a span."""
        at = bisect_right(self.starts, place.end_s)
        return at > 0 and self.ends[at - 1] >= place.start_s

    def fits(self, edits: Iterable[Edit]) -> tuple[Fit, ...]:
        """The edits of this speaker that fit, in the order of the words."""
        return fitted(self.said, edits)[0]


@dataclass(frozen=True)
class _Basis:
    """What was recognised in an episode, what is out, and where it is heard."""

    speakers: tuple[_Speaker, ...]
    spans: tuple[Span, ...]
    timeline: Timeline
    duration_s: float
    language: str
    made_of: tuple[Digest, ...]
    protected: tuple[str, ...] = field(repr=False)
    heard_s: Callable[[float], float] = field(repr=False)


def _basis(show: OpenShow, row: EpisodeRow) -> _Basis:
    """Read once, then kept in memory under the digests of what it is made of. Raises GateClosed where there is no file yet."""

    def newest() -> _Basis:
        known = receipts.read_all(show.workspace.receipts(row.slug))
        record = episode.read(show.workspace, row.slug)
        heard = tuple(f"transcribe/{k}" for k in range(1, record.tracks + 1))
        if any(node not in known for node in (*heard, "redact", "peaks")):
            raise GateClosed(_NO_FILE)
        protected = record.inputs["protected"].digest
        made_of = (*(known[node].output for node in (*heard, "redact", "peaks")), protected)

        def made() -> _Basis:
            new_rules = known["redact"].inputs["protected"] != protected
            return _read(making.bench(show, row), heard, made_of, new_rules=new_rules)

        return show.memory.kept(("manuscript", row.id, made_of), made)

    return decisions.steady(newest)


def _read(bench: Bench, heard: tuple[str, ...], made_of: tuple[Digest, ...], *, new_rules: bool) -> _Basis:
    transcripts = tuple(bench.value(node, Transcript) for node in heard)
    redaction, drawn, protected = bench.value("redact", Redaction), bench.drawn(), bench.protected()
    speakers = []
    for transcript in transcripts:
        own = [span for span in redaction.spans if span.speaker == transcript.speaker]
        ruled = covered([word.text for word in transcript.words], protected) if new_rules else frozenset()
        starts, ends = tuple(span.start_s for span in own), tuple(span.end_s for span in own)
        speakers.append(_Speaker(Recognised(transcript), starts, ends, ruled))
    language = next((t.language for t in transcripts if t.language != UNKNOWN), UNKNOWN)
    return _Basis(
        tuple(speakers),
        redaction.spans,
        drawn.timeline,
        drawn.duration_s,
        language,
        made_of,
        protected,
        hearing(drawn.timeline),
    )


# --- reading -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shown:
    """A paragraph and the state of each of its words."""

    part: Paragraph
    states: tuple[str, ...]

    @property
    def fixed(self) -> tuple[bool, ...]:
        """Which words are out: they stay where they are."""
        return tuple(state == "out" for state in self.states)


def manuscript(show: OpenShow, name: str) -> ManuscriptView:
    """Every word as it stands now, a paragraph for each recognised segment, in order of time. Needs the key.

    Raises GateClosed where there is no finished file to go by.
    """
    row = show.episode(name)
    basis, now = _basis(show, row), kept(show, row)
    parts = [
        _view(show, basis, track, _shown(basis, speaker, paragraph(speaker.said, fits, number), now.corrections))
        for track, speaker in enumerate(basis.speakers, 1)
        for fits in [speaker.fits(now.edits)]
        for number, segment in enumerate(speaker.said.transcript.segments)
        if segment.words
    ]
    return ManuscriptView(
        row.slug,
        now.history.current,
        now.followed,
        basis.language,
        tuple(speaker.name for speaker in basis.speakers),
        tuple(sorted(parts, key=lambda part: (part.start_s, part.id))),
    )


def _shown(basis: _Basis, speaker: _Speaker, part: Paragraph, corrections: Sequence[Correction]) -> _Shown:
    mine = [c for c in corrections if c.speaker in (None, speaker.name)]
    out, left = [c for c in mine if c.redact], [c for c in mine if not c.redact]
    edited = any(unit.edit for unit in part.units)
    named = covered([word.text for word, _, _ in part.said], basis.protected) if edited else frozenset()
    states = []
    index = 0
    for unit in part.units:
        for _, place in unit.said:
            ruled = index in named or (unit.edit is None and unit.first in speaker.ruled)
            if speaker.out(place):
                states.append("out")
            elif (
                (unit.edit is not None and unit.edit.redact)
                or any(c.start_s <= place.end_s and place.start_s <= c.end_s for c in out)
                or (ruled and not any(inside(place, c) for c in left))
            ):
                states.append("marked")
            else:
                states.append("" if unit.edit is None else "edited")
            index += 1
    return _Shown(part, tuple(states))


def _view(show: OpenShow, basis: _Basis, track: int, shown: _Shown) -> ParagraphView:
    segment = basis.speakers[track - 1].said.transcript.segments[shown.part.number]
    heard_s = basis.heard_s
    words = tuple(
        WordView(
            None if state == "out" else word.text,
            round(heard_s(place.start_s), 3),
            round(heard_s(place.end_s), 3),
            round(word.probability, 3),
            state,
        )
        for (word, place, _), state in zip(shown.part.said, shown.states, strict=True)
    )
    return ParagraphView(
        f"{track}-{shown.part.number + 1}",
        basis.speakers[track - 1].name,
        round(heard_s(max(0.0, segment.start_s)), 3),
        round(heard_s(max(0.0, segment.end_s)), 3),
        words,
    )


def caption_findings(show: OpenShow, name: str) -> FindingsView:
    """What the lint would find in the captions, were they made of the words as they stand: of all of them together.

    Captions share the time there is: what is hard to read in one line depends on the lines around it. Raises GateClosed
    where there is no finished file to go by.
    """
    row = show.episode(name)
    basis, now = _basis(show, row), kept(show, row)

    def made() -> FindingsView:
        return FindingsView(now.history.current, tuple(_caption_findings(show, basis, now)))

    return show.memory.kept(("caption findings", row.id, basis.made_of, now.history.current), made)


def _caption_findings(show: OpenShow, basis: _Basis, now: Kept) -> Iterator[PlacedView]:
    timeline, params = basis.timeline, show.settings.caption
    texts, starts, ids = [], dict[Alias, list[float]](), dict[Alias, list[str]]()
    for track, speaker in enumerate(basis.speakers, 1):
        fits, said = speaker.fits(now.edits), list[Said]()
        starts[speaker.name], ids[speaker.name] = [], []
        for number in range(len(speaker.said.transcript.segments)):
            shown = _shown(basis, speaker, paragraph(speaker.said, fits, number), now.corrections)
            words = [
                Said(word, place, state in ("out", "marked"), ends_segment=False)
                for (word, place, _), state in zip(shown.part.said, shown.states, strict=True)
            ]
            if words:
                words[-1] = dataclasses.replace(words[-1], ends_segment=True)
                starts[speaker.name].append(timeline.heard_s(words[0].place.start_s) - timeline.opening_s)
                ids[speaker.name].append(f"{track}-{number + 1}")
                said += words
        starts[speaker.name] = list(itertools.accumulate(starts[speaker.name], max))
        texts.append(public_words(speaker.name, said))
    public = PublicTranscript(basis.language, tuple(heapq.merge(*texts, key=lambda word: word.start_s)))
    public = timeline.words(public)
    placed = said_cues(public, timeline.opening_s, basis.duration_s, params)
    aliases = frozenset(starts)
    for finding, at in lint_cues([cue for cue, _ in placed], params, duration_s=basis.duration_s, aliases=aliases):
        phrase = placed[at][1]
        number = bisect_right(starts[phrase.speaker], (phrase.start_s + phrase.end_s) / 2)
        yield PlacedView(ids[phrase.speaker][max(0, number - 1)], finding_view(finding))


def _place_of(basis: _Basis, name: str) -> tuple[int, int]:
    """Track, counting from 1, and segment, counting from 0, of a paragraph's id."""
    track, _, number = name.partition("-")
    if track.isdecimal() and number.isdecimal() and 1 <= int(track) <= len(basis.speakers):
        segments = basis.speakers[int(track) - 1].said.transcript.segments
        if 1 <= int(number) <= len(segments) and segments[int(number) - 1].words:
            return int(track), int(number) - 1
    raise UsageRefused("there is no such paragraph in this episode any more; load the page again")


# --- writing -----------------------------------------------------------------------------------------------------------------


def write(show: OpenShow, name: str, who: str, where: str, base_version: int, tokens: tuple[Token, ...]) -> SavedView:
    """Make a paragraph read as `tokens` say: the fewest edits, kept as a new version at once, while a run works or not.

    Where somebody else changed it since `base_version`, nothing is written and theirs is the answer. Raises UsageRefused for
    tokens that do not fit the paragraph as it was, GateClosed for who may not write or would put back what has to go.
    """
    row = show.episode(name)
    _may_write(show, who)
    basis = _basis(show, row)
    track, number = _place_of(basis, where)
    speaker = basis.speakers[track - 1]
    with decisions.lock(show.workspace):
        now = kept(show, row)
        history = now.history
        if base_version and history.version(base_version) is None:
            raise UsageRefused("this page is older than every version there is; load it again")
        then = [history.edits[index] for index in history.edits_at(base_version)]
        was = paragraph(speaker.said, speaker.fits(then), number)
        stands = paragraph(speaker.said, speaker.fits(now.edits), number)
        if was.units != stands.units and _by_others(history, base_version, who, _edits(was) ^ _edits(stands)):
            theirs = _view(show, basis, track, _shown(basis, speaker, stands, now.corrections))
            return SavedView(history.current, theirs, conflict=True)
        shown = _shown(basis, speaker, was, now.corrections)
        try:
            lost, new = rewritten(speaker.said, was, tuple(_written(tokens, shown)), shown.fixed)
        except ValueError as unfit:
            raise UsageRefused(f"{unfit}; load the paragraph again") from unfit
        own = [edit for edit in then if edit in _edits(was) and edit not in lost]
        edits = (*(edit for edit in now.edits if edit not in _edits(stands)), *own, *new)
        if set(edits) != set(now.edits):
            now = changed(show, now, who, edits=edits, paragraph=where)
        after = paragraph(speaker.said, speaker.fits(now.edits), number)
        view = _view(show, basis, track, _shown(basis, speaker, after, now.corrections))
        return SavedView(now.history.current, view, conflict=False)


def _edits(part: Paragraph) -> frozenset[Edit]:
    return frozenset(unit.edit for unit in part.units if unit.edit is not None)


def _by_others(history: History, base: int, who: str, edits: frozenset[Edit]) -> bool:
    """Whether anybody but `who` had a part in changing `edits` since a version; yes where the versions went elsewhere."""
    places = {index for index, edit in enumerate(history.edits) if edit in edits}
    chain = history.chain()
    numbers = [version.number for version in chain]
    if base and base not in numbers:
        return True
    since = chain[numbers.index(base) + 1 if base else 0 :]
    return any(v.by != who and places & {*v.edits.added, *v.edits.removed} for v in since)


def _written(tokens: tuple[Token, ...], shown: _Shown) -> Iterator[Written]:
    """Tokens as words: those that go whatever anybody writes need no mark of their own."""
    if len(tokens) > MOST_TOKENS:
        raise UsageRefused("this is more than one paragraph can hold; write it in several")
    said = shown.part.said
    for token in tokens:
        if token.keep is None:
            for text in token.text.split():
                if len(text) > LONGEST_WORD:
                    raise UsageRefused("a word is too long to be one; put spaces between words")
                yield Written(None, text, token.mark)
        elif not 0 <= token.keep < len(said):
            raise UsageRefused("a token keeps a word that is not in this paragraph; load it again")
        else:
            edit = said[token.keep][2]
            own = edit is not None and edit.redact
            if shown.states[token.keep] == "marked" and not own:
                if not token.mark:
                    raise GateClosed(
                        "a protected word or a marked stretch takes this word out; "
                        "change that in the list of what is taken out"
                    )
                yield Written(token.keep, "", marked=False)
            else:
                yield Written(token.keep, "", token.mark)


def _roles(show: OpenShow, who: str) -> frozenset[Role]:
    return frozenset(role for account in show.state.accounts() if account.id == who for role in account.roles)


def _may_write(show: OpenShow, who: str) -> None:
    if not _roles(show, who) & EDITORS:
        raise GateClosed("only a producer or a reviewer changes words; ask one of them")


# --- what is taken out -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Taken:
    """A stretch of the recording in the list of what is taken out."""

    start_s: float
    end_s: float
    speaker: Alias | None
    cause: str
    by: str
    applied: bool
    redact: bool = True
    mark: Mark | None = None


def redactions(show: OpenShow, name: str) -> RedactionsView:
    """Everything that is taken out of the newest sound, or will be by the next run. Needs the key."""
    row = show.episode(name)
    basis, now = _basis(show, row), kept(show, row)
    return _listed(basis, _taken(show, basis, now), now)


def _listed(basis: _Basis, taken: Sequence[_Taken], now: Kept) -> RedactionsView:
    views = tuple(
        RedactionView(
            number,
            round(basis.heard_s(one.start_s), 3),
            round(basis.heard_s(one.end_s), 3),
            one.speaker,
            one.cause,
            one.by,
            one.applied,
            one.mark is not None,
            one.redact,
        )
        for number, one in enumerate(taken, 1)
    )
    return RedactionsView(now.history.current, views)


def _taken(show: OpenShow, basis: _Basis, now: Kept) -> tuple[_Taken, ...]:
    redact = receipts.read_all(show.workspace.receipts(now.row.slug))["redact"]
    made_from = {name: stored.digest for name, stored in now.record.inputs.items()}
    fresh = all(redact.inputs.get(name) == made_from.get(name) for name in ("corrections", "edits"))
    history = now.history
    followed = {history.marks[index] for index in history.marks_at(now.followed)} if fresh else set()
    followed_edits = {history.edits[index] for index in history.edits_at(now.followed)} if fresh else set()
    found = [
        _Taken(
            mark.correction.start_s,
            mark.correction.end_s,
            mark.correction.speaker,
            "person",
            "young-person" if is_young_person(show, mark.by) else "staff",
            mark in followed,
            mark.correction.redact,
            mark,
        )
        for mark in now.marks
    ]
    found += [
        _Taken(e.start_s, e.end_s, e.speaker, "words", "staff", e in followed_edits) for e in now.edits if e.redact
    ]
    by_people = [one for one in found if one.redact]
    for (start_s, end_s, cause), speakers in _together(basis.spans).items():
        if cause is Cause.PERSON and any(one.start_s <= end_s and start_s <= one.end_s for one in by_people):
            continue  # it is in the list as what somebody marked
        alone = speakers[0] if len(speakers) < len(basis.speakers) else None
        found.append(_Taken(start_s, end_s, alone, str(cause), "staff", applied=True))
    return tuple(sorted(found, key=lambda one: (one.start_s, one.end_s, one.cause, one.speaker or "")))


def _together(spans: Iterable[Span]) -> dict[tuple[float, float, Cause], list[Alias]]:
    """The spans that lie at one place, with whose they are."""
    found: dict[tuple[float, float, Cause], list[Alias]] = {}
    for span in spans:
        found.setdefault((span.start_s, span.end_s, span.cause), []).append(span.speaker)
    return found


def mark(
    show: OpenShow,
    name: str,
    who: str,
    start_s: float,
    end_s: float,
    *,
    redact: bool,
    speaker: str | None,
    source: bool,
) -> RedactionsView:
    """Mark a stretch as to be taken out, or to be left in although a rule takes it out.

    Anybody with an account may have something taken out; only who may write leaves something in. Raises UsageRefused for a
    stretch that is not in the file, or a speaker who is not in the episode.
    """
    row = show.episode(name)
    basis = _basis(show, row)
    if not redact or not _roles(show, who):
        _may_write(show, who)
    if speaker is not None and speaker not in {one.name for one in basis.speakers}:
        raise UsageRefused("this episode has no speaker of that name; leave the speaker out, or name one it has")
    start_s, end_s = _stretch(basis, start_s, end_s, source=source)
    made = Mark(Correction(start_s, end_s, redact, None if speaker is None else Alias(speaker)), who)
    return _marked(show, row, basis, who, (made,))


def mark_all(show: OpenShow, name: str, who: str, stretches: Sequence[tuple[float, float]]) -> RedactionsView:
    """Mark several stretches of the file as to be taken out: one version, one step to undo, or nothing.

    Raises UsageRefused where one of them is not in the file, GateClosed for somebody without an account.
    """
    row = show.episode(name)
    basis = _basis(show, row)
    if not _roles(show, who):
        _may_write(show, who)
    places = [_stretch(basis, start_s, end_s, source=False) for start_s, end_s in stretches]
    return _marked(show, row, basis, who, [Mark(Correction(*place, redact=True), who) for place in places])


def _marked(show: OpenShow, row: EpisodeRow, basis: _Basis, who: str, made: Iterable[Mark]) -> RedactionsView:
    with decisions.lock(show.workspace):
        now = kept(show, row)
        new = [mark for mark in dict.fromkeys(made) if mark not in now.marks]
        if new:
            now = changed(show, now, who, marks=(*now.marks, *new))
    return _listed(basis, _taken(show, basis, now), now)


def _stretch(basis: _Basis, start_s: float, end_s: float, *, source: bool) -> tuple[float, float]:
    """A stretch that somebody named, in the time of the recording."""
    if not (math.isfinite(start_s) and math.isfinite(end_s)) or not 0 <= start_s < end_s:
        raise UsageRefused("a stretch begins before it ends, and not before 0; give it again")
    if source:
        return start_s, end_s
    if start_s >= basis.duration_s:
        raise UsageRefused("the file ends before this stretch begins; give it again")
    first_s, last_s = (max(0.0, basis.timeline.source_s(time_s)) for time_s in (start_s, min(end_s, basis.duration_s)))
    if not first_s < last_s:
        raise UsageRefused("nothing of the recording is heard there; there is nothing to take out")
    return first_s, last_s


def _numbered(show: OpenShow, basis: _Basis, now: Kept, number: int, version: int | None) -> _Taken:
    if version is not None and version != now.history.current:
        raise GateClosed("somebody changed the list meanwhile; look at it again, then try once more")
    taken = _taken(show, basis, now)
    if not 1 <= number <= len(taken):
        raise UsageRefused("there is nothing of that number in the list; load it again")
    return taken[number - 1]


def unmark(show: OpenShow, name: str, who: str, number: int, version: int | None) -> RedactionsView:
    """Take a person's mark back. Raises GateClosed where there is none to take back, or it is a young person's own."""
    row = show.episode(name)
    basis = _basis(show, row)
    with decisions.lock(show.workspace):
        now = kept(show, row)
        one = _numbered(show, basis, now, number, version)
        if one.mark is None:
            raise GateClosed(_KEPT[one.cause])
        if one.mark.by != who:
            _may_write(show, who)
        now = changed(show, now, who, marks=[m for m in now.marks if m != one.mark])
    return _listed(basis, _taken(show, basis, now), now)


_KEPT = {
    "protected": "a protected word is said here and always goes; its stretch can be made longer, never shorter",
    "words": "these words are marked in the text; take the mark back there",
    "person": "what was marked here is taken back already, and comes back with the next `stablecast run`",
}


def move_mark(
    show: OpenShow, name: str, who: str, number: int, start_s: float, end_s: float, version: int | None
) -> RedactionsView:
    """Move the edges of what is taken out: a person's mark as they like, anything else only outwards, by a mark more.

    Raises GateClosed where that would put back what has to go.
    """
    row = show.episode(name)
    basis = _basis(show, row)
    first_s, last_s = _stretch(basis, start_s, end_s, source=False)
    with decisions.lock(show.workspace):
        now = kept(show, row)
        one = _numbered(show, basis, now, number, version)
        if one.mark is None:
            slack_s = 0.002  # what is shown is rounded to the millisecond
            if first_s > one.start_s + slack_s or last_s < one.end_s - slack_s:
                raise GateClosed(_KEPT[one.cause])
            more = Mark(Correction(min(first_s, one.start_s), max(last_s, one.end_s), True, one.speaker), who)
            now = changed(show, now, who, marks=(*now.marks, more))
        else:
            if one.mark.by != who:
                _may_write(show, who)
            moved = dataclasses.replace(one.mark.correction, start_s=first_s, end_s=last_s)
            marks = [Mark(moved, who) if m == one.mark else m for m in now.marks]
            now = changed(show, now, who, marks=marks)
    return _listed(basis, _taken(show, basis, now), now)


# --- undo and redo -----------------------------------------------------------------------------------------------------------


def undo(show: OpenShow, name: str, who: str) -> StepView:
    """Take back this person's own last change, whatever others did elsewhere since.

    Raises GateClosed where there is none, or somebody changed that line since.
    """
    return _step(show, name, who, back=True)


def redo(show: OpenShow, name: str, who: str) -> StepView:
    """Make again what this person took back last. Raises GateClosed likewise."""
    return _step(show, name, who, back=False)


def _step(show: OpenShow, name: str, who: str, *, back: bool) -> StepView:
    row = show.episode(name)
    basis = _basis(show, row)
    with decisions.lock(show.workspace):
        now = kept(show, row)
        done, undone = _own(now.history, who)
        steps = done if back else undone
        if not steps:
            raise GateClosed("there is nothing of yours to take back" if back else "there is nothing to make again")
        last = steps[-1]
        marks = _turned(now.history.marks_at(), last.marks, back=back)
        edits = _turned(now.history.edits_at(), last.edits, back=back)
        if marks is None or edits is None or _touched(now.history, last, who):
            raise GateClosed("somebody changed that line since; look at it, and change it by hand")
        now = changed(
            show,
            now,
            who,
            marks=[now.history.marks[index] for index in marks],
            edits=[now.history.edits[index] for index in edits],
            paragraph=last.paragraph,
            undoes=last.number if back else 0,
            redoes=0 if back else last.number,
        )
    if last.paragraph:
        track, number = _place_of(basis, last.paragraph)
        start_s = max(0.0, basis.speakers[track - 1].said.transcript.segments[number].start_s)
    else:
        changes = (*last.marks.added, *last.marks.removed)
        start_s = min((now.history.marks[index].correction.start_s for index in changes), default=0.0)
    return StepView(now.history.current, last.paragraph or None, round(basis.heard_s(start_s), 3))


def _own(history: History, who: str) -> tuple[list[Version], list[Version]]:
    """What somebody did and could undo, and undid and could redo, each with the last one last."""
    done, undone = list[Version](), list[Version]()
    for version in history.chain():
        if version.by != who:
            continue
        if version.undoes:
            done, undone = _moved(done, undone, version.undoes)
        elif version.redoes:
            undone, done = _moved(undone, done, version.redoes)
        else:
            done.append(version)
            undone = []
    return done, undone


def _moved(one: list[Version], other: list[Version], number: int) -> tuple[list[Version], list[Version]]:
    """A version out of one list to the end of another."""
    return [v for v in one if v.number != number], [*other, *(v for v in one if v.number == number)]


def _turned(now: tuple[int, ...], change: decisions.Change, *, back: bool) -> tuple[int, ...] | None:
    """What counts once a change is taken back, or made again; None where it is not as the change left it."""
    goes, comes = (change.added, change.removed) if back else (change.removed, change.added)
    if not set(goes) <= set(now) or set(comes) & set(now):
        return None
    return (*(index for index in now if index not in goes), *comes)


def _touched(history: History, last: Version, who: str) -> bool:
    """Whether anybody else changed the same paragraph after a change, or after it was last undone or redone."""
    chain = history.chain()
    since = max(v.number for v in chain if last.number in (v.number, v.undoes, v.redoes))
    return any(v.number > since and v.by != who and last.paragraph and v.paragraph == last.paragraph for v in chain)


# --- lists with the times of the file ----------------------------------------------------------------------------------------


def doubts_in_file(show: OpenShow, name: str) -> DoubtsView:
    """Where words may have been recognised that nobody said, in times of the finished file."""
    heard_s, found = _basis(show, show.episode(name)).heard_s, making.doubts(show, name)
    moved = (
        dataclasses.replace(d, start_s=round(heard_s(d.start_s), 3), end_s=round(heard_s(d.end_s), 3))
        for d in found.doubts
    )
    return dataclasses.replace(found, doubts=tuple(moved))
