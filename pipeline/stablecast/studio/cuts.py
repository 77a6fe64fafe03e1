"""The frozen cut, to be looked at, heard and signed: what it is, its files byte for byte, and its waveform."""

from __future__ import annotations

from stablecast import notes as content_notes
from stablecast.captions import vtt
from stablecast.errors import GateClosed, IntegrityFailure, UsageRefused
from stablecast.model import Captions, Cut, PublicFile
from stablecast.notes import Whereabouts
from stablecast.runner import EnclosureNotes
from stablecast.store import episode
from stablecast.store.episode import Tracks
from stablecast.store.state import CutRow, EpisodeRow
from stablecast.studio import making
from stablecast.studio.reviews import CutView, FileView, PeaksView
from stablecast.studio.show import OpenShow
from stablecast.studio.views import ApprovalView

SHORT = 8  # digits of a digest that two people compare by eye


def cut(show: OpenShow, name: str) -> CutView:
    """What a yes to the newest cut is a yes to. Needs the key; reads none of the sound. Raises GateClosed where there is none."""
    row = show.episode(name)
    found = frozen_cut(show, row)
    made_of = making.bench(show, row)
    notes, size = made_of.notes("tag", EnclosureNotes)
    details, captions = made_of.details(), made_of.value("caption", Captions)
    keys = show.keyring.entry(row.id).keys
    record = episode.read(show.workspace, row.slug)
    tracks = episode.get_input(show.workspace, row.slug, record, "tracks", Tracks, keys).tracks
    consent = next(c for c in show.state.consents(row.id) if c.version == found.consent) if found.consent else None
    names = {account.id: account.name for account in show.state.accounts()}
    titles = {outcome.key: outcome.title for outcome in show.outcomes.outcomes}
    return CutView(
        row.slug,
        found.digest,
        f"{found.digest[: SHORT // 2]} {found.digest[SHORT // 2 : SHORT]}",
        notes.duration_s,
        size,
        details.title,
        details.summary,
        content_notes.content_note(making.for_listeners(details, captions), Whereabouts()),
        tuple(titles.get(key, key) for key in details.outcomes),
        tuple(track.speaker for track in tracks),
        consent.items if consent else (),
        str(found.method),
        found.at.isoformat(timespec="seconds"),
        names.get(found.producer or ""),
        _changed(show, row, found),
        (captions.language, *(translation.language for translation in captions.translations)),
        tuple(ApprovalView(a.role, a.at.isoformat(timespec="seconds")) for a in show.approvals(row, found.digest)),
    )


def frozen_cut(show: OpenShow, row: EpisodeRow, digest: str | None = None) -> CutRow:
    """The newest cut, as long as what it was frozen from is there. Raises GateClosed where it is not, or is not `digest`."""
    found = show.playable(row)
    if found is None:
        raise GateClosed("there is no frozen cut to hear; `stablecast status` says what is next")
    if digest is not None and digest != found.digest:
        raise GateClosed("there is a newer cut than this one; load the page again, and listen to that")
    return found


_NONE = "-"  # in the place of the small file where there is none; a cut of an older version has no such place
_PARTS = (
    "sound",
    "captions",
    "words about it",
    "consent",
    "method",
    "small file",
)  # as `OpenShow.made_from` writes them


def _changed(show: OpenShow, row: EpisodeRow, now: CutRow) -> tuple[str, ...]:
    """What is other than in the cut before."""
    before = [cut for cut in show.state.cuts(row.id) if cut.digest != now.digest]
    if not before:
        return ()
    olds, news = ((*cut.made_from.split(), _NONE)[: len(_PARTS)] for cut in (before[-1], now))
    return tuple(part for part, old, new in zip(_PARTS, olds, news, strict=True) if old != new)


def cut_file(show: OpenShow, name: str, digest: str, kind: str) -> FileView:
    """A file of the cut, from its sealed parts, once all of it was seen to be what `digest` says. Needs the key.

    `kind` is "audio", "captions" for those in the language spoken, or "captions.<language>". Raises GateClosed where
    `digest` is not the newest cut, IntegrityFailure where its bytes are others, UsageRefused for a kind there is not.
    """
    row = show.episode(name)
    found, files = checked(show, row, digest)
    words, language = found.episode, kind.partition(".")[2]
    paths = {"audio": words.enclosure, "captions": words.vtt, f"captions.{words.language}": words.vtt}
    paths |= {f"captions.{translation.language}": translation.vtt for translation in words.translations}
    if kind not in paths:
        raise UsageRefused("this cut has no such file" + (" in this language" if language else ""))
    file = next(file for file in files if file.path == paths[kind])
    return FileView(vtt.MEDIA_TYPE if file.path.suffix == ".vtt" else file.media_type, file.data)


def checked(show: OpenShow, row: EpisodeRow, digest: str) -> tuple[Cut, tuple[PublicFile, ...]]:
    """The cut and its files, of which every byte was looked at again. Raises as `cut_file` does."""
    expected = frozen_cut(show, row, digest)
    found, files = making.frozen(show, row, expected.consent)
    if found.digest != digest:
        raise IntegrityFailure("the bytes of this cut are not those that were frozen; run the episode again")
    return found, files


def peaks(show: OpenShow, name: str, digest: str) -> PeaksView:
    """The waveform of a cut. Raises GateClosed where `digest` is not the newest one."""
    row = show.episode(name)
    frozen_cut(show, row, digest)
    drawn = making.bench(show, row).drawn()
    return PeaksView(drawn.per_second, tuple(drawn.values))
