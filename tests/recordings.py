"""Recordings as phones and recorders make them, and as nobody should: made by the real ffmpeg and by hand, byte by byte."""

from __future__ import annotations

import functools
import struct
import subprocess
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stablecast.stages.ingest import IngestParams, mono
from stablecast.tools import ffmpeg
from stablecast.tools.containers import Container, check_whole, sniff

HEARD_HZ = 440.0  # the tone in every good recording
FOREIGN_HZ = 1000.0  # the tone in the file that a disguise points to
DURATION_S = 2.0

_TONE = ("-f", "lavfi", "-i", f"sine=frequency={HEARD_HZ}:sample_rate=48000:duration={DURATION_S}")
_PICTURE = ("-f", "lavfi", "-i", f"testsrc=size=64x48:rate=10:duration={DURATION_S}")
_COVER = ("-f", "lavfi", "-i", "color=red:size=16x16:rate=1:duration=1")
_FILM = (*_TONE, *_PICTURE, "-c:v", "mpeg4")

ACCEPTED: dict[str, tuple[Container, tuple[str, ...]]] = {
    "s16.wav": (Container.WAV, _TONE),
    "s24.wav": (Container.WAV, (*_TONE, "-c:a", "pcm_s24le", "-af", "pan=stereo|c0=c0|c1=c0")),
    "dictaphone.wav": (Container.WAV, (*_TONE, "-c:a", "adpcm_ima_wav")),
    "float.wav": (Container.WAV, (*_TONE, "-c:a", "pcm_f32le")),
    "rf64.wav": (Container.WAV, (*_TONE, "-rf64", "always")),
    "cbr.mp3": (Container.MP3, (*_TONE, "-b:a", "128k", "-metadata", "artist=Somebody")),
    "vbr.mp3": (Container.MP3, (*_TONE, "-q:a", "4", "-write_id3v1", "1")),
    "mpeg2.mp3": (Container.MP3, (*_TONE, "-ar", "22050", "-b:a", "48k")),
    "cover.mp3": (
        Container.MP3,
        (*_TONE, *_COVER, "-map", "0", "-map", "1", "-c:v", "mjpeg", "-disposition:v", "attached_pic"),
    ),
    "index-last.m4a": (Container.MOV, _TONE),
    "index-first.m4a": (Container.MOV, (*_TONE, "-movflags", "+faststart")),
    "fragments.mp4": (Container.MOV, (*_TONE, "-movflags", "+frag_keyframe+empty_moov")),
    "alac.m4a": (Container.MOV, (*_TONE, "-c:a", "alac")),
    "film.mp4": (Container.MOV, _FILM),
    "film.mov": (Container.MOV, (*_FILM, "-c:a", "pcm_s16be")),
    "plain.flac": (Container.FLAC, _TONE),
    "vorbis.ogg": (Container.OGG, (*_TONE, "-c:a", "libvorbis")),
    "voice.opus": (Container.OGG, (*_TONE, "-c:a", "libopus")),
    "film.mkv": (Container.MATROSKA, (*_FILM, "-c:a", "aac")),
    "live.webm": (Container.MATROSKA, (*_TONE, "-c:a", "libopus", "-live", "1")),
}

ONE_OF_EACH = ("s16.wav", "cbr.mp3", "index-last.m4a", "plain.flac", "voice.opus", "film.mkv")

_XML = '<?xml version="1.0"?>'
PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:3,\nfile://{target}\n#EXT-X-ENDLIST\n",
    "hls-network": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:3,\nhttp://127.0.0.1:{port}/x.ts\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile {name}\n",
    "ffconcat-absolute": "ffconcat version 1.0\nfile '{target}'\n",
    "dash": _XML
    + '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet><Representation id="1">'
    "<BaseURL>file://{target}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio {port} RTP/AVP 0\n",
    "asx": '<asx version="3.0"><entry><ref href="file://{target}"/></entry></asx>',
    "pls": "[playlist]\nFile1={target}\nNumberOfEntries=1\n",
    "xspf": _XML
    + '<playlist version="1"><trackList><track><location>file://{target}</location></track></trackList></playlist>',
    "smil": '<smil><body><audio src="file://{target}"/></body></smil>',
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{target}"/></svg>',
    "ass": "[Script Info]\nScriptType: v4.00+\n[Events]\nDialogue: 0,0:00:00.00,0:00:03.00,Default,,0,0,0,,hello\n",
    "entity": _XML + '<!DOCTYPE a [<!ENTITY x SYSTEM "file://{target}">]><a>&x;</a>',
}


def run(*arguments: str | Path) -> bytes:
    """What a plain ffmpeg, without any of our guards, writes to its output."""
    command = [ffmpeg.executable(), "-nostdin", "-v", "error", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


@functools.cache
def accepted(name: str, folder: Path) -> Path:
    """One of `ACCEPTED`, made in `folder`."""
    path = folder / name
    run(*ACCEPTED[name][1], path)
    return path


def wav(
    samples: bytes, *, tag: int = 1, channels: int = 1, rate_hz: int = 24_000, bits: int = 16, said: int | None = None
) -> bytes:
    """A WAV file by hand; its header may lie."""
    align = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * align & 0xFFFFFFFF, align, bits)
    data = struct.pack("<4sI", b"data", len(samples) if said is None else said) + samples
    body = b"WAVE" + struct.pack("<4sI", b"fmt ", len(form)) + form + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def wav_of(samples: NDArray[np.floating], rate_hz: int = 24_000) -> bytes:
    """A float WAV of samples shaped (n,) or (n, 2)."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    return wav(samples.astype("<f4").tobytes(), tag=3, channels=channels, rate_hz=rate_hz, bits=32)


def box(kind: bytes, *content: bytes) -> bytes:
    """An ISO base media box."""
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def id3(content: bytes) -> bytes:
    """An ID3v2.3 tag."""
    size = len(content)
    return b"ID3\x03\0\0" + bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0)) + content


def take(path: Path, params: IngestParams | None = None) -> NDArray[np.float32]:
    """The whole way in, as `add` goes it: open, sniff, check, decode, make mono."""
    params = params or IngestParams()
    limits = ffmpeg.Limits(max_duration_s=params.max_duration_s, stall_s=30)
    with ffmpeg.open_recording(path, max_bytes=params.max_bytes) as file:
        container = sniff(file)
        declared_s = check_whole(file, container)
        with closing(ffmpeg.decode(file, container, rate_hz=params.rate_hz, limits=limits)) as stereo:
            return np.concatenate(list(mono(stereo, params, declared_duration_s=declared_s)))


def level_at(samples: NDArray[np.floating], hz: float, rate_hz: int = 24_000) -> float:
    """The level of one frequency in dBFS (Goertzel's sum): a full-scale sine reads 0."""
    if not len(samples):
        return -200.0
    turns = np.exp(-2j * np.pi * hz / rate_hz * np.arange(len(samples)))
    return float(20 * np.log10(max(2 * abs(np.mean(samples * turns * np.hanning(len(samples)))) * 2, 1e-10)))
