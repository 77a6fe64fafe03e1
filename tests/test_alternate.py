"""The small file: as loud as the large one, as long, the same sound, and nothing in it but sound."""

from __future__ import annotations

import dataclasses
import io
import struct
import subprocess
from dataclasses import dataclass

import mutagen.oggopus
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import ebur128
import signals
from stablecast.errors import EnvironmentFailure, GateClosed, IntegrityFailure
from stablecast.model import Dbtp, Encoded, Loudness, Lufs, Master, Programme, Timeline, Waveform
from stablecast.stages.alternate import MEDIA_TYPE, RATE_HZ, AlternateParams, alternate
from stablecast.stages.encode import EncodeParams, encode
from stablecast.stages.master import MasterParams, master
from stablecast.stages.prove import ProveParams, Small, _small, agreement
from stablecast.tools import opus
from stablecast.tools.codec import FfmpegCodec
from stablecast.tools.ffmpeg import executable
from stablecast.tools.opus import FfmpegOpus, carried

MASTER_HZ = 44_100
LEVELS = MasterParams()

codec = FfmpegOpus()


def mastered(samples: NDArray[np.floating]) -> Master:
    return master(Programme(Waveform.of(samples, MASTER_HZ), Timeline()), LEVELS)


def small(samples: NDArray[np.floating], params: AlternateParams | None = None) -> Encoded:
    return alternate(mastered(samples), params or AlternateParams(), LEVELS, codec=codec)


@pytest.fixture(scope="module")
def spoken() -> Master:
    return mastered(signals.speechlike(12, MASTER_HZ, 3))


@pytest.fixture(scope="module")
def made(spoken: Master) -> Encoded:
    return alternate(spoken, AlternateParams(), LEVELS, codec=codec)


# --- its sound ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "bitrate_kbps"), [("speechlike", 24), ("speechlike", 16), ("plosives", 24)])
def test_the_small_file_is_at_the_target_by_ffmpegs_meter(kind: str, bitrate_kbps: int) -> None:
    """Within 0.2 LU of −16 dual-mono and not above −1 dBTP, measured on the file by an independent meter."""
    made = small(getattr(signals, kind)(8, MASTER_HZ, 0), AlternateParams(bitrate_kbps=bitrate_kbps))
    theirs = ebur128.of_opus(made.data)
    assert theirs.dual_mono == pytest.approx(-16, abs=0.2)
    assert theirs.true_peak <= -1.0
    assert made.media_type == MEDIA_TYPE
    assert len(made.data) * 8 / made.duration_s / 1000 < bitrate_kbps * 1.5


def test_a_file_that_cannot_be_put_right_closes_the_gate(spoken: Master) -> None:
    """A tolerance that no encoder meets: the figures are told."""
    with pytest.raises(GateClosed, match=r"after 1 encodings"):
        alternate(spoken, AlternateParams(tolerance_lu=0.0, max_passes=1), LEVELS, codec=codec)


@given(st.integers(1, 150_000))
@settings(max_examples=6, deadline=None)
def test_it_plays_for_exactly_as_long(length: int) -> None:
    """No encoder's padding at either end, whatever the length in samples."""
    samples = 0.1 * np.sin(np.arange(length) * 0.05)
    data = codec.encode(Waveform.of(samples, RATE_HZ), bitrate_kbps=24)
    heard = codec.decode(data)
    assert heard.length == len(heard.read()) == length


def test_the_sound_is_in_its_place() -> None:
    """Decoded, it lies on what was encoded, to the sample: its pre-skip is told right."""
    samples = signals.speechlike(6, RATE_HZ, 1)
    heard = codec.decode(codec.encode(Waveform.of(samples, RATE_HZ), bitrate_kbps=64)).read()
    correlated = np.correlate(heard[20_000:60_000], samples[19_000:61_000], "valid")
    assert abs(int(np.argmax(correlated)) - 1000) <= 2


def test_equal_sound_gives_equal_bytes(spoken: Master, made: Encoded) -> None:
    """Nothing in it is drawn at random or read from a clock."""
    assert alternate(spoken, AlternateParams(), LEVELS, codec=codec).data == made.data


@pytest.mark.parametrize("bitrate_kbps", [15, 65, -24])
def test_a_bitrate_that_is_none_is_refused(bitrate_kbps: int) -> None:
    """Settings with it are told of where they stand; 0 is an answer."""
    with pytest.raises(ValueError, match="bitrate_kbps is"):
        AlternateParams(bitrate_kbps=bitrate_kbps)
    assert AlternateParams(bitrate_kbps=0).bitrate_kbps == 0


# --- what it carries -------------------------------------------------------------------------------------------------


def dirty(*more: str) -> bytes:
    """A file as a careless command makes it."""
    source = ["-f", "lavfi", "-i", "anoisesrc=d=3:a=0.1:r=48000:seed=1"]
    command = [str(executable()), "-v", "error", *source, "-c:a", "libopus", "-b:a", "24k", *more, "-f", "opus", "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def test_nothing_is_in_it_but_sound(made: Encoded) -> None:
    """By our own reader, and by another's: no comment, no picture, no name of an encoder; looked for in the bytes too."""
    assert carried(made.data) == opus.ALLOWED == frozenset()
    theirs = mutagen.oggopus.OggOpus(io.BytesIO(made.data))
    assert not theirs.tags
    assert theirs.info.length == pytest.approx(made.duration_s, abs=0.001)
    for name in (b"Lavc", b"Lavf", b"libopus", b"encoder", b"ENCODER", b"ffmpeg"):
        assert name not in made.data


def test_what_a_careless_file_carries_is_named() -> None:
    """Title, encoder, a number that was drawn, another vendor: each is found."""
    found = carried(dirty("-metadata", "title=A name", "-metadata", "location=Here"))
    assert {"vendor", "comment TITLE", "comment LOCATION", "comment ENCODER", "another stream"} <= found
    assert "header" in carried(dirty("-ac", "2"))


def changed(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def test_each_place_where_something_could_be_hidden_is_looked_at(made: Encoded) -> None:
    """Between and after pages, in the padding of comments and of packets, in a second stream: with right checksums too."""
    data, pages = made.data, list(opus._pages(made.data))
    third = pages[2]
    start = third.end - len(third.data)

    def with_page(number: int, page: bytes) -> bytes:
        before = pages[number].end - len(pages[number].data)
        return data[:before] + opus._with_checksum(page) + data[pages[number].end :]

    tags = opus._TAGS + b"hidden"
    header = struct.pack("<4sBBqIIIB", b"OggS", 0, 0, 0, 0, 1, 0, 1)
    assert carried(with_page(1, header + bytes([len(tags)]) + tags)) == {"padding"}

    body = 27 + len(third.lacing)
    padded = changed(changed(third.data, body, bytes([third.data[body] | 3])), body + 1, b"\x41")
    assert carried(with_page(2, padded)) == {"padding"}

    later = pages[4].end - len(pages[4].data)
    assert carried(data[:start] + b"hidden" + data[start:]) == {"no sound"}
    assert carried(data[:later] + b"hidden" + data[later:]) == {"bytes after sound", "cut off"}
    assert carried(data + b"hidden") == {"bytes after sound"}
    assert carried(data + data) == {"bytes after sound"}
    assert carried(with_page(2, changed(third.data, 14, b"\x07"))) == {"another stream"}
    assert carried(with_page(2, changed(third.data, 18, b"\x09"))) == {"order"}
    assert carried(changed(data, third.end - 1, bytes([data[third.end - 1] ^ 1]))) == {"checksum"}
    assert carried(data[: pages[-1].end - len(pages[-1].data)]) == {"cut off"}
    assert carried(b"") == carried(b"ID3") == carried(bytes(4000)) == {"no sound"}


@given(st.integers(0, 40_000), st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_no_flipped_bit_goes_unseen(made_bytes: bytes, at: int, bit: int) -> None:
    """A checksum on every page, counted by us: whatever bit is other, the file is not clean."""
    at %= len(made_bytes)
    assert carried(changed(made_bytes, at, bytes([made_bytes[at] ^ 1 << bit])))


@pytest.fixture(scope="module")
def made_bytes(made: Encoded) -> bytes:
    return made.data


@pytest.mark.parametrize("data", [b"", b"OggS", b"ID3\3\0\0" + bytes(400), bytes(1000)])
def test_what_is_no_such_file_is_refused(data: bytes) -> None:
    """It does not say how long it is; nothing is started for it."""
    with pytest.raises(IntegrityFailure, match="does not say how long it is"):
        codec.decode(data)


def test_a_file_that_is_cut_off_is_refused(made: Encoded) -> None:
    """It says that it is longer than what is in it."""
    pages = list(opus._pages(made.data))
    last = pages[-1]
    missing = made.data[: pages[3].end] + made.data[last.end - len(last.data) :]
    with pytest.raises(EnvironmentFailure, match="samples too few"):
        codec.decode(missing).read()


# --- the proof -------------------------------------------------------------------------------------------------------


def test_agreement_tells_one_sound_from_another(spoken: Master, made: Encoded) -> None:
    """Near 1 for the two files of one programme; near 0 for another voice that says the same at the same time, or for a shift."""
    large = FfmpegCodec().decode(encode(spoken, EncodeParams(), LEVELS, codec=FfmpegCodec()).data)
    heard = codec.decode(made.data)
    assert agreement(large, heard) > 0.9
    assert agreement(heard, heard) == pytest.approx(1)

    other = mastered(signals.speechlike(12, MASTER_HZ, 4)).waveform
    assert abs(agreement(large, other)) < 0.2
    late = Waveform.of(np.concatenate([np.zeros(441), large.read()]), MASTER_HZ)
    assert agreement(large, late) < ProveParams().least_agreement
    silence = Waveform.of(np.zeros(1000), MASTER_HZ)
    assert (agreement(silence, silence), agreement(silence, large)) == (1, 0)


@dataclass(frozen=True)
class _Broken:
    name: str
    small: Small


RIGHT = Small(Loudness(Lufs(-19.01), Dbtp(-1.5), 5.0), 12.0, 12.0, frozenset(), 0.95)


@pytest.mark.parametrize(
    "broken",
    [
        _Broken("small-loudness", dataclasses.replace(RIGHT, loudness=Loudness(Lufs(-18.5), Dbtp(-1.5), 5.0))),
        _Broken("small-true-peak", dataclasses.replace(RIGHT, loudness=Loudness(Lufs(-19.01), Dbtp(-0.5), 5.0))),
        _Broken("small-metadata", dataclasses.replace(RIGHT, found=frozenset({"comment TITLE"}))),
        _Broken("small-duration", dataclasses.replace(RIGHT, duration_s=12.02)),
        _Broken("small-sound", dataclasses.replace(RIGHT, agreement=0.7)),
    ],
    ids=lambda broken: broken.name,
)
def test_each_promise_about_the_small_file_closes_the_gate(broken: _Broken) -> None:
    """Broken one by one; kept, none of them fails. The sentence says which file it is about."""
    assert all(check.passed for check in _small(RIGHT, LEVELS, ProveParams()))
    failed = [check for check in _small(broken.small, LEVELS, ProveParams()) if not check.passed]
    assert [check.name for check in failed] == [broken.name]
    assert failed[0].sentence.startswith("The small file: ")


def test_the_gate_can_be_made_stricter_and_not_laxer() -> None:
    """Two voices must never pass for one sound."""
    with pytest.raises(ValueError, match="least_agreement is from"):
        ProveParams(least_agreement=0.5)
    assert ProveParams(least_agreement=0.9).least_agreement == 0.9
