"""Making a show, and taking people, recordings, words and decisions in."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import secrets
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import BinaryIO

from stablecast import codecs
from stablecast.engine.workflow import WITHDRAWN
from stablecast.errors import GateClosed, InputRefused, UsageRefused
from stablecast.model import Alias, Block, Chapter, ContentNote, Details, Digest, Item, Kind, Role, Slug, Turn
from stablecast.stages import transcribe
from stablecast.stages import turns as dividing
from stablecast.stages.ingest import IngestParams, mono
from stablecast.store import accounts, episode, files, keyring, locks, seal
from stablecast.store.episode import Corrections, Protected, Record, Track, Tracks, Turns
from stablecast.store.keyring import Entry, Keyring
from stablecast.store.seal import EpisodeKeys, Stored
from stablecast.store.state import Account, Consent, EpisodeRow, State
from stablecast.store.uploads import Recording
from stablecast.store.workspace import ROOMS, STATE, Workspace
from stablecast.studio import gone, making
from stablecast.studio.show import OPERATOR, OpenShow, named, utc_now
from stablecast.studio.views import AccountView, FindingView, TurnsView, TurnView, finding_view
from stablecast.tools import containers, ffmpeg, verifier
from stablecast.voice.turns import overlaid
from stablecast.wording import findings

SHORTEST_PASSWORD = 8
EXAMPLES = ("show.toml", "voices.toml", "outcomes.toml", "wording.toml", "site.toml", "targets.toml")


@dataclass(frozen=True, slots=True)
class Additions:
    """What `add` was given besides recordings; None or empty leaves what is there."""

    title: str | None = None
    summary: str | None = None
    content_note: str | None = None
    notes: tuple[ContentNote, ...] = ()  # given or not together with `content_note`: they replace the whole note
    outcomes: tuple[str, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    explicit: bool | None = None
    kind: Kind | None = None
    season: int | None = None  # 0 takes it out of its season
    protect: tuple[str, ...] = field(default=(), repr=False)

    def over(self, details: Details) -> Details:
        """`details` with what was given put in its place."""
        noted = self.content_note is not None or bool(self.notes)
        return Details(
            title=details.title if self.title is None else self.title,
            summary=details.summary if self.summary is None else self.summary,
            content_note=(self.content_note or "") if noted else details.content_note,
            notes=self.notes if noted else details.notes,
            outcomes=self.outcomes or details.outcomes,
            chapters=self.chapters or details.chapters,
            explicit=details.explicit if self.explicit is None else self.explicit,
            kind=details.kind if self.kind is None else self.kind,
            season=details.season if self.season is None else self.season,
        )


@dataclass(frozen=True, slots=True)
class SealedPerson:
    """What a consent record knows of a person. Sealed under the episode's key; all of it may be left out."""

    pseudonym: str = ""
    age_band: str = ""
    contact: str = ""


# --- the show and its people ---------------------------------------------------------------------------------------------


def init(root: Path, passphrase: str, *, demo: bool = False) -> Workspace:
    """A new, empty show in `root` with example settings; settings that are there already stay.

    Raises UsageRefused where something is: a folder must be new, empty, or hold the four rooms with nothing in them.
    """
    if root.exists() and not _empty(root):
        raise UsageRefused("this folder is not empty; name a new one")
    if not passphrase:
        raise UsageRefused(
            "a show needs a passphrase; without one anybody with this computer could open the recordings"
        )
    with files.resources():
        root.mkdir(mode=files.PRIVATE_FOLDER, parents=True, exist_ok=True)
    workspace = Workspace(root)
    workspace.make()
    for name in EXAMPLES:
        if not workspace.config(name).exists():
            files.write(workspace.config(name), example(name))
    show_id = secrets.token_hex(16)
    Keyring(keyring.folder_for(workspace.root), show_id, lambda: passphrase).create()
    with State.create(workspace.state, show_id=show_id, demo=demo) as state:
        state.log(utc_now(), OPERATOR, "init")
    return workspace


def example(name: str) -> bytes:
    """An example settings file, as `init` writes it."""
    return (resources.files("stablecast") / "examples" / name).read_bytes()


def _empty(root: Path) -> bool:
    """Whether a show may begin here. A checkout of Stablecast may: its rooms hold READMEs and example settings alone."""
    if not root.is_dir() or (root / STATE).exists():
        return False
    rooms = [root / room for room in ROOMS]
    if not all(room.is_dir() for room in rooms):
        return not any(root.iterdir())
    return all(path.name == "README.md" or path.parent.name == "config" for room in rooms for path in room.rglob("*"))


def add_user(show: OpenShow, name: str, roles: tuple[Role, ...], password: str) -> None:
    """A new account. Raises UsageRefused for a name that is taken or a password that is too short."""
    if any(account.name == name for account in show.state.accounts()):
        raise UsageRefused("there is an account of that name already; choose another name")
    _check_password(password)
    if not roles:
        raise UsageRefused("name at least one role: young-person, producer, reviewer or lead")
    account = Account(uuid.uuid4().hex, name, roles, accounts.hashed(password))
    with show.state.transaction():
        show.state.add_account(account)
        show.state.log(show.now(), OPERATOR, "user-added", detail=f"{account.id} {' '.join(roles)}")


def set_password(show: OpenShow, name: str, password: str) -> None:
    """Give somebody another password; who is signed in under the old one is not any more. Raises UsageRefused."""
    account = show.account(name)
    _check_password(password)
    with show.state.transaction():
        show.state.set_password(account.id, accounts.hashed(password))
        show.state.log(show.now(), OPERATOR, "password-changed", detail=account.id)


def _check_password(password: str) -> None:
    if len(password) < SHORTEST_PASSWORD:
        raise UsageRefused(f"a password has {SHORTEST_PASSWORD} characters or more")


def users(show: OpenShow) -> tuple[AccountView, ...]:
    return tuple(AccountView(account.name, account.roles) for account in show.state.accounts())


def consent(show: OpenShow, name: str, items: tuple[Item, ...], person: SealedPerson) -> str:
    """Record what the young person said yes to, item by item, and return a new receipt code, which is shown once.

    `Item.SAME_VOICE` stays as it was: it is asked, and taken back, by a command of its own.
    """
    row = show.episode(name)
    code = accounts.receipt_code()
    with locks.exclusive(show.workspace.lock("work")):
        asked = tuple(item for item in items if item is not Item.SAME_VOICE)
        earlier = show.state.consents(row.id)
        kept = (Item.SAME_VOICE,) if earlier and Item.SAME_VOICE in earlier[-1].items else ()
        _consented(show, row, (*asked, *kept), accounts.receipt_hash(code, show.state.show.id), person)
        making.freeze_if_ready(show, row)
    return code


def _consented(show: OpenShow, row: EpisodeRow, items: tuple[str, ...], receipt: str, person: SealedPerson) -> None:
    version = len(show.state.consents(row.id)) + 1
    sealed = seal.sealed_value(f"consent/{version}", person, show.keyring.entry(row.id).keys)
    with show.state.transaction():
        show.state.add_consent(row.id, Consent(version, items, receipt, show.now(), sealed))
        said = " ".join(sorted(items)) or "nothing"
        show.state.log(show.now(), OPERATOR, "consent", row.id, f"version {version}: {said}")


def consent_to_same_voice(show: OpenShow, row: EpisodeRow, yes: bool) -> None:
    """A new version of the consent in force, in which only `Item.SAME_VOICE` is another; the receipt stays good.

    Raises GateClosed where nothing was consented to yet.
    """
    earlier = show.state.consents(row.id)
    if not earlier:
        raise GateClosed("no consent is recorded; `stablecast consent EP` comes first")
    last = earlier[-1]
    if (Item.SAME_VOICE in last.items) == yes:
        return
    keys = show.keyring.entry(row.id).keys
    person = seal.opened_value(last.sealed, f"consent/{last.version}", SealedPerson, keys)
    items = tuple(item for item in last.items if item != Item.SAME_VOICE)
    _consented(show, row, (*items, *((Item.SAME_VOICE,) if yes else ())), last.receipt, person)


# --- recordings ----------------------------------------------------------------------------------------------------------


def add(
    show: OpenShow,
    name: str,
    recordings: tuple[tuple[Alias, Recording], ...],
    additions: Additions,
    together: tuple[Alias, ...] = (),
) -> bool:
    """Take in recordings as a new episode, or new words for one that is there; True when it is new.

    `recordings` name their speaker; several of one speaker are joined in order. With `together` they are joined to one
    recording, in which these people take turns. Nothing is kept when one is refused.
    Raises InputRefused, UsageRefused, GateClosed.
    """
    slug = named(name)
    _check_additions(show, additions)
    with locks.exclusive(show.workspace.lock("work")):
        row = show.state.episode(slug)
        if row is None and gone.lists(show, slug):
            raise GateClosed(WITHDRAWN)
        known = row is not None and (show.known(row) or row.id in show.state.withdrawals())
        if known and recordings:
            show.episode(name)
            raise GateClosed("this episode has its recordings already; add these under a new episode name")
        if not known and not recordings:
            raise UsageRefused("name at least one recording for a new episode")
        if known:
            _update(show, show.episode(name), additions)
        else:
            _create(show, slug, row, recordings, additions, together)
        return not known


def _create(
    show: OpenShow,
    slug: Slug,
    row: EpisodeRow | None,
    recordings: tuple[tuple[Alias, Recording], ...],
    additions: Additions,
    together: tuple[Alias, ...],
) -> None:
    show.keyring.entries()  # a wrong passphrase is told before an hour is decoded
    _refuse_published(show, [recording for _, recording in recordings])
    speakers = together or tuple(dict.fromkeys(speaker for speaker, _ in recordings))
    entry = Entry.fresh().with_draws(speakers)
    _clear(show.workspace, slug)  # what an interrupted `add` left: without a record it never counted
    try:
        record = _sealed(show, slug, recordings, speakers, additions, entry, shared=bool(together))
        with show.state.transaction():
            row = row or show.state.add_episode(slug, secrets.token_hex(16))
            show.state.log(show.now(), OPERATOR, "added", row.id, f"{len(speakers)} tracks")
        show.keyring.put(row.id, entry)
        episode.write(show.workspace, slug, dataclasses.replace(record, id=row.id))  # the moment at which it counts
    except BaseException:
        _clear(show.workspace, slug)
        raise


def _refuse_published(show: OpenShow, recordings: Sequence[Recording]) -> None:
    """Raises GateClosed for a file that this show published: what was changed once is no recording of anybody."""
    published = set(show.state.tree().values())
    for recording in recordings if published else ():
        with (
            _source(recording) as source,
            ffmpeg.open_recording(source, max_bytes=show.settings.ingest.max_bytes) as file,
        ):
            digest, left = hashlib.sha256(), os.fstat(file.fileno()).st_size  # and no more, should it be growing
            while left > 0 and (piece := file.read(min(left, 1 << 20))):
                digest.update(piece)
                left -= len(piece)
            if digest.hexdigest() in published:
                raise GateClosed(
                    "this is the finished sound of an episode that is public already; add the recording it was made from"
                )


def twins(show: OpenShow, row: EpisodeRow) -> tuple[Slug, ...]:
    """Other episodes with a recording that is, sample for sample, one of this episode's: perhaps it was added twice.

    Only recordings of one length are compared, so this costs next to nothing where there is no twin.
    """
    own = _sources(show, row)
    found = []
    for other in show.state.episodes():
        theirs = _sources(show, other) if other.id != row.id and show.known(other) else ()
        if any(_same(one, another) for one in own for another in theirs):
            found.append(other.slug)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Source:
    path: Path
    role: str
    digest: Digest
    keys: EpisodeKeys


def _sources(show: OpenShow, row: EpisodeRow) -> tuple[_Source, ...]:
    record, keys = episode.read(show.workspace, row.slug), show.keyring.entry(row.id).source_keys
    numbers = range(1, 1 + (1 if record.shared else record.tracks))
    there = [(n, show.workspace.source(row.slug, n)) for n in numbers]
    return tuple(
        _Source(path, f"source/{n}", record.inputs[f"source/{n}"].digest, keys)
        for n, path in there
        if keys is not None and path.exists()
    )


def _same(one: _Source, other: _Source) -> bool:
    lengths = {seal.plaintext_length(each.path) - len(each.role) for each in (one, other)}
    return len(lengths) == 1 and other.digest == seal.digest_elsewhere(
        one.path, one.role, one.keys, other.role, other.keys
    )


def _clear(workspace: Workspace, slug: Slug) -> None:
    for folder in (workspace.episode(slug), workspace.words(slug)):
        shutil.rmtree(folder, ignore_errors=True)


def _sealed(
    show: OpenShow,
    slug: Slug,
    recordings: tuple[tuple[Alias, Recording], ...],
    speakers: tuple[Alias, ...],
    additions: Additions,
    entry: Entry,
    *,
    shared: bool,
) -> Record:
    workspace, params, keys = show.workspace, show.settings.ingest, entry.keys
    source_keys = entry.source_keys or keys
    inputs: dict[str, Stored] = {}
    divided: dict[str, int] = {}
    tracks = []
    for number, speaker in enumerate(speakers, 1):
        paths = tuple(path for who, path in recordings if shared or who == speaker)
        role, path = f"source/{number}", workspace.source(slug, number)
        if shared and number > 1:
            inputs[role] = inputs["source/1"]
        else:
            inputs[role] = seal.write_audio(
                path, role, seal.Nothing(), params.rate_hz, joined(paths, params), source_keys
            )
            _, waveform = seal.read_audio(path, role, seal.Nothing, source_keys)
            blocks = transcribe.blocks(waveform.duration_s, show.settings.transcribe)
            if blocks > 1:
                divided[str(number)] = blocks
        inputs[f"draw/{number}"] = making.draw_input(entry, speaker)
        tracks.append(Track(speaker, tuple(path.name for path in paths)))
    details = additions.over(Details(title=slug.replace("-", " ").capitalize()))
    written: dict[str, object] = {
        "tracks": Tracks(tuple(tracks)),
        "details": details,
        "protected": Protected(tuple(dict.fromkeys(additions.protect))),
        "corrections": Corrections(),
    }
    if shared:
        _, waveform = seal.read_audio(workspace.source(slug, 1), "source/1", seal.Nothing, source_keys)
        found = dividing.find(waveform, speakers, show.settings.turns, embedder=verifier.load())
        written["turns"] = Turns(found.turns, found.voices)
    for name, value in written.items():
        inputs |= dict([episode.put_input(workspace, slug, name, value, keys)])
    return Record(episode.FORMAT, "", details.noted, inputs, divided=divided)


def joined(paths: tuple[Recording, ...], params: IngestParams) -> Iterator[Block]:
    """The sound of some files, one after another, as `add` takes it in. Raises InputRefused: keep nothing before the end."""
    left_s = params.max_duration_s
    for path in paths:
        taken = 0
        with _source(path) as source, ffmpeg.open_recording(source, max_bytes=params.max_bytes) as file:
            container = containers.sniff(file)
            declared_s = containers.check_whole(file, container)
            if declared_s is not None and declared_s > left_s:
                raise InputRefused(
                    f"the recordings are longer than {params.max_duration_s / 3600:g} hours together: make several episodes of them"
                )
            stereo = ffmpeg.decode(file, container, rate_hz=params.rate_hz, limits=ffmpeg.Limits(left_s))
            limited = dataclasses.replace(params, max_duration_s=left_s)
            with contextlib.closing(stereo):  # a generator: closing it ends ffmpeg
                for block in mono(stereo, limited, declared_duration_s=declared_s):
                    taken += len(block)
                    yield block
        left_s -= taken / params.rate_hz


@contextlib.contextmanager
def _source(recording: Recording) -> Iterator[Path | BinaryIO]:
    """A recording as it can be opened: by its path, or put together in memory."""
    if isinstance(recording, Path):
        yield recording
    else:
        with recording.open() as file:
            yield file


def _update(show: OpenShow, row: EpisodeRow, additions: Additions) -> None:
    record = episode.read(show.workspace, row.slug)
    keys = show.keyring.entry(row.id).keys
    details = additions.over(episode.get_input(show.workspace, row.slug, record, "details", Details, keys))
    protected = episode.get_input(show.workspace, row.slug, record, "protected", Protected, keys)
    words = Protected(tuple(dict.fromkeys((*protected.words, *additions.protect))))
    values = {"details": details, "protected": words}
    episode.revise(show.workspace, row.slug, record, values, keys, content_note=details.noted)
    show.state.log(show.now(), OPERATOR, "details-changed", row.id)


def wording(show: OpenShow, additions: Additions) -> tuple[FindingView, ...]:
    """Labels in the words that were just given; for the whole episode there is `lint EP`."""
    return tuple(map(finding_view, findings(additions.over(Details("")).texts, show.wording)))


def _check_additions(show: OpenShow, additions: Additions) -> None:
    known = {outcome.key for outcome in show.outcomes.outcomes}
    unknown = [key for key in additions.outcomes if key not in known]
    if unknown:
        raise UsageRefused(f"outcomes.toml has no outcome {', '.join(unknown)}; it has {', '.join(sorted(known))}")


# --- inputs ---------------------------------------------------------------------------------------------------------------


def _replace(show: OpenShow, row: EpisodeRow, name: str, value: object) -> None:
    """Put a person's newer input in the place of the older one."""
    record = episode.read(show.workspace, row.slug)
    keys = show.keyring.entry(row.id).keys
    episode.revise(show.workspace, row.slug, record, {name: value}, keys)
    show.state.log(show.now(), OPERATOR, "corrected", row.id)


def _read(show: OpenShow, row: EpisodeRow, name: str, kind: type[codecs.T]) -> codecs.T:
    record = episode.read(show.workspace, row.slug)
    return episode.get_input(show.workspace, row.slug, record, name, kind, show.keyring.entry(row.id).keys)


# --- turns -----------------------------------------------------------------------------------------------------------------


def turns(show: OpenShow, name: str) -> TurnsView:
    """Whose turn it is at each time of an episode with one recording. Raises UsageRefused for any other."""
    row = show.episode(name)
    return _turns_view(show, row, _read_turns(show, row))


def set_turns(show: OpenShow, name: str, more: tuple[Turn, ...], *, undo: bool = False) -> TurnsView:
    """Give stretches of the recording to other speakers of the episode, or take the last such change back."""
    row = show.episode(name)
    with locks.exclusive(show.workspace.lock("work")):
        kept = _read_turns(show, row)
        if undo and not kept.changes:
            raise UsageRefused("there is no change of a turn to take back")
        end_s = kept.found[-1].end_s
        speakers = _speakers(show, row)
        for turn in more:
            if turn.speaker not in speakers:
                raise UsageRefused("this episode has no speaker of that name; `stablecast turns` lists those it has")
            if turn.start_s >= end_s:
                raise UsageRefused(f"the recording ends at {end_s:.1f} s; name a turn that begins before its end")
        within = tuple(dataclasses.replace(turn, end_s=min(turn.end_s, end_s)) for turn in more)
        changed = dataclasses.replace(kept, changes=(*(kept.changes[:-1] if undo else kept.changes), *within))
        _replace(show, row, "turns", changed)
    return _turns_view(show, row, changed)


def _read_turns(show: OpenShow, row: EpisodeRow) -> Turns:
    if not episode.read(show.workspace, row.slug).shared:
        raise UsageRefused(
            "every speaker of this episode has a recording of their own; "
            "only one that was added with `add --speakers` has turns"
        )
    return _read(show, row, "turns", Turns)


def _speakers(show: OpenShow, row: EpisodeRow) -> tuple[Alias, ...]:
    return tuple(track.speaker for track in _read(show, row, "tracks", Tracks).tracks)


def _turns_view(show: OpenShow, row: EpisodeRow, kept: Turns) -> TurnsView:
    whole, speakers = overlaid(kept.found, kept.changes), _speakers(show, row)
    doubt = None
    if kept.voices < len(speakers) and not kept.changes:  # who changed a turn has listened
        doubt = (
            f"{'Only one voice was' if kept.voices == 1 else f'Only {kept.voices} voices were'} told apart "
            f"for {len(speakers)} speakers; listen to some turns of each, and correct them with --set, "
            "or add the recording under a new name with fewer --speakers."
        )
    return TurnsView(
        tuple(TurnView(turn.start_s, turn.end_s, turn.speaker) for turn in whole),
        {who: sum(turn.end_s - turn.start_s for turn in whole if turn.speaker == who) for who in speakers},
        doubt,
    )
