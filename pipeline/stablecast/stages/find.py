"""Propose what may identify somebody in the words of an episode, and tell which proposals nobody has answered yet.

A proposal takes nothing out. A person accepts it, which makes a correction, or leaves the words in, which makes an answer;
both are inputs and outlast another transcript. The finders miss things: the person who listens is the control.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from stablecast.model import Alias, Redaction, Span, Transcript
from stablecast.redaction import matching
from stablecast.redaction.finding import BY_SENSE, ORDER, Finder, Found, Kind, recognise
from stablecast.redaction.reading import with_numerals
from stablecast.redaction.spans import Place, places

VERSION = 2

READS = "en"  # what the finder was trained on, and the language of our recognisers' cues
_CLOSE_S = 0.25  # recognisers differ by about so much in where a word begins


@dataclass(frozen=True, slots=True)
class FindParams:
    """What is proposed to be taken out."""

    unknown_words: bool = True  # also words that no dictionary here has: a name may be misheard as one
    groups: bool = True  # also nationalities, languages, faiths and peoples: two such facts can be enough
    batch_words: int = 400  # read at once; what belongs together should not be read apart

    def __post_init__(self) -> None:
        if self.batch_words < 1:
            raise ValueError("batch_words is at least 1")


@dataclass(frozen=True, slots=True)
class Proposal:
    """Some words of one speaker that may identify somebody. Sealed: `heard` holds them. Times are of the recording."""

    start_s: float
    end_s: float
    speaker: Alias
    kind: Kind
    reasons: tuple[str, ...]
    heard: tuple[str, ...] = field(repr=False)
    places: tuple[tuple[float, float], ...] = field(repr=False)  # where each of the words is
    translation: bool = (
        False  # in the English translation: the time is that of the sentence, which is all that is known
    )


@dataclass(frozen=True, slots=True)
class Proposals:
    """All proposals for an episode in order of time, and the languages that nothing here could read."""

    proposals: tuple[Proposal, ...]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's word that what was proposed here may stay, as far as this stretch of time and this kind go."""

    start_s: float
    end_s: float
    speaker: Alias
    kind: Kind
    translated: int = 0  # words of the English translation that it was about; 0: it was about what was said


class State:
    """What became of a proposal."""

    OPEN = "open"
    TAKEN_OUT = "taken out"
    LEFT_IN = "left in"


@dataclass(frozen=True, slots=True)
class Answered:
    """The proposals of an episode, each with its state: "open", "taken out" or "left in"."""

    states: tuple[str, ...]

    @property
    def open(self) -> int:
        """How many wait for an answer."""
        return self.states.count(State.OPEN)


def find(
    transcripts: tuple[Transcript, ...],
    protected: tuple[str, ...],
    params: FindParams,
    *,
    finder: Finder,
    translations: tuple[Transcript, ...] = (),
) -> Proposals:
    """What may identify somebody in what was said, each place once, under its surest kind and with every reason.

    `finder` reads English alone; in other languages only numbers, dates, spelling and likeness to `protected` are seen, and
    what their English `translations` say. What is found there is one proposal a sentence, in the time of the sentence.
    """
    proposals = [
        _proposal(transcript, group, where)
        for transcript, where in ((transcript, places(transcript)) for transcript in transcripts)
        for group in _grouped(_all(transcript, protected, params, finder), [word.text for word in transcript.words])
    ]
    proposals += (made for english in translations for made in _translated(english, protected, params, finder))
    unread = sorted({t.language for t in transcripts if t.words and t.language != READS})
    return Proposals(tuple(sorted(proposals, key=lambda p: (p.start_s, p.end_s, p.speaker))), tuple(unread))


def answered(proposals: Proposals, redaction: Redaction, answers: Sequence[Answer]) -> Answered:
    """What became of each proposal: taken out when each of its words lies in a span, left in when somebody said so."""
    return Answered(tuple(_state(proposal, redaction.spans, answers) for proposal in proposals.proposals))


def _state(proposal: Proposal, spans: Iterable[Span], answers: Iterable[Answer]) -> str:
    mine = [span for span in spans if span.speaker == proposal.speaker]
    if all(any(span.start_s <= start_s and end_s <= span.end_s for span in mine) for start_s, end_s in proposal.places):
        return State.TAKEN_OUT
    return State.LEFT_IN if any(_answers(answer, proposal) for answer in answers) else State.OPEN


def _answers(answer: Answer, proposal: Proposal) -> bool:
    """Whether an answer was given to this proposal, or to what an earlier transcript had in its place."""
    same = answer.speaker == proposal.speaker and answer.kind == proposal.kind
    if proposal.translation:  # any number of names has the time of their sentence
        same &= answer.translated >= len(proposal.heard)
    else:
        same &= not answer.translated
    return (
        same
        and answer.start_s - _CLOSE_S <= proposal.start_s < answer.end_s
        and answer.start_s < proposal.end_s <= answer.end_s + _CLOSE_S
    )


def _all(transcript: Transcript, protected: tuple[str, ...], params: FindParams, finder: Finder) -> Iterator[Found]:
    words = [word.text for word in transcript.words]
    yield from recognise(words, protected)
    if transcript.language != READS:
        return
    for first, batch in _batches(transcript, params.batch_words):
        numerals, place = with_numerals(batch)
        wanted = {
            Found(found.first, found.last, found.kind, found.reason)
            for found in finder.find(batch)
            if (found.kind is not Kind.UNKNOWN or params.unknown_words)
            and (found.kind is not Kind.GROUP or params.groups)
        }
        if numerals != batch:  # forms are read in figures; what is known by its sense is read as it was said
            wanted |= {
                Found(place[found.first][0], place[found.last][1], found.kind, found.reason)
                for found in finder.find(numerals)
                if found.kind not in BY_SENSE
            }
        yield from (Found(first + f.first, first + f.last, f.kind, f.reason) for f in sorted(wanted))


def _batches(transcript: Transcript, size: int) -> Iterator[tuple[int, list[str]]]:
    """Whole segments up to about so many words, with the number of their first word."""
    first, batch = 0, list[str]()
    for segment in transcript.segments:
        batch += (word.text for word in segment.words)
        if len(batch) >= size:
            yield first, batch
            first, batch = first + len(batch), []
    if batch:
        yield first, batch


def _grouped(found: Iterable[Found], words: Sequence[str]) -> Iterator[list[Found]]:
    """Finds that share a word, and parts of one name side by side, together."""
    group, reach = list[Found](), -1
    for one in sorted(found):
        if group and one.first > reach and not (one.first == reach + 1 and _one_name(group[-1], one, words)):
            yield group
            group, reach = [], -1
        group.append(one)
        reach = max(reach, one.last)
    if group:
        yield group


def _one_name(before: Found, after: Found, words: Sequence[str]) -> bool:
    return {before.kind, after.kind} <= BY_SENSE and words[before.last][-1:].isalnum()


def _translated(
    english: Transcript, protected: tuple[str, ...], params: FindParams, finder: Finder
) -> Iterator[Proposal]:
    """What in an English translation may identify somebody; of protected words `translate.english` sees to it that they go."""
    gone = matching.covered([word.text for word in english.words], protected)
    found = [one for one in _all(english, protected, params, finder) if not gone.issuperset(_words_of(one))]
    first = 0
    for segment in english.segments:
        own = range(first, first + len(segment.words))
        first = own.stop
        if here := [one for one in found if one.first < own.stop and own.start <= one.last]:
            surest = sorted(here, key=lambda one: (ORDER.index(one.kind), one.first - one.last))
            told = sorted({index for one in here for index in _words_of(one) if index in own})
            end_s = max(segment.start_s + _CLOSE_S, segment.end_s)  # an answer needs a stretch to hold for
            yield Proposal(
                segment.start_s,
                end_s,
                english.speaker,
                surest[0].kind,
                tuple(dict.fromkeys(one.reason for one in surest)),
                tuple(segment.words[index - own.start].text for index in told),
                ((segment.start_s, end_s),),
                translation=True,
            )


def _words_of(found: Found) -> range:
    return range(found.first, found.last + 1)


def _proposal(transcript: Transcript, group: list[Found], where: Sequence[Place]) -> Proposal:
    first, last = group[0].first, max(one.last for one in group)
    surest = sorted(group, key=lambda one: (ORDER.index(one.kind), one.first - one.last))
    said = where[first : last + 1]
    return Proposal(
        min(place.start_s for place in said),
        max(place.end_s for place in said),
        transcript.speaker,
        surest[0].kind,
        tuple(dict.fromkeys(one.reason for one in surest)),
        tuple(word.text for word in transcript.words[first : last + 1]),
        tuple((place.start_s, place.end_s) for place in said),
    )
