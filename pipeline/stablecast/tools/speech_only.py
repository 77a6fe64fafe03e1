"""Voice activity before an engine that has no detector of its own: Silero's, as faster-whisper ships and applies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stablecast.model import Block
from stablecast.stages.transcribe import RATE_HZ
from stablecast.tools import whisper


@dataclass(frozen=True, slots=True, eq=False)
class SpeechOnly:
    """The stretches of `samples` with speech, joined, and where each time in them was."""

    samples: Block
    _map: Any

    def stretch(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Where a word of these times was: in one stretch, that of its middle."""
        chunk = self._map.get_chunk_index((start_s + end_s) / 2)
        return float(self._map.get_original_time(start_s, chunk)), float(self._map.get_original_time(end_s, chunk))

    def across(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Where a segment of these times was, which may reach across several stretches."""
        return float(self._map.get_original_time(start_s)), float(self._map.get_original_time(end_s, is_end=True))


def speech_only(samples: Block, threshold: float) -> SpeechOnly:
    """What of `samples`, 16 kHz mono, has speech in it by more than `threshold` (0–1); 0: all of it."""
    vad = whisper.library().vad
    everything = [{"start": 0, "end": len(samples)}]
    chunks = vad.get_speech_timestamps(samples, vad.VadOptions(threshold=threshold)) if threshold else everything
    kept = [samples[chunk["start"] : chunk["end"]] for chunk in chunks]
    return SpeechOnly(
        np.concatenate(kept) if kept else samples[:0], vad.SpeechTimestampsMap(chunks, RATE_HZ) if chunks else None
    )
