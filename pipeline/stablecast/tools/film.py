"""A film by ffmpeg: still pictures, a layer of captions and one sound in, an MP4 with H.264 and AAC out.

What goes in goes through memory: anonymous files and a pipe. Only the finished film is a file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import ffmpeg

from stablecast.audiogram.frames import AudiogramParams, Frame
from stablecast.tools.codec import piped
from stablecast.tools.ffmpeg import executable

_SEI: Final = 6  # the H.264 unit in which x264 writes what it was told: nobody needs it
_RATE_HZ: Final = 48_000


@dataclass(frozen=True, slots=True)
class Film:
    """All that a film is made of."""

    frame: Frame
    ground: bytes = field(repr=False)  # RGB rows of the whole picture
    note: bytes | None = field(
        repr=False
    )  # RGBA rows of the whole picture, shown for `lead_s` before anything is heard
    lead_s: float
    sound: bytes = field(repr=False)  # an MP3
    start_s: float  # of the sound
    length_s: float
    wave: tuple[int, int, int]  # colour of the waveform
    layer_fps: int


def write(film: Film, layer: Iterable[bytes], target: int, params: AudiogramParams) -> None:
    """Write the film into an open, empty file. Equal input gives equal bytes.

    `layer` gives the captions' pictures, `film.layer_fps` a second, for the whole length; `target` is a descriptor. Raises
    EnvironmentFailure where ffmpeg does not do its part.
    """
    with contextlib.ExitStack() as stack:
        ground, sound = (stack.enter_context(_in_memory(data)) for data in (film.ground, film.sound))
        note = stack.enter_context(_in_memory(film.note)) if film.note is not None else None
        command = _command(film, params, target, ground, sound, note)
        files = (target, ground, sound, *(() if note is None else (note,)))
        for _ in piped(command, layer, files=files, check_first="the disk's space, and the installation"):
            pass  # it says nothing


def _command(film: Film, params: AudiogramParams, target: int, ground: int, sound: int, note: int | None) -> list[str]:
    frame, fps, whole_s = film.frame, params.fps, film.lead_s + film.length_s

    def still(descriptor: int, pixels: str) -> ffmpeg.nodes.FilterableStream:
        size = f"{frame.width}x{frame.height}"
        read = ffmpeg.input(
            f"/proc/self/fd/{descriptor}", format="rawvideo", pix_fmt=pixels, s=size, r=fps, protocol_whitelist="file"
        )
        return read.video.filter("loop", loop=-1, size=1, start=0)

    heard = ffmpeg.input(
        f"/proc/self/fd/{sound}", format="mp3", protocol_whitelist="file", ss=film.start_s, t=film.length_s
    ).audio.filter("aresample", _RATE_HZ)
    if film.lead_s:
        heard = heard.filter("adelay", delays=round(1000 * film.lead_s), all=1)
    heard = heard.filter("apad", whole_dur=whole_s)
    picture = still(ground, "rgb24")
    if frame.wave is not None:
        split = heard.filter_multi_output("asplit", 2)
        heard = split.stream(0)
        colour = "0x{:02x}{:02x}{:02x}".format(*film.wave)
        wave = split.stream(1).filter(
            "showwaves",
            s=f"{frame.wave.width}x{frame.wave.height}",
            mode="cline",
            r=fps,
            colors=colour,
            scale="sqrt",
            draw="full",
        )
        picture = picture.overlay(wave, x=frame.wave.x, y=frame.wave.y, eof_action="pass")
    box = frame.captions
    captions = ffmpeg.input(
        "pipe:0", format="rawvideo", pix_fmt="rgba", s=f"{box.width}x{box.height}", r=film.layer_fps
    ).video.filter("fps", fps)
    picture = picture.overlay(captions, x=box.x, y=box.y, eof_action="repeat")
    if note is not None:
        picture = picture.overlay(still(note, "rgba"), enable=f"lt(t,{film.lead_s:g})")
    made = ffmpeg.output(
        picture,
        heard,
        f"/proc/self/fd/{target}",
        format="mp4",
        t=whole_s,
        r=fps,
        vcodec="libx264",
        preset="veryfast",
        crf=params.quality,
        pix_fmt="yuv420p",
        g=fps * 4,
        acodec="aac",
        ac=1,
        ar=_RATE_HZ,
        audio_bitrate=f"{params.audio_kbps}k",
        movflags="+faststart",
        map_metadata=-1,
        fflags="+bitexact",
        **{"flags:v": "+bitexact", "flags:a": "+bitexact", "bsf:v": f"filter_units=remove_types={_SEI}"},
    )
    first = [str(executable()), "-hide_banner", "-loglevel", "error", "-nostats"]
    command: list[str] = made.compile(cmd=first, overwrite_output=True)  # it is there, and empty
    return command


@contextlib.contextmanager
def _in_memory(data: bytes) -> Iterator[int]:
    """A file without a name that holds `data`, by its descriptor."""
    descriptor = os.memfd_create("stablecast", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(data)
        yield descriptor
    finally:
        os.close(descriptor)
