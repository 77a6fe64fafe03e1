"""The stages after the voice on an episode of any length, from a sealed voice to a measured file, by memory: no recogniser,
so that four hours are a matter of minutes.

python benchmarks/long.py HOURS     one length in this process: what it holds at most
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import OURS, Row, Scale, spent

PEAK_MB, LENGTHS_H = 1500.0, (1 / 6, 4.0)
RATE_HZ = 24_000


def rows(scale: Scale) -> Iterator[Row]:
    short, long = (spent([OURS / "python", __file__, str(hours * min(1.0, scale.factor))]) for hours in LENGTHS_H)
    yield Row(
        "memory after the voice",
        long.peak_mb,
        short.peak_mb,
        long.peak_mb / short.peak_mb,
        f"≤ {PEAK_MB:,.0f} MB",
        long.peak_mb <= PEAK_MB if scale.whole else None,
        "MB",
        "assemble, master, peaks, encode, tag, decode and measure, all processes together",
        "of it with a 24th of the length",
        f"the finished file: {LENGTHS_H[1] * min(1.0, scale.factor) * 43.2:,.0f} MB",
        f"{LENGTHS_H[1] * min(1.0, scale.factor):.2g} h",
    )


def one(hours: float) -> None:
    """Every stage as the runner does it: from a sealed file, into a sealed file."""
    import stablecast  # noqa: F401  # isort: skip  # before numpy: it keeps numpy's matrices to one thread

    import numpy as np

    from stablecast.loudness.meter import measure
    from stablecast.model import (
        Alias,
        AnonymisedAudio,
        Captions,
        Details,
        Encoded,
        Master,
        Method,
        ShowInfo,
    )
    from stablecast.runner import EncodedNotes, MasterNotes
    from stablecast.stages import assemble, encode, master, peaks, tag
    from stablecast.store import seal
    from stablecast.tools import tags
    from stablecast.tools.codec import FfmpegCodec

    keys, dice = seal.EpisodeKeys.fresh(), np.random.default_rng(3)
    minute = dice.standard_normal(60 * RATE_HZ) * 0.02 * (1 + np.sin(np.arange(60 * RATE_HZ) / RATE_HZ)) ** 2
    minute = minute.astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        voice, mastered, encoded = (Path(folder, name) for name in ("voice.age", "master.age", "encode.age"))
        blocks = (minute for _ in range(round(hours * 60)))
        seal.write_audio(voice, "voice", seal.Nothing(), RATE_HZ, blocks, keys)
        said = AnonymisedAudio(
            Alias("A"), seal.read_audio(voice, "voice", seal.Nothing, keys)[1], (), Method.RESYNTHESIS
        )
        made = master.master(assemble.assemble((said,), assemble.AssembleParams()), master.MasterParams())
        notes = MasterNotes(made.timeline, made.gain_db, made.before)
        seal.write_audio(mastered, "master", notes, made.waveform.rate_hz, made.waveform.blocks(), keys)
        told("master")
        notes, waveform = seal.read_audio(mastered, "master", MasterNotes, keys)
        levelled = Master(waveform, notes.timeline, notes.gain_db, notes.before)
        peaks.peaks(levelled)
        told("peaks")
        file = encode.encode(levelled, encode.EncodeParams(), master.MasterParams(), codec=FfmpegCodec())
        kept = EncodedNotes(file.media_type, file.duration_s, file.loudness, file.passes)
        seal.write_data(encoded, "encode", kept, file.data, keys)
        del file
        told("encode")
        kept, data = seal.read_data(encoded, "encode", EncodedNotes, keys)
        whole = Encoded(data, kept.media_type, kept.duration_s, kept.loudness, kept.passes)
        done = tag.tag(whole, Details("A talk"), Captions("en", (), ()), ShowInfo(), tagger=tags.Id3Tagger())
        told("tag")
        tags.frames(done.data)
        measure(FfmpegCodec().decode(done.data))
        told("measure")


def told(stage: str) -> None:
    """The most that this process held so far."""
    print(f"{stage}: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:,.0f} MB", flush=True)


if __name__ == "__main__":
    one(float(sys.argv[1]))
