"""The network that hears what is said in Whisper's middle blocks and forgets who says it.

A few convolutions over time around a narrow, normalised waist. It was trained on speech in which one sentence, in one timing, is
said by many voices and has to come out as the same donor's, and then on people's speech, so that Whisper hears in the result
what it hears in the source (scripts/build_voices.py, docs/voice.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BLOCKS = (3, 4)  # of the encoder, counting from 0, whose outputs the network reads


FREED = 0.8  # not all: of a few seconds, the mean is in part what was said in them


def content(outputs: tuple[Floats, ...]) -> Floats:
    """What the network reads, one row every 20 ms, from the outputs of the encoder's blocks."""
    return np.concatenate([outputs[block] for block in BLOCKS], axis=1)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Network:
    """Its arrays, by the names they were trained under."""

    arrays: Mapping[str, Floats]

    def __call__(self, content: Floats, usual: Floats | None = None) -> Floats:
        """What the donors' heads read, one row every 20 ms, from rows of `content`.

        `usual` is the mean row of the speaker's speech; `FREED` of what sets it apart from everybody's is taken out.
        """
        a = self.arrays
        middle = a["mu"] if usual is None else a["mu"] + np.float32(FREED) * (usual - a["mu"])
        rows = self._linear("i", (content - middle) / a["sd"])
        rows = self._residual("enc.0", rows)
        rows = self._residual("enc.1", rows)
        waist = _normed(self._linear("z", self._norm("zn", rows)))
        rows = self._linear("d", waist)
        rows = self._residual("dec.0", rows)
        rows = self._residual("dec.1", rows)
        return self._norm("dn", rows)

    def _linear(self, name: str, rows: Floats) -> Floats:
        out: Floats = rows @ self.arrays[f"{name}.weight"].T + self.arrays[f"{name}.bias"]
        return out

    def _norm(self, name: str, rows: Floats) -> Floats:
        out: Floats = _normed(rows) * self.arrays[f"{name}.weight"] + self.arrays[f"{name}.bias"]
        return out

    def _residual(self, name: str, rows: Floats) -> Floats:
        from scipy.special import erf  # takes longer to import than most commands take to run

        kernel = self.arrays[f"{name}.c.weight"]  # outputs × inputs × width
        width = kernel.shape[2]
        padded = np.pad(self._norm(f"{name}.n", rows), ((width // 2, width // 2), (0, 0)))
        spread = np.concatenate([padded[k : k + len(rows)] for k in range(width)], axis=1)
        wide = spread @ kernel.transpose(2, 1, 0).reshape(-1, len(kernel)) + self.arrays[f"{name}.c.bias"]
        wide = wide * np.float32(0.5) * (1 + erf(wide * np.float32(0.5**0.5)))
        out: Floats = rows + self._linear(f"{name}.l", wide)
        return out


def _normed(rows: Floats) -> Floats:
    rows = rows - rows.mean(axis=1, keepdims=True)
    out: Floats = rows / np.sqrt(np.square(rows).mean(axis=1, keepdims=True) + 1e-5)
    return out
