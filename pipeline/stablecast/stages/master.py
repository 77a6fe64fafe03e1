"""The programme at its target loudness, by one gain for the whole of it and a limiter for the peaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stablecast.errors import GateClosed
from stablecast.loudness.foresight import gain_for
from stablecast.loudness.limiter import limit
from stablecast.loudness.meter import FLOOR_DB, integrated, survey
from stablecast.model import Block, Dbtp, Lufs, Master, Programme, Waveform

VERSION = 4

_CLOSE_LU = 0.05  # near enough to the target: a tenth of what anybody hears
_MAX_PASSES = 8
_YIELD = 0.8  # of a decibel more arrives behind the limiter, before two passes tell how much: most speech is near it


@dataclass(frozen=True, slots=True)
class MasterParams:
    """How loud an episode is, and how high its peaks may reach."""

    target_lufs: float = -16.0  # LUFS; what listeners' apps expect of a podcast
    dual_mono: bool = True  # count the one channel twice, as two loudspeakers play it: as loud as a stereo show
    true_peak_dbtp: float = -1.0  # dBTP; the ceiling of the published file
    headroom_db: float = 0.8  # dB kept free under that ceiling for what an encoder adds to peaks
    max_gain_db: float = 30.0  # dB; a programme that needs more is noise, or a recording that went wrong
    lookahead_ms: float = 5.0  # ms in which the limiter turns down before a peak
    release_ms: float = 80.0  # ms; time constant of its way back


def mono_target(params: MasterParams) -> Lufs:
    """What a meter that counts the one channel once reads at the target: 3.01 LU less than one that counts it twice."""
    return Lufs(params.target_lufs - (10 * float(np.log10(2)) if params.dual_mono else 0.0))


def master(programme: Programme, params: MasterParams) -> Master:
    """Level the programme to the target within 0.05 LU, with its true peaks `headroom_db` under the ceiling.

    One gain for every word, so quiet stays quiet and nothing pumps. Where the limiter takes loudness away, the gain is
    raised to make up for it. Raises GateClosed when the programme is silent, needs more than `max_gain_db`, or does not
    get that loud under that ceiling.
    """
    target = mono_target(params)
    before, outline = survey(programme.waveform)
    if before.mono <= FLOOR_DB:
        raise GateClosed("the programme is silent and cannot be levelled; listen to the recordings and replace them")
    gain_db, ceiling = gain_for(outline, target), Dbtp(params.true_peak_dbtp - params.headroom_db)
    if gain_db <= params.max_gain_db and before.true_peak + gain_db <= ceiling:
        waveform = relevel(programme.waveform, gain_db, ceiling, params)  # the limiter has nothing to do: this is exact
    else:
        if gain_db <= params.max_gain_db:  # more than that is only foreseen, and refused when it was tried
            gain_db = min(max(gain_db, gain_for(outline, target, ceiling, params.release_ms)), params.max_gain_db)
        waveform, gain_db = level(programme.waveform, target, ceiling, params, gain_db=gain_db)
    return Master(waveform, programme.timeline, gain_db, before)


def level(
    waveform: Waveform, target: Lufs, ceiling: Dbtp, params: MasterParams, *, gain_db: float
) -> tuple[Waveform, float]:
    """`waveform` within 0.05 LU of `target` (as mono) under `ceiling`, and the gain it took, searched from `gain_db` on.

    Raises GateClosed when that takes more than `max_gain_db`, or cannot be reached.
    """
    gained, before = _YIELD, (gain_db, 0.0)  # what a decibel of gain is worth, and the pass before: the secant method
    for _ in range(_MAX_PASSES):
        if gain_db > params.max_gain_db:
            raise GateClosed(
                f"the programme needs {gain_db:.1f} dB of gain to be at its target with peaks under {ceiling:.1f} dBTP, "
                f"more than max_gain_db allows ({params.max_gain_db:.1f}); "
                "record closer to the microphone, without knocks and pops"
            )
        louder = relevel(waveform, gain_db, ceiling, params)
        off_lu = target - integrated(louder)
        if abs(off_lu) <= _CLOSE_LU:
            return louder, gain_db
        if gain_db != before[0]:
            gained = min(1.0, max(_YIELD / 4, (before[1] - off_lu) / (gain_db - before[0])))
        before = gain_db, off_lu
        guess_db = gain_db + off_lu / gained
        if off_lu > 0:  # at least so much is needed; for more than that, which is a guess, nothing is refused
            guess_db = max(gain_db + off_lu, min(guess_db, params.max_gain_db))
        gain_db = guess_db
    raise GateClosed(
        f"peaks keep the programme {off_lu:.1f} LU under its target with a ceiling of {ceiling:.1f} dBTP; "
        "take knocks and pops out of the recordings, or set a lower target_lufs"
    )


def relevel(waveform: Waveform, gain_db: float, ceiling: Dbtp, params: MasterParams) -> Waveform:
    """`waveform` raised by `gain_db`, its true peaks then kept under `ceiling`. Computed anew at each reading."""
    ratio = np.float32(10 ** (gain_db / 20))

    def process(blocks: Iterator[Block]) -> Iterator[Block]:
        louder = (block * ratio for block in blocks)
        return limit(louder, waveform.rate_hz, ceiling, params.lookahead_ms, params.release_ms)

    return waveform.through(process)
