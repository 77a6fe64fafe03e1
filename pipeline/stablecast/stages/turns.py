"""Find who speaks when in one recording of several people: a proposal, which a person hears and corrects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from stablecast.errors import InputRefused
from stablecast.frames import framed
from stablecast.model import Alias, Turn, Waveform
from stablecast.stages.assemble import resampled
from stablecast.voice import turns as voices
from stablecast.voice.turns import Rows, Vectors
from stablecast.voice.verifier import HOP, LEVEL, RATE_HZ, WINDOW

STEP: Final = 20 * HOP  # samples between two windows
FAINTEST: Final = 5e-4  # root mean square: windows fainter than this are not raised, they are no speech
BATCH: Final = 64  # windows embedded at once


@dataclass(frozen=True, slots=True)
class TurnsParams:
    """How one recording of several people is divided among them, once, when it is added."""

    change: float = 0.4  # what a change of speaker costs, in cosines: higher gives fewer and longer turns
    reach_s: float = 0.5  # how far a change may move to the quietest place near it

    def __post_init__(self) -> None:
        if self.change < 0 or self.reach_s < 0:
            raise ValueError("change and reach_s are 0 or more")


class Embedder(Protocol):
    """What tells voices apart."""

    def embed(self, windows: NDArray[np.float32]) -> NDArray[np.floating]:
        """A vector of the voice heard in each window: unit rows for windows × WINDOW samples, 16 kHz mono."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """Turns that cover the recording, and how many voices the embedder told apart in them."""

    turns: tuple[Turn, ...]
    voices: int


def find(waveform: Waveform, speakers: tuple[Alias, ...], params: TurnsParams, *, embedder: Embedder) -> Found:
    """Whose turn it is at each time; the first of `speakers` is who speaks first, and so on.

    The recording is read once, in blocks; an hour gives 18,000 vectors. Raises InputRefused where there is less speech than
    speakers need, or nobody is left for one of them.
    """
    vectors, level_db = _heard(waveform, embedder)
    starts = np.arange(len(vectors)) * STEP
    loud = np.cumsum([0, *voices.speech(level_db)]) if len(vectors) else np.zeros(1)
    spoken = loud[(starts + WINDOW) // HOP] - loud[starts // HOP] > WINDOW / HOP / 2
    if spoken.sum() < len(speakers):
        raise InputRefused(f"there is too little speech for {len(speakers)} speakers; name fewer with --speakers")
    labels = voices.labelled(vectors, spoken, len(speakers), change=params.change)
    if labels.max() + 1 < len(speakers):
        raise InputRefused(
            f"no turns were found for {len(speakers)} speakers, only for {labels.max() + 1}; name fewer with --speakers"
        )
    middles_s = (starts + WINDOW / 2) / RATE_HZ
    cut = voices.turns(labels, middles_s, level_db, HOP / RATE_HZ, waveform.duration_s, reach_s=params.reach_s)
    return Found(
        tuple(Turn(start, end, speakers[who]) for who, start, end in cut),
        voices.told_apart(voices.means(vectors, np.where(spoken, labels, voices.NOBODY))),
    )


def _heard(waveform: Waveform, embedder: Embedder) -> tuple[Vectors, Rows]:
    """The voice in each window, one row a window, and the level in dBFS of each `HOP`."""
    levels, vectors, left = [np.zeros(0)], [np.zeros((0, 1), np.float32)], np.zeros(0, np.float32)
    for piece in framed(resampled(waveform, RATE_HZ).blocks(), STEP * BATCH):
        whole = np.square(piece[: len(piece) // HOP * HOP], dtype=np.float64).reshape(-1, HOP)
        levels.append(10 * np.log10(whole.mean(axis=1) + 1e-12))
        left = np.concatenate([left, piece])
        if len(left) >= WINDOW:
            windows = sliding_window_view(left, WINDOW)[::STEP]
            loudness = np.sqrt(np.square(windows, dtype=np.float64).mean(axis=1, keepdims=True))
            levelled = (windows * (LEVEL / np.maximum(loudness, FAINTEST))).astype(np.float32)
            vectors.append(np.asarray(embedder.embed(levelled), np.float32))
            left = left[len(windows) * STEP :]
    return np.concatenate(vectors[1:] or vectors), np.concatenate(levels)
