"""The way of a recording, as it may be gone: every type in its place. Read by mypy alone, never run."""

from __future__ import annotations

from datetime import date

from stablecast.model import (
    Approval,
    Captions,
    Cut,
    Encoded,
    Master,
    PublicFile,
    PublicTranscript,
    SourceAudio,
    Timeline,
    Transcript,
)
from stablecast.stages.approve import ApprovedEpisode, approve
from stablecast.stages.assemble import AssembleParams, assemble
from stablecast.stages.caption import CaptionParams, caption
from stablecast.stages.encode import Codec, EncodeParams, encode
from stablecast.stages.master import MasterParams, master
from stablecast.stages.publish import Release, released
from stablecast.stages.redact import RedactParams, redact, silence
from stablecast.stages.revoice import RevoiceParams, revoice
from stablecast.voice.characters import Character
from stablecast.voice.draws import Draw


def the_sound(
    source: SourceAudio, said: Transcript, character: Character, draw: Draw, codec: Codec
) -> tuple[Master, Encoded]:
    redaction = redact((said,), (), (), RedactParams())
    voice = revoice(silence(source, redaction), RevoiceParams(), character=character, draw=draw)
    made = master(assemble((voice,), AssembleParams()), MasterParams())
    return made, encode(made, EncodeParams(), MasterParams(), codec=codec)


def the_words(public: PublicTranscript) -> Captions:
    return caption(public, timeline=Timeline(), duration_s=1.0, chapters=(), title="", params=CaptionParams())


def the_gate(cut: Cut, files: tuple[PublicFile, ...], approvals: tuple[Approval, ...]) -> ApprovedEpisode:
    return approve(cut, files, approvals)


def the_release(approved: ApprovedEpisode, day: date) -> Release:
    return released(approved, day)
