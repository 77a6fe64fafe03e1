"""The two speech recognisers beside each other, on the same weights: do they hear the same words, and at what cost?

python benchmarks/recognisers.py [SPEECH]     SPEECH: a folder of folders, one a person; else ../shared/speech/open

Needs `pip install 'stablecast[openai-whisper]'`. Recordings: the demo's, whose words are known, and one from each of the
first people in SPEECH, joined, where there is such a folder. Each engine works as the settings' defaults say, on one thread,
in this process; cost is processor time, which other work on the machine disturbs less than the clock. `batched` is
faster-whisper's BatchedInferencePipeline, which Stablecast does not use. Words are compared in small letters without
punctuation; an error is a word inserted, left out or replaced.
"""

from __future__ import annotations

import re
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import BatchedInferencePipeline
from faster_whisper.audio import decode_audio
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

import stablecast
from stablecast.model import Alias, SourceAudio, Waveform
from stablecast.stages.transcribe import RATE_HZ, Engine, TranscribeParams, transcribe
from stablecast.tools import recognisers, whisper

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


if __name__ == "__main__":
    beside = Path(__file__).resolve().parent.parent.parent / "shared" / "speech" / "open"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else beside)
