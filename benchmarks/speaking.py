"""Revoice alone, in processor seconds a second, beside a plain copy through the WORLD vocoder; on one thread, in a child.

python benchmarks/speaking.py ours|world|ear WAV     one side alone, as it is measured
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from harness import OURS, Row, Scale, Spent, in_turn, spent

TARGET, WHOLE_S, RATE_HZ = 0.12, 300.0, 24_000


def rows(scale: Scale) -> Iterator[Row]:
    from sound import speech

    seconds = scale.seconds(WHOLE_S, 60)
    source = speech(seconds, RATE_HZ)
    env = {"OMP_NUM_THREADS": "1"}

    def side(name: str) -> Spent:
        return spent([OURS / "python", __file__, name, source], env=env)

    found = in_turn({name: lambda name=name: side(name) for name in ("ours", "world", "ear", "nothing")}, scale.runs)
    start = found["nothing"].cpu_s  # importing and loading are paid once a process, not once a second
    ours, world, ear = ((found[name].cpu_s - start) / seconds for name in ("ours", "world", "ear"))
    yield Row(
        "revoice",
        ours,
        world,
        world / ours,
        f"≤ {TARGET:g}",
        ours <= TARGET,
        "s of processor a second",
        "revoice alone",
        "a plain copy through WORLD (Harvest, CheapTrick, D4C)",
        f"Whisper's lower blocks alone: {ear:.3f}",
        f"{seconds:.0f} s of speech",
        world / ours,
    )


def one(name: str, source: Path) -> None:
    """One side."""
    import wave

    import numpy as np
    import soxr

    from stablecast.model import Alias, Method, RedactedAudio, Waveform
    from stablecast.stages.revoice import RevoiceParams, revoice
    from stablecast.tools import models
    from stablecast.voice import encoder, world
    from stablecast.voice.characters import DEFAULTS
    from stablecast.voice.draws import draw_from

    loaded = models.load()
    if name == "nothing":
        return
    with wave.open(str(source), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32_767
    audio = Waveform.of(samples, RATE_HZ)
    if name == "ours":
        character = next(iter(DEFAULTS.values()))
        draw = draw_from(bytes(32), character)
        said = RedactedAudio(Alias("A"), audio, ())
        made = revoice(said, RevoiceParams(Method.RESYNTHESIS), character=character, draw=draw, models=loaded)
        for _ in made.waveform.blocks():
            pass
        return
    for piece in world.pieces(audio.blocks(), RATE_HZ):
        if name == "world":
            world.synthesise(world.analyse(piece.samples, RATE_HZ), len(piece.samples))
        else:
            loaded.ear.encoder(soxr.resample(piece.samples.astype(np.float32), RATE_HZ, encoder.RATE_HZ))


if __name__ == "__main__":
    one(sys.argv[1], Path(sys.argv[2]))
