"""What people decide about an episode's words: stretches, corrected words, files to edit them in, and every version of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path

from stablecast.errors import GateClosed, UsageRefused
from stablecast.model import Alias, Correction, Edit, Transcript
from stablecast.redaction import exchange
from stablecast.redaction.editing import Edited, Written, edited, edits_of, likeness, takes_out
from stablecast.redaction.exchange import Paragraph
from stablecast.redaction.matching import covered
from stablecast.redaction.spans import Place, clock, inside
from stablecast.store import decisions, episode, files, locks, receipts
from stablecast.store.decisions import Mark
from stablecast.store.episode import Protected
from stablecast.store.state import EpisodeRow
from stablecast.studio import making
from stablecast.studio.deciding import Kept, at, changed, follow, kept
from stablecast.studio.show import OPERATOR, OpenShow
from stablecast.studio.views import CorrectionsView, CorrectionView, EditView, ImportView, VersionView

FORMS = (".md", ".vtt")
LEAST_ALIKE = 0.5  # a file that shares less with what was recognised is another episode's
_NOT_HEARD = "nothing was recognised in this episode yet; run `stablecast run` first"


def corrections(show: OpenShow, name: str) -> CorrectionsView:
    """What people decided about an episode by hand, oldest first, and which of their edits fit no more."""
    return _view(show, kept(show, show.episode(name)))


def correct(
    show: OpenShow, name: str, more: tuple[Correction, ...], *, undo: bool = False, in_file: bool = False
) -> CorrectionsView:
    """Add decisions, or go back to what was before the last ones; `in_file`: times of the finished file, not the recording.

    They count at once. `run` follows them and a new transcript keeps them. Raises UsageRefused where there is nothing to
    take back.
    """
    row = show.episode(name)
    with locks.exclusive(show.workspace.lock("work")):
        with decisions.lock(show.workspace):
            now = kept(show, row)
            if undo:
                now = _went_back(show, now)
            if more:
                moved = _in_recording(show, row, more) if in_file else more
                changed(show, now, OPERATOR, marks=(*now.marks, *(Mark(c, OPERATOR) for c in moved)))
        follow(show, row)
    return _view(show, kept(show, row))


def added(show: OpenShow, row: EpisodeRow, more: tuple[Correction, ...]) -> None:
    """Add decisions, as a version of their own, for somebody who holds the lock `work`."""
    with decisions.lock(show.workspace):
        now = kept(show, row)
        new = tuple(correction for correction in more if correction not in now.corrections)
        if new:
            changed(show, now, OPERATOR, marks=(*now.marks, *(Mark(correction, OPERATOR) for correction in new)))
    follow(show, row)


def restore(show: OpenShow, name: str, number: int) -> CorrectionsView:
    """Make an earlier version, or a later one that was undone, the one that counts. Raises UsageRefused for one there is not."""
    row = show.episode(name)
    with locks.exclusive(show.workspace.lock("work")):
        with decisions.lock(show.workspace):
            at(show, kept(show, row), OPERATOR, number)
        follow(show, row)
    return _view(show, kept(show, row))


def versions(show: OpenShow, name: str) -> tuple[VersionView, ...]:
    """Every set of decisions there was."""
    now = kept(show, show.episode(name))
    history, began = now.history, show.state.cut(now.row.id)
    first = (0, began.at if began else show.now())
    return tuple(
        VersionView(
            number,
            when.isoformat(timespec="seconds"),
            len(history.marks_at(number)),
            len(history.edits_at(number)),
            number == history.current,
        )
        for number, when in (first, *((version.number, version.at) for version in history.versions))
    )


def _went_back(show: OpenShow, now: Kept) -> Kept:
    found = now.history.version(now.history.current)
    if found is not None:
        return at(show, now, OPERATOR, found.parent)
    if not now.marks:
        raise UsageRefused("there is no correction to take back")
    return changed(show, now, OPERATOR, marks=now.marks[:-1])  # made before versions were kept


# --- files to edit -----------------------------------------------------------------------------------------------------


def export_words(show: OpenShow, name: str, path: Path) -> None:
    """Write the words, as corrected so far, into a new file that only this user can read. It holds sealed words in clear.

    Raises UsageRefused for a form there is not, for a place from which it could become public, and for a file that exists.
    """
    form = _form(path)
    now = kept(show, show.episode(name))
    _check_place(show, path)
    paragraphs = sorted(
        (said for view in _read(show, now) for said in view.paragraphs()),
        key=lambda said: (said.start_s, said.speaker),
    )
    text = exchange.vtt(paragraphs) if form == ".vtt" else exchange.markdown(now.row.slug, paragraphs)
    files.write(path, text.encode())
    show.state.log(show.now(), OPERATOR, "words-exported", now.row.id)


def import_words(show: OpenShow, name: str, path: Path) -> ImportView:
    """Take what somebody changed in an exported file as the corrections of the words. Nothing changed: no new version.

    Raises UsageRefused for a file that cannot be read, names a speaker this episode does not have, or holds other words.
    """
    form = _form(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise UsageRefused("this file cannot be read as UTF-8 text; name the file that was exported") from unreadable
    found = exchange.read_vtt(text) if form == ".vtt" else exchange.read_markdown(text)
    row = show.episode(name)
    with locks.exclusive(show.workspace.lock("work")), decisions.lock(show.workspace):
        now = kept(show, row)
        views = _read(show, now)
        _check_words(views, found)
        edits, still, anew = list[Edit](), 0, False
        for view in views:
            own, ruled = view.own(found.get(view.transcript.speaker, ()))
            still += ruled
            same = own == view.written
            anew |= not same
            edits += (e for e in now.edits if e.speaker == view.transcript.speaker and e not in view.made.unfit) if same \
                else edits_of(view.transcript, own)  # fmt: skip
        lost = tuple(edit for view in views for edit in view.made.unfit)
        if anew or lost:
            marks = (*now.marks, *(Mark(stretch, OPERATOR) for stretch in _stretches(lost, now, show)))
            now = changed(show, now, OPERATOR, marks=marks, edits=edits)
            follow(show, row)
        return ImportView(len(now.edits), anew, still)


@dataclasses.dataclass(frozen=True, slots=True)
class _View:
    """One speaker's words as they are shown in a file."""

    transcript: Transcript
    made: Edited
    ruled: tuple[bool, ...]  # one a word: whether a rule or a marked stretch takes it out, whatever the file says

    @property
    def written(self) -> tuple[Written, ...]:
        """What the edits alone say."""
        words = self.made.transcript.words
        return tuple(Written(word.text, marked) for word, marked in zip(words, self.made.marked, strict=True))

    def paragraphs(self) -> list[Paragraph]:
        shown = iter(
            Written(word.text, word.marked or ruled) for word, ruled in zip(self.written, self.ruled, strict=True)
        )
        said = self.made.transcript
        parts = ((segment, tuple(next(shown) for _ in segment.words)) for segment in said.segments)
        return [Paragraph(said.speaker, s.start_s, s.end_s, words) for s, words in parts if words]

    def own(self, found: tuple[Written, ...]) -> tuple[tuple[Written, ...], int]:
        """`found` without the marks that only say what a rule does, and the number of words whose mark was removed in vain."""
        words, still = list(found), 0
        before = [word.text for word in self.written]
        for tag, first, stop, begin, _ in SequenceMatcher(
            None, before, [w.text for w in found], autojunk=False
        ).get_opcodes():
            for old, new in (
                zip(range(first, stop), range(begin, begin + stop - first), strict=True) if tag == "equal" else ()
            ):
                if self.ruled[old]:
                    still += not words[new].marked
                    words[new] = dataclasses.replace(words[new], marked=self.made.marked[old])
        return tuple(words), still


def _read(show: OpenShow, now: Kept) -> tuple[_View, ...]:
    if any(f"transcribe/{k}" not in receipts.read_all(show.workspace.receipts(now.row.slug)) for k in _tracks(now)):
        raise GateClosed(_NOT_HEARD)
    bench = making.bench(show, now.row)
    protected = _protected(show, now)
    views = []
    for k in _tracks(now):
        transcript = bench.value(f"transcribe/{k}", Transcript)
        made = edited(transcript, now.edits)
        views.append(_View(transcript, made, _ruled(made, protected, now.corrections)))
    return tuple(views)


def _ruled(made: Edited, protected: tuple[str, ...], marks: tuple[Correction, ...]) -> tuple[bool, ...]:
    said = made.transcript
    named = covered([word.text for word in said.words], protected)
    own = [mark for mark in marks if mark.speaker in (None, said.speaker)]

    def within(place: Place, redact: bool) -> bool:
        return any(mark.redact == redact and inside(place, mark) for mark in own)

    return tuple(
        within(place, True) or (index in named and not within(place, False)) for index, place in enumerate(made.where)
    )


def _stretches(lost: tuple[Edit, ...], now: Kept, show: OpenShow) -> tuple[Correction, ...]:
    """What edits that fit no more took out, as stretches of time: an import must not put it back."""
    protected = _protected(show, now)
    return tuple(
        Correction(edit.start_s, max(edit.end_s, edit.start_s + 0.001), redact=True, speaker=edit.speaker)
        for edit in lost
        if takes_out(edit, protected)
    )


def _check_words(views: tuple[_View, ...], found: Mapping[Alias, tuple[Written, ...]]) -> None:
    if not set(found) <= {view.transcript.speaker for view in views}:
        raise UsageRefused(
            "the file has a label that is no speaker of this episode; write the label as it was exported"
        )
    for view in views:
        own = found.get(view.transcript.speaker, ())
        if view.made.transcript.words and likeness(view.made.transcript, own) < LEAST_ALIKE:
            raise UsageRefused(
                "this file holds hardly any of the words of a speaker of this episode; "
                "import the file that was exported from this episode"
            )


def _form(path: Path) -> str:
    if path.suffix.lower() not in FORMS:
        raise UsageRefused("name a file that ends in .md for Markdown or in .vtt for WebVTT")
    return path.suffix.lower()


def _check_place(show: OpenShow, path: Path) -> None:
    folder = path.parent.resolve()
    if folder.is_relative_to(show.workspace.root):
        raise UsageRefused("the words would lie in clear in the show folder; name a file outside it")
    if any((above / ".git").exists() for above in (folder, *folder.parents)):
        raise UsageRefused("a git repository would keep the words for good; name a file outside it")
    if path.exists() or path.is_symlink():
        raise UsageRefused("this file is there already and may hold somebody's work; name a new one")


def _protected(show: OpenShow, now: Kept) -> tuple[str, ...]:
    return episode.get_input(show.workspace, now.row.slug, now.record, "protected", Protected, now.entry.keys).words


def _tracks(now: Kept) -> range:
    return range(1, now.record.tracks + 1)


def _in_recording(show: OpenShow, row: EpisodeRow, marks: tuple[Correction, ...]) -> tuple[Correction, ...]:
    """Decisions whose times are those of the finished file, in the time of the recording."""
    timeline = making.timeline(show, row)
    moved = []
    for mark in marks:
        start_s, end_s = (max(0.0, timeline.source_s(time_s)) for time_s in (mark.start_s, mark.end_s))
        if not start_s < end_s:
            raise UsageRefused(
                f"nothing of the recording is heard before {clock(timeline.opening_s)} of the finished file"
            )
        moved.append(dataclasses.replace(mark, start_s=start_s, end_s=end_s))
    return tuple(moved)


def _view(show: OpenShow, now: Kept) -> CorrectionsView:
    known = receipts.read_all(show.workspace.receipts(now.row.slug))
    unfit: tuple[Edit, ...] = ()
    if now.edits and all(f"transcribe/{k}" in known for k in _tracks(now)):
        unfit = tuple(edit for view in _read(show, now) for edit in view.made.unfit)
    return CorrectionsView(
        tuple(CorrectionView(c.start_s, c.end_s, c.redact, c.speaker) for c in now.corrections),
        tuple(
            EditView(e.start_s, e.end_s, e.speaker, len(e.words), len(e.text), e.redact, e not in unfit)
            for e in now.edits
        ),
        now.history.current,
    )
