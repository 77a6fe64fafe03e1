"""Films: what is seen and heard in them, decoded again by the real ffmpeg."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import mutagen.mp4
import numpy as np
import pytest
from numpy.typing import NDArray

from stablecast.audiogram import drawing
from stablecast.audiogram.frames import AudiogramParams, Frame, frame
from stablecast.captions.profiles import Shape, profile
from stablecast.errors import EnvironmentFailure, UsageRefused
from stablecast.model import Alias, Cue, Waveform
from stablecast.site import artwork
from stablecast.tools import ffmpeg, film, fonts
from stablecast.tools.codec import FfmpegCodec

SHAPES = (Shape.LANDSCAPE, Shape.SQUARE, Shape.VERTICAL)
SIZES = {Shape.LANDSCAPE: (1920, 1080), Shape.SQUARE: (1080, 1080), Shape.VERTICAL: (1080, 1920)}
CUES = (
    Cue(500, 2000, Alias("Robin"), "Somebody listened to the end."),
    Cue(2000, 3500, Alias("Kit"), "And then it [removed] changed."),
)
COVER = artwork.cover("Small steps")
FONT = next(fonts.fonts(None))
FAST = AudiogramParams(fps=10, quality=30)


def sound(seconds: float = 4.0, quiet_until_s: float = 0.0) -> bytes:
    """An MP3 of our own encoder: a tone, after some silence."""
    rate_hz = 44_100
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = np.where(time_s < quiet_until_s, 0.0, 0.3 * np.sin(2 * np.pi * 440 * time_s))
    return FfmpegCodec().encode(Waveform.of(tone, rate_hz), bitrate_kbps=96, rate_hz=rate_hz)


def made(
    path: Path,
    shape: Shape,
    *,
    start_s: float = 0.0,
    length_s: float = 4.0,
    lead_s: float = 0.0,
    mp3: bytes | None = None,
) -> Frame:
    """A short film at `path`."""
    placed, used = frame(shape), drawing.colours(COVER)
    cards = tuple(drawing.cards(CUES, profile(shape), placed, used.accent, FONT))
    note = drawing.note_card(placed, COVER, "Content note", "Being afraid.", "", FONT) if lead_s else None
    whole = film.Film(
        placed, drawing.ground(placed, COVER, "What helped", "Small steps", FONT), note, lead_s, mp3 or sound(), start_s,
        length_s, used.accent, 2,
    )  # fmt: skip
    layer = drawing.layer(cards, start_s=start_s, length_s=length_s, lead_s=lead_s, fps=2)
    with path.open("xb") as file:
        film.write(whole, layer, file.fileno(), FAST)
    return placed


def picture(path: Path, at_s: float, placed: Frame) -> NDArray[np.uint8]:
    """What is seen at a time, as RGB of shape (height, width, 3)."""
    raw = subprocess.run(
        [ffmpeg.executable(), "-v", "error", "-ss", str(at_s), "-i", path, "-frames:v", "1", "-f", "rawvideo",
         "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    return np.frombuffer(raw, np.uint8).reshape(placed.height, placed.width, 3)


def heard(path: Path) -> NDArray[np.float32]:
    """The sound of a film at 8 kHz."""
    raw = subprocess.run(
        [ffmpeg.executable(), "-v", "error", "-i", path, "-f", "f32le", "-ac", "1", "-ar", "8000", "-"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    return np.frombuffer(raw, np.float32)


def captions(seen: NDArray[np.uint8], placed: Frame) -> NDArray[np.uint8]:
    box = placed.captions
    return seen[box.y : box.y + box.height, box.x : box.x + box.width]


@pytest.mark.parametrize("shape", SHAPES)
def test_each_caption_is_seen_when_it_is_said(tmp_path: Path, shape: Shape) -> None:
    """In every shape: nothing before the first cue, other words for the other cue, nothing after the last."""
    path = tmp_path / "film.mp4"
    placed = made(path, shape)
    assert (placed.width, placed.height) == SIZES[shape]
    before, one, other, after = (captions(picture(path, at, placed), placed) for at in (0.2, 1.2, 2.8, 3.8))
    white = [int((seen.min(axis=2) > 200).sum()) for seen in (before, one, other, after)]
    assert white[0] == white[3] == 0
    assert min(white[1:3]) > 500  # a line of letters has thousands of light pixels; noise of the coding has none
    assert np.abs(one.astype(int) - other).max() > 100


def test_the_waveform_is_that_of_the_sound(tmp_path: Path) -> None:
    """The strip of the waveform is flat while nothing is heard, and high once there is a tone."""
    path = tmp_path / "film.mp4"
    placed = made(path, Shape.SQUARE, mp3=sound(quiet_until_s=2.0))
    assert placed.wave is not None
    rows = slice(placed.wave.y, placed.wave.y + placed.wave.height)
    columns = slice(placed.wave.x, placed.wave.x + placed.wave.width)
    ground = np.array(drawing.colours(COVER).ground)
    quiet, loud = (
        int((np.abs(picture(path, at, placed)[rows, columns].astype(int) - ground).sum(axis=2) > 90).sum())
        for at in (1.5, 3.5)
    )
    assert loud > 5 * max(quiet, placed.wave.width)


def test_the_note_comes_first_and_the_sound_waits_for_it(tmp_path: Path) -> None:
    """While the content note is shown nothing is heard; the captions wait with the sound."""
    path = tmp_path / "film.mp4"
    placed = made(path, Shape.SQUARE, lead_s=3.0)
    sounding = heard(path)
    assert len(sounding) == pytest.approx(7.0 * 8000, abs=0.1 * 8000)
    assert np.abs(sounding[: round(2.9 * 8000)]).max() < 0.001
    assert np.abs(sounding[round(3.2 * 8000) : round(6.5 * 8000)]).max() > 0.2
    note, first = picture(path, 1.0, placed), picture(path, 4.2, placed)
    assert (note.min(axis=2) > 200).sum() > 1000
    assert np.abs(note.astype(int) - first).mean() > 3
    assert (captions(first, placed).min(axis=2) > 200).sum() > 500


def test_a_clip_has_the_words_of_its_stretch(tmp_path: Path) -> None:
    """A clip from 2 s on begins with the second cue, and lasts as long as was asked for."""
    path, whole = tmp_path / "clip.mp4", tmp_path / "film.mp4"
    placed = made(path, Shape.SQUARE, start_s=2.0, length_s=2.0)
    made(whole, Shape.SQUARE)
    assert len(heard(path)) == pytest.approx(2.0 * 8000, abs=0.1 * 8000)
    clip, same, other = picture(path, 0.8, placed), picture(whole, 2.8, placed), picture(whole, 1.2, placed)
    difference = [np.abs(captions(clip, placed).astype(int) - captions(seen, placed)).mean() for seen in (same, other)]
    assert difference[0] < 0.2 * difference[1]


def test_a_film_says_nothing_of_itself(tmp_path: Path) -> None:
    """No tag, no date, no version of a program and none of its settings; equal input gives equal bytes.

    The name of the coder, `Lavc libx264`, is where every MP4 has one.
    """
    one, other = tmp_path / "one.mp4", tmp_path / "other.mp4"
    made(one, Shape.SQUARE)
    made(other, Shape.SQUARE)
    data = one.read_bytes()
    assert data == other.read_bytes()
    assert not mutagen.mp4.MP4(one).tags
    for trace in (b"x264 - core", b"Lavf", b"rc=", b"cabac=", bytes(str(tmp_path), "utf-8")):
        assert trace not in data
    assert data.index(b"moov") < data.index(b"mdat")  # a film on the web starts before it is all there


def test_a_long_line_is_set_smaller_and_not_cut() -> None:
    """Nothing of a caption reaches the edge of its card, even of the widest letters."""
    placed = frame(Shape.LANDSCAPE)
    wide = Cue(0, 5000, Alias("Robin"), " ".join(["WWWWWWWW"] * 8))
    card = tuple(drawing.cards((wide,), profile(Shape.LANDSCAPE), placed, (255, 255, 255), FONT))[1]
    seen = np.frombuffer(card.pixels, np.uint8).reshape(placed.captions.height, placed.captions.width, 4)
    assert seen[..., 3].any()
    assert not seen[:, -2:, 3].any()
    assert not seen[-2:, :, 3].any()


@pytest.mark.parametrize("title", ["Small steps", "Über uns", "Not alone", "Z"])
def test_the_colours_of_a_cover_can_be_read(title: str) -> None:
    """White and accent on the ground have a contrast of 7 or more (WCAG 2.2, 1.4.6)."""
    used = drawing.colours(artwork.cover(title))
    assert drawing.contrast((255, 255, 255), used.ground) >= 7
    assert drawing.contrast(used.accent, used.ground) >= 7


def test_contrast_is_that_of_the_standard() -> None:
    """Black on white is 21; #767676 on white is the grey that just passes AA."""
    assert drawing.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert drawing.contrast((0x76, 0x76, 0x76), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


def test_a_font_without_the_letters_is_not_taken() -> None:
    """The font that ships has English and no Amharic; bytes that are no font have nothing."""
    assert drawing.has_letters(FONT, drawing.letters(("What helped, and why?",)))
    assert not drawing.has_letters(FONT, drawing.letters(("ሰላም",)))
    assert not drawing.has_letters(b"no font", frozenset("a"))


def test_the_show_may_bring_its_own_font(tmp_path: Path) -> None:
    """A named font is the only one tried; one that is none is refused in a sentence that names the setting."""
    own = tmp_path / "own.ttf"
    own.write_bytes(FONT)
    assert tuple(fonts.fonts(own)) == (FONT,)
    own.write_bytes(b"no font")
    with pytest.raises(UsageRefused, match=r"audiogram\.font"):
        tuple(fonts.fonts(own))


def test_a_broken_sound_makes_no_film(tmp_path: Path) -> None:
    """What ffmpeg cannot read ends in one sentence."""
    with pytest.raises(EnvironmentFailure, match="ffmpeg stopped"):
        made(tmp_path / "film.mp4", Shape.SQUARE, mp3=b"no sound at all" * 100)


@pytest.mark.parametrize(
    "wrong", [{"fps": 5}, {"quality": 60}, {"audio_kbps": 8}, {"note_s": 0.5}, {"font": "../x.ttf"}], ids=str
)
def test_settings_that_make_no_film_are_refused(wrong: dict[str, object]) -> None:
    """Each limit says its name."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        dataclasses.replace(AudiogramParams(), **wrong)  # type: ignore[arg-type]


def test_there_is_no_film_in_the_shape_of_a_file() -> None:
    """SRT is a shape of captions, not of pictures."""
    with pytest.raises(ValueError, match="srt"):
        frame(Shape.SRT)
