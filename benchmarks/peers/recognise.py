"""openai-whisper by itself, asked as we ask: python recognise.py WAV MODEL, with the peers' own Python."""

from __future__ import annotations

import sys

import whisper

said = whisper.load_model(sys.argv[2]).transcribe(
    sys.argv[1],
    language="en",
    beam_size=5,
    best_of=5,
    word_timestamps=True,
    condition_on_previous_text=False,
    fp16=False,
)
print(sum(len(segment["words"]) for segment in said["segments"]))
