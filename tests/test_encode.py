"""The finished file, not the intention: encoded, decoded, measured by us and by ffmpeg, corrected until it is right."""

from __future__ import annotations

import io
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from mutagen.id3 import ID3, TIT2
from mutagen.mp3 import MP3, BitrateMode
from numpy.typing import NDArray

import ebur128
import signals
from stablecast.errors import EnvironmentFailure, GateClosed, IntegrityFailure
from stablecast.loudness.meter import measure
from stablecast.model import Block, Encoded, Programme, Timeline, Waveform
from stablecast.stages.encode import Codec, EncodeParams, encode
from stablecast.stages.master import MasterParams, master
from stablecast.tools import codec as codec_module
from stablecast.tools.codec import FfmpegCodec
from stablecast.tools.ffmpeg import executable

RATE_HZ = 44_100
LEVELS = MasterParams()
OPEN_SPEECH = Path(__file__).parents[2] / "shared" / "speech" / "open"

codec = FfmpegCodec()


def encoded(
    samples: NDArray[np.floating],
    params: EncodeParams | None = None,
    levels: MasterParams = LEVELS,
    by: Codec = codec,
) -> Encoded:
    made = master(Programme(Waveform.of(samples, RATE_HZ), Timeline()), levels)
    return encode(made, params or EncodeParams(), levels, codec=by)


def mp3(samples: NDArray[np.floating], *, bitrate_kbps: int = 96, rate_hz: int = RATE_HZ) -> bytes:
    return codec.encode(Waveform.of(samples, rate_hz), bitrate_kbps=bitrate_kbps, rate_hz=rate_hz)


@dataclass
class DistortingCodec:
    """A codec of known faults: it scales everything and adds a fixed amount to the loudest sample."""

    scale: float
    overshoot: float
    calls: list[int] = field(default_factory=list)

    def encode(self, waveform: Waveform, *, bitrate_kbps: int, rate_hz: int) -> bytes:
        self.calls.append(bitrate_kbps)
        samples = waveform.read() * np.float32(self.scale)
        samples[np.argmax(np.abs(samples))] *= 1 + self.overshoot
        return samples.tobytes()

    def decode(self, data: bytes) -> Waveform:
        return Waveform.of(np.frombuffer(data, np.float32), RATE_HZ)


# --- the loop -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "overshoot"), [(1.0, 0.0), (0.95, 0.1), (0.7, 0.3), (1.3, 0.2)])
def test_what_an_encoder_changes_is_made_up_for(scale: float, overshoot: float) -> None:
    """Whatever it scales and however it overshoots, the file ends on the target and under the ceiling."""
    faulty = DistortingCodec(scale, overshoot)
    made = encoded(signals.speechlike(8, RATE_HZ, 2), by=faulty)
    heard = measure(faulty.decode(made.data))
    assert heard == made.loudness
    assert heard.dual_mono == pytest.approx(-16, abs=EncodeParams().tolerance_lu)
    assert heard.true_peak <= LEVELS.true_peak_dbtp
    assert len(faulty.calls) == made.passes <= EncodeParams().max_passes


def test_a_file_that_cannot_be_put_right_is_refused_with_its_figures() -> None:
    """An encoder that puts peaks over any ceiling closes the gate."""

    class Spiking(DistortingCodec):
        def decode(self, data: bytes) -> Waveform:
            samples = np.frombuffer(data, np.float32).copy()
            samples[1000] = 1.1
            return Waveform.of(samples, RATE_HZ)

    with pytest.raises(GateClosed, match=r"after 2 encodings .* peaks at 0\.[89]\d dBTP"):
        encoded(signals.speechlike(4, RATE_HZ, 2), EncodeParams(max_passes=2), by=Spiking(1.0, 0.0))


# --- with the real encoder ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bitrate_kbps", [64, 96, 128])
@pytest.mark.parametrize("kind", ["speech", "plosives"])
def test_the_published_file_is_at_the_target_by_ffmpegs_meter(kind: str, bitrate_kbps: int) -> None:
    """Within 0.2 LU of −16 dual-mono and not above −1 dBTP, measured on the file by an independent meter."""
    samples = {"speech": signals.speechlike, "plosives": signals.plosives}[kind](15, RATE_HZ, 0)
    made = encoded(samples, EncodeParams(bitrate_kbps=bitrate_kbps))
    theirs = ebur128.of_mp3(made.data)
    assert theirs.dual_mono == pytest.approx(-16, abs=0.2)
    assert theirs.true_peak <= -1.0
    assert made.loudness.dual_mono == pytest.approx(-16, abs=0.1)
    assert made.duration_s == 15


def test_one_encoding_is_enough_for_speech() -> None:
    """The first guess knows LAME, so the common case pays for no second pass."""
    assert encoded(signals.speechlike(15, RATE_HZ, 1)).passes == 1


def test_without_the_correction_the_file_misses_the_loudness() -> None:
    """Negative control: take guess and loop away, and LAME's 0.45 dB alone closes the gate; it is the loop that works."""
    uncorrected = EncodeParams(first_gain_db=0.0, max_passes=1)
    with pytest.raises(GateClosed, match=r"still 0\.[345]\d LU"):
        encoded(signals.speechlike(15, RATE_HZ, 1), uncorrected)
    assert encoded(signals.speechlike(15, RATE_HZ, 1), EncodeParams(first_gain_db=0.0)).passes == 2


def test_without_the_correction_the_file_passes_the_ceiling() -> None:
    """Negative control: without headroom a popped microphone is over −1 dBTP after one encoding; the loop mends it."""
    pops, bare = signals.plosives(15, RATE_HZ, 0), replace(LEVELS, headroom_db=0.0)
    with pytest.raises(GateClosed, match=r"peaks at -?0\.\d\d dBTP"):
        encoded(pops, EncodeParams(max_passes=1), bare)
    assert ebur128.of_mp3(encoded(pops, levels=bare).data).true_peak <= -1.0


@pytest.mark.skipif(not OPEN_SPEECH.is_dir(), reason="no real speech beside this checkout")
@pytest.mark.parametrize("number", [0, 7, 14, 21, 28])
def test_real_speech_lands_on_the_target(number: int) -> None:
    """What holds for formulas holds for people."""
    speaker = sorted(OPEN_SPEECH.iterdir())[number]
    pieces = [_decoded(path) for path in sorted(speaker.rglob("*.flac"))[:4]]
    theirs = ebur128.of_mp3(encoded(np.concatenate(pieces)).data)
    assert theirs.dual_mono == pytest.approx(-16, abs=0.2)
    assert theirs.true_peak <= -1.0


def _decoded(path: Path) -> NDArray[np.float32]:
    command = [executable(), "-loglevel", "error", "-i", path, "-f", "f32le", "-ac", "1", "-ar", str(RATE_HZ), "pipe:1"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


# --- the codec ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bitrate_kbps", "rate_hz"), [(96, 44_100), (32, 44_100), (64, 48_000), (128, 32_000)])
@pytest.mark.parametrize("seconds", [0.5, 3.7, 5.0003])
def test_a_file_plays_exactly_as_long_as_its_audio_and_in_step(bitrate_kbps: int, rate_hz: int, seconds: float) -> None:
    """Not a sample more or less, and no delay: captions stay where they were put."""
    speech = signals.speechlike(seconds, rate_hz, 1)
    data = mp3(speech, bitrate_kbps=bitrate_kbps, rate_hz=rate_hz)
    back = codec.decode(data)
    assert back.rate_hz == rate_hz
    assert len(back.read()) == back.length == len(speech)
    lags = np.correlate(back.read()[2_000:9_000], speech[1_900:9_100], "valid")
    assert np.argmax(lags) == 100  # lag 0


def test_a_player_reads_the_length_from_the_file(tmp_path: Path) -> None:
    """mutagen and ffmpeg, given the file, find constant bitrate and the exact number of samples."""
    speech = signals.speechlike(4.321, RATE_HZ, 1)
    path = tmp_path / "finished.mp3"
    path.write_bytes(mp3(speech))
    info = MP3(path).info
    assert info.bitrate_mode is BitrateMode.CBR
    assert info.length * RATE_HZ == pytest.approx(len(speech), abs=0.5)
    np.testing.assert_array_equal(_decoded(path), codec.decode(path.read_bytes()).read())


def test_equal_audio_gives_equal_bytes_however_it_arrives() -> None:
    """An approval is of bytes: the same cut made twice is the same file."""
    speech = signals.speechlike(5, RATE_HZ, 1)

    def in_pieces() -> Iterator[Block]:
        return iter(np.split(speech, [1, 5_000, 70_001]))

    pieces = Waveform(RATE_HZ, len(speech), in_pieces)
    assert mp3(speech) == mp3(speech) == codec.encode(pieces, bitrate_kbps=96, rate_hz=RATE_HZ)


def test_a_file_carries_no_tag() -> None:
    """Not ID3v1, not ID3v2, not APE: nothing but frames of audio."""
    data = mp3(signals.speechlike(2, RATE_HZ, 1))
    assert data[:2] == b"\xff\xfb"
    assert MP3(io.BytesIO(data)).tags is None
    assert b"TAG" not in data[-128:]
    assert b"APETAGEX" not in data


def test_audio_at_another_rate_is_resampled() -> None:
    """A master at 48 kHz becomes the same second at 44.1 kHz."""
    data = codec.encode(Waveform.of(signals.speechlike(2, 48_000, 1), 48_000), bitrate_kbps=96, rate_hz=RATE_HZ)
    assert (codec.decode(data).rate_hz, codec.decode(data).length) == (RATE_HZ, 2 * RATE_HZ)


def test_a_tagged_file_decodes_to_the_same_audio() -> None:
    """Title and chapters before the audio change nothing of it."""
    data = mp3(signals.speechlike(2, RATE_HZ, 1))
    tagged, tags = io.BytesIO(data), ID3()
    tags.add(TIT2(encoding=3, text="A title " * 400))
    tags.save(tagged, v2_version=3)
    np.testing.assert_array_equal(codec.decode(tagged.getvalue()).read(), codec.decode(data).read())


@pytest.mark.parametrize("damage", [b"", b"ID3", b"\xff\xfb\x70\xc0" + bytes(500)])
def test_a_file_from_elsewhere_is_refused(damage: bytes) -> None:
    """Without our Info frame the exact length is unknown, and a guess is not taken."""
    with pytest.raises(IntegrityFailure, match="made here"):
        codec.decode(damage)


def test_a_file_cut_short_is_noticed_while_reading() -> None:
    """Fewer samples than promised is an error, never a shorter episode."""
    data = mp3(signals.speechlike(5, RATE_HZ, 1))
    with pytest.raises(EnvironmentFailure, match="too few"):
        codec.decode(data[: len(data) // 2]).read()


@pytest.mark.parametrize(("bitrate_kbps", "rate_hz"), [(100, 44_100), (0, 44_100), (96, 22_050)])
def test_what_mp3_does_not_have_is_a_callers_bug(bitrate_kbps: int, rate_hz: int) -> None:
    """Bitrates and rates outside MPEG-1 layer III are refused before anything is started."""
    with pytest.raises(ValueError, match="MP3 has no"):
        mp3(np.zeros(1000), bitrate_kbps=bitrate_kbps, rate_hz=rate_hz)


def test_a_reader_that_goes_away_leaves_nothing_running() -> None:
    """Stopping in the middle of a decode ends the program and its threads, without waiting for the rest."""
    threads = threading.active_count()
    reading = codec.decode(mp3(signals.speechlike(120, RATE_HZ, 1))).blocks()
    next(reading)
    assert threading.active_count() > threads
    reading.close()  # type: ignore[attr-defined]
    assert threading.active_count() == threads


def test_an_error_in_the_audio_comes_out_as_itself() -> None:
    """What goes wrong while samples are computed is not hidden behind ffmpeg."""

    def failing() -> Iterator[Block]:
        yield np.zeros(100_000, np.float32)
        raise IntegrityFailure("the samples are not the ones that were kept")

    with pytest.raises(IntegrityFailure, match="were kept"):
        codec.encode(Waveform(RATE_HZ, 200_000, failing), bitrate_kbps=96, rate_hz=RATE_HZ)


@pytest.mark.parametrize(("program", "words"), [("/bin/false", "code 1 .without a word"), (None, "code \\d+ \\(.+\\)")])
def test_a_broken_ffmpeg_is_named(program: str | None, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that ends early neither blocks nor passes: the error has its code and its last words."""
    broken = [program] if program else [str(executable()), "-loglevel", "error", "-ss", "nonsense"]
    monkeypatch.setattr(codec_module, "command_line", lambda: broken)
    with pytest.raises(EnvironmentFailure, match=words):
        mp3(signals.speechlike(20, RATE_HZ, 1))
