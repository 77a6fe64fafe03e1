"""Sealed files: what goes in comes out, whatever was done to a file shows, and nothing of it can be read."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stablecast import codecs
from stablecast.errors import InputRefused, IntegrityFailure
from stablecast.model import Block, Chapter, Details
from stablecast.store import seal
from stablecast.store.seal import EpisodeKeys, Nothing

KEYS, OTHER = EpisodeKeys.fresh(), EpisodeKeys.fresh()
RATE_HZ = 48_000
LENGTHS = (0, 1, 2, 16_000, 32_767, 32_768, 65_535, 65_536, 65_537, 200_003)  # around age's chunks and our blocks
NOTE = Details("A title that must not be seen", chapters=(Chapter(1.5, "Ünïcode"),))
MARKER = b"A title that must not be seen"


def audio(length: int, seed: int = 0) -> Block:
    """Samples that 16 bits hold exactly, so that a round trip is an equation."""
    whole = np.random.default_rng(seed).integers(-32_767, 32_768, length)
    return (whole / 32_767).astype(np.float32)


def pieces(samples: Block, sizes: list[int]) -> Iterator[Block]:
    start = 0
    while start < len(samples):
        size = sizes[start % len(sizes)]
        yield samples[start : start + size]
        start += size


@pytest.fixture
def threads_end() -> Iterator[None]:
    """Whatever a reading started has ended when the test does."""
    before = threading.active_count()
    yield
    assert threading.active_count() == before


pytestmark = pytest.mark.usefixtures("threads_end")


# --- what goes in comes out -------------------------------------------------------------------------------------------


def test_a_value_comes_back(tmp_path: Path) -> None:
    """A sealed value is the value."""
    seal.write_value(tmp_path / "a", "details", NOTE, KEYS)

    assert seal.read_value(tmp_path / "a", "details", Details, KEYS) == NOTE


@settings(max_examples=30)
@given(data=st.binary(max_size=300) | st.integers(65_300, 65_700).map(bytes))
def test_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Any bytes, also with line ends in them, also at the edge of a chunk."""
    path = tmp_path_factory.mktemp("seal") / "a"
    seal.write_data(path, "tag", NOTE, data, KEYS)

    assert seal.read_data(path, "tag", Details, KEYS) == (NOTE, data)
    assert seal.read_value(path, "tag", Details, KEYS) == NOTE


@settings(max_examples=30)
@given(
    length=st.sampled_from(LENGTHS) | st.integers(0, 70_000),
    sizes=st.lists(st.integers(1, 40_000), min_size=1, max_size=5),
)
def test_audio_comes_back_and_its_length_is_known(
    tmp_path_factory: pytest.TempPathFactory, length: int, sizes: list[int]
) -> None:
    """Blocks of any sizes give the same samples; their number is known before anything is read, and again each time."""
    path, samples = tmp_path_factory.mktemp("seal") / "a", audio(length)
    seal.write_audio(path, "source/1", NOTE, RATE_HZ, pieces(samples, sizes), KEYS)
    value, waveform = seal.read_audio(path, "source/1", Details, KEYS)
    blocks = list(waveform.blocks())

    assert (value, waveform.rate_hz, waveform.length) == (NOTE, RATE_HZ, length)
    assert all(len(block) >= 1 and not block.flags.writeable for block in blocks)
    np.testing.assert_array_equal(waveform.read(), samples)
    np.testing.assert_array_equal(waveform.read(), samples)


@pytest.mark.parametrize("size", [65_400, 65_500, 65_536, 200_000])
def test_what_is_said_of_audio_may_be_longer_than_a_chunk(tmp_path: Path, size: int) -> None:
    """The samples begin where the value ends, in whichever chunk that is."""
    note, samples = Details("x" * size), audio(100_000)
    seal.write_audio(tmp_path / "a", "r", note, RATE_HZ, [samples], KEYS)
    value, waveform = seal.read_audio(tmp_path / "a", "r", Details, KEYS)

    assert (value, waveform.length) == (note, len(samples))
    np.testing.assert_array_equal(waveform.read(), samples)


def test_samples_beyond_full_scale_are_held_at_it(tmp_path: Path) -> None:
    """An overload must not wrap around into a click."""
    seal.write_audio(tmp_path / "a", "r", Nothing(), RATE_HZ, [np.array([1.5, -1.5, 1, -1], np.float32)], KEYS)

    assert seal.read_audio(tmp_path / "a", "r", Nothing, KEYS)[1].read().tolist() == [1, -1, 1, -1]


def test_sixteen_bits_are_rounded_not_cut(tmp_path: Path) -> None:
    """The error is half a step at most: nothing is biased towards zero."""
    samples = np.linspace(-1, 1, 10_007, dtype=np.float32)
    seal.write_audio(tmp_path / "a", "r", Nothing(), RATE_HZ, [samples], KEYS)
    back = seal.read_audio(tmp_path / "a", "r", Nothing, KEYS)[1].read()

    assert np.abs(back - samples).max() <= 0.5 / 32_767 + 1e-7


def test_the_length_of_what_is_inside_is_known_by_the_length_of_the_file(tmp_path: Path) -> None:
    """For every length around the edges of age's chunks."""
    inside = len(b"stablecast 1 tag\n" + b"{}\n")
    for size in (*range(65_536 - inside - 2, 65_536 - inside + 3), *range(131_072 - inside - 2, 131_072 - inside + 3)):
        seal.write_data(tmp_path / "a", "tag", Nothing(), bytes(size), KEYS)
        assert seal.plaintext_length(tmp_path / "a") == inside + size


def test_hours_of_audio_take_the_memory_of_minutes(tmp_path: Path) -> None:
    """Ten times the audio is sealed and read in the same memory."""

    def needed(count: int) -> int:
        block = audio(65_536)
        tracemalloc.start()
        seal.write_audio(tmp_path / "a", "r", Nothing(), RATE_HZ, (block for _ in range(count)), KEYS)
        for _ in seal.read_audio(tmp_path / "a", "r", Nothing, KEYS)[1].blocks():
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    needed(1)
    assert needed(60) < 1.5 * needed(6)


def test_any_age_tool_opens_it(tmp_path: Path) -> None:
    """The format is age and nothing else, so that a recording can be rescued without us."""
    seal.write_data(tmp_path / "a", "tag", Nothing(), b"data", KEYS)
    identity = pyrage.x25519.Identity.from_str(KEYS.identity)

    assert pyrage.decrypt((tmp_path / "a").read_bytes(), [identity]) == b"stablecast 1 tag\n{}\ndata"


def test_a_value_sealed_for_the_database_opens_as_a_file_would(tmp_path: Path) -> None:
    """One form, wherever it lies."""
    (tmp_path / "a").write_bytes(seal.sealed_value("consent/1", NOTE, KEYS))

    assert seal.read_value(tmp_path / "a", "consent/1", Details, KEYS) == NOTE


# --- what was done to a file shows ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed file of each kind, and how to open it."""

    path: Path
    kind: str

    def open(self, keys: EpisodeKeys = KEYS, role: str = "here") -> object:
        if self.kind == "value":
            return seal.read_value(self.path, role, Details, keys)
        if self.kind == "data":
            return seal.read_data(self.path, role, Details, keys)
        return seal.read_audio(self.path, role, Details, keys)[1].read()


@pytest.fixture(params=["value", "data", "audio"])
def sealed(request: pytest.FixtureRequest, tmp_path: Path) -> Sealed:
    made = Sealed(tmp_path / "a", request.param)
    if made.kind == "value":
        seal.write_value(made.path, "here", NOTE, KEYS)
    elif made.kind == "data":
        seal.write_data(made.path, "here", NOTE, bytes(70_000), KEYS)
    else:
        seal.write_audio(made.path, "here", NOTE, RATE_HZ, [audio(70_000)], KEYS)
    made.open()
    return made


def places(data: bytes) -> dict[str, int]:
    """One byte of every part of an age file: where it is."""
    lines = data.split(b"\n")
    version, stanza, body, mac = (sum(len(line) + 1 for line in lines[:n]) for n in range(4))
    payload = data.index(b"\n", data.index(b"\n---") + 1) + 1
    return {
        "version": version + 3,
        "recipient": stanza + 20,
        "wrapped key": body + 5,
        "header mac": mac + 10,
        "nonce": payload + 3,
        "first chunk": payload + 20,
        "its tag": min(payload + 16 + 65_536 + 5, len(data) - 20),
        "last chunk": len(data) - 17,
        "last tag": len(data) - 1,
    }


def test_a_flipped_bit_anywhere_shows(sealed: Sealed) -> None:
    """Header, key, nonce, every chunk and every tag are authenticated."""
    data = sealed.path.read_bytes()
    for name, place in places(data).items():
        for bit in (0, 7):
            broken = bytearray(data)
            broken[place] ^= 1 << bit
            sealed.path.write_bytes(bytes(broken))
            with pytest.raises(IntegrityFailure):
                pytest.fail(f"opened with a flipped bit in the {name}: {sealed.open()!r:.50}")


def test_a_cut_off_file_shows(sealed: Sealed) -> None:
    """Cut anywhere, also exactly between two chunks, where every tag that is left is right."""
    data = sealed.path.read_bytes()
    payload = data.index(b"\n", data.index(b"\n---") + 1) + 1
    ends = {0, 1, payload - 1, payload, payload + 16, payload + 17, len(data) - 17, len(data) - 16, len(data) - 1}
    if sealed.kind != "value":
        ends.add(payload + 16 + 65_536 + 16)
    for end in ends:
        sealed.path.write_bytes(data[:end])
        with pytest.raises(IntegrityFailure):
            pytest.fail(f"opened when cut at {end} of {len(data)}: {sealed.open()!r:.50}")


@pytest.mark.parametrize("more", [b"\0", b"\n", bytes(16), bytes(65_552)])
def test_an_appended_file_shows(sealed: Sealed, more: bytes) -> None:
    """Nothing can be hung on behind the last chunk."""
    sealed.path.write_bytes(sealed.path.read_bytes() + more)
    with pytest.raises(IntegrityFailure):
        sealed.open()


def test_swapped_chunks_show(tmp_path: Path) -> None:
    """Chunks know their number."""
    path = tmp_path / "a"
    seal.write_data(path, "here", NOTE, bytes(65_536 * 3), KEYS)
    data = path.read_bytes()
    start = data.index(b"\n", data.index(b"\n---") + 1) + 1 + 16
    one, two = data[start : start + 65_552], data[start + 65_552 : start + 2 * 65_552]
    path.write_bytes(data[:start] + two + one + data[start + 2 * 65_552 :])
    with pytest.raises(IntegrityFailure):
        seal.read_data(path, "here", Details, KEYS)


def test_another_key_does_not_open_it(sealed: Sealed) -> None:
    """One key an episode: destroying it destroys the episode."""
    with pytest.raises(IntegrityFailure):
        sealed.open(OTHER)


@pytest.mark.parametrize("role", ["hare", "there", "her", "here/2", "", "here\n"])
def test_a_file_from_another_place_is_refused(sealed: Sealed, role: str) -> None:
    """A sealed file that was moved, renamed or put in another's place is not taken for it, though the key is right."""
    with pytest.raises(IntegrityFailure):
        sealed.open(role=role)


def test_a_missing_file_is_told_in_a_sentence(sealed: Sealed) -> None:
    """No path in it: it may hold more than it should."""
    sealed.path.unlink()
    with pytest.raises(IntegrityFailure) as caught:
        sealed.open()
    assert str(sealed.path) not in str(caught.value)


def test_a_value_of_another_kind_is_refused(sealed: Sealed) -> None:
    """What an older version wrote is told about, not bent to fit."""
    readers = {"value": seal.read_value, "data": seal.read_data, "audio": seal.read_audio}
    with pytest.raises(IntegrityFailure, match="another version"):
        readers[sealed.kind](sealed.path, "here", Nothing, KEYS)


def test_a_file_cut_off_after_it_was_opened_shows_at_the_end_of_the_reading(tmp_path: Path) -> None:
    """The first blocks of a damaged recording are real; the reading still ends in a refusal, not in silence."""
    path = tmp_path / "a"
    seal.write_audio(path, "here", NOTE, RATE_HZ, [audio(200_000)], KEYS)
    _, waveform = seal.read_audio(path, "here", Details, KEYS)
    path.write_bytes(path.read_bytes()[:-70_000])
    with pytest.raises(IntegrityFailure):
        waveform.read()


# --- what fails while it is written -----------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [InputRefused("too long"), ValueError("a bug"), KeyboardInterrupt(), SystemExit(3)])
def test_what_the_blocks_raise_is_raised_and_nothing_is_left(tmp_path: Path, failure: BaseException) -> None:
    """A recording refused half-way through is refused in its own words, and no part of it stays on the disk."""

    def blocks() -> Iterator[Block]:
        yield audio(200_000)
        raise failure

    with pytest.raises(type(failure)) as caught:
        seal.write_audio(tmp_path / "a", "r", Nothing(), RATE_HZ, blocks(), KEYS)

    assert caught.value is failure
    assert list(tmp_path.iterdir()) == []


def test_a_failed_writing_leaves_the_old_file(tmp_path: Path) -> None:
    """The new one takes its place when it is whole."""
    seal.write_audio(tmp_path / "a", "r", Nothing(), RATE_HZ, [audio(10)], KEYS)
    old = (tmp_path / "a").read_bytes()

    def blocks() -> Iterator[Block]:
        yield audio(100_000)
        raise InputRefused("no")

    with pytest.raises(InputRefused):
        seal.write_audio(tmp_path / "a", "r", Nothing(), RATE_HZ, blocks(), KEYS)
    assert (tmp_path / "a").read_bytes() == old


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    """Through age and back: the first cause is what is told."""
    script = f"""
import resource, signal, sys
from pathlib import Path
from stablecast.errors import EnvironmentFailure
from stablecast.store import seal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    seal.write_data(Path({str(tmp_path / "a")!r}), "r", seal.Nothing(), bytes(300_000), seal.EpisodeKeys.fresh())
except EnvironmentFailure as full:
    sys.exit(full.exit_code)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 7
    assert list(tmp_path.iterdir()) == []


# --- what the disk gives away -----------------------------------------------------------------------------------------


def test_equal_contents_give_different_files(tmp_path: Path) -> None:
    """Nobody without the key can tell that two sealed files hold the same."""
    first = seal.write_value(tmp_path / "a", "r", NOTE, KEYS)
    second = seal.write_value(tmp_path / "b", "r", NOTE, KEYS)

    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()
    assert first.sealed != second.sealed
    assert first.digest == second.digest


def test_digests_are_of_the_content_and_of_the_key(tmp_path: Path) -> None:
    """Equal content has one digest under one key; under another key, or in another place, it has another."""
    first = seal.write_data(tmp_path / "a", "r", NOTE, b"x", KEYS).digest
    under_another = seal.write_data(tmp_path / "a", "r", NOTE, b"x", OTHER).digest
    elsewhere = seal.write_data(tmp_path / "a", "s", NOTE, b"x", KEYS).digest
    other = seal.write_data(tmp_path / "a", "r", NOTE, b"y", KEYS).digest

    assert len({first, under_another, elsewhere, other}) == 4
    assert first == KEYS.digest(b"stablecast 1 r\n" + codecs.canonical(NOTE) + b"\nx")
    assert first != hashlib.sha256(b"stablecast 1 r\n" + codecs.canonical(NOTE) + b"\nx").hexdigest()


def test_the_digest_does_not_depend_on_the_blocks(tmp_path: Path) -> None:
    """Audio that is made in other blocks is the same audio: it must not run everything below it again."""
    samples = audio(100_000)
    whole = seal.write_audio(tmp_path / "a", "r", Nothing(), RATE_HZ, [samples], KEYS)
    split = seal.write_audio(tmp_path / "b", "r", Nothing(), RATE_HZ, pieces(samples, [777]), KEYS)

    assert whole.digest == split.digest


def test_the_sealed_digest_is_that_of_the_file(tmp_path: Path) -> None:
    """What a receipt remembers can be checked without a key."""
    stored = seal.write_data(tmp_path / "a", "r", NOTE, bytes(200_000), KEYS)

    assert (
        stored.sealed == seal.fingerprint(tmp_path / "a") == hashlib.sha256((tmp_path / "a").read_bytes()).hexdigest()
    )


def test_nothing_of_the_content_is_in_the_file(sealed: Sealed) -> None:
    """Neither the words, nor the place, nor the samples; and the file is private."""
    data = sealed.path.read_bytes()
    inside = audio(70_000) * 32_767

    assert MARKER not in data
    assert b"here" not in data
    assert np.rint(inside).astype("<i2").tobytes()[:32] not in data
    assert bytes(64) not in data
    assert sealed.path.stat().st_mode & 0o777 == 0o600


def test_keys_never_show_themselves() -> None:
    """A key in a traceback or a log would be a key for everybody."""
    assert KEYS.identity not in repr(KEYS)
    assert repr(KEYS.mac) not in repr(KEYS)
    assert EpisodeKeys.fresh() != EpisodeKeys.fresh()


# --- readings that are given up ---------------------------------------------------------------------------------------


def test_a_reading_that_is_given_up_leaves_no_thread_and_no_file_open(tmp_path: Path) -> None:
    """Listening to the first second of an hour must not keep the hour open; neither must a refusal."""
    path = tmp_path / "a"
    seal.write_audio(path, "r", Nothing(), RATE_HZ, (audio(65_536) for _ in range(40)), KEYS)
    _, waveform = seal.read_audio(path, "r", Nothing, KEYS)
    open_before, threads_before = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for _ in range(5):
        blocks = waveform.blocks()
        next(blocks)
        del blocks
    with pytest.raises(IntegrityFailure):
        seal.read_audio(path, "s", Nothing, KEYS)

    assert threading.active_count() == threads_before
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_two_readings_of_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    """`blocks()` starts anew each time, also while another reading is under way."""
    samples = audio(150_000)
    seal.write_audio(tmp_path / "a", "r", Nothing(), RATE_HZ, [samples], KEYS)
    _, waveform = seal.read_audio(tmp_path / "a", "r", Nothing, KEYS)
    one, two = waveform.blocks(), waveform.blocks()
    mixed: tuple[list[Block], list[Block]] = ([next(one)], [next(two)])
    mixed[1].extend(two)
    mixed[0].extend(one)

    for blocks in mixed:
        np.testing.assert_array_equal(np.concatenate(blocks), samples)
