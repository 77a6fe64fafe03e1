"""Who speaks when, in one recording of several people: from voice vectors of short windows to turns, and from turns to tracks.

Windows are clustered into as many voices as there are speakers (Ward 1963, on unit vectors), then assigned anew along the time
axis at a price for each change (Viterbi 1967), so that one odd window makes no turn; each change is moved to the quietest
place near it. Memory grows with the number of windows alone, and no more than `MOST` of them are clustered.

Turns cover the whole recording without overlap: whatever is heard belongs to one speaker, and is nobody's twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stablecast.model import Alias, Block, Turn, Waveform
from stablecast.voice.verifier import FAINTEST_DB

Rows = NDArray[np.float64]
Vectors = NDArray[np.float32]
Labels = NDArray[np.intp]

NOBODY: Final = -1  # the label of a window in which nobody speaks
MOST: Final = 1500  # windows clustered pairwise: their distances take 9 MB
ROUNDS: Final = 10  # of assigning windows to voices and taking the voices' means anew; it settles in three or four
ALIKE: Final = (
    0.72  # cosine of two voices' means from which they may be one: halves of one voice lie above, see docs/voice.md
)
SPEECH_DB: Final = 30.0  # below the loud frames: what is fainter is a pause
QUIET_S: Final = 0.1  # the length of the quietest place
SLIVER_S: Final = 0.1  # of a turn: too short to be said to anybody
FADE_S: Final = 0.01  # from one speaker to the next


def speech(level_db: Rows) -> NDArray[np.bool_]:
    """Which frames are loud enough to be speech, judged by the loud ones of the recording."""
    sounding = level_db[level_db > FAINTEST_DB]
    return level_db > (np.percentile(sounding, 95) - SPEECH_DB if len(sounding) else np.inf)


def labelled(vectors: Vectors, spoken: NDArray[np.bool_], count: int, *, change: float) -> Labels:
    """Which of `count` voices is heard in each of `vectors` (windows × dimensions, unit rows in order of time).

    Voices are numbered from 0 in the order in which they are first heard; windows that are not `spoken` go on with the voice
    before them. `change` is what a change of voice costs, in cosines summed over windows. A voice that no window is closest
    to is left out. Raises ValueError where fewer windows are spoken than there are voices.
    """
    from scipy.cluster.hierarchy import fcluster, linkage  # takes longer to import than most commands take to run

    heard = np.flatnonzero(spoken)
    if len(heard) < max(2, count):
        raise ValueError(f"{len(heard)} windows with speech are too few for {count} voices")
    some = vectors[heard[np.linspace(0, len(heard) - 1, min(len(heard), MOST)).round().astype(int)]]
    voices = means(some, fcluster(linkage(some, "ward"), count, "maxclust"))
    path = np.zeros(0, np.intp)
    for _ in range(ROUNDS):
        before, path = path, cheapest((vectors @ voices.T) * spoken[:, None], change)
        if np.array_equal(path, before):
            break
        voices = means(vectors, np.where(spoken, path, NOBODY))
    _, begun, inverse = np.unique(path, return_index=True, return_inverse=True)
    numbered: Labels = np.argsort(np.argsort(begun))[inverse]
    return numbered


def means(vectors: Vectors, labels: NDArray[np.integer]) -> Vectors:
    """The direction of each voice's mean: a unit row for each label that occurs, in their order, but `NOBODY`."""
    sums = np.stack([(labels == label).astype(np.float32) @ vectors for label in np.unique(labels[labels != NOBODY])])
    unit: Vectors = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return unit


def told_apart(voices: Vectors) -> int:
    """How many of these means (unit rows) are voices of their own; those that sound alike count once."""
    from scipy.cluster.hierarchy import fcluster, linkage  # takes longer to import than most commands take to run

    if len(voices) < 2:
        return len(voices)
    return int(fcluster(linkage(voices, "single", "cosine"), 1 - ALIKE, "distance").max())


def cheapest(scores: NDArray[np.floating], change: float) -> Labels:
    """The path through `scores` (steps × voices) of the greatest sum, where each change of voice costs `change`."""
    steps, count = scores.shape
    came = np.empty((steps, count), np.intp)
    best, same = np.zeros(count), np.arange(count)
    for step, score in enumerate(scores):
        leader = int(best.argmax())
        moved = best[leader] - change
        came[step] = np.where(best >= moved, same, leader)
        best = np.maximum(best, moved) + score
    path = np.empty(steps, np.intp)
    label = int(best.argmax())
    for step in range(steps - 1, -1, -1):
        path[step] = label
        label = int(came[step, label])
    return path


def turns(
    labels: Labels, middles_s: Rows, level_db: Rows, frame_s: float, end_s: float, *, reach_s: float
) -> tuple[tuple[int, float, float], ...]:
    """(label, start, end) of each turn from 0 to `end_s`, where the labels change, moved to the quietest place near by.

    `middles_s` are the times of the labelled windows' middles; `level_db` is the level of frames `frame_s` apart, in which
    the quietest place within `reach_s` is looked for.
    """
    from scipy.ndimage import uniform_filter1d  # takes longer to import than most commands take to run

    quiet = uniform_filter1d(level_db, max(1, round(QUIET_S / frame_s)), mode="nearest")
    changes = np.flatnonzero(np.diff(labels))
    ends = [0.0]
    for middle_s in (middles_s[changes] + middles_s[changes + 1]) / 2:
        low = max(round((middle_s - reach_s) / frame_s), round(ends[-1] / frame_s) + 1)
        near = quiet[low : round((middle_s + reach_s) / frame_s) + 1]
        ends.append((low + (int(near.argmin()) if len(near) else 0) + 0.5) * frame_s)
    edges = [*(min(end, end_s) for end in ends), end_s]
    whose = labels[[*changes, -1]]
    return tuple((int(who), a, b) for who, a, b in zip(whose, edges[:-1], edges[1:], strict=True) if a < b)


def overlaid(found: tuple[Turn, ...], changes: Iterable[Turn]) -> tuple[Turn, ...]:
    """Turns that cover a recording, each change, oldest first, in the place of what was there.

    What a change leaves of a turn is dropped when it is shorter than `SLIVER_S`, as times that were rounded leave it; the turn
    beside it takes its place. Neighbours of one speaker are joined.
    """
    parts = found
    for change in changes:
        outside = (
            replace(part, start_s=start, end_s=end)
            for part in parts
            for start, end in (
                (part.start_s, min(part.end_s, change.start_s)),
                (max(part.start_s, change.end_s), part.end_s),
            )
            if end - start >= (SLIVER_S if end - start < part.end_s - part.start_s else 0)
        )
        parts = tuple(sorted((*outside, change)))
    first = [part for at, part in enumerate(parts) if at == 0 or part.speaker != parts[at - 1].speaker]
    edges = [found[0].start_s, *(part.start_s for part in first[1:]), found[-1].end_s]
    return tuple(replace(part, start_s=a, end_s=b) for part, a, b in zip(first, edges[:-1], edges[1:], strict=True))


def only(waveform: Waveform, whole: tuple[Turn, ...], speaker: Alias) -> Waveform:
    """The recording where it is `speaker`'s turn, and zeros elsewhere, with 10 ms from one to the next.

    `whole` covers the recording; the tracks of all its speakers then add up to the recording, sample by sample.
    """
    rate = waveform.rate_hz
    fade = FADE_S * rate
    edges = np.array([*(turn.start_s for turn in whole), whole[-1].end_s]) * rate
    edges[[0, -1]] += -fade, fade  # the recording begins and ends without a fade
    held = np.cumsum(
        [0.0, *np.diff(edges) * [turn.speaker == speaker for turn in whole]]
    )  # samples that are theirs so far

    def process(blocks: Iterator[Block]) -> Iterator[Block]:
        start = 0
        for block in blocks:
            at = start + np.arange(len(block))
            share = (np.interp(at + fade / 2, edges, held) - np.interp(at - fade / 2, edges, held)) / fade
            piece = block * share.astype(np.float32)
            piece.setflags(write=False)
            yield piece
            start += len(block)

    return waveform.through(process)
