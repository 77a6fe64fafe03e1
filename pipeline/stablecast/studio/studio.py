"""The use cases, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from stablecast.errors import UsageRefused
from stablecast.model import Alias, Correction, Digest, Item, Method, Role, Slug, Turn
from stablecast.runner import Progress
from stablecast.stages.ingest import IngestParams
from stablecast.store import locks
from stablecast.store.uploads import Recording, Uploads
from stablecast.store.workspace import Workspace
from stablecast.studio import (
    backups,
    checking,
    cuts,
    delivering,
    doctor,
    evidence,
    finding,
    gone,
    holding,
    intake,
    keeping,
    listening,
    making,
    manuscripts,
    naming,
    people,
    pictures,
    proofreading,
    release,
    reports,
    reviewing,
    voices,
)
from stablecast.studio import board as boards
from stablecast.studio import design as designing
from stablecast.studio import desk as desks
from stablecast.studio.desk import DeskView, OutcomeView, Written
from stablecast.studio.doctor import CheckView
from stablecast.studio.evidence import EvidenceView
from stablecast.studio.finding import Given
from stablecast.studio.intake import Additions, SealedPerson
from stablecast.studio.keeping import Reason
from stablecast.studio.memory import Memory
from stablecast.studio.pictures import FilmView
from stablecast.studio.reviews import (
    BoardView,
    CardView,
    CutView,
    FileView,
    FindingsView,
    FormView,
    HeardView,
    LinkView,
    ManuscriptView,
    PeaksView,
    PersonView,
    PreviewView,
    RedactionsView,
    SavedView,
    StepView,
    TimelineView,
    Token,
    WishView,
)
from stablecast.studio.show import OPERATOR, Clock, OpenShow, named, utc_now
from stablecast.studio.views import (
    AccountView,
    BackupView,
    CorrectionsView,
    DoubtsView,
    FindingView,
    ImportView,
    KeptView,
    LintView,
    MeasureView,
    PlacesView,
    ProposalsView,
    PublishView,
    PurgeView,
    PushView,
    RestoreView,
    RowView,
    SentView,
    StatusView,
    TargetView,
    TurnsView,
    VerifyView,
    VersionView,
    WithdrawView,
)
from stablecast.studio.voices import FIRST, DonorView, RenderView, SampleView, VoicesView


class Studio:
    """A show folder and what can be done with it. The passphrase is asked for only by what opens sealed files.

    Every method may raise `StablecastError`: one sentence, one exit code. Several threads may call one studio at once; what it
    keeps between calls (the opened keyring, what was read last) is in memory alone.
    """

    def __init__(
        self,
        root: Path,
        passphrase: Callable[[], str],
        clock: Clock = utc_now,
        *,
        asks: bool = True,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`asks`: a person may be asked for the passphrase, so nothing asks for it that they did not begin.

        `say` gets sentences for them about what was done beside what they asked for.
        """
        self.root = root
        self._asks = asks
        self._passphrase = passphrase
        self._clock = clock
        self._memory = Memory()
        self._say = say  # what a person must know though nobody asked: that something is still up elsewhere

    def _bare(self) -> OpenShow:
        """The show, whatever state its public folder and settings are in."""
        return OpenShow(self.root, self._passphrase, self._clock, self._memory)

    @contextmanager
    def _open(self) -> Iterator[OpenShow]:
        with self._bare() as show:
            gone.settle(show)
            release.take_down_due(show)
            delivering.take_down_due(show, self._say)
            _ = show.settings  # a broken settings file is told by every command, before it does anything
            keeping.look(show)
            keeping.finish_listed(show)
            keeping.quietly(show, asks=self._asks)
            yield show
            keeping.quietly(show, asks=self._asks)

    # --- a show and its people

    def init(self, *, demo: bool = False) -> Path:
        """Make the show folder."""
        return intake.init(self.root, self._passphrase(), demo=demo).root

    def add_user(self, name: str, roles: tuple[Role, ...], password: str) -> None:
        with self._open() as show:
            intake.add_user(show, name, roles, password)

    def set_password(self, name: str, password: str) -> None:
        """Another password for an account; sessions under the old one end."""
        with self._open() as show:
            intake.set_password(show, name, password)

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
        recordings: tuple[tuple[Alias, Recording], ...],
        additions: Additions,
        together: tuple[Alias, ...] = (),
    ) -> bool:
        """Take in recordings or words; True when the episode is new. `together`: these people share one recording."""
        with self._open() as show:
            return intake.add(show, episode, recordings, additions, together)

    def twins(self, episode: str) -> tuple[Slug, ...]:
        """Other episodes that have the same recording: perhaps it was added twice."""
        with self._open() as show:
            return intake.twins(show, show.episode(episode))

    @contextmanager
    def uploads(self) -> Iterator[Uploads]:
        """Where recordings arrive that a browser sends; `add` takes them from there. For one server of a show at a time.

        Raises Locked where another one serves it, and whatever keeps the show from being opened.
        """
        with self._open() as show:
            show.keyring.entries()  # a wrong passphrase is told before anybody is let in
            workspace = show.workspace
        with locks.exclusive(workspace.lock("review")):
            uploads = Uploads(workspace.uploads)
            try:
                yield uploads
            finally:
                uploads.close()

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

    def proposals_in_file(self, episode: str) -> ProposalsView:
        """The proposals as they were found last, in times of the finished file; nothing is made."""
        with self._open() as show:
            return finding.in_file(show, episode)

    def run(
        self,
        episodes: tuple[str, ...],
        *,
        jobs: int | None,
        producer: str | None = None,
        cluster: Mapping[str, str] = making.NOT_GIVEN,
    ) -> Iterator[Progress]:
        """Bring episodes up to date, telling what happens."""
        with self._open() as show:
            yield from making.run(show, episodes, jobs=jobs, producer=producer, cluster=cluster, say=self._say)

    def work(self, cluster: Mapping[str, str], *, workers: int, memory_bytes: int) -> None:
        """Be workers of a cluster, until told to stop. Needs no passphrase: keys come with the work."""
        making.work(self.root, cluster, workers=workers, memory_bytes=memory_bytes)

    def status(self, episodes: tuple[str, ...] = ()) -> StatusView:
        with self._open() as show:
            return replace(keeping.told(show, making.status(show, episodes)), remotes=delivering.remotes(show))

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

    # --- what a producer writes about it

    def desk(self, episode: str) -> DeskView:
        """All that is written about an episode, and what there is to choose from."""
        with self._open() as show:
            return desks.desk(show, episode)

    def outcomes(self) -> tuple[OutcomeView, ...]:
        """The outcomes that an episode may speak to."""
        with self._open() as show:
            return desks.outcome_views(show)

    def set_details(self, episode: str, who: str, written: Written) -> None:
        """Put what a producer wrote in the place of what stood there."""
        with self._open() as show:
            desks.set_details(show, episode, who, written)

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

    def publish(self, episodes: tuple[str, ...] = (), *, to_send: bool = False) -> PublishView:
        with self._open() as show:
            return release.publish(show, episodes, to_send=to_send)

    def push(
        self, target: str, *, dry_run: bool = False, adopt: bool = False, check: bool = True
    ) -> Iterator[SentView | PushView]:
        """Send what is public here to a place elsewhere; the last answer is the `PushView`."""
        with self._open() as show:
            yield from delivering.push(show, target, dry_run=dry_run, adopt=adopt, check=check)

    def targets(self) -> tuple[TargetView, ...]:
        """The places elsewhere."""
        with self._open() as show:
            return delivering.targets(show)

    def target_scheme(self, target: str) -> str:
        """How a place is reached: "sftp", "s3" and so on. Raises UsageRefused where there is no such place."""
        with self._open() as show:
            return delivering.target(show, target).scheme

    def login(self, target: str, secrets: Mapping[str, str]) -> None:
        """Keep what opens a place in this system's keyring."""
        with self._open() as show:
            delivering.login(show, target, secrets)

    def forget_target(self, target: str) -> None:
        """What lies at a place was taken down by hand."""
        with self._bare() as show:
            delivering.forget(show, target)

    def withdraw(self, episode: str | None, receipt: str | None) -> WithdrawView:
        """Out of the world, at once."""
        with self._bare() as show:
            return delivering.withdraw(show, episode, receipt, self._say)

    def places(self, episode: str, done: str | None = None, by: str | None = None) -> PlacesView:
        """Where copies of a withdrawn episode may live; `done`: the account `by`, or the operator, saw to one."""
        with self._open() as show:
            return delivering.places(show, episode, done, by or OPERATOR)

    def withdrawn(self) -> frozenset[str]:
        """The names of the episodes that were withdrawn, by this or another command."""
        with self._bare() as show:
            gone_ids = show.state.withdrawals()
            return frozenset(row.slug for row in show.state.episodes() if row.id in gone_ids)

    # --- keeping and destroying

    def purge(self, episode: str | None, receipt: str | None = None, who: str | None = None) -> PurgeView:
        """Destroy everything of a withdrawn episode, for a lead (an account's id) or with a receipt code."""
        with self._open() as show:
            return keeping.purge(show, episode, receipt, who)

    def extend(self, episode: str, days: int, who: str, reason: Reason) -> KeptView:
        """Keep a recording longer; `who` is the id of a lead's account."""
        with self._open() as show:
            return keeping.extend(show, episode, days, who, reason)

    def backup(self, file: Path, passphrase: str) -> BackupView:
        """The whole show but for its keyring, in one sealed file."""
        with self._open() as show:
            return backups.backup(show, file, passphrase)

    def backup_keyring(self, file: Path) -> None:
        """A copy of the sealed keyring."""
        with self._open() as show:
            backups.backup_keyring(show, file)

    def restore_show(self, file: Path, passphrase: str) -> RestoreView:
        """Put a backup in place as a show folder, which must not be there yet or be empty."""
        backups.put_back(self.root, file, passphrase)
        with self._bare() as show:
            return backups.settled(show)

    # --- reviewing: `who` is always the id of an account

    def sign_in(self, name: str, password: str) -> PersonView:
        """Somebody with an account. Raises GateClosed with one sentence, after one time, whatever was wrong."""
        with self._open() as show:
            return people.sign_in(show, name, password)

    def person(self, account: str) -> PersonView | None:
        """The person with this account, if there is one."""
        with self._open() as show:
            return people.person(show, account)

    def board(self) -> BoardView:
        """Every episode with what is next. Needs the passphrase: titles are sealed."""
        with self._open() as show:
            return boards.board(show)

    def card(self, episode: str) -> CardView | None:
        """One episode of the board; None where there is no such one."""
        with self._open() as show:
            return boards.card(show, episode)

    def title(self) -> str:
        """What the show is called."""
        with self._open() as show:
            return show.settings.show.title

    def cut(self, episode: str) -> CutView:
        """The frozen cut. Raises GateClosed where there is none."""
        with self._open() as show:
            return cuts.cut(show, episode)

    def cut_file(self, episode: str, digest: str, kind: str) -> FileView:
        """A file of the frozen cut, byte for byte: `kind` is "audio", "captions" or "captions.<language>".

        Raises GateClosed where `digest` is not the frozen cut, IntegrityFailure where its bytes are other ones,
        UsageRefused for a kind there is not.
        """
        with self._open() as show:
            return cuts.cut_file(show, episode, digest, kind)

    def peaks(self, episode: str, digest: str) -> PeaksView:
        """The waveform of the frozen cut. Raises GateClosed where `digest` is not it."""
        with self._open() as show:
            return cuts.peaks(show, episode, digest)

    def manuscript(self, episode: str) -> ManuscriptView:
        """Every word as it stands now. Raises GateClosed where nothing was recognised, or there is no finished file yet."""
        with self._open() as show:
            return manuscripts.manuscript(show, episode)

    def caption_findings(self, episode: str) -> FindingsView:
        """What the lint would find in captions of the words as they stand now."""
        with self._open() as show:
            return manuscripts.caption_findings(show, episode)

    def write(self, episode: str, who: str, paragraph: str, base_version: int, tokens: tuple[Token, ...]) -> SavedView:
        """Put other words in the place of a paragraph's, kept as a new version at once; works while `run` works.

        Every word that is taken out must be kept. Raises UsageRefused for tokens that do not fit the paragraph.
        """
        with self._open() as show:
            return manuscripts.write(show, episode, who, paragraph, base_version, tokens)

    def mark(
        self,
        episode: str,
        who: str,
        start_s: float,
        end_s: float,
        *,
        redact: bool = True,
        speaker: str | None = None,
        source: bool = False,
    ) -> RedactionsView:
        """Take a stretch out, or leave it in although a rule takes it out; `source`: its times are those of the recording."""
        with self._open() as show:
            return manuscripts.mark(show, episode, who, start_s, end_s, redact=redact, speaker=speaker, source=source)

    def mark_all(self, episode: str, who: str, stretches: tuple[tuple[float, float], ...]) -> RedactionsView:
        """Take several stretches out in one step."""
        with self._open() as show:
            return manuscripts.mark_all(show, episode, who, stretches)

    def unmark(self, episode: str, who: str, number: int, version: int | None = None) -> RedactionsView:
        """Take a person's mark back. Raises GateClosed for what a rule or a word takes out, or where `version` is old."""
        with self._open() as show:
            return manuscripts.unmark(show, episode, who, number, version)

    def move_mark(
        self, episode: str, who: str, number: int, start_s: float, end_s: float, version: int | None = None
    ) -> RedactionsView:
        """Move the edges of a redaction: of a person's mark both ways, of any other outwards only, which adds a mark."""
        with self._open() as show:
            return manuscripts.move_mark(show, episode, who, number, start_s, end_s, version)

    def redactions(self, episode: str) -> RedactionsView:
        """Everything that is taken out, or will be by the next run."""
        with self._open() as show:
            return manuscripts.redactions(show, episode)

    def undo(self, episode: str, who: str) -> StepView:
        """Take back this person's own last change. Raises GateClosed where there is none, or somebody changed that line since."""
        with self._open() as show:
            return manuscripts.undo(show, episode, who)

    def redo(self, episode: str, who: str) -> StepView:
        """Make again what this person undid last. Raises GateClosed as `undo` does."""
        with self._open() as show:
            return manuscripts.redo(show, episode, who)

    def protect(self, episode: str, who: str, word: str) -> None:
        """Add a word to those that must never be heard or read: the next run takes it out everywhere."""
        with self._open() as show:
            naming.protect(show, episode, who, word)

    def rename_speaker(self, episode: str, who: str, old: str, new: str) -> None:
        """Call a speaker by another alias. Raises UsageRefused for one that is taken, Locked while a run works."""
        with self._open() as show:
            naming.rename_speaker(show, episode, who, old, new)

    def doubts_in_file(self, episode: str) -> DoubtsView:
        """`doubts`, in times of the finished file."""
        with self._open() as show:
            return manuscripts.doubts_in_file(show, episode)

    def heard(self, episode: str, who: str, digest: str, stretches: tuple[tuple[float, float], ...]) -> HeardView:
        """Add what somebody played of a cut, at twice the speed or less. Raises UsageRefused for a stretch outside of it."""
        with self._open() as show:
            return listening.heard(show, episode, who, digest, stretches)

    def listened(self, episode: str, who: str, digest: str) -> HeardView:
        """How much of a cut somebody has heard."""
        with self._open() as show:
            return listening.listened(show, episode, who, digest)

    def keep_place(self, episode: str, who: str, digest: str, place_s: float) -> None:
        """Remember where somebody stopped."""
        with self._open() as show:
            listening.keep_place(show, episode, who, digest, place_s)

    def approve_cut(self, episode: str, who: str, role: Role, digest: str, form: Mapping[str, str]) -> Digest:
        """A signed-in person's yes to the cut `digest`, with the answers that go with it (see `studio.reviews`).

        The bytes are looked at again. Raises GateClosed for another cut, too little heard, an answer that is missing or calls
        for a talk first, and whatever else keeps the gate closed.
        """
        with self._open() as show:
            return reviewing.approve_cut(show, episode, who, role, digest, form)

    def forms(self, episode: str) -> tuple[FormView, ...]:
        """The answers that went with the yeses to the newest cut."""
        with self._open() as show:
            return reviewing.forms(show, episode)

    def send_back(self, episode: str, who: str, role: Role, digest: str, reason: str) -> None:
        """Ask for another cut: this one cannot be approved or published any more."""
        with self._open() as show:
            reviewing.send_back(show, episode, who, role, digest, reason)

    def wishes(self, episode: str) -> tuple[WishView, ...]:
        """What was asked to be changed in the newest cut, oldest first."""
        with self._open() as show:
            return reviewing.wishes(show, episode)

    def make_link(
        self, episode: str, who: str, *, account: str | None = None, name: str = "", companion: bool = False
    ) -> str:
        """A link's token for the young person of an episode, told once: good for 14 days and for one use.

        `account`: the young person's, where they have one; else one is made, called `name`. Raises GateClosed where there is no
        frozen cut to hear.
        """
        with self._open() as show:
            return people.make_link(show, episode, who, account=account, called=name, companion=companion)

    def open_link(self, token: str) -> LinkView:
        """Use a link: its session's secret is in the answer and kept nowhere. Raises GateClosed for a used or old one."""
        with self._open() as show:
            return people.open_link(show, token)

    def link_session(self, secret: str) -> LinkView | None:
        """The link that a session's secret belongs to, while it is good."""
        with self._open() as show:
            return people.link_session(show, secret)

    def new_receipt(self, episode: str, who: str) -> str:
        """One more receipt code for the young person, told once; the earlier ones stay good."""
        with self._open() as show:
            return people.new_receipt(show, episode, who)

    def ask_change(self, episode: str, who: str, digest: str, note: str) -> None:
        """The young person asks for another cut: this one cannot be approved or published any more."""
        with self._open() as show:
            reviewing.send_back(show, episode, who, Role.YOUNG_PERSON, digest, note)

    def pause(self, episode: str, who: str) -> None:
        """The young person stops everything for now: a hold."""
        with self._open() as show:
            holding.hold(show, episode, who, Role.YOUNG_PERSON)
            delivering.take_down_due(show, self._say, at_once=True)

    def stop(self, episode: str, who: str) -> WithdrawView:
        """The young person takes the episode back for good: a withdrawal."""
        with self._bare() as show:
            return delivering.withdraw(show, episode, None, self._say, by=who)

    def hold(self, episode: str, who: str | None = None) -> bool:
        """Close every gate and take the episode down, until the lead lifts it; whether it was public.

        `who` None: somebody at this computer.
        """
        with self._open() as show:
            was_public = holding.hold(show, episode, who, Role.LEAD if who else "")
            delivering.take_down_due(show, self._say, at_once=True)
            return was_public

    def lift(self, episode: str, who: str) -> None:
        """End a hold. Raises GateClosed for anybody but the lead."""
        with self._open() as show:
            holding.lift(show, episode, who)

    def timeline(self, episode: str) -> tuple[TimelineView, ...]:
        """What was done with an episode, oldest first, in plain words."""
        with self._open() as show:
            return boards.timeline(show, episode)

    def previews(self, episode: str, speaker: str | None = None) -> tuple[PreviewView, ...]:
        """The voices a speaker may choose from."""
        with self._open() as show:
            return voices.previews(show, episode, Alias(speaker) if speaker else None)

    def preview_sample(self, episode: str, character: str, speaker: str | None = None) -> FileView:
        """Some seconds of a speaker in a voice, in memory alone."""
        with self._open() as show:
            return voices.preview_sample(show, episode, character, Alias(speaker) if speaker else None)

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

    def site(self, folder: Path) -> Path:
        """The pages as they are designed now, with made-up episodes, in a folder to look at; the first of them."""
        with self._open() as show:
            return designing.preview(show.workspace, show.settings.show, show.outcomes, folder)

    # --- looking

    def verify(self, *, deep: bool = False) -> VerifyView:
        with self._bare() as show:
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
            with self._bare() as show:
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

    def doctor(self, passphrase_file: Path | None = None) -> tuple[CheckView, ...]:
        """What on this machine would stop the work; needs no show."""
        return doctor.doctor(self.root, passphrase_file)

    def measure(self, files: tuple[Path, ...]) -> tuple[MeasureView, ...]:
        """Loudness, peak and range of files; needs no show."""
        params = IngestParams()
        return checking.measure(files, params.max_bytes, params.max_duration_s)
