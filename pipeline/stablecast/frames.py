"""Audio recut on a fixed grid: what is computed frame by frame then cannot depend on how the blocks arrived."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.float32]


def framed(blocks: Iterable[Frame], size: int) -> Iterator[Frame]:
    """The same samples in frames of `size`; the last one may be shorter. Frames may be views of the blocks."""
    waiting: list[Frame] = []
    held = 0
    for block in blocks:
        start = 0
        while held + len(block) - start >= size:
            end = start + size - held
            waiting.append(block[start:end])
            yield np.concatenate(waiting) if len(waiting) > 1 else waiting[0]
            waiting, held, start = [], 0, end
        if start < len(block):
            waiting.append(block[start:])
            held += len(block) - start
    if waiting:
        yield np.concatenate(waiting)


def with_margins(frames: Iterable[Frame], margin: int, *, hold: bool = False) -> Iterator[Frame]:
    """Each frame with `margin` samples of its neighbours at both ends.

    Beyond the first and the last sample there are zeros or, with `hold`, repetitions of that sample. Every frame but the
    last must hold at least `margin` samples.
    """
    past: Frame | None = None
    frame: Frame | None = None
    for following in frames:
        if frame is None:
            past = _repeated(following[0], margin, hold)
        else:
            ahead = following[:margin]
            window = np.concatenate([past, frame, ahead, _repeated(following[-1], margin - len(ahead), hold)])
            yield window
            past = window[len(frame) : len(frame) + margin]
        frame = following
    if frame is not None:
        yield np.concatenate([past, frame, _repeated(frame[-1], margin, hold)])


def _repeated(sample: np.float32, times: int, hold: bool) -> Frame:
    return np.full(times, sample if hold else 0, np.float32)
