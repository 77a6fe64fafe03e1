"""Approval, publication and withdrawal."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import PurePosixPath

from stablecast import codecs
from stablecast.engine import workflow
from stablecast.errors import EnvironmentFailure, GateClosed, IntegrityFailure, StablecastError, UsageRefused
from stablecast.model import Approval, Digest, Role
from stablecast.rss.feed import podcast_guid
from stablecast.rss.lint import Severity, lint
from stablecast.site.design import Design
from stablecast.stages import approve as approving
from stablecast.stages import publish as publishing
from stablecast.stages.approve import ApprovedEpisode
from stablecast.stages.publish import FEED, PublicTree, Release
from stablecast.store import accounts, files, locks
from stablecast.store.state import Account, EpisodeRow, ReleaseRow
from stablecast.studio import design as designing
from stablecast.studio import gone, listening, making
from stablecast.studio.show import OPERATOR, OpenShow
from stablecast.studio.views import PublishView, WithdrawView
from stablecast.targets import local

EMPTY_DAY = date(1980, 1, 1)  # the time of the files of a show without episodes: it tells nothing
FREE_TRIES, SLOWEST_S = 3, 10.0  # of wrong receipt codes within an hour: typing errors are answered at once
WAIT_S = 30.0  # for another command that is just swapping the public tree

FILMS = "films"
PLACES = {
    FILMS: "films that were made of it: delete them on this computer and wherever they were put up",
    "apps": "downloads and podcast apps: nobody can take those back",
    "search": "search engines: ask for removal of the page's address",
    "archive": "the Internet Archive: ask for exclusion of the page's address",
    "directories": "any directory or host that copies audio (Spotify, YouTube): remove the episode there by hand",
}


# --- approval ------------------------------------------------------------------------------------------------------------


def approve(show: OpenShow, name: str, role: Role, account_name: str, password: str, digest: str | None) -> Digest:
    """Record one person's yes to the newest cut and return its digest.

    Raises GateClosed when it is not their turn, the cut changed, or the password is not theirs.
    """
    row = show.episode(name)
    account = next((a for a in show.state.accounts() if a.name == account_name), None)
    if not accounts.matches(password, account.password if account else None) or account is None:
        show.state.log(show.now(), OPERATOR, "approval-refused", row.id, "name or password")
        raise GateClosed("the name and the password do not belong together; try again")
    if role not in account.roles:
        raise GateClosed(f"this account may not approve as {role}; its roles are {', '.join(account.roles)}")
    with locks.exclusive(show.workspace.lock("work")), show.state.transaction():
        _check_heard(show, row, role, account)
        return given(show, row, role, account, Digest(digest) if digest else None)


def given(show: OpenShow, row: EpisodeRow, role: Role, account: Account, digest: Digest | None) -> Digest:
    """Record a yes of somebody who is who they say, and return what it is to. Only in a transaction, under the work lock.

    Raises GateClosed where the workflow does not let them.
    """
    approved = workflow.check_approval(
        show.facts(row),
        show.settings.workflow,
        show.now(),
        role=role,
        account=account.id,
        digest=digest,
        makes_cuts=Role.PRODUCER in account.roles,
    )
    show.state.add_approval(row.id, Approval(role, account.id, approved, show.now()))
    show.state.log(show.now(), account.id, f"approved-{role}", row.id, approved)
    return approved


def _check_heard(show: OpenShow, row: EpisodeRow, role: Role, account: Account) -> None:
    """At the command line nobody can measure what is played there, so it has to be heard in the browser first.

    A demo show is exempt: it can never be published to the world unmarked.
    """
    cut = show.playable(row)
    if (
        role not in listening.MEASURED
        or not show.settings.workflow.measured_listening
        or show.state.show.demo
        or cut is None
    ):
        return
    if not listening.listened(show, row.slug, account.id, cut.digest).enough:
        raise GateClosed(f"{listening.TOO_LITTLE}: `stablecast review` plays it in the browser")


# --- publication -----------------------------------------------------------------------------------------------------------


def publish(show: OpenShow, names: tuple[str, ...], *, to_send: bool = False) -> PublishView:
    """Publish every episode that may be (or those named), and build the public tree anew.

    `to_send`: what is public will be sent elsewhere, so it is no refusal that nothing new may be.
    Raises GateClosed when an episode that was named, or every one that waits, may not be published; UsageRefused or InputRefused
    when the show's own pages, colours or cover cannot be used; IntegrityFailure when a byte is not the one that was approved.
    The public tree is the old one or the new one, never part of either.
    """
    public = locks.exclusive(show.workspace.lock("public"), wait_s=WAIT_S)
    with locks.exclusive(show.workspace.lock("work")), public:
        ready: list[tuple[EpisodeRow, ApprovedEpisode]] = []
        waiting: list[tuple[str, str]] = []
        for row in tuple(show.episode(name) for name in names) or show.episodes():
            try:
                refusal = _refusal(show, row)
                if refusal is None:
                    ready.append((row, _approved(show, row)))
                elif refusal:
                    waiting.append((row.slug, refusal))
            except IntegrityFailure as broken:  # of this episode alone: the others go on
                if names:
                    raise
                show.keyring.entries()  # unless it is the keyring
                waiting.append((row.slug, str(broken)))
        if waiting and (names or not (ready or to_send)):
            raise GateClosed("; ".join(f"{slug}: {why}" for slug, why in waiting))
        dropped = _strangers(show)
        if any(show.keyring.entry(row.id).draws for row, _ in ready):
            show.keyring.check_writable()  # or an episode would be out, and what its voice was drawn from would stay
        published = _release(show, ready)
        for row in show.episodes():
            with contextlib.suppress(IntegrityFailure):
                facts = show.facts(row)
                if facts.published is not None and facts.published == facts.cut and show.keyring.entry(row.id).draws:
                    show.keyring.forget_draws(row.id)
    return PublishView(published, tuple(waiting), dropped, str(show.workspace.public / FEED))


def _refusal(show: OpenShow, row: EpisodeRow) -> str | None:
    """Why an episode may not be published now; "" when there is nothing to publish, None when it may."""
    facts = show.facts(row)
    if facts.withdrawn or (facts.published is not None and facts.published == facts.cut):
        return ""
    try:
        workflow.check_publication(facts, show.settings.workflow, show.now())
    except GateClosed as closed:
        return str(closed)
    return None


def _approved(show: OpenShow, row: EpisodeRow) -> ApprovedEpisode:
    facts = show.facts(row)
    if facts.withdrawn:  # since it was looked at a moment ago
        raise GateClosed(workflow.WITHDRAWN)
    cut, made = making.frozen(show, row, facts.consent_version)
    if cut.digest != facts.cut:
        raise IntegrityFailure(
            f"{row.slug}: the bytes of this cut are not the bytes that were approved; run the episode again"
        )
    return approving.approve(cut, made, facts.counted)


def _release(show: OpenShow, ready: list[tuple[EpisodeRow, ApprovedEpisode]]) -> tuple[str, ...]:
    """Add the releases and put up the tree that holds them; the slugs of those that are out.

    The tree is built before the facts are written, so that a withdrawal never waits for it; who withdraws meanwhile makes it
    be built anew. Then the facts come first: whoever dies there leaves a tree that lacks a release, never one with too much.
    """
    fresh = {file.path: file.data for _, episode in ready for file in episode.files} | _missing_media(show)
    today = show.now().astimezone(UTC).date()
    first_on = {
        row.episode: row.released_on for row in reversed(show.state.releases())
    }  # a new cut keeps its first day
    token = None
    while token is None:
        stopped = show.state.stopped()
        ready = [(row, episode) for row, episode in ready if row.id not in stopped]
        live = show.state.live_releases()
        new = {row.id: publishing.released(episode, first_on.get(row.id, today)) for row, episode in ready}
        releases = (*(kept(row) for row in live if row.episode not in new), *new.values())
        tree = public_tree(show, releases, show.design)
        _refuse_lint(show, tree)
        with _built(show, tree, fresh, releases) as built:
            token = _recorded(show, live, new, {row.id: episode.cut.digest for row, episode in ready}, tree)
            if token is not None and show.state.swap_due() == token:
                built.swap()
    if not show.state.settle(token):
        _bring_in_line(show)
    return tuple(row.slug for row, _ in ready)


def _recorded(
    show: OpenShow,
    live: tuple[ReleaseRow, ...],
    new: Mapping[str, Release],
    digests: Mapping[str, Digest],
    tree: PublicTree,
) -> str | None:
    """Write the facts of new releases, if nothing was withdrawn since `live` was read; the token of this change, else None."""
    with show.state.transaction():
        if show.state.live_releases() != live or new.keys() & show.state.stopped():
            return None
        for episode, release in new.items():
            entry = show.state.log(show.now(), OPERATOR, "published", episode, digests[episode])
            body = codecs.canonical(release).decode()
            row = ReleaseRow(episode, digests[episode], release.released_on, show.now(), body, entry.hash)
            show.state.add_release(row)
        show.state.set_podcast_guid(_guid(show))
        show.state.set_tree(_manifest(tree))
        return show.state.make_swap_due()


def _missing_media(show: OpenShow) -> dict[PurePosixPath, bytes]:
    """Files of live releases that are not in the public tree as they should be, made again from their sealed cut."""
    present = local.digests(show.workspace.public)
    found: dict[PurePosixPath, bytes] = {}
    by_id = {row.id: row for row in show.state.episodes()}
    for release in show.state.live_releases():
        if all(present.get(path) == digest for path, digest in kept(release).files.items()):
            continue
        row = by_id[release.episode]
        facts = show.facts(row)
        if facts.cut == release.digest:
            _, made = making.frozen(show, row, facts.consent_version)
            found |= {file.path: file.data for file in made}
    return found


def public_tree(show: OpenShow, releases: Sequence[Release], design: Design) -> PublicTree:
    """What the world should get, from these releases alone."""
    settings, demo = show.settings, show.state.show.demo
    return publishing.publish(
        settings.show, _guid(show), releases, show.outcomes, block=demo, params=settings.feed, design=design
    )


def plain_enough(show: OpenShow) -> Design:
    """The show's own design or, where it cannot be used, ours: a broken one keeps nothing up."""
    return designing.load_or_plain(show.workspace, show.settings.show.title)


def _guid(show: OpenShow) -> str:
    """The feed's own name: made from its first address, and kept when the address changes."""
    return show.state.show.podcast_guid or podcast_guid(show.settings.show.url)


def kept(row: ReleaseRow) -> Release:
    """A live release as the database keeps it."""
    return codecs.parsed(Release, (row.body or "").encode())


def _refuse_lint(show: OpenShow, tree: PublicTree) -> None:
    errors = [f for f in lint(tree.texts[FEED], base_url=show.settings.show.url) if f.severity is Severity.ERROR]
    if errors:
        raise GateClosed(
            f"the feed would not be accepted ({errors[0].rule}: {errors[0].message}); `stablecast lint` lists {len(errors)} in all"
        )


def _built(
    show: OpenShow, tree: PublicTree, fresh: Mapping[PurePosixPath, bytes], releases: Sequence[Release]
) -> contextlib.AbstractContextManager[local.Tree]:
    """The tree, beside the old one; its files are as old as the newest release."""
    return local.built(show.workspace.public, tree.texts, tree.media, fresh, day=_day(releases))


def _day(releases: Sequence[Release]) -> date:
    return max((release.released_on for release in releases), default=EMPTY_DAY)


def time_of(releases: Sequence[Release]) -> float:
    """The time that the public files of these releases have."""
    return datetime.combine(_day(releases), datetime.min.time(), UTC).timestamp()


def _manifest(tree: PublicTree) -> dict[PurePosixPath, Digest]:
    """Every file of the tree, by its SHA-256."""
    texts = {path: Digest(hashlib.sha256(data).hexdigest()) for path, data in tree.texts.items()}
    return {**texts, **tree.media}


def _strangers(show: OpenShow) -> tuple[str, ...]:
    """Files in the public folder that no release put there: the new tree will not have them."""
    known = {*show.state.tree(), PurePosixPath("README.md")}
    return tuple(sorted(path.as_posix() for path in local.digests(show.workspace.public) if path not in known))


# --- withdrawal ------------------------------------------------------------------------------------------------------------


def withdraw(show: OpenShow, row: EpisodeRow, by: str) -> WithdrawView:
    """Take an episode out of the world: no reason, no second approval, no key, no waiting for other work.

    `by` is who asked. Works again harmlessly.
    """
    live = {release.episode: release for release in show.state.live_releases()}
    released = live.get(row.id)
    others = {path for one in live.values() if one is not released for path in kept(one).files}
    with _making_room(show, row, tuple(path for path in show.state.tree() if path not in others) if released else ()):
        with show.state.transaction():
            if show.state.withdraw(row.id, by, show.clock()):
                show.state.log(show.clock(), by, "withdrawn", row.id)
            show.state.make_swap_due()
            show.state.make_remote_due(row.public_id)
            places = _places(show, row, released=released is not None)
            show.state.open_places(row.id, places)
        take_down_due(show)
    with contextlib.suppress(StablecastError, OSError):  # every later command tries again, and `behind` says so
        gone.settle(show)
    notes = (gone.BEHIND,) if gone.behind(show) else ()
    erased = row.id in show.state.erased()
    return WithdrawView(
        row.slug, released is not None, tuple(PLACES[place] for place in places), erased=erased, notes=notes
    )


def _places(show: OpenShow, row: EpisodeRow, *, released: bool) -> tuple[str, ...]:
    """Where copies of an episode may live."""
    filmed = any(entry.action == "filmed" and entry.episode == row.id for entry in show.state.audit())
    return tuple(place for place in PLACES if (filmed if place == FILMS else released))


def take_down_due(show: OpenShow) -> None:
    """Bring the public tree in line with the withdrawals; any command that finds this undone does it first.

    Needs no key, no ffmpeg and no other command's leave.
    """
    if show.state.swap_due():
        with locks.exclusive(show.workspace.lock("public"), wait_s=WAIT_S):
            _bring_in_line(show)


def _bring_in_line(show: OpenShow) -> None:
    """Swap trees until the one in its place shows all the facts. Only while holding the public lock.

    An episode whose files are damaged is left out, not kept up, and the swap stays due: `publish` puts it back.
    """
    while token := show.state.swap_due():
        present = local.digests(show.workspace.public)
        live = tuple(kept(row) for row in show.state.live_releases())
        sound = tuple(r for r in live if all(present.get(path) == digest for path, digest in r.files.items()))
        tree = public_tree(show, sound, plain_enough(show))
        with _built(show, tree, {}, sound) as built:
            if show.state.swap_due() != token:
                continue
            show.state.set_tree(_manifest(tree))
            built.swap()
        if len(sound) < len(live):
            return
        show.state.settle(token)


@contextlib.contextmanager
def _making_room(show: OpenShow, row: EpisodeRow, paths: tuple[PurePosixPath, ...]) -> Iterator[None]:
    """Where the tree cannot be built without the episode (no room, broken settings), its files go at once, and so does every
    page that may name it.
    """
    try:
        yield
    except StablecastError as stopped:
        public = show.workspace.public
        try:
            with files.resources():
                local.take_down(public, paths)
                local.take_down(public, local.naming(public, (row.public_id, row.guid)))
        except EnvironmentFailure as kept_out:
            raise EnvironmentFailure(
                f"the episode could not be taken down, and is still in the public folder: {kept_out}; or stop the web server"
            ) from stopped
        raise type(stopped)(
            f"the episode, the feed and every page that names it are taken down; "
            f"to put the rest up again, withdraw it once more after this: {stopped}"
        ) from stopped


def by_receipt(show: OpenShow, code: str) -> EpisodeRow:
    """The episode that a receipt code belongs to. Wrong codes are answered ever more slowly, the right one never.

    Raises UsageRefused with one sentence, whatever there is.
    """
    wanted = accounts.receipt_hash(code, show.state.show.id)
    for row in show.state.episodes():
        if wanted in show.state.receipts(row.id):
            return row
    with contextlib.suppress(StablecastError):
        tries = show.state.add_wrong_receipt(show.clock())
        show.state.log(show.clock(), OPERATOR, "receipt-refused")
        time.sleep(min(SLOWEST_S, max(0.0, tries - FREE_TRIES)))
    raise UsageRefused("this receipt code belongs to no episode here; check its digits and try again")
