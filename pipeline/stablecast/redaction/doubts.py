"""Words that may never have been said. Whisper invents: over silence, over noise, in loops. Nothing is dropped for it.

An invented sentence in a young person's captions is a lie about them, and a dropped one may hold a name that is then heard.
So what looks invented stays, and a person is told where to listen.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from stablecast.model import Block, Doubt, Segment, Suspicion, Word
from stablecast.redaction.spans import LONGEST_WORD_S

SILENT_DB: Final = 40.0  # dB under the loudest 20 ms near by: the voice's donor pool calls frames silent from 39 on
SILENT_DBFS: Final = -60.0  # and what `add` calls a silent recording is silence anywhere
NO_SPEECH: Final = 0.6  # Whisper's own no_speech_threshold: above it, and below the next, it would drop the words
LOW_LOGPROB: Final = -1.0  # Whisper's own logprob_threshold
REPETITIVE: Final = 2.4  # Whisper's own compression_ratio_threshold: such text was decoded in a loop
REPEATS: Final = 3  # times a phrase comes in a row; what Whisper's users agree on as a loop
REPEATS_OF_ONE_WORD: Final = 4  # people say "no, no, no"
LONGEST_LOOP: Final = 12  # words
RATE_WORDS: Final = 8  # words over which a rate is taken: fewer are as uncertain as the times of their ends
FASTEST_WPS: Final = 7.0  # words a second, over RATE_WORDS: readers of LibriSpeech stay under it (docs/words.md)
FASTEST_CPS: Final = 30.0  # letters a second, likewise: for languages of long words
FRAME_S: Final = 0.02
SLACK_S: Final = 0.1  # recognisers place words to about a tenth of a second


def doubts(segments: Sequence[Segment]) -> tuple[Doubt, ...]:
    """Where the words of one speaker look invented by themselves, in order of time; stretches of one kind that meet are one.

    Never a word dropped, never one told. Words over silence need the sound: see `over_silence`.
    """
    return merged([*_unheard(segments), *_loops(segments), *_rates(segments), *_untimed(segments)])


def over_silence(segments: Sequence[Segment], samples: Block, rate_hz: int) -> tuple[Doubt, ...]:
    """Where words are placed over silence in `samples`, from which their times count.

    Silence is 40 dB or more under the loudest 20 ms of `samples`, or under −60 dBFS.
    """
    frame = round(FRAME_S * rate_hz)
    whole = np.pad(samples, (0, -len(samples) % frame)).reshape(-1, frame)
    with np.errstate(divide="ignore"):
        levels = 10 * np.log10(np.square(whole, dtype=np.float64).mean(axis=1))
    limit = max(SILENT_DBFS, float(levels.max(initial=-np.inf)) - SILENT_DB)
    found = []
    for word in _timed(segments):
        start_s, end_s = _times(word)
        first, last = int(max(0.0, start_s - SLACK_S) / FRAME_S), int(np.ceil((end_s + SLACK_S) / FRAME_S))
        if levels[first : last + 1].max(initial=-np.inf) < limit:
            found.append(Doubt(start_s, end_s, Suspicion.SILENCE))
    return merged(found)


def later(found: Iterable[Doubt], by_s: float) -> tuple[Doubt, ...]:
    """The doubts `by_s` later."""
    return tuple(Doubt(doubt.start_s + by_s, doubt.end_s + by_s, doubt.suspicion) for doubt in found)


def merged(found: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """In order of time; stretches of one kind that touch, or are less than a second apart, made one."""
    open_: dict[Suspicion, Doubt] = {}
    done = []
    for doubt in sorted(found):
        last = open_.get(doubt.suspicion)
        if last is not None and doubt.start_s - last.end_s < 1.0:
            doubt = Doubt(last.start_s, max(last.end_s, doubt.end_s), doubt.suspicion)
        elif last is not None:
            done.append(last)
        open_[doubt.suspicion] = doubt
    return tuple(sorted((*done, *open_.values())))


def _unheard(segments: Sequence[Segment]) -> Iterator[Doubt]:
    for segment in segments:
        if segment.words and segment.no_speech_prob > NO_SPEECH and segment.avg_logprob < LOW_LOGPROB:
            yield _of(segment, Suspicion.NO_SPEECH)


def _loops(segments: Sequence[Segment]) -> Iterator[Doubt]:
    for segment in segments:
        data = " ".join(word.text for word in segment.words).encode()
        if data and len(data) / len(zlib.compress(data)) > REPETITIVE:
            yield _of(segment, Suspicion.LOOP)
    said = [(text, segment, word) for segment in segments for word in segment.words if (text := plain(word.text))]
    texts = [text for text, _, _ in said]
    for size in range(1, LONGEST_LOOP + 1):
        needed = REPEATS_OF_ONE_WORD if size == 1 else REPEATS
        for first, last in _runs(texts, size, size * needed):
            (_, before, one), (_, after, other) = said[first], said[last]
            start_s = before.start_s if one.start_s is None else one.start_s
            end_s = after.end_s if other.end_s is None else other.end_s
            yield Doubt(start_s, max(start_s, end_s), Suspicion.LOOP)


def _runs(texts: Sequence[str], size: int, shortest: int) -> Iterator[tuple[int, int]]:
    """First and last of every longest stretch of `shortest` texts or more in which each equals the one `size` before it."""
    start = 0  # of the stretch that is being followed
    for at in range(size, len(texts) + 1):
        if at == len(texts) or texts[at] != texts[at - size]:
            if at - start >= shortest:
                yield start, at - 1
            start = at - size + 1


def _rates(segments: Sequence[Segment]) -> Iterator[Doubt]:
    words = list(_timed(segments))
    for word in words:
        if word.end_s is not None and word.start_s is not None and word.end_s - word.start_s > LONGEST_WORD_S:
            yield Doubt(word.start_s, word.end_s, Suspicion.RATE)
    for at in range(len(words) - RATE_WORDS + 1):
        some = words[at : at + RATE_WORDS]
        start_s, end_s = _times(some[0])[0], max(_times(word)[1] for word in some)
        letters = sum(len(word.text) for word in some)
        if max(RATE_WORDS / FASTEST_WPS, letters / FASTEST_CPS) > end_s - start_s:
            yield Doubt(start_s, max(start_s, end_s), Suspicion.RATE)


def _untimed(segments: Sequence[Segment]) -> Iterator[Doubt]:
    for segment in segments:
        if any(word.start_s is None for word in segment.words):
            yield _of(segment, Suspicion.UNTIMED)


def _timed(segments: Sequence[Segment]) -> Iterator[Word]:
    return (word for segment in segments for word in segment.words if word.start_s is not None)


def _times(word: Word) -> tuple[float, float]:
    return word.start_s or 0.0, word.end_s or 0.0


def _of(segment: Segment, suspicion: Suspicion) -> Doubt:
    return Doubt(segment.start_s, segment.end_s, suspicion)


def plain(text: str) -> str:
    """A word as it is compared with itself: small letters, their marks, and digits."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return "".join(char for char in folded if unicodedata.category(char)[0] in "LMN")
