"""Looking without touching: the invariants, the audit log, the feed, and what a meter says of files."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path, PurePosixPath

import numpy as np
from lxml import etree

from stablecast import wording
from stablecast.engine import workflow
from stablecast.engine.audit import first_broken
from stablecast.errors import InputRefused, IntegrityFailure, StablecastError, UsageRefused
from stablecast.findings import Finding, Severity
from stablecast.loudness.meter import measure as metered
from stablecast.model import Approval, Role, Waveform
from stablecast.rss import lint as linting
from stablecast.stages.approve import ORDER
from stablecast.stages.publish import FEED, Release
from stablecast.store import decisions, episode, receipts, seal
from stablecast.store.episode import Record
from stablecast.store.state import CutRow, EpisodeRow, What
from stablecast.studio import keeping, making
from stablecast.studio.release import kept
from stablecast.studio.show import OpenShow
from stablecast.studio.views import InvariantView, LintView, MeasureView, RowView, VerifyView, finding_view
from stablecast.targets import local
from stablecast.tools import containers, ffmpeg

Problems = Iterator[str]

_AUDIO_MAGIC = (b"RIFF", b"OggS", b"fLaC", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\x1aE\xdf\xa3")
_AGE_MAGIC = b"age-encryption.org/v1\n"
_MEASURE_RATE_HZ = 48_000  # the rate BS.1770 is written for


# --- invariants ------------------------------------------------------------------------------------------------------------


def verify(show: OpenShow, *, deep: bool) -> VerifyView:
    """Check the invariants I1–I15 of the workflow from what is on the disk. `deep` opens every sealed file as well."""
    checks: tuple[tuple[str, str, Callable[[OpenShow], Problems]], ...] = (
        ("I1", "what is published was approved by three people, on these very bytes", _approved),
        ("I2", "the young person came first, then the reviewer, then the lead", _in_order),
        ("I3", "what is published is covered by a consent that stands", _consented),
        ("I4", "nothing that was withdrawn or is held is left in the public folder", _gone),
        ("I5", "nothing was published again after it was withdrawn", _stayed_gone),
        ("I6", "every consent has a receipt that can withdraw it", _withdrawable),
        ("I7", "recordings lie sealed, and nowhere else", _sealed_deep if deep else _sealed),
        ("I8", "the public folder holds what was released and nothing else", _exact),
        ("I9", "the audit log is whole and tells nothing about anybody", _logged),
        ("I10", "every step towards publication was taken by a person, none by a clock", _by_people),
        ("I11", "only the young person's own account spoke for the young person", _own_voice),
        ("I12", "the public folder is whole: the feed parses and names only files that are there", _whole),
        ("I13", "no one person filled two roles for one cut", _distinct),
        ("I14", "nothing is kept about a young person but what is needed", _minimal),
        ("I15", "every closed gate says why and what comes next", _explained),
    )
    found = tuple(InvariantView(i, title, not (p := tuple(_told(show, check))), p) for i, title, check in checks)
    return VerifyView(all(view.holds for view in found), deep, found)


def _told(show: OpenShow, check: Callable[[OpenShow], Problems]) -> Problems:
    try:
        yield from check(show)
    except StablecastError as broken:
        yield str(broken)


def _published(show: OpenShow) -> Iterator[tuple[EpisodeRow, Release, str]]:
    by_id = {row.id: row for row in show.state.episodes()}
    for release in show.state.live_releases():
        yield by_id[release.episode], kept(release), release.digest


def _newest_cuts(show: OpenShow) -> Iterator[tuple[EpisodeRow, CutRow, tuple[Approval, ...]]]:
    for row in show.state.episodes():
        if cut := show.state.cut(row.id):
            yield row, cut, show.approvals(row, cut.digest)


def _approved(show: OpenShow) -> Problems:
    present = local.digests(show.workspace.public)
    for row, body, digest in _published(show):
        given = show.approvals(row, digest)
        if {approval.role for approval in given} != set(ORDER) or len({a.account for a in given}) != len(ORDER):
            yield f"{row.slug}: three people's approvals of the published cut are not there"
        cut = show.state.cut_by(row.id, digest)
        if cut is None:
            yield f"{row.slug}: the published cut was never frozen"
        for path, expected in body.files.items():
            if path not in present and show.state.swap_due():
                yield f"{row.slug}: its publication was interrupted; `stablecast publish` completes it"
            elif present.get(path) != expected:
                yield f"{row.slug}: a public file is not the one that was approved"


def _in_order(show: OpenShow) -> Problems:
    for row, cut, given in _newest_cuts(show):
        if tuple(approval.role for approval in given) != ORDER[: len(given)]:
            yield f"{row.slug}: the approvals are not in order"
        times = [approval.at for approval in given]
        if times != sorted(times) or any(at + timedelta(seconds=1) < cut.at for at in times):
            yield f"{row.slug}: an approval is older than what it approves"


def _consented(show: OpenShow) -> Problems:
    for row, _, digest in _published(show):
        cut = show.state.cut_by(row.id, digest)
        consents = {consent.version: consent for consent in show.state.consents(row.id)}
        items = consents[cut.consent].items if cut and cut.consent in consents else ()
        latest = consents[max(consents)].items if consents else ()
        missing = [item for item in workflow.NEEDED if item not in items or item not in latest]
        if missing:
            yield f"{row.slug}: no consent to {', '.join(missing)}"


def _gone(show: OpenShow) -> Problems:
    for remote in show.state.remotes():
        if remote.due:
            yield f"what was taken back is still up at {remote.name}; any command but this one tries to take it down"
    stopped = [row for row in show.state.episodes() if row.id in show.state.stopped()]
    if not stopped:
        return
    if show.state.swap_due():
        yield "a withdrawal or a hold is not finished; run `stablecast withdraw` or `hold` once more"
    for path in local.digests(show.workspace.public):
        data = (show.workspace.public / path).read_bytes()
        for row in stopped:
            if row.public_id in path.as_posix() or row.public_id.encode() in data or row.guid.encode() in data:
                yield f"{row.slug}: it is still in the public folder"


def _stayed_gone(show: OpenShow) -> Problems:
    by_id = {row.id: row.slug for row in show.state.episodes()}
    withdrawn_at: dict[str, int] = {}
    for entry in show.state.audit():
        if entry.action == "withdrawn":
            withdrawn_at[entry.episode] = entry.seq
        elif entry.action == "published" and entry.episode in withdrawn_at:
            yield f"{by_id.get(entry.episode, 'an episode')}: it was published after it was withdrawn"


def _withdrawable(show: OpenShow) -> Problems:
    for row in show.state.episodes():
        for consent in show.state.consents(row.id):
            if len(consent.receipt) != hashlib.sha256().digest_size * 2:
                yield f"{row.slug}: consent {consent.version} has no receipt"


def _sealed(show: OpenShow) -> Problems:
    root = show.workspace.root
    for folder in ("episodes", "transcripts"):
        for path in sorted((root / folder).rglob("*")):
            mode = path.lstat().st_mode
            if path.is_symlink():
                yield f"{folder}: a link lies among the sealed files"
            elif stat.S_IMODE(mode) & 0o077 and path.name != "README.md":
                yield f"{folder}: a file or folder can be read by other users of this computer"
            elif path.is_file():
                with path.open("rb") as file:
                    head = file.read(len(_AGE_MAGIC))
                if head.startswith(_AUDIO_MAGIC) or head[4:8] == b"ftyp":
                    yield f"{folder}: a recording lies there in clear"
                elif path.suffix == ".age" and head != _AGE_MAGIC:
                    yield f"{folder}: a sealed file is damaged"
    for row in show.episodes():
        yield from _in_place(show, row)
    yield from keeping.problems(show)


def _in_place(show: OpenShow, row: EpisodeRow) -> Problems:
    record = episode.read(show.workspace, row.slug)
    for number in _recordings(show, row, record):
        path = show.workspace.source(row.slug, number)
        if not path.exists() or seal.fingerprint(path) != record.inputs[f"source/{number}"].sealed:
            yield f"{row.slug}: a sealed recording is missing or not the one that was put there"
    for name, path in episode.human_inputs(show.workspace, row.slug, record).items():
        if not path.exists() or seal.fingerprint(path) != record.inputs[name].sealed:
            yield f"{row.slug}: what was written about it ({name}) is missing or not what was put there"
    for node, receipt in receipts.read_all(show.workspace.receipts(row.slug)).items():
        path = show.workspace.work(row.slug, node, receipt.key)
        if path.exists() and seal.fingerprint(path) != receipt.sealed:
            yield f"{row.slug}: the sealed result of {node} is not the one that was put there"


def _recordings(show: OpenShow, row: EpisodeRow, record: Record) -> set[int]:
    """The numbers of the sealed recordings that there should be."""
    if row.id in show.state.erased(What.RAW):
        return set()
    return {record.source(track) for track in range(1, record.tracks + 1)}


def _sealed_deep(show: OpenShow) -> Problems:
    yield from _sealed(show)
    yield from keeping.stale_keys(show)
    for row in show.episodes():
        entry = show.keyring.entry(row.id)
        if number := decisions.newest(show.workspace, row.slug):
            try:
                decisions.read(show.workspace, row.slug, number, entry.keys)
            except IntegrityFailure:
                yield f"{row.slug}: what was decided about its words is damaged or not what was put there"
        if entry.source_keys is None:
            continue
        record = episode.read(show.workspace, row.slug)
        for number in _recordings(show, row, record):
            role = f"source/{number}"
            path = show.workspace.source(row.slug, number)
            _, waveform = seal.read_audio(path, role, seal.Nothing, entry.source_keys)
            if sum(len(block) for block in waveform.blocks()) != waveform.length:
                yield f"{row.slug}: a sealed recording is cut off"


def _exact(show: OpenShow) -> Problems:
    expected, present = show.state.tree(), local.digests(show.workspace.public)
    present.pop(PurePosixPath("README.md"), None)
    if not expected and not present:
        return
    for path in present.keys() - expected.keys():
        yield f"{path}: no release put this file into the public folder"
    for path in expected.keys() - present.keys():
        yield f"{path}: this file is missing from the public folder"
    for path in present.keys() & expected.keys():
        if present[path] != expected[path]:
            yield f"{path}: this public file was changed"
    released = {path for _, body, _ in _published(show) for path in body.files}
    for path in present.keys() - released:
        if path.parts[0] in ("media", "captions", "chapters"):
            yield f"{path}: it belongs to no live release"
    yield from (f"{path.name}: not a plain file" for path in local.irregular(show.workspace.public))


def _logged(show: OpenShow) -> Problems:
    entries = show.state.audit()
    broken = first_broken(entries)
    if broken is not None:
        yield f"the audit log was changed at entry {broken}"
    hashes = {entry.hash for entry in entries}
    if any(release.audit_head not in hashes for release in show.state.releases()):
        yield "the audit log is older than a release: its end was cut off, or an old one was put back"
    head = show.keyring.audit_head()
    if head and head not in hashes:
        yield "the audit log is older than the copy of its head that is kept beside the keyring"
    names = {account.name for account in show.state.accounts()}
    if any(name in (entry.actor, *entry.detail.split()) for entry in entries for name in names):
        yield "the audit log holds a name"


def _by_people(show: OpenShow) -> Problems:
    accounts = {account.id for account in show.state.accounts()}
    for entry in show.state.audit():
        if entry.action.startswith("approved-") and entry.actor not in accounts:
            yield f"audit entry {entry.seq}: an approval without a person"
        if entry.action == "published" and entry.actor == "system":
            yield f"audit entry {entry.seq}: published by a clock"
    logged = {(e.episode, e.action, e.actor, e.detail) for e in show.state.audit()}
    for row, _, given in _newest_cuts(show):
        for approval in given:
            if (row.id, f"approved-{approval.role}", approval.account, approval.digest) not in logged:
                yield f"{row.slug}: an approval as {approval.role} that nobody gave: it is not in the log"


def _own_voice(show: OpenShow) -> Problems:
    roles = {account.id: account.roles for account in show.state.accounts()}
    for row in show.state.episodes():
        lifted = {hold.lifted_by for hold in show.state.holds(row.id)} - {None}
        if any(Role.LEAD not in roles.get(str(by), ()) for by in lifted):
            yield f"{row.slug}: a hold was lifted by an account that is no lead's"
    for row, _, given in _newest_cuts(show):
        for approval in given:
            if approval.role not in roles.get(approval.account, ()):
                yield f"{row.slug}: an approval as {approval.role} by an account without that role"


def _whole(show: OpenShow) -> Problems:
    feed = show.workspace.public / FEED
    if local.leftovers(show.workspace.public):
        yield "an interrupted command left a half-built tree; `stablecast publish` clears it"
    if not show.state.tree():
        return
    if not feed.is_file():
        yield "there is no feed in the public folder; publish again"
        return
    findings = linting.lint(feed.read_bytes(), base_url=show.settings.show.url, files=_sizes(show.workspace.public))
    yield from (f"the feed: {finding.message}" for finding in findings if finding.severity is Severity.ERROR)


def _distinct(show: OpenShow) -> Problems:
    for row, cut, given in _newest_cuts(show):
        if len({approval.account for approval in given}) != len(given):
            yield f"{row.slug}: one person approved in two roles"
        if any(approval.role is Role.REVIEWER and approval.account == cut.producer for approval in given):
            yield f"{row.slug}: who made the cut reviewed it"


def _minimal(show: OpenShow) -> Problems:
    columns = show.state.columns()
    if columns != show.state.known_columns():
        yield "the database has tables or columns that this version did not make"


def _explained(show: OpenShow) -> Problems:
    for row in show.episodes():
        gate = workflow.gate(show.facts(row), show.settings.workflow, show.now())
        if gate is not None and not gate.next_step:
            yield f"{row.slug}: the gate {gate.name} does not say what comes next"


# --- the log, the feed, the meter ------------------------------------------------------------------------------------------


def audit(show: OpenShow) -> tuple[RowView, ...]:
    """The audit log. Raises IntegrityFailure when its chain is broken."""
    entries = show.state.audit()
    broken = first_broken(entries)
    if broken is not None:
        raise IntegrityFailure(f"the audit log was changed at entry {broken}; compare it with a backup before going on")
    return tuple(RowView(e.seq, e.at, e.actor, e.action, e.episode, e.detail) for e in entries)


def lint_episode(show: OpenShow, name: str) -> LintView:
    """What our rules find in an episode: its captions, if they are made, and the words that staff wrote about it."""
    row = show.episode(name)
    made_of = making.bench(show, row)
    ready = not any(step.reason is not None for step in show.steps(row.slug) if step.node.key in ("caption", "master"))
    captions = made_of.caption_findings() if ready else (_NOT_YET,)
    told = show.settings.show
    own = (("show title", told.title), ("show summary", told.summary))
    return _lint_view((*captions, *wording.findings((*made_of.details().texts, *own), show.wording)))


_NOT_YET = Finding(
    "captions.none", Severity.WARNING, "Stablecast", "captions", "there are none yet: make them with `stablecast run`"
)


def _lint_view(found: tuple[Finding, ...]) -> LintView:
    return LintView(all(f.severity is not Severity.ERROR for f in found), tuple(map(finding_view, found)))


def lint(feed: Path, base_url: str) -> LintView:
    """What our rules find in a feed; files beside it are looked at too when it is a whole public folder."""
    path = feed / FEED if feed.is_dir() else feed
    try:
        data = path.read_bytes()
    except OSError as unreadable:
        raise UsageRefused("there is no feed to read here; name a feed.xml or a public folder") from unreadable
    files = _sizes(path.parent) if path.name == FEED.name else None
    own = _address(data) or base_url
    return _lint_view(linting.lint(data, base_url=own, files=files))


def _address(feed: bytes) -> str | None:
    """Where the feed says it is served from."""
    try:
        root = etree.fromstring(feed, etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True))
    except etree.XMLSyntaxError:
        return None
    link = root.find("channel/{http://www.w3.org/2005/Atom}link[@rel='self']")
    href = None if link is None else link.get("href")
    return None if href is None else href.rpartition("/")[0] + "/"


def _sizes(public: Path) -> dict[str, int]:
    return {
        path.relative_to(public).as_posix(): path.stat().st_size
        for path in public.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def measure(files: tuple[Path, ...], max_bytes: int, max_duration_s: float) -> tuple[MeasureView, ...]:
    """What a BS.1770 meter says of each file's sound, as one channel."""
    return tuple(_measured(path, max_bytes, max_duration_s) for path in files)


def _measured(path: Path, max_bytes: int, max_duration_s: float) -> MeasureView:
    with ffmpeg.open_recording(path, max_bytes=max_bytes) as file:
        container = containers.sniff(file)
        containers.check_whole(file, container)
        stereo = ffmpeg.decode(file, container, rate_hz=_MEASURE_RATE_HZ, limits=ffmpeg.Limits(max_duration_s))
        with closing(stereo):  # a generator: closing it ends ffmpeg
            blocks = [block.mean(axis=1, dtype=np.float32) for block in stereo]
    if not blocks:
        raise InputRefused("there is no sound in this file")
    heard = Waveform.of(np.concatenate(blocks), _MEASURE_RATE_HZ)
    loudness = metered(heard)
    return MeasureView(
        file=os.fspath(path),
        duration_s=round(heard.duration_s, 3),
        integrated_lufs_mono=round(loudness.mono, 2),
        integrated_lufs_dual_mono=round(loudness.dual_mono, 2),
        true_peak_dbtp=round(loudness.true_peak, 2),
        range_lu=round(loudness.range_lu, 2),
    )
