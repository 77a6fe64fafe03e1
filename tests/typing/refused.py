"""Shortcuts past the barrier: mypy has to refuse each marked line, with the code it is marked with. Never run."""

from __future__ import annotations

from datetime import date

from stablecast.model import AnonymisedAudio, Cut, Method, Programme, RedactedAudio, SourceAudio, Timeline, Transcript
from stablecast.stages.approve import ApprovedEpisode
from stablecast.stages.assemble import AssembleParams, assemble
from stablecast.stages.caption import CaptionParams, caption
from stablecast.stages.encode import Codec, EncodeParams, encode
from stablecast.stages.master import MasterParams, master
from stablecast.stages.publish import Release, publish, released
from stablecast.stages.revoice import RevoiceParams, revoice
from stablecast.store.state import EpisodeRow
from stablecast.studio import release
from stablecast.studio.show import OpenShow
from stablecast.voice.characters import Character
from stablecast.voice.draws import Draw


def a_voice_with_its_names(source: SourceAudio, character: Character, draw: Draw) -> AnonymisedAudio:
    return revoice(source, RevoiceParams(), character=character, draw=draw)  # E: arg-type


def a_voice_taken_for_changed(hidden: RedactedAudio) -> AnonymisedAudio:
    return hidden  # E: return-value


def a_programme_of_real_voices(source: SourceAudio, hidden: RedactedAudio) -> Programme:
    assemble((source,), AssembleParams())  # E: arg-type
    return assemble((hidden,), AssembleParams())  # E: arg-type


def a_master_of_a_voice(source: SourceAudio, hidden: RedactedAudio, changed: AnonymisedAudio) -> None:
    master(source, MasterParams())  # E: arg-type
    master(hidden, MasterParams())  # E: arg-type
    master(changed, MasterParams())  # E: arg-type


def a_file_without_its_loudness(source: SourceAudio, programme: Programme, codec: Codec) -> None:
    encode(source, EncodeParams(), MasterParams(), codec=codec)  # E: arg-type
    encode(programme, EncodeParams(), MasterParams(), codec=codec)  # E: arg-type


def captions_of_what_was_said(said: Transcript) -> None:
    caption(said, timeline=Timeline(), duration_s=1.0, chapters=(), title="", params=CaptionParams())  # E: arg-type


def a_release_without_approval(show: OpenShow, row: EpisodeRow, cut: Cut) -> None:
    release._release(show, [(row, cut)])  # E: list-item


def a_release_of_what_was_only_frozen(cut: Cut, day: date) -> Release:
    return released(cut, day)  # E: arg-type


def an_approval_by_assignment(cut: Cut) -> ApprovedEpisode:
    return cut  # E: return-value


def a_feed_of_cuts(show: OpenShow, cut: Cut) -> None:
    publish(show.settings.show, "", [cut], show.outcomes)  # E: list-item


def a_change_of_what_is_frozen(cut: Cut, changed: AnonymisedAudio) -> None:
    cut.consent_version = 2  # E: misc
    changed.method = Method.NORMALISE  # E: misc
