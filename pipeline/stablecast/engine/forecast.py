"""How much of a run is done and how long the rest will take, from what stages took before. Pure: no clock is read here.

A *rate* is how many seconds a stage took for so many seconds of recording. It fades: what was measured last counts most. Where
there is none, or only from recordings much shorter than this one, nothing is promised: the answer is None, "not known yet".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from stablecast import codecs
from stablecast.engine.plan import Node
from stablecast.engine.settings import Settings

FADE = 0.5  # of what was known before, at each new measurement
REACH = 4.0  # a rate says something of recordings up to so many times as long as those it was measured on


@dataclass(frozen=True, slots=True)
class Rate:
    """What a stage took, older measurements faded."""

    took_s: float
    speech_s: float
    weight: float  # of how many measurements, those faded counting for less

    def expected_s(self, speech_s: float) -> float | None:
        """How long it will take for a recording of `speech_s`; None where those measured were too short to tell."""
        if self.speech_s <= 0 or speech_s > REACH * self.speech_s / self.weight:
            return None
        return self.took_s / self.speech_s * speech_s


def learnt(before: Rate | None, took_s: float, speech_s: float) -> Rate:
    """The rate after one more measurement."""
    old = before or Rate(0.0, 0.0, 0.0)
    return Rate(FADE * old.took_s + took_s, FADE * old.speech_s + speech_s, FADE * old.weight + 1)


def kind(node: Node, settings: Settings, place: str) -> str:
    """Under which name the rate of a node is kept: another setting, or another `place` to work, has a rate of its own."""
    stage = node.stage
    hears = stage in ("listen", "translate", "hear", "prove")
    params = [getattr(settings, stage, None), settings.transcribe if hears else None]
    if stage in ("transcribe", "prove") and any(name.startswith(("listen/", "hear/")) for name in node.inputs):
        stage += "-joined"  # the work was done in blocks
    return f"{place} {stage} {hashlib.sha256(codecs.canonical(params)).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Due:
    """A stage that still has to run, or runs now."""

    key: str
    inputs: tuple[str, ...]
    expected_s: float | None
    running_s: float = 0.0  # how long it has run already

    @property
    def left_s(self) -> float | None:
        return None if self.expected_s is None else max(0.0, self.expected_s - self.running_s)


@dataclass(frozen=True, slots=True)
class Work:
    """An episode in a run: what is done of it, and what is due, inputs first."""

    done: int
    done_s: float
    due: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """How far an episode and the whole run are. Seconds are None where they are not known yet."""

    share: float  # 0–1, of what this run does for this episode
    left_s: float | None  # of this episode, if nothing else has to wait
    all_share: float
    all_left_s: float | None
    stage_s: float | None = None  # how long the stage that begins or ended was expected to take


def forecast(work: Work, everything: tuple[Work, ...], workers: int, stage_s: float | None = None) -> Forecast:
    """How far `work` is among `everything` that runs, on so many workers."""
    return Forecast(share((work,)), left_s((work,), workers), share(everything), left_s(everything, workers), stage_s)


def share(works: tuple[Work, ...]) -> float:
    """What is done of all there is to do: in seconds where all of them are known, else in stages. 1 where nothing is due."""
    due = [each for work in works for each in work.due]
    if not due:
        return 1.0
    if any(each.expected_s is None for each in due):
        done = sum(work.done for work in works)
        return done / (done + len(due))
    expected = sum(each.expected_s or 0.0 for each in due)
    left = sum(each.left_s or 0.0 for each in due)
    done_s = sum(work.done_s for work in works) + expected - left
    return done_s / (done_s + left) if done_s + left else 0.0


def left_s(works: tuple[Work, ...], workers: int) -> float | None:
    """How long the rest will take; None where a rate is missing.

    The larger of two bounds below which no order of work comes: all that is left, divided among the workers, and the longest
    chain of stages that need each other (R. L. Graham, Bounds on multiprocessing timing anomalies, 1969).
    """
    total, longest = 0.0, 0.0
    for work in works:
        ends: dict[str, float] = {}
        for each in work.due:
            if each.left_s is None:
                return None
            ends[each.key] = each.left_s + max((ends.get(name, 0.0) for name in each.inputs), default=0.0)
            total += each.left_s
            longest = max(longest, ends[each.key])
    return max(total / max(1, workers), longest)


Rates = Mapping[str, Rate]
