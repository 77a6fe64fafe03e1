"""Whether what a page says was heard can have been heard: the bytes were sent to that session, and the time was there.

A page reports the stretches it played. Nobody can see whether somebody listened; but a report of bytes that were never sent,
or of more minutes than have passed at twice the speed, is refused, and so is no count of hearing to the end.
"""

from __future__ import annotations

import bisect
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from stablecast.errors import GateClosed
from stablecast.stretches import merged

FASTEST = 2.0
SLACK_S = 10.0  # of sound: a report comes a little early, or a player has run ahead
AWAY_S = 120.0  # between two reports at most counts as listening
ROUNDING_BYTES = 16 * 1024  # time and bytes are in step in a file of constant bitrate, up to some frames
MOST_EARS = 512

Stretches = tuple[tuple[float, float], ...]


class Spans:
    """Whole numbers in stretches, joined where they meet."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def add(self, start: int, stop: int) -> None:
        """The numbers from `start` to before `stop`."""
        if stop <= start:
            return
        low = bisect.bisect_left(self._stops, start)
        high = bisect.bisect_right(self._starts, stop)
        if low < high:
            start, stop = min(start, self._starts[low]), max(stop, self._stops[high - 1])
        self._starts[low:high] = [start]
        self._stops[low:high] = [stop]

    def holds(self, start: int, stop: int) -> bool:
        """Whether every number from `start` to before `stop` is in them."""
        if stop <= start:
            return True
        place = bisect.bisect_right(self._starts, start) - 1
        return place >= 0 and self._stops[place] >= stop

    def __len__(self) -> int:
        return len(self._starts)


@dataclass(slots=True)
class _Ear:
    at: float
    left_s: float  # sound that can have been heard and is not reported yet
    sent: Spans = field(default_factory=Spans)


class Listening:
    """What was sent to each session of each cut, and what they can have heard of it."""

    def __init__(
        self, *, fastest: float = FASTEST, slack_s: float = SLACK_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fastest, self._slack_s, self._clock = fastest, slack_s, clock
        self._ears: OrderedDict[tuple[str, str], _Ear] = OrderedDict()
        self._lock = threading.Lock()

    def sent(self, session: str, digest: str, start: int, stop: int) -> None:
        """These bytes of the cut's sound went out to the session."""
        with self._lock:
            self._ear(session, digest).sent.add(start, stop)

    def played(self, session: str, digest: str, stretches: Stretches, duration_s: float, audio: bytes) -> Stretches:
        """The stretches that a page says it played, joined, if they can be true. Raises GateClosed if not."""
        joined = _joined(stretches, duration_s)
        with self._lock:
            ear = self._ear(session, digest)
            now = self._clock()
            credit = min(ear.left_s + self._fastest * (now - ear.at), self._fastest * AWAY_S + self._slack_s)
            length_s = sum(end - start for start, end in joined)
            if length_s > credit:
                raise GateClosed("this is more than can have been heard since; listen to it once more from here")
            if not all(ear.sent.holds(*_bytes(start, end, duration_s, audio)) for start, end in joined):
                raise GateClosed("this sound was never sent to this page; reload the page and listen to it")
            ear.at, ear.left_s = now, credit - length_s
        return joined

    def _ear(self, session: str, digest: str) -> _Ear:
        found = self._ears.setdefault((session, digest), _Ear(self._clock(), self._slack_s))
        self._ears.move_to_end((session, digest))
        while len(self._ears) > MOST_EARS:
            self._ears.popitem(last=False)
        return found


def _joined(stretches: Stretches, duration_s: float) -> Stretches:
    inside = ((max(0.0, start), min(end, duration_s)) for start, end in stretches)
    return merged((start, end) for start, end in inside if end > start)


def _bytes(start_s: float, end_s: float, duration_s: float, audio: bytes) -> tuple[int, int]:
    """The bytes of an MP3 of constant bitrate that sound from `start_s` to `end_s`, less the rounding."""
    head = _tag_length(audio)
    rate = (len(audio) - head) / duration_s
    return int(head + start_s * rate) + ROUNDING_BYTES, int(head + end_s * rate) - ROUNDING_BYTES


def _tag_length(audio: bytes) -> int:
    if audio[:3] != b"ID3" or len(audio) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(audio[6:10], (21, 14, 7, 0), strict=True))
