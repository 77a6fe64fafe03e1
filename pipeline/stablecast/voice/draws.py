"""The random numbers that make one speaker's new voice in one episode, all from one secret.

Who knows a draw can undo much of the change, and a draw used twice links two recordings. So the secret comes from the
operating system's generator, is new for every speaker and episode, and is destroyed after release; none of that happens here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, Philox

from stablecast.voice.characters import Character

SECRET_BYTES = 32

# How wide the draws are. Wide is the protection: each step down was measured to make speakers easier to recognise.
REGISTER_ST = 3.5
TRACT = 0.25  # formants times e^±0.25
KNOT = 0.12  # each region of the frequency axis times e^±0.12 more
EQ_DB = 10.0
TILT_DB_OCT = 4.0
DEPTH = 0.25  # the envelope's peaks and valleys, in decibels, times e^±0.25
DONORS = 8  # more of them than this share shares
DRIFT_S = (3.0, 11.0)  # periods of the slow drift of the register

KNOTS_HZ = (0.0, 700.0, 1500.0, 2500.0, 3600.0, 5000.0, 8000.0)
EQ_HZ = (0.0, 300.0, 800.0, 1500.0, 2500.0, 3800.0, 5500.0, 8000.0)

_DOMAIN = b"stablecast voice draw, version 1\0"


@dataclass(frozen=True, slots=True, repr=False)
class Draw:
    """One speaker's draw in one episode. Shows nothing of itself in logs and tracebacks."""

    register_st: float  # semitones
    tract: float  # natural logarithm of a ratio of frequencies
    knots: tuple[float, ...]  # the same, for the inner knots of KNOTS_HZ
    eq_db: tuple[float, ...]  # at EQ_HZ
    tilt_db_oct: float
    depth: float  # natural logarithm of a ratio
    drift: tuple[tuple[float, float], ...]  # period in seconds and phase in turns of each slow wave
    mixture: tuple[float, ...]  # shares of the donors; before they are made to add up to 1
    hiss: int  # the key of all that is noise in the voice

    def noise(self, start: int) -> Generator:
        """The noise of the piece that starts at that sample: the same hiss under two draws would link two recordings."""
        return Generator(Philox(key=self.hiss, counter=start))

    def __repr__(self) -> str:
        return "Draw(…)"


def draw_from(secret: bytes, character: Character) -> Draw:
    """The draw of `secret` for `character`: the same two always give the same draw, others an unrelated one.

    Raises ValueError for a secret that is not 32 bytes.
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a draw's secret has {SECRET_BYTES} bytes")
    digest = hashlib.sha256(_DOMAIN + secret + character.name.encode()).digest()
    numbers = Generator(
        Philox(key=int.from_bytes(digest[:16], "little"), counter=int.from_bytes(digest[16:], "little"))
    )

    def several(count: int, most: float) -> tuple[float, ...]:
        return tuple(float(number) for number in numbers.uniform(-most, most, count))

    return Draw(
        register_st=several(1, REGISTER_ST)[0],
        tract=several(1, TRACT)[0],
        knots=several(len(KNOTS_HZ) - 2, KNOT),
        eq_db=several(len(EQ_HZ), EQ_DB),
        tilt_db_oct=several(1, TILT_DB_OCT)[0],
        depth=several(1, DEPTH)[0],
        drift=tuple((float(np.interp(numbers.random(), (0, 1), DRIFT_S)), float(numbers.random())) for _ in range(3)),
        mixture=tuple(float(share) for share in numbers.exponential(size=DONORS)),
        hiss=int.from_bytes(numbers.bytes(16), "little"),
    )
