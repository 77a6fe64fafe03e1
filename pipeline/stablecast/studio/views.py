"""What the studio answers: frozen values that the command line and the web page show. docs/cli.md describes their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stablecast.engine.workflow import State
from stablecast.findings import Finding
from stablecast.model import Role
from stablecast.runner import Progress as Progress


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage of one episode."""

    stage: str
    up_to_date: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class GateView:
    """The gate an episode stands before; `reason` null means somebody may pass it now."""

    name: str
    reason: str | None
    next: str


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """An approval of the cut as it is."""

    role: Role
    at: str


@dataclass(frozen=True, slots=True)
class EpisodeView:
    """An episode in `status`."""

    episode: str
    state: str
    method: str
    tracks: int
    cut: str | None  # digest H of the frozen cut, if it is made from what is there now
    approvals: tuple[ApprovalView, ...]
    gate: GateView | None
    published_on: str | None
    doubts: int  # places where words may be made up: see `DoubtsView`
    stages: tuple[StageView, ...]
    kept: KeptView | None = (
        None  # how long its recording, or all that is left of it, is kept; None: not looked at yet, or gone
    )


@dataclass(frozen=True, slots=True)
class RemoteView:
    """A place elsewhere where something of ours lies."""

    target: str
    files: int
    still_up: bool  # something that was taken back; every command tries again


@dataclass(frozen=True, slots=True)
class StatusView:
    """The answer to `status`."""

    demo: bool
    episodes: tuple[EpisodeView, ...]
    remotes: tuple[RemoteView, ...] = ()
    notes: tuple[str, ...] = ()  # what is still to be done

    @property
    def damaged(self) -> bool:
        """Whether an episode's files cannot be trusted or read."""
        return any(episode.state == State.DAMAGED for episode in self.episodes)


@dataclass(frozen=True, slots=True)
class InvariantView:
    """One invariant in `verify`."""

    id: str
    title: str
    holds: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifyView:
    """The answer to `verify`."""

    holds: bool
    keyring: bool  # whether sealed files could be opened as well
    invariants: tuple[InvariantView, ...]


@dataclass(frozen=True, slots=True)
class MeasureView:
    """One file in `measure`."""

    file: str
    duration_s: float
    integrated_lufs_mono: float
    integrated_lufs_dual_mono: float
    true_peak_dbtp: float
    range_lu: float


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding in `lint`."""

    id: str
    severity: str
    source: str
    place: str
    message: str


def finding_view(found: Finding) -> FindingView:
    """A finding as it is answered."""
    return FindingView(found.rule, found.severity, found.source, found.place, found.message)


@dataclass(frozen=True, slots=True)
class LintView:
    """The answer to `lint`."""

    ok: bool
    findings: tuple[FindingView, ...]


@dataclass(frozen=True, slots=True)
class CorrectionView:
    """One decision of a person about a stretch of an episode, in seconds of the recording."""

    start_s: float
    end_s: float
    redact: bool
    speaker: str | None


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A place in the words that may identify somebody, in seconds of the recording."""

    number: int
    start_s: float
    end_s: float
    speaker: str
    translation: bool  # in the English translation: the time is that of the whole sentence
    kind: str
    state: str  # "open", "taken out" or "left in"
    reasons: tuple[str, ...]
    words: str | None = field(repr=False)  # only where they were asked for


@dataclass(frozen=True, slots=True)
class ProposalsView:
    """The answer to `proposals`."""

    episode: str
    open: int
    proposals: tuple[ProposalView, ...]
    doubt: str | None  # what nothing here could read


@dataclass(frozen=True, slots=True)
class EditView:
    """What somebody wrote in place of recognised words; never the words themselves."""

    start_s: float
    end_s: float
    speaker: str
    recognised: int  # words that it replaces
    written: int  # words in their place
    redact: bool
    fits: bool  # whether the words it was made for are still recognised there


@dataclass(frozen=True, slots=True)
class CorrectionsView:
    """All that was decided about an episode's words, oldest first."""

    corrections: tuple[CorrectionView, ...]
    edits: tuple[EditView, ...]
    version: int


@dataclass(frozen=True, slots=True)
class VersionView:
    """A set of decisions there was."""

    number: int
    at: str
    corrections: int
    edits: int
    current: bool


@dataclass(frozen=True, slots=True)
class ImportView:
    """What an imported file changed."""

    edits: int  # in force now
    changed: bool
    still_out: int  # words that lost their mark but go all the same: a rule or a marked stretch takes them out


@dataclass(frozen=True, slots=True)
class TurnView:
    """A stretch of the recording that belongs to one speaker, in seconds."""

    start_s: float
    end_s: float
    speaker: str


@dataclass(frozen=True, slots=True)
class TurnsView:
    """The answer to `turns`."""

    turns: tuple[TurnView, ...]
    seconds: Mapping[str, float]  # of each speaker
    doubt: str | None  # why these turns may be wrong from end to end


@dataclass(frozen=True, slots=True)
class DoubtView:
    """A stretch of the recording, in seconds, in which words may have been recognised that nobody said."""

    start_s: float
    end_s: float
    speaker: str
    translation: bool  # in the English captions of an episode in another language
    suspicion: str
    reason: str


@dataclass(frozen=True, slots=True)
class DoubtsView:
    """The answer to `doubts`."""

    episode: str
    doubts: tuple[DoubtView, ...]


@dataclass(frozen=True, slots=True)
class AccountView:
    """A person who works with the show."""

    name: str
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class SentView:
    """One file that was sent elsewhere."""

    path: str
    number: int
    total: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PushView:
    """What was sent to a place elsewhere, or would be."""

    target: str
    dry_run: bool
    new: tuple[str, ...]
    replaced: tuple[str, ...]
    deleted: tuple[str, ...]
    unchanged: int
    foreign: tuple[str, ...]  # in the way, and not put there by us: replaced only with --adopt
    problems: tuple[str, ...]  # in what the server answers, each with what to do
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PublishView:
    """What `publish` did."""

    published: tuple[str, ...]
    waiting: tuple[tuple[str, str], ...]  # episode, why not
    dropped: tuple[str, ...]  # files that lay in the public folder and belong to no release
    feed: str
    targets: tuple[PushView, ...] = ()  # where it was sent on


@dataclass(frozen=True, slots=True)
class TargetView:
    """A place elsewhere, as settings and database know it."""

    target: str
    url: str
    files: int
    still_up: bool


@dataclass(frozen=True, slots=True)
class PlaceView:
    """A place where copies of a withdrawn episode may live."""

    place: str
    what: str
    done_at: str | None
    by: str | None


@dataclass(frozen=True, slots=True)
class PlacesView:
    """The answer to `places`."""

    episode: str
    places: tuple[PlaceView, ...]
    remotes: tuple[RemoteView, ...]


@dataclass(frozen=True, slots=True)
class WithdrawView:
    """What `withdraw` did."""

    episode: str
    was_public: bool
    places: tuple[str, ...]  # where copies may still live
    checklist: tuple[PlaceView, ...] = ()  # the same, to be ticked off
    remotes: tuple[RemoteView, ...] = ()
    erased: bool = False  # and everything of it is destroyed
    notes: tuple[str, ...] = ()  # what is still to be done


@dataclass(frozen=True, slots=True)
class PurgeView:
    """What `purge` did."""

    episode: str
    before: bool  # it was destroyed already


@dataclass(frozen=True, slots=True)
class KeptView:
    """How long something of an episode is kept."""

    why: str  # "published", "unreleased" or "withdrawn"
    what: str  # "raw": the recording; "episode": everything
    days_left: int
    soon: bool  # it is announced
    stopped: bool  # a hold stops the time


@dataclass(frozen=True, slots=True)
class BackupView:
    """What `backup` wrote."""

    file: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RestoreView:
    """What `restore` put in place."""

    show: str
    withdrawn: tuple[str, ...]  # episodes that were withdrawn after the backup was made, and are so now
    keyring: bool  # whether the keyring is on this machine


@dataclass(frozen=True, slots=True)
class RowView:
    """One entry of the audit log."""

    seq: int
    at: str
    actor: str
    action: str
    episode: str
    detail: str
