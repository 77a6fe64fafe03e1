"""A recogniser and a finder that know the answer: what is said is told by when something is heard, so that seconds take seconds."""

from __future__ import annotations

import numpy as np

from stablecast.model import Block
from stablecast.stages.transcribe import Recognised

RATE_HZ = 16_000
STEP_S = 0.5
QUIET = 0.003  # root mean square, -50 dBFS: below it nobody says anything
VOCABULARY = "she listened to the end and then we made some tea and talked about the garden for a long while".split()  # noqa: SIM905


class Knowing:
    """A `Recogniser`: one word of `VOCABULARY` for each half second in which there is sound."""

    identity = "knowing"

    def recognise(self, samples: Block, *, language: str) -> Recognised:
        from stablecast.model import Segment, Word

        step = round(STEP_S * RATE_HZ)
        words = []
        for number, start in enumerate(range(0, len(samples) - step + 1, step)):
            if float(np.sqrt(np.mean(np.square(samples[start : start + step])))) > QUIET:
                at = start / RATE_HZ
                words.append(Word(VOCABULARY[number % len(VOCABULARY)], round(at + 0.05, 2), round(at + 0.4, 2), 0.9))
        segments = (Segment(words[0].start_s, words[-1].end_s, tuple(words), -0.2, 0.01),) if words else ()
        return Recognised(language or "en", segments)

    def translate(self, samples: Block, *, language: str) -> Recognised:
        return self.recognise(samples, language="en")


class Unsuspecting:
    """A `Finder` that proposes nothing."""

    identity = "unsuspecting"

    def find(self, _: object) -> tuple[()]:
        return ()


def install() -> None:
    """Put them in the place of Whisper and Presidio, in this process and what is forked from it."""
    import onnxruntime  # noqa: F401 - loaded once, before the forks
    import pyworld  # noqa: F401
    import scipy.signal  # noqa: F401
    import soxr  # noqa: F401

    from stablecast import runner
    from stablecast.tools import presidio, recognisers

    def recogniser(*_: object, **__: object) -> Knowing:
        return Knowing()

    recognisers.recogniser = recogniser  # type: ignore[assignment]
    runner.Presidio = Unsuspecting  # type: ignore[assignment,misc]
    presidio.identity = lambda: Unsuspecting.identity
