"""Sending the public tree elsewhere, and taking back from there what was withdrawn.

What lies elsewhere is known from the database, never guessed from a listing: only what we put there is ever replaced or deleted.
A path is remembered before the file is sent, so whatever breaks off in between is found again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import timedelta
from pathlib import PurePosixPath

from stablecast.engine import delivery
from stablecast.engine.delivery import File, Plan
from stablecast.errors import GateClosed, IntegrityFailure, Locked, StablecastError, UsageRefused
from stablecast.model import Digest
from stablecast.stages.publish import FEED, PublicTree, Release
from stablecast.store import locks
from stablecast.store.state import RemoteRow
from stablecast.studio import release
from stablecast.studio.show import OPERATOR, OpenShow
from stablecast.studio.views import PlacesView, PlaceView, PushView, RemoteView, SentView, TargetView, WithdrawView
from stablecast.targets import credentials as opening
from stablecast.targets import live, remote
from stablecast.targets.credentials import Credentials
from stablecast.targets.params import TargetParams
from stablecast.targets.remote import Overtaken, Remote, Unreachable

Say = Callable[[str], None]

PUSH_TIMEOUT_S = 20.0  # of silence, while publishing
WITHDRAW_S = 20.0  # all of an attempt of `withdraw` itself
RETRY_S = 6.0  # all of an attempt of any later command
SILENCE_S = 4.0  # for one answer, in both
RESTS = timedelta(minutes=1)  # two failures within it are followed by a rest
WAIT_S = 10.0  # for another command that is just sending

_LOCK = "remote"


# --- publishing ------------------------------------------------------------------------------------------------------------


def push(
    show: OpenShow, name: str, *, dry_run: bool = False, adopt: bool = False, check: bool = True
) -> Iterator[SentView | PushView]:
    """Bring the place `name` to hold what is public here: files first, the feed last, nothing else touched.

    `adopt`: replace files that are in the way though we did not put them there. Raises UsageRefused for an unknown place,
    GateClosed where it must not be or something is in the way, Unreachable; the same call goes on where it broke off.
    """
    params = target(show, name)
    remote.refuse_git(name, params)
    if params.scheme == "file" and _within(show, params):
        raise GateClosed(f"{name} lies in the show folder, among what is private; name a folder outside of it")
    secrets = opening.credentials(name, params, show.workspace.root)
    release.take_down_due(show)
    if dry_run:
        with remote.opened(name, params, secrets, timeout_s=PUSH_TIMEOUT_S) as place:
            planned = _planned(show, params.url, place, _wanted(show))
        yield _view(name, params, planned, dry_run=True)
        return
    done: Plan | None = None
    with locks.exclusive(show.workspace.lock(_LOCK), wait_s=WAIT_S):
        show.state.add_remote(params.url, name)
        with remote.opened(name, params, secrets, timeout_s=PUSH_TIMEOUT_S) as place:
            while done is None or show.state.remote_due(params.url):
                try:
                    _taken_down(show, params.url, place, _never)
                    done = yield from _sent(show, params.url, place, adopt=adopt)
                except Overtaken:
                    release.take_down_due(show)
            notes = tuple(place.notes)
        if done.send or done.delete:
            show.state.log(show.clock(), OPERATOR, "sent", detail=_code(params.url))
    if done.send and _told(show, params) is False:
        notes = (*notes, "the hub could not be told that the feed has changed; apps will see it when they look next")
    problems = live.problems(_public_url(show, params), _to_look_at(show)) if check else ()
    yield _view(name, params, done, notes=notes, problems=problems)


def _sent(show: OpenShow, url: str, place: Remote, *, adopt: bool) -> Generator[SentView, None, Plan]:
    """Raises Overtaken when the facts change meanwhile: then some of it may have been sent, and the feed is the old one."""
    wanted = _wanted(show)
    planned = _planned(show, url, place, wanted)
    if planned.foreign and not adopt:
        raise GateClosed(
            f"{len(planned.foreign)} files are in the way that we did not put there ({planned.foreign[0]}); "
            "look what they are, then move them away, or let them be replaced with --adopt"
        )
    with show.state.transaction():
        if not _current(show, url, wanted):
            raise Overtaken
        for path in planned.send:
            show.state.set_remote_file(url, path, "")

    def halt() -> None:
        if not _current(show, url, wanted):
            raise Overtaken

    for number, path in enumerate(planned.send, 1):
        data, at = _local(show, path, wanted[path].digest)
        place.put(path, data, at=at, halt=halt)
        show.state.set_remote_file(url, path, wanted[path].digest)
        yield SentView(path.as_posix(), number, len(planned.send), len(data))
    halt()
    for path in planned.delete:
        place.remove(path)
        show.state.drop_remote_file(url, path)
    return planned


def _wanted(show: OpenShow) -> dict[PurePosixPath, File]:
    """What is public here. Raises GateClosed where nothing is yet, IntegrityFailure where a file is missing."""
    tree = show.state.tree()
    if FEED not in tree:
        raise GateClosed("nothing was published here yet, so there is nothing to send; run `stablecast publish` first")
    try:
        return {path: File(d, (show.workspace.public / path).stat().st_size) for path, d in tree.items()}
    except OSError as missing:
        raise IntegrityFailure("a published file is missing; run `stablecast publish` to make it again") from missing


def _planned(show: OpenShow, url: str, place: Remote, wanted: Mapping[PurePosixPath, File]) -> Plan:
    ours = show.state.remote_files(url)
    return delivery.plan(wanted, ours, place.sizes({path.parent for path in (*wanted, *ours)}))


def _current(show: OpenShow, url: str, wanted: Mapping[PurePosixPath, File]) -> bool:
    """Whether nothing was published or withdrawn since `wanted` was read."""
    tree = {path: file.digest for path, file in wanted.items()}
    return not show.state.swap_due() and not show.state.remote_due(url) and show.state.tree() == tree


def _local(show: OpenShow, path: PurePosixPath, digest: Digest) -> tuple[bytes, float]:
    file = show.workspace.public / path
    try:
        data, at = file.read_bytes(), file.stat().st_mtime
    except OSError as gone:
        raise Overtaken from gone  # the tree was swapped; if it was not, looking again tells what is missing
    if hashlib.sha256(data).hexdigest() != digest:
        if show.state.tree().get(path) == digest and not show.state.swap_due():
            raise IntegrityFailure("a published file is not the one that was approved; publish the episode again")
        raise Overtaken
    return data, at


# --- taking down -----------------------------------------------------------------------------------------------------------


def take_down_due(show: OpenShow, say: Say, *, at_once: bool = False) -> None:
    """Take back from every place what has to go there; what does not work is told, and tried again by the next command.

    `at_once`: somebody is just withdrawing; else an attempt is short, and two failures are followed by a minute's rest.
    Raises nothing but what the database raises.
    """
    for row in show.state.remotes():
        if not row.due:
            continue
        if not at_once and row.failed_before is not None and abs(show.clock() - row.failed_before) < RESTS:
            say(_still_up(row, "it could not be reached just now"))
            continue
        try:
            notes = _attempt(show, row, WITHDRAW_S if at_once else RETRY_S)
        except Locked:
            say(_still_up(row, "another command is sending there, and takes it down before it ends"))
        except StablecastError as failed:
            show.state.remote_failed(row.url, show.clock())
            say(_still_up(row, str(failed)))
        else:
            say(f"{row.name}: taken down there too.")
            for note in notes:
                say(f"{row.name}: {note}")


def _still_up(row: RemoteRow, why: str) -> str:
    return f"WARNING: what was taken back is STILL UP at {row.name}: {why}. Every command tries again."


def _attempt(show: OpenShow, row: RemoteRow, limit_s: float) -> tuple[str, ...]:
    deadline = time.monotonic() + limit_s

    def halt() -> None:
        if time.monotonic() > deadline:
            raise Unreachable(f"{row.name} is too slow")

    params = _place(show, row)
    secrets = opening.credentials(row.name, params, show.workspace.root)
    with (
        locks.exclusive(show.workspace.lock(_LOCK), wait_s=WAIT_S if limit_s == WITHDRAW_S else 0.0),
        remote.opened(row.name, params, secrets, timeout_s=SILENCE_S) as place,
    ):
        while not _taken_down(show, row.url, place, halt):
            halt()
        notes = tuple(place.notes)
    with contextlib.suppress(StablecastError):
        _told(show, params)
    return notes


def _told(show: OpenShow, params: TargetParams) -> bool | None:
    """Tell the hub that the feed names, where it names one, that it has changed; whether the hub took it."""
    hub = show.settings.feed.hub
    return live.ping(hub, _public_url(show, params) + FEED.as_posix()) if hub else None


def _place(show: OpenShow, row: RemoteRow) -> TargetParams:
    """How to get to a place where something of ours lies. Raises UsageRefused where the settings do not know it any more."""
    for params in show.targets.targets.values():
        if params.url == row.url:
            return params
    raise UsageRefused(
        f"targets.toml has no such place any more; put it back, or take it down by hand and run `stablecast targets forget "
        f"{row.name}`"
    )


def _taken_down(show: OpenShow, url: str, place: Remote, halt: Callable[[], None]) -> bool:
    """Bring a place in line with the withdrawals and holds: first a feed and pages without them, then their files go.

    Nothing else becomes public by it. Where no feed can be made, the old one goes too. False when facts changed meanwhile.
    """
    token = show.state.remote_due(url)
    if not token:
        return True
    ours = show.state.remote_files(url)
    there = place.sizes({path.parent for path in ours})
    whole = _whole_there(show, ours, there)
    tree, at = _tree(show, whole), release.time_of(whole)
    if tree is None:
        kept = {path for release in whole for path in release.files}
        doomed = [path for path in ours if path not in kept]  # any text of ours may name what has to go
        texts: Mapping[PurePosixPath, bytes] = {}
        place.notes.append(
            "feed and pages are down there too, for the settings cannot be read; mend them and publish again"
        )
    else:
        doomed = [path for path in ours if path not in tree.paths]
        texts = _texts_there(tree, ours, there) if FEED in ours else {}
    trouble: StablecastError | None = None
    try:
        for path in sorted(texts, key=lambda path: (path != FEED, path)):
            halt()
            show.state.set_remote_file(url, path, "")
            place.put(path, texts[path], at=at, halt=halt)
            show.state.set_remote_file(url, path, hashlib.sha256(texts[path]).hexdigest())
    except StablecastError as stopped_by:
        trouble = stopped_by  # a place that takes nothing may still let files be deleted
    for path in sorted(doomed, key=lambda path: (path.parts[0] != "media", path)):
        halt()
        place.remove(path)
        show.state.drop_remote_file(url, path)
    if trouble:
        raise trouble
    show.state.log(show.clock(), OPERATOR, "taken-down-there", detail=_code(url))
    return show.state.settle_remote(url, token)


def _whole_there(
    show: OpenShow, ours: Mapping[PurePosixPath, str], there: Mapping[PurePosixPath, int]
) -> tuple[Release, ...]:
    """Those live releases of which every file is at a place."""
    return tuple(
        kept
        for kept in map(release.kept, show.state.live_releases())
        if all(path in ours and path in there for path in kept.files)
    )


def _tree(show: OpenShow, whole: tuple[Release, ...]) -> PublicTree | None:
    """What a place with these releases should hold; None where the settings do not let it be made."""
    try:
        return release.public_tree(show, whole, release.plain_enough(show))
    except StablecastError:
        return None


def _texts_there(
    tree: PublicTree, ours: Mapping[PurePosixPath, str], there: Mapping[PurePosixPath, int]
) -> dict[PurePosixPath, bytes]:
    """Those texts that the place does not have as they should be, and that are in nobody's way."""
    return {
        path: data
        for path, data in tree.texts.items()
        if (path in ours or path not in there)
        and not (path in there and ours.get(path) == hashlib.sha256(data).hexdigest())
    }


def withdraw(show: OpenShow, name: str | None, receipt: str | None, say: Say, *, by: str = OPERATOR) -> WithdrawView:
    """`release.withdraw`, and then from every place elsewhere, at once or by every later command until it is done.

    Named by the episode or by its receipt code; `by` is who asked, where they named it. Raises UsageRefused when there is no
    such episode.
    """
    row = show.row(name) if name else release.by_receipt(show, receipt or "")
    try:
        done = release.withdraw(show, row, by if name else "receipt")
    except StablecastError:
        if any(remote.due for remote in show.state.remotes()):
            take_down_due(show, say, at_once=True)
        else:
            _emergency(show, row.public_id, say)
        raise
    take_down_due(show, say, at_once=True)
    return dataclasses.replace(done, checklist=checklist(show, row.id), remotes=remotes(show))


def _emergency(show: OpenShow, public_id: str, say: Say) -> None:
    """Take an episode's files and the feed down everywhere though not even the database can be written. Raises nothing."""
    with contextlib.suppress(StablecastError):
        for row in show.state.remotes():
            ours = show.state.remote_files(row.url)
            kept = {path for one in show.state.live_releases() for path in release.kept(one).files}
            doomed = [path for path in ours if path not in kept or public_id in path.as_posix()]
            if not any(public_id in path.as_posix() for path in doomed):
                continue
            try:
                params = _place(show, row)
                secrets = opening.credentials(row.name, params, show.workspace.root)
                with remote.opened(row.name, params, secrets, timeout_s=SILENCE_S) as place:
                    for path in doomed:
                        place.remove(path)
                say(f"{row.name}: the episode and the feed are taken down there; withdraw it once more after this.")
            except StablecastError as failed:
                say(_still_up(row, str(failed)))


# --- what there is ---------------------------------------------------------------------------------------------------------


def target(show: OpenShow, name: str) -> TargetParams:
    """The place of that name. Raises UsageRefused where there is none."""
    found = show.targets.targets.get(name)
    if found is None:
        known = ", ".join(sorted(show.targets.targets)) or "none"
        raise UsageRefused(f"config/targets.toml has no place of that name; it has: {known}")
    return found


def remotes(show: OpenShow) -> tuple[RemoteView, ...]:
    """Every place where something of ours lies, or did."""
    found = ((row, len(show.state.remote_files(row.url))) for row in show.state.remotes())
    return tuple(RemoteView(row.name, files, bool(row.due)) for row, files in found if files or row.due)


def targets(show: OpenShow) -> tuple[TargetView, ...]:
    """Every place in the settings, and every other where something of ours lies."""
    known = {row.url: row for row in show.state.remotes()}
    named = [(name, params.url) for name, params in sorted(show.targets.targets.items())]
    others = [(row.name, row.url) for row in known.values() if row.url not in {url for _, url in named}]
    return tuple(
        TargetView(name, url, len(show.state.remote_files(url)), url in known and bool(known[url].due))
        for name, url in (*named, *others)
    )


def login(show: OpenShow, name: str, secrets: Mapping[str, str]) -> None:
    """Put what opens a place into this system's keyring."""
    opening.keep(name, target(show, name), Credentials(**secrets))


def forget(show: OpenShow, name: str) -> None:
    """Somebody took down by hand what lies at a place: it is not ours to look after any more. Raises UsageRefused."""
    found = [row for row in show.state.remotes() if row.name == name]
    if not found:
        raise UsageRefused("nothing of ours lies at a place of that name; `stablecast targets list` says where")
    for row in found:
        with show.state.transaction():
            show.state.log(show.clock(), OPERATOR, "taken-down-by-hand", detail=_code(row.url))
            show.state.forget_remote(row.url)


def places(show: OpenShow, name: str, done: str | None = None, by: str = OPERATOR) -> PlacesView:
    """Where copies of a withdrawn episode may live; `done`: somebody saw to one. Raises UsageRefused."""
    row = show.row(name)
    known = show.state.places(row.id)
    if done is not None:
        if done not in {place.place for place in known}:
            listed = ", ".join(place.place for place in known) or "none: it was never public"
            raise UsageRefused(f"there is no such place for this episode; there are: {listed}")
        with show.state.transaction():
            if show.state.close_place(row.id, done, by, show.clock()):
                show.state.log(show.clock(), by, "place-done", row.id, done)
    return PlacesView(row.slug, checklist(show, row.id), remotes(show))


def checklist(show: OpenShow, episode: str) -> tuple[PlaceView, ...]:
    """The places of an episode, with who saw to them and when."""
    names = {account.id: account.name for account in show.state.accounts()}
    return tuple(
        PlaceView(
            place.place,
            release.PLACES.get(place.place, place.place),
            place.done_at.isoformat(timespec="seconds") if place.done_at else None,
            names.get(place.done_by, place.done_by) if place.done_by else None,
        )
        for place in show.state.places(episode)
    )


# --- shared ----------------------------------------------------------------------------------------------------------------


def _never() -> None:
    pass


def _within(show: OpenShow, params: TargetParams) -> bool:
    folder = remote.folder_of(params)
    return folder.is_relative_to(show.workspace.root) or show.workspace.root.is_relative_to(folder)


def _code(url: str) -> str:
    """A place in the audit log, which holds no names."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def _public_url(show: OpenShow, params: TargetParams) -> str:
    url = params.public_url or show.settings.show.url
    return url if url.endswith("/") else f"{url}/"


def _to_look_at(show: OpenShow) -> dict[PurePosixPath, int]:
    """The feed, the page in front, and the files of the newest release."""
    found = [path for path in (FEED, PurePosixPath("index.html")) if path in show.state.tree()]
    if live_ones := show.state.live_releases():
        found += sorted(release.kept(live_ones[-1]).files)
    return {path: (show.workspace.public / path).stat().st_size for path in found}


def _view(
    name: str,
    params: TargetParams,
    planned: Plan,
    *,
    dry_run: bool = False,
    notes: tuple[str, ...] = (),
    problems: tuple[str, ...] = (),
) -> PushView:
    def text(paths: object) -> tuple[str, ...]:
        return tuple(path.as_posix() for path in paths if isinstance(path, PurePosixPath))  # type: ignore[attr-defined]

    return PushView(
        name,
        dry_run,
        text(path for path in planned.send if path not in planned.replace),
        text(path for path in planned.send if path in planned.replace),
        text(planned.delete),
        len(planned.same),
        text(planned.foreign),
        problems,
        notes,
    )
