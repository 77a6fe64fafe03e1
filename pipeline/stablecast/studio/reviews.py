"""What the studio answers to those who review: frozen values that the pages show.

Times are seconds of the finished file. No word that is taken out, no protected word and no name of a source file is in any
of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stablecast.model import Role
from stablecast.studio.views import ApprovalView, FindingView, GateView

YOUNG_PERSON_KNOWN = ("no", "talked", "unsure", "yes")  # could somebody you are afraid of know that it is you?
YOUNG_PERSON_HOW = ("heard", "read", "told")  # how the young person came to know the cut
CHECKLIST = ("names", "places", "others", "note", "captions", "sound")  # what a reviewer looked at; each answered "yes"
RISKS = ("identifiable", "threat", "others", "proceedings", "timing", "support")  # what a lead writes about, in words


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody with an account."""

    id: str
    name: str
    roles: tuple[Role, ...]
    password: str = field(default="", repr=False)  # which one, not what: it changes with the password


@dataclass(frozen=True, slots=True)
class CardView:
    """An episode on the board.

    `lane` is "words", "young-person", "reviewer", "lead", "cooling-off", "ready", "public", "held" or "withdrawn".
    """

    episode: str
    title: str
    state: str
    lane: str
    gate: GateView | None
    cut: str | None
    approvals: tuple[ApprovalView, ...]
    doubts: int
    open_proposals: int
    duration_s: float | None
    changes_waiting: int  # versions of the words that came after those in this cut
    held: bool
    wish: str | None  # "change": somebody asked for another cut; who, see the timeline
    method: str
    speakers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoardView:
    """Every episode of a show."""

    demo: bool
    show_title: str
    cards: tuple[CardView, ...]


@dataclass(frozen=True, slots=True)
class CutView:
    """A frozen cut: what a yes to `digest` is a yes to."""

    episode: str
    digest: str
    short: str  # the digest's first eight digits in two fours, to be compared by eye
    duration_s: float
    bytes: int
    title: str
    summary: str
    content_note: str
    outcomes: tuple[str, ...]
    speakers: tuple[str, ...]
    consent: tuple[str, ...]
    method: str
    made_at: str
    producer_name: str | None
    changed: tuple[str, ...]  # what is other than in the cut before: "sound", "captions", "words", "consent", "method"
    languages: tuple[str, ...]  # of captions: the one spoken first
    approvals: tuple[ApprovalView, ...]


@dataclass(frozen=True, slots=True)
class FileView:
    """A file to be played or shown, in memory alone."""

    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PeaksView:
    """The loudest sample of every stretch of the finished sound, from 0 to 127."""

    per_second: int
    peaks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WordView:
    """One word as it stands now.

    `state`: "" said as recognised, "edited", "marked" (goes with the next run, and is shown until then), or "out" (taken out
    in this cut: `text` null).
    """

    text: str | None = field(repr=False)
    start_s: float
    end_s: float
    probability: float
    state: str


@dataclass(frozen=True, slots=True)
class ParagraphView:
    """What one speaker says in one piece. `id` stays the same however its words are edited."""

    id: str
    speaker: str
    start_s: float
    end_s: float
    words: tuple[WordView, ...]


@dataclass(frozen=True, slots=True)
class PlacedView:
    """What the lint finds in the captions of a paragraph."""

    paragraph: str
    finding: FindingView


@dataclass(frozen=True, slots=True)
class FindingsView:
    """What it would find in the captions of this version of the words, were they made now."""

    version: int
    findings: tuple[PlacedView, ...]


@dataclass(frozen=True, slots=True)
class ManuscriptView:
    """All words of an episode as they stand now, in order of time."""

    episode: str
    version: int  # of the decisions
    decided: int  # the version that the newest cut follows
    language: str
    speakers: tuple[str, ...]
    paragraphs: tuple[ParagraphView, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a paragraph that somebody wrote: word `keep` of it as it was, counting from 0, or a new `text`."""

    keep: int | None = None
    text: str = field(default="", repr=False)
    mark: bool = False  # it has to be taken out


@dataclass(frozen=True, slots=True)
class SavedView:
    """What became of a paragraph. `conflict`: somebody else had changed it, and nothing was written; `paragraph` is theirs."""

    version: int
    paragraph: ParagraphView
    conflict: bool


@dataclass(frozen=True, slots=True)
class StepView:
    """What an undo or a redo did, and where: to be looked at again there."""

    version: int
    paragraph: str | None  # its id; null where a stretch of time changed
    start_s: float


@dataclass(frozen=True, slots=True)
class RedactionView:
    """A stretch that is taken out, will be by the next run, or is left in although a rule would take it out."""

    number: int
    start_s: float
    end_s: float
    speaker: str | None  # null: everybody
    cause: str  # "protected", "person" (a stretch that somebody marked) or "words" (marked in the words)
    by: str  # "young-person" or "staff"
    applied: bool  # in this cut
    movable: bool  # a person's own mark: it can be moved and unmarked; all else can only be added to
    redact: bool  # false: left in


@dataclass(frozen=True, slots=True)
class RedactionsView:
    """Everything that is taken out, in order of time; the numbers hold for this version."""

    version: int
    redactions: tuple[RedactionView, ...]


@dataclass(frozen=True, slots=True)
class HeardView:
    """How much of a cut somebody has heard."""

    share: float  # from 0 to 1
    enough: bool
    missing: tuple[tuple[float, float], ...]
    place_s: float  # where they stopped


@dataclass(frozen=True, slots=True)
class FormView:
    """The answers that went with a yes."""

    role: Role
    at: str
    digest: str
    answers: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class WishView:
    """What somebody asked to be changed in a cut."""

    by: str  # "young-person", "reviewer" or "lead"
    at: str
    digest: str
    note: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LinkView:
    """An opened link: one young person, one episode."""

    id: str
    episode: str
    who: str  # account id
    companion: bool  # a supporter is beside them
    session: str = field(repr=False, default="")  # only from `open_link`, once
    expires_at: str = ""


@dataclass(frozen=True, slots=True)
class TimelineView:
    """Something that was done with an episode, in plain words."""

    at: str
    who: str  # the name of an account of staff, "the young person", or "somebody at this computer"
    what: str


@dataclass(frozen=True, slots=True)
class PreviewView:
    """A voice that a young person may choose."""

    character: str
    words: str
    chosen: bool
