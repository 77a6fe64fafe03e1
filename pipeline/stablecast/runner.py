"""Plan → load → stage → save → receipt, for one stage of one episode.

A receipt is written last: what has none was never made, so a run that is killed is continued by running again.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stablecast import codecs
from stablecast.captions.lint import lint_published
from stablecast.engine import pipeline
from stablecast.engine.forecast import Forecast
from stablecast.engine.pipeline import Production, Tools
from stablecast.engine.plan import Node, Receipt, Step, key_of, plan
from stablecast.engine.settings import Settings
from stablecast.errors import GateClosed, IntegrityFailure, UsageRefused
from stablecast.findings import Finding
from stablecast.loudness.meter import measure
from stablecast.model import (
    Alias,
    AnonymisedAudio,
    Captions,
    Correction,
    Details,
    Digest,
    Edit,
    Encoded,
    Loudness,
    Master,
    Method,
    PublicTranscript,
    RedactedAudio,
    Redaction,
    Slug,
    SourceAudio,
    Timeline,
    Transcript,
    Waveform,
)
from stablecast.redaction.editing import edited
from stablecast.redaction.quiet import levels_of
from stablecast.stages import (
    alternate,
    assemble,
    attack,
    caption,
    encode,
    find,
    master,
    peaks,
    prove,
    redact,
    revoice,
    speech,
    tag,
    transcribe,
    translate,
)
from stablecast.stages.attack import Attacked
from stablecast.stages.find import Answer, Answered, Proposals
from stablecast.stages.peaks import Peaks
from stablecast.stages.prove import HeardAgain
from stablecast.stages.transcribe import UNKNOWN, Heard, Recogniser, TranscribeParams
from stablecast.store import episode, receipts, seal
from stablecast.store.episode import Answers, Corrections, Edits, Protected, Tracks, Turns
from stablecast.store.seal import EpisodeKeys, Stored
from stablecast.store.workspace import Workspace
from stablecast.tools import containers, ffmpeg, models, opus, piper, presidio, recognisers, tags, verifier
from stablecast.tools.codec import FfmpegCodec
from stablecast.tools.opus import FfmpegOpus
from stablecast.tools.presidio import Presidio
from stablecast.voice import donors
from stablecast.voice.characters import Character
from stablecast.voice.draws import draw_from
from stablecast.voice.resynthesis import Models
from stablecast.voice.turns import only, overlaid

FAILURE = "failure.json"
SOURCE_GONE = (
    "the recording of this episode is destroyed, as the settings of retention say; what was made of it stays as it is"
)
STING_S, STING_BYTES = 60.0, 64 * 1024**2  # the longest sting, and the largest file of one


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to bring up to date, with all that a worker needs; it travels through a pipe, never a disk."""

    root: Path
    slug: Slug
    keys: EpisodeKeys
    source_keys: EpisodeKeys | None  # None: the recordings are destroyed
    draws: Mapping[Alias, str] = field(repr=False)
    production: Production


@dataclass(frozen=True, slots=True)
class Progress:
    """Something happened: a stage began or ended, or an episode did."""

    slug: Slug
    stage: str  # a node's key, or "" for the episode itself
    event: str  # "start", "done", "failed", "up-to-date"
    left: int  # stages still to run in this episode
    seconds: float = 0.0
    sentence: str = ""
    exit_code: int = 0
    forecast: Forecast | None = None  # how far the episode and the whole run are


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the last run of an episode ended early: failure.json among the receipts."""

    stage: str
    sentence: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class MasterNotes:
    """What is sealed with a master's samples."""

    timeline: Timeline
    gain_db: float
    before: Loudness


@dataclass(frozen=True, slots=True)
class PeaksNotes:
    """What is sealed with the peaks of a master."""

    per_second: int
    duration_s: float
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class English:
    """The public words in English, where they were said in another language."""

    public: PublicTranscript | None


@dataclass(frozen=True, slots=True)
class EncodedNotes:
    """What is sealed with an encoded file's bytes."""

    media_type: str
    duration_s: float
    loudness: Loudness
    passes: int


@dataclass(frozen=True, slots=True)
class EnclosureNotes:
    """What is sealed with a finished file's bytes."""

    media_type: str
    duration_s: float


# --- planning ---------------------------------------------------------------------------------------------------------


def steps(
    workspace: Workspace,
    slug: Slug,
    production: Production,
    known: Mapping[str, Receipt] | None = None,
    record: episode.Record | None = None,
) -> tuple[Step, ...]:
    """What must run for an episode, and why; `known` and `record` where they were just read. Needs no key."""
    record = episode.read(workspace, slug) if record is None else record
    known = receipts.read_all(workspace.receipts(slug)) if known is None else known
    current = {name: stored.digest for name, stored in record.inputs.items()} | dict(production.stings)
    chain = pipeline.nodes(
        record.tracks,
        production,
        blocks=record.blocks,
        shared=record.shared,
        edited=record.edited,
        answered=record.answered,
        chosen=record.characters,
    )
    present = {key: r for key, r in known.items() if workspace.work(slug, key, r.key).exists()}
    return plan(chain, current, present)


def failure(workspace: Workspace, slug: Slug) -> Failure | None:
    """How the last run of an episode failed, if it did."""
    path = workspace.episode(slug) / FAILURE
    return codecs.parsed(Failure, path.read_bytes()) if path.exists() else None


def sting_digests(workspace: Workspace, settings: Settings) -> dict[str, Digest]:
    """The show's stings as inputs. Raises UsageRefused when a file that the settings name is not in config/."""
    found = {}
    for name in ("opening", "closing"):
        file = getattr(settings.stings, name)
        if not file:
            continue
        path = workspace.config(file)
        if not path.is_file():
            raise UsageRefused(
                f"show.toml: stings.{name} names a file that is not in config/; put it there or empty the setting"
            )
        found[f"sting/{name}"] = seal.fingerprint(path)
    return found


def donor_digests(workspace: Workspace) -> dict[str, Digest]:
    """The donors that the show made itself, by name."""
    return {path.stem: seal.fingerprint(path) for path in sorted(workspace.config("donors").glob("*.donor"))}


def tools_here(settings: Settings) -> Tools:
    """Which programs and models this machine has for these settings."""
    speaks = piper.identity() if settings.revoice.method is Method.SPEECH else models.identity()
    heard = recognisers.identity(settings.transcribe)
    return Tools(ffmpeg.probe_version(), heard, presidio.identity(), speaks, verifier.identity())


def models_for(workspace: Workspace, character: Character, method: Method) -> Models | None:
    """What a character speaks with: the models that ship with us and, where the show made it, its own donor; None where a
    method needs none.

    Raises UsageRefused for a donor that is neither or cannot be read.
    """
    if method is not Method.RESYNTHESIS:
        return None
    shipped, name = models.load(), character.donor
    path = workspace.config(f"donors/{name}.donor")
    if path.is_file():
        width = len(next(iter(shipped.donors.values())).matrix) - 1
        try:
            own = donors.from_bytes(path.read_bytes(), width)
        except ValueError as strange:
            raise UsageRefused(
                f"config/donors: {name} was made by another version; make it again with `stablecast voices build`"
            ) from strange
        return dataclasses.replace(shipped, donors={**shipped.donors, name: own})
    if name not in shipped.donors:
        raise UsageRefused(
            f"voices.toml: there is no donor {name}; make it with `stablecast voices build`, or name one of "
            f"{', '.join(sorted(shipped.donors))}"
        )
    return shipped


def load_sting(path: Path, rate_hz: int) -> Waveform:
    """A sting, decoded as carefully as any file from outside."""
    with ffmpeg.open_recording(path, max_bytes=STING_BYTES) as file:
        container = containers.sniff(file)
        containers.check_whole(file, container)
        stereo = list(ffmpeg.decode(file, container, rate_hz=rate_hz, limits=ffmpeg.Limits(STING_S)))
    return Waveform.of(np.concatenate(stereo).mean(axis=1), rate_hz)


# --- running ----------------------------------------------------------------------------------------------------------


@functools.cache
def _recogniser_of(params: TranscribeParams) -> Recogniser:
    # Loaded once a process: it takes a second.
    return recognisers.recogniser(params, threads=int(os.environ.get("OMP_NUM_THREADS", "0")))


def _recogniser(job: Job) -> Recogniser:
    return _recogniser_of(job.production.settings.transcribe)


def _track(key: str) -> int:
    return int(key.split("/")[1])


def _block(key: str) -> int:
    return int(key.rpartition("/")[2])


class Bench:
    """Loads what a stage needs, calls it, saves what it gives."""

    def __init__(self, job: Job, workspace: Workspace, *, before_receipt: Callable[[], None] = lambda: None) -> None:
        self._job, self._workspace, self._keys = job, workspace, job.keys
        self._before_receipt = before_receipt  # raises what keeps a result from counting
        self._production, self._settings = job.production, job.production.settings
        self._record = episode.read(workspace, job.slug)
        self._receipts = receipts.read_all(workspace.receipts(job.slug))
        self._note = ""  # what may be known of the newest result without a key

    def make(self, node: Node) -> None:
        """Run one stage and write its receipt."""
        stage = {
            "listen": self._listen,
            "transcribe": self._transcribe,
            "translate": self._translate,
            "find": self._find,
            "redact": self._redact,
            "proposals": self._proposals,
            "english": self._english,
            "revoice": self._revoice,
            "master": self._master,
            "peaks": self._peaks,
            "encode": self._encode,
            "alternate": self._alternate,
            "caption": self._caption,
            "tag": self._tag,
            "attack": self._attack,
            "hear": self._hear,
            "prove": self._prove,
        }
        inputs = {name: self._digest(name) for name in node.inputs}
        path = self._workspace.work(self._job.slug, node.key, key_of(node.recipe, inputs))
        self._note = ""
        stored = stage[node.stage](node, path)
        self._before_receipt()
        receipt = Receipt(node.key, node.recipe, inputs, stored.digest, stored.sealed, self._note)
        receipts.write(self._workspace.receipt(self._job.slug, node.key), receipt)
        for old in path.parent.glob("*.age"):
            if old != path:
                old.unlink()

    def has(self, node: Node) -> bool:
        """Whether a stage's result is there, made as it would be made now."""
        known = self._receipts.get(node.key)
        if known is None or known.key != key_of(node.recipe, {name: self._digest(name) for name in node.inputs}):
            return False
        return self._workspace.work(self._job.slug, node.key, known.key).exists()

    def _digest(self, name: str) -> Digest:
        if name in self._production.stings:
            return self._production.stings[name]
        if name in self._record.inputs:
            return self._record.inputs[name].digest
        return self._receipts[name].output

    # --- stages

    def _listen(self, node: Node, path: Path) -> Stored:
        track, number, params = _track(node.key), _block(node.key), self._settings.transcribe
        if number > 1 and not params.language:
            first = self.value(f"listen/{track}/1", Heard)
            params = dataclasses.replace(params, language=first.language)
        heard = transcribe.listen(
            self._source(track).waveform,
            params,
            recogniser=_recogniser(self._job),
            block=number,
            of=self._record.blocks[track - 1],
        )
        return seal.write_value(path, node.key, heard, self._keys)

    def _transcribe(self, node: Node, path: Path) -> Stored:
        track = _track(node.key)
        listened = [self.value(name, Heard) for name in node.inputs if name.startswith("listen/")]
        said = (
            transcribe.joined(self._speaker(track), listened)
            if listened
            else transcribe.transcribe(
                self._source(track), self._settings.transcribe, recogniser=_recogniser(self._job)
            )
        )
        self._note = str(len(said.doubts) or "")
        return seal.write_value(path, node.key, said, self._keys)

    def _find(self, node: Node, path: Path) -> Stored:
        heard = (self.value(f"transcribe/{k}", Transcript) for k in self.tracks())
        transcripts = tuple(edited(transcript, self._edits()).transcript for transcript in heard)
        found = find.find(
            transcripts,
            self.protected(),
            self._settings.find,
            finder=Presidio(),
            translations=self._translations() if self._settings.translate.english else (),
        )
        return seal.write_value(path, node.key, found, self._keys)

    def _proposals(self, node: Node, path: Path) -> Stored:
        states = find.answered(self.value("find", Proposals), self.redaction(), self.answers())
        self._note = str(states.open)
        return seal.write_value(path, node.key, states, self._keys)

    def _translate(self, node: Node, path: Path) -> Stored:
        track = _track(node.key)
        said = self.value(f"transcribe/{track}", Transcript)
        english = translate.translate(
            self._source(track), said, self._settings.transcribe, recogniser=_recogniser(self._job)
        )
        self._note = str(len(english.doubts) or "")
        return seal.write_value(path, node.key, english, self._keys)

    def _english(self, node: Node, path: Path) -> Stored:
        found = translate.english(
            tuple(self.value(f"transcribe/{k}", Transcript) for k in self.tracks()),
            self._translations(),
            self.redaction(),
            self.protected(),
            self.corrections(),
        )
        return seal.write_value(path, node.key, English(found), self._keys)

    def _redact(self, node: Node, path: Path) -> Stored:
        transcripts = tuple(self.value(f"transcribe/{k}", Transcript) for k in self.tracks())
        sources = (self._source(k).waveform for k in self.tracks())
        redaction = redact.redact(
            transcripts,
            self.protected(),
            self.corrections(),
            self._settings.redact,
            edits=self._edits(),
            levels=tuple(levels_of(source.blocks(), source.rate_hz) for source in sources),
        )
        return seal.write_value(path, node.key, redaction, self._keys)

    def _revoice(self, node: Node, path: Path) -> Stored:
        track = _track(node.key)
        voice = self.revoiced(self.redacted(track), self._production.character(track, self._record.characters))
        return seal.write_audio(
            path, node.key, seal.Nothing(), voice.waveform.rate_hz, voice.waveform.blocks(), self._keys
        )

    def _master(self, node: Node, path: Path) -> Stored:
        voices = tuple(self.voice(k) for k in self.tracks())
        programme = assemble.assemble(
            voices, self._settings.assemble, opening=self._sting("opening"), closing=self._sting("closing")
        )
        made = master.master(programme, self._settings.master)
        notes = MasterNotes(made.timeline, made.gain_db, made.before)
        return seal.write_audio(path, node.key, notes, made.waveform.rate_hz, made.waveform.blocks(), self._keys)

    def _peaks(self, node: Node, path: Path) -> Stored:
        made = peaks.peaks(self._mastered())
        notes = PeaksNotes(made.per_second, made.duration_s, made.timeline)
        return seal.write_data(path, node.key, notes, made.values, self._keys)

    def _encode(self, node: Node, path: Path) -> Stored:
        made = encode.encode(self._mastered(), self._settings.encode, self._settings.master, codec=FfmpegCodec())
        notes = EncodedNotes(made.media_type, made.duration_s, made.loudness, made.passes)
        return seal.write_data(path, node.key, notes, made.data, self._keys)

    def _alternate(self, node: Node, path: Path) -> Stored:
        settings = self._settings
        made = alternate.alternate(self._mastered(), settings.alternate, settings.master, codec=FfmpegOpus())
        notes = EncodedNotes(made.media_type, made.duration_s, made.loudness, made.passes)
        return seal.write_data(path, node.key, notes, made.data, self._keys)

    def _caption(self, node: Node, path: Path) -> Stored:
        details, made, public = self.details(), self._mastered(), self.redaction().public
        translations = self.translated()
        if translations:
            transcripts = tuple(self.value(f"transcribe/{k}", Transcript) for k in self.tracks())
            public = dataclasses.replace(public, language=translate.spoken_in(transcripts, public.language))
        captions = caption.caption(
            public,
            timeline=made.timeline,
            duration_s=made.waveform.duration_s,
            chapters=details.chapters,
            title=details.title,
            params=self._settings.caption,
            translations=translations,
        )
        return seal.write_value(path, node.key, captions, self._keys)

    def _tag(self, node: Node, path: Path) -> Stored:
        notes, data = self.data("encode", EncodedNotes)
        encoded = Encoded(data, notes.media_type, notes.duration_s, notes.loudness, notes.passes)
        made = tag.tag(
            encoded, self.details(), self.value("caption", Captions), self._settings.show, tagger=tags.Id3Tagger()
        )
        return seal.write_data(path, node.key, EnclosureNotes(made.media_type, made.duration_s), made.data, self._keys)

    def _attack(self, node: Node, path: Path) -> Stored:
        track, params = _track(node.key), self._settings.attack
        found = attack.attack(
            self._source(track), self.voice(track), params, embedder=verifier.load(), cohort=verifier.cohort()
        )
        return seal.write_value(path, node.key, found, self._keys)

    def _hear(self, node: Node, path: Path) -> Stored:
        _, data = self.data("tag", EnclosureNotes)
        of = max(self._record.blocks)
        heard = self._heard_again(FfmpegCodec().decode(data), _block(node.key), of)
        return seal.write_value(path, node.key, heard, self._keys)

    def _heard_again(self, finished: Waveform, block: int = 1, of: int = 1) -> HeardAgain:
        redaction, params = self.redaction(), self._settings.transcribe
        language = redaction.public.language  # known by now, and a changed voice may be taken for another
        heard = transcribe.listen(
            finished,
            dataclasses.replace(params, language="" if language == UNKNOWN else language),
            recogniser=_recogniser(self._job),
            block=block,
            of=of,
        )
        surrounding = prove.surroundings(redaction, self.timeline(), self._settings.prove)
        around = prove.listen_around(
            finished,
            prove.within(surrounding, block, of, window_s=params.window_s),
            language=heard.language,
            recogniser=_recogniser_of(dataclasses.replace(params, vad_threshold=0.0)),
        )
        return HeardAgain(heard, around)

    def _prove(self, node: Node, path: Path) -> Stored:
        _, data = self.data("tag", EnclosureNotes)
        finished, found = FfmpegCodec().decode(data), tags.frames(data)
        again = [self.value(name, HeardAgain) for name in node.inputs if name.startswith("hear/")]
        again = again or [self._heard_again(finished)]
        details, corrections = self.details(), self.corrections()
        proof = prove.prove(
            measure(finished),
            target=self._settings.master,
            found=found,
            allowed=tags.REQUIRED | (found & tags.ALLOWED),
            heard=transcribe.joined(Alias("published"), [each.block for each in again]),
            around=tuple(place for each in again for place in each.around),
            redaction=self.redaction(),
            protected=self.protected(),
            timeline=self.timeline(),
            attacks=tuple(self.value(f"attack/{k}", Attacked) for k in self.tracks()),
            params=self._settings.prove,
            left_in=tuple(correction for correction in corrections if not correction.redact),
            texts=tuple(text for _, text in details.texts),
            translated=translate.texts(self.translated()),
            captions=self.caption_findings(),
            small=self._small_heard(finished),
        )
        self._note = " ".join(check.name for check in proof.checks if not check.passed)
        return seal.write_value(path, node.key, proof, self._keys)

    def _small_heard(self, finished: Waveform) -> prove.Small | None:
        """What can be measured of the small file, beside the one that was recognised."""
        made = self.small()
        if made is None:
            return None
        _, data = made
        heard = FfmpegOpus().decode(data)
        return prove.Small(
            measure(heard), heard.duration_s, finished.duration_s, opus.carried(data), prove.agreement(finished, heard)
        )

    # --- what they are made from

    def tracks(self) -> range:
        return range(1, self._record.tracks + 1)

    def _source(self, track: int) -> SourceAudio:
        if self._job.source_keys is None:
            raise GateClosed(SOURCE_GONE)
        role = f"source/{self._record.source(track)}"
        path = self._workspace.source(self._job.slug, self._record.source(track))
        self._check(path, self._record.inputs[role].sealed)
        speaker = self._speaker(track)
        _, waveform = seal.read_audio(path, role, seal.Nothing, self._job.source_keys)
        if self._record.shared:
            turns = self._input("turns", Turns)
            waveform = only(waveform, overlaid(turns.found, turns.changes), speaker)
        return SourceAudio(speaker, waveform)

    def _speaker(self, track: int) -> Alias:
        return self._input("tracks", Tracks).tracks[track - 1].speaker

    def redacted(self, track: int) -> RedactedAudio:
        """A speaker's own voice without what may not be heard. Nothing but `revoiced` may have it."""
        return redact.silence(self._source(track), self.redaction())

    def revoiced(
        self, audio: RedactedAudio, character: Character, said: PublicTranscript | None = None
    ) -> AnonymisedAudio:
        """It, or a part of it in which `said` is said, in the voice that its speaker would have in this episode as `character`."""
        params = self._settings.revoice
        if params.method is Method.SPEECH:
            return speech.speech(
                said or self.redaction().public,
                speaker=audio.speaker,
                spans=audio.spans,
                length=audio.waveform.length,
                rate_hz=audio.waveform.rate_hz,
                character=character,
                synthesiser=piper.load(),
            )
        draw = draw_from(bytes.fromhex(self._job.draws[audio.speaker]), character)
        loaded = models_for(self._workspace, character, params.method)
        return revoice.revoice(audio, params, character=character, draw=draw, models=loaded)

    def voice(self, track: int) -> AnonymisedAudio:
        speaker = self._speaker(track)
        spans = tuple(span for span in self.redaction().spans if span.speaker == speaker)
        _, waveform = self._audio(f"revoice/{track}", seal.Nothing)
        return AnonymisedAudio(speaker, waveform, spans, self._settings.revoice.method)

    def _mastered(self) -> Master:
        notes, waveform = self._audio("master", MasterNotes)
        return Master(waveform, notes.timeline, notes.gain_db, notes.before)

    def timeline(self) -> Timeline:
        """Where each time of the recording is heard in the finished file."""
        return self._mastered().timeline

    def drawn(self) -> Peaks:
        """The finished sound as it is drawn: read in a moment, whatever its length."""
        notes, values = self.data("peaks", PeaksNotes)
        return Peaks(notes.per_second, notes.duration_s, notes.timeline, values)

    def small(self) -> tuple[EncodedNotes, bytes] | None:
        """The small file, where the settings ask for one."""
        return self.data("alternate", EncodedNotes) if self._settings.alternate.bitrate_kbps else None

    def digest(self, node: str) -> Digest:
        """Which result of a stage is there now. Raises GateClosed where there is none."""
        if node not in self._receipts:
            raise GateClosed(f"{node.partition('/')[0]} was not run yet; `stablecast run` first")
        return self._receipts[node].output

    def notes(self, node: str, kind: type[codecs.T]) -> tuple[codecs.T, int]:
        """What is sealed with the bytes of a result, and how many bytes; the bytes are neither read nor checked."""
        path = self._workspace.work(self._job.slug, node, self._receipts[node].key)
        return seal.read_notes(path, node, kind, self._keys)

    def redaction(self) -> Redaction:
        return self.value("redact", Redaction)

    def _translations(self) -> tuple[Transcript, ...]:
        return tuple(self.value(f"translate/{k}", Transcript) for k in self.tracks())

    def translated(self) -> tuple[PublicTranscript, ...]:
        """The public words in other languages than the one spoken."""
        if not self._settings.translate.english:
            return ()
        public = self.value("english", English).public
        return () if public is None else (public,)

    def details(self) -> Details:
        return self._input("details", Details)

    def caption_findings(self) -> tuple[Finding, ...]:
        """What the lint finds in the captions as they would be published."""
        captions, params = self.value("caption", Captions), self._settings.caption
        duration_s = self._mastered().waveform.duration_s
        aliases = frozenset(track.speaker for track in self._input("tracks", Tracks).tracks)
        return tuple(
            finding
            for cues in (captions.cues, *(translation.cues for translation in captions.translations))
            for finding in lint_published(cues, params, duration_s=duration_s, aliases=aliases)
        )

    def _edits(self) -> tuple[Edit, ...]:
        return self._input("edits", Edits).edits if self._record.edited else ()

    def protected(self) -> tuple[str, ...]:
        return self._input("protected", Protected).words

    def proposed(self) -> tuple[Proposals, Answered]:
        """What may identify somebody, and what became of each."""
        return self.value("find", Proposals), self.value("proposals", Answered)

    def answers(self) -> tuple[Answer, ...]:
        """Which proposals people left in."""
        return self._input("answers", Answers).answers if self._record.answered else ()

    def corrections(self) -> tuple[Correction, ...]:
        return self._input("corrections", Corrections).corrections

    def _sting(self, name: str) -> Waveform | None:
        file = getattr(self._settings.stings, name)
        return load_sting(self._workspace.config(file), self._settings.assemble.rate_hz) if file else None

    def _input(self, name: str, kind: type[codecs.T]) -> codecs.T:
        return episode.get_input(self._workspace, self._job.slug, self._record, name, kind, self._keys)

    def value(self, node: str, kind: type[codecs.T]) -> codecs.T:
        return seal.read_value(self._made(node), node, kind, self._keys)

    def data(self, node: str, kind: type[codecs.T]) -> tuple[codecs.T, bytes]:
        return seal.read_data(self._made(node), node, kind, self._keys)

    def _audio(self, node: str, kind: type[codecs.T]) -> tuple[codecs.T, Waveform]:
        return seal.read_audio(self._made(node), node, kind, self._keys)

    def _made(self, node: str) -> Path:
        receipt = self._receipts[node]
        path = self._workspace.work(self._job.slug, node, receipt.key)
        self._check(path, receipt.sealed)
        return path

    def _check(self, path: Path, sealed: Digest) -> None:
        if not path.exists() or seal.fingerprint(path) != sealed:
            raise IntegrityFailure(
                f"{self._job.slug}: a sealed file is not the one that was put there; restore the show from its backup"
            )
