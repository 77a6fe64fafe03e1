"""The use cases, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stablecast.errors import UsageRefused
from stablecast.model import Alias, Correction, Digest, Item, Method, Role, Turn
from stablecast.runner import Progress
from stablecast.stages.ingest import IngestParams
from stablecast.store.workspace import Workspace
from stablecast.studio import (
    checking,
    doctor,
    evidence,
    finding,
    intake,
    making,
    pictures,
    proofreading,
    release,
    reports,
    voices,
)
from stablecast.studio.doctor import CheckView
from stablecast.studio.evidence import EvidenceView
from stablecast.studio.finding import Given
from stablecast.studio.intake import Additions, SealedPerson
from stablecast.studio.pictures import FilmView
from stablecast.studio.show import Clock, OpenShow, named, utc_now
from stablecast.studio.views import (
    AccountView,
    CorrectionsView,
    DoubtsView,
    FindingView,
    ImportView,
    LintView,
    MeasureView,
    ProposalsView,
    PublishView,
    RowView,
    StatusView,
    TurnsView,
    VerifyView,
    VersionView,
    WithdrawView,
)
from stablecast.studio.voices import FIRST, DonorView, RenderView, SampleView, VoicesView


class Studio:
    """A show folder and what can be done with it. The passphrase is asked for only by what opens sealed files.

    Every method may raise `StablecastError`: one sentence, one exit code.
    """

    def __init__(self, root: Path, passphrase: Callable[[], str], clock: Clock = utc_now) -> None:
        self.root = root
        self._passphrase = passphrase
        self._clock = clock

    @contextmanager
    def _open(self) -> Iterator[OpenShow]:
        with OpenShow(self.root, self._passphrase, self._clock) as show:
            release.take_down_due(show)
            _ = show.settings  # a broken settings file is told by every command, before it does anything
            yield show

    # --- a show and its people

    def init(self, *, demo: bool = False) -> Path:
        """Make the show folder."""
        return intake.init(self.root, self._passphrase(), demo=demo).root

    def add_user(self, name: str, roles: tuple[Role, ...], password: str) -> None:
        with self._open() as show:
            intake.add_user(show, name, roles, password)

    def users(self) -> tuple[AccountView, ...]:
        with self._open() as show:
            return intake.users(show)

    def consent(self, episode: str, items: tuple[Item, ...], person: SealedPerson) -> str:
        """Record what the young person said yes to; the receipt code is returned once and kept nowhere."""
        with self._open() as show:
            return intake.consent(show, episode, items, person)

    # --- an episode

    def add(
        self,
        episode: str,
        recordings: tuple[tuple[Alias, Path], ...],
        additions: Additions,
        together: tuple[Alias, ...] = (),
    ) -> bool:
        """Take in recordings or words; True when the episode is new. `together`: these people share one recording."""
        with self._open() as show:
            return intake.add(show, episode, recordings, additions, together)

    def turns(self, episode: str) -> TurnsView:
        """Who speaks when in an episode with one recording of several people."""
        with self._open() as show:
            return intake.turns(show, episode)

    def set_turns(self, episode: str, more: tuple[Turn, ...], *, undo: bool = False) -> TurnsView:
        """Say who speaks in a stretch of it."""
        with self._open() as show:
            return intake.set_turns(show, episode, more, undo=undo)

    def corrections(self, episode: str) -> CorrectionsView:
        """What was decided by hand."""
        with self._open() as show:
            return proofreading.corrections(show, episode)

    def correct(
        self, episode: str, more: tuple[Correction, ...], *, undo: bool = False, in_file: bool = False
    ) -> CorrectionsView:
        """Decide what is taken out or left in; with `in_file` the times are those of the finished file."""
        with self._open() as show:
            return proofreading.correct(show, episode, more, undo=undo, in_file=in_file)

    def restore(self, episode: str, version: int) -> CorrectionsView:
        """Go to another version of what was decided."""
        with self._open() as show:
            return proofreading.restore(show, episode, version)

    def versions(self, episode: str) -> tuple[VersionView, ...]:
        """Every version of what was decided."""
        with self._open() as show:
            return proofreading.versions(show, episode)

    def export_words(self, episode: str, file: Path) -> None:
        """The words in clear, in a file to edit."""
        with self._open() as show:
            proofreading.export_words(show, episode, file)

    def import_words(self, episode: str, file: Path) -> ImportView:
        """Such a file, edited."""
        with self._open() as show:
            return proofreading.import_words(show, episode, file)

    def proposals(
        self, episode: str, given: Given | None = None, *, quote: bool = False
    ) -> Iterator[Progress | ProposalsView]:
        """What may identify somebody, after `given` answers; its words are made first where they are not. `quote`: with them."""
        with self._open() as show:
            yield from finding.proposals(show, episode, given, quote=quote)

    def run(self, episodes: tuple[str, ...], *, jobs: int, producer: str | None = None) -> Iterator[Progress]:
        """Bring episodes up to date, telling what happens."""
        with self._open() as show:
            yield from making.run(show, episodes, jobs=jobs, producer=producer)

    def status(self, episodes: tuple[str, ...] = ()) -> StatusView:
        with self._open() as show:
            return making.status(show, episodes)

    def doubts(self, episode: str) -> DoubtsView:
        """Where words may have been recognised that nobody said."""
        with self._open() as show:
            return making.doubts(show, episode)

    def export(self, episode: str, folder: Path) -> tuple[Path, ...]:
        """The frozen cut as files, to be heard and read."""
        with self._open() as show:
            return making.export(show, episode, folder)

    def evidence(self, episode: str) -> EvidenceView:
        """What became of each protected word, and every figure measured; it quotes the words."""
        with self._open() as show:
            return evidence.evidence(show, episode)

    # --- its voices

    def voices(self) -> VoicesView:
        """The characters to choose from; needs no show."""
        return voices.voices(Workspace(self.root))

    def preview(
        self, episode: str, folder: Path | None = None, speaker: Alias | None = None
    ) -> Iterator[Progress | SampleView]:
        """The same seconds of an episode in every character."""
        with self._open() as show:
            yield from voices.preview(show, episode, folder, speaker)

    def render(
        self, source: Path, target: Path, *, character: str = FIRST, method: Method | None = None
    ) -> Iterator[RenderView]:
        """A folder of recordings, each in a voice of its own; needs no show."""
        return voices.render(Workspace(self.root), source, target, character, method)

    def choose(self, episode: str, character: str, speaker: Alias | None = None) -> None:
        """Give a speaker a character."""
        with self._open() as show:
            voices.choose(show, episode, character, speaker)

    def redraw(self, episode: str, speaker: Alias | None = None) -> None:
        """Draw the voices of an episode again."""
        with self._open() as show:
            voices.redraw(show, episode, speaker)

    def recur(self, episode: str, voice: str, speaker: Alias | None = None) -> None:
        """Keep a speaker's voice for other episodes, or use a kept one; the young person was told what it costs."""
        with self._open() as show:
            voices.recur(show, episode, voice, speaker)

    def recur_no_more(self, episode: str, speaker: Alias | None = None) -> tuple[str, ...]:
        """Destroy a recurring voice; the episodes that get another."""
        with self._open() as show:
            return voices.recur_no_more(show, episode, speaker)

    def build_donor(self, name: str, recordings: tuple[Path, ...]) -> DonorView:
        """Make a donor out of recordings."""
        with self._open() as show:
            return voices.build(show, name, recordings)

    # --- the gates

    def approve(self, episode: str, role: Role, account: str, password: str, digest: str | None = None) -> Digest:
        """One person's yes to one cut."""
        with self._open() as show:
            return release.approve(show, episode, role, account, password, digest)

    def publish(self, episodes: tuple[str, ...] = ()) -> PublishView:
        with self._open() as show:
            return release.publish(show, episodes)

    def withdraw(self, episode: str | None, receipt: str | None) -> WithdrawView:
        """Out of the world, at once."""
        with OpenShow(self.root, self._passphrase, self._clock) as show:
            return release.withdraw(show, episode, receipt)

    # --- what is made of an approved episode

    def audiograms(
        self,
        episode: str,
        folder: Path,
        shapes: tuple[str, ...] = pictures.SHAPES,
        *,
        clip: tuple[float, float] | None = None,
        captions_only: bool = False,
    ) -> Iterator[Progress | FilmView]:
        """Films of an approved episode in some of `pictures.SHAPES`, or of a clip of it, in seconds of the finished file."""
        with self._open() as show:
            yield from pictures.audiograms(show, episode, folder, shapes, clip=clip, captions_only=captions_only)

    def report(self, episode: str, file: Path) -> None:
        """What was measured of an episode, as a page for staff."""
        with self._open() as show:
            reports.report(show, episode, file)

    # --- looking

    def verify(self, *, deep: bool = False) -> VerifyView:
        with OpenShow(self.root, self._passphrase, self._clock) as show:
            return checking.verify(show, deep=deep)

    def audit(self) -> tuple[RowView, ...]:
        with self._open() as show:
            return checking.audit(show)

    def lint(self, feed: Path | None = None) -> LintView:
        """What our rules find in a feed: one that is named, else the show's own."""
        if feed is not None:
            return checking.lint(feed, "")
        with self._open() as show:
            return checking.lint(show.workspace.public, show.settings.show.url)

    def knows(self, episode: str) -> bool:
        """Whether there is a show here with an episode of this name."""
        try:
            with OpenShow(self.root, self._passphrase, self._clock) as show:
                return show.state.episode(named(episode)) is not None
        except UsageRefused:
            return False

    def lint_episode(self, episode: str) -> LintView:
        """What our rules find in an episode's captions and in the words about it."""
        with self._open() as show:
            return checking.lint_episode(show, episode)

    def wording(self, additions: Additions) -> tuple[FindingView, ...]:
        """Labels in words that are about to be added."""
        with self._open() as show:
            return intake.wording(show, additions)

    def doctor(self) -> tuple[CheckView, ...]:
        """What on this machine would stop the work; needs no show."""
        return doctor.doctor(self.root)

    def measure(self, files: tuple[Path, ...]) -> tuple[MeasureView, ...]:
        """Loudness, peak and range of files; needs no show."""
        params = IngestParams()
        return checking.measure(files, params.max_bytes, params.max_duration_s)
