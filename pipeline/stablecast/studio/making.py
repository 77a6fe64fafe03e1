"""Bringing episodes up to date, freezing cuts, and saying where each stands."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from stablecast import cluster as clusters
from stablecast import wording
from stablecast.captions import chapters, srt, vtt
from stablecast.captions.files import files as caption_files
from stablecast.captions.files import listed
from stablecast.engine import workflow
from stablecast.engine.plan import Step
from stablecast.engine.settings import ClusterParams, Settings
from stablecast.errors import GateClosed, IntegrityFailure, UsageRefused
from stablecast.model import (
    Alias,
    Captions,
    Cut,
    Details,
    Digest,
    PublicEpisode,
    PublicFile,
    PublicTranslation,
    SmallFile,
    Timeline,
    Transcript,
)
from stablecast.notes import Whereabouts, content_note
from stablecast.runner import SOURCE_GONE, Bench, EnclosureNotes, Job, Progress
from stablecast.scheduler import on_this_machine, run_all
from stablecast.stages import alternate, approve
from stablecast.stages.alternate import AlternateParams
from stablecast.stages.prove import Proof
from stablecast.stages.publish import MediaPaths, media_paths
from stablecast.store import decisions, episode, files, locks, receipts, settings
from stablecast.store.episode import Tracks
from stablecast.store.keyring import Entry
from stablecast.store.seal import Stored
from stablecast.store.state import CutRow, EpisodeRow, What
from stablecast.store.workspace import Workspace
from stablecast.studio import deciding
from stablecast.studio.show import OPERATOR, OpenShow
from stablecast.studio.views import (
    ApprovalView,
    DoubtsView,
    DoubtView,
    EpisodeView,
    GateView,
    StageView,
    StatusView,
)

WORDS = (
    "listen",
    "transcribe",
    "translate",
    "find",
    "redact",
    "proposals",
)  # the stages that a person's answers are about
_HEARING = ("transcribe", "translate")  # the stages that recognise what the captions say
NOT_GIVEN: Mapping[str, str] = {}
NO_CONTENT_NOTE = "none"  # the answer that listeners need no note


def run(
    show: OpenShow,
    names: tuple[str, ...],
    *,
    jobs: int | None,
    producer: str | None = None,
    cluster: Mapping[str, str] = NOT_GIVEN,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Progress]:
    """Bring episodes up to date and freeze their cuts, telling what happens. Raises Locked when another command writes.

    On so many workers of this machine as `jobs` says; None: on the show's cluster, else on one for each core. `cluster` are
    settings of the table [cluster] that hold this time. `say` gets sentences about what is left elsewhere.
    """
    params = dataclasses.replace(show.settings.cluster, **cluster)
    elsewhere = jobs is None and bool(params.scheduler)
    if elsewhere:
        clusters.check(params)
    withdrawn = show.state.withdrawals().keys()
    done = show.state.erased(What.RAW)
    rows = [show.episode(name) for name in names] or [r for r in show.episodes() if r.id not in withdrawn | done]
    if any(row.id in done and show.facts(row).pending for row in rows):
        raise GateClosed(SOURCE_GONE)
    maker = show.producer(producer)
    with locks.exclusive(show.workspace.lock("work")):
        with decisions.lock(show.workspace):
            files.sweep(show.workspace.root)
        due: list[EpisodeRow] = []
        ready: list[Job] = []
        damaged: list[EpisodeRow] = []
        found: dict[str, workflow.Facts] = {}
        for row in rows:
            try:
                if row.id not in done:
                    deciding.follow(show, row)
                found[row.id] = show.facts(row)
                if found[row.id].pending:
                    ready.append(job(show, row))
                    due.append(row)
            except IntegrityFailure as broken:  # of this episode alone: the others go on
                show.keyring.entries()  # unless it is the keyring
                damaged.append(row)
                yield Progress(row.slug, "", "failed", 0, 0.0, str(broken), broken.exit_code)
        rows = [row for row in rows if row not in damaged]
        by_slug, ran = {row.slug: row for row in rows}, {row.slug for row in due}
        if due:
            here = not elsewhere
            with on_this_machine(tuple(ready), jobs) if here else clusters.crew(show.workspace, params, say) as crew:
                for progress in run_all(tuple(ready), crew):
                    yield progress
                    if not progress.stage and progress.event != "failed":
                        row = by_slug[progress.slug]
                        show.state.log(show.now(), maker.id if maker else OPERATOR, "processed", row.id)
        found |= {row.id: show.facts(row) for row in due}
        for row in rows:
            facts = found[row.id]
            if facts.pending:
                continue
            if row.slug not in ran:
                yield Progress(row.slug, "", "up-to-date", 0)
            if facts.problems:
                yield _judged(show, row)
            if facts.cut is None:
                freeze_if_ready(show, row, maker.id if maker else None)


def work(root: Path, cluster: Mapping[str, str], *, workers: int, memory_bytes: int) -> None:
    """Be workers of a cluster, until told to stop: in this show's folder, or anywhere if `cluster` names a storage.

    Raises UsageRefused and EnvironmentFailure.
    """
    if cluster.get("storage") and not Workspace(root).state.is_file():
        params = ClusterParams(**cluster)
    else:
        params = dataclasses.replace(
            settings.load(Settings, Workspace.open(root).config("show.toml")).cluster, **cluster
        )
    clusters.serve(root, params, workers=workers, memory_bytes=memory_bytes)


def _judged(show: OpenShow, row: EpisodeRow) -> Progress:
    """What `prove` found against the finished file, with the places: the key is at hand."""
    proof = bench(show, row).value("prove", Proof)
    sentence = " ".join(check.sentence for check in proof.checks if not check.passed)
    return Progress(row.slug, "prove", "failed", 0, 0.0, sentence, GateClosed.exit_code)


def heard(show: OpenShow, row: EpisodeRow) -> Iterator[Progress]:
    """Bring the words of an episode up to date, and nothing else. Raises what a stage raises."""
    while due := [s for s in show.steps(row.slug) if s.reason and s.node.stage in WORDS]:
        key = due[0].node.key
        yield Progress(row.slug, key, "start", len(due))
        Bench(job(show, row), show.workspace).make(due[0].node)
        yield Progress(row.slug, key, "done", len(due) - 1)


def bench(show: OpenShow, row: EpisodeRow) -> Bench:
    """What was made of an episode, to be read. Needs the key."""
    entry = show.keyring.entry(row.id)
    return Bench(
        Job(show.workspace.root, row.slug, entry.keys, entry.source_keys, entry.draws, show.production), show.workspace
    )


def timeline(show: OpenShow, row: EpisodeRow) -> Timeline:
    """Where each time of the recording is heard in the finished file. Raises GateClosed where there is none yet."""
    if "peaks" not in receipts.read_all(show.workspace.receipts(row.slug)):
        raise GateClosed("there is no finished file yet; run `stablecast run`, or give times of the recording")
    return bench(show, row).drawn().timeline


def job(show: OpenShow, row: EpisodeRow) -> Job:
    entry = with_draws(show, row)
    return Job(show.workspace.root, row.slug, entry.keys, entry.source_keys, entry.draws, show.production)


def with_draws(show: OpenShow, row: EpisodeRow) -> Entry:
    """The episode's keys, with new draws where the old ones were destroyed at release: that makes a new voice.

    The record follows: what was made from another draw is out of date at once.
    """
    entry = show.keyring.entry(row.id)
    record = episode.read(show.workspace, row.slug)
    tracks = episode.get_input(show.workspace, row.slug, record, "tracks", Tracks, entry.keys).tracks
    speakers = tuple(track.speaker for track in tracks)
    if not all(speaker in entry.draws for speaker in speakers):
        entry = entry.with_draws(speakers, show.keyring.recurring())
        show.keyring.put(row.id, entry)
    drawn = {f"draw/{k}": draw_input(entry, speaker) for k, speaker in enumerate(speakers, 1)}
    if any(record.inputs[name] != stored for name, stored in drawn.items()):
        episode.write(show.workspace, row.slug, episode.with_inputs(record, *drawn.items()))
    return entry


def draw_input(entry: Entry, speaker: Alias) -> Stored:
    """The secret that a speaker's voice is drawn from, as an input: a keyed digest, so that a new draw runs revoice anew."""
    digest = entry.keys.digest(b"draw\n" + entry.draws[speaker].encode())
    return Stored(digest, digest)


# --- cuts --------------------------------------------------------------------------------------------------------------------


def public_files(show: OpenShow, row: EpisodeRow) -> tuple[PublicEpisode, tuple[PublicFile, ...]]:
    """What the world would get of an episode as it is now: the words about it, and its files byte for byte. Needs the key."""
    made_of = bench(show, row)
    notes, data = made_of.data("tag", EnclosureNotes)
    captions, details = made_of.value("caption", Captions), made_of.details()
    paths = media_paths(row.public_id, Digest(hashlib.sha256(data).hexdigest()))
    translations = tuple(
        PublicTranslation(t.language, *paths.captions_in(t.language), t.cues) for t in captions.translations
    )
    params, small = show.settings.caption, small_file(made_of, paths, show.settings.alternate)
    tracks = [
        (
            language,
            caption_files(cues, language=language, title=details.title, stem=first.with_suffix(""), params=params),
        )
        for language, cues, first in (
            (captions.language, captions.cues, paths.vtt),
            *((translation.language, translation.cues, translation.vtt) for translation in translations),
        )
    ]
    (_, spoken), *translated = tracks
    made = (
        PublicFile(paths.enclosure, notes.media_type, data),
        *(PublicFile(about.path, about.media_type, bytes_) for about, bytes_ in small),
        *spoken,
        PublicFile(paths.chapters, chapters.MEDIA_TYPE, chapters.text(captions.chapters).encode()),
        *(file for _, track in translated for file in track),
    )
    public = PublicEpisode(
        public_id=row.public_id,
        guid=row.guid,
        details=for_listeners(details, captions),
        duration_s=notes.duration_s,
        language=captions.language,
        enclosure=paths.enclosure,
        enclosure_bytes=len(data),
        enclosure_type=notes.media_type,
        vtt=paths.vtt,
        srt=paths.srt,
        chapters=paths.chapters,
        cues=captions.cues,
        transcripts=tuple(
            file
            for language, track in tracks
            for file in listed(
                [file for file in track if file.media_type not in (vtt.MEDIA_TYPE, srt.MEDIA_TYPE)], language
            )
        ),
        translations=translations,
        small=next((about for about, _ in small), None),
    )
    return public, made


def small_file(made_of: Bench, paths: MediaPaths, params: AlternateParams) -> tuple[tuple[SmallFile, bytes], ...]:
    """The small file of an episode and what is said about it; nothing where the settings ask for none."""
    made = made_of.small()
    if made is None:
        return ()
    notes, data = made
    sha256 = Digest(hashlib.sha256(data).hexdigest())
    about = SmallFile(paths.small(sha256), notes.media_type, alternate.CODEC, params.bitrate_kbps, len(data), sha256)
    return ((about, data),)


def for_listeners(details: Details, captions: Captions) -> Details:
    """Details as they are read in public: no note where none is needed, chapters in the time of the published file."""
    none = details.content_note.strip().lower().rstrip(".") == NO_CONTENT_NOTE
    note = "" if none else details.content_note
    return dataclasses.replace(details, content_note=note, chapters=captions.chapters if details.chapters else ())


def frozen(show: OpenShow, row: EpisodeRow, consent_version: int) -> tuple[Cut, tuple[PublicFile, ...]]:
    """The cut of an episode as it is now, with its files. Needs the key."""
    public, made = public_files(show, row)
    method = show.settings.revoice.method
    cut = approve.freeze(public, made, consent_version=consent_version, method=method)
    return cut, made


def freeze_if_ready(show: OpenShow, row: EpisodeRow, producer: str | None = None) -> None:
    """Freeze the cut when all is processed and proved and it is not frozen yet. A frozen cut is what people approve."""
    facts = show.facts(row)
    if facts.pending or facts.proposals or facts.problems or facts.failure or facts.cut:
        return
    cut, _ = frozen(show, row, facts.consent_version)
    made_from = show.made_from(row, facts.consent_version)
    by = producer or facts.producer
    with show.state.transaction():
        show.state.add_cut(row.id, CutRow(cut.digest, facts.consent_version, cut.method, by, made_from, show.now()))
        show.state.log(show.now(), by or OPERATOR, "frozen", row.id, cut.digest)


def export(show: OpenShow, name: str, folder: Path) -> tuple[Path, ...]:
    """Write the frozen cut, byte for byte what would be published, into a new folder to be heard and read."""
    row = show.episode(name)
    facts = show.facts(row)
    if facts.cut is None:
        raise GateClosed("there is no frozen cut to hear yet; `stablecast status` says what is next")
    if folder.exists():
        raise UsageRefused("this folder is there already; name a new one")
    cut, made = frozen(show, row, facts.consent_version)
    written = []
    for file in made:
        path = folder / _exported(row, cut, file)
        files.write(path, file.data)
        written.append(path)
    about = folder / f"{row.slug}.txt"
    files.write(about, _about(show, cut).encode())
    show.state.log(show.now(), OPERATOR, "heard", row.id, cut.digest)
    return (*written, about)


def _about(show: OpenShow, cut: Cut) -> str:
    """What is read beside the sound: title, note, summary, the labels in them, and which cut it is."""
    details = cut.episode.details
    labels = [f"{found.place}: {found.message}" for found in wording.findings(details.texts, show.wording)]
    parts = (
        details.title,
        content_note(details, Whereabouts()),
        details.summary,
        "\n".join(("Words to think about (a warning stops nothing):", *labels)) if labels else "",
        f"cut {cut.digest}",
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _exported(row: EpisodeRow, cut: Cut, file: PublicFile) -> str:
    """What a public file is called beside the others of its cut: by slug, language and format."""
    stem, small = cut.episode.enclosure.stem, cut.episode.small
    if small is not None and file.path == small.path:
        return f"{row.slug}-small{file.path.suffix}"
    kind = "-transcript" if any(file.path == each.path for each in cut.episode.transcripts) else ""
    return f"{row.slug}{file.path.stem.removeprefix(stem)}{kind}{file.path.suffix}"


# --- status ------------------------------------------------------------------------------------------------------------------


def status(show: OpenShow, names: tuple[str, ...]) -> StatusView:
    """Where episodes stand, what will run and why, and which gate is next. Needs no key."""
    erased = show.state.erased()
    rows = tuple(show.row(name) for name in names) or tuple(
        row for row in show.state.episodes() if show.known(row) or row.id in erased
    )
    look = known_view if names else any_view
    return StatusView(show.state.show.demo, tuple(look(show, row) for row in rows))


def known_view(show: OpenShow, row: EpisodeRow) -> EpisodeView:
    """Where one episode stands. Raises IntegrityFailure where it is damaged."""
    return view(show, row, show.facts(row))


def any_view(show: OpenShow, row: EpisodeRow) -> EpisodeView:
    """The same of one among others, which go on whatever became of this one."""
    try:
        return known_view(show, row)
    except IntegrityFailure as broken:
        return damaged_view(show, row, broken)


def damaged_view(show: OpenShow, row: EpisodeRow, broken: IntegrityFailure) -> EpisodeView:
    """All that can be said of an episode that cannot be read."""
    gate = GateView("verify", str(broken), "`stablecast verify`, then put it back from a backup")
    return EpisodeView(row.slug, workflow.State.DAMAGED, show.settings.revoice.method, 0, None, (), gate, None, 0, ())


def view(show: OpenShow, row: EpisodeRow, facts: workflow.Facts) -> EpisodeView:
    """Where one episode stands, by its facts."""
    params, now = show.settings.workflow, show.now()
    before = workflow.gate(facts, params, now)
    released = {release.episode: release.released_on for release in show.state.live_releases()}
    on = released.get(row.id)
    planned = () if facts.withdrawn else show.steps(row.slug)
    return EpisodeView(
        episode=row.slug,
        state=workflow.state(facts, params, now),
        method=facts.method,
        tracks=0 if facts.withdrawn else episode.read(show.workspace, row.slug).tracks,
        cut=facts.cut,
        approvals=tuple(ApprovalView(a.role, a.at.isoformat(timespec="seconds")) for a in facts.approvals),
        gate=None
        if before is None
        else GateView(before.name, before.reason, before.next_step.replace(" EP", f" {row.slug}")),
        published_on=on.isoformat() if on else None,
        doubts=_doubts(show, row, planned),
        stages=tuple(StageView(step.node.key, step.reason is None, step.reason) for step in planned),
    )


def _doubts(show: OpenShow, row: EpisodeRow, planned: Sequence[Step]) -> int:
    """In how many places what was recognised may be made up; the places are sealed."""
    keys = [step.node.key for step in planned if step.node.stage in _HEARING and step.reason is None]
    known = receipts.read_all(show.workspace.receipts(row.slug)) if keys else {}
    return sum(int(known[key].note or 0) for key in keys)


def doubts(show: OpenShow, name: str) -> DoubtsView:
    """Where to listen, for words may have been recognised that nobody said. Needs the key. Never a word.

    Raises GateClosed where the recordings were not heard yet.
    """
    row = show.episode(name)
    hearing = [step for step in show.steps(row.slug) if step.node.stage in _HEARING]
    if any(step.reason is not None for step in hearing):
        raise GateClosed("the recordings were not recognised yet as the settings say; run `stablecast run` first")
    made_of = bench(show, row)
    found = []
    for step in hearing:
        heard = made_of.value(step.node.key, Transcript)
        translated = step.node.stage == "translate"
        found += [DoubtView(d.start_s, d.end_s, heard.speaker, translated, d.suspicion, d.reason) for d in heard.doubts]
    return DoubtsView(row.slug, tuple(sorted(found, key=lambda doubt: (doubt.start_s, doubt.speaker))))
