"""Voices: which there are, how each sounds, whose is whose, and new ones."""

from __future__ import annotations

import dataclasses
import io
import os
import secrets
import tempfile
import wave
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from stablecast.engine.settings import Settings
from stablecast.errors import GateClosed, InputRefused, UsageRefused
from stablecast.model import (
    REDACTED,
    Alias,
    AnonymisedAudio,
    Method,
    Programme,
    PublicTranscript,
    PublicWord,
    RedactedAudio,
    Redaction,
    SourceAudio,
    Timeline,
    Waveform,
)
from stablecast.runner import Bench, Progress, models_for
from stablecast.stages.ingest import IngestParams
from stablecast.stages.master import master
from stablecast.stages.redact import redact, silence
from stablecast.stages.revoice import RevoiceParams, revoice
from stablecast.stages.speech import during, speech
from stablecast.stages.transcribe import transcribe
from stablecast.store import episode, files, locks, settings
from stablecast.store.episode import Tracks
from stablecast.store.keyring import Recurring
from stablecast.store.state import EpisodeRow
from stablecast.store.workspace import Workspace
from stablecast.studio import making
from stablecast.studio.intake import consent_to_same_voice, joined
from stablecast.studio.reviews import FileView, PreviewView
from stablecast.studio.show import OPERATOR, OpenShow
from stablecast.tools import models, piper, recognisers
from stablecast.voice import donors
from stablecast.voice.characters import Character, characters, donor_name
from stablecast.voice.draws import SECRET_BYTES, draw_from
from stablecast.voice.resynthesis import listening

FIRST = "default"  # the first of the show's characters
PREVIEW_S = 20.0
SUFFIXES = frozenset((".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus"))
KEPT_S = 600.0  # of one recording in memory; longer ones are decoded again at each reading
RECURRING_COSTS = (
    "Your new voice will be the same in every episode. People who know one episode can tell that another is also you. "
    "It can make it easier to work out who you are."
)

_NOTHING: Final = Redaction((), PublicTranscript("", ()))  # to take out: a folder of recordings has no protected words

NOTES: Final[Mapping[str, str]] = {
    "resynthesis": "somebody who does not exist says the words again; for English and near it",
    "normalise": "what marks the speaker is taken out of their sound; for any language",
    "speech": "a synthetic voice reads the approved words; for those at greatest risk",
    "pitch": "a plain shift, to hear the difference: anyone with a computer can undo it, so it is never published",
}


@dataclass(frozen=True, slots=True)
class CharacterView:
    """A character to choose; `speaker` is the number of the speaker who gets it when nobody chooses."""

    name: str
    words: str
    register_hz: float
    tract: float
    donor: str
    speaker: int | None


@dataclass(frozen=True, slots=True)
class VoicesView:
    """The characters, and the show's way of changing a voice."""

    method: Method
    note: str
    characters: tuple[CharacterView, ...]


@dataclass(frozen=True, slots=True)
class SampleView:
    """One speaker in one character."""

    speaker: Alias
    character: str
    words: str
    file: str
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class RenderView:
    """What became of one recording; `problem` says why there is no `written`."""

    file: str
    written: str | None
    duration_s: float = 0.0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class DonorView:
    """A donor that was made, and the lines that give it to a character."""

    name: str
    file: str
    lines: tuple[str, ...]


# --- which there are -----------------------------------------------------------------------------------------------------


def voices(workspace: Workspace) -> VoicesView:
    """Every character, those that speakers get without choosing first."""
    revoicing, every = _settings(workspace).revoice, _characters(workspace)
    turn = {name: number for number, name in enumerate(revoicing.characters, 1)}
    ordered = sorted(every.values(), key=lambda character: turn.get(character.name, len(every)))
    views = (CharacterView(c.name, c.words, c.register_hz, c.tract, c.donor, turn.get(c.name)) for c in ordered)
    return VoicesView(revoicing.method, NOTES[revoicing.method], tuple(views))


def _settings(workspace: Workspace) -> Settings:
    return settings.load(Settings, workspace.config("show.toml"))


def _characters(workspace: Workspace) -> Mapping[str, Character]:
    return settings.checked(workspace.config("voices.toml"), characters)


# --- how each sounds -----------------------------------------------------------------------------------------------------


def preview(show: OpenShow, name: str, folder: Path | None, speaker: Alias | None) -> Iterator[Progress | SampleView]:
    """The fullest 20 seconds of each speaker of an episode in every character, as their draws there make it, levelled.

    Of the episode only the words are made first: what may not be heard has to be known. The files go to a new folder, for
    this user alone; without a `folder` one is made. Raises UsageRefused for a folder that is there already or is public.
    """
    row = _unpublished(show, name)
    if folder is not None and (folder.exists() or folder.resolve().is_relative_to(show.workspace.public)):
        raise UsageRefused("name a new folder outside feed/, which is public")
    with locks.exclusive(show.workspace.lock("work")):
        speakers = _speakers(show, row)
        tracks = range(1, len(speakers) + 1) if speaker is None else (_track(speakers, speaker),)
        job = making.job(show, row)
        yield from making.heard(show, row)
        bench = Bench(job, show.workspace)
        folder = Path(tempfile.mkdtemp(prefix="stablecast-voices-")) if folder is None else folder
        for track in tracks:
            part, start_s, said = _fullest_part(bench, track)
            for character in job.production.characters:
                path = folder / f"{track}-{character.name}.wav"
                write_wav(path, _sampled(bench, part, character, said, job.production.settings))
                yield SampleView(
                    part.speaker, character.name, character.words, str(path), start_s, part.waveform.duration_s
                )
        show.state.log(show.now(), OPERATOR, "previewed", row.id, " ".join(f"track {track}" for track in tracks))


def _fullest_part(bench: Bench, track: int) -> tuple[RedactedAudio, float, PublicTranscript]:
    """The seconds of a speaker with the most speech in them, where they begin, and what is said then."""
    hidden, public = bench.redacted(track), bench.redaction().public
    words = (word for word in public.words if word.speaker == hidden.speaker)
    part, start_s = excerpt(hidden, fullest(words, PREVIEW_S), PREVIEW_S)
    return part, start_s, during(public, start_s, part.waveform.duration_s)


def _sampled(
    bench: Bench, part: RedactedAudio, character: Character, said: PublicTranscript, settings: Settings
) -> Waveform:
    """A part of a speaker as a character says it in this episode, levelled."""
    voice = bench.revoiced(part, character, said).waveform
    spoken = Programme(Waveform.of(voice.read(), voice.rate_hz), Timeline())  # levelling reads it many times
    return master(spoken, settings.master).waveform


def previews(show: OpenShow, name: str, speaker: Alias | None) -> tuple[PreviewView, ...]:
    """The characters a speaker may choose from, and which is theirs. Raises UsageRefused where it has to be said whose."""
    row = _unpublished(show, name)
    track, _ = _track_of(show, row, speaker)
    record = episode.read(show.workspace, row.slug)
    own = show.production.character(track, record.characters).name
    taken = {show.production.character(k, record.characters).name for k in range(1, record.tracks + 1) if k != track}
    return tuple(
        PreviewView(character.name, character.words, character.name == own)
        for character in show.production.characters
        if character.name not in taken
    )


def preview_sample(show: OpenShow, name: str, character: str, speaker: Alias | None) -> FileView:
    """The fullest seconds of a speaker in a character, as a WAV in memory. Raises GateClosed before the words are made."""
    row = _unpublished(show, name)
    track, who = _track_of(show, row, speaker)
    chosen = next((found for found in show.production.characters if found.name == character), None)
    if chosen is None:
        raise UsageRefused("there is no such voice any more; load the page again")
    if any(step.reason is not None and step.node.stage in making.WORDS for step in show.steps(row.slug)):
        raise GateClosed("this computer has not listened to the recording yet; run the episode first")
    bench = making.bench(show, row)
    drawn = episode.read(show.workspace, row.slug).inputs[f"draw/{track}"].digest
    key = ("sample", row.id, who, character, bench.digest("redact"), drawn, show.settings.revoice)

    def made() -> bytes:
        part, _, said = _fullest_part(bench, track)
        kept = io.BytesIO()
        _wave_into(kept, _sampled(bench, part, chosen, said, show.settings))
        return kept.getvalue()

    return FileView("audio/wav", show.memory.kept(key, made))


def fullest(words: Iterable[PublicWord], length_s: float) -> float:
    """Where so many seconds with the most speech in them begin; 0 where there is no word."""
    said = sorted((word.start_s, word.end_s) for word in words if word.text != REDACTED)
    ends = [end_s for _, end_s in said]
    spoken = [0.0, *accumulate(end_s - start_s for start_s, end_s in said)]
    full = [
        (spoken[max(index, bisect_right(ends, start_s + length_s))] - spoken[index], -start_s)
        for index, (start_s, _) in enumerate(said)
    ]
    return -max(full)[1] if full else 0.0


def excerpt(audio: RedactedAudio, start_s: float, length_s: float) -> tuple[RedactedAudio, float]:
    """So many seconds from `start_s` on in memory, begun earlier where the end would come sooner; and where they begin."""
    whole, rate = audio.waveform, audio.waveform.rate_hz
    count = min(round(length_s * rate), whole.length)
    first = min(round(start_s * rate), whole.length - count)
    kept, at = [np.zeros(0, np.float32)], 0
    for block in whole.blocks():
        kept.append(block[max(0, first - at) : max(0, first + count - at)])
        at += len(block)
        if at >= first + count:
            break
    begin_s, end_s = first / rate, (first + count) / rate
    spans = tuple(
        dataclasses.replace(span, start_s=max(span.start_s, begin_s) - begin_s, end_s=min(span.end_s, end_s) - begin_s)
        for span in audio.spans
        if span.start_s < end_s and span.end_s > begin_s
    )
    return RedactedAudio(audio.speaker, Waveform.of(np.concatenate(kept), rate), spans), begin_s


def render(
    workspace: Workspace, source: Path, target: Path, character: str, method: Method | None
) -> Iterator[RenderView]:
    """Every recording below `source` in a voice of its own, at the same place below `target`; needs no show.

    A recording that is refused is told and the others go on. Raises UsageRefused where a name is unknown, `target` holds
    something or lies within `source`, or two recordings would be one file.
    """
    chosen, every = _settings(workspace), _characters(workspace)
    params = chosen.revoice if method is None else dataclasses.replace(chosen.revoice, method=method)
    name = params.characters[0] if character == FIRST and params.characters else character
    if name not in every:
        raise UsageRefused(f"there is no character {name}; there are {', '.join(every)}")
    planned = _planned(source, target)
    taken_in = dataclasses.replace(chosen.ingest, min_duration_s=0.0)
    change = _changing(workspace, chosen, params, every[name])
    for path, to in planned.items():
        file = path.relative_to(source).as_posix()
        try:
            voice = change(SourceAudio(Alias(""), _recording(path, taken_in)))
            write_wav(to, voice.waveform)
        except (InputRefused, GateClosed) as refused:
            yield RenderView(file, None, problem=str(refused))
        else:
            yield RenderView(file, str(to), voice.waveform.duration_s)


def _changing(
    workspace: Workspace, chosen: Settings, params: RevoiceParams, character: Character
) -> Callable[[SourceAudio], AnonymisedAudio]:
    """What gives a recording a voice of its own, with everything loaded that it needs; whole: nothing is redacted."""
    if params.method is Method.SPEECH:
        recogniser, voice = recognisers.recogniser(chosen.transcribe), piper.load()

        def spoken(source: SourceAudio) -> AnonymisedAudio:
            said = transcribe(source, chosen.transcribe, recogniser=recogniser)
            return speech(
                redact((said,), (), (), chosen.redact).public,
                speaker=source.speaker,
                spans=(),
                length=source.waveform.length,
                rate_hz=source.waveform.rate_hz,
                character=character,
                synthesiser=voice,
            )

        return spoken
    loaded = models_for(workspace, character, params.method)

    def revoiced(source: SourceAudio) -> AnonymisedAudio:
        draw = draw_from(secrets.token_bytes(SECRET_BYTES), character)
        return revoice(silence(source, _NOTHING), params, character=character, draw=draw, models=loaded)

    return revoiced


def _planned(source: Path, target: Path) -> dict[Path, Path]:
    """Each recording below `source`, and where it goes."""
    if not source.is_dir():
        raise UsageRefused("the folder of recordings is not there; check its name")
    if target.resolve().is_relative_to(source.resolve()):
        raise UsageRefused("the new voices cannot go into the folder of the recordings; name one outside it")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageRefused("the folder for the new voices holds something; name a new one")
    found = sorted(
        Path(folder, name)
        for folder, _, names in os.walk(source)
        for name in names
        if Path(name).suffix.lower() in SUFFIXES
    )
    planned = {path: (target / path.relative_to(source)).with_suffix(".wav") for path in found}
    if not planned:
        raise UsageRefused("there is no recording in this folder (WAV, FLAC, MP3, M4A, Ogg or Opus)")
    if len(set(planned.values())) < len(planned):
        raise UsageRefused("two recordings differ only in their format, and would become one file; rename one of them")
    return planned


def _recording(path: Path, params: IngestParams) -> Waveform:
    """A file's sound, checked from end to end. Raises InputRefused."""
    most, kept, length = KEPT_S * params.rate_hz, [], 0
    for block in joined((path,), params):
        length += len(block)
        if length <= most:
            kept.append(block)
    if length <= most:
        return Waveform.of(np.concatenate(kept), params.rate_hz)
    return Waveform(params.rate_hz, length, lambda: joined((path,), params))


def write_wav(path: Path, waveform: Waveform) -> None:
    """16-bit WAV, for this user alone, there whole or not at all."""
    with files.replacing(path) as file:
        _wave_into(file, waveform)


def _wave_into(file: BinaryIO, waveform: Waveform) -> None:
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(waveform.rate_hz)
        for block in waveform.blocks():
            wav.writeframesraw(np.rint(np.clip(block, -1, 1) * 32767).astype("<i2").tobytes())


# --- whose is whose ------------------------------------------------------------------------------------------------------


def choose(show: OpenShow, name: str, character: str, speaker: Alias | None) -> None:
    """Give a speaker of an episode a character. Raises UsageRefused where another has it or there is none of that name."""
    with locks.exclusive(show.workspace.lock("work")):
        row = _unpublished(show, name)
        track, who = _track_of(show, row, speaker)
        if who in show.keyring.entry(row.id).recurring:
            raise GateClosed(_RECURS)
        record = episode.read(show.workspace, row.slug)
        others = (k for k in range(1, record.tracks + 1) if k != track)
        if character not in {c.name for c in show.production.characters}:
            raise UsageRefused(f"show.toml: revoice.characters has no {character}; `stablecast voices list` shows all")
        if character in {show.production.character(k, record.characters).name for k in others}:
            raise UsageRefused("another speaker of this episode has that voice; choose a different one for them first")
        _pin(show, row, track, character)
        show.state.log(show.now(), OPERATOR, "character-chosen", row.id, f"track {track}: {character}")


def redraw(show: OpenShow, name: str, speaker: Alias | None) -> None:
    """New draws for an episode, or for one speaker of it: its voices are made again, and a frozen cut is void."""
    with locks.exclusive(show.workspace.lock("work")):
        row = _unpublished(show, name)
        speakers = _speakers(show, row)
        mine = speakers if speaker is None else (speakers[_track(speakers, speaker) - 1],)
        entry = show.keyring.entry(row.id)
        if any(who in entry.recurring for who in mine):
            raise GateClosed(_RECURS)
        show.keyring.put(row.id, entry.redrawn(mine))
        making.with_draws(show, row)
        tracks = " ".join(str(speakers.index(who) + 1) for who in mine)
        show.state.log(show.now(), OPERATOR, "redrawn", row.id, f"track {tracks}")


def recur(show: OpenShow, name: str, voice: str, speaker: Alias | None) -> None:
    """Give a speaker the recurring voice called `voice`, or make the one they have here recur under that name.

    What it costs is `RECURRING_COSTS`; the caller has told it to the young person, who said yes. Recorded in their consent.
    """
    with locks.exclusive(show.workspace.lock("work")):
        row = _unpublished(show, name)
        track, who = _track_of(show, row, speaker)
        entry = making.with_draws(show, row)
        if who in entry.recurring or voice in entry.recurring.values():
            raise UsageRefused("this speaker has a recurring voice, or another one here has this; turn that off first")
        current = show.production.character(track, episode.read(show.workspace, row.slug).characters).name
        kept = show.keyring.recurring().get(voice) or Recurring(entry.draws[who], current)
        show.production.character(track, {str(track): kept.character})  # is it still among the show's?
        consent_to_same_voice(show, row, True)
        tied = dataclasses.replace(
            entry, draws={**entry.draws, who: kept.secret}, recurring={**entry.recurring, who: voice}
        )
        show.keyring.put_all({row.id: tied}, {voice: kept})
        _pin(show, row, track, kept.character)
        making.with_draws(show, row)
        show.state.log(show.now(), OPERATOR, "voice-recurs", row.id, f"track {track}")
        making.freeze_if_ready(show, row)


def recur_no_more(show: OpenShow, name: str, speaker: Alias | None) -> tuple[str, ...]:
    """Destroy a speaker's recurring voice. Every episode that has it and is not published gets a new one; which those are."""
    row = show.row(name)  # a withdrawn episode is no reason to keep it
    with locks.exclusive(show.workspace.lock("work")):
        entries = show.keyring.entries()
        mine = entries[row.id].recurring if row.id in entries else {}
        if speaker not in mine and (speaker is not None or len(mine) != 1):
            raise UsageRefused("this speaker has no recurring voice here; name with --speaker one who has")
        voice = mine[speaker] if speaker is not None else next(iter(mine.values()))
        tied = [
            (of, who)
            for of in show.episodes()
            if of.id in entries
            for who, n in entries[of.id].recurring.items()
            if n == voice
        ]
        show.keyring.put_all({of.id: entries[of.id].redrawn((who,)) for of, who in tied})
        again = []
        for of, _ in tied:
            show.state.log(show.now(), OPERATOR, "voice-recurs-no-more", of.id)
            if of.id in show.state.withdrawals():
                continue
            entry = show.keyring.entry(of.id)
            if not entry.recurring:
                consent_to_same_voice(show, of, False)
            if entry.draws:
                making.with_draws(show, of)
                again.append(of.slug)
        return tuple(again)


_RECURS = "this speaker's voice is the same in several episodes; `stablecast voices recurring EP --off` first"


def _speakers(show: OpenShow, row: EpisodeRow) -> tuple[Alias, ...]:
    record, keys = episode.read(show.workspace, row.slug), show.keyring.entry(row.id).keys
    tracks = episode.get_input(show.workspace, row.slug, record, "tracks", Tracks, keys).tracks
    return tuple(track.speaker for track in tracks)


def _track(speakers: tuple[Alias, ...], speaker: Alias | None) -> int:
    """The number of a speaker's track; without a name that of the only one."""
    if speaker is None and len(speakers) > 1:
        raise UsageRefused(f"this episode has {len(speakers)} speakers; name one with --speaker")
    if speaker is not None and speaker not in speakers:
        raise UsageRefused("this episode has no speaker of that name; check how it was written when it was added")
    return 1 if speaker is None else speakers.index(speaker) + 1


def _track_of(show: OpenShow, row: EpisodeRow, speaker: Alias | None) -> tuple[int, Alias]:
    speakers = _speakers(show, row)
    track = _track(speakers, speaker)
    return track, speakers[track - 1]


def _unpublished(show: OpenShow, name: str) -> EpisodeRow:
    """An episode whose voices may still change. Raises GateClosed for a published one."""
    row = show.episode(name)
    if show.facts(row).published is not None:
        raise GateClosed(
            "this episode is published: the same words in a second voice would only help to compare the two; "
            "withdraw it, and add it as a new episode"
        )
    return row


def _pin(show: OpenShow, row: EpisodeRow, track: int, character: str) -> None:
    record = episode.read(show.workspace, row.slug)
    chosen = {**record.characters, str(track): character}
    episode.write(show.workspace, row.slug, dataclasses.replace(record, characters=chosen))


# --- new ones ------------------------------------------------------------------------------------------------------------


def build(show: OpenShow, name: str, recordings: tuple[Path, ...]) -> DonorView:
    """Make a donor of the show's own out of recordings of one voice, or make it anew: then its characters change voice.

    Raises InputRefused for a recording that is none and for too little speech, UsageRefused for a name that is none or ours.
    """
    try:
        donor_name(name)
    except ValueError as badly_named:
        raise UsageRefused(f"a {badly_named}") from badly_named
    loaded, params = models.load(), show.settings.ingest
    if name in loaded.donors:
        raise UsageRefused("a donor of this name comes with Stablecast; choose another name")
    try:
        made = donors.fit(
            (_recording(path, params) for path in recordings),
            lambda waveform: listening(waveform, loaded.ear),
        )
    except ValueError as little:
        raise InputRefused(f"{little}; add more of the same voice") from little
    data = donors.to_bytes(made)
    path = show.workspace.config(f"donors/{name}.donor")
    files.write(path, data)
    show.state.log(show.now(), OPERATOR, "donor-built")
    return DonorView(
        name, str(path), (f"[{name}]", "register_hz = 150.0", "tract = 1.0", 'words = ""', f'donor = "{name}"')
    )
