"""The lower blocks of Whisper's encoder, in plain arrays: what is said, with little of who says it.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022. The middle blocks are used because the
recogniser itself gives only the last one's output, which is worse for this (docs/voice.md has the figures).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE_HZ = 16_000
FRAME_S = 0.02  # of the encoder's rows
LONGEST_S = 30.0  # what there are positions for
HEADS = 8

_WINDOW, _HOP, _MELS = 400, 160, 80  # samples, samples, bands: Whisper's own
_KINDS = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Linear:
    weight: Floats  # inputs × outputs
    bias: Floats

    def __call__(self, rows: Floats) -> Floats:
        out: Floats = rows @ self.weight
        out += self.bias
        return out


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Norm:
    scale: Floats
    shift: Floats

    def __call__(self, rows: Floats) -> Floats:
        rows = rows - rows.mean(axis=1, keepdims=True)
        rows /= np.sqrt(np.square(rows).mean(axis=1, keepdims=True) + 1e-5)
        rows *= self.scale
        rows += self.shift
        return rows


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Block:
    attention_norm: _Norm
    query_key_value: _Linear
    attention_out: _Linear
    network_norm: _Norm
    widen: _Linear
    narrow: _Linear

    def __call__(self, rows: Floats) -> Floats:
        rows = rows + self.attention_out(_attended(self.query_key_value(self.attention_norm(rows))))
        rows += self.narrow(_gelu(self.widen(self.network_norm(rows))))
        return rows


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Encoder:
    """Whisper's encoder up to some block; the same for every thread and process."""

    first: _Linear
    second: _Linear
    positions: Floats
    blocks: tuple[_Block, ...]

    def __call__(self, samples: NDArray[np.floating]) -> tuple[Floats, ...]:
        """The output of every block, each ⌈n / 320⌉ × width, for `n` samples of mono sound at 16 kHz.

        Raises ValueError for more than 30 s: there are no positions for it. Unlike the recogniser, it is not padded to 30 s:
        short recordings would cost as much as long ones.
        """
        if len(samples) > LONGEST_S * RATE_HZ:
            raise ValueError(f"at most {LONGEST_S:g} s at once")
        rows = _gelu(_convolved(log_mel(samples), self.first, 1))
        rows = _gelu(_convolved(rows, self.second, 2))
        rows += self.positions[: len(rows)]
        found = []
        for block in self.blocks:
            rows = block(rows)
            found.append(rows)
        return tuple(found)


def log_mel(samples: NDArray[np.floating]) -> Floats:
    """Whisper's log-mel spectrogram: an even number of 10 ms rows × 80."""
    count = -(-len(samples) // (2 * _HOP)) * 2
    x = np.pad(np.asarray(samples, dtype=np.float32), (0, count * _HOP - len(samples)))
    x = np.pad(x, _WINDOW // 2, mode="reflect" if len(x) > _WINDOW // 2 else "constant")
    frames = np.lib.stride_tricks.sliding_window_view(x, _WINDOW)[::_HOP][:count]
    power = np.square(np.abs(np.fft.rfft(frames * _HANN, axis=1))).astype(np.float32)
    levels = np.log10(np.maximum(power @ _FILTERS, 1e-10))
    floor = levels.max(initial=-8.0) - 8
    scaled: Floats = ((np.maximum(levels, floor) + 4) / 4).astype(np.float32)
    return scaled


def parsed(model: bytes, blocks: int) -> Encoder:
    """The first `blocks` blocks out of a CTranslate2 Whisper model (binary version 6). Raises ValueError for other bytes."""
    try:
        return _encoder(variables(model), blocks)
    except (struct.error, KeyError, UnicodeDecodeError) as strange:
        raise ValueError("not a CTranslate2 Whisper model this version can read") from strange


def _encoder(named: Mapping[str, NDArray[np.generic]], blocks: int) -> Encoder:
    def array(name: str) -> Floats:
        return np.ascontiguousarray(named[f"encoder/{name}"], dtype=np.float32)

    def linear(name: str) -> _Linear:
        return _Linear(np.ascontiguousarray(array(f"{name}/weight").T), array(f"{name}/bias"))

    def convolution(name: str) -> _Linear:
        weight = array(f"{name}/weight")  # outputs × inputs × width
        return _Linear(np.ascontiguousarray(weight.transpose(2, 1, 0).reshape(-1, len(weight))), array(f"{name}/bias"))

    def norm(name: str) -> _Norm:
        return _Norm(array(f"{name}/gamma"), array(f"{name}/beta"))

    def block(name: str) -> _Block:
        return _Block(
            norm(f"{name}/self_attention/layer_norm"),
            linear(f"{name}/self_attention/linear_0"),
            linear(f"{name}/self_attention/linear_1"),
            norm(f"{name}/ffn/layer_norm"),
            linear(f"{name}/ffn/linear_0"),
            linear(f"{name}/ffn/linear_1"),
        )

    return Encoder(
        convolution("conv1"),
        convolution("conv2"),
        array("position_encodings/encodings"),
        tuple(block(f"layer_{number}") for number in range(blocks)),
    )


def variables(model: bytes) -> dict[str, NDArray[np.generic]]:
    """The named arrays of a CTranslate2 Whisper model (binary version 6), as they are stored.

    Raises KeyError, struct.error or UnicodeDecodeError for other bytes.
    """
    data, at = memoryview(model), 0

    def number(kind: str) -> int:
        nonlocal at
        (found,) = struct.unpack_from("<" + kind, data, at)
        at += struct.calcsize(kind)
        return int(found)

    def raw(size: int) -> memoryview:
        nonlocal at
        if at + size > len(data):
            raise struct.error
        at += size
        return data[at - size : at]

    def text() -> str:
        return bytes(raw(number("H"))).rstrip(b"\0").decode()

    if number("I") != 6 or text() != "WhisperSpec":
        raise KeyError("version")
    number("I")  # revision of the specification
    found: dict[str, NDArray[np.generic]] = {}
    for _ in range(number("I")):
        name, rank = text(), number("B")
        shape = tuple(number("I") for _ in range(rank))
        kind = _KINDS[number("B")]
        found[name] = np.frombuffer(raw(number("I")), kind).reshape(shape)
    return found


def _convolved(rows: Floats, linear: _Linear, stride: int) -> Floats:
    """A convolution three rows wide, as one product."""
    padded = np.pad(rows, ((1, 1), (0, 0)))
    count = len(rows)
    return linear(np.concatenate([padded[k : k + count : stride] for k in range(3)], axis=1))


def _attended(rows: Floats) -> Floats:
    width = rows.shape[1] // 3
    query, key, value = (part.reshape(len(rows), HEADS, -1).transpose(1, 0, 2) for part in np.split(rows, 3, axis=1))
    scores = (query * np.float32((width // HEADS) ** -0.5)) @ key.transpose(0, 2, 1)
    scores -= scores.max(axis=2, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=2, keepdims=True)
    attended: Floats = (scores @ value).transpose(1, 0, 2).reshape(len(rows), width).astype(np.float32, copy=False)
    return attended


def _gelu(rows: Floats) -> Floats:
    from scipy.special import erf  # takes longer to import than most commands take to run

    wide: Floats = erf(rows * np.float32(0.5**0.5))
    wide += 1
    wide *= rows
    wide *= np.float32(0.5)
    return wide


def mel_filters(bands: int, size: int) -> Floats:
    """Bins of a transform of `size` samples × `bands`: triangles of equal area, even on Slaney's scale (Auditory Toolbox 1998)."""
    linear_hz, knee_mel, step = 200 / 3, 15.0, np.log(6.4) / 27  # Hz a mel below 1 kHz, where it turns, log step above
    top = knee_mel + np.log(RATE_HZ / 2 / 1000) / step
    mels = np.linspace(0, top, bands + 2)
    corners = np.where(mels < knee_mel, mels * linear_hz, 1000 * np.exp(step * (np.maximum(mels, knee_mel) - knee_mel)))
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)[:, None]
    low, middle, high = corners[:-2], corners[1:-1], corners[2:]
    triangles = np.minimum((hz - low) / (middle - low), (high - hz) / (high - middle)).clip(0)
    filters: Floats = (triangles * 2 / (high - low)).astype(np.float32)
    return filters


_FILTERS = mel_filters(_MELS, _WINDOW)
_HANN = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
