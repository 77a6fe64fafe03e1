"""How well `add --speakers` finds who speaks when: diarisation error rate on conversations made of real speech.

python benchmarks/turns.py [SPEECH]     SPEECH: a folder of folders, one a person; else ../shared/speech/open

A conversation is made of recordings of N people, cut into turns of 2 to 8 s with 0.1 to 0.6 s of quiet noise between. The error
is missed speech + false speech + speech given to another, over speech, with a collar of 0.25 s around each change, under
the best match of speakers (NIST RT-09). `told apart` is how many voices the warning counts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from stablecast.model import Alias, Turn, Waveform
from stablecast.stages.ingest import IngestParams, mono
from stablecast.stages.turns import TurnsParams, find
from stablecast.tools import containers, ffmpeg, verifier

RATE_HZ = 24_000
CONVERSATIONS = 12
COLLAR_S = 0.25
STEP_S = 0.01
NOISE_DBFS = -70.0


@cache
def recording(path: Path) -> NDArray[np.float32]:
    """The samples of a file, as `add` takes them in."""
    params = IngestParams(rate_hz=RATE_HZ)
    with ffmpeg.open_recording(path, max_bytes=params.max_bytes) as file:
        stereo = ffmpeg.decode(file, containers.sniff(file), rate_hz=RATE_HZ, limits=ffmpeg.Limits(600))
        with closing(stereo):
            return np.concatenate(list(mono(stereo, params, declared_duration_s=None)))


def conversation(speech: Path, people: int, seed: int) -> tuple[Waveform, tuple[Turn, ...]]:
    """Some people by turns until they have said all, and whose turn it was: speech alone, without the pauses between."""
    chance = np.random.default_rng([people, seed])
    chosen = chance.choice(sorted(p for p in speech.iterdir() if p.is_dir()), people, replace=False)
    left = {p.name: np.concatenate([recording(file) for file in sorted(p.glob("*.*"))]) for p in chosen}
    pieces, turns, now, last = list[NDArray[np.floating]](), list[Turn](), 0, ""
    while able := [who for who, rest in left.items() if len(rest) > 2 * RATE_HZ and (who != last or people == 1)]:
        last = str(chance.choice(able))
        length = round(chance.uniform(2, 8) * RATE_HZ)
        said, left[last] = left[last][:length], left[last][length:]
        quiet = round(chance.uniform(0.1, 0.6) * RATE_HZ)
        turns.append(Turn(now / RATE_HZ, (now + len(said)) / RATE_HZ, Alias(last)))
        pieces += said, np.zeros(quiet)
        now += len(said) + quiet
    whole = np.concatenate(pieces)
    return Waveform.of(whole + 10 ** (NOISE_DBFS / 20) * chance.standard_normal(len(whole)), RATE_HZ), tuple(turns)


def error(truth: Sequence[Turn], found: Sequence[Turn]) -> float:
    """The diarisation error rate of `found`."""
    at = np.arange(0, max(turn.end_s for turn in (*truth, *found)), STEP_S)
    ours, theirs = _speakers(truth, at), _speakers(found, at)
    edges = [edge for turn in truth for edge in (turn.start_s, turn.end_s)]
    counted = np.all([np.abs(at - edge) >= COLLAR_S for edge in edges], axis=0)
    both = np.array([[np.sum(a & b & counted) for b in theirs] for a in ours])
    right = both[linear_sum_assignment(-both)].sum()
    spoken, heard = ours.any(axis=0) & counted, theirs.any(axis=0) & counted
    wrong = np.sum(spoken & ~heard) + np.sum(heard & ~spoken) + np.sum(spoken & heard) - right
    return float(wrong / spoken.sum())


def _speakers(turns: Sequence[Turn], at: NDArray[np.floating]) -> NDArray[np.bool_]:
    """speakers × times: who has the word."""
    return np.stack(
        [
            np.any([(at >= t.start_s) & (at < t.end_s) for t in turns if t.speaker == who], axis=0)
            for who in sorted({turn.speaker for turn in turns})
        ]
    )


def main(speech: Path) -> None:
    """Print the tables."""
    embedder, params = verifier.load(), TurnsParams()
    print("people | asked for | error %: mean | median | worst | told apart as asked | CPU s per s")
    for people, asked in ((2, 2), (3, 3), (4, 4), (1, 2), (2, 3)):
        errors, apart, spent, heard = list[float](), 0, 0.0, 0.0
        for seed in range(CONVERSATIONS):
            waveform, truth = conversation(speech, people, seed)
            began = time.process_time()
            found = find(waveform, tuple(Alias(str(k)) for k in range(asked)), params, embedder=embedder)
            spent, heard = spent + time.process_time() - began, heard + waveform.duration_s
            errors.append(100 * error(truth, found.turns))
            apart += found.voices == asked
        figures = (
            f"{np.mean(errors):5.1f} | {np.median(errors):5.1f} | {max(errors):5.1f}"
            if people == asked
            else "– | – | –"
        )
        print(f"{people} | {asked} | {figures} | {apart} of {CONVERSATIONS} | {spent / heard:.3f}", flush=True)


if __name__ == "__main__":
    beside = Path(__file__).resolve().parent.parent.parent / "shared" / "speech" / "open"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else beside)
