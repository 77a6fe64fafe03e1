"""One open show: its folder, settings, facts and keys, and the questions every use case asks of them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib import resources
from pathlib import Path

from stablecast.engine import workflow
from stablecast.engine.pipeline import Production
from stablecast.engine.plan import Receipt, Step
from stablecast.engine.settings import Settings
from stablecast.engine.workflow import WITHDRAWN, Facts
from stablecast.errors import GateClosed, StablecastError, UsageRefused
from stablecast.model import Approval, Item, Outcomes, Role, Slug, slug_of
from stablecast.runner import donor_digests, failure, steps, sting_digests, tools_here
from stablecast.site.design import Design
from stablecast.site.outcomes import outcomes
from stablecast.store import decisions, episode, keyring, receipts, settings
from stablecast.store.episode import Record
from stablecast.store.state import Account, CutRow, EpisodeRow, State
from stablecast.store.workspace import Workspace
from stablecast.studio import design
from stablecast.studio.memory import Memory
from stablecast.targets.params import Targets
from stablecast.voice.characters import Character, characters
from stablecast.wording import Labels

Clock = Callable[[], datetime]

SYSTEM = "system"  # in the audit log: the show by itself, which only ever moves away from publication
OPERATOR = "operator"  # in the audit log: somebody at this computer, without an account's password


def utc_now() -> datetime:
    return datetime.now(UTC)


def named(name: str) -> Slug:
    """A name somebody typed, as an episode's slug. Raises UsageRefused where it is none."""
    try:
        return slug_of(name)
    except ValueError as badly_named:
        raise UsageRefused(str(badly_named)) from badly_named


class OpenShow:
    """A show folder with its database open. Use as a context manager."""

    def __init__(
        self, root: Path, passphrase: Callable[[], str], clock: Clock = utc_now, memory: Memory | None = None
    ) -> None:
        self.workspace = Workspace.open(root)
        self.state = State(self.workspace.state)
        self.memory = memory or Memory()
        self.keyring = self.memory.keyring(keyring.folder_for(self.workspace.root), self.state.show.id, passphrase)
        self.memory.forget(self.state.erased())
        self._clock = clock
        self._head_before = self.state.audit_head

    def __enter__(self) -> OpenShow:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(StablecastError, OSError):  # withdrawing must work where the keyring is out of reach
            self._keep_audit_head()
        self.state.close()

    def _keep_audit_head(self) -> None:
        """Copy the log's head beside the keyring when this command added to the log.

        Never over a copy that the log does not hold any more: that copy shows that the log's end was cut off.
        """
        head, copy = self.state.audit_head, self.keyring.audit_head()
        if head == self._head_before or (copy and all(entry.hash != copy for entry in self.state.audit())):
            return
        self.keyring.keep_audit_head(head)

    # --- settings

    @cached_property
    def settings(self) -> Settings:
        """config/show.toml. Raises UsageRefused naming file, key and line."""
        found = settings.load(Settings, self.workspace.config("show.toml"))
        if found.demo.clock_ahead_h and not self.state.show.demo:
            raise UsageRefused("show.toml: demo.clock_ahead_h works only in a show made with `init --demo`; remove it")
        return found

    @cached_property
    def characters(self) -> Mapping[str, Character]:
        return settings.checked(self.workspace.config("voices.toml"), characters)

    @cached_property
    def outcomes(self) -> Outcomes:
        return settings.checked(self.workspace.config("outcomes.toml"), outcomes)

    @cached_property
    def wording(self) -> Labels:
        """config/wording.toml; where a show has none, the list that ships with us."""
        path = self.workspace.config("wording.toml")
        if path.exists():
            return settings.load(Labels, path)
        with resources.as_file(resources.files("stablecast") / "examples" / "wording.toml") as shipped:
            return settings.load(Labels, shipped)

    @cached_property
    def design(self) -> Design:
        """How the pages look and what they say. Raises UsageRefused or InputRefused where it cannot be used."""
        return design.load(self.workspace, self.settings.show.title)

    @cached_property
    def targets(self) -> Targets:
        """config/targets.toml; a show without one is published into its own folder alone."""
        return settings.load(Targets, self.workspace.config("targets.toml"))

    @cached_property
    def production(self) -> Production:
        """How this show makes its episodes. Raises UsageRefused when it names a character that does not exist."""
        chosen = self.settings.revoice.characters
        unknown = [name for name in chosen if name not in self.characters]
        if unknown or not chosen:
            raise UsageRefused(
                f"show.toml: revoice.characters names {', '.join(unknown) or 'nobody'}; "
                f"voices.toml has {', '.join(sorted(self.characters))}"
            )
        return Production(
            self.settings,
            tuple(self.characters[name] for name in chosen),
            tools_here(self.settings),
            sting_digests(self.workspace, self.settings),
            donor_digests(self.workspace),
        )

    def clock(self) -> datetime:
        """The time, whatever the settings say: for what must work when they cannot be read."""
        return self._clock()

    def now(self) -> datetime:
        """The time; a demo show's own clock may run ahead, and says so in its settings."""
        return self._clock() + timedelta(hours=self.settings.demo.clock_ahead_h)

    # --- episodes

    def row(self, name: str) -> EpisodeRow:
        """The episode called `name`, whatever is left of it on the disk. Raises UsageRefused when there is none."""
        found = self.state.episode(named(name))
        if found is None:
            raise UsageRefused("there is no episode of that name; `stablecast status` lists those there are")
        return found

    def known(self, row: EpisodeRow) -> bool:
        """Whether the episode was taken in whole: its record is written last."""
        return (self.workspace.episode(row.slug) / episode.RECORD).exists()

    def episode(self, name: str) -> EpisodeRow:
        """The episode called `name`. Raises UsageRefused when there is none, GateClosed when it was withdrawn."""
        found = self.row(name)
        if found.id in self.state.withdrawals():
            raise GateClosed(WITHDRAWN)
        if not self.known(found):
            raise UsageRefused("this episode was not taken in whole; add its recordings again")
        return found

    def episodes(self) -> tuple[EpisodeRow, ...]:
        """Every episode that was taken in, those withdrawn among them, but none of which everything is destroyed."""
        erased = self.state.erased()
        return tuple(row for row in self.state.episodes() if self.known(row) and row.id not in erased)

    def steps(self, slug: Slug) -> tuple[Step, ...]:
        return steps(self.workspace, slug, self.production)

    def facts(self, row: EpisodeRow) -> Facts:
        """All that the gates look at; needs no key."""
        if row.id in self.state.withdrawals():
            return dataclasses.replace(_NOTHING_YET, withdrawn=True, erased=row.id in self.state.erased())
        record, known = episode.read(self.workspace, row.slug), receipts.read_all(self.workspace.receipts(row.slug))
        planned = steps(self.workspace, row.slug, self.production, known, record)
        pending = tuple(step.node.key for step in planned if step.reason is not None)
        failed = failure(self.workspace, row.slug)
        consents = self.state.consents(row.id)
        version = consents[-1].version if consents else 0
        cut = self.state.cut(row.id)
        undecided = decisions.newest(self.workspace, row.slug) != record.decided
        current = (
            cut is not None and not (pending or undecided) and cut.made_from == self._made_from(known, record, version)
        )
        wishes = self.state.wishes(row.id, cut.digest) if cut and current else ()
        live = {release.episode: release.digest for release in self.state.live_releases()}
        return Facts(
            withdrawn=False,
            failure=failed.sentence if failed and pending else None,
            pending=pending,
            proposals=0 if pending else int(known["proposals"].note),
            problems=() if pending else tuple(map(_problem, _failed_checks(known))),
            content_note=record.content_note,
            consent=tuple(Item(item) for item in consents[-1].items) if consents else None,
            consent_version=version,
            method=self.settings.revoice.method,
            cut=cut.digest if cut and current else None,
            producer=cut.producer if cut else None,
            approvals=self.state.approvals(row.id, cut.digest) if cut and current else (),
            published=live.get(row.id),
            undecided=undecided,
            sent_back=wishes[-1].role if wishes else None,
            held=row.id in self.state.held(),
            asked_again=self.asked_again(row),
        )

    def asked_again(self, row: EpisodeRow) -> datetime | None:
        """Until when approvals of an episode count no more, because it was held."""
        return workflow.asked_again(
            workflow.Hold(hold.at, hold.lifted_at, hold.role == Role.YOUNG_PERSON, hold.was_public)
            for hold in self.state.holds(row.id)
        )

    def approvals(self, row: EpisodeRow, digest: str) -> tuple[Approval, ...]:
        """The approvals of one cut that count, in the order they were given."""
        since = self.asked_again(row)
        return tuple(a for a in self.state.approvals(row.id, digest) if since is None or a.at > since)

    def playable(self, row: EpisodeRow) -> CutRow | None:
        """The newest cut, if what it was frozen from is still there: also while changes wait that are not in it."""
        cut, consents = self.state.cut(row.id), self.state.consents(row.id)
        if cut is None or any(step.reason is not None for step in self.steps(row.slug)):
            return None
        return cut if cut.made_from == self.made_from(row, consents[-1].version if consents else 0) else None

    def made_from(self, row: EpisodeRow, consent_version: int) -> str:
        """What a cut frozen now would be made from: keyed digests, so no key is needed to compare them."""
        known = receipts.read_all(self.workspace.receipts(row.slug))
        return self._made_from(known, episode.read(self.workspace, row.slug), consent_version)

    def _made_from(self, known: Mapping[str, Receipt], record: Record, consent_version: int) -> str:
        parts = [
            known["tag"].output,
            known["caption"].output,
            record.inputs["details"].digest,
            str(consent_version),
            str(self.settings.revoice.method),
            known["alternate"].output if self.settings.alternate.bitrate_kbps else "-",
        ]
        return " ".join(parts)

    def failed_checks(self, slug: Slug) -> tuple[str, ...]:
        """The names of the checks of `prove` that failed; needs no key."""
        return _failed_checks(receipts.read_all(self.workspace.receipts(slug)))

    # --- people

    def account(self, name: str) -> Account:
        """The account called `name`. Raises UsageRefused when there is none."""
        found = next((account for account in self.state.accounts() if account.name == name), None)
        if found is None:
            raise UsageRefused("there is no account of that name; `stablecast users add` makes one")
        return found

    def producer(self, name: str | None) -> Account | None:
        """Who makes the cut: the account named, else the only producer there is, else nobody in particular."""
        if name is not None:
            return self.account(name)
        producers = [account for account in self.state.accounts() if Role.PRODUCER in account.roles]
        return producers[0] if len(producers) == 1 else None


def _failed_checks(known: Mapping[str, Receipt]) -> tuple[str, ...]:
    return tuple(known["prove"].note.split())


def _problem(check: str) -> str:
    """A failed check of `prove` in a sentence without a place: the places are sealed."""
    return f"the check of the finished file failed: {check}."


_NOTHING_YET = Facts(
    withdrawn=False,
    failure=None,
    pending=(),
    proposals=0,
    problems=(),
    content_note=False,
    consent=None,
    consent_version=0,
    method=Settings().revoice.method,
    cut=None,
    producer=None,
    approvals=(),
    published=None,
)
