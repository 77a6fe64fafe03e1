"""Level and encode against `ffmpeg-normalize`, at the same target, from a WAV file to an MP3 file.

python benchmarks/level.py WAV MP3     our side alone, as it is measured: decoding, `master`, `encode`
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from harness import BUILD, OURS, PEERS, Row, Scale, Spent, ffmpeg, in_turn, spent

TARGET, WHOLE_S = 3.0, 600.0


def rows(scale: Scale) -> Iterator[Row]:
    from sound import speech

    seconds, tool = scale.seconds(WHOLE_S, 60), ffmpeg()
    source, made = speech(seconds), BUILD / "made"
    made.mkdir(exist_ok=True)
    target = ("-t", "-16", "-tp", "-1", "--dual-mono", "-c:a", "libmp3lame", "-b:a", "96k", "-f")
    mp3 = ("-c:a", "libmp3lame", "-b:a", "96k")

    def ours() -> Spent:
        return spent([OURS / "python", __file__, source, made / "ours.mp3"])

    def peer() -> Spent:
        command = [PEERS / "ffmpeg-normalize", source, *target, "-o", made / "peer.mp3"]
        return spent(command, env={"FFMPEG_PATH": tool})

    def limit() -> Spent:
        return spent([tool, "-v", "error", "-y", "-i", source, *mp3, made / "limit.mp3"])

    found = in_turn({"ours": ours, "peer": peer, "limit": limit}, scale.runs)
    here, there, least = found["ours"], found["peer"], found["limit"]
    ratio = there.wall_s / here.wall_s
    yield Row(
        "level",
        here.wall_s,
        there.wall_s,
        ratio,
        f"≥ {TARGET:g} times",
        ratio >= TARGET,
        "s",
        "level and encode: WAV to MP3 at −16 LUFS",
        "ffmpeg-normalize",
        f"decode and encode alone: {least.wall_s:.1f} s, {least.cpu_s:.1f} s of processor",
        f"{seconds:.0f} s of speech",
        there.cpu_s / here.cpu_s,
    )


def level(source: Path, made: Path) -> None:
    """What our side does."""
    import stablecast  # noqa: F401  # isort: skip  # before numpy: it keeps numpy's matrices to one thread

    import numpy as np

    from stablecast.model import Programme, Timeline, Waveform
    from stablecast.stages.encode import EncodeParams, encode
    from stablecast.stages.ingest import IngestParams, mono
    from stablecast.stages.master import MasterParams, master
    from stablecast.tools import containers, ffmpeg
    from stablecast.tools.codec import FfmpegCodec

    params = IngestParams(rate_hz=44_100)
    with ffmpeg.open_recording(source, max_bytes=params.max_bytes) as file:
        limits = ffmpeg.Limits(params.max_duration_s)
        with closing(ffmpeg.decode(file, containers.sniff(file), rate_hz=params.rate_hz, limits=limits)) as stereo:
            samples = np.concatenate(list(mono(stereo, params, declared_duration_s=None)))
    levelled = master(Programme(Waveform.of(samples, params.rate_hz), Timeline()), MasterParams())
    made.write_bytes(encode(levelled, EncodeParams(), MasterParams(), codec=FfmpegCodec()).data)


if __name__ == "__main__":
    level(Path(sys.argv[1]), Path(sys.argv[2]))
