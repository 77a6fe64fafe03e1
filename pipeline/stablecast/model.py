"""The values that flow through Stablecast. Frozen; numpy and the standard library only.

The types are the barrier between a voice and the world:

    SourceAudio → RedactedAudio → AnonymisedAudio → Programme → Master → Enclosure
    Transcript (sealed) → PublicTranscript

Only `stages.revoice` takes a `RedactedAudio`; only `stages.approve` makes an `ApprovedEpisode`; only that can be published.
Types stop accidents, not a determined caller: the threat model says so.
"""

from __future__ import annotations

import enum
import itertools
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import NewType

import numpy as np
from numpy.typing import NDArray

Lufs = NewType("Lufs", float)  # loudness relative to full scale, ITU-R BS.1770
Dbtp = NewType("Dbtp", float)  # true peak relative to full scale, BS.1770 annex 2
Slug = NewType("Slug", str)  # an episode's name within a show: checked by `slug_of`
Alias = NewType("Alias", str)  # what a speaker is called in public; never a real name
Digest = NewType("Digest", str)  # sha256, or HMAC-SHA256 under an episode's key, as 64 hex digits

Block = NDArray[np.float32]  # consecutive mono samples, full scale ±1

BLOCK_SAMPLES = 65_536

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


def slug_of(text: str) -> Slug:
    """`text` as an episode's slug: 1 to 64 of a–z, 0–9 and inner hyphens. Raises ValueError otherwise."""
    if not _SLUG.fullmatch(text):
        raise ValueError("an episode's name is 1 to 64 small letters a–z, digits and hyphens, such as ep-014")
    return Slug(text)


# --- audio ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """Mono audio that can be read again and again, block by block, so that four hours take the memory of one minute.

    `blocks()` starts a new reading each time; its blocks are read-only float32 of any length ≥ 1 and add up to `length`.
    """

    rate_hz: int
    length: int  # samples
    blocks: Callable[[], Iterator[Block]]

    def __post_init__(self) -> None:
        if self.rate_hz <= 0 or self.length < 0:
            raise ValueError(f"no such audio: {self.length} samples at {self.rate_hz} Hz")

    @property
    def duration_s(self) -> float:
        return self.length / self.rate_hz

    @classmethod
    def of(cls, samples: NDArray[np.floating], rate_hz: int) -> Waveform:
        """Audio that is already in memory. The samples are copied and frozen."""
        kept = np.array(samples, dtype=np.float32).reshape(-1)
        kept.setflags(write=False)

        def blocks() -> Iterator[Block]:
            for start in range(0, len(kept), BLOCK_SAMPLES):
                yield kept[start : start + BLOCK_SAMPLES]

        return cls(rate_hz, len(kept), blocks)

    def read(self) -> Block:
        """The whole of it in memory: for short audio and for tests."""
        pieces = list(self.blocks())
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)

    def through(
        self,
        process: Callable[[Iterator[Block]], Iterator[Block]],
        *,
        rate_hz: int | None = None,
        length: int | None = None,
    ) -> Waveform:
        """This audio with `process` applied at each reading; nothing is computed before somebody reads."""
        return Waveform(
            self.rate_hz if rate_hz is None else rate_hz,
            self.length if length is None else length,
            lambda: process(self.blocks()),
        )


class Method(enum.StrEnum):
    """How a voice is changed."""

    RESYNTHESIS = "resynthesis"
    NORMALISE = "normalise"
    SPEECH = "speech"
    PITCH = "pitch"


class Replacement(enum.StrEnum):
    """What is heard in place of redacted words."""

    TONE = "tone"
    SILENCE = "silence"
    CUT = "cut"  # nothing: what was said before and after meet


class Cause(enum.StrEnum):
    """Why a span is redacted."""

    PROTECTED = "protected"  # one of the episode's protected words
    PERSON = "person"  # somebody marked it


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of the source that must not be heard, guard included. Sealed: `heard` holds the words it covers."""

    start_s: float
    end_s: float
    speaker: Alias
    cause: Cause = Cause.PROTECTED
    heard: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s:
            raise ValueError(f"a span must end after it starts: {self.start_s}–{self.end_s} s")


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """A stretch of a recording of several people that belongs to one of them: their speech, and the pauses in it."""

    start_s: float
    end_s: float
    speaker: Alias

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s:
            raise ValueError(f"a turn must end after it starts: {self.start_s}–{self.end_s} s")


@dataclass(frozen=True, slots=True, eq=False)
class SourceAudio:
    """One speaker's own voice."""

    speaker: Alias
    waveform: Waveform


@dataclass(frozen=True, slots=True, eq=False)
class RedactedAudio:
    """One speaker's own voice; in `spans` there are zeros instead of samples."""

    speaker: Alias
    waveform: Waveform
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AnonymisedAudio:
    """One speaker in another voice, in the source's timing; silent in `spans`."""

    speaker: Alias
    waveform: Waveform
    spans: tuple[Span, ...]
    method: Method


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """All speakers mixed, redactions made audible, stings before and after. Not yet levelled."""

    waveform: Waveform
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class Loudness:
    """What a meter says of one mono signal (BS.1770-5, EBU R 128, EBU Tech 3342).

    A mono file counts once when measured as mono and twice when played on two speakers: dual-mono is 3.01 LU more.
    """

    mono: Lufs
    true_peak: Dbtp
    range_lu: float

    @property
    def dual_mono(self) -> Lufs:
        return Lufs(self.mono + 10 * float(np.log10(2)))


@dataclass(frozen=True, slots=True, eq=False)
class Master:
    """The programme at its target loudness and under its peak ceiling."""

    waveform: Waveform
    timeline: Timeline
    gain_db: float
    before: Loudness


@dataclass(frozen=True, slots=True)
class Encoded:
    """A compressed file without tags, measured after encoding."""

    data: bytes = field(repr=False)
    media_type: str
    duration_s: float
    loudness: Loudness
    passes: int  # encodings needed to land on the target


@dataclass(frozen=True, slots=True)
class Enclosure:
    """The finished file as a listener gets it: tagged, chaptered."""

    data: bytes = field(repr=False)
    media_type: str
    duration_s: float


# --- words ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word. A word the recogniser could not place in time has no times."""

    text: str
    start_s: float | None
    end_s: float | None
    probability: float

    def __post_init__(self) -> None:
        if (self.start_s is None) != (self.end_s is None):
            raise ValueError("a word has both times or none")


@dataclass(frozen=True, slots=True)
class Segment:
    """What a recogniser returns as one piece: roughly a sentence."""

    start_s: float
    end_s: float
    words: tuple[Word, ...]
    avg_logprob: float
    no_speech_prob: float


class Suspicion(enum.StrEnum):
    """Why recognised words may never have been said."""

    SILENCE = "silence"
    NO_SPEECH = "no-speech"
    LOOP = "loop"
    RATE = "rate"
    UNTIMED = "untimed"
    SEAM = "seam"


_SUSPECTED: Mapping[Suspicion, str] = {
    Suspicion.SILENCE: "words were recognised where the recording is silent",
    Suspicion.NO_SPEECH: "the recogniser was not sure that anybody speaks here",
    Suspicion.LOOP: "the same words come again and again",
    Suspicion.RATE: "nobody speaks this fast or this slowly",
    Suspicion.UNTIMED: "words were recognised that could not be placed in time",
    Suspicion.SEAM: "the recogniser began to hear anew here, and may have heard the end of a word as another",
}


@dataclass(frozen=True, slots=True, order=True)
class Doubt:
    """A stretch of the source in which what was recognised may be made up: for a person to hear. It never holds a word."""

    start_s: float
    end_s: float
    suspicion: Suspicion

    @property
    def reason(self) -> str:
        """Why, in plain words."""
        return _SUSPECTED[self.suspicion]


@dataclass(frozen=True, slots=True)
class Transcript:
    """What one speaker said, as recognised from the source, or that in English. Sealed."""

    speaker: Alias
    language: str  # ISO 639-1
    segments: tuple[Segment, ...]
    doubts: tuple[Doubt, ...] = ()  # in order of time

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for segment in self.segments for word in segment.words)


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person decided about a stretch of time: take it out, or leave it in although a rule took it out."""

    start_s: float
    end_s: float
    redact: bool
    speaker: Alias | None = None  # None: every speaker


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person wrote in place of some recognised words. Sealed.

    Keyed to those words, to their neighbours and to their time in the recording, so that it is found again in another
    transcript, or is seen to fit no more.
    """

    speaker: Alias
    start_s: float
    end_s: float
    words: tuple[str, ...]  # as they were recognised; none where a word was missed
    before: tuple[str, ...]  # up to five words before them, and after them
    after: tuple[str, ...]
    text: tuple[str, ...]  # what is said there; none where nothing is
    redact: bool = False  # marked: it has to be taken out


REDACTED = "[removed]"  # the one token that stands for redacted words in every text; it tells neither kind nor length


@dataclass(frozen=True, slots=True)
class PublicWord:
    """A word that may be read in public, with the time that places it in a cue. `REDACTED` stands for removed words."""

    text: str
    start_s: float
    end_s: float
    speaker: Alias
    ends_segment: bool = False


@dataclass(frozen=True, slots=True)
class PublicTranscript:
    """The redacted words of all speakers in order of time."""

    language: str
    words: tuple[PublicWord, ...]


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is taken out, and what is left to read."""

    spans: tuple[Span, ...]
    public: PublicTranscript
    unfit: tuple[Edit, ...] = ()  # what people wrote in place of words that are not recognised any more


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption. Times are rounded to phrase level before they get here."""

    start_ms: int
    end_ms: int
    speaker: Alias
    text: str

    def __post_init__(self) -> None:
        if not 0 <= self.start_ms < self.end_ms:
            raise ValueError(f"a cue must end after it starts: {self.start_ms}–{self.end_ms} ms")


@dataclass(frozen=True, slots=True)
class Chapter:
    """A named place in an episode, in seconds of the published file."""

    start_s: float
    title: str


@dataclass(frozen=True, slots=True)
class Translation:
    """The same episode's cues in another language than the one spoken."""

    language: str
    cues: tuple[Cue, ...]


@dataclass(frozen=True, slots=True)
class Captions:
    """An episode's cues and the chapters shown with them."""

    language: str
    cues: tuple[Cue, ...]
    chapters: tuple[Chapter, ...]
    translations: tuple[Translation, ...] = ()


# --- where the recording is heard in the finished file ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A stretch of the recording that nobody hears, and how long what stands in its place lasts."""

    start_s: float
    end_s: float
    heard_s: float  # 0 where it was cut out

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s or self.heard_s < 0:
            raise ValueError(f"no such gap: {self.start_s}–{self.end_s} s, heard for {self.heard_s} s")


@dataclass(frozen=True, slots=True)
class Timeline:
    """Where each time of the recording is heard in the finished file: words, chapters and places move by this and nothing else.

    `gaps` are in order and apart. Outside them a second stays a second, so that every time that is kept has exactly one
    place in the file, and back; a gap holds its start and not its end.
    """

    opening_s: float = 0.0  # where the speech starts: time 0 of the recording is heard then
    gaps: tuple[Gap, ...] = ()

    def __post_init__(self) -> None:
        if any(one.end_s > other.start_s for one, other in itertools.pairwise(self.gaps)):
            raise ValueError("gaps are in order and apart")

    def heard_s(self, source_s: float) -> float:
        """When a time of the recording is heard; within a gap, as far into what stands for it. Never goes back."""
        moved_s, before_s = self.opening_s + source_s, self.opening_s
        for gap in self.gaps:
            if source_s < gap.start_s:
                break
            length_s = gap.end_s - gap.start_s
            if source_s < gap.end_s:  # from its start on, or rounding would go back in a gap that lasts nothing
                return before_s + gap.start_s + (source_s - gap.start_s) / length_s * gap.heard_s
            moved_s -= length_s - gap.heard_s
            before_s -= length_s - gap.heard_s
        return moved_s

    def source_s(self, heard_s: float) -> float:
        """The time of the recording that is heard then; where two meet at a cut, the later one."""
        time_s = heard_s - self.opening_s
        for gap in self.gaps:
            if time_s < gap.start_s:
                break
            into_s, length_s = time_s - gap.start_s, gap.end_s - gap.start_s
            if into_s < gap.heard_s:
                return gap.start_s + into_s * length_s / gap.heard_s
            time_s += length_s - gap.heard_s
        return time_s

    def words(self, public: PublicTranscript) -> PublicTranscript:
        """The words at the times at which they are heard, counting from where the speech starts.

        What stands for removed words takes the time of the gap, whatever was said there.
        """
        return replace(public, words=tuple(map(self._word, public.words)))

    def _word(self, word: PublicWord) -> PublicWord:
        start_s, end_s = word.start_s, word.end_s
        if word.text == REDACTED:
            covering = [gap for gap in self.gaps if gap.start_s <= end_s and start_s <= gap.end_s]
            if covering:
                start_s, end_s = covering[0].start_s, covering[-1].end_s
        before_s = self.opening_s
        return replace(word, start_s=self.heard_s(start_s) - before_s, end_s=self.heard_s(end_s) - before_s)


def hearing(timeline: Timeline) -> Callable[[float], float]:
    """`Timeline.heard_s` for thousands of times: each is found by halving, not by walking along the gaps."""
    starts = [gap.start_s for gap in timeline.gaps]
    lost = [0.0, *itertools.accumulate(gap.end_s - gap.start_s - gap.heard_s for gap in timeline.gaps)]

    def heard_s(source_s: float) -> float:
        at = bisect_right(starts, source_s)
        if not at:
            return timeline.opening_s + source_s
        gap = timeline.gaps[at - 1]
        if source_s < gap.end_s:
            inside = (source_s - gap.start_s) / (gap.end_s - gap.start_s)
            return timeline.opening_s - lost[at - 1] + gap.start_s + inside * gap.heard_s
        return timeline.opening_s + source_s - lost[at]

    return heard_s


# --- an episode and its show ------------------------------------------------------------------------------------------


WHERE = re.compile(r"start|middle|end|throughout|\d{1,3}(?:-\d{1,3})?")  # a part of an episode, or its minutes


@dataclass(frozen=True, slots=True)
class ContentNote:
    """One thing that is coming: what, and roughly where. `where` is "" or fits `WHERE`."""

    kind: str
    where: str = ""

    def __post_init__(self) -> None:
        if not self.kind.strip():
            raise ValueError("kind is empty; say in plain words what is coming")
        if self.where and not WHERE.fullmatch(self.where):
            raise ValueError("where is start, middle, end, throughout, a minute such as 12, or minutes such as 12-15")


class Kind(enum.StrEnum):
    """What an episode is among the others (Apple)."""

    FULL = "full"
    TRAILER = "trailer"  # what the show, or a season, will be about
    BONUS = "bonus"  # something besides


@dataclass(frozen=True, slots=True)
class Details:
    """What listeners read about an episode. Sealed until it is published."""

    title: str
    summary: str = ""
    content_note: str = ""  # what is coming, in plain words; "none" is an answer, "" is not
    outcomes: tuple[str, ...] = ()  # keys of config/outcomes.toml
    chapters: tuple[Chapter, ...] = ()
    explicit: bool = False
    notes: tuple[ContentNote, ...] = ()  # besides `content_note`: kind by kind, with where
    kind: Kind = Kind.FULL
    season: int = 0  # counting from 1; 0 for none

    def __post_init__(self) -> None:
        if not 0 <= self.season <= 999:
            raise ValueError("season is from 1 to 999, or 0 for none")

    @property
    def noted(self) -> bool:
        """Whether somebody wrote a content note, or that none is needed."""
        return bool(self.content_note or self.notes)

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Every text that staff wrote, with the place where it stands: not what anybody said."""
        return (
            ("title", self.title),
            ("summary", self.summary),
            ("content note", " ".join((self.content_note, *(note.kind for note in self.notes)))),
            *((f"chapter {number}", chapter.title) for number, chapter in enumerate(self.chapters, 1)),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """One of the outcomes the young people of the study named, under a General Principle of the UNCRC."""

    key: str
    title: str
    principle: str  # key of the principle


@dataclass(frozen=True, slots=True)
class Principle:
    """A General Principle of the UN Convention on the Rights of the Child."""

    key: str
    title: str
    article: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """config/outcomes.toml."""

    principles: tuple[Principle, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class ShowInfo:
    """What a podcast says of itself in its feed: config/show.toml, table [show]."""

    title: str = "An untitled show"
    summary: str = "Young people in their own words. We change how everyone sounds."
    language: str = "en-gb"
    url: str = "https://podcast.example/"  # where feed/ will be served; ends with a slash
    author: str = "An untitled organisation"  # an organisation, never a person
    owner_email: str = "podcast@podcast.example"  # a role mailbox, never a person's
    category: str = "Society & Culture"
    subcategory: str = "Personal Journals"
    copyright: str = ""
    support: str = ""  # where a listener finds help; a line for each place, if there are several


class Role(enum.StrEnum):
    """What an account may do. One person may have several roles, never two for one cut."""

    YOUNG_PERSON = "young-person"
    PRODUCER = "producer"
    REVIEWER = "reviewer"
    LEAD = "lead"


class Item(enum.StrEnum):
    """What a young person is asked about, one by one."""

    RECORDING = "recording"  # keep the recording, sealed, while the episode is made
    CHANGED_VOICE = "changed-voice"  # publish what was said in a changed voice
    WORDS = "words"  # publish the words as text and captions
    PODCAST = "podcast"  # offer the episode in podcast apps
    PAGE = "page"  # show the episode on the show's own page
    VIDEO = "video"  # make films of it: its sound, its cover and its words in the picture
    SAME_VOICE = (
        "same-voice"  # sound the same in several episodes: asked by `voices recurring`, which says what it costs
    )


@dataclass(frozen=True, slots=True)
class PublicFile:
    """A file as the world gets it, at its path below the public root."""

    path: PurePosixPath
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TextFile:
    """One file of the words of an episode, besides its WebVTT and SRT: another format, or another language."""

    path: PurePosixPath
    media_type: str
    language: str
    timed: bool  # it holds times, so an app may show it along with the sound


@dataclass(frozen=True, slots=True)
class PublicTranslation:
    """Captions in another language than the one spoken, and where their files are."""

    language: str
    vtt: PurePosixPath
    srt: PurePosixPath
    cues: tuple[Cue, ...]


@dataclass(frozen=True, slots=True)
class SmallFile:
    """The same sound in fewer bytes, for those who pay by the megabyte."""

    path: PurePosixPath
    media_type: str
    codec: str  # as RFC 6381 writes it
    bitrate_kbps: int
    size_bytes: int
    sha256: Digest  # of its bytes: an app can tell whether it got what was approved


@dataclass(frozen=True, slots=True)
class PublicEpisode:
    """All that the feed and the site say about one episode: public words only."""

    public_id: str  # 32 random hex digits: file names and page address
    guid: str  # urn:uuid:…, for life
    details: Details
    duration_s: float
    language: str
    enclosure: PurePosixPath
    enclosure_bytes: int
    enclosure_type: str
    vtt: PurePosixPath
    srt: PurePosixPath
    chapters: PurePosixPath
    cues: tuple[Cue, ...]
    transcripts: tuple[TextFile, ...] = ()  # in the order in which apps should look at them
    translations: tuple[PublicTranslation, ...] = ()
    small: SmallFile | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes to exactly the bytes of one cut."""

    role: Role
    account: str  # random account id
    digest: Digest
    at: datetime


@dataclass(frozen=True, slots=True)
class Cut:
    """An episode frozen for approval: every public byte and every public word, under one digest H."""

    digest: Digest
    episode: PublicEpisode
    files: Mapping[PurePosixPath, Digest]  # path → sha256 of the bytes
    consent_version: int
    method: Method
