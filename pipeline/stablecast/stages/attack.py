"""Attack a new voice as somebody with software would, before anyone is asked to approve it.

Vectors and scores live in memory for as long as this runs; what is kept says whether the speaker was found, and at which rank.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stablecast.model import AnonymisedAudio, Method, SourceAudio, Waveform
from stablecast.stages.assemble import resampled
from stablecast.stages.turns import Embedder
from stablecast.voice import verifier
from stablecast.voice.attack import Standing, standing, tries
from stablecast.voice.residue import residue
from stablecast.voice.verifier import RATE_HZ, Rows

VERSION = 2

MARGIN, SEARCH_MARGIN, RESIDUE = 2.5, 3.0, 12.0  # see docs/voice.md for what they let through and hold back
SILENT = 10 ** (-80 / 20)  # of full scale: what may be left, by rounding, where words were taken out


@dataclass(frozen=True, slots=True)
class AttackParams:
    """When a cut counts as recognised. The limits may be made stricter than they are, not laxer."""

    pieces: int = 40  # stretches of 0.8 s of speech, from all over the recording, by which voices are compared
    margin: float = MARGIN  # deviations above the cohort from which a speaker who is likest counts as recognised
    search_margin: float = SEARCH_MARGIN  # the same, after every shift and warp was tried
    residue: float = RESIDUE  # deviations from which something of the original counts as found under the new voice

    def __post_init__(self) -> None:
        if not 10 <= self.pieces <= 200:
            raise ValueError("pieces is from 10 to 200")
        for name, most in (("margin", MARGIN), ("search_margin", SEARCH_MARGIN), ("residue", RESIDUE)):
            if not 0 <= getattr(self, name) <= most:
                raise ValueError(f"{name} is from 0 to {most:g}: this gate can be made stricter, not laxer")


@dataclass(frozen=True, slots=True)
class Attacked:
    """All that is kept of an attack on one speaker's new voice."""

    method: Method
    rank: int  # of the speaker among the cohort and themselves, from 1, by the better attack; 0: no speech to attack
    cohort: int
    recognised: bool
    left: bool  # something of the original was found under the new voice
    shown: bool  # the search for it found what was put there to be found
    uncut: bool = False  # something sounds where words were taken out

    @property
    def passed(self) -> bool:
        """Whether the attack came to nothing."""
        return not self.recognised and not self.left and self.shown and not self.uncut


def attack(
    source: SourceAudio, cut: AnonymisedAudio, params: AttackParams, *, embedder: Embedder, cohort: Rows
) -> Attacked:
    """What an attack on `cut` comes to for somebody who has `source`; `cohort` holds other people's voices, a unit row each.

    `source` is read twice and `cut` three times, in blocks. The time is that of comparing `pieces` in some thirty ways, however
    long they are, and a thousandth of their length.
    """
    own, new = resampled(source.waveform, RATE_HZ), resampled(cut.waveform, RATE_HZ)
    under = residue(own.blocks(), new.blocks())
    plain, searched = _standings(own, new, params.pieces, embedder, cohort)
    return Attacked(
        cut.method,
        min(plain.rank, searched.rank),
        len(cohort),
        _recognised(plain, params.margin) or _recognised(searched, params.search_margin),
        under.found >= params.residue,
        under.control >= params.residue or not plain.rank,
        _uncut(cut),
    )


def _uncut(cut: AnonymisedAudio) -> bool:
    """Whether anything sounds in a span. No recogniser has to understand it: a name it misses may be plain to a listener."""
    rate, at = cut.waveform.rate_hz, 0
    for block in cut.waveform.blocks():
        for span in cut.spans:
            first, last = math.ceil(span.start_s * rate) - at, math.floor(span.end_s * rate) - at
            if np.abs(block[max(first, 0) : max(last, 0)]).max(initial=0.0) > SILENT:
                return True
        at += len(block)
    return False


def _standings(
    own: Waveform, new: Waveform, pieces: int, embedder: Embedder, cohort: Rows
) -> tuple[Standing, Standing]:
    """Of the plain attack and of the search; both of rank 0 where one of the two holds no speech."""
    said, heard = (verifier.speech(audio.blocks(), audio.length, pieces) for audio in (own, new))
    if not len(said) or not len(heard):
        return Standing(0, 0.0), Standing(0, 0.0)
    speaker = verifier.voice(embedder.embed(verifier.windows(said, pieces)))
    tried = np.stack([verifier.voice(embedder.embed(verifier.windows(one, pieces))) for one in tries(heard)])
    return standing(tried[:1], speaker, cohort), standing(tried, speaker, cohort)


def _recognised(standing: Standing, margin: float) -> bool:
    return standing.rank == 1 and standing.margin >= margin
