"""The two speech recognisers beside each other, on the same weights: do they hear the same words, and at what cost?

python benchmarks/recognisers.py [SPEECH]     SPEECH: a folder of folders, one a person; else ../shared/speech/open
python benchmarks/recognisers.py --one ours|plain WAV     one side alone, as `make bench` measures it

The table needs `pip install 'stablecast[openai-whisper]'`. Recordings: the demo's, whose words are known, and one from each of the
first people in SPEECH, joined, where there is such a folder. Each engine works as the settings' defaults say, on one thread,
in this process; cost is processor time, which other work on the machine disturbs less than the clock. `batched` is
faster-whisper's BatchedInferencePipeline, which Stablecast does not use. Words are compared in small letters without
punctuation; an error is a word inserted, left out or replaced.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import BatchedInferencePipeline
from faster_whisper.audio import decode_audio
from harness import BUILD, OURS, PEERS, SPEECH, Row, Scale, Spent, ffmpeg, in_turn, spent
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

import stablecast
from stablecast.model import Alias, SourceAudio, Waveform
from stablecast.stages.transcribe import RATE_HZ, Engine, TranscribeParams, transcribe
from stablecast.tools import openai_whisper, recognisers, whisper

DEMO = Path(stablecast.__file__).parent / "demo"
PEOPLE = 12
BATCH = 8
PARAMS = TranscribeParams(language="en")

Heard = tuple[str, ...]
Samples = NDArray[np.float32]


def plain(text: str) -> Heard:
    """The words as they are compared."""
    return tuple(re.sub(r"[^a-z0-9 ]", "", text.lower().replace("-", " ")).split())


def engine(which: Engine) -> Callable[[Samples], Heard]:
    """What an engine hears in samples, through the stage."""
    params = replace(PARAMS, engine=which)
    ears = recognisers.recogniser(params, threads=1)

    def hear(samples: Samples) -> Heard:
        said = transcribe(SourceAudio(Alias(""), Waveform.of(samples, RATE_HZ)), params, recogniser=ears)
        return plain(" ".join(word.text for word in said.words))

    return hear


def batched(samples: Samples) -> Heard:
    """What faster-whisper hears when it recognises several stretches at once."""
    model: Any = whisper._engine(PARAMS, 1)
    segments, _ = BatchedInferencePipeline(model).transcribe(
        samples,
        batch_size=BATCH,
        language="en",
        beam_size=PARAMS.beam_size,
        word_timestamps=True,
        condition_on_previous_text=False,
        vad_filter=True,
        vad_parameters={"threshold": PARAMS.vad_threshold},
    )
    return plain(" ".join(segment.text for segment in segments))


def recordings(speech: Path) -> list[tuple[str, Samples, Heard]]:
    """Name, samples and the words said, where they are known."""
    found = []
    for episode in tomllib.loads((DEMO / "script.toml").read_text("utf-8"))["episode"]:
        for track in episode["track"]:
            samples = decode_audio(str(DEMO / track["file"]), sampling_rate=RATE_HZ)
            found.append((f"demo, {track['speaker']}", samples, plain(" ".join(track["lines"]))))
    if speech.is_dir():
        paths = [sorted(person.glob("*.flac"))[0] for person in sorted(speech.iterdir())[:PEOPLE]]
        joined = np.concatenate([decode_audio(str(path), sampling_rate=RATE_HZ) for path in paths])
        found.append((f"{PEOPLE} readers", joined, ()))
    return found


def errors(said: Heard, heard: Heard) -> str:
    return f"{100 * Levenshtein.distance(said, heard) / len(said):.1f}" if said else "–"


def main(speech: Path) -> None:
    """Print the table."""
    engines: dict[str, Callable[[Samples], Heard]] = {
        "faster-whisper": engine(Engine.FASTER_WHISPER),
        f"faster-whisper, {BATCH} batched": batched,
        "openai-whisper": engine(Engine.OPENAI_WHISPER),
    }
    started = decode_audio(str(DEMO / "small-things-are-big-kit.opus"), sampling_rate=RATE_HZ)[: 8 * RATE_HZ]
    for hear in engines.values():
        hear(started)  # loads, and compiles what is compiled at first use
    print("recording | seconds | engine | words | errors % | other words than faster-whisper % | CPU s per s | ratio")
    for name, samples, said in recordings(speech):
        first: Heard = ()
        base = 0.0
        for which, hear in engines.items():
            began = time.process_time()
            heard = hear(samples)
            cost = (time.process_time() - began) / (len(samples) / RATE_HZ)
            first, base = first or heard, base or cost
            print(
                f"{name} | {len(samples) / RATE_HZ:.0f} | {which} | {len(heard)} | {errors(said, heard)} | "
                f"{errors(first, heard)} | {cost:.2f} | {cost / base:.1f}",
                flush=True,
            )


# --- how fast, for `make bench` ------------------------------------------------------------------------------------------

WHOLE_S = 300.0


def rows(scale: Scale) -> Iterator[Row]:
    """Our stage, plain faster-whisper, and openai-whisper by itself: programs that read a WAV file, loading included."""
    from sound import speech

    seconds = scale.seconds(WHOLE_S)
    source, weights = speech(seconds, RATE_HZ), openai_weights()
    script = Path(__file__).parent / "peers" / "recognise.py"
    from whole import path

    env = {"PATH": path(ffmpeg())}
    sides = {
        "ours": lambda: once("ours", source),
        "plain": lambda: once("plain", source),
        "openai": lambda: spent([PEERS / "python", script, source, weights], env=env),
    }
    found = in_turn(sides, scale.runs)
    ours, plain = found["ours"], found["plain"]
    for side, name in (("openai", "openai-whisper"), ("plain", "plain faster-whisper")):
        peer = found[side]
        yield Row(
            f"recognition, {name}",
            ours.wall_s,
            peer.wall_s,
            peer.wall_s / ours.wall_s,
            "≥ 5 times" if side == "openai" else "as fast",
            peer.wall_s / ours.wall_s >= (5.0 if side == "openai" else 0.95),
            "s",
            "the stage `transcribe`: Whisper base, beam 5, word times",
            name,
            f"the engine alone: {plain.wall_s:.0f} s",
            f"{seconds:.0f} s of speech",
            peer.cpu_s / ours.cpu_s,
        )


def once(side: str, source: Path) -> Spent:
    """One side in a process of its own."""
    return spent([OURS / "python", __file__, "--one", side, source])


def one(side: str, source: Path) -> None:
    """One side in this process: how many words it hears."""
    samples = decode_audio(str(source), sampling_rate=RATE_HZ)
    if side == "ours":
        print(len(engine(Engine.FASTER_WHISPER)(samples)))
        return
    loaded: Any = whisper.library().WhisperModel("base", files=whisper.weights(), device="cpu", compute_type="int8")
    segments, _ = loaded.transcribe(
        samples, language="en", beam_size=5, word_timestamps=True, condition_on_previous_text=False
    )
    print(sum(len(segment.words) for segment in segments))


def openai_weights() -> Path:
    """The same weights as a file of openai-whisper, made once: it would fetch its own."""
    made, arrays = BUILD / "base.pt", BUILD / "base.npz"
    if not made.is_file():
        said = openai_whisper.in_openais_terms(whisper.weights()["model.bin"])
        np.savez(arrays, dims=json.dumps(asdict(said.dimensions)), **said.state)
        subprocess.run([PEERS / "python", Path(__file__).parent / "peers" / "weights.py", arrays, made], check=True)
        arrays.unlink()
    return made


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]))
    else:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else SPEECH)
